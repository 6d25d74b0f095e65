//! `tunnelproof run`: from arguments to an exit code.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::thread;

use tunnelproof_vectors::Suite;

use super::args::{Format, OutputArgs, ReportArgs};
use super::run_args::RunArgs;
use super::{Failure, suite, with_live};
use crate::known::KnownFailures;
use crate::log::{Entry, Tally};
use crate::recorder::{About, Recorder};
use crate::report::Report;
use crate::report::human::Human;
use crate::report::json::Json;
use crate::report::junit::Junit;
use crate::report::progress::Progress;
use crate::report::statement::Statement;
use crate::runner::{self, Plan};
use crate::shim::{Limits, Program};
use crate::stop::Stop;

pub fn run(args: &RunArgs) -> Result<u8, Failure> {
    let suite = match &args.vectors {
        Some(directory) => Suite::from_dir(directory).map_err(|e| Failure::Usage(e.to_string()))?,
        None => suite()?,
    };
    let filter = args.filter.filter();
    let cases = filter.select(&suite).map_err(Failure::Usage)?;
    let known = match &args.end.known_failures {
        Some(path) => KnownFailures::read(path).map_err(Failure::Usage)?,
        None => KnownFailures::default(),
    };
    let program = program(&args.command)?;
    let about = About {
        subcommand: "run",
        suite: &suite,
        cases: &cases,
        selection: filter.describe(),
        command: args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        options: options(args),
    };
    let reports = reports(&args.report, &suite, cases.len())?;
    let mut recorder = Recorder::new(about, &known, reports);
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get().min(8));
    let plan = Plan {
        suite: &suite,
        cases: cases.clone(),
        program,
        limits: Limits { hello: args.shim.start_timeout, case: args.shim.timeout },
        jobs: args.shim.jobs.unwrap_or(cores),
        max_inflight: args.shim.max_inflight,
        oneshot: args.oneshot,
        ends: &|vector, verdict| {
            args.end.fail_fast && known.apply(&vector.id, verdict.clone()).is_red()
        },
        rerun: !args.end.no_rerun,
        time_limit: args.end.time_limit,
    };
    let stop = Stop::on_signals()?;
    recorder.record(&stop, |tell| runner::run(&plan, &stop, tell))?;
    let (tally, summary) = recorder.finish(&stop)?;
    if let Some(path) = &args.write_known_failures {
        std::fs::write(path, known.write(&tally.results)).map_err(|e| cannot_write(path, &e))?;
    }
    Ok(summary.exit)
}

/// The shim's command, or the built-in reference.
pub fn program(command: &[OsString]) -> io::Result<Program> {
    if !command.is_empty() {
        return Ok(Program { command: command.to_vec() });
    }
    let this = std::env::current_exe()?;
    Ok(Program { command: vec![this.into(), "shim".into()] })
}

/// What a run of a single case has to be told too.
fn options(args: &RunArgs) -> Vec<String> {
    let mut options = Vec::new();
    if args.oneshot {
        options.push("--oneshot".to_owned());
    }
    if let Some(directory) = &args.vectors {
        options.push("--vectors".to_owned());
        options.push(directory.display().to_string());
    }
    options
}

pub fn reports<'a>(
    args: &OutputArgs,
    suite: &'a Suite,
    cases: usize,
) -> Result<Vec<Box<dyn Report + 'a>>, Failure> {
    let mut reports: Vec<Box<dyn Report + 'a>> = vec![Box::new(Progress::new(cases))];
    match &args.output {
        None => reports.push(report(args.format, stdout(args.format), suite, args.failures)),
        Some(path) => {
            let file: Box<dyn Write> = Box::new(create(path)?);
            let plain = Box::new(anstream::StripStream::new(file));
            reports.push(report(args.format, plain, suite, args.failures));
            reports.push(report(Format::Human, stdout(Format::Human), suite, args.failures));
        }
    }
    if let Some(path) = &args.statement {
        reports.push(Box::new(Statement::new(create(path)?)));
    }
    Ok(reports)
}

fn report<'a>(
    format: Format,
    output: Box<dyn Write>,
    suite: &'a Suite,
    failures: usize,
) -> Box<dyn Report + 'a> {
    match format {
        Format::Human => Box::new(Human::new(output, suite, failures)),
        Format::Json => Box::new(Json::new(output)),
        Format::Junit => Box::new(Junit::new(output)),
    }
}

/// Standard output, coloured if it is a terminal and the report is for people.
fn stdout(format: Format) -> Box<dyn Write> {
    match format {
        Format::Human => Box::new(anstream::stdout()),
        Format::Json | Format::Junit => Box::new(io::stdout()),
    }
}

pub fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    File::create(path).map(BufWriter::new).map_err(|e| cannot_write(path, &e))
}

pub fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::Usage(format!("can't write {}: {error}", path.display()))
}

/// Makes a report from a result log.
pub fn report_log(args: &ReportArgs) -> Result<u8, Failure> {
    let text = std::fs::read_to_string(&args.log)
        .map_err(|e| Failure::Usage(format!("can't read {}: {e}", args.log.display())))?;
    let suite = with_live(suite()?)?;
    let mut report = report(args.format, stdout(args.format), &suite, args.failures);
    let mut tally = Tally::default();
    for (index, line) in text.lines().enumerate() {
        let entry: Entry = serde_json::from_str(line).map_err(|e| {
            let file = args.log.display();
            Failure::Usage(format!("{file}:{}: not an entry of a result log: {e}", index + 1))
        })?;
        tally.add(&entry);
        report.entry(&entry)?;
    }
    report.finish(&tally)?;
    match &tally.summary {
        Some(summary) => Ok(summary.exit),
        None => {
            Err(Failure::Usage(format!("{} has no summary: it is cut off", args.log.display())))
        }
    }
}
