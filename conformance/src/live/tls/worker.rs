//! Plays cases on endpoints, and finds out after each whether the endpoint still serves.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::case::Need;
use super::runner::Plan;
use super::running::fits;
use super::setup::ServerSetup;
use super::stage::Stage;
use super::{client, server};
use crate::live::case::Fault;
use crate::live::endpoint::{Endpoint, StartFailure};
use crate::live::{Role, Target};
use crate::runner::Finding;
use crate::shim::{StartError, Trouble};
use crate::stop::{Reason, Stop};
use crate::verdict::Verdict;

/// A case that runs into its deadline costs all of it: so many in a row end the run.
const TIMEOUTS_IN_A_ROW: usize = 12;
/// Events that a trace of a failure has in the end; those of cases beside it are among them.
const EVENTS: usize = 200;
/// An endpoint that can't be started so many times in a row is broken.
const STARTS: usize = 3;

/// Cases that share an endpoint.
pub(super) struct Group {
    pub(super) setup: Option<ServerSetup>,
    pub(super) line: Value,
    pub(super) cases: Vec<usize>,
    pub(super) slow: bool,
}

/// What became of a case.
pub(super) struct Outcome {
    pub(super) index: usize,
    fault: Option<Fault>,
    took: Duration,
    trace: Option<PathBuf>,
    stderr: Option<String>,
}

/// Starts an endpoint, with some patience for what fails now and then.
pub(super) fn start(plan: &Plan<'_>, line: &Value, stop: &Stop) -> Result<Endpoint, StartFailure> {
    let program = match plan.target {
        Target::Running(address) => {
            let mut endpoint = Endpoint::remote(*address);
            endpoint.probe = plan.probe.clone();
            return Ok(endpoint);
        }
        Target::Command(program) => program,
    };
    let mut attempt = 1;
    loop {
        match Endpoint::start(program, line, plan.limits.hello, stop) {
            Err(failure)
                if attempt < STARTS && failure.unsupported.is_empty() && !stop.is_set() =>
            {
                attempt += 1;
            }
            started => return started,
        }
    }
}

pub(super) fn finding(outcome: Outcome) -> Finding {
    let verdict = outcome.fault.as_ref().map_or(Verdict::Pass, |fault| fault.verdict.clone());
    Finding {
        took: Some(outcome.took),
        security: outcome.fault.is_some_and(|fault| fault.security),
        stderr: outcome.stderr,
        trace: outcome.trace.map(|path| path.display().to_string()),
        ..Finding::of(verdict)
    }
}

/// What the workers of a pass share.
pub(super) struct Pass<'p> {
    pub(super) plan: &'p Plan<'p>,
    pub(super) stop: &'p Stop,
    pub(super) fast: &'p [&'p Group],
    pub(super) next: AtomicUsize,
    pub(super) timeouts_in_a_row: AtomicUsize,
    pub(super) broken: Mutex<Option<StartError>>,
}

impl Pass<'_> {
    /// Plays groups, one after the other, until none is left.
    pub(super) fn work(&self, results: &Sender<Outcome>) {
        while !self.stop.is_set() {
            let Some(group) = self.fast.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            let mut endpoint: Option<Endpoint> = None;
            for &index in &group.cases {
                if self.stop.is_set() {
                    return;
                }
                let current = match endpoint
                    .take()
                    .map_or_else(|| start(self.plan, &group.line, self.stop), Ok)
                {
                    Ok(current) => current,
                    Err(failure) => match self.not_started(failure) {
                        Some(reason) => {
                            let _ = results.send(skipped(index, reason));
                            continue;
                        }
                        None => return,
                    },
                };
                let outcome = self.play(group, index, &current);
                if self.stop.is_set() && outcome.fault.is_some() {
                    return; // it may have failed for that alone
                }
                self.note_timeout(&outcome);
                // One that failed is not trusted any more.
                let is_skipped = matches!(
                    outcome.fault.as_ref().map(|fault| &fault.verdict),
                    None | Some(Verdict::Skip { .. })
                );
                if is_skipped && current.over().is_none() {
                    endpoint = Some(current);
                }
                // Fails only when nobody listens any more.
                let _ = results.send(outcome);
            }
        }
    }

    /// Plays all cases of a group at once, on one endpoint; if that breaks, all of them fail.
    pub(super) fn at_once(&self, group: &Group, results: &Sender<Outcome>) {
        if self.stop.is_set() {
            return;
        }
        let endpoint = match start(self.plan, &group.line, self.stop) {
            Ok(endpoint) => endpoint,
            Err(failure) => {
                if let Some(reason) = self.not_started(failure) {
                    for &index in &group.cases {
                        let _ = results.send(skipped(index, reason.clone()));
                    }
                }
                return;
            }
        };
        thread::scope(|scope| {
            for &index in &group.cases {
                let (results, endpoint) = (results.clone(), &endpoint);
                scope.spawn(move || {
                    let outcome = self.play(group, index, endpoint);
                    if !(self.stop.is_set() && outcome.fault.is_some()) {
                        let _ = results.send(outcome);
                    }
                });
            }
        });
    }

    /// Why cases are skipped; `None` if the run is over, since the endpoint can't be started.
    fn not_started(&self, failure: StartFailure) -> Option<String> {
        if !failure.unsupported.is_empty() {
            return Some(format!(
                "the endpoint does not support {}",
                failure.unsupported.join(", ")
            ));
        }
        if !self.stop.is_set() {
            let trouble = Trouble::Crash { how: failure.problem.clone() };
            let error = StartError { problem: failure.problem, stderr: failure.stderr, trouble };
            if let Ok(mut broken) = self.broken.lock() {
                broken.get_or_insert(error);
            }
            self.stop.set(Reason::ShimBroken);
        }
        None
    }

    fn note_timeout(&self, outcome: &Outcome) {
        let fault = outcome.fault.as_ref().map(|fault| &fault.verdict);
        if !matches!(fault, Some(Verdict::Timeout { .. })) {
            self.timeouts_in_a_row.store(0, Ordering::Relaxed);
            return;
        }
        let row = self.timeouts_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if row >= TIMEOUTS_IN_A_ROW {
            self.stop.set(Reason::GaveUp(row));
        }
    }

    /// Plays a case on an endpoint, and then finds out whether it still serves.
    fn play(&self, group: &Group, index: usize, endpoint: &Endpoint) -> Outcome {
        let (plan, stop) = (self.plan, self.stop);
        let case = &plan.cases[index];
        let is_other = |setup: &ServerSetup| !fits(setup, plan.material);
        if matches!(plan.target, Target::Running(_)) && group.setup.as_ref().is_some_and(is_other) {
            return skipped(index, "needs a server that is configured otherwise".to_owned());
        }
        let lacks = case.needs.iter().find(|need| match need {
            Need::Events => !endpoint.events,
            Need::Reload => !endpoint.reload,
        });
        if let Some(need) = lacks {
            return skipped(index, need.reason().to_owned());
        }
        if !plan.material.alpn && case.is_about_alpn() {
            return skipped(index, "needs ALPN, which --no-alpn leaves out".to_owned());
        }
        let (begun, mark) = (Instant::now(), endpoint.mark());
        let limits = (plan.limits.case, stop, plan.salt);
        let stage = Stage::new(case, endpoint, group.setup.as_ref(), plan.material, limits);
        let mut fault = match (&case.setup, &group.setup) {
            (Some(make), None) => {
                let why = make(plan.material).err().unwrap_or_default();
                Err(stage.impossible(&why))
            }
            _ => (case.play)(&stage),
        }
        .err();
        let took = begun.elapsed();
        let mut stderr = None;
        let is_skipped =
            fault.as_ref().is_some_and(|fault| matches!(fault.verdict, Verdict::Skip { .. }));
        let over = if fault.is_some() { endpoint.over_soon() } else { endpoint.over() };
        match over {
            Some(over) if !endpoint.was_ended() => {
                stderr = Some(over.stderr).filter(|text| !text.is_empty());
                fault = Some(Fault::of(over.verdict));
            }
            Some(_) => {}
            None if fault.is_none() && !stop.is_set() => {
                let visit = match plan.role {
                    Role::Server => server::visit(&stage),
                    Role::Client => client::visit(&stage),
                };
                fault = visit.err().map(|how| match endpoint.over_soon() {
                    Some(over) => Fault::of(over.verdict),
                    None => Fault::of(Verdict::Poisoned { how: how.verdict.sentence() }),
                });
            }
            None => {}
        }
        let trace = fault.as_ref().filter(|_| !is_skipped).and_then(|fault| {
            let (name, what) = (fault.verdict.name(), fault.verdict.sentence());
            let head = format!("{}: {}\n{name}: {what}", case.id, case.about);
            for event in endpoint.events_since(mark, EVENTS) {
                stage
                    .trace
                    .note(0, format!("reported by then, of {}: {:?}", event.key, event.what));
            }
            // A trace that can't be written is no reason to lose the verdict; it is just not named.
            stage.trace.write(plan.traces, &case.id, &head).ok()
        });
        Outcome { index, fault, took, trace, stderr }
    }
}

fn skipped(index: usize, reason: String) -> Outcome {
    let fault = Some(Fault::of(Verdict::Skip { reason, issue: None }));
    Outcome { index, fault, took: Duration::ZERO, trace: None, stderr: None }
}
