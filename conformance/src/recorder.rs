//! Turns what the runner tells into entries of the result log, and hands each to every report.

use std::time::Instant;

use tunnelproof_vectors::{Suite, Vector};

use crate::known::KnownFailures;
use crate::log::{CaseResult, Entry, LOG_FORMAT, Run, Tally};
use crate::report::Report;
use crate::runner::{Event, Finding};
use crate::shim::StartError;
use crate::stop::{Reason, Stop};
use crate::summary::{SHIM, Summary};

/// What is recorded about a run before it begins.
pub struct About<'a> {
    /// The command that runs a single case again.
    pub subcommand: &'static str,
    pub suite: &'a Suite,
    pub cases: &'a [&'a Vector],
    pub selection: Option<String>,
    /// Empty for the built-in reference.
    pub command: Vec<String>,
    /// Options that a run of a single case needs too.
    pub options: Vec<String>,
}

/// Makes the result log.
pub struct Recorder<'a> {
    about: About<'a>,
    known: &'a KnownFailures,
    reports: Vec<Box<dyn Report + 'a>>,
    tally: Tally,
    broken: Option<StartError>,
    begun: Instant,
}

impl<'a> Recorder<'a> {
    pub fn new(
        about: About<'a>,
        known: &'a KnownFailures,
        reports: Vec<Box<dyn Report + 'a>>,
    ) -> Recorder<'a> {
        Recorder {
            about,
            known,
            reports,
            tally: Tally::default(),
            broken: None,
            begun: Instant::now(),
        }
    }

    /// Records all that a run tells. Once a report can't be written the run is stopped.
    ///
    /// # Errors
    /// Those of a report that can't be written.
    pub fn record(
        &mut self,
        stop: &Stop,
        run: impl FnOnce(&mut dyn FnMut(Event<'_>)),
    ) -> std::io::Result<()> {
        let mut written = Ok(());
        run(&mut |event| {
            if written.is_ok() {
                written = self.event(event);
            }
            if written.is_err() {
                stop.set(Reason::OutputClosed);
            }
        });
        written
    }

    /// Records an event of the runner.
    ///
    /// # Errors
    /// Those of a report that can't be written.
    pub fn event(&mut self, event: Event<'_>) -> std::io::Result<()> {
        let entry = match event {
            Event::Started(hello) => Entry::Run(Box::new(self.run_entry(Some(hello.clone())))),
            Event::Result { vector, attempt, finding } => {
                Entry::Case(Box::new(self.case_entry(vector, attempt, finding)))
            }
            Event::Probe { name, verdict } => Entry::Case(Box::new(CaseResult {
                case: name.into(),
                security: false,
                verdict,
                op: String::new(),
                area: SHIM.into(),
                level: "MUST".into(),
                requirements: Vec::new(),
                severity: None,
                attempt: 1,
                ms: None,
                stderr: None,
                trace: None,
            })),
            Event::Note(text) => Entry::Note { text },
            Event::Broken(error) => {
                let text = format!("the shim can't be started: {error}");
                self.broken = Some(error);
                Entry::Note { text }
            }
        };
        self.add(entry)
    }

    /// Records the end of the run; the tally holds everything.
    ///
    /// # Errors
    /// Those of a report that can't be written.
    pub fn finish(mut self, stop: &Stop) -> std::io::Result<(Tally, Summary)> {
        if self.tally.run.is_none() {
            self.add(Entry::Run(Box::new(self.run_entry(None))))?;
        }
        let stale = match stop.reason() {
            None => self.known.stale(self.about.suite, &self.tally.results),
            Some(_) => Vec::new(),
        };
        let seconds = self.begun.elapsed().as_secs_f64();
        let About { suite, cases, .. } = self.about;
        let summary = Summary::of(&self.tally, suite, cases, stop.reason(), stale, seconds);
        self.add(Entry::Summary(Box::new(summary.clone())))?;
        for report in &mut self.reports {
            report.finish(&self.tally)?;
        }
        Ok((self.tally, summary))
    }

    fn add(&mut self, entry: Entry) -> std::io::Result<()> {
        self.tally.add(&entry);
        for report in &mut self.reports {
            report.entry(&entry)?;
        }
        Ok(())
    }

    fn run_entry(&self, shim: Option<crate::shim::Hello>) -> Run {
        let About { subcommand, suite, cases, selection, command, options } = &self.about;
        Run {
            log: LOG_FORMAT,
            subcommand: (*subcommand).to_owned(),
            suite: suite.version.clone(),
            suite_hash: suite.hash.clone(),
            command: command.clone(),
            options: options.clone(),
            shim,
            selected: cases.len(),
            total: suite.vectors.len(),
            selection: selection.clone(),
        }
    }

    fn case_entry(&self, vector: &Vector, attempt: u32, finding: &Finding) -> CaseResult {
        let verdict = self.known.apply(&vector.id, finding.verdict.clone());
        CaseResult {
            case: vector.id.clone(),
            security: verdict.is_security() || (finding.security && verdict.is_red()),
            verdict,
            op: vector.op.clone(),
            area: vector.area().to_owned(),
            level: vector.level.name().into(),
            requirements: vector.requirements.clone(),
            severity: vector.severity.map(|severity| severity.name().to_owned()),
            attempt,
            ms: finding.took.map(|took| (took.as_secs_f64() * 1e6).round() / 1e3),
            stderr: finding.stderr.clone(),
            trace: finding.trace.clone(),
        }
    }
}
