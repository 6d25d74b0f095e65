//! Messages over a WebSocket: the specification, section 6.1.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use tungstenite::handshake::HandshakeError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

use super::{CHANNEL_LIMIT, Incoming, is_blocked};
use crate::live::endpoint_model::Flaw;

/// A WebSocket and what is on the way.
pub(super) struct Ws {
    socket: WebSocket<Timed>,
    outbox: VecDeque<Message>,
    /// Octets in it, and one for each message.
    queued: usize,
    /// Messages were written that are not flushed.
    unflushed: bool,
}

/// A stream that blocks up to a deadline, until it is set not to block.
struct Timed {
    stream: TcpStream,
    deadline: Option<Instant>,
}

impl Ws {
    /// The client's side, after the opening handshake.
    pub(super) fn client(
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
        Self::opened(socket)
    }

    /// The server's side.
    pub(super) fn server(
        stream: TcpStream,
        flaw: Option<Flaw>,
        deadline: Instant,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let timed = Timed { stream, deadline: Some(deadline) };
        let socket = tungstenite::accept_with_config(timed, Some(config(flaw))).map_err(opening)?;
        Self::opened(socket)
    }

    fn opened(mut socket: WebSocket<Timed>) -> io::Result<Self> {
        let timed = socket.get_mut();
        timed.deadline = None;
        timed.stream.set_nonblocking(true)?;
        Ok(Self { socket, outbox: VecDeque::new(), queued: 0, unflushed: false })
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.socket.get_ref().stream
    }

    pub(super) fn queue(&mut self, message: Vec<u8>) {
        self.queued += message.len() + 1;
        self.outbox.push_back(Message::binary(message));
    }

    pub(super) fn backlog(&self) -> usize {
        self.queued + usize::from(self.unflushed)
    }

    /// Sends a close frame.
    pub(super) fn farewell(&mut self, status: Option<&'static str>) {
        let frame = status.map(|text| CloseFrame { code: CloseCode::Policy, reason: text.into() });
        // Fails where the peer has closed first, or has gone.
        let _ = self.socket.close(frame);
        let _ = self.socket.flush();
    }

    pub(super) fn receive(
        &mut self,
        limit: usize,
        flaw: Option<Flaw>,
        seen: &mut Instant,
    ) -> Incoming {
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

    pub(super) fn flush(&mut self) -> io::Result<()> {
        loop {
            let result = match self.outbox.pop_front() {
                Some(message) => {
                    self.queued -= message.len() + 1;
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
