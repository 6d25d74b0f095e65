//! Commands that check the harness itself, and the shims that it has built in.

use std::io::{self, BufReader, Write};
use std::path::Path;
use std::sync::Arc;

use super::args::{SelftestArgs, ShimArgs, VectorsCommand};
use super::{Failure, suite};
use crate::controls::{self, CONTROLS};
use crate::model::Model;
use crate::reference_shim;
use crate::stop::Stop;
use crate::trace;
use tunnelproof_vectors::{Suite, build};

/// Serves a built-in shim.
pub fn shim(args: &ShimArgs) -> Result<u8, Failure> {
    let Some(name) = &args.control else {
        return Ok(reference_shim::serve_stdio().map(|()| 0)?);
    };
    let Some(control) = controls::find(name) else {
        let names: Vec<&str> = CONTROLS.iter().map(|control| control.name).collect();
        return Err(Failure::Usage(format!(
            "there is no control {name:?}; there are: {}",
            names.join(", ")
        )));
    };
    let mut model = Model::new(None, Arc::default());
    let input = BufReader::new(io::stdin());
    let output = io::BufWriter::new(io::stdout());
    Ok(controls::serve(control.behaviour, &mut model, input, output).map(|()| 0)?)
}

/// Runs the controls.
pub fn selftest(_args: &SelftestArgs) -> Result<u8, Failure> {
    let suite = suite()?;
    let this = std::env::current_exe()?.into_os_string();
    let stop = Stop::on_signals()?;
    let mut output = io::stdout();
    let mut written = Ok(());
    let mut wrong = 0;
    controls::selftest(&this, &suite, &stop, &mut |outcome| {
        let counts: Vec<String> =
            outcome.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let verdict = if outcome.faults.is_empty() {
            "ok".to_owned()
        } else {
            wrong += 1;
            format!("WRONG: {}", outcome.faults.join(", "))
        };
        let line = format!(
            "{:<17} exit {}  {:>5.2} s  {:<28} {verdict}  ({})",
            outcome.control.name,
            outcome.exit,
            outcome.took.as_secs_f64(),
            counts.join(", "),
            outcome.control.about,
        );
        if written.is_ok() {
            written = writeln!(output, "{line}");
        }
    });
    written?;
    if let Some(reason) = stop.reason() {
        writeln!(output, "\nstopped: {reason:?}")?;
        return Ok(130);
    }
    let all = CONTROLS.len();
    writeln!(output, "\n{} of {all} controls came to what they have to come to", all - wrong)?;
    Ok(u8::from(wrong > 0))
}

/// Checks or builds the vectors of a checkout.
pub fn vectors(command: &VectorsCommand) -> Result<u8, Failure> {
    let root = || {
        trace::checkout().ok_or_else(|| {
            Failure::Usage("not in a checkout of the project, where the vectors are".into())
        })
    };
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

/// Checks the vectors; a fault is a line with the file and the vector.
fn lint(data: Option<&Path>) -> Result<u8, Failure> {
    let directory = match data {
        Some(directory) => directory.to_owned(),
        None => trace::checkout().map(|root| root.join("vectors/data")).ok_or_else(|| {
            Failure::Usage(
                "not in a checkout of the project: give the directory of the vectors".into(),
            )
        })?,
    };
    let mut output = io::stdout();
    match Suite::from_dir(&directory) {
        Ok(suite) => {
            writeln!(output, "{} vectors, no finding", suite.vectors.len())?;
            Ok(0)
        }
        Err(e) => {
            writeln!(output, "{e}")?;
            Ok(1)
        }
    }
}
