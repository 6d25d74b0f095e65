//! `tunnelproof selftest --live`.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Failure;
use super::args::TableFormat;
use super::live::{default_traces, salt};
use crate::live::selftest::{self, Control, Done, Report, Row};
use crate::stop::Stop;

/// Runs the mutants with sockets, and the endpoint without a bug: those with TLS, those without, or all.
pub fn run(
    format: Option<TableFormat>,
    tls: Option<bool>,
    output: &mut impl Write,
) -> Result<u8, Failure> {
    let begun = Instant::now();
    let this = std::env::current_exe()?.into_os_string();
    let stop = Stop::on_signals()?;
    let traces = default_traces();
    let bar = bar(tls);
    let mut missed = 0;
    let report = selftest::run(&this, tls, (&traces, &salt()), &stop, &mut |done| {
        bar.inc(1);
        missed += usize::from(matches!(done, Done::Row(row) if row.catch.is_none()));
        if missed > 0 {
            bar.set_message(format!("{missed} not caught"));
        }
    });
    bar.finish_and_clear();
    let report = report.map_err(Failure::Usage)?;
    if stop.is_set() {
        writeln!(output, "interrupted")?;
        return Ok(130);
    }
    let is_good = report.is_good();
    match format {
        Some(TableFormat::Md) => output.write_all(selftest::markdown(&report).as_bytes())?,
        None => write(&report, begun.elapsed(), output)?,
    }
    if is_good {
        // The traces of failures that had to be: nobody needs them.
        let _ = std::fs::remove_dir_all(&traces);
    } else {
        writeln!(output, "wire traces are in {}", traces.display())?;
    }
    Ok(u8::from(!is_good))
}

fn bar(tls: Option<bool>) -> ProgressBar {
    let size = selftest::size(tls) as u64;
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}");
    bar.set_style(style.expect("the template is well-formed"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn write(report: &Report, took: Duration, output: &mut impl Write) -> std::io::Result<()> {
    for row in &report.rows {
        writeln!(output, "{}", line(row))?;
    }
    writeln!(output)?;
    for Control { role, tls, passed, faults, trouble, took } in &report.controls {
        for fault in faults {
            writeln!(output, "WRONG: without a bug it fails {}: {}", fault.case, fault.sentence)?;
        }
        if let Some(trouble) = trouble {
            writeln!(output, "WRONG: {trouble}")?;
        }
        let (role, took) = (role.name(), took.as_secs_f64());
        let with = if *tls { " with TLS" } else { "" };
        writeln!(output, "the {role} without a bug passes {passed} cases{with}, {took:.1} s")?;
    }
    let caught = report.rows.iter().filter(|row| row.catch.is_some()).count();
    let (all, took) = (report.rows.len(), took.as_secs_f64());
    writeln!(output, "{caught} of {all} mutants are caught by the live checks, {took:.0} s")
}

fn line(row: &Row) -> String {
    let found = match (&row.catch, &row.trouble) {
        (Some(catch), _) => {
            let rule = if catch.fits { "" } else { ", by another rule" };
            format!("{} ({}{rule})", catch.case, catch.verdict)
        }
        (None, trouble) => {
            let trouble = trouble.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            format!("WRONG: nothing catches it ({}){trouble}", row.mutant.about)
        }
    };
    let took = row.took.as_secs_f64();
    format!("{:<32} {} {took:>6.1} s  {found}", row.mutant.name, row.role.name())
}
