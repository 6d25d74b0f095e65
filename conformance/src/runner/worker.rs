//! One worker: a shim process at a time, restarted when it breaks.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::mpsc::SyncSender;

use serde_json::Map;
use tunnelproof_vectors::Vector;

use super::{Finding, Message, Pass};
use crate::peer;
use crate::shim::session::{Answered, Request};
use crate::shim::{Outcome, Session, StartError, Trouble};
use crate::stop::Reason;
use crate::verdict::{self, Verdict};

/// A shim that can't be started this many times in a row is broken.
const STARTS: usize = 3;
/// Not more octets waiting to be written, except for a single request.
const BACKLOG: usize = 1 << 20;
/// The keys of what is asked outside of any case.
const PROBE: usize = usize::MAX;
const RESET: usize = usize::MAX - 1;

pub(super) struct Worker<'p> {
    pass: &'p Pass<'p>,
    sender: SyncSender<Message>,
    session: Option<Session<'p>>,
    /// Cases that a broken shim left unanswered and that are not to blame.
    returned: VecDeque<usize>,
}

impl<'p> Worker<'p> {
    pub(super) fn new(pass: &'p Pass<'p>, sender: SyncSender<Message>) -> Worker<'p> {
        Worker { pass, sender, session: None, returned: VecDeque::new() }
    }

    /// Starts the first shim and asks it what no case asks. False if it can't be started.
    pub(super) fn greet(&mut self) -> bool {
        let op = format!("probe.{:016x}", RandomState::new().build_hasher().finish());
        let input = Map::new();
        let request = Request { case: "shim/unknown-op", op: &op, input: &input };
        let plan = self.pass.plan;
        let only = plan.oneshot.then_some((PROBE, request));
        let started =
            Session::start(&plan.program, plan.suite_name(), plan.limits, self.pass.stop, only);
        let mut session = match started {
            Ok(session) => session,
            Err(error) => {
                self.pass.broken(error);
                return false;
            }
        };
        let hello = self.pass.hello.get_or_init(|| session.hello().clone());
        self.tell(Message::Started(Box::new(hello.clone())));
        if !plan.oneshot {
            session.send(PROBE, request).expect("the probe is short");
        }
        let answer = session.receive();
        let usable = answer.is_ok();
        self.tell_probe("shim/unknown-op", probe_verdict(answer));
        if plan.oneshot || !usable {
            return true;
        }
        let answer = session.reset(RESET);
        let usable = answer.is_ok();
        self.tell_probe(
            "shim/reset",
            answer.map_or_else(|t| verdict::of_trouble(&t), |()| Some(Verdict::Pass)),
        );
        if usable {
            self.session = Some(session);
        }
        true
    }

    /// Runs cases until none is left or the run is stopped.
    pub(super) fn work(&mut self) {
        while !self.pass.stop.is_set() {
            if self.pass.fresh_each {
                let Some(key) = self.take() else { return };
                if let Some(finding) = self.run_alone(key) {
                    let finding = self.finish_for(key, finding);
                    self.found(key, finding);
                }
            } else if !self.turn() {
                self.finish();
                return;
            }
        }
    }

    /// Fills the window, then takes one answer. False when nothing is left to do.
    fn turn(&mut self) -> bool {
        loop {
            let (in_flight, full) = match &self.session {
                Some(session) => {
                    let offered = session.hello().max_inflight;
                    let window =
                        self.pass.plan.max_inflight.min(usize::try_from(offered).unwrap_or(1));
                    let in_flight = session.in_flight();
                    (
                        in_flight,
                        in_flight >= window || (in_flight > 0 && session.backlog() > BACKLOG),
                    )
                }
                None => (0, false),
            };
            if full {
                break;
            }
            let Some(key) = self.take() else {
                if in_flight == 0 {
                    return false;
                }
                break;
            };
            if !self.is_asked(key) {
                continue;
            }
            let vector = self.vector(key);
            let Some(session) = self.session() else { return false };
            if in_flight == 0 {
                session.forget_stderr();
            }
            if let Err(problem) = session.send(key, request(vector)) {
                self.tell(Message::Note(problem));
            }
        }
        let Some(session) = &mut self.session else { return true };
        match session.receive() {
            Ok(answered) => {
                let finding = self.judge(&answered);
                self.found(answered.key, finding);
            }
            Err(trouble) => self.handle(&trouble),
        }
        true
    }

    /// Runs one case with nothing else in flight. None if the run is being stopped.
    fn run_alone(&mut self, key: usize) -> Option<Finding> {
        if !self.is_asked(key) {
            return None;
        }
        let request = request(self.vector(key));
        if self.pass.plan.oneshot {
            let plan = self.pass.plan;
            let only = Some((key, request));
            match Session::start(
                &plan.program,
                plan.suite_name(),
                plan.limits,
                self.pass.stop,
                only,
            ) {
                Ok(session) => self.session = Some(session),
                Err(StartError { trouble, stderr, .. }) => {
                    return self.unanswered(&trouble, stderr);
                }
            }
        } else {
            let session = self.session()?;
            session.forget_stderr();
            if let Err(problem) = session.send(key, request) {
                self.tell(Message::Note(problem));
                return None;
            }
        }
        let session = self.session.as_mut()?;
        match session.receive() {
            Ok(answered) => Some(self.judge(&answered)),
            Err(trouble) => {
                let stderr = session.stderr_tail();
                self.session = None;
                self.unanswered(&trouble, stderr)
            }
        }
    }

    /// Ends the process of a case that ran in its own, and sees whether that changes the verdict.
    fn finish_for(&mut self, key: usize, finding: Finding) -> Finding {
        let trouble = self.session.take().map(Session::finish);
        match trouble {
            Some(Err(trouble @ Trouble::ShimError { about: Some(about), .. })) if about == key => {
                self.unanswered(&trouble, String::new()).unwrap_or(finding)
            }
            _ => finding,
        }
    }

    /// The shim has broken: finds the case that is to blame and gives the others back.
    fn handle(&mut self, trouble: &Trouble) {
        let Some(mut session) = self.session.take() else { return };
        let suspects = session.unanswered();
        let stderr = session.stderr_tail();
        drop(session);
        if let Trouble::ShimError { about: Some(key), .. } = trouble {
            self.blame(*key, trouble, stderr);
            self.returned.extend(suspects);
            return;
        }
        match suspects.as_slice() {
            [] => self.tell_trouble_outside(trouble),
            [key] => {
                self.blame(*key, trouble, stderr);
            }
            _ => self.isolate(&suspects, trouble),
        }
    }

    /// Several requests were in flight, and any of them may have broken the shim: each runs alone. If
    /// none breaks it again, having several in flight did, and the oldest gets the verdict.
    fn isolate(&mut self, suspects: &[usize], trouble: &Trouble) {
        let mut broke_again = false;
        let mut oldest = None;
        for &key in suspects {
            if self.pass.stop.is_set() {
                return;
            }
            let Some(finding) = self.run_alone(key) else { continue };
            broke_again |= matches!(
                finding.verdict,
                Verdict::Timeout { .. } | Verdict::Crash { .. } | Verdict::ShimError { .. }
            );
            oldest.get_or_insert((key, finding.verdict.name()));
            self.found(key, finding);
        }
        if let (false, Some((key, alone)), Some(together)) =
            (broke_again, oldest, verdict::of_trouble(trouble))
        {
            let verdict = Verdict::Flaky {
                first: format!(
                    "{} ({}), with {} requests in flight",
                    together.name(),
                    together.sentence(),
                    suspects.len()
                ),
                second: format!("{alone}, alone"),
            };
            self.found(key, Finding::of(verdict));
        }
    }

    fn judge(&mut self, answered: &Answered) -> Finding {
        self.pass.note_timeout(false);
        let Answered { key, line, took } = answered;
        let vector = self.vector(*key);
        let session = self.session.as_mut().expect("an answer comes from a session");
        let verdict = verdict::judge(vector, line, session.hello().error_detail);
        let stderr = matches!(verdict, Verdict::Crash { .. }).then(|| session.stderr_tail());
        let stderr = stderr.filter(|text| !text.is_empty());
        Finding {
            took: Some(*took),
            stderr,
            peer: peer::view(vector, line),
            ..Finding::of(verdict)
        }
    }

    /// What is found about a case whose shim broke; None if the run is being stopped.
    fn unanswered(&self, trouble: &Trouble, stderr: String) -> Option<Finding> {
        self.pass.note_timeout(matches!(trouble, Trouble::Timeout { .. }));
        let verdict = verdict::of_trouble(trouble)?;
        Some(Finding { stderr: (!stderr.is_empty()).then_some(stderr), ..Finding::of(verdict) })
    }

    fn blame(&self, key: usize, trouble: &Trouble, stderr: String) {
        if key == PROBE || key == RESET {
            self.tell_probe("shim/unknown-op", verdict::of_trouble(trouble));
        } else if let Some(finding) = self.unanswered(trouble, stderr) {
            self.found(key, finding);
        }
    }

    /// Says bye; what goes wrong then is no case's fault, unless it names one.
    fn finish(&mut self) {
        let Some(session) = self.session.take() else { return };
        if let Err(trouble) = session.finish() {
            match trouble {
                Trouble::ShimError { about: Some(key), .. } => {
                    self.blame(key, &trouble, String::new());
                }
                _ => self.tell_trouble_outside(&trouble),
            }
        }
    }

    fn tell_trouble_outside(&self, trouble: &Trouble) {
        self.tell_probe("shim/bye", verdict::of_trouble(trouble));
    }

    /// Whether the case is to be sent; if not, it gets its verdict here.
    fn is_asked(&mut self, key: usize) -> bool {
        let vector = self.vector(key);
        let Some(hello) = self.pass.hello.get() else { return false };
        let missing = vector.requires.iter().find(|feature| !hello.features.contains(feature));
        let reason = if !hello.ops.contains(&vector.op) {
            format!("{} is not among the ops of its hello", vector.op)
        } else if let Some(feature) = missing {
            format!("needs the feature {feature}, which its hello lacks")
        } else {
            return true;
        };
        let verdict = Verdict::Unsupported { reason };
        self.found(key, Finding::of(verdict));
        false
    }

    /// The session, started if there is none. None if that fails for good.
    fn session(&mut self) -> Option<&mut Session<'p>> {
        let plan = self.pass.plan;
        for attempt in 1..=STARTS {
            if self.session.is_some() || self.pass.stop.is_set() {
                break;
            }
            match Session::start(
                &plan.program,
                plan.suite_name(),
                plan.limits,
                self.pass.stop,
                None,
            ) {
                Ok(session) => self.session = Some(session),
                Err(error) if attempt == STARTS => self.pass.broken(error),
                Err(_) => {}
            }
        }
        self.session.as_mut()
    }

    fn take(&mut self) -> Option<usize> {
        self.returned.pop_front().or_else(|| self.pass.take())
    }

    fn vector(&self, key: usize) -> &'p Vector {
        self.pass.plan.cases[key]
    }

    fn found(&self, key: usize, finding: Finding) {
        if (self.pass.plan.ends)(self.vector(key), &finding.verdict) {
            self.pass.stop.set(Reason::FailFast);
        }
        self.tell(Message::Result(key, Box::new(finding)));
    }

    fn tell(&self, message: Message) {
        // Fails only when nobody listens any more, and then nobody wants to know.
        let _ = self.sender.send(message);
    }

    fn tell_probe(&self, name: &'static str, verdict: Option<Verdict>) {
        if let Some(verdict) = verdict {
            self.tell(Message::Probe(name, verdict));
        }
    }
}

fn request(vector: &Vector) -> Request<'_> {
    Request { case: &vector.id, op: &vector.op, input: &vector.input }
}

/// An operation that does not exist has to be answered with `unsupported`.
fn probe_verdict(answer: Result<Answered, Trouble>) -> Option<Verdict> {
    let line = match answer {
        Ok(answered) => answered.line,
        Err(trouble) => return verdict::of_trouble(&trouble),
    };
    if line.outcome == Outcome::Unsupported {
        return Some(Verdict::Pass);
    }
    let outcome = format!("{:?}", line.outcome).to_lowercase();
    Some(Verdict::ShimError {
        what: format!(
            "outcome {outcome:?} to an operation that does not exist; it has to be \"unsupported\""
        ),
    })
}
