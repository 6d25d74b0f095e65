//! The handshake of TLS over a socket that blocks, up to its deadline.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustls::Connection;

use super::verifiers::code_of;
use super::{Code, HANDSHAKE};
use crate::live::endpoint_model::Flaw;

/// A socket with the deadline of TLS-007.
pub struct Waiting {
    pub socket: TcpStream,
    ends: Option<Instant>,
    flaw: Option<Flaw>,
}

impl Waiting {
    /// The transport has just opened.
    pub fn new(socket: TcpStream, flaw: Option<Flaw>) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(HANDSHAKE))?;
        let ends = (flaw != Some(Flaw::TlsDeadlineMissing)).then(|| Instant::now() + HANDSHAKE);
        Ok(Self { socket, ends, flaw })
    }

    /// Runs the handshake to its end.
    ///
    /// # Errors
    /// The code of what failed; what there is to be said to the peer has been sent.
    pub fn complete(&mut self, connection: &mut Connection) -> Result<(), Code> {
        loop {
            self.send(connection)?;
            if !connection.is_handshaking() {
                return Ok(());
            }
            match connection.read_tls(self) {
                Ok(0) => return Err("handshake"),
                Ok(_) => {}
                Err(e) => return Err(code_of_io(&e)),
            }
            if let Err(error) = connection.process_new_packets() {
                let _ = self.send(connection);
                return Err(code_of(&error));
            }
        }
    }

    fn send(&mut self, connection: &mut Connection) -> Result<(), Code> {
        while connection.wants_write() {
            connection.write_tls(&mut self.socket).map_err(|e| code_of_io(&e))?;
        }
        Ok(())
    }
}

impl Read for Waiting {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        let left = self.ends.map(|ends| ends.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Err(ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(left)?;
        let read = self.socket.read(octets)?;
        if self.flaw == Some(Flaw::TlsDeadlineRestarts) {
            self.ends = Some(Instant::now() + HANDSHAKE);
        }
        Ok(read)
    }
}

/// The code of what a socket reports.
pub fn code_of_io(error: &io::Error) -> Code {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "timeout",
        _ => "handshake", // TLS-011
    }
}
