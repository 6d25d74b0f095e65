//! WebSocket frames (RFC 6455, section 5.2), written with any field wrong and read strictly; and the opening
//! handshake, which tungstenite does.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::client::Response;

use crate::live::until::Until;

/// Opcodes.
pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// A frame to be sent; [`Frame::new`] gives a right one, and every field may be changed.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    pub fin: bool,
    /// The three reserved bits.
    pub rsv: u8,
    pub opcode: u8,
    /// None for a frame without a mask, as servers send.
    pub mask: Option<[u8; 4]>,
    pub payload: &'a [u8],
    /// Stated in place of the payload's length.
    pub length: Option<u64>,
    /// Octets of the length field: 0 for the fewest, or 2 or 8.
    pub length_octets: usize,
}

impl<'a> Frame<'a> {
    /// A whole message of a client.
    pub fn new(opcode: u8, payload: &'a [u8]) -> Frame<'a> {
        let mask = Some([0x37, 0xfa, 0x21, 0x3d]);
        Frame { fin: true, rsv: 0, opcode, mask, payload, length: None, length_octets: 0 }
    }

    pub fn octets(&self) -> Vec<u8> {
        let length = self.length.unwrap_or(self.payload.len() as u64);
        let mut out = vec![u8::from(self.fin) << 7 | self.rsv << 4 | self.opcode];
        let masked = u8::from(self.mask.is_some()) << 7;
        let field = match (self.length_octets, length) {
            (0, 0..=125) => 0,
            (0, 126..=0xffff) => 2,
            (0, _) => 8,
            (octets, _) => octets,
        };
        match field {
            0 => out.push(masked | length.to_be_bytes()[7]),
            2 => {
                out.push(masked | 126);
                out.extend(&length.to_be_bytes()[6..]);
            }
            _ => {
                out.push(masked | 127);
                out.extend(length.to_be_bytes());
            }
        }
        match self.mask {
            None => out.extend(self.payload),
            Some(mask) => {
                out.extend(mask);
                let mask = mask.iter().cycle();
                out.extend(self.payload.iter().zip(mask).map(|(octet, mask)| octet ^ mask));
            }
        }
        out
    }
}

/// A frame received.
#[derive(Debug, PartialEq, Eq)]
pub struct Received {
    pub fin: bool,
    pub opcode: u8,
    pub payload: Vec<u8>,
}

/// Takes the first whole frame off what was received; an error if it breaks RFC 6455.
pub fn take(inbox: &mut Vec<u8>, must_be_masked: bool) -> Option<Result<Received, String>> {
    let [first, second, rest @ ..] = inbox.as_slice() else { return None };
    let (first, second) = (*first, *second);
    let (head, length) = match second & 0x7f {
        126 => (4, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*rest.first_chunk()?)),
        length => (2, u64::from(length)),
    };
    let masked = second & 0x80 != 0;
    let minimal = matches!((head, length), (2, _) | (4, 126..) | (10, 0x1_0000..));
    let opcode = first & 0x0f;
    let control = opcode >= 8;
    let fault = if first & 0x70 != 0 {
        "a reserved bit"
    } else if masked != must_be_masked {
        if masked { "a masked frame of a server" } else { "a frame of a client without a mask" }
    } else if !minimal {
        "a length in too many octets"
    } else if ![CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG].contains(&opcode) {
        "a reserved opcode"
    } else if control && (length > 125 || first & 0x80 == 0) {
        "a control frame that is too long or fragmented"
    } else if length > (1 << 24) {
        "a frame of more than 2^24 octets"
    } else {
        ""
    };
    if !fault.is_empty() {
        return Some(Err(fault.into()));
    }
    let length = usize::try_from(length).ok()?;
    let mask_length = if masked { 4 } else { 0 };
    let end = head + mask_length + length;
    if inbox.len() < end {
        return None;
    }
    let mut payload = inbox[head + mask_length..end].to_vec();
    if masked {
        let mask: Vec<u8> = inbox[head..head + 4].to_vec();
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(octet, mask)| *octet ^= mask);
    }
    inbox.drain(..end);
    Some(Ok(Received { fin: first & 0x80 != 0, opcode, payload }))
}

/// The opening handshake of a client; returns the response. Nothing after it is read.
///
/// # Errors
/// A sentence on what went wrong.
pub fn open(stream: &TcpStream, path: &str, deadline: Instant) -> Result<Response, String> {
    let address = stream.peer_addr().map_err(|e| e.to_string())?;
    let request = format!("ws://{address}{path}");
    let head = HeadOnly { stream, deadline };
    match tungstenite::client::client(request, head) {
        Ok((_, response)) => Ok(response),
        Err(HandshakeError::Failure(e)) => Err(e.to_string()),
        Err(HandshakeError::Interrupted(_)) => Err("no answer in time".into()),
    }
}

/// The opening handshake of a server.
///
/// # Errors
/// A sentence on what went wrong.
pub fn accept(stream: &TcpStream, deadline: Instant) -> Result<(), String> {
    match tungstenite::accept(HeadOnly { stream, deadline }) {
        Ok(_) => Ok(()),
        Err(HandshakeError::Failure(e)) => Err(e.to_string()),
        Err(HandshakeError::Interrupted(_)) => Err("no request in time".into()),
    }
}

/// Reads up to the empty line that ends an HTTP head and not an octet more, so that the frames after it are
/// still in the socket.
struct HeadOnly<'a> {
    stream: &'a TcpStream,
    deadline: Instant,
}

impl Read for HeadOnly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut seen = [0; 4096];
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "no whole HTTP head in time"));
            }
            self.stream.set_read_timeout(Some(left.min(Duration::from_millis(200))))?;
            let length = match self.stream.peek(&mut seen) {
                Ok(length) => length,
                Err(e) if is_timeout(&e) => continue,
                Err(e) => return Err(e),
            };
            let end = seen[..length].windows(4).position(|four| four == b"\r\n\r\n");
            match end {
                Some(end) => {
                    let wanted = (end + 4).min(buffer.len());
                    self.stream.read_exact(&mut buffer[..wanted])?;
                    return Ok(wanted);
                }
                // The end of the stream, or a head that never ends: for the parser to judge.
                None if length == 0 || length == seen.len() => {
                    let wanted = length.min(buffer.len());
                    self.stream.read_exact(&mut buffer[..wanted])?;
                    return Ok(wanted);
                }
                // More is to come; a socket that has data does not block, so pause a little.
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }
}

impl Write for HeadOnly<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Until { stream: self.stream, deadline: self.deadline }.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a read has run into its timeout.
pub fn is_timeout(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_read_back() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![9; length];
            let mut inbox = Frame::new(BINARY, &payload).octets();
            let last = inbox.pop().expect("is not empty");
            assert_eq!(take(&mut inbox, true), None, "{length}");
            inbox.push(last);
            let received = Received { fin: true, opcode: BINARY, payload };
            assert_eq!(take(&mut inbox, true), Some(Ok(received)));
            assert!(inbox.is_empty());
        }
    }

    #[test]
    fn what_rfc_6455_forbids_is_told() {
        let unmasked = Frame { mask: None, ..Frame::new(BINARY, b"x") };
        for (frame, part) in [
            (Frame::new(BINARY, b"x"), "masked"),
            (Frame { rsv: 4, ..unmasked.clone() }, "reserved bit"),
            (Frame { opcode: 3, ..unmasked.clone() }, "reserved opcode"),
            (Frame { opcode: PING, fin: false, ..unmasked.clone() }, "control frame"),
            (Frame { length_octets: 8, ..unmasked.clone() }, "too many octets"),
            (Frame { length: Some(1 << 25), ..unmasked }, "more than 2^24"),
        ] {
            let fault = take(&mut frame.octets(), false).expect("is whole").expect_err("is bad");
            assert!(fault.contains(part), "{fault}");
        }
    }
}
