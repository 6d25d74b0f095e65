//! Runs the selected cases against a shim: several processes side by side, each with several
//! requests in flight if it can; then the failing ones again in fresh processes.

mod worker;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use tunnelproof_vectors::{Suite, Vector};

use crate::peer::{self, PeerView};
use crate::shim::session::SuiteName;
use crate::shim::{Hello, Limits, Program, StartError, Trouble};
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
    /// Not more requests in flight, whatever the shim offers.
    pub max_inflight: usize,
    /// One process for each request.
    pub oneshot: bool,
    /// Whether a verdict ends the run.
    pub ends: &'a (dyn Fn(&Vector, &Verdict) -> bool + Sync),
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
    /// Marked *security* although the verdict's kind alone is not.
    pub security: bool,
    /// The file with the wire trace of a live case that failed.
    pub trace: Option<String>,
}

impl Finding {
    /// One without an answer.
    pub fn of(verdict: Verdict) -> Finding {
        Finding { verdict, took: None, stderr: None, peer: None, security: false, trace: None }
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

/// Runs the plan. Every result is told as soon as it is there.
pub fn run(plan: &Plan<'_>, stop: &Stop, tell: &mut dyn FnMut(Event<'_>)) {
    let findings = plan.cases.iter().map(|_| None).collect();
    let ends = Instant::now() + plan.time_limit;
    let mut run = Run { plan, stop, ends, hello: OnceLock::new(), findings };
    let all: Vec<usize> = (0..plan.cases.len()).collect();
    run.pass(1, &all, tell);
    let red = run.red();
    if plan.rerun && !stop.is_set() && !red.is_empty() {
        run.pass(2, &red, tell);
    }
    run.tell_apart(tell);
}

/// What is known while the plan runs.
struct Run<'r> {
    plan: &'r Plan<'r>,
    stop: &'r Stop,
    ends: Instant,
    /// What the first shim has said; those after it are taken to say the same.
    hello: OnceLock<Hello>,
    /// One for each case of the plan.
    findings: Vec<Option<Finding>>,
}

impl Run<'_> {
    /// The cases to be run again: another verdict than before makes them flaky.
    fn red(&self) -> Vec<usize> {
        let is_red = |finding: &Finding| {
            finding.verdict.is_red() && !matches!(finding.verdict, Verdict::Flaky { .. })
        };
        let findings = self.findings.iter().enumerate();
        findings.filter(|(_, f)| f.as_ref().is_some_and(is_red)).map(|(key, _)| key).collect()
    }

    /// Runs the cases of these keys, the first or the second time.
    fn pass(&mut self, attempt: u32, keys: &[usize], tell: &mut dyn FnMut(Event<'_>)) {
        let Run { plan, stop, ends, hello, findings } = self;
        let pass = Pass {
            plan,
            stop,
            hello,
            keys,
            next: AtomicUsize::new(0),
            attempt,
            fresh_each: plan.oneshot || (attempt > 1 && keys.len() <= FRESH_EACH),
            timeouts_in_a_row: AtomicUsize::new(0),
            last_words: Mutex::new(None),
        };
        let (sender, receiver) = sync_channel(1024);
        thread::scope(|scope| {
            let pass = &pass;
            scope.spawn(move || lead(scope, pass, sender));
            report(pass, *ends, &receiver, findings, tell);
        });
        if let Ok(Some(error)) = pass.last_words.into_inner() {
            tell(Event::Broken(error));
        }
    }

    /// Gives their verdict to the members of groups that a peer can tell apart.
    fn tell_apart(&mut self, tell: &mut dyn FnMut(Event<'_>)) {
        let cases = &self.plan.cases;
        let views =
            self.findings.iter().enumerate().filter_map(|(key, finding)| {
                Some((key, cases[key], finding.as_ref()?.peer.as_ref()?))
            });
        for (key, verdict) in peer::distinguishable(views) {
            if let Some(finding) = &mut self.findings[key] {
                finding.verdict = verdict;
                tell(Event::Result { vector: cases[key], attempt: 1, finding });
            }
        }
    }
}

/// What the workers of a pass share.
struct Pass<'p> {
    plan: &'p Plan<'p>,
    stop: &'p Stop,
    hello: &'p OnceLock<Hello>,
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
        // One that was ended before its hello, since the run has ended, says nothing of the shim.
        if matches!(error.trouble, Trouble::Stopped) {
            return;
        }
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

/// Starts the first shim alone, so that a broken one is found before there are many, then the others.
fn lead<'s, 'p: 's>(
    scope: &'s thread::Scope<'s, 'p>,
    pass: &'p Pass<'p>,
    sender: SyncSender<Message>,
) {
    let mut first = Worker::new(pass, sender.clone());
    if pass.attempt == 1 && !first.greet() {
        return;
    }
    for _ in 1..pass.plan.jobs.min(pass.keys.len()) {
        let mut worker = Worker::new(pass, sender.clone());
        scope.spawn(move || worker.work());
    }
    drop(sender);
    first.work();
}

/// Passes on what the workers find until all of them are done.
fn report(
    pass: &Pass<'_>,
    ends: Instant,
    receiver: &Receiver<Message>,
    findings: &mut [Option<Finding>],
    tell: &mut dyn FnMut(Event<'_>),
) {
    loop {
        if Instant::now() >= ends {
            pass.stop.set(Reason::TimeLimit);
        }
        match receiver.recv_timeout(Duration::from_millis(50)) {
            Ok(Message::Started(hello)) => tell(Event::Started(&hello)),
            Ok(Message::Probe(name, verdict)) => tell(Event::Probe { name, verdict }),
            Ok(Message::Note(text)) => tell(Event::Note(text)),
            Ok(Message::Result(key, finding)) => {
                let finding = match &findings[key] {
                    Some(before) if pass.attempt > 1 => second(before, *finding),
                    _ => *finding,
                };
                let vector = pass.plan.cases[key];
                tell(Event::Result { vector, attempt: pass.attempt, finding: &finding });
                findings[key] = Some(finding);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The verdict of the second run: the first one confirmed, or flaky.
pub fn second(before: &Finding, after: Finding) -> Finding {
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
