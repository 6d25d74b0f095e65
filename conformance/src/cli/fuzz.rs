//! `tunnelproof fuzz`: from arguments to an exit code.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tunnelproof_vectors::{Suite, Vector};

use super::fuzz_args::{FuzzArgs, FuzzFormat};
use super::run::{cannot_write, create, program};
use super::{Failure, suite};
use crate::fuzz::{
    Found, Human, Hunt, Json, Note, OP_NAMES, Report, Run, Tally, document_text, hunt, replay,
};
use crate::shim::Limits;
use crate::stop::{Reason, Stop};

/// Without a bound by the user.
const USUAL: Duration = Duration::from_secs(30);

pub fn fuzz(args: &FuzzArgs) -> Result<u8, Failure> {
    let suite = suite()?;
    let wanted = selection(args).map_err(Failure::Usage)?;
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get().min(8));
    let unbounded = args.cases.is_some() || args.case.is_some();
    let search = Hunt {
        suite: &suite,
        program: program(&args.command)?,
        limits: Limits { hello: args.shim.start_timeout, case: args.shim.timeout },
        jobs: args.shim.jobs.unwrap_or(cores),
        max_inflight: args.shim.max_inflight,
        seed: args.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish()),
        first: args.case.unwrap_or(0),
        cases: args.case.map_or(args.cases, |_| Some(1)),
        time: args.seconds.or((!unbounded).then_some(USUAL)),
        wanted: &|op| wanted.is_empty() || wanted.contains(&op),
        max_findings: args.max_findings,
        attempts: args.shrink,
    };
    let words: Vec<_> = args.command.iter().map(|word| quoted(&word.to_string_lossy())).collect();
    let about = Run {
        seed: search.seed,
        suite: suite.version.clone(),
        command: words.join(" "),
        constants: Suite::constants().map_err(|e| Failure::Usage(e.to_string()))?,
    };
    let mut told = Told::new(about, reports(args)?, args.save.clone());
    let stop = Stop::on_signals()?;
    let mut ended = Ok(());
    let mut tell = |note: Note<'_>| {
        if ended.is_ok() {
            ended = told.note(note);
        }
        if ended.is_err() {
            stop.set(Reason::OutputClosed);
        }
    };
    let tally = match &args.replay {
        Some(file) => replay(&search, &vectors(file)?, &stop, &mut tell),
        None => hunt(&search, &stop, &mut tell),
    };
    ended?;
    told.finish(&tally)?;
    Ok(match stop.reason() {
        _ if tally.broken => 3,
        Some(Reason::Signal(signal)) => u8::try_from(128 + signal).unwrap_or(130),
        _ if tally.findings > 0 || !tally.faults.is_empty() => 1,
        _ if tally.cases == 0 => 4,
        _ => 0,
    })
}

/// The operations that are asked for; none are all.
fn selection(args: &FuzzArgs) -> Result<Vec<&'static str>, String> {
    let mut wanted = Vec::new();
    for area in &args.area {
        let of_area = OP_NAMES.iter().filter(|op| op.split('.').next() == Some(area));
        let before = wanted.len();
        wanted.extend(of_area);
        if wanted.len() == before {
            return Err(format!(
                "no operation is in the area {area:?}; the areas are cred, hs, chan, frame, tok"
            ));
        }
    }
    for op in &args.op {
        let Some(known) = OP_NAMES.iter().find(|known| *known == op) else {
            let all = OP_NAMES.join(", ");
            return Err(format!("there is no operation {op:?}; there are: {all}"));
        };
        if !args.area.is_empty() && !wanted.contains(known) {
            return Err(format!("{op} is in none of the areas that are asked for"));
        }
    }
    if !args.op.is_empty() {
        wanted =
            OP_NAMES.into_iter().filter(|known| args.op.iter().any(|op| op == known)).collect();
    }
    Ok(wanted)
}

fn vectors(file: &Path) -> Result<Vec<Vector>, Failure> {
    let name = file.display().to_string();
    let octets =
        std::fs::read(file).map_err(|e| Failure::Usage(format!("can't read {name}: {e}")))?;
    Suite::of_document(&name, &octets).map_err(|e| Failure::Usage(e.to_string()))
}

fn reports(args: &FuzzArgs) -> Result<Vec<Box<dyn Report>>, Failure> {
    let stdout = || Box::new(Human(anstream::stdout())) as Box<dyn Report>;
    let plain = |file| anstream::StripStream::new(Box::new(file) as Box<dyn Write>);
    Ok(match (&args.output, args.format) {
        (None, FuzzFormat::Human) => vec![stdout()],
        (None, FuzzFormat::Json) => vec![Box::new(Json(io::stdout()))],
        (Some(path), FuzzFormat::Human) => vec![Box::new(Human(plain(create(path)?))), stdout()],
        (Some(path), FuzzFormat::Json) => vec![Box::new(Json(create(path)?)), stdout()],
    })
}

/// Hands what the search tells to the reports, the bar and the files.
struct Told {
    run: Run,
    reports: Vec<Box<dyn Report>>,
    save: Option<PathBuf>,
    bar: ProgressBar,
}

impl Told {
    fn new(run: Run, reports: Vec<Box<dyn Report>>, save: Option<PathBuf>) -> Told {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{spinner} {pos} cases, {per_sec} {msg} {elapsed}");
        bar.set_style(style.expect("the template is well-formed"));
        bar.set_message("making cases");
        bar.enable_steady_tick(Duration::from_millis(200));
        Told { run, reports, save, bar }
    }

    fn note(&mut self, note: Note<'_>) -> Result<(), Failure> {
        match note {
            Note::Started(hello) => {
                for report in &mut self.reports {
                    self.bar.suspend(|| report.started(&self.run, hello))?;
                }
            }
            Note::Progress(cases) => {
                self.bar.set_position(cases);
                self.bar.set_message("");
            }
            Note::Shrinking => self.bar.set_message("shrinking a finding"),
            Note::Found(found) => {
                let saved = self.save(found)?;
                for report in &mut self.reports {
                    self.bar.suspend(|| report.found(&self.run, found, saved.as_deref()))?;
                }
            }
            Note::Broken(error) => {
                self.bar.suspend(|| writeln!(io::stderr(), "the shim is broken: {error}"))?;
            }
        }
        Ok(())
    }

    /// Writes the document of a finding; its name says what it is.
    fn save(&mut self, found: &Found) -> Result<Option<String>, Failure> {
        let (Some(directory), Some(vector), Some(number)) =
            (&self.save, found.vectors.first(), found.number)
        else {
            return Ok(None);
        };
        std::fs::create_dir_all(directory).map_err(|e| cannot_write(directory, &e))?;
        let name = format!("{}-seed-{}-case-{}.json", vector.op, self.run.seed, number);
        let path = directory.join(name);
        let text = document_text(&found.vectors, &self.run.constants);
        std::fs::write(&path, text).map_err(|e| cannot_write(&path, &e))?;
        Ok(Some(path.display().to_string()))
    }

    fn finish(&mut self, tally: &Tally) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        for report in &mut self.reports {
            report.finished(&self.run, tally)?;
        }
        Ok(())
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("./my-shim"), "./my-shim");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
