//! What the controls do. Each starts from the right answer of a good implementation and spoils it.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::process::{Command, Stdio, abort, exit};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, sleep};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tunnelproof_vectors::{Expect, Reject, Suite};

use crate::shim_server::{self, Implementation};

/// One way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    Good,
    LateHello,
    StderrFlood,
    Backwards,
    Bool,
    AcceptAll,
    RejectAll,
    SkipAll,
    UnsupportedAll,
    FaultAll,
    LongTexts,
    Crash,
    Hang,
    Slow,
    Garbage,
    NonUtf8,
    Flood,
    HugeLine,
    Echo,
    WrongId,
    AnswersTwice,
    OutOfOrder,
    CannotPipeline,
    DiesHalfway,
    HangsHalfway,
    StateLeak,
    ForkAndLinger,
    ClosesPipe,
    OkToUnknownOp,
    BadBye,
    IgnoresBye,
    NoHello,
    BadHello,
    OffByOneTime,
    TellsThePeer,
    Replay,
}

/// How many answers a control gives before it goes wrong, where it does so later.
const GOOD_ANSWERS: usize = 3;

/// Serves the shim protocol, in a way of its own, until the end of `input`.
///
/// # Errors
/// If writing fails, or a line is not of the protocol: the harness has ended the conversation.
pub fn serve(
    behaviour: Behaviour,
    inner: &mut dyn Implementation,
    input: impl BufRead + Send + 'static,
    output: impl Write,
) -> io::Result<()> {
    let ops = inner.hello().ops;
    let held = Vec::new();
    let replay = if behaviour == Behaviour::Replay { expectations() } else { HashMap::new() };
    let mut control = Control { behaviour, inner, ops, output, answered: 0, held, replay };
    let lines = lines(input);
    loop {
        // An answer is held back until there are enough, or nothing more comes.
        let patience = if control.held.is_empty() { FOREVER } else { Duration::from_millis(50) };
        let line = match lines.recv_timeout(patience) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                control.release()?;
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let request: Value = serde_json::from_str(&line)?;
        match request["type"].as_str() {
            Some("hello") => control.hello(&line)?,
            Some("run") => control.run(&line, &request)?,
            Some("bye") => break,
            _ => control.good(&line).and_then(|answer| control.write(&answer))?,
        }
        control.output.flush()?;
    }
    match behaviour {
        Behaviour::BadBye => exit(3),
        Behaviour::IgnoresBye => linger(),
        _ => Ok(()),
    }
}

const FOREVER: Duration = Duration::from_secs(600);

fn lines(input: impl BufRead + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        input.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

struct Control<'a, W> {
    behaviour: Behaviour,
    inner: &'a mut dyn Implementation,
    ops: Vec<&'static str>,
    output: W,
    answered: usize,
    held: Vec<Value>,
    replay: HashMap<String, Expect>,
}

impl<W: Write> Control<'_, W> {
    fn hello(&mut self, line: &str) -> io::Result<()> {
        let mut hello = self.good(line)?;
        hello["implementation"]["name"] = json!(format!("{:?}", self.behaviour));
        hello["max_inflight"] = json!(1);
        match self.behaviour {
            Behaviour::NoHello => linger(),
            Behaviour::BadHello => hello["protocol"] = json!(2),
            Behaviour::LateHello => sleep(Duration::from_millis(400)),
            Behaviour::Bool => hello["error_detail"] = json!("bool"),
            Behaviour::Backwards | Behaviour::OutOfOrder | Behaviour::CannotPipeline => {
                hello["max_inflight"] = json!(GROUP);
            }
            Behaviour::Replay => hello["max_inflight"] = json!(64),
            _ => {}
        }
        self.write(&hello)
    }

    fn run(&mut self, line: &str, request: &Value) -> io::Result<()> {
        let known_op = request["op"].as_str().is_some_and(|op| self.ops.contains(&op));
        if !known_op && self.behaviour != Behaviour::OkToUnknownOp {
            let answer = self.good(line)?;
            return self.write(&answer);
        }
        let answer = |fields: Value| {
            let mut answer = json!({"type": "answer", "id": request["id"]});
            let fields = fields.as_object().cloned().unwrap_or_default();
            answer.as_object_mut().expect("is an object").extend(fields);
            answer
        };
        self.answered += 1;
        let late = self.answered > GOOD_ANSWERS;
        match self.behaviour {
            Behaviour::Good
            | Behaviour::LateHello
            | Behaviour::BadBye
            | Behaviour::IgnoresBye
            | Behaviour::NoHello
            | Behaviour::BadHello => {}
            Behaviour::StderrFlood => io::stderr().write_all(&vec![b'x'; 4 << 20])?,
            Behaviour::Backwards | Behaviour::OutOfOrder | Behaviour::CannotPipeline => {
                return self.hold(line);
            }
            Behaviour::Bool => {
                let mut answer = self.good(line)?;
                if let Some(answer) = answer.as_object_mut() {
                    answer.remove("error");
                }
                return self.write(&answer);
            }
            Behaviour::AcceptAll => {
                return self.write(&answer(json!({"outcome": "ok", "out": {}})));
            }
            Behaviour::RejectAll => {
                let error = json!({"class": "state", "code": "order"});
                return self.write(&answer(json!({"outcome": "reject", "error": error})));
            }
            Behaviour::SkipAll => {
                return self.write(&answer(json!({"outcome": "skip", "reason": "not today"})));
            }
            Behaviour::UnsupportedAll => {
                return self.write(&answer(json!({"outcome": "unsupported", "reason": "not yet"})));
            }
            Behaviour::FaultAll => {
                let error = json!({"native": "IndexError: list index out of range"});
                return self.write(&answer(json!({"outcome": "fault", "error": error})));
            }
            Behaviour::LongTexts => {
                let error = json!({"native": "\x1b[2J".repeat(100_000)});
                return self.write(&answer(json!({"outcome": "fault", "error": error})));
            }
            Behaviour::Crash => {
                eprintln!("something went very wrong");
                abort();
            }
            Behaviour::Hang => linger(),
            Behaviour::Slow => {
                let deadline = request["deadline_ms"].as_u64().unwrap_or(0);
                sleep(Duration::from_millis(deadline + deadline / 2));
            }
            Behaviour::Garbage => return writeln!(self.output, "Segmentation fault (core dumped)"),
            Behaviour::NonUtf8 => return self.output.write_all(b"{\"type\":\"\xff\xfe\"}\n"),
            Behaviour::Flood => loop {
                self.write(
                    &json!({"type": "answer", "id": 1u64 << 40, "outcome": "ok", "out": {}}),
                )?;
            },
            Behaviour::HugeLine => {
                self.output
                    .write_all(b"{\"type\":\"answer\",\"outcome\":\"ok\",\"out\":{\"id\":\"")?;
                return self.output.write_all(&vec![b'0'; 10_000_000]);
            }
            Behaviour::Echo => return writeln!(self.output, "{line}"),
            Behaviour::WrongId => {
                let mut answer = self.good(line)?;
                answer["id"] = json!(request["id"].as_u64().unwrap_or(0) + 1_000_000);
                return self.write(&answer);
            }
            Behaviour::AnswersTwice => {
                let answer = self.good(line)?;
                self.write(&answer)?;
            }
            Behaviour::DiesHalfway if late => exit(0),
            Behaviour::HangsHalfway if late => linger(),
            Behaviour::StateLeak if late => {
                return self.write(&answer(json!({"outcome": "ok", "out": {}})));
            }
            Behaviour::DiesHalfway | Behaviour::HangsHalfway | Behaviour::StateLeak => {}
            Behaviour::ForkAndLinger => {
                let child = Command::new("sleep").arg("600").stdin(Stdio::inherit()).spawn()?;
                eprintln!("child {}", child.id());
                exit(1);
            }
            Behaviour::ClosesPipe => {
                self.output.flush()?;
                let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
                rustix::stdio::dup2_stdout(&nowhere)?;
                linger();
            }
            Behaviour::OkToUnknownOp => {
                if !known_op {
                    return self.write(&answer(json!({"outcome": "ok", "out": {}})));
                }
            }
            Behaviour::OffByOneTime => {
                let mut request = request.clone();
                advance(&mut request["in"]);
                let answer = self.good(&request.to_string())?;
                return self.write(&answer);
            }
            Behaviour::TellsThePeer => {
                let mut answer = self.good(line)?;
                if answer["error"]["code"] == "wrong_password"
                    && let Some(sent) = answer["out"]["sent"].as_array_mut()
                {
                    sent.push(json!("00"));
                }
                return self.write(&answer);
            }
            Behaviour::Replay => {
                let fields = self.replay(request["case"].as_str().unwrap_or_default());
                return self.write(&answer(fields));
            }
        }
        let answer = self.good(line)?;
        self.write(&answer)
    }

    /// The right answer to a line.
    fn good(&mut self, line: &str) -> io::Result<Value> {
        let mut answer = Vec::new();
        shim_server::serve(self.inner, line.as_bytes(), &mut answer)?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// Collects right answers until there is a group of them.
    fn hold(&mut self, line: &str) -> io::Result<()> {
        let answer = self.good(line)?;
        self.held.push(answer);
        if self.behaviour == Behaviour::CannotPipeline && self.held.len() > 1 {
            abort();
        }
        if self.held.len() < GROUP { Ok(()) } else { self.release() }
    }

    /// Gives the answers held back, last first; out of order means under each other's ids.
    fn release(&mut self) -> io::Result<()> {
        let mut held = std::mem::take(&mut self.held);
        if self.behaviour == Behaviour::OutOfOrder {
            let ids: Vec<Value> = held.iter().map(|answer| answer["id"].clone()).rev().collect();
            for (answer, id) in held.iter_mut().zip(ids) {
                answer["id"] = id;
            }
        }
        held.iter().rev().try_for_each(|answer| self.write(answer))?;
        self.output.flush()
    }

    /// What the vector of this id expects, as an answer's fields. A check of a random result can't be
    /// answered without the cryptography.
    fn replay(&self, case: &str) -> Value {
        match self.replay.get(case) {
            Some(Expect::Accept(out)) if has_check(out) => {
                json!({"outcome": "unsupported", "reason": "has a random result"})
            }
            Some(Expect::Accept(out)) => json!({"outcome": "ok", "out": out}),
            Some(Expect::Reject(Reject { out: Some(out), .. })) if has_check(out) => {
                json!({"outcome": "unsupported", "reason": "has a random result"})
            }
            Some(Expect::Reject(reject)) => {
                let status = reject.status.flatten();
                let error =
                    json!({"class": reject.class, "code": reject.codes.first(), "status": status});
                json!({"outcome": "reject", "error": error, "out": reject.out})
            }
            None => json!({"outcome": "unsupported", "reason": "not a vector of mine"}),
        }
    }

    fn write(&mut self, line: &Value) -> io::Result<()> {
        serde_json::to_writer(&mut self.output, line)?;
        self.output.write_all(b"\n")
    }
}

fn expectations() -> HashMap<String, Expect> {
    let vectors = Suite::embedded().map(|suite| suite.vectors).unwrap_or_default();
    vectors.into_iter().map(|vector| (vector.id, vector.expect)).collect()
}

/// How many answers are held back to be mixed.
const GROUP: usize = 4;

fn linger() -> ! {
    loop {
        sleep(Duration::from_secs(600));
    }
}

fn has_check(out: &Map<String, Value>) -> bool {
    fn inside(value: &Value) -> bool {
        match value {
            Value::Object(map) => map.contains_key("check") || map.values().any(inside),
            Value::Array(list) => list.iter().any(inside),
            _ => false,
        }
    }
    out.values().any(inside)
}

/// Adds one to every reading of a wall clock.
fn advance(input: &mut Value) {
    match input {
        Value::Object(map) => {
            for (name, value) in map {
                let is_clock = name == "now" || name == "now_ms";
                match value.as_str().and_then(|text| text.parse::<u64>().ok()) {
                    Some(time) if is_clock => *value = json!(time.saturating_add(1).to_string()),
                    _ => advance(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(advance),
        _ => {}
    }
}
