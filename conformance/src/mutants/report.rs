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
    let meant = report.rows.iter().filter(|row| row.is_caught_as_meant()).count();
    writeln!(
        text,
        "{caught} of {} mutants are caught, {meant} of them by a vector that is meant for a rule that\n\
         they break.\n",
        report.rows.len()
    )?;
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

#[cfg(test)]
mod tests {
    use tunnelproof_vectors::Suite;

    use super::*;
    use crate::mutants::{Kind, all};

    #[test]
    fn a_report_shows_what_is_caught_what_is_not_and_what_is_idle() {
        let suite = Suite::embedded().unwrap();
        let [first, second, ..] = &suite.vectors[..] else { panic!("a suite of two vectors") };
        let mutants: Vec<_> = all().take(3).collect();
        let catch = |kind| Catch { vector: first, kind };
        let row = |index: usize, catches| Row { mutant: mutants[index], catches };
        let report = Report {
            extent: Extent::Everything,
            faults: vec![(second, "out.id: expected 00, found 01".to_owned())],
            rows: vec![
                row(0, vec![catch(mutants[0].kinds[0])]),
                row(1, vec![catch(Kind::Crash)]),
                row(2, Vec::new()),
            ],
            idle: vec![second],
        };
        assert!(!report.is_good());
        let text = markdown(&report);
        assert!(text.contains("1 of 3 mutants are caught, "), "{text}");
        assert!(text.contains(&format!("- `{}`: out.id: expected 00, found 01", second.id)));
        assert!(text.contains(&format!("| `{}` (wrong_accept) |", first.id)), "{text}");
        let misfit = format!("| **none that fits**: `{}` (but crash) |", first.id);
        assert!(text.contains(&misfit), "{text}");
        assert!(text.contains("| **nothing** |"), "{text}");
        assert!(text.ends_with(&format!("1 vectors:\n\n- `{}`\n", second.id)), "{text}");
    }
}
