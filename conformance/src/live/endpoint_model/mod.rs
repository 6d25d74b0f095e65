//! An endpoint under test that is made of the [model](crate::model): the double on which the live checks
//! are tested, and the carrier of their mutants.
//!
//! ```text
//! standard input --> main thread --> command --> thread of a connection <--> socket
//!                                                      |
//!                                    event lines --> standard output
//! ```
//!
//! It speaks the live protocol (spec/live-protocol.md) as a server or as a client, over TCP and WebSocket, and with [TLS](tls)
//! around the tunnel or alone. The OAEP seeds of the
//! model come from what is encrypted, which holds fresh octets: good enough for a double, not for use.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

mod client;
mod connection;
mod flaw;
mod server;
mod tls;
mod transport;

pub use flaw::Flaw;

use crate::model::{Bug, Cache};
use crate::shim_server::{Input, to_octets};
use connection::{Command, End, Inbox};

/// How long channels are waited for when standard input has ended.
const GOODBYE: Duration = Duration::from_secs(5);

/// The codes of the registry that are of class `tls`; a tunnel does not end with any of them.
const TLS_CODES: [&str; 23] = [
    "version",
    "handshake",
    "alpn",
    "sni",
    "no_certificate",
    "certificate_form",
    "untrusted",
    "not_yet_valid",
    "expired",
    "ca_constraints",
    "usage",
    "critical_extension",
    "name_constraint",
    "weak",
    "revoked",
    "crl",
    "crl_form",
    "server_name",
    "bad_name",
    "identity",
    "denied",
    "not_allowed",
    "id_mismatch",
];

/// What is wrong with the endpoint: nothing, a bug of the model, a flaw of the rest, or one of each where a
/// flaw needs a bug to show.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wrong {
    /// Of the model.
    pub bug: Option<Bug>,
    /// Of the rest.
    pub flaw: Option<Flaw>,
}

/// What all threads share.
struct Shared {
    wrong: Wrong,
    cache: Arc<Cache>,
    connections: Mutex<HashMap<u64, Handle>>,
    /// How many threads serve a connection.
    busy: Mutex<usize>,
    done: Condvar,
    /// When a connection last failed: for flaws that let others suffer.
    failed: Mutex<Option<Instant>>,
}

/// The way to the thread of a connection.
struct Handle {
    commands: Sender<Command>,
    wake: UnixStream,
}

/// Serves the live protocol on standard input and output, up to the end of the input.
///
/// # Errors
/// Those of standard input and output, and [`io::ErrorKind::InvalidData`] for a line that is not of the protocol.
pub fn serve(wrong: Wrong) -> io::Result<()> {
    let shared = Arc::new(Shared {
        wrong,
        cache: Arc::default(),
        connections: Mutex::default(),
        busy: Mutex::default(),
        done: Condvar::new(),
        failed: Mutex::default(),
    });
    let mut lines = io::stdin().lock().lines();
    let Some(first) = lines.next() else { return Ok(()) };
    let first = object(&first?)?;
    let input = Input::from(&first);
    match input.word("role").map_err(bad)? {
        "server" => {
            let server = Arc::new(server::Server::start(&shared, input)?);
            for line in lines {
                let line = object(&line?)?;
                let input = Input::from(&line);
                if input.has("credentials") {
                    server.replace(input)?;
                } else if input.has("tls") {
                    server.change(input)?;
                } else {
                    shared.command(input)?;
                }
            }
        }
        "client" => {
            emit(&json!({"ready": true, "implementation": implementation()}));
            let client = Arc::new(client::Client::new(&shared));
            for line in lines {
                let line = object(&line?)?;
                let input = Input::from(&line);
                if input.has("dial") { client.dial(input)? } else { shared.command(input)? }
            }
        }
        role => return Err(invalid(format!("no role {role}"))),
    }
    shared.goodbye();
    Ok(())
}

impl Shared {
    /// Makes the inbox of a connection.
    fn connect(&self, key: u64) -> io::Result<Inbox> {
        let (sender, commands) = channel();
        let (ours, wake) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        ours.set_nonblocking(true)?;
        lock(&self.connections).insert(key, Handle { commands: sender, wake: ours });
        Ok(Inbox { commands, wake })
    }

    /// `close` and `send`; a connection that is over is none any more.
    fn command(&self, input: Input<'_>) -> io::Result<()> {
        let (key, command) = if input.has("close") {
            (input.integer("close").map_err(bad)?, Command::Close)
        } else {
            let payload = input.octets("payload").map_err(bad)?;
            let times = input.optional_integer("times").map_err(bad)?.unwrap_or(1);
            (input.integer("send").map_err(bad)?, Command::Send { payload, times })
        };
        if let Some(handle) = lock(&self.connections).get(&key) {
            handle.give(command);
        }
        Ok(())
    }

    /// Reports the end of a connection.
    fn ended(&self, name: &str, key: u64, end: End) {
        lock(&self.connections).remove(&key);
        if end.failed {
            *lock(&self.failed) = Some(Instant::now());
        }
        let code = match end.code {
            Some("handshake") if self.wrong.flaw == Some(Flaw::HandshakeMisnamed) => {
                Some("certificate_form")
            }
            code => code,
        };
        let class = code.map(|code| match code {
            "truncated" => "state",
            code if TLS_CODES.contains(&code) => "tls",
            code => crate::model::Failure::of(code).class().unwrap_or("internal"),
        });
        let line =
            json!({name: key, "event": "end", "clean": end.clean, "class": class, "code": code});
        emit(&line);
        if self.wrong.flaw == Some(Flaw::EndReportedTwice) {
            emit(&line);
        }
    }

    /// Whether a failure has happened since this time and lets other connections suffer.
    fn is_doomed(&self, since: Instant) -> bool {
        self.wrong.flaw == Some(Flaw::FailureEndsAll)
            && lock(&self.failed).is_some_and(|failed| failed >= since)
    }

    /// Whether nothing is served any more.
    fn is_poisoned(&self) -> bool {
        self.wrong.flaw == Some(Flaw::PoisonedByFailure) && lock(&self.failed).is_some()
    }

    fn goodbye(&self) {
        for handle in lock(&self.connections).values() {
            handle.give(Command::Close);
        }
        // Whoever is not done by then is cut off by the end of the process.
        let busy = lock(&self.busy);
        let _ = self.done.wait_timeout_while(busy, GOODBYE, |busy| *busy > 0);
    }

    /// Serves a connection in a thread of its own.
    fn spawn(self: &Arc<Self>, serve: impl FnOnce() + Send + 'static) {
        *lock(&self.busy) += 1;
        let busy = Busy(Arc::clone(self));
        thread::spawn(move || {
            let _busy = busy;
            serve();
        });
    }
}

/// Counts a thread, also if it panics.
struct Busy(Arc<Shared>);

impl Drop for Busy {
    fn drop(&mut self) {
        *lock(&self.0.busy) -= 1;
        self.0.done.notify_all();
    }
}

impl Handle {
    fn give(&self, command: Command) {
        // Fails only when the connection is over.
        let _ = self.commands.send(command);
        let _ = (&self.wake).write(&[0]);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a line; that nobody reads it any more is found out at the end of standard input.
fn emit(line: &Value) {
    let mut output = io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

fn implementation() -> Value {
    json!({"name": "tunnelproof model", "version": env!("CARGO_PKG_VERSION"), "language": "Rust"})
}

fn payload(octets: &[u8]) -> Value {
    to_octets(octets)
}

fn object(line: &str) -> io::Result<Map<String, Value>> {
    match serde_json::from_str(line) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(invalid("a line that is no JSON object".into())),
    }
}

fn bad(error: crate::shim_server::BadInput) -> io::Error {
    invalid(error.to_string())
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Fresh octets from the operating system.
fn fresh<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(io::Error::other)?;
    Ok(octets)
}
