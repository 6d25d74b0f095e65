//! Runs live cases of TLS: cases with one configuration of a server share an endpoint, one after the other, and several
//! configurations run side by side. Cases that wait run all at once beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tunnelproof_vectors::Vector;

use super::case::{Case, Need};
use super::material::Material;
use super::setup::{ServerSetup, client_start_line};
use super::stage::Stage;
use super::{client, server};
use crate::live::case::Fault;
use crate::live::endpoint::{Endpoint, StartFailure};
use crate::live::{Role, Target};
use crate::runner::{Event, Finding, second};
use crate::shim::{ErrorDetail, Hello, Limits, StartError, Trouble};
use crate::stop::{Reason, Stop};
use crate::verdict::Verdict;

/// What to run and how.
pub struct Plan<'a> {
    pub role: Role,
    pub cases: &'a [Case],
    /// Indices into `cases`, and the same as vectors, for the record.
    pub selected: Vec<(usize, &'a Vector)>,
    pub target: &'a Target,
    pub material: &'a Material,
    /// Configurations side by side.
    pub jobs: usize,
    /// `hello` is for the start, `case` for whatever has no deadline of its own.
    pub limits: Limits,
    pub time_limit: Duration,
    /// Whether a verdict ends the run.
    pub ends: &'a (dyn Fn(&Vector, &Verdict) -> bool + Sync),
    /// Run failing cases a second time.
    pub rerun: bool,
    /// Where traces of failures go.
    pub traces: &'a Path,
    /// Differs between runs.
    pub salt: &'a str,
}

/// A case that runs into its deadline costs all of it: so many in a row end the run.
const TIMEOUTS_IN_A_ROW: usize = 12;
/// An endpoint that can't be started so many times in a row is broken.
const STARTS: usize = 3;
/// Cases of one configuration that run on one endpoint; more are shared out.
const SHARE: usize = 12;

/// Cases that share an endpoint.
struct Group {
    setup: Option<ServerSetup>,
    line: Value,
    cases: Vec<usize>,
    slow: bool,
}

/// What became of a case.
struct Outcome {
    index: usize,
    fault: Option<Fault>,
    took: Duration,
    trace: Option<PathBuf>,
    stderr: Option<String>,
}

/// Runs the plan. Every result is told as soon as it is there.
pub fn run(plan: &Plan<'_>, stop: &Stop, tell: &mut dyn FnMut(Event<'_>)) {
    let ends = Instant::now() + plan.time_limit;
    let selected: Vec<usize> = plan.selected.iter().map(|(index, _)| *index).collect();
    match hello(plan, stop) {
        Ok(hello) => tell(Event::Started(&hello)),
        Err(error) => {
            stop.set(Reason::ShimBroken);
            tell(Event::Broken(error));
            return;
        }
    }
    let run = Run { plan, stop, ends };
    let firsts = run.pass(1, &groups(plan, &selected), &BTreeMap::new(), tell);
    let red = firsts.iter().filter(|(_, finding)| finding.verdict.is_red());
    let red: Vec<usize> = red.map(|(index, _)| *index).collect();
    if plan.rerun && !stop.is_set() && !red.is_empty() {
        // Each on a fresh endpoint, those that wait too.
        let groups = red.iter().flat_map(|index| groups(plan, &[*index])).collect::<Vec<_>>();
        run.pass(2, &groups, &firsts, tell);
    }
}

/// The cases by what the endpoint is started with.
fn groups(plan: &Plan<'_>, selected: &[usize]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut open: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for &index in selected {
        let case = &plan.cases[index];
        // One that can't be made fails when it is played, with the reason.
        let setup = case.setup.as_ref().and_then(|make| make(plan.material).ok());
        let line = setup.as_ref().map_or_else(client_start_line, ServerSetup::start_line);
        let key = (line.to_string(), case.slow);
        let last = open.get(&key).filter(|_| !case.own).map(|at| &mut groups[*at]);
        match last {
            Some(group) if group.slow || group.cases.len() < SHARE => group.cases.push(index),
            _ => {
                if !case.own {
                    open.insert(key, groups.len());
                }
                groups.push(Group { setup, line, cases: vec![index], slow: case.slow });
            }
        }
    }
    groups
}

/// What the reports show of an endpoint, in the words for a shim.
fn hello(plan: &Plan<'_>, stop: &Stop) -> Result<Hello, StartError> {
    let usual = ServerSetup::usual(plan.material);
    let line = match plan.role {
        Role::Server => usual.start_line(),
        Role::Client => client_start_line(),
    };
    let (implementation, features) = match start(plan, &line, stop) {
        Ok(endpoint) => {
            let needs = [(Need::Events, endpoint.events), (Need::Reload, endpoint.reload)];
            let has = needs.into_iter().filter(|(_, has)| *has);
            let features = has.map(|(need, _)| need.name().to_owned()).collect();
            (endpoint.implementation.clone(), features)
        }
        Err(failure) => match failure.implementation {
            Some(implementation) => (*implementation, Vec::new()),
            None => {
                let trouble = Trouble::Crash { how: failure.problem.clone() };
                return Err(StartError {
                    problem: failure.problem,
                    stderr: failure.stderr,
                    trouble,
                });
            }
        },
    };
    Ok(Hello {
        protocol: 1,
        implementation,
        ops: Vec::new(),
        profiles: vec![format!("live-{} with TLS", plan.role.name())],
        features,
        error_detail: ErrorDetail::Code,
        max_inflight: 1,
    })
}

/// Starts an endpoint, with some patience for what fails now and then.
fn start(plan: &Plan<'_>, line: &Value, stop: &Stop) -> Result<Endpoint, StartFailure> {
    let program = match plan.target {
        Target::Running(address) => return Ok(Endpoint::remote(*address)),
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

struct Run<'r> {
    plan: &'r Plan<'r>,
    stop: &'r Stop,
    ends: Instant,
}

impl Run<'_> {
    /// Plays groups and tells their findings, which it also returns.
    fn pass(
        &self,
        attempt: u32,
        groups: &[Group],
        firsts: &BTreeMap<usize, Finding>,
        tell: &mut dyn FnMut(Event<'_>),
    ) -> BTreeMap<usize, Finding> {
        let plan = self.plan;
        let (slow, fast): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(|group| group.slow);
        let pass = Pass {
            plan,
            stop: self.stop,
            fast: &fast,
            next: AtomicUsize::new(0),
            timeouts_in_a_row: AtomicUsize::new(0),
            broken: Mutex::new(None),
        };
        let (sender, receiver) = channel();
        let mut findings = BTreeMap::new();
        thread::scope(|scope| {
            for group in slow {
                let (sender, pass) = (sender.clone(), &pass);
                scope.spawn(move || pass.at_once(group, &sender));
            }
            for _ in 0..plan.jobs.min(fast.len()) {
                let (sender, pass) = (sender.clone(), &pass);
                scope.spawn(move || pass.work(&sender));
            }
            drop(sender);
            loop {
                if Instant::now() >= self.ends {
                    self.stop.set(Reason::TimeLimit);
                }
                let outcome: Outcome = match receiver.recv_timeout(Duration::from_millis(100)) {
                    Ok(outcome) => outcome,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                let index = outcome.index;
                let mut finding = finding(outcome);
                if let Some(first) = firsts.get(&index) {
                    finding = second(first, finding);
                }
                if let Some((_, vector)) = plan.selected.iter().find(|(own, _)| *own == index) {
                    if (plan.ends)(vector, &finding.verdict) {
                        self.stop.set(Reason::FailFast);
                    }
                    tell(Event::Result { vector, attempt, finding: &finding });
                }
                findings.insert(index, finding);
            }
        });
        if let Ok(Some(error)) = pass.broken.into_inner() {
            tell(Event::Broken(error));
        }
        findings
    }
}

fn finding(outcome: Outcome) -> Finding {
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
struct Pass<'p> {
    plan: &'p Plan<'p>,
    stop: &'p Stop,
    fast: &'p [&'p Group],
    next: AtomicUsize,
    timeouts_in_a_row: AtomicUsize,
    broken: Mutex<Option<StartError>>,
}

impl Pass<'_> {
    /// Plays groups, one after the other, until none is left.
    fn work(&self, results: &Sender<Outcome>) {
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
    fn at_once(&self, group: &Group, results: &Sender<Outcome>) {
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
        let begun = Instant::now();
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
