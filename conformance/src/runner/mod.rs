//! Runs the selected cases against a shim: several processes side by side, each with several
//! requests in flight if it can; then the failing ones again in fresh processes.

mod worker;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tunnelproof_vectors::{Suite, Vector};

use crate::peer::{self, PeerView};
use crate::shim::session::SuiteName;
use crate::shim::{Hello, Limits, Program, StartError};
use crate::stop::{Reason, Stop};
use crate::verdict::Verdict;
use worker::Worker;

/// What to run and how.
pub struct Plan<'a> {
    pub suite: &'a Suite,
    pub cases: Vec<&'a Vector>,
    pub program: Program,
    pub limits: Limits,
    /// Processes side by side.
    pub jobs: usize,
    /// One process for each request.
    pub oneshot: bool,
    pub fail_fast: bool,
    /// Run failing cases a second time.
    pub rerun: bool,
    /// For the whole run.
    pub time_limit: Duration,
}

/// What a run tells, as it happens.
pub enum Event<'a> {
    /// The first shim has said hello.
    Started(&'a Hello),
    /// A case has a result; it may get another one.
    Result {
        vector: &'a Vector,
        attempt: u32,
        finding: &'a Finding,
    },
    /// The shim's behaviour outside of any case: what was asked, and what became of it.
    Probe {
        name: &'static str,
        verdict: Verdict,
    },
    Note(String),
    /// The shim can't be started: the run ends.
    Broken(StartError),
}

/// What was found out about a case.
#[derive(Debug, Clone)]
pub struct Finding {
    pub verdict: Verdict,
    pub took: Option<Duration>,
    pub stderr: Option<String>,
    pub peer: Option<PeerView>,
}

impl Finding {
    /// One without an answer.
    fn of(verdict: Verdict) -> Finding {
        Finding { verdict, took: None, stderr: None, peer: None }
    }
}

/// A case that runs into its deadline costs the whole deadline: this many in a row end the run.
const TIMEOUTS_IN_A_ROW: usize = 5;
/// Up to this many failing cases get a fresh process each in the second run; above, one a worker.
const FRESH_EACH: usize = 64;

impl Plan<'_> {
    fn suite_name(&self) -> SuiteName<'_> {
        SuiteName { version: &self.suite.version, hash: &self.suite.hash }
    }
}

/// Runs the plan. Every result is told as soon as it is there; `false` from `tell` ends the run.
pub fn run(plan: &Plan<'_>, stop: &Stop, tell: &mut dyn FnMut(Event<'_>)) {
    let ends = Instant::now() + plan.time_limit;
    let mut findings: Vec<Option<Finding>> = plan.cases.iter().map(|_| None).collect();
    let all: Vec<usize> = (0..plan.cases.len()).collect();
    pass(plan, stop, ends, 1, &all, &mut findings, tell);
    if plan.rerun && !stop.is_set() {
        run_again(plan, stop, ends, &mut findings, tell);
    }
    tell_apart(plan, &mut findings, tell);
}

/// The failing cases once more; another verdict than before makes them flaky.
fn run_again(
    plan: &Plan<'_>,
    stop: &Stop,
    ends: Instant,
    findings: &mut [Option<Finding>],
    tell: &mut dyn FnMut(Event<'_>),
) {
    let is_red = |finding: &Option<Finding>| {
        finding
            .as_ref()
            .is_some_and(|f| f.verdict.is_red() && !matches!(f.verdict, Verdict::Flaky { .. }))
    };
    let red: Vec<usize> = (0..findings.len()).filter(|&key| is_red(&findings[key])).collect();
    if !red.is_empty() {
        pass(plan, stop, ends, 2, &red, findings, tell);
    }
}

fn tell_apart(plan: &Plan<'_>, findings: &mut [Option<Finding>], tell: &mut dyn FnMut(Event<'_>)) {
    let views = findings.iter().enumerate().filter_map(|(key, finding)| {
        Some((key, plan.cases[key], finding.as_ref()?.peer.as_ref()?))
    });
    for (key, verdict) in peer::distinguishable(views) {
        if let Some(finding) = &mut findings[key] {
            finding.verdict = verdict;
            tell(Event::Result { vector: plan.cases[key], attempt: 1, finding });
        }
    }
}

/// What the workers of a pass share.
struct Pass<'p> {
    plan: &'p Plan<'p>,
    stop: &'p Stop,
    keys: &'p [usize],
    next: AtomicUsize,
    attempt: u32,
    /// A fresh process for each case.
    fresh_each: bool,
    timeouts_in_a_row: AtomicUsize,
    last_words: Mutex<Option<StartError>>,
}

impl Pass<'_> {
    /// The next case that nobody has taken.
    fn take(&self) -> Option<usize> {
        self.keys.get(self.next.fetch_add(1, Ordering::Relaxed)).copied()
    }

    fn note_timeout(&self, timed_out: bool) {
        if !timed_out {
            self.timeouts_in_a_row.store(0, Ordering::Relaxed);
            return;
        }
        let row = self.timeouts_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if row >= TIMEOUTS_IN_A_ROW {
            self.stop.set(Reason::GaveUp(row));
        }
    }

    fn broken(&self, error: StartError) {
        self.stop.set(Reason::ShimBroken);
        if let Ok(mut last_words) = self.last_words.lock() {
            last_words.get_or_insert(error);
        }
    }
}

/// From a worker to the thread that reports.
enum Message {
    Started(Box<Hello>),
    Probe(&'static str, Verdict),
    Result(usize, Box<Finding>),
    Note(String),
}

fn pass(
    plan: &Plan<'_>,
    stop: &Stop,
    ends: Instant,
    attempt: u32,
    keys: &[usize],
    findings: &mut [Option<Finding>],
    tell: &mut dyn FnMut(Event<'_>),
) {
    let shared = Pass {
        plan,
        stop,
        keys,
        next: AtomicUsize::new(0),
        attempt,
        fresh_each: plan.oneshot || (attempt > 1 && keys.len() <= FRESH_EACH),
        timeouts_in_a_row: AtomicUsize::new(0),
        last_words: Mutex::new(None),
    };
    let (sender, receiver) = sync_channel(1024);
    thread::scope(|scope| {
        let shared = &shared;
        scope.spawn(move || lead(scope, shared, sender));
        report(shared, ends, &receiver, findings, tell);
    });
    if let Ok(Some(error)) = shared.last_words.into_inner() {
        tell(Event::Broken(error));
    }
}

/// Starts the first shim alone, so that a broken one is found before there are many, then the others.
fn lead<'s, 'p: 's>(
    scope: &'s thread::Scope<'s, 'p>,
    shared: &'p Pass<'p>,
    sender: SyncSender<Message>,
) {
    let mut first = Worker::new(shared, sender.clone());
    if shared.attempt == 1 && !first.greet() {
        return;
    }
    for _ in 1..shared.plan.jobs.min(shared.keys.len()) {
        let mut worker = Worker::new(shared, sender.clone());
        scope.spawn(move || worker.work());
    }
    drop(sender);
    first.work();
}

/// Passes on what the workers find until all of them are done.
fn report(
    shared: &Pass<'_>,
    ends: Instant,
    receiver: &Receiver<Message>,
    findings: &mut [Option<Finding>],
    tell: &mut dyn FnMut(Event<'_>),
) {
    loop {
        if Instant::now() >= ends {
            shared.stop.set(Reason::TimeLimit);
        }
        match receiver.recv_timeout(Duration::from_millis(50)) {
            Ok(Message::Started(hello)) => tell(Event::Started(&hello)),
            Ok(Message::Probe(name, verdict)) => tell(Event::Probe { name, verdict }),
            Ok(Message::Note(text)) => tell(Event::Note(text)),
            Ok(Message::Result(key, finding)) => {
                let finding = match &findings[key] {
                    Some(before) if shared.attempt > 1 => second(before, *finding),
                    _ => *finding,
                };
                let red = finding.verdict.is_red();
                let vector = shared.plan.cases[key];
                tell(Event::Result { vector, attempt: shared.attempt, finding: &finding });
                findings[key] = Some(finding);
                if red && shared.plan.fail_fast {
                    shared.stop.set(Reason::FailFast);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The verdict of the second run: the first one confirmed, or flaky.
fn second(before: &Finding, after: Finding) -> Finding {
    if before.verdict.name() == after.verdict.name() {
        return after;
    }
    let told = |verdict: &Verdict| match verdict.sentence() {
        text if text.is_empty() => verdict.name().to_owned(),
        text => format!("{} ({text})", verdict.name()),
    };
    let verdict = Verdict::Flaky { first: told(&before.verdict), second: told(&after.verdict) };
    Finding { verdict, stderr: after.stderr.or_else(|| before.stderr.clone()), ..after }
}
