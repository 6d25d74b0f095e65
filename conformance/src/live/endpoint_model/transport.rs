//! Messages over a socket that never blocks: the specification, chapter 6.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use tungstenite::handshake::HandshakeError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

use super::Flaw;

/// The limits of section 6.3.
const HANDSHAKE_LIMIT: usize = 4096;
const CHANNEL_LIMIT: usize = 1 << 24;

/// Octets taken from the socket at once.
const READ: usize = 1 << 16;

/// How long the rest of what the peer sends is thrown away, so that closing does not reset.
const DRAIN: Duration = Duration::from_secs(1);

/// What has arrived.
pub enum Incoming {
    Message(Vec<u8>),
    /// Nothing whole yet.
    Nothing,
    /// The peer has ended the transport between two messages.
    End,
    /// A failure of framing; the code where the registry has one.
    Refused(Option<&'static str>),
}

/// One connection.
pub struct Transport {
    wire: Wire,
    flaw: Option<Flaw>,
    /// When octets last arrived.
    pub last_octets: Instant,
}

enum Wire {
    Tcp(Tcp),
    Ws(Box<Ws>),
}

struct Tcp {
    stream: TcpStream,
    inbox: Vec<u8>,
    ended: bool,
    outbox: VecDeque<u8>,
}

struct Ws {
    socket: WebSocket<Timed>,
    outbox: VecDeque<Message>,
    /// Messages were written that are not flushed.
    unflushed: bool,
}

/// A stream that blocks up to a deadline, until it is set not to block.
struct Timed {
    stream: TcpStream,
    deadline: Option<Instant>,
}

impl Transport {
    /// A byte stream.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn tcp(stream: TcpStream, flaw: Option<Flaw>) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let tcp = Tcp { stream, inbox: Vec::new(), ended: false, outbox: VecDeque::new() };
        Ok(Self { wire: Wire::Tcp(tcp), flaw, last_octets: Instant::now() })
    }

    /// The client's side of a WebSocket, after the opening handshake.
    ///
    /// # Errors
    /// If that fails or is not over by the deadline.
    pub fn ws_client(
        stream: TcpStream,
        to: SocketAddr,
        flaw: Option<Flaw>,
        deadline: Instant,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let timed = Timed { stream, deadline: Some(deadline) };
        let url = format!("ws://{to}/");
        let (socket, _) = tungstenite::client::client_with_config(url, timed, Some(config(flaw)))
            .map_err(opening)?;
        Self::ws(socket, flaw)
    }

    /// The server's side.
    ///
    /// # Errors
    /// As with [`Transport::ws_client`].
    pub fn ws_server(stream: TcpStream, flaw: Option<Flaw>, deadline: Instant) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let timed = Timed { stream, deadline: Some(deadline) };
        let socket = tungstenite::accept_with_config(timed, Some(config(flaw))).map_err(opening)?;
        Self::ws(socket, flaw)
    }

    fn ws(mut socket: WebSocket<Timed>, flaw: Option<Flaw>) -> io::Result<Self> {
        let timed = socket.get_mut();
        timed.deadline = None;
        timed.stream.set_nonblocking(true)?;
        let ws = Ws { socket, outbox: VecDeque::new(), unflushed: false };
        Ok(Self { wire: Wire::Ws(Box::new(ws)), flaw, last_octets: Instant::now() })
    }

    /// The next message, under the limit of the receiver's state.
    pub fn receive(&mut self, established: bool) -> Incoming {
        let never = self.flaw == Some(Flaw::LimitNeverApplied);
        let limit = match (established || never, self.flaw) {
            (true, Some(Flaw::LongMessagesRefused)) => 1 << 16,
            (true, _) => CHANNEL_LIMIT,
            (false, _) => HANDSHAKE_LIMIT,
        };
        let flaw = self.flaw;
        match &mut self.wire {
            Wire::Tcp(tcp) => tcp.receive(limit, flaw, &mut self.last_octets),
            Wire::Ws(ws) => ws.receive(limit, flaw, &mut self.last_octets),
        }
    }

    /// Puts a message behind those that are still to be sent.
    pub fn queue(&mut self, message: Vec<u8>) {
        match &mut self.wire {
            Wire::Tcp(tcp) => {
                let length = message.len() as u32; // at most 2^24
                tcp.outbox.extend(length.to_be_bytes());
                tcp.outbox.extend(message);
            }
            Wire::Ws(ws) => ws.outbox.push_back(Message::binary(message)),
        }
    }

    /// Sends what the socket takes.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.wire {
            Wire::Tcp(tcp) => tcp.flush(),
            Wire::Ws(ws) => ws.flush(),
        }
    }

    /// Octets or messages that are still to be sent, roughly.
    pub fn backlog(&self) -> usize {
        match &self.wire {
            Wire::Tcp(tcp) => tcp.outbox.len(),
            Wire::Ws(ws) => {
                usize::from(ws.unflushed)
                    + ws.outbox.iter().map(Message::len).sum::<usize>()
                    + ws.outbox.len()
            }
        }
    }

    /// Ends the transport as after everything (OBS-002): a close frame without a code, end of stream.
    pub fn close(&mut self, status: Option<&'static str>) {
        let until = Instant::now() + DRAIN;
        if let Wire::Ws(ws) = &mut self.wire {
            let frame =
                status.map(|text| CloseFrame { code: CloseCode::Policy, reason: text.into() });
            // Fails where the peer has closed first, or has gone.
            let _ = ws.socket.close(frame);
            let _ = ws.socket.flush();
        }
        let stream = self.stream();
        let _ = stream.shutdown(Shutdown::Write);
        // What is unread when a socket is closed makes TCP send a reset in place of the end.
        let mut waste = vec![0; READ];
        let _ = stream.set_nonblocking(false);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
                return;
            }
            match Read::read(&mut &*stream, &mut waste) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    /// Ends the transport with a reset.
    pub fn reset(&self) {
        let linger = Some(Duration::ZERO);
        let _ = rustix::net::sockopt::set_socket_linger(self.stream(), linger);
    }

    /// The socket, to wait for.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.stream().as_fd()
    }

    fn stream(&self) -> &TcpStream {
        match &self.wire {
            Wire::Tcp(tcp) => &tcp.stream,
            Wire::Ws(ws) => &ws.socket.get_ref().stream,
        }
    }
}

impl Tcp {
    fn receive(&mut self, limit: usize, flaw: Option<Flaw>, seen: &mut Instant) -> Incoming {
        loop {
            match self.take(limit, flaw) {
                Some(Incoming::Nothing) => continue, // a length of 0 was skipped
                Some(incoming) => return incoming,
                None if self.ended => return self.end(flaw),
                None => {}
            }
            let mut octets = vec![0; READ];
            match self.stream.read(&mut octets) {
                Ok(0) => self.ended = true,
                Ok(length) => {
                    *seen = Instant::now();
                    if flaw == Some(Flaw::ReadTakenForMessage) {
                        self.inbox.clear(); // what did not end with the last read is lost
                    }
                    self.inbox.extend_from_slice(&octets[..length]);
                }
                Err(e) if is_blocked(&e) => return Incoming::Nothing,
                Err(_) => self.ended = true, // reset: the end of the transport too
            }
        }
    }

    fn take(&mut self, limit: usize, flaw: Option<Flaw>) -> Option<Incoming> {
        let length = u32::from_be_bytes(*self.inbox.first_chunk()?) as usize;
        if length == 0 && flaw == Some(Flaw::ZeroLengthSkipped) {
            self.inbox.drain(..4);
            return Some(Incoming::Nothing);
        }
        if length == 0 {
            return Some(Incoming::Refused(Some("zero_length"))); // FRAME-007
        }
        let whole = self.inbox.len() - 4 >= length;
        if length > limit && (whole || flaw != Some(Flaw::LimitAppliedLate)) {
            return Some(Incoming::Refused(Some("too_long"))); // FRAME-008
        }
        if !whole {
            return None;
        }
        let message = self.inbox[4..4 + length].to_vec();
        let used = match flaw {
            Some(Flaw::RestOfReadDropped) => self.inbox.len(),
            _ => 4 + length,
        };
        self.inbox.drain(..used);
        Some(Incoming::Message(message))
    }

    fn end(&self, flaw: Option<Flaw>) -> Incoming {
        if self.inbox.is_empty() || flaw == Some(Flaw::EarlyEndIsEnd) {
            Incoming::End
        } else {
            Incoming::Refused(Some("early_end")) // FRAME-010
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.outbox.is_empty() {
            let (front, _) = self.outbox.as_slices();
            match self.stream.write(front) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => drop(self.outbox.drain(..length)),
                Err(e) if is_blocked(&e) => return Ok(()),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

impl Ws {
    fn receive(&mut self, limit: usize, flaw: Option<Flaw>, seen: &mut Instant) -> Incoming {
        loop {
            let message = match self.socket.read() {
                Ok(message) => message,
                Err(Error::Io(e)) if is_blocked(&e) => return Incoming::Nothing,
                Err(Error::Capacity(_)) => return Incoming::Refused(Some("too_long")),
                // tungstenite reads a text as UTF-8 before it hands it on.
                Err(Error::Utf8(_)) => return Incoming::Refused(Some("text_message")),
                Err(Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_)) => {
                    return Incoming::End;
                }
                Err(Error::Protocol(
                    tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
                )) => {
                    return Incoming::End; // the end of the stream without a close frame
                }
                Err(_) => return Incoming::Refused(None), // OBS-003
            };
            *seen = Instant::now();
            match message {
                Message::Binary(octets) if octets.len() > limit => {
                    return Incoming::Refused(Some("too_long")); // FRAME-016
                }
                Message::Binary(octets) => return Incoming::Message(octets.to_vec()),
                Message::Text(text) if flaw == Some(Flaw::TextAccepted) => {
                    return Incoming::Message(text.as_bytes().to_vec());
                }
                Message::Text(_) => return Incoming::Refused(Some("text_message")), // FRAME-002
                Message::Close(_) => return Incoming::End,
                Message::Ping(_) if flaw == Some(Flaw::PingEndsConnection) => {
                    return Incoming::Refused(None);
                }
                Message::Ping(_) => self.unflushed = true, // tungstenite has queued the pong
                Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        loop {
            let result = match self.outbox.pop_front() {
                Some(message) => {
                    self.unflushed = true;
                    self.socket.write(message)
                }
                None if self.unflushed => {
                    let flushed = self.socket.flush();
                    self.unflushed = flushed.is_err();
                    flushed
                }
                None => return Ok(()),
            };
            match result {
                Ok(()) => {}
                // What was written is in tungstenite's own buffer.
                Err(Error::Io(e)) if is_blocked(&e) => return Ok(()),
                Err(Error::Io(e)) => return Err(e),
                Err(e) => return Err(io::Error::other(e)),
            }
        }
    }
}

impl Timed {
    fn prepare(&self) -> io::Result<()> {
        let Some(deadline) = self.deadline else { return Ok(()) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(
                ErrorKind::TimedOut,
                "the opening handshake takes too long",
            ));
        }
        self.stream.set_read_timeout(Some(left))
    }
}

impl Read for Timed {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.prepare()?;
        self.stream.read(octets)
    }
}

impl Write for Timed {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.stream.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// FRAME-015: one limit for all states, the larger one. FRAME-003: tungstenite has no compression.
fn config(flaw: Option<Flaw>) -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(CHANNEL_LIMIT))
        .max_frame_size(Some(CHANNEL_LIMIT))
        .accept_unmasked_frames(flaw == Some(Flaw::UnmaskedAccepted))
}

fn opening<R: tungstenite::handshake::HandshakeRole>(error: HandshakeError<R>) -> io::Error {
    match error {
        HandshakeError::Failure(Error::Io(e)) => e,
        HandshakeError::Failure(e) => io::Error::other(e),
        HandshakeError::Interrupted(_) => ErrorKind::TimedOut.into(),
    }
}

fn is_blocked(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
