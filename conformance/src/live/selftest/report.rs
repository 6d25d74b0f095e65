//! The table of the live mutants and of what catches each, in Markdown.

use std::fmt::Write;

use super::{Report, Row};

/// The whole report in Markdown.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write(report, &mut text);
    text
}

fn write(report: &Report, text: &mut String) -> std::fmt::Result {
    let count = |is: fn(&&Row) -> bool| report.rows.iter().filter(is).count();
    writeln!(
        text,
        "# Mutants with sockets\n\n\
         Endpoints with one bug each, and the first live case that failed. Made by\n\
         `tunnelproof selftest --live --format md`.\n\n\
         {} of {} are caught, {} of them by a case for a rule that they break.\n",
        count(|row| row.catch.is_some()),
        report.rows.len(),
        count(|row| row.catch.as_ref().is_some_and(|catch| catch.fits)),
    )?;
    for control in &report.controls {
        let (role, passed) = (control.role.name(), control.passed);
        let with = if control.tls { " with TLS" } else { "" };
        writeln!(text, "The {role} without a bug passes {passed} cases{with}.\n")?;
        for fault in &control.faults {
            writeln!(text, "- It fails `{}`: {}", fault.case, fault.sentence)?;
        }
        if let Some(trouble) = &control.trouble {
            writeln!(text, "- {trouble}")?;
        }
    }
    writeln!(text, "| mutant | role | what it does | breaks | caught by |\n|---|---|---|---|---|")?;
    for row in &report.rows {
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            row.mutant.name,
            row.role.name(),
            row.mutant.about,
            row.mutant.breaks.replace(' ', ", "),
            caught_by(row)
        )?;
    }
    Ok(())
}

fn caught_by(row: &Row) -> String {
    match (&row.catch, &row.trouble) {
        (Some(catch), _) => {
            let rule = if catch.fits { "" } else { ", by another rule" };
            format!("`{}` ({}{rule})", catch.case, catch.verdict)
        }
        (None, Some(trouble)) => format!("**nothing**: {trouble}"),
        (None, None) => "**nothing**".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::live::selftest::{Catch, Control};
    use crate::live::{Role, mutants};

    #[test]
    fn a_report_shows_what_is_caught_by_what_and_what_is_not() {
        let took = Duration::ZERO;
        let catch = |fits| Catch {
            case: "live/server/some/case".into(),
            verdict: "wrong_accept",
            sentence: "expected something else".into(),
            fits,
        };
        let catches = [Some(catch(true)), Some(catch(false)), None];
        let rows = mutants::SERVER.iter().zip(catches).map(|(mutant, catch)| Row {
            mutant,
            role: Role::Server,
            catch,
            trouble: None,
            took,
        });
        let control = |faults| Control {
            role: Role::Client,
            tls: false,
            passed: 7,
            faults,
            trouble: None,
            took,
        };
        let mut report = Report { rows: rows.collect(), controls: vec![control(Vec::new())] };
        let text = markdown(&report);
        assert!(!report.is_good());
        assert!(text.contains("2 of 3 are caught, 1 of them by a case"), "{text}");
        assert!(text.contains("| `live/server/some/case` (wrong_accept) |"), "{text}");
        assert!(text.contains("(wrong_accept, by another rule) |"), "{text}");
        assert!(text.contains("| **nothing** |"), "{text}");
        report.rows.truncate(2);
        assert!(report.is_good());
        report.controls = vec![control(vec![catch(false)])];
        assert!(!report.is_good(), "the control has to pass");
        let fault = "- It fails `live/server/some/case`: expected something else";
        assert!(markdown(&report).contains(fault));
    }
}
