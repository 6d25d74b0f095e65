//! Messages over a byte stream: the specification, section 6.2.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::Instant;

use super::{ByteStream, Incoming, READ, is_blocked};
use crate::live::endpoint_model::Flaw;

/// A byte stream and what is on the way.
pub(super) struct Tcp {
    pub(super) stream: Box<dyn ByteStream>,
    inbox: Vec<u8>,
    /// What a read goes to.
    chunk: Vec<u8>,
    ended: bool,
    outbox: VecDeque<u8>,
}

impl Tcp {
    pub(super) fn new(stream: Box<dyn ByteStream>) -> Self {
        let chunk = vec![0; READ];
        Self { stream, inbox: Vec::new(), chunk, ended: false, outbox: VecDeque::new() }
    }

    pub(super) fn queue(&mut self, message: &[u8]) {
        let length = message.len() as u32; // at most 2^24
        self.outbox.extend(length.to_be_bytes());
        self.outbox.extend(message);
    }

    pub(super) fn backlog(&self) -> usize {
        self.outbox.len() + usize::from(self.stream.is_behind())
    }

    pub(super) fn receive(
        &mut self,
        limit: usize,
        flaw: Option<Flaw>,
        seen: &mut Instant,
    ) -> Incoming {
        loop {
            match self.take(limit, flaw) {
                Some(Incoming::Nothing) => continue, // a length of 0 was skipped
                Some(incoming) => return incoming,
                None if self.ended => return self.end(flaw),
                None => {}
            }
            match self.stream.read(&mut self.chunk) {
                Ok(0) => self.ended = true,
                Ok(length) => {
                    *seen = Instant::now();
                    if flaw == Some(Flaw::ReadTakenForMessage) {
                        self.inbox.clear(); // what did not end with the last read is lost
                    }
                    self.inbox.extend_from_slice(&self.chunk[..length]);
                }
                Err(e) if is_blocked(&e) => return Incoming::Nothing,
                Err(e) if e.kind() == ErrorKind::InvalidData => {
                    return Incoming::Refused(Some("handshake")); // TLS-011
                }
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

    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.outbox.is_empty() {
            let (front, _) = self.outbox.as_slices();
            match self.stream.write(front) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => drop(self.outbox.drain(..length)),
                Err(e) if is_blocked(&e) => return Ok(()),
                Err(e) => return Err(e),
            }
        }
        match self.stream.flush() {
            Err(e) if !is_blocked(&e) => Err(e),
            _ => Ok(()),
        }
    }
}
