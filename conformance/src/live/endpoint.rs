//! The endpoint under test: its process, the lines that it writes, the lines that it is told.
//!
//! A thread of its own moves the lines, so that cases can wait for events side by side. Everything is
//! bounded: lines as with a shim, and the number of lines that are kept.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::lines::{Event, Line, Probe, Ready};
use crate::shim::process::{Broken, Process, Program};
use crate::shim::protocol::{Implementation, MAX_LINE};
use crate::stop::Stop;
use crate::verdict::Verdict;

/// A running endpoint; dropping it kills its process group.
pub struct Endpoint {
    /// Where a server listens; a client has none.
    pub address: Option<SocketAddr>,
    pub implementation: Implementation,
    /// It reports events, and takes `close` and `send`.
    pub events: bool,
    /// It takes `tls` lines.
    pub reload: bool,
    /// How to reach its application, where that is not echo.
    pub probe: Option<Probe>,
    process: Option<Pump>,
    /// A case has ended its standard input.
    was_ended: AtomicBool,
}

/// Why an endpoint could not be started.
pub struct StartFailure {
    pub problem: String,
    pub stderr: String,
    /// What it says that it can't do; empty where that is not the reason.
    pub unsupported: Vec<String>,
    /// What it is, where it has said so.
    pub implementation: Option<Box<Implementation>>,
}

struct Pump {
    shared: Arc<Shared>,
    commands: Option<Sender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Set by the thread that drops the endpoint.
    end: Stop,
}

#[derive(Default)]
struct State {
    events: Vec<Event>,
    /// Answers to `credentials` lines, oldest first.
    answers: Vec<u64>,
    /// How many `tls` lines it has answered.
    changes: usize,
    ready: Option<Ready>,
    unsupported: Option<(Vec<String>, Implementation)>,
    over: Option<Over>,
}

/// How the process or its lines ended.
#[derive(Debug, Clone)]
pub struct Over {
    pub verdict: Verdict,
    pub stderr: String,
    /// It exited with status 0.
    pub cleanly: bool,
}

/// What the pump looks for new commands after.
const TURN: Duration = Duration::from_millis(5);
/// An endpoint that has written more lines than any case can provoke is flooding.
const MOST_EVENTS: usize = 200_000;
/// How long the end of a process may take to be noticed.
const MOMENT: Duration = Duration::from_millis(300);
/// How long an endpoint may take to exit when its standard input has ended: 5 s for its channels, and some.
const EXIT: Duration = Duration::from_secs(8);

impl Endpoint {
    /// Starts `program`, writes `first` and waits for its answer.
    ///
    /// # Errors
    /// If it can't be started or does not get ready in time.
    pub fn start(
        program: &Program,
        first: &Value,
        patience: Duration,
        stop: &Stop,
    ) -> Result<Endpoint, StartFailure> {
        let process = Process::start(program).map_err(|e| {
            let name = program.command.first().map(|name| name.to_string_lossy().into_owned());
            StartFailure {
                problem: format!(
                    "can't start {:?}: {e}. Give the endpoint and its arguments after `--`",
                    name.unwrap_or_default()
                ),
                stderr: String::new(),
                unsupported: Vec::new(),
                implementation: None,
            }
        })?;
        let end = stop.another();
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), end });
        let (commands, receiver) = channel();
        let for_pump = Arc::clone(&shared);
        let thread = thread::spawn(move || pump(process, &receiver, &for_pump));
        let pump = Pump { shared, commands: Some(commands), thread: Some(thread) };
        pump.send(first);
        let ready = pump.ready(Instant::now() + patience, patience)?;
        let address = ready.port.map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
        Ok(Endpoint {
            address,
            implementation: ready.implementation,
            events: ready.events,
            reload: ready.reload,
            probe: ready.probe,
            process: Some(pump),
            was_ended: AtomicBool::new(false),
        })
    }

    /// A server that runs already.
    pub fn remote(address: SocketAddr) -> Endpoint {
        let implementation = Implementation {
            name: format!("the server at {address}"),
            version: String::new(),
            language: String::new(),
            url: String::new(),
        };
        Endpoint {
            address: Some(address),
            implementation,
            events: false,
            reload: false,
            probe: None,
            process: None,
            was_ended: AtomicBool::new(false),
        }
    }

    /// Whether it writes events and takes lines.
    pub fn is_started(&self) -> bool {
        self.process.is_some()
    }

    /// How many events there are so far: a mark to look for later ones from.
    pub fn mark(&self) -> usize {
        self.process.as_ref().map_or(0, |pump| pump.shared.lock().events.len())
    }

    /// The events after the mark that belong to this connection: the port of a peer, or a dial.
    pub fn events(&self, mark: usize, key: u64) -> Vec<Event> {
        let Some(pump) = &self.process else { return Vec::new() };
        let state = pump.shared.lock();
        state.events.iter().skip(mark).filter(|event| event.key == key).cloned().collect()
    }

    /// All events after the mark, at most so many.
    pub fn events_since(&self, mark: usize, most: usize) -> Vec<Event> {
        let Some(pump) = &self.process else { return Vec::new() };
        pump.shared.lock().events.iter().skip(mark).take(most).cloned().collect()
    }

    /// Waits until something holds for all events of this connection after the mark, and returns
    /// whether it came to hold before the deadline.
    pub fn wait_for(
        &self,
        mark: usize,
        key: u64,
        deadline: Instant,
        holds: impl Fn(&[Event]) -> bool,
    ) -> bool {
        let Some(pump) = &self.process else { return false };
        pump.shared.wait(deadline, |state| {
            let events = state.events.iter().skip(mark).filter(|event| event.key == key);
            holds(&events.cloned().collect::<Vec<_>>())
        })
    }

    /// Waits until `came` says so of one of the events of this connection after the mark, each of which it is shown
    /// once, and returns whether it did before the deadline.
    pub fn wait_for_one(
        &self,
        mark: usize,
        key: u64,
        deadline: Instant,
        mut came: impl FnMut(&Event) -> bool,
    ) -> bool {
        let Some(pump) = &self.process else { return false };
        let mut seen = mark;
        pump.shared.wait(deadline, |state| {
            let fresh = state.events.iter().skip(seen);
            seen = state.events.len();
            fresh.filter(|event| event.key == key).any(&mut came)
        })
    }

    /// Writes a line.
    pub fn tell(&self, line: &Value) {
        if let Some(pump) = &self.process {
            pump.send(line);
        }
    }

    /// Replaces the credentials of a server; false if it did not answer with their number in time.
    pub fn replace_credentials(&self, credentials: &[Value], deadline: Instant) -> bool {
        let Some(pump) = &self.process else { return false };
        let before = pump.shared.lock().answers.len();
        pump.send(&serde_json::json!({ "credentials": credentials }));
        let count = credentials.len() as u64;
        pump.shared.wait(deadline, |state| state.answers.get(before) == Some(&count))
    }

    /// Changes what is configured of TLS; false if it did not answer in time.
    pub fn change_tls(&self, change: &Value, deadline: Instant) -> bool {
        let Some(pump) = &self.process else { return false };
        let before = pump.shared.lock().changes;
        pump.send(&serde_json::json!({ "tls": change }));
        pump.shared.wait(deadline, |state| state.changes > before)
    }

    /// Ends its standard input and waits for its end; None if it does not exit.
    pub fn end_input(&self) -> Option<Over> {
        let pump = self.process.as_ref()?;
        self.was_ended.store(true, Ordering::Relaxed);
        pump.send(&Value::Null);
        pump.shared.wait(Instant::now() + EXIT, |state| state.over.is_some());
        self.over()
    }

    /// Whether a case has ended its standard input, so that it is expected to exit.
    pub fn was_ended(&self) -> bool {
        self.was_ended.load(Ordering::Relaxed)
    }

    /// How it ended, if it does so within a moment: a connection that fails because the process has gone
    /// is seen before its end is.
    pub fn over_soon(&self) -> Option<Over> {
        let pump = self.process.as_ref()?;
        pump.shared.wait(Instant::now() + MOMENT, |state| state.over.is_some());
        self.over()
    }

    /// How it ended, if it did.
    pub fn over(&self) -> Option<Over> {
        self.process.as_ref().and_then(|pump| pump.shared.lock().over.clone())
    }
}

impl Pump {
    fn send(&self, line: &Value) {
        // Null stands for the end of standard input: no line is null.
        let octets = match line {
            Value::Null => Vec::new(),
            line => format!("{line}\n").into_bytes(),
        };
        if let Some(commands) = &self.commands {
            // Fails only when the pump has ended, and then `over` says why.
            let _ = commands.send(octets);
        }
    }

    fn ready(&self, deadline: Instant, patience: Duration) -> Result<Ready, StartFailure> {
        let is_told = |state: &State| {
            state.ready.is_some() || state.unsupported.is_some() || state.over.is_some()
        };
        self.shared.wait(deadline, is_told);
        let state = self.shared.lock();
        if let Some(ready) = &state.ready {
            return Ok(ready.clone());
        }
        if let Some((unsupported, implementation)) = state.unsupported.clone() {
            let problem = format!("it does not support {}", unsupported.join(", "));
            let implementation = Some(Box::new(implementation));
            return Err(StartFailure {
                problem,
                stderr: String::new(),
                unsupported,
                implementation,
            });
        }
        let (problem, stderr) = match &state.over {
            Some(over) => {
                (format!("it did not get ready: {}", over.verdict.sentence()), over.stderr.clone())
            }
            None => (
                format!("not ready within {} s of its start", patience.as_secs_f64()),
                String::new(),
            ),
        };
        Err(StartFailure { problem, stderr, unsupported: Vec::new(), implementation: None })
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.commands = None;
        self.shared.end.set(crate::stop::Reason::OutputClosed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to tell any more.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until something holds; also returns when the process is over or the run is stopped.
    fn wait(&self, deadline: Instant, mut holds: impl FnMut(&State) -> bool) -> bool {
        let mut state = self.lock();
        loop {
            if holds(&state) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.over.is_some() || self.end.is_set() {
                return false;
            }
            // Short, so that an interrupt is seen soon.
            let turn = left.min(Duration::from_millis(100));
            let waited = self.changed.wait_timeout(state, turn);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Moves lines until the endpoint is over or dropped.
fn pump(mut process: Process, commands: &Receiver<Vec<u8>>, shared: &Shared) {
    let over = loop {
        match commands.try_recv() {
            Ok(line) if line.is_empty() => {
                process.end_input(&shared.end);
                continue;
            }
            Ok(line) => {
                process.send(&line);
                continue;
            }
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {}
        }
        let trouble = match process.next_line(Instant::now() + TURN, &shared.end) {
            Ok(line) => match Line::parse(&line) {
                Ok(line) => keep(line, shared),
                Err(what) => Some(what),
            },
            Err(Broken::Deadline) => None,
            Err(Broken::Stopped) => return,
            Err(Broken::TooLong) => Some(format!("a line of more than {MAX_LINE} octets")),
            Err(Broken::Closed { how, cleanly }) => break (Verdict::Crash { how }, cleanly),
        };
        if let Some(what) = trouble {
            break (Verdict::ShimError { what }, false);
        }
    };
    let stderr = process.stderr_tail();
    // The process is gone before anybody is told that it is over.
    drop(process);
    let (verdict, cleanly) = over;
    shared.change(|state| state.over = Some(Over { verdict, stderr, cleanly }));
}

/// Keeps a line; a text if it may not be there.
fn keep(line: Line, shared: &Shared) -> Option<String> {
    let mut trouble = None;
    shared.change(|state| match line {
        Line::Ready(ready) if state.ready.is_none() => state.ready = Some(ready),
        Line::Ready(_) | Line::Unsupported { .. } if state.ready.is_some() => {
            trouble = Some("a second ready line".to_owned());
        }
        Line::Unsupported { what, .. } if what.is_empty() => {
            trouble = Some("an empty list as unsupported".to_owned());
        }
        Line::Unsupported { what, implementation } => {
            state.unsupported = Some((what, implementation));
        }
        Line::Ready(_) => {}
        _ if state.ready.is_none() => trouble = Some("another line before ready".to_owned()),
        Line::Credentials(count) => state.answers.push(count),
        Line::Changed => state.changes += 1,
        Line::Event(event) => {
            if state.events.len() >= MOST_EVENTS {
                trouble = Some(format!("more than {MOST_EVENTS} events"));
            } else {
                state.events.push(event);
            }
        }
    });
    trouble
}
