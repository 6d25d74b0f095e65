//! WebSocket messages (RFC 6455, section 5) out of octets and into them. Frame headers are the library's; messages
//! are put together here, since the library reserves memory for what a header announces, has one limit for
//! the life of a connection, and reads a text message before it can be refused.

use std::io::Cursor;

use secure_tunnel::error::FrameError;
use secure_tunnel::framing::{Limit, check_websocket};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::{Item, Role};
use crate::error::Failure;

/// Takes messages out of octets, however they are cut into reads and frames.
#[derive(Debug)]
pub(crate) struct Decoder {
    role: Role,
    limit: Limit,
    /// The first octets of a header, at most 14.
    head: Vec<u8>,
    frame: Option<Frame>,
    /// The binary message that continues, if one does.
    message: Option<Vec<u8>>,
    /// The control frame that arrives, which may come between the frames of a message.
    control: Vec<u8>,
}

/// A frame of which the header has arrived.
#[derive(Debug)]
struct Frame {
    kind: Kind,
    last: bool,
    left: usize,
    mask: [u8; 4],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Ping,
    Pong,
    Close,
}

impl Decoder {
    /// `role` is this party's.
    pub(crate) fn new(role: Role) -> Self {
        Self {
            role,
            limit: Limit::Handshake,
            head: Vec::new(),
            frame: None,
            message: None,
            control: Vec::new(),
        }
    }

    pub(crate) fn set_limit(&mut self, limit: Limit) {
        self.limit = limit;
    }

    /// Takes octets of `input` up to the end of one item at most.
    pub(crate) fn push(&mut self, input: &[u8]) -> Result<(usize, Option<Item>), Failure> {
        let mut left = input;
        loop {
            if let Some(frame) = &mut self.frame {
                let (head, tail) = left.split_at(left.len().min(frame.left));
                left = tail;
                // spec: FRAME-014 (grows with what arrives)
                let into = match frame.kind {
                    Kind::Data => self.message.get_or_insert_default(),
                    _ => &mut self.control,
                };
                let start = into.len();
                into.extend_from_slice(head);
                apply_mask(&mut into[start..], frame.mask);
                frame.mask.rotate_left(head.len() % 4);
                frame.left -= head.len();
                if frame.left > 0 {
                    return Ok((input.len(), None));
                }
                let (kind, last) = (frame.kind, frame.last);
                self.frame = None;
                if let Some(item) = self.complete(kind, last) {
                    return Ok((input.len() - left.len(), Some(item)));
                }
            }
            let Some((octet, tail)) = left.split_first() else { return Ok((input.len(), None)) };
            left = tail;
            self.head.push(*octet);
            if self.head.get(1).is_some_and(|second| self.head.len() == header_len(*second)) {
                let parsed = FrameHeader::parse(&mut Cursor::new(&self.head));
                self.head.clear();
                match parsed {
                    Ok(Some((header, length))) => self.frame = Some(self.begin(&header, length)?),
                    _ => return Err(Failure::WebSocket("unknown opcode")),
                }
            }
        }
    }

    /// Checks a header before anything of its frame is kept.
    // spec: FRAME-004
    fn begin(&mut self, header: &FrameHeader, length: u64) -> Result<Frame, Failure> {
        let fault = |fault| Err(Failure::WebSocket(fault));
        // spec: FRAME-003 (no extension was negotiated that gives these bits a meaning)
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return fault("reserved bit set");
        }
        let mask = match (self.role, header.mask) {
            (Role::Server, Some(mask)) => mask,
            (Role::Client, None) => [0; 4],
            (Role::Server, None) => return fault("frame of a client without a mask"),
            (Role::Client, Some(_)) => return fault("frame of a server with a mask"),
        };
        let found = usize::try_from(length).unwrap_or(usize::MAX);
        let kind = match header.opcode {
            // spec: FRAME-002 (whatever its length, so before the length is looked at)
            OpCode::Data(Data::Text) => return Err(FrameError::TextMessage.into()),
            OpCode::Data(Data::Binary) if self.message.is_some() => {
                return fault("new message inside a message");
            }
            OpCode::Data(Data::Continue) if self.message.is_none() => {
                return fault("continuation of no message");
            }
            OpCode::Data(Data::Binary | Data::Continue) => Kind::Data,
            OpCode::Control(Control::Ping) => Kind::Ping,
            OpCode::Control(Control::Pong) => Kind::Pong,
            OpCode::Control(Control::Close) => Kind::Close,
            _ => return fault("unknown opcode"),
        };
        if kind == Kind::Data {
            let before = self.message.get_or_insert_default().len();
            check_websocket(true, before.saturating_add(found), self.limit)?;
        } else if !header.is_final || found > 125 {
            return fault("control frame in parts or too long");
        }
        Ok(Frame { kind, last: header.is_final, left: found, mask })
    }

    fn complete(&mut self, kind: Kind, last: bool) -> Option<Item> {
        match kind {
            Kind::Data if last => self.message.take().map(Item::Message),
            Kind::Data => None,
            Kind::Ping => Some(Item::Ping(core::mem::take(&mut self.control))),
            Kind::Pong => {
                self.control.clear();
                None
            }
            Kind::Close => Some(Item::End),
        }
    }
}

/// Appends one binary message, one frame, to `out`.
// spec: FRAME-001
pub(crate) fn encode(role: Role, message: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
    put(role, OpCode::Data(Data::Binary), message, out)
}

/// Appends the answer to a ping.
pub(crate) fn encode_pong(role: Role, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
    put(role, OpCode::Control(Control::Pong), payload, out)
}

/// Appends a close frame without a status code.
// spec: OBS-002
pub(crate) fn encode_close(role: Role, out: &mut Vec<u8>) -> Result<(), Failure> {
    put(role, OpCode::Control(Control::Close), &[], out)
}

fn put(role: Role, opcode: OpCode, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
    let mask = match role {
        Role::Client => {
            let mut mask = [0; 4];
            getrandom::fill(&mut mask)
                .map_err(|_| Failure::Internal("the random generator failed"))?;
            Some(mask)
        }
        Role::Server => None,
    };
    let header = FrameHeader { is_final: true, opcode, mask, ..FrameHeader::default() };
    header
        .format(payload.len() as u64, out)
        .map_err(|_| Failure::Internal("a frame header could not be written"))?;
    let start = out.len();
    out.extend_from_slice(payload);
    apply_mask(&mut out[start..], mask.unwrap_or_default());
    Ok(())
}

/// Octets of a header, by its second octet.
fn header_len(second: u8) -> usize {
    let length = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + length + if second & 0x80 == 0 { 0 } else { 4 }
}

fn apply_mask(octets: &mut [u8], mask: [u8; 4]) {
    if mask == [0; 4] {
        return;
    }
    let wide = u32::from_ne_bytes(mask);
    let mut chunks = octets.chunks_exact_mut(4);
    for chunk in &mut chunks {
        let value = u32::from_ne_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]) ^ wide;
        chunk.copy_from_slice(&value.to_ne_bytes());
    }
    for (octet, mask) in chunks.into_remainder().iter_mut().zip(mask) {
        *octet ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All items of `octets`, pushed in pieces of `size`.
    fn items(decoder: &mut Decoder, octets: &[u8], size: usize) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::new();
        for mut piece in octets.chunks(size) {
            while !piece.is_empty() {
                let (taken, item) = decoder.push(piece)?;
                assert!(taken == piece.len() || item.is_some(), "it stops for an item only");
                piece = &piece[taken..];
                items.extend(item);
            }
        }
        Ok(items)
    }

    #[test]
    fn what_one_role_encodes_the_other_decodes_in_pieces_of_any_size() {
        for (from, to) in [(Role::Client, Role::Server), (Role::Server, Role::Client)] {
            let mut octets = Vec::new();
            let lengths = [0usize, 1, 3, 125, 126, 4_096];
            for length in lengths {
                encode(from, &vec![length.to_le_bytes()[0]; length], &mut octets).unwrap();
            }
            encode_pong(from, b"ignored", &mut octets).unwrap();
            encode_close(from, &mut octets).unwrap();
            for size in [1, 2, 7, 1_000, octets.len()] {
                let found = items(&mut Decoder::new(to), &octets, size).unwrap();
                let expected = lengths
                    .map(|length| Item::Message(vec![length.to_le_bytes()[0]; length]))
                    .into_iter()
                    .chain([Item::End]);
                assert_eq!(found, expected.collect::<Vec<_>>(), "{size}");
            }
        }
    }

    #[test]
    fn memory_grows_with_what_arrived_not_with_what_was_announced() {
        let mut decoder = Decoder::new(Role::Server);
        decoder.set_limit(Limit::Established);
        let announced = [&[0x82, 0xff][..], &(1u64 << 24).to_be_bytes(), &[0; 4]].concat();
        assert_eq!(items(&mut decoder, &announced, 1).unwrap(), []);
        let mut pushed = 0;
        for length in [1, 10, 1_000, 50_000] {
            assert_eq!(items(&mut decoder, &vec![0; length], length).unwrap(), []);
            pushed += length;
            let held = decoder.message.as_ref().unwrap().capacity();
            assert!(held <= 8 + 2 * pushed, "{held} for {pushed}");
        }
    }

    #[test]
    fn the_limit_is_that_of_the_state_and_counts_all_frames_of_a_message() {
        for (limit, most) in [(Limit::Handshake, 4_096), (Limit::Established, 1u64 << 24)] {
            for (length, fits) in [(most, true), (most + 1, false), (u64::MAX >> 1, false)] {
                let mut decoder = Decoder::new(Role::Client);
                decoder.set_limit(limit);
                let header = [&[0x82, 127][..], &length.to_be_bytes()].concat();
                assert_eq!(items(&mut decoder, &header, 10).is_ok(), fits, "{length}");
            }
        }
        let mut decoder = Decoder::new(Role::Client);
        let first = [&[0x02, 126, 0x10, 0x00][..], &[0; 4_096]].concat();
        assert_eq!(items(&mut decoder, &first, 100).unwrap(), []);
        assert!(matches!(items(&mut decoder, &[0x80, 1], 2), Err(Failure::Frame(_))));
    }

    #[test]
    fn masks_differ_from_frame_to_frame() {
        let of = || {
            let mut octets = Vec::new();
            encode(Role::Client, b"message", &mut octets).unwrap();
            octets
        };
        assert_ne!(of(), of());
    }
}
