//! The lines of the live protocol, as types.

use std::io::{BufWriter, Write};

use secure_tunnel_net::{Failure, Transport};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Stdin};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::tls::lines::{DialTls, StartTls, Told};

/// No line has more octets than that.
const MAX_LINE: u64 = 1 << 20;
/// Octets of a payload up to which it is written out.
const MAX_SHOWN: usize = 4_096;

/// The first line, as far as it is the same for both roles.
#[derive(Deserialize)]
pub struct Start {
    pub v: u64,
    pub role: Role,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Server,
    Client,
}

#[derive(Deserialize)]
pub struct StartServer {
    pub transport: Scheme,
    pub host: String,
    /// There unless it is TLS alone.
    #[serde(default)]
    pub credentials: Option<Vec<Pair>>,
    #[serde(default)]
    pub rsa_key: Option<Octets>,
    #[serde(default)]
    pub release_ms: Option<u64>,
    #[serde(default)]
    pub tls: Option<StartTls>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    Tcp,
    Ws,
}

impl From<Scheme> for Transport {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Tcp => Self::Tcp,
            Scheme::Ws => Self::WebSocket,
        }
    }
}

/// An id and its serverKey, as octets: either may be ill-formed.
#[derive(Deserialize)]
pub struct Pair {
    pub id: Octets,
    pub server_key: Octets,
}

/// Replaces all that a server's look-up knows.
#[derive(Deserialize)]
pub struct Credentials {
    pub credentials: Vec<Pair>,
}

/// Closes a channel: of a server's peer, by its port, or of a client's dial.
#[derive(Deserialize)]
pub struct Close {
    pub close: u64,
}

/// Sends a payload on a channel, named in the same way.
#[derive(Deserialize)]
pub struct Send {
    pub send: u64,
    pub payload: Octets,
    #[serde(default = "once")]
    pub times: u64,
}

#[derive(Deserialize)]
pub struct Dial {
    pub dial: u64,
    pub transport: Scheme,
    pub host: String,
    pub port: u16,
    /// There unless it is TLS alone.
    #[serde(default)]
    pub client_key: Option<Octets>,
    #[serde(default)]
    pub pin: Option<Octets>,
    #[serde(default)]
    pub rsa_key: Option<Octets>,
    #[serde(default)]
    pub send: Vec<Octets>,
    #[serde(default)]
    pub tls: Option<DialTls>,
}

fn once() -> u64 {
    1
}

/// Hexadecimal in JSON.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Octets(pub Vec<u8>);

impl AsRef<[u8]> for Octets {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        hex::decode(&digits).map(Self).map_err(serde::de::Error::custom)
    }
}

/// One line of the endpoint's.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Out {
    Ready {
        ready: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unsupported: Vec<String>,
        implementation: Implementation,
    },
    /// What a server accepts by TLS is changed.
    Tls {
        tls: bool,
    },
    Credentials {
        credentials: usize,
    },
    Event {
        #[serde(flatten)]
        of: Of,
        #[serde(flatten)]
        event: Event,
    },
}

#[derive(Serialize)]
pub struct Implementation {
    name: &'static str,
    version: &'static str,
    language: &'static str,
}

impl Implementation {
    const THIS: Self =
        Self { name: "secure-tunnel", version: env!("CARGO_PKG_VERSION"), language: "Rust" };
}

/// Which connection.
#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    Peer(u16),
    Dial(u64),
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    Open {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tls: Option<Box<Told>>,
    },
    Message {
        payload: Payload,
    },
    /// A dial that this can't do, and what it lacks.
    Unsupported {
        what: Vec<String>,
    },
    End {
        clean: bool,
        class: Option<&'static str>,
        code: Option<&'static str>,
        /// Free text, for whoever reads along.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum Payload {
    Shown(String),
    Long { length: usize, sha256: String },
}

impl Payload {
    pub fn of(payload: &[u8]) -> Self {
        match payload.len() {
            0..=MAX_SHOWN => Self::Shown(hex::encode(payload)),
            length => Self::Long { length, sha256: hex::encode(Sha256::digest(payload)) },
        }
    }
}

impl Event {
    pub fn end(outcome: &Result<(), Failure>) -> Self {
        let failure = outcome.as_ref().err();
        Self::End {
            clean: failure.is_none(),
            class: failure.and_then(Failure::class).map(|class| class.name()),
            code: failure.and_then(Failure::code),
            detail: failure.map(ToString::to_string),
        }
    }
}

impl Out {
    pub fn ready(port: Option<u16>) -> Self {
        Self::Ready {
            ready: true,
            port,
            unsupported: Vec::new(),
            implementation: Implementation::THIS,
        }
    }

    /// The answer to a first line that asks for what this can't do.
    pub fn unsupported(what: Vec<String>) -> Self {
        let implementation = Implementation::THIS;
        Self::Ready { ready: false, port: None, unsupported: what, implementation }
    }
}

/// Standard input, line by line. A few lines wait, no more.
pub struct Lines(mpsc::Receiver<Result<String, String>>);

impl Lines {
    pub fn stdin() -> Self {
        let (lines, queue) = mpsc::channel(16);
        // A task of its own: reading a line can't be given up half-way.
        tokio::spawn(async move {
            let mut stdin = BufReader::new(tokio::io::stdin());
            while let Some(line) = read_line(&mut stdin).await.transpose() {
                let failed = line.is_err();
                if lines.send(line).await.is_err() || failed {
                    return;
                }
            }
        });
        Self(queue)
    }

    /// `None` at the end. Safe to cancel.
    pub async fn next(&mut self) -> Result<Option<Line>, String> {
        self.0.recv().await.transpose().map(|line| line.map(Line))
    }
}

async fn read_line(stdin: &mut BufReader<Stdin>) -> Result<Option<String>, String> {
    let mut line = String::new();
    let read = stdin.take(MAX_LINE + 1).read_line(&mut line).await;
    let read = read.map_err(|e| format!("standard input: {e}"))?;
    match read as u64 {
        0 => Ok(None),
        1..=MAX_LINE => Ok(Some(line)),
        _ => Err(format!("standard input: a line of more than {MAX_LINE} octets")),
    }
}

/// One line of the harness.
pub struct Line(String);

impl Line {
    /// Whether the line has this field, which tells lines apart.
    pub fn has(&self, field: &str) -> bool {
        serde_json::from_str::<serde_json::Value>(&self.0)
            .is_ok_and(|line| line.get(field).is_some())
    }

    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, String> {
        serde_json::from_str(&self.0).map_err(|e| {
            let shown: String = self.0.trim().chars().take(80).collect();
            format!("standard input: {e} in the line that begins {shown:?}")
        })
    }

    pub fn unknown<T>(&self) -> Result<T, String> {
        let shown: String = self.0.trim().chars().take(80).collect();
        Err(format!("standard input: no known line begins {shown:?} (spec/live-protocol.md)"))
    }
}

/// Standard output, written by a thread of its own; whoever has a line waits while too many are not out yet.
pub struct Output {
    lines: mpsc::Sender<Out>,
    writer: JoinHandle<()>,
}

impl Output {
    pub fn stdout() -> Self {
        let (lines, mut queue) = mpsc::channel::<Out>(256);
        let writer = tokio::task::spawn_blocking(move || {
            let mut out = BufWriter::new(std::io::stdout().lock());
            while let Some(first) = queue.blocking_recv() {
                let mut next = Some(first);
                while let Some(line) = next {
                    let written = serde_json::to_writer(&mut out, &line).map_err(Into::into);
                    if written.and_then(|()| out.write_all(b"\n")).is_err() {
                        return; // nobody reads any more; the end of standard input follows
                    }
                    next = queue.try_recv().ok();
                }
                if out.flush().is_err() {
                    return;
                }
            }
        });
        Self { lines, writer }
    }

    pub fn lines(&self) -> mpsc::Sender<Out> {
        self.lines.clone()
    }

    /// Writes a line; without a reader it is lost.
    pub async fn put(&self, line: Out) {
        let _ = self.lines.send(line).await;
    }

    /// Waits until every line is out and nobody else can write one.
    pub async fn end(self) {
        drop(self.lines);
        let _ = self.writer.await;
    }
}
