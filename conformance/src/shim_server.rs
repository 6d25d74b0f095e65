//! The serving side of the shim protocol, for any [`Implementation`]: requests in, answers out, one JSON
//! object a line.
//!
//! ```text
//!   input --> [ line ] --> hello | run | reset | bye --> [ answer ] --> output
//!                            |      |
//!                      Implementation (a panic of it is answered `fault`)
//! ```
//!
//! Requests may be pipelined: what has arrived is worked off before the output is flushed, unless the
//! oldest answer not yet flushed is older than `FLUSH_AFTER`.

use std::any::Any;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

mod request;
mod values;

use request::{Request, Run};
pub use values::{BadInput, Input, octets_of, to_octets, to_u64};

/// The longest line of the protocol, in octets.
pub const MAX_LINE: usize = 1 << 20;

/// The version of the protocol that is spoken here.
pub const PROTOCOL: u64 = 1;

/// Every operation of the shim protocol, section 7.
pub const ALL_OPS: [&str; 25] = [
    "cred.make",
    "cred.client_key",
    "cred.server_key",
    "hs.spki",
    "hs.nonce",
    "hs.request",
    "hs.reply",
    "hs.oaep",
    "hs.client",
    "hs.server",
    "chan.schedule",
    "chan.generation",
    "chan.seal",
    "chan.open",
    "chan.export",
    "chan.session",
    "frame.stream",
    "frame.websocket",
    "frame.encode",
    "tok.challenge",
    "tok.sign",
    "tok.issue",
    "tok.verify",
    "tls.verify",
    "tls.context",
];

/// How long a finished answer may wait for further answers to be written with it.
const FLUSH_AFTER: Duration = Duration::from_millis(5);

/// Something that can be tested: it says what it is and runs one operation after the other.
pub trait Implementation {
    /// What it is and what it can do.
    fn hello(&self) -> Hello;
    /// Runs operation `op` of the shim protocol, section 7, on `input`.
    fn run(&mut self, op: &str, input: &Map<String, Value>) -> Outcome;
    /// Forgets everything that was kept from earlier operations.
    fn reset(&mut self);
}

/// What an implementation says of itself: the shim protocol, section 2.
#[derive(Debug, Clone)]
pub struct Hello {
    /// Name of the implementation.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The language it is written in.
    pub language: String,
    /// Where it can be found.
    pub url: String,
    /// The operations it runs.
    pub ops: Vec<&'static str>,
    /// The profiles it claims.
    pub profiles: Vec<&'static str>,
    /// The optional features it has.
    pub features: Vec<&'static str>,
    /// `bool`, `class` or `code`.
    pub error_detail: &'static str,
    /// How many requests it can hold unanswered.
    pub max_inflight: u32,
}

/// The outcome of one operation: the shim protocol, section 4.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Accepted, with the results.
    Ok(Map<String, Value>),
    /// Refused by a check that was meant to refuse.
    Reject(Rejection),
    /// The implementation cannot run this operation.
    Unsupported {
        /// Why not.
        reason: String,
    },
    /// The implementation failed in a way that no check was meant for.
    Fault {
        /// What it says of it.
        native: String,
    },
}

/// Why something was refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// Class of the registry.
    pub class: &'static str,
    /// Code of the registry.
    pub code: &'static str,
    /// Tokens only: the status, or `Some(None)` for an error of the caller.
    pub status: Option<Option<u16>>,
    /// The implementation's own words.
    pub native: String,
    /// What was done before the refusal, in operations with events.
    pub out: Option<Map<String, Value>>,
}

impl From<BadInput> for Outcome {
    fn from(bad: BadInput) -> Self {
        Self::Fault { native: bad.to_string() }
    }
}

impl Outcome {
    /// Runs `work`; a panic in it becomes a fault.
    pub fn catching(work: impl FnOnce() -> Self) -> Self {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Self::Fault {
            native: format!("panic: {}", panic_text(panic.as_ref())),
        })
    }
}

/// Serves `implementation` until `bye` or the end of `input`.
///
/// # Errors
/// Fails if reading or writing fails, and with [`io::ErrorKind::InvalidData`] on a line that is not of the
/// protocol: whoever wrote it cannot be answered sensibly.
pub fn serve(
    implementation: &mut dyn Implementation,
    input: impl Read,
    output: impl Write,
) -> io::Result<()> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut output = BufWriter::with_capacity(1 << 16, output);
    let ops = implementation.hello().ops;
    let mut line = Vec::new();
    let mut flushed = Instant::now();
    loop {
        if !input.buffer().contains(&b'\n') || flushed.elapsed() >= FLUSH_AFTER {
            output.flush()?;
            flushed = Instant::now();
        }
        if !read_line(&mut input, &mut line)? {
            return output.flush();
        }
        let answer = match Request::parse(&line)? {
            Request::Hello => hello(&implementation.hello()),
            Request::Run(Run { id, op, input }) => {
                let outcome = if ops.contains(&op.as_str()) {
                    Outcome::catching(|| implementation.run(&op, &input))
                } else {
                    Outcome::Unsupported { reason: format!("no operation {op}") }
                };
                answer(id, outcome)
            }
            Request::Reset { id } => {
                implementation.reset();
                json!({"type": "reset", "id": id})
            }
            Request::Bye => return output.flush(),
        };
        serde_json::to_writer(&mut output, &answer)?;
        output.write_all(b"\n")?;
    }
}

/// Reads one line without its end; false at the end of the input.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    input.take(MAX_LINE as u64 + 1).read_until(b'\n', line)?;
    match line.pop() {
        None => Ok(false),
        Some(b'\n') => Ok(true),
        Some(_) if line.len() >= MAX_LINE => Err(invalid("a line of more than 1 MiB")),
        Some(last) => {
            line.push(last); // the last line may lack its end
            Ok(true)
        }
    }
}

fn hello(hello: &Hello) -> Value {
    json!({
        "type": "hello",
        "protocol": PROTOCOL,
        "implementation": {
            "name": hello.name,
            "version": hello.version,
            "language": hello.language,
            "url": hello.url,
        },
        "ops": hello.ops,
        "profiles": hello.profiles,
        "features": hello.features,
        "error_detail": hello.error_detail,
        "max_inflight": hello.max_inflight,
    })
}

fn answer(id: u64, outcome: Outcome) -> Value {
    let mut answer = Map::new();
    let mut put = |name: &str, value: Value| drop(answer.insert(name.to_owned(), value));
    put("type", "answer".into());
    put("id", id.into());
    match outcome {
        Outcome::Ok(out) => {
            put("outcome", "ok".into());
            put("out", out.into());
        }
        Outcome::Reject(rejection) => {
            let mut error = json!({
                "class": rejection.class,
                "code": rejection.code,
                "native": rejection.native,
            });
            if let Some(status) = rejection.status {
                error["status"] = status.into();
            }
            put("outcome", "reject".into());
            put("error", error);
            if let Some(out) = rejection.out {
                put("out", out.into());
            }
        }
        Outcome::Unsupported { reason } => {
            put("outcome", "unsupported".into());
            put("reason", reason.into());
        }
        Outcome::Fault { native } => {
            put("outcome", "fault".into());
            put("error", json!({ "native": native }));
        }
    }
    answer.into()
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text")
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests;
