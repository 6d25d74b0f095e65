//! A conversation with one shim process: hello, requests in flight, answers, bye.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::process::{Broken, Limits, Process, Program};
use super::protocol::{
    AnswerLine, ErrorDetail, Hello, MAX_LINE, Outcome, PROTOCOL, Range, ReplyLine, RequestLine,
};
use crate::stop::Stop;

/// What is asked of a shim: the operation of one case, without its expectation.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub case: &'a str,
    pub op: &'a str,
    pub input: &'a Map<String, Value>,
}

/// The suite as `hello` states it.
#[derive(Debug, Clone, Copy)]
pub struct SuiteName<'a> {
    pub version: &'a str,
    pub hash: &'a str,
}

/// Why a shim could not be started: the run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError {
    pub problem: String,
    pub stderr: String,
    /// The same as what went wrong with one case, for shims that are started for each.
    pub trouble: Trouble,
}

impl StartError {
    fn new(problem: String) -> StartError {
        let trouble = Trouble::Crash { how: problem.clone() };
        StartError { problem, stderr: String::new(), trouble }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        if !self.stderr.is_empty() {
            write!(f, "\nits standard error ends with:\n{}", self.stderr)?;
        }
        Ok(())
    }
}

/// What went wrong instead of an answer. The session is of no use after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    Timeout {
        after: Duration,
    },
    Crash {
        how: String,
    },
    ShimError {
        what: String,
        /// The request it is about, if that was answered before.
        about: Option<usize>,
    },
    Stopped,
}

/// An answer and how long it took.
#[derive(Debug)]
pub struct Answered {
    pub key: usize,
    pub line: AnswerLine,
    pub took: Duration,
}

/// A shim that has said hello. `key` is the caller's own name of a request.
pub struct Session<'a> {
    process: Process,
    hello: Hello,
    limits: Limits,
    stop: &'a Stop,
    in_flight: VecDeque<InFlight>,
    /// The key of request id 1, 2, and so on.
    keys: Vec<usize>,
    progress: Instant,
}

struct InFlight {
    id: u64,
    key: usize,
    sent: Instant,
}

/// How long a shim may take to exit after `bye`.
const BYE: Duration = Duration::from_secs(1);

impl<'a> Session<'a> {
    /// Starts the shim and waits for its hello. With `only`, that request is sent at once and nothing
    /// after it: one request a process.
    ///
    /// # Errors
    /// If the program can't be started or gives no good hello in time.
    pub fn start(
        program: &Program,
        suite: SuiteName<'_>,
        limits: Limits,
        stop: &'a Stop,
        only: Option<(usize, Request<'_>)>,
    ) -> Result<Session<'a>, StartError> {
        let started = Instant::now();
        let mut process = Process::start(program).map_err(|e| {
            let name = program.command.first().map(|n| n.to_string_lossy().into_owned());
            StartError::new(format!(
                "can't start {:?}: {e}. Give the program and its arguments after `--`, as in: \
                 tunnelproof run -- python3 my_shim.py",
                name.unwrap_or_default()
            ))
        })?;
        let protocol = Range { min: PROTOCOL, max: PROTOCOL };
        let line = RequestLine::Hello { protocol, suite: suite.version, suite_hash: suite.hash };
        process.send(&line.encode().expect("a hello is short"));
        let (mut in_flight, mut keys) = (VecDeque::new(), Vec::new());
        if let Some((key, request)) = only {
            let line = run_line(1, request, limits).map_err(StartError::new)?;
            process.send(&line);
            process.end_input(stop);
            in_flight.push_back(InFlight { id: 1, key, sent: started });
            keys.push(key);
        }
        let hello = match receive_hello(&mut process, started, limits, stop) {
            Ok(hello) => hello,
            Err(error) => return Err(StartError { stderr: process.stderr_tail(), ..error }),
        };
        Ok(Session { process, hello, limits, stop, in_flight, keys, progress: Instant::now() })
    }

    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Octets that the shim has not taken yet.
    pub fn backlog(&self) -> usize {
        self.process.backlog()
    }

    /// The keys of the requests without an answer, oldest first.
    pub fn unanswered(&self) -> Vec<usize> {
        self.in_flight.iter().map(|request| request.key).collect()
    }

    /// Sends a request.
    ///
    /// # Errors
    /// If its line would be over 1 MiB, which is the vector's fault.
    pub fn send(&mut self, key: usize, request: Request<'_>) -> Result<(), String> {
        let id = self.keys.len() as u64 + 1;
        let line = run_line(id, request, self.limits)?;
        self.enqueue(id, key, &line);
        Ok(())
    }

    /// Asks the shim to forget what it caches and waits for its answer.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn reset(&mut self, key: usize) -> Result<(), Trouble> {
        let id = self.keys.len() as u64 + 1;
        self.enqueue(id, key, &RequestLine::Reset { id }.encode().expect("a reset is short"));
        match self.receive_line()? {
            ReplyLine::Reset { id: answered } if answered == id => {
                self.in_flight.clear();
                Ok(())
            }
            ReplyLine::Reset { id: other } => {
                Err(shim_error(format!("answered the reset {id} under the id {other}")))
            }
            ReplyLine::Answer(answer) => Err(self.unexpected(answer.id)),
            ReplyLine::Hello(_) => Err(shim_error("a second hello".into())),
        }
    }

    /// The next answer, in whatever order the shim gives them.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub fn receive(&mut self) -> Result<Answered, Trouble> {
        let line = match self.receive_line()? {
            ReplyLine::Answer(line) => line,
            ReplyLine::Reset { id } => {
                return Err(shim_error(format!("a reset of id {id}, which was not asked for")));
            }
            ReplyLine::Hello(_) => return Err(shim_error("a second hello".into())),
        };
        let Some(at) = self.in_flight.iter().position(|request| request.id == line.id) else {
            return Err(self.unexpected(line.id));
        };
        check_detail(&line, self.hello.error_detail)?;
        let request = self.in_flight.remove(at).expect("its position was found");
        let begun = request.sent.max(self.progress);
        self.progress = Instant::now();
        Ok(Answered { key: request.key, line, took: self.progress - begun })
    }

    /// Says bye and waits for the shim's end.
    ///
    /// # Errors
    /// If it writes anything more, exits with another status than 0, or does not exit.
    pub fn finish(mut self) -> Result<(), Trouble> {
        self.process.send(&RequestLine::Bye.encode().expect("a bye is short"));
        self.process.end_input(self.stop);
        match self.process.next_line(Instant::now() + BYE, self.stop) {
            Err(Broken::Closed { cleanly: true, .. }) => Ok(()),
            Err(Broken::Closed { how, .. }) => Err(Trouble::Crash {
                how: format!("{how} after bye, instead of exiting with status 0"),
            }),
            Err(Broken::Deadline) => {
                Err(shim_error(format!("still ran {} s after bye", BYE.as_secs())))
            }
            Err(Broken::TooLong) => Err(too_long()),
            Err(Broken::Stopped) => Err(Trouble::Stopped),
            Ok(line) => match ReplyLine::parse(&line) {
                Ok(ReplyLine::Answer(answer)) => Err(self.unexpected(answer.id)),
                Ok(_) => Err(shim_error("a line that was not asked for".into())),
                Err(what) => Err(shim_error(what)),
            },
        }
    }

    /// The last part of what the shim wrote to standard error.
    pub fn stderr_tail(&mut self) -> String {
        self.process.stderr_tail()
    }

    /// Lets the tail begin here, so that what it shows belongs to the next case.
    pub fn forget_stderr(&mut self) {
        self.process.forget_stderr();
    }

    fn enqueue(&mut self, id: u64, key: usize, line: &[u8]) {
        self.keys.push(key);
        self.in_flight.push_back(InFlight { id, key, sent: Instant::now() });
        self.process.send(line);
    }

    fn receive_line(&mut self) -> Result<ReplyLine, Trouble> {
        // The clock of a case runs from the answer before it: a shim that is given several requests
        // may work them off one after the other.
        let begun = self.in_flight.front().map_or(self.progress, |r| r.sent.max(self.progress));
        match self.process.next_line(begun + self.limits.case, self.stop) {
            Ok(line) => ReplyLine::parse(&line).map_err(shim_error),
            Err(Broken::Deadline) => Err(Trouble::Timeout { after: self.limits.case }),
            Err(Broken::Closed { how, .. }) => Err(Trouble::Crash { how }),
            Err(Broken::TooLong) => Err(too_long()),
            Err(Broken::Stopped) => Err(Trouble::Stopped),
        }
    }

    /// An answer to nothing that waits for one.
    fn unexpected(&self, id: u64) -> Trouble {
        let answered = usize::try_from(id).ok().and_then(|id| self.keys.get(id.checked_sub(1)?));
        match answered {
            Some(&key) => Trouble::ShimError {
                what: format!("two answers to request {id}"),
                about: Some(key),
            },
            None => shim_error(format!("an answer to request {id}, which was never sent")),
        }
    }
}

fn shim_error(what: String) -> Trouble {
    Trouble::ShimError { what, about: None }
}

fn too_long() -> Trouble {
    shim_error(format!("a line of more than {MAX_LINE} octets"))
}

fn run_line(id: u64, request: Request<'_>, limits: Limits) -> Result<Vec<u8>, String> {
    let deadline_ms = u64::try_from(limits.case.as_millis()).unwrap_or(u64::MAX);
    let Request { case, op, input } = request;
    let line = RequestLine::Run { id, case, op, input, deadline_ms };
    line.encode().map_err(|length| {
        format!("{case}: its request is a line of {length} octets; at most {MAX_LINE} are allowed")
    })
}

fn receive_hello(
    process: &mut Process,
    started: Instant,
    limits: Limits,
    stop: &Stop,
) -> Result<Hello, StartError> {
    let line = process.next_line(started + limits.hello, stop).map_err(|broken| match broken {
        Broken::Deadline => {
            let seconds = limits.hello.as_secs_f64();
            let error = StartError::new(format!("no hello within {seconds} s of its start"));
            StartError { trouble: Trouble::Timeout { after: limits.hello }, ..error }
        }
        Broken::Closed { how, .. } => StartError::new(format!("{how} before its hello")),
        Broken::TooLong => {
            StartError::new(format!("a first line of more than {MAX_LINE} octets instead of hello"))
        }
        Broken::Stopped => {
            let error = StartError::new("stopped before its hello".to_owned());
            StartError { trouble: Trouble::Stopped, ..error }
        }
    })?;
    let bad = |what: String| {
        let error = StartError::new(format!("no good hello: {what}"));
        StartError { trouble: shim_error(what), ..error }
    };
    match ReplyLine::parse(&line) {
        Ok(ReplyLine::Hello(hello)) => check_hello(hello).map_err(bad),
        Ok(_) => Err(bad("its first line is of another type".into())),
        Err(what) => Err(bad(what)),
    }
}

fn check_hello(hello: Hello) -> Result<Hello, String> {
    if hello.protocol != PROTOCOL {
        return Err(format!(
            "its hello chooses protocol {}; the harness offers {PROTOCOL} to {PROTOCOL}",
            hello.protocol
        ));
    }
    if hello.max_inflight == 0 {
        return Err("its hello has max_inflight 0; give 1 for one request at a time".into());
    }
    Ok(hello)
}

/// A reject has to tell as much as hello has promised.
fn check_detail(line: &AnswerLine, detail: ErrorDetail) -> Result<(), Trouble> {
    let missing = match (line.outcome, detail) {
        (Outcome::Reject, ErrorDetail::Class | ErrorDetail::Code) if line.error.class.is_none() => {
            "class"
        }
        (Outcome::Reject, ErrorDetail::Code) if line.error.code.is_none() => "code",
        _ => return Ok(()),
    };
    Err(shim_error(format!(
        "a reject without error.{missing}, which error_detail in its hello promises"
    )))
}
