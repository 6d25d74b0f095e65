//! An honest client, to find out whether a server still serves: over WebSocket all of its traffic goes through
//! tungstenite, which is strict about what it receives.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tungstenite::client::client;
use tungstenite::{Message, WebSocket};
use tunnelproof_vectors::build::keys;

use super::Transport;
use super::stage::now;
use super::until::Until;
use super::wire::{CLOSE, Channel, Credentials, DATA, OPEN, Request, public_key};

/// A handshake, an echo and a close.
///
/// # Errors
/// What failed, in a sentence.
pub fn visit(
    address: SocketAddr,
    transport: Transport,
    who: &Credentials,
    label: &str,
    patience: Duration,
) -> Result<(), String> {
    let mut wire = Wire::connect(address, transport, patience)?;
    let m1 = wire.receive("M1")?;
    let server = public_key(&m1).ok_or("M1 is not the encoding of an RSA key")?;
    let request = Request::new(&m1, &server, keys::k4552_d(), who, now(), label);
    let m2 = request.m2();
    wire.send(&m2)?;
    let m3 = wire.receive("M3")?;
    let p3 = keys::k4552_d().open(&m3).ok_or("M3 does not decrypt")?;
    let k = p3.get(8..56).ok_or("P3 is too short")?;
    let mut channel = Channel::new(&m1, &m2, &m3, k, true);
    let open = channel.sends.seal(OPEN, b"");
    wire.send(&open)?;
    let payload = label.as_bytes();
    let record = channel.sends.seal(DATA, payload);
    wire.send(&record)?;
    let echo = wire.receive("the echo")?;
    if channel.receives.open(&echo) != Some((DATA, payload.to_vec())) {
        return Err("the echo is another payload".into());
    }
    let record = channel.sends.seal(CLOSE, b"");
    wire.send(&record)?;
    let close = wire.receive("the close record")?;
    if channel.receives.open(&close) != Some((CLOSE, Vec::new())) {
        return Err("the answer to close is no close record".into());
    }
    wire.end()
}

enum Wire {
    Tcp(Until<TcpStream>),
    Ws(Box<WebSocket<Until<TcpStream>>>),
}

impl Wire {
    fn connect(
        address: SocketAddr,
        transport: Transport,
        patience: Duration,
    ) -> Result<Wire, String> {
        let text = |e: std::io::Error| format!("can't connect: {e}");
        let stream = TcpStream::connect_timeout(&address, patience).map_err(text)?;
        stream.set_nodelay(true).map_err(text)?;
        let stream = Until { stream, deadline: Instant::now() + patience };
        if transport == Transport::Tcp {
            return Ok(Wire::Tcp(stream));
        }
        match client(format!("ws://{address}/"), stream) {
            Ok((socket, _)) => Ok(Wire::Ws(Box::new(socket))),
            Err(e) => Err(format!("the opening handshake of WebSocket failed: {e}")),
        }
    }

    fn send(&mut self, message: &[u8]) -> Result<(), String> {
        match self {
            Wire::Tcp(stream) => {
                stream.write_all(&super::peer::tcp::frame(message)).map_err(|e| e.to_string())
            }
            Wire::Ws(socket) => {
                socket.send(Message::binary(message.to_vec())).map_err(|e| e.to_string())
            }
        }
    }

    fn receive(&mut self, what: &str) -> Result<Vec<u8>, String> {
        let missing = |e: &dyn std::fmt::Display| format!("{what} did not come: {e}");
        match self {
            Wire::Tcp(stream) => {
                let mut length = [0; 4];
                stream.read_exact(&mut length).map_err(|e| missing(&e))?;
                let length = u32::from_be_bytes(length) as usize;
                if length == 0 || length > 1 << 24 {
                    return Err(format!("{what} has the length {length}"));
                }
                let mut message = vec![0; length];
                stream.read_exact(&mut message).map_err(|e| missing(&e))?;
                Ok(message)
            }
            Wire::Ws(socket) => match socket.read().map_err(|e| missing(&e))? {
                Message::Binary(octets) => Ok(octets.to_vec()),
                other => Err(format!("{what} did not come, but {other:?}")),
            },
        }
    }

    /// The server has to end the transport now.
    fn end(mut self) -> Result<(), String> {
        match &mut self {
            Wire::Tcp(stream) => match stream.read(&mut [0; 1]) {
                Ok(0) => Ok(()),
                Ok(_) => Err("more octets after the close record".into()),
                Err(e) => Err(format!("the stream does not end after the close records: {e}")),
            },
            Wire::Ws(socket) => match socket.read() {
                // tungstenite answers the close frame by itself at the next read.
                Ok(Message::Close(_)) => match socket.read() {
                    Err(tungstenite::Error::ConnectionClosed) => Ok(()),
                    other => Err(format!("no end after the close frame: {other:?}")),
                },
                other => Err(format!("no close frame after the close records: {other:?}")),
            },
        }
    }
}
