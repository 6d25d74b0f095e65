//! Runs live cases of TLS: cases with one configuration of a server share an endpoint, one after the other, and several
//! configurations run side by side. Cases that wait run all at once beside them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use tunnelproof_vectors::Vector;

use super::case::{Case, Need};
use super::material::Material;
use super::setup::{ServerSetup, client_start_line};
use super::worker::{Group, Outcome, Pass, finding, start};
use crate::live::lines::Probe;
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
    /// How to reach the application of a server that runs already, where that is not echo.
    pub probe: Option<Probe>,
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

/// Cases of one configuration that run on one endpoint; more are shared out.
const SHARE: usize = 12;

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
