//! Commands that check the harness itself, and the shims that it has built in.

use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{SelftestArgs, ShimArgs, TableFormat, VectorsCommand};
use super::live_args::ProfileArg;
use super::{Failure, live_selftest, suite};
use crate::controls::{self, CONTROLS};
use crate::fuzz;
use crate::model::Model;
use crate::mutants::{self, Extent};
use crate::reference_shim;
use crate::stop::{Reason, Stop};
use crate::trace;
use tunnelproof_vectors::lint::{lint_dir, lint_embedded};
use tunnelproof_vectors::{Suite, build};

/// Serves a built-in shim.
pub fn shim(args: &ShimArgs) -> Result<u8, Failure> {
    if let Some(name) = &args.control {
        let Some(control) = controls::find(name) else {
            let names: Vec<&str> = CONTROLS.iter().map(|control| control.name).collect();
            let names = names.join(", ");
            return Err(Failure::Usage(format!(
                "there is no control {name:?}; there are: {names}"
            )));
        };
        let mut model = Model::new(None, Arc::default());
        let input = BufReader::new(io::stdin());
        let output = io::BufWriter::new(io::stdout());
        controls::serve(control.behaviour, &mut model, input, output)?;
    } else if args.model || args.mutant.is_some() {
        let served = mutants::serve_stdio(args.mutant.as_deref());
        served.map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Failure::Usage(e.to_string()),
            _ => Failure::Output(e),
        })?;
    } else {
        reference_shim::serve_stdio()?;
    }
    Ok(0)
}

/// Runs the controls, and the mutants if asked to.
pub fn selftest(args: &SelftestArgs) -> Result<u8, Failure> {
    let mut output = io::stdout();
    if args.live {
        let tls = args.profile.map(|profile| profile == ProfileArg::Tls);
        return live_selftest::run(args.format, tls, &mut output);
    }
    let suite = suite()?;
    if args.by_fuzz {
        return by_fuzz(args, &mut output);
    }
    if args.format == Some(TableFormat::Md) {
        let report = mutants::run_all(&suite, Extent::Everything);
        output.write_all(mutants::markdown(&report).as_bytes())?;
        return Ok(u8::from(!report.is_good()));
    }
    let stop = Stop::on_signals()?;
    let controls = run_controls(&suite, &stop, &mut output)?;
    if stop.is_set() {
        writeln!(output, "\ninterrupted")?;
        return Ok(130);
    }
    let mutants = if args.mutants { run_mutants(&suite, &mut output)? } else { true };
    Ok(u8::from(!(controls && mutants)))
}

/// How many mutants the fuzzer finds; red only if the model without a bug differs from the reference.
fn by_fuzz(args: &SelftestArgs, output: &mut impl Write) -> Result<u8, Failure> {
    let report =
        fuzz::mutants::run(&fuzz::mutants::every(), &|_| true, args.seed, u64::MAX, args.seconds);
    if args.format == Some(TableFormat::Md) {
        output.write_all(fuzz::mutants::markdown(&report).as_bytes())?;
    } else {
        for (number, fault) in &report.faults {
            writeln!(output, "WRONG: case {number} of seed {}: {fault}", report.seed)?;
        }
        for row in report.rows.iter().filter(|row| row.found.is_none()) {
            writeln!(output, "not found: {} ({})", row.mutant.name(), row.mutant.about)?;
        }
        let (found, all) = (report.found(), report.rows.len());
        let (cases, time) = (report.cases, report.time.as_secs_f64());
        writeln!(output, "{found} of {all} mutants are found by {cases} cases in {time:.0} s")?;
        writeln!(
            output,
            "those of certificates, names and lists are not among them: such cases are not made"
        )?;
    }
    Ok(u8::from(!report.faults.is_empty()))
}

/// Whether every control came to what it has to come to.
fn run_controls(suite: &Suite, stop: &Stop, output: &mut impl Write) -> Result<bool, Failure> {
    let this = std::env::current_exe()?.into_os_string();
    let mut written = Ok(());
    let mut wrong = 0;
    controls::selftest(&this, suite, stop, &mut |outcome| {
        let counts: Vec<String> =
            outcome.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let verdict = if outcome.faults.is_empty() {
            "ok".to_owned()
        } else {
            wrong += 1;
            format!("WRONG: {}", outcome.faults.join(", "))
        };
        if written.is_ok() {
            written = writeln!(
                output,
                "{:<17} exit {}  {:>5.2} s  {:<28} {verdict}  ({})",
                outcome.control.name,
                outcome.exit,
                outcome.took.as_secs_f64(),
                counts.join(", "),
                outcome.control.about,
            );
        }
        if written.is_err() {
            stop.set(Reason::OutputClosed);
        }
    });
    written?;
    let all = CONTROLS.len();
    writeln!(output, "\n{} of {all} controls came to what they have to come to", all - wrong)?;
    Ok(wrong == 0)
}

/// Whether the vectors catch every mutant.
fn run_mutants(suite: &Suite, output: &mut impl Write) -> Result<bool, Failure> {
    let report = mutants::run_all(suite, Extent::UntilCaught);
    for (vector, fault) in &report.faults {
        writeln!(output, "WRONG: the model without a bug fails {}: {fault}", vector.id)?;
    }
    for row in report.rows.iter().filter(|row| !row.is_caught()) {
        let mutant = row.mutant;
        writeln!(output, "WRONG: nothing catches {} ({})", mutant.name(), mutant.about)?;
    }
    let caught = report.rows.iter().filter(|row| row.is_caught()).count();
    writeln!(output, "{caught} of {} mutants are caught by the vectors", report.rows.len())?;
    Ok(report.is_good())
}

/// Checks or builds the vectors of a checkout.
pub fn vectors(command: &VectorsCommand) -> Result<u8, Failure> {
    let (result, done) = match command {
        VectorsCommand::Lint { data } => return lint(data.as_deref()),
        VectorsCommand::Build => (build::build(&root()?), "made"),
        VectorsCommand::Check => (build::check(&root()?), "as made"),
    };
    let mut output = io::stdout();
    match result {
        Ok(count) => writeln!(output, "{count} files are {done}")?,
        Err(problem) => {
            writeln!(output, "{problem}")?;
            return Ok(1);
        }
    }
    Ok(0)
}

/// Checks the vectors; each finding is a line with the file and the vector.
fn lint(data: Option<&Path>) -> Result<u8, Failure> {
    let directory =
        data.map(Path::to_owned).or_else(|| Some(trace::checkout()?.join("vectors/data")));
    let (findings, place) = match directory {
        Some(directory) => (lint_dir(&directory), directory.display().to_string()),
        None => (lint_embedded(), "the built-in vectors".to_owned()),
    };
    let mut output = io::stdout();
    for finding in &findings {
        writeln!(output, "{finding}")?;
    }
    match findings.len() {
        0 => writeln!(output, "{place}: no finding")?,
        1 => writeln!(output, "1 finding")?,
        many => writeln!(output, "{many} findings")?,
    }
    Ok(u8::from(!findings.is_empty()))
}

fn root() -> Result<PathBuf, Failure> {
    trace::checkout().ok_or_else(|| {
        Failure::Usage("not in a checkout of the project, where the vectors are".into())
    })
}
