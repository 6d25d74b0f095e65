//! The octets inside TLS, over a socket that does not block.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustls::Connection;

use crate::live::endpoint_model::Flaw;
use crate::live::endpoint_model::transport::{ByteStream, end, is_blocked};

/// How long sending the last records may take.
const LAST: Duration = Duration::from_secs(2);

/// A TLS connection after its handshake.
pub struct Stream {
    connection: Connection,
    socket: TcpStream,
    flaw: Option<Flaw>,
    is_over: bool,
}

impl Stream {
    pub fn new(connection: Connection, socket: TcpStream, flaw: Option<Flaw>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { connection, socket, flaw, is_over: false })
    }

    /// The exporter of RFC 8446, section 7.5, with a context of zero length.
    pub fn exporter(&self, label: &[u8]) -> Option<[u8; 32]> {
        self.connection.export_keying_material([0; 32], label, Some(b"")).ok()
    }

    /// Ends the connection with a peer that is refused after the handshake.
    pub fn dismiss(&mut self) {
        self.farewell();
        end(&self.socket);
    }

    /// What came before the handshake was complete: [`Flaw::EarlyDataAccepted`].
    fn early(&mut self, octets: &mut [u8]) -> Option<usize> {
        let Connection::Server(server) = &mut self.connection else { return None };
        let read = server.early_data()?.read(octets).ok()?;
        (read > 0).then_some(read)
    }
}

impl Read for Stream {
    /// 0 octets at close_notify, [`ErrorKind::UnexpectedEof`] at an end without it.
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        if let Some(read) = self.early(octets) {
            return Ok(read);
        }
        loop {
            match self.connection.reader().read(octets) {
                Err(e) if is_blocked(&e) => {}
                read => return read,
            }
            if self.connection.read_tls(&mut self.socket)? == 0 {
                continue; // the reader knows what kind of end it is
            }
            if let Err(error) = self.connection.process_new_packets() {
                let _ = self.flush();
                return Err(io::Error::new(ErrorKind::InvalidData, error));
            }
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.flush()?; // so rustls has room
        let taken = self.connection.writer().write(octets)?;
        match self.flush() {
            Err(e) if !is_blocked(&e) => Err(e),
            _ => Ok(taken),
        }
    }

    /// Sends the records that rustls has made.
    fn flush(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.socket)?;
        }
        Ok(())
    }
}

impl ByteStream for Stream {
    fn socket(&self) -> &TcpStream {
        &self.socket
    }

    fn is_behind(&self) -> bool {
        self.connection.wants_write()
    }

    /// TLS-009.
    fn farewell(&mut self) {
        if self.is_over || self.flaw == Some(Flaw::NoCloseNotify) {
            return;
        }
        self.is_over = true;
        self.connection.send_close_notify();
        // Fails only when the peer has gone.
        let _ = self.socket.set_nonblocking(false);
        let _ = self.socket.set_write_timeout(Some(LAST));
        let _ = self.flush();
        let _ = self.socket.set_nonblocking(true);
    }
}
