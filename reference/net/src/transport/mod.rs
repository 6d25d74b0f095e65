//! Messages over an asynchronous byte stream: framing chapter, both transports.

mod upgrade;
mod websocket;

use core::fmt;
use std::time::Duration;

use secure_tunnel::framing::{Deframer, Limit, encode_frame};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::Failure;

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A byte stream: each message with its length before it (section 6.2).
    Tcp,
    /// WebSocket, one binary message each, any path (section 6.1).
    WebSocket,
}

impl fmt::Display for Transport {
    /// The scheme of its URLs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::WebSocket => "ws",
        })
    }
}

/// Which of the two parties this one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// What a transport hands over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Message(Vec<u8>),
    /// To be answered with a pong, by and by.
    Ping(Vec<u8>),
    /// The peer sends nothing more.
    End,
}

pub(crate) type BoxRead = Box<dyn AsyncRead + Send + Sync + Unpin>;
pub(crate) type BoxWrite = Box<dyn AsyncWrite + Send + Sync + Unpin>;

/// How long the last octets of a connection may take to go out.
const CLOSING: Duration = Duration::from_secs(1);
/// How long and how far a connection that has ended here is read until its peer ends it too: closed with octets
/// unread, a socket would send a reset instead of an end.
const LINGER: Duration = Duration::from_secs(1);

/// The receiving half.
pub(crate) struct Incoming {
    io: BoxRead,
    decoder: Decoder,
    /// Read and not yet decoded: `buffer[start..end]`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
}

enum Decoder {
    Stream(Deframer),
    WebSocket(websocket::Decoder),
}

/// Octets of the buffer while little arrives, and while much does.
const SMALL: usize = 2 * 1024;
const LARGE: usize = 64 * 1024;

impl Incoming {
    /// What arrives next. Safe to cancel: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Item, Failure> {
        loop {
            if self.ended {
                return Ok(Item::End);
            }
            if self.start < self.end {
                let input = &self.buffer[self.start..self.end];
                let (taken, item) = match &mut self.decoder {
                    Decoder::Stream(deframer) => {
                        let (taken, message) = deframer.push(input)?;
                        (taken, message.map(Item::Message))
                    }
                    Decoder::WebSocket(decoder) => decoder.push(input)?,
                };
                self.start += taken;
                match item {
                    Some(Item::End) => self.ended = true,
                    Some(item) => return Ok(item),
                    None => {}
                }
                continue;
            }
            let filled = self.fill().await;
            if let Some(failure) = filled.as_ref().err().and_then(Failure::of_tls) {
                self.ended = true;
                return Err(failure);
            }
            match filled {
                Ok(0) | Err(_) => {
                    self.ended = true;
                    // spec: FRAME-010
                    if let Decoder::Stream(deframer) = &mut self.decoder {
                        core::mem::take(deframer).finish()?;
                    }
                }
                Ok(_) => {}
            }
        }
    }

    /// Whether anything of a message has arrived, without waiting for more.
    pub(crate) async fn trails(&mut self) -> bool {
        if self.start == self.end && !self.ended {
            tokio::select! {
                biased;
                read = self.fill() => self.ended = matches!(read, Ok(0) | Err(_)),
                () = core::future::ready(()) => {}
            }
        }
        while self.start < self.end && !self.ended {
            let Decoder::WebSocket(decoder) = &mut self.decoder else { return true };
            match decoder.push(&self.buffer[self.start..self.end]) {
                Ok((taken, Some(Item::End))) => {
                    (self.start, self.ended) = (self.start + taken, true)
                }
                Ok((taken, None | Some(Item::Ping(_)))) => self.start += taken,
                Ok((_, Some(Item::Message(_)))) | Err(_) => return true,
            }
        }
        false
    }

    /// From now on messages may be as long as an established party takes them.
    // spec: FRAME-012, FRAME-013
    pub(crate) fn established(&mut self) {
        match &mut self.decoder {
            Decoder::Stream(deframer) => deframer.set_limit(Limit::Established),
            Decoder::WebSocket(decoder) => decoder.set_limit(Limit::Established),
        }
    }

    /// Reads and forgets until the peer ends the connection too, for a second at most.
    pub(crate) async fn linger(&mut self) {
        linger(&mut self.io).await;
    }

    async fn fill(&mut self) -> std::io::Result<usize> {
        // By the size of the last read: an idle connection holds little.
        let wanted = if self.end < SMALL { SMALL } else { LARGE };
        if self.buffer.len() != wanted {
            self.buffer = vec![0; wanted];
        }
        (self.start, self.end) = (0, 0);
        let read = self.io.read(&mut self.buffer).await?;
        self.end = read;
        Ok(read)
    }
}

async fn linger(io: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = [0; SMALL];
    let drain = async { while let Ok(1..) = io.read(&mut buffer).await {} };
    let _ = timeout(LINGER, drain).await; // whichever comes first
}

/// Ends a stream that is no [`Wire`] and waits a little for the peer to do so.
pub(crate) async fn end(io: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let _ = timeout(CLOSING, io.shutdown()).await; // there is nobody left to tell
    linger(io).await;
}

/// The sending half.
pub(crate) struct Outgoing {
    io: BoxWrite,
    encoder: Encoder,
    /// Part of a message may be out: nothing else can follow it.
    torn: bool,
}

/// Puts messages into octets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoder {
    transport: Transport,
    role: Role,
}

impl Encoder {
    /// Appends `message`, of 1 to 2^24 octets, to `out`.
    pub(crate) fn message(self, message: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        match self.transport {
            Transport::Tcp => Ok(encode_frame(message, Limit::Established, out)?),
            Transport::WebSocket => websocket::encode(self.role, message, out),
        }
    }

    pub(crate) fn pong(self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        websocket::encode_pong(self.role, payload, out)
    }
}

impl Outgoing {
    pub(crate) fn encoder(&self) -> Encoder {
        self.encoder
    }

    /// Writes octets that an encoder gave. If it is cancelled or fails, the connection can only be ended.
    pub(crate) async fn write(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.torn = true;
        self.io.write_all(octets).await?;
        self.io.flush().await?;
        self.torn = false;
        Ok(())
    }

    /// Ends the transport: the same whatever the reason.
    // spec: OBS-001, OBS-002
    pub(crate) async fn end(&mut self) {
        let mut last = Vec::new();
        if self.encoder.transport == Transport::WebSocket && !self.torn {
            // Without the frame the end is still one, if a rougher one.
            let _ = websocket::encode_close(self.encoder.role, &mut last);
        }
        let closing = async {
            self.io.write_all(&last).await?;
            self.io.shutdown().await
        };
        let _ = timeout(CLOSING, closing).await; // there is nobody left to tell
    }
}

/// Both halves, for the handshake.
pub(crate) struct Wire {
    pub(crate) incoming: Incoming,
    pub(crate) outgoing: Outgoing,
    /// What the last ping held that was not answered yet.
    pong: Option<Vec<u8>>,
}

/// What came of waiting for a message.
pub(crate) enum Arrival {
    Message(Vec<u8>),
    End,
    Late,
    Fault(Failure),
}

impl Wire {
    /// Opens the transport on a connected byte stream. `authority` and `path` are for a client's upgrade.
    pub(crate) async fn open(
        mut reader: BoxRead,
        mut writer: BoxWrite,
        transport: Transport,
        role: Role,
        (authority, path): (&str, &str),
    ) -> Result<Self, Failure> {
        let (decoder, buffer) = match transport {
            Transport::Tcp => (Decoder::Stream(Deframer::new()), Vec::new()),
            Transport::WebSocket => {
                let rest = match role {
                    Role::Server => upgrade::accept(&mut reader, &mut writer).await?,
                    Role::Client => {
                        upgrade::request(&mut reader, &mut writer, authority, path).await?
                    }
                };
                (Decoder::WebSocket(websocket::Decoder::new(role)), rest)
            }
        };
        let end = buffer.len();
        Ok(Self {
            incoming: Incoming { io: reader, decoder, buffer, start: 0, end, ended: false },
            outgoing: Outgoing { io: writer, encoder: Encoder { transport, role }, torn: false },
            pong: None,
        })
    }

    /// Waits for a message until `deadline`. Safe to cancel.
    pub(crate) async fn receive(&mut self, deadline: Instant) -> Arrival {
        loop {
            match timeout_at(deadline, self.incoming.next()).await {
                Err(_) => return Arrival::Late,
                Ok(Err(failure)) => return Arrival::Fault(failure),
                Ok(Ok(Item::End)) => return Arrival::End,
                Ok(Ok(Item::Message(message))) => return Arrival::Message(message),
                Ok(Ok(Item::Ping(payload))) => self.pong = Some(payload), // the last one counts
            }
        }
    }

    /// Over a message transport, what arrives out of turn. Over a byte stream nothing is read, so nothing ever does.
    // spec: HS-070, HS-071
    pub(crate) async fn out_of_turn(&mut self) -> Arrival {
        match self.outgoing.encoder.transport {
            Transport::Tcp => core::future::pending().await,
            Transport::WebSocket => loop {
                match self.incoming.next().await {
                    Ok(Item::Ping(payload)) => self.pong = Some(payload),
                    Ok(Item::Message(message)) => return Arrival::Message(message),
                    Ok(Item::End) => return Arrival::End,
                    Err(failure) => return Arrival::Fault(failure),
                }
            },
        }
    }

    /// Sends a message until `deadline`; `None` if that is too late or the connection is gone.
    pub(crate) async fn send(&mut self, message: &[u8], deadline: Instant) -> Option<()> {
        let mut out = Vec::new();
        let encoder = self.outgoing.encoder;
        if let Some(payload) = self.pong.take() {
            encoder.pong(&payload, &mut out).ok()?;
        }
        encoder.message(message, &mut out).ok()?;
        timeout_at(deadline, self.outgoing.write(&out)).await.ok()?.ok()
    }

    /// Ends the transport and waits a little for the peer to do so.
    pub(crate) async fn end(mut self) {
        self.outgoing.end().await;
        self.incoming.linger().await;
    }
}
