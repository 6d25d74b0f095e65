//! Runs live cases: several workers side by side, each with an endpoint of its own, so that a crash or an
//! endpoint that no longer serves is the fault of one case. Cases that wait for a deadline run all at once
//! beside them, in one endpoint for each transport.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tunnelproof_vectors::Vector;

use super::case::{Case, Fault, Need, Script};
use super::endpoint::Endpoint;
use super::groups::{CLOSING, Member, View, compare};
use super::stage::Clients;
use super::worker::{Outcome, is_usable, play, start};
use super::{Role, Target, Transport, timing};
use crate::runner::{Event, Finding, second};
use crate::shim::{ErrorDetail, Hello, Limits, StartError};
use crate::stop::{Reason, Stop};
use crate::verdict::Verdict;

/// What to run and how.
pub struct Plan<'a> {
    pub role: Role,
    pub cases: &'a [Case],
    /// Indices into `cases`, and the same as vectors, for the record.
    pub selected: Vec<(usize, &'a Vector)>,
    pub target: &'a Target,
    pub transports: Vec<Transport>,
    pub clients: &'a Clients,
    /// Fast cases side by side.
    pub jobs: usize,
    /// `hello` is for the start, `case` for whatever has no deadline of its own.
    pub limits: Limits,
    pub time_limit: Duration,
    /// Whether a verdict ends the run.
    pub ends: &'a (dyn Fn(&Vector, &Verdict) -> bool + Sync),
    /// Run failing cases a second time.
    pub rerun: bool,
    /// Play the members of groups so often for a report on time; 0 for none.
    pub timing: usize,
    /// Where traces of failures go.
    pub traces: &'a Path,
    /// Differs between runs.
    pub salt: &'a str,
}

/// A case that runs into its deadline costs all of it: so many in a row end the run.
const TIMEOUTS_IN_A_ROW: usize = 12;

type Job = (usize, Transport);
/// What became of each case so far, by transport.
type Outcomes = BTreeMap<usize, BTreeMap<Transport, Outcome>>;

/// Runs the plan. Every result is told as soon as it is there.
pub fn run(plan: &Plan<'_>, stop: &Stop, tell: &mut dyn FnMut(Event<'_>)) {
    let ends = Instant::now() + plan.time_limit;
    match start(plan, plan.transports[0], stop) {
        Ok(endpoint) => tell(Event::Started(&hello(plan, &endpoint))),
        Err(error) => {
            stop.set(Reason::ShimBroken);
            tell(Event::Broken(error));
            return;
        }
    }
    let mut run = Run { plan, stop, ends, outcomes: BTreeMap::new() };
    let played = run.to_play(tell);
    let firsts = run.pass(1, &played, &BTreeMap::new(), tell);
    let red: Vec<usize> = firsts
        .iter()
        .filter(|(_, finding)| finding.verdict.is_red())
        .map(|(case, _)| *case)
        .collect();
    if plan.rerun && !stop.is_set() && !red.is_empty() {
        run.pass(2, &red, &firsts, tell);
    }
    run.compare_groups(tell);
    if plan.timing > 0 && !stop.is_set() {
        for text in timing::report(plan, stop) {
            tell(Event::Note(text));
        }
    }
}

/// What the reports show of an endpoint, in the words for a shim.
fn hello(plan: &Plan<'_>, endpoint: &Endpoint) -> Hello {
    let transports: Vec<&str> = plan.transports.iter().map(|t| t.name()).collect();
    let features = if endpoint.is_started() { &[Need::Events, Need::Control][..] } else { &[] };
    Hello {
        protocol: 1,
        implementation: endpoint.implementation.clone(),
        ops: Vec::new(),
        profiles: vec![format!("live-{} over {}", plan.role.name(), transports.join(" and "))],
        features: features.iter().map(|need| need.name().to_owned()).collect(),
        error_detail: if endpoint.is_started() { ErrorDetail::Code } else { ErrorDetail::Bool },
        max_inflight: 1,
    }
}

struct Run<'r> {
    plan: &'r Plan<'r>,
    stop: &'r Stop,
    ends: Instant,
    outcomes: Outcomes,
}

impl Run<'_> {
    /// The cases that are played: those selected, and the members of groups that are. Those that the
    /// endpoint can't take get their verdict here.
    fn to_play(&self, tell: &mut dyn FnMut(Event<'_>)) -> Vec<usize> {
        let plan = self.plan;
        let is_started = matches!(plan.target, Target::Command(_));
        let mut cases: Vec<usize> = Vec::new();
        for &(index, vector) in &plan.selected {
            let case = &plan.cases[index];
            if let Script::Compare(group) = case.script {
                let members = plan.cases.iter().enumerate();
                cases.extend(members.filter(|(_, c)| c.is_member(group)).map(|(index, _)| index));
            } else if let (false, Some(need)) = (is_started, case.needs.first()) {
                let reason =
                    format!("needs the {} of a server that the harness starts", need.name());
                let finding = Finding::of(Verdict::Skip { reason, issue: None });
                tell(Event::Result { vector, attempt: 1, finding: &finding });
            } else {
                cases.push(index);
            }
        }
        cases.sort_unstable();
        cases.dedup();
        cases.retain(|&index| {
            let case = &plan.cases[index];
            (is_started || case.needs.is_empty()) && !self.jobs_of(index).is_empty()
        });
        cases
    }

    fn jobs_of(&self, index: usize) -> Vec<Job> {
        let over = self.plan.cases[index].over;
        let transports = self.plan.transports.iter().filter(|t| over.contains(t));
        transports.map(|transport| (index, *transport)).collect()
    }

    /// Plays cases and tells their findings, which it also returns.
    fn pass(
        &mut self,
        attempt: u32,
        cases: &[usize],
        firsts: &BTreeMap<usize, Finding>,
        tell: &mut dyn FnMut(Event<'_>),
    ) -> BTreeMap<usize, Finding> {
        let plan = self.plan;
        let jobs: Vec<Job> = cases.iter().flat_map(|&index| self.jobs_of(index)).collect();
        let (slow, fast): (Vec<Job>, Vec<Job>) =
            jobs.into_iter().partition(|(index, _)| plan.cases[*index].slow);
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
            for &transport in &plan.transports {
                let jobs: Vec<Job> =
                    slow.iter().filter(|(_, over)| *over == transport).copied().collect();
                let (sender, pass) = (sender.clone(), &pass);
                scope.spawn(move || pass.slow_lane(transport, &jobs, &sender));
            }
            for _ in 0..plan.jobs.min(fast.len()) {
                let (sender, pass) = (sender.clone(), &pass);
                scope.spawn(move || pass.work(&sender));
            }
            drop(sender);
            while let Some((index, transport, outcome)) = self.next(&receiver) {
                let wanted = self.jobs_of(index).len();
                let outcomes = self.outcomes.entry(index).or_default();
                if attempt > 1 && outcomes.len() == wanted {
                    outcomes.clear();
                }
                outcomes.insert(transport, outcome);
                if outcomes.len() < wanted {
                    continue;
                }
                let mut finding = finding(&self.outcomes[&index]);
                if let Some(first) = firsts.get(&index) {
                    finding = second(first, finding);
                }
                let vector = self.vector(index);
                if let Some(vector) = vector {
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

    /// The next outcome; None when all workers are done.
    fn next(
        &self,
        receiver: &Receiver<(usize, Transport, Outcome)>,
    ) -> Option<(usize, Transport, Outcome)> {
        loop {
            if Instant::now() >= self.ends {
                self.stop.set(Reason::TimeLimit);
            }
            match receiver.recv_timeout(Duration::from_millis(100)) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// The case as it was selected; None for a member that runs only for its group.
    fn vector(&self, index: usize) -> Option<&Vector> {
        self.plan.selected.iter().find(|(own, _)| *own == index).map(|(_, vector)| *vector)
    }

    /// Gives their verdict to the groups.
    fn compare_groups(&self, tell: &mut dyn FnMut(Event<'_>)) {
        for &(index, vector) in &self.plan.selected {
            let Script::Compare(group) = self.plan.cases[index].script else { continue };
            let mut members = Vec::new();
            for (member, outcomes) in &self.outcomes {
                let case = &self.plan.cases[*member];
                for (transport, outcome) in outcomes.iter().filter(|_| case.is_member(group)) {
                    if let Some((view, _)) = &outcome.view {
                        // A clean end has other events than a failure, but no other closing.
                        let events =
                            if group == CLOSING { Vec::new() } else { view.events.clone() };
                        let view = View { events, closing: view.closing.clone() };
                        members.push(Member { case: &case.id, transport: *transport, view });
                    }
                }
            }
            let verdict = if members.len() < 2 {
                if self.stop.is_set() {
                    continue;
                }
                let reason = "fewer than two of its members could be seen".to_owned();
                Verdict::Skip { reason, issue: None }
            } else {
                compare(&members).map_or_else(|fault| fault.verdict, |()| Verdict::Pass)
            };
            tell(Event::Result { vector, attempt: 1, finding: &Finding::of(verdict) });
        }
    }
}

/// One finding from those over each transport: the worst, with the transport named.
fn finding(outcomes: &BTreeMap<Transport, Outcome>) -> Finding {
    let took = outcomes.values().map(|outcome| outcome.took).sum();
    let failed = |outcome: &Outcome| outcome.fault.clone();
    let faults = outcomes.iter().filter_map(|(transport, o)| Some((transport, o, failed(o)?)));
    // What is a matter of security comes first.
    let is_security = |fault: &Fault| fault.security || fault.verdict.is_security();
    let worst = faults
        .max_by_key(|(transport, _, fault)| (is_security(fault), std::cmp::Reverse(**transport)));
    let Some((transport, outcome, fault)) = worst else {
        return Finding { took: Some(took), ..Finding::of(Verdict::Pass) };
    };
    let verdict = match fault.verdict {
        Verdict::Fail { kind, at, expected, found } => {
            Verdict::Fail { kind, at: format!("{at} over {}", transport.name()), expected, found }
        }
        verdict => verdict,
    };
    Finding {
        took: Some(took),
        security: fault.security,
        stderr: outcome.stderr.clone(),
        trace: outcome.trace.as_ref().map(|path| path.display().to_string()),
        ..Finding::of(verdict)
    }
}

/// What the workers of a pass share.
struct Pass<'p> {
    plan: &'p Plan<'p>,
    stop: &'p Stop,
    fast: &'p [Job],
    next: AtomicUsize,
    timeouts_in_a_row: AtomicUsize,
    broken: Mutex<Option<StartError>>,
}

type Results = Sender<(usize, Transport, Outcome)>;

impl Pass<'_> {
    /// Plays fast cases, one after the other, until none is left.
    fn work(&self, results: &Results) {
        let mut endpoint: Option<(Transport, Endpoint)> = None;
        while !self.stop.is_set() {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&(index, transport)) = self.fast.get(at) else { return };
            let usable = endpoint.take().filter(|(own, _)| *own == transport);
            let current = match usable {
                Some((_, endpoint)) => endpoint,
                None => match start(self.plan, transport, self.stop) {
                    Ok(endpoint) => endpoint,
                    Err(error) => return self.break_off(error),
                },
            };
            let case = &self.plan.cases[index];
            let outcome = play(self.plan, self.stop, &current, (case, transport));
            if self.stop.is_set() && outcome.fault.is_some() {
                return; // it may have failed for that alone
            }
            self.note_timeout(&outcome);
            if is_usable(&current, &outcome) {
                endpoint = Some((transport, current));
            }
            // Fails only when nobody listens any more.
            let _ = results.send((index, transport, outcome));
        }
    }

    /// Plays all slow cases of a transport at once, on one endpoint; if that breaks, all of them fail.
    fn slow_lane(&self, transport: Transport, jobs: &[Job], results: &Results) {
        if jobs.is_empty() || self.stop.is_set() {
            return;
        }
        let endpoint = match start(self.plan, transport, self.stop) {
            Ok(endpoint) => endpoint,
            Err(error) => return self.break_off(error),
        };
        thread::scope(|scope| {
            for &(index, transport) in jobs {
                let (results, endpoint) = (results.clone(), &endpoint);
                scope.spawn(move || {
                    let case = &self.plan.cases[index];
                    let outcome = play(self.plan, self.stop, endpoint, (case, transport));
                    if self.stop.is_set() && outcome.fault.is_some() {
                        return;
                    }
                    let _ = results.send((index, transport, outcome));
                });
            }
        });
    }

    fn note_timeout(&self, outcome: &Outcome) {
        let timed_out = outcome
            .fault
            .as_ref()
            .is_some_and(|fault| matches!(fault.verdict, Verdict::Timeout { .. }));
        if !timed_out {
            self.timeouts_in_a_row.store(0, Ordering::Relaxed);
            return;
        }
        let row = self.timeouts_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if row >= TIMEOUTS_IN_A_ROW {
            self.stop.set(Reason::GaveUp(row));
        }
    }

    fn break_off(&self, error: StartError) {
        if self.stop.is_set() {
            return;
        }
        self.stop.set(Reason::ShimBroken);
        if let Ok(mut broken) = self.broken.lock() {
            broken.get_or_insert(error);
        }
    }
}
