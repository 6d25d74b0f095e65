//! The table of mutants and of the vectors that catch them, in Markdown.

use std::fmt::Write;

use super::{Catch, Extent, Report, Row};

/// More vectors than this are counted, not named.
const NAMED: usize = 6;

/// The whole report in Markdown.
#[must_use]
pub fn markdown(report: &Report<'_>) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write(report, &mut text);
    text
}

fn write(report: &Report<'_>, text: &mut String) -> std::fmt::Result {
    let caught = report.rows.iter().filter(|row| row.is_caught()).count();
    writeln!(text, "# Mutants\n")?;
    writeln!(
        text,
        "Implementations with one bug each, and the vectors that fail them. Made by\n\
         `tunnelproof selftest --mutants --format md`.\n"
    )?;
    writeln!(text, "{caught} of {} mutants are caught.\n", report.rows.len())?;
    if !report.faults.is_empty() {
        writeln!(text, "## Vectors that the model without a bug fails\n")?;
        for (vector, fault) in &report.faults {
            writeln!(text, "- `{}`: {fault}", vector.id)?;
        }
        writeln!(text)?;
    }
    writeln!(text, "| mutant | what it does | breaks | caught by |\n|---|---|---|---|")?;
    for row in &report.rows {
        writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            row.mutant.name(),
            row.mutant.about,
            row.mutant.breaks.replace(' ', ", "),
            catches(row)
        )?;
    }
    if report.extent != Extent::Everything {
        return Ok(());
    }
    writeln!(text, "\n## Vectors that no mutant fails\n")?;
    writeln!(text, "{} vectors:\n", report.idle.len())?;
    for vector in &report.idle {
        writeln!(text, "- `{}`", vector.id)?;
    }
    Ok(())
}

/// Those with a verdict that fits come first.
fn catches(row: &Row<'_>) -> String {
    if row.catches.is_empty() {
        return "**nothing**".to_owned();
    }
    let fits = |catch: &&Catch<'_>| row.mutant.kinds.contains(&catch.kind);
    let (fitting, others): (Vec<_>, Vec<_>) = row.catches.iter().partition(fits);
    let mut text = String::new();
    for (index, catch) in fitting.iter().chain(&others).take(NAMED).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let kind = if fits(catch) {
            catch.kind.name().to_owned()
        } else {
            format!("but {}", catch.kind.name())
        };
        let _ = write!(text, "{comma}`{}` ({kind})", catch.vector.id);
    }
    if row.catches.len() > NAMED {
        let _ = write!(text, " and {} more", row.catches.len() - NAMED);
    }
    if row.is_caught() { text } else { format!("**none that fits**: {text}") }
}
