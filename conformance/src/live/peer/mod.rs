//! The harness's end of one connection: sends anything, in any pieces, and tells exactly what comes back.
//!
//! Nothing blocks for longer than its deadline. Sending never fails: what can't be sent shows in what is
//! received next, which is the end.

pub mod tcp;
pub mod ws;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Transport;
use super::stage::Stage;
use super::until::Until;
use ws::Frame;

/// A connection to the endpoint, or from it.
pub struct Peer<'s> {
    pub stage: &'s Stage<'s>,
    /// The port of the harness's side, which names the connection in a server's events.
    pub port: u16,
    /// The number of a client's dial, which names the connection in a client's events.
    pub key: Option<u64>,
    /// The endpoint's events from here on are about this connection.
    pub mark: usize,
    stream: TcpStream,
    /// Whether the harness is the client: it masks its frames then.
    is_client: bool,
    inbox: Vec<u8>,
    /// The parts of a fragmented message so far.
    fragments: Option<(u8, Vec<u8>)>,
    ended: Option<End>,
    /// Looked at already, and not taken.
    peeked: Option<Seen>,
    /// The peer has done what makes the endpoint report the connection as open.
    pub may_be_open: bool,
}

/// What came from the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A message; over WebSocket a binary one.
    Message(Vec<u8>),
    Text(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// A close frame with its status code, if it has one.
    Close(Option<u16>),
    /// Octets that the transport forbids.
    Garbage(String),
    End(End),
}

/// How the connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// End of stream: FIN.
    Stream,
    /// RST.
    Reset,
}

/// Nothing came by the deadline, or the run is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late;

const CHUNK: usize = 64 * 1024;
const CONNECT: Duration = Duration::from_secs(10);
/// How long the octets of one call may take to go out, all of them.
const WRITE: Duration = Duration::from_secs(30);

impl<'s> Peer<'s> {
    /// Connects to a server, without the opening handshake of WebSocket.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn dial(stage: &'s Stage<'s>, address: SocketAddr) -> std::io::Result<Peer<'s>> {
        let mark = stage.endpoint.mark();
        let stream = TcpStream::connect_timeout(&address, CONNECT)?;
        Peer::over(stage, stream, mark, true)
    }

    /// Takes a connection over that a client under test has made, and with it the number of its dial and
    /// the mark from before it.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn accepted(
        stage: &'s Stage<'s>,
        stream: TcpStream,
        dial: u64,
        mark: usize,
    ) -> std::io::Result<Peer<'s>> {
        let peer = Peer::over(stage, stream, mark, false)?;
        Ok(Peer { key: Some(dial), ..peer })
    }

    fn over(
        stage: &'s Stage<'s>,
        stream: TcpStream,
        mark: usize,
        is_client: bool,
    ) -> std::io::Result<Peer<'s>> {
        stream.set_nodelay(true)?;
        let port = stream.local_addr()?.port();
        stage.trace.note(port, if is_client { "connected" } else { "accepted" });
        Ok(Peer {
            stage,
            port,
            key: None,
            mark,
            stream,
            is_client,
            inbox: Vec::new(),
            fragments: None,
            ended: None,
            peeked: None,
            may_be_open: false,
        })
    }

    /// Does the opening handshake of WebSocket, with this path; nothing over TCP.
    ///
    /// # Errors
    /// A sentence on what went wrong.
    pub fn upgrade(&mut self, path: &str, deadline: Instant) -> Result<(), String> {
        if self.stage.transport == Transport::Tcp {
            return Ok(());
        }
        self.stage.trace.note(self.port, "opening handshake of WebSocket");
        if self.is_client {
            ws::open(&self.stream, path, deadline).map(|_| ())
        } else {
            ws::accept(&self.stream, deadline)
        }
    }

    /// Sends a message; `what` names it in the trace: "M2", "record".
    pub fn send(&mut self, what: &str, message: &[u8]) {
        self.stage.trace.octets(self.port, format!("sent message: {what}"), message);
        let octets = self.framed(message);
        self.write(&octets);
    }

    /// A message as it goes over this transport, whole.
    pub fn framed(&self, message: &[u8]) -> Vec<u8> {
        match self.stage.transport {
            Transport::Tcp => tcp::frame(message),
            Transport::Ws => self.frame(ws::BINARY, message).octets(),
        }
    }

    /// A right frame of this side, to be changed.
    pub fn frame<'p>(&self, opcode: u8, payload: &'p [u8]) -> Frame<'p> {
        let frame = Frame::new(opcode, payload);
        if self.is_client { frame } else { Frame { mask: None, ..frame } }
    }

    /// Sends octets as they are.
    pub fn send_octets(&mut self, what: &str, octets: &[u8]) {
        self.stage.trace.octets(self.port, format!("sent octets: {what}"), octets);
        self.write(octets);
    }

    /// Sends a frame.
    pub fn send_frame(&mut self, what: &str, frame: &Frame<'_>) {
        self.send_octets(what, &frame.octets());
    }

    /// Ends the harness's side of the stream; it can still receive.
    pub fn finish(&mut self) {
        self.stage.trace.note(self.port, "ended its side of the stream");
        // It may be gone already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Goes away at once. What was received and not read makes it a reset.
    pub fn vanish(self) {
        self.stage.trace.note(self.port, "vanished");
    }

    /// The next thing that comes.
    ///
    /// # Errors
    /// If nothing does by the deadline.
    pub fn next(&mut self, deadline: Instant) -> Result<Seen, Late> {
        if let Some(seen) = self.peeked.take() {
            return Ok(seen);
        }
        loop {
            if let Some(seen) = self.take() {
                self.tell(&seen);
                return Ok(seen);
            }
            if let Some(end) = self.ended {
                if !self.inbox.is_empty() {
                    let rest = std::mem::take(&mut self.inbox);
                    self.stage.trace.octets(self.port, "received part of a message", &rest);
                    return Ok(Seen::Garbage(format!(
                        "{} octets of a message cut off",
                        rest.len()
                    )));
                }
                return Ok(Seen::End(end));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stage.stop.is_set() {
                return Err(Late);
            }
            self.read(left.min(Duration::from_millis(200)));
        }
    }

    /// Whether a message is what comes next; it is not taken.
    pub fn has_message(&mut self, deadline: Instant) -> bool {
        if self.peeked.is_none() {
            self.peeked = self.next(deadline).ok();
        }
        matches!(self.peeked, Some(Seen::Message(_)))
    }

    /// Takes a message, if that is what comes next.
    pub fn skip_message(&mut self, deadline: Instant) {
        if self.has_message(deadline) {
            self.peeked = None;
        }
    }

    /// Waits until there is something to be read, and leaves it unread.
    pub fn await_octets(&self, deadline: Instant) {
        while Instant::now() < deadline && !self.stage.stop.is_set() {
            let turn = Duration::from_millis(200);
            match self.stream.set_read_timeout(Some(turn)).and_then(|()| self.stream.peek(&mut [0]))
            {
                Err(e) if ws::is_timeout(&e) => {}
                _ => return,
            }
        }
    }

    /// Octets as they come, without any framing, until they are enough, the stream ends or the deadline has
    /// passed.
    pub fn raw_until(&mut self, deadline: Instant, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        while self.ended.is_none() && !enough(&self.inbox) && !self.stage.stop.is_set() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.read(left.min(Duration::from_millis(200)));
        }
        self.stage.trace.octets(self.port, "received octets", &self.inbox);
        std::mem::take(&mut self.inbox)
    }

    fn tell(&self, seen: &Seen) {
        let trace = &self.stage.trace;
        match seen {
            // Which message it is, the caller knows and notes.
            Seen::Message(octets) => trace.octets(self.port, "received a message", octets),
            Seen::Text(octets) => trace.octets(self.port, "received a text message", octets),
            Seen::Ping(octets) => trace.octets(self.port, "received a ping", octets),
            Seen::Pong(octets) => trace.octets(self.port, "received a pong", octets),
            Seen::Close(code) => {
                trace.note(self.port, format!("received {}", describe_close(*code)))
            }
            Seen::Garbage(what) => trace.note(self.port, format!("received {what}")),
            Seen::End(_) => {}
        }
    }

    /// What is whole in the inbox.
    fn take(&mut self) -> Option<Seen> {
        if self.stage.transport == Transport::Tcp {
            return match tcp::take(&mut self.inbox)? {
                Ok(message) => Some(Seen::Message(message)),
                Err(fault) => Some(self.garbage(fault)),
            };
        }
        loop {
            let frame = match ws::take(&mut self.inbox, !self.is_client)? {
                Ok(frame) => frame,
                Err(fault) => return Some(self.garbage(fault)),
            };
            let (opcode, payload) = match (frame.opcode, self.fragments.take()) {
                (ws::CLOSE, _) => {
                    return Some(match frame.payload.as_slice() {
                        [] => Seen::Close(None),
                        [high, low, ..] => Seen::Close(Some(u16::from_be_bytes([*high, *low]))),
                        [_] => Seen::Garbage("a close frame with one octet".into()),
                    });
                }
                (ws::PING, fragments) => {
                    self.fragments = fragments;
                    return Some(Seen::Ping(frame.payload));
                }
                (ws::PONG, fragments) => {
                    self.fragments = fragments;
                    return Some(Seen::Pong(frame.payload));
                }
                (ws::CONTINUATION, Some((opcode, mut octets))) => {
                    octets.extend(frame.payload);
                    if octets.len() > 1 << 24 {
                        return Some(self.garbage("a message of more than 2^24 octets".into()));
                    }
                    (opcode, octets)
                }
                (ws::CONTINUATION, None) => {
                    return Some(Seen::Garbage("a continuation of nothing".into()));
                }
                (opcode, None) => (opcode, frame.payload),
                (_, Some(_)) => {
                    return Some(Seen::Garbage("a message within a fragmented one".into()));
                }
            };
            if frame.fin {
                return Some(match opcode {
                    ws::TEXT => Seen::Text(payload),
                    _ => Seen::Message(payload),
                });
            }
            self.fragments = Some((opcode, payload));
        }
    }

    fn garbage(&mut self, fault: String) -> Seen {
        let octets = std::mem::take(&mut self.inbox);
        self.stage.trace.octets(self.port, "received octets that can't be read", &octets);
        Seen::Garbage(fault)
    }

    fn read(&mut self, patience: Duration) {
        let mut chunk = [0; CHUNK];
        // Zero is not allowed and would mean for ever.
        let patience = patience.max(Duration::from_millis(1));
        if self.stream.set_read_timeout(Some(patience)).is_err() {
            self.end(End::Reset);
            return;
        }
        match self.stream.read(&mut chunk) {
            Ok(0) => self.end(End::Stream),
            Ok(length) => self.inbox.extend_from_slice(&chunk[..length]),
            Err(e) if ws::is_timeout(&e) => {}
            Err(_) => self.end(End::Reset),
        }
    }

    fn end(&mut self, end: End) {
        self.stage.trace.note(self.port, end.describe());
        self.ended = Some(end);
    }

    fn write(&mut self, octets: &[u8]) {
        let mut until = Until { stream: &self.stream, deadline: Instant::now() + WRITE };
        if let Err(e) = until.write_all(octets) {
            let why = match e.kind() {
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
                    "the connection has ended".into()
                }
                _ => e.to_string(),
            };
            self.stage.trace.note(self.port, format!("could not send all of that: {why}"));
        }
    }
}

impl End {
    pub fn describe(self) -> &'static str {
        match self {
            End::Stream => "end of stream",
            End::Reset => "a reset of the connection",
        }
    }
}

/// "a close frame without a status code".
pub fn describe_close(code: Option<u16>) -> String {
    match code {
        None => "a close frame without a status code".into(),
        Some(code) => format!("a close frame with the status code {code}"),
    }
}
