//! Messages over a socket that never blocks: the specification, chapter 6.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

mod tcp;
mod ws;

use super::Flaw;
use tcp::Tcp;
use ws::Ws;

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
    /// A failure of framing, or of what is below it; the code where the registry has one.
    Refused(Option<&'static str>),
}

/// A socket that never blocks, and what may lie between it and the octets: nothing, or TLS.
///
/// `read` gives 0 octets at the end; an error of kind [`ErrorKind::InvalidData`] is a fault of TLS.
pub trait ByteStream: Read + Write {
    /// To wait for and to end.
    fn socket(&self) -> &TcpStream;

    /// Whether octets that were taken are still to be sent.
    fn is_behind(&self) -> bool {
        false
    }

    /// Says goodbye, if there is a way, before the transport is ended.
    fn farewell(&mut self) {}
}

impl ByteStream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
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

impl Transport {
    /// A byte stream over TCP.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn tcp(stream: TcpStream, flaw: Option<Flaw>) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self::stream(Box::new(stream), flaw))
    }

    /// A byte stream.
    pub fn stream(stream: Box<dyn ByteStream>, flaw: Option<Flaw>) -> Self {
        Self { wire: Wire::Tcp(Tcp::new(stream)), flaw, last_octets: Instant::now() }
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
        Ws::client(stream, to, flaw, deadline).map(|ws| Self::ws(ws, flaw))
    }

    /// The server's side.
    ///
    /// # Errors
    /// As with [`Transport::ws_client`].
    pub fn ws_server(stream: TcpStream, flaw: Option<Flaw>, deadline: Instant) -> io::Result<Self> {
        Ws::server(stream, flaw, deadline).map(|ws| Self::ws(ws, flaw))
    }

    fn ws(ws: Ws, flaw: Option<Flaw>) -> Self {
        Self { wire: Wire::Ws(Box::new(ws)), flaw, last_octets: Instant::now() }
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
            Wire::Tcp(tcp) => tcp.queue(&message),
            Wire::Ws(ws) => ws.queue(message),
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
            Wire::Tcp(tcp) => tcp.backlog(),
            Wire::Ws(ws) => ws.backlog(),
        }
    }

    /// Ends the transport as after everything (OBS-002): a close frame without a code, or close_notify; end of stream.
    pub fn close(&mut self, status: Option<&'static str>) {
        match &mut self.wire {
            Wire::Tcp(tcp) => tcp.stream.farewell(),
            Wire::Ws(ws) => ws.farewell(status),
        }
        end(self.socket());
    }

    /// Ends the transport with a reset.
    pub fn reset(&self) {
        let linger = Some(Duration::ZERO);
        let _ = rustix::net::sockopt::set_socket_linger(self.socket(), linger);
    }

    /// The socket, to wait for.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }

    fn socket(&self) -> &TcpStream {
        match &self.wire {
            Wire::Tcp(tcp) => tcp.stream.socket(),
            Wire::Ws(ws) => ws.stream(),
        }
    }
}

/// Ends a connection, and waits a moment for the peer to do so.
pub fn end(stream: &TcpStream) {
    let until = Instant::now() + DRAIN;
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

/// Whether a socket that does not block has nothing to give or to take.
pub fn is_blocked(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
