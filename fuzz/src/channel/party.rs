//! A party of a channel and what is expected of it: chapter 4 on the generator's primitives.

use std::collections::VecDeque;

use secure_tunnel::channel::{Channel, Ending, Opened};
use secure_tunnel::error::Diagnostic;
use secure_tunnel::hazmat::ServerAwaitingOpen;
use tunnelproof_vectors::build::primitives::stream;

use crate::protocol::{self, Schedule};

/// A party of the reference, and what is expected of it.
pub(super) struct Party {
    pub(super) reference: Reference,
    pub(super) seals: Direction,
    pub(super) opens: Direction,
    pub(super) schedule: Schedule,
    pub(super) server: bool,
    pub(super) dead: bool,
    /// The transport has ended here.
    pub(super) gone: bool,
    /// It has sealed what a right party would not.
    pub(super) faulty: bool,
    pub(super) sent: Vec<Vec<u8>>,
    pub(super) got: Vec<Vec<u8>>,
    /// What is under way to it.
    pub(super) arriving: VecDeque<Vec<u8>>,
    pub(super) last_sealed: Vec<u8>,
}

pub(super) enum Reference {
    Awaiting(ServerAwaitingOpen),
    Established(Channel),
    Gone,
}

pub(super) struct Direction {
    pub(super) chain: [u8; 32],
    /// Nothing once 2^64 - 1 is used.
    pub(super) n: Option<u64>,
    pub(super) closed: bool,
}

impl Direction {
    fn advance(&mut self) {
        self.n = self.n.and_then(|n| n.checked_add(1));
        if self.n.is_some_and(|n| n % 65_536 == 0) {
            self.chain = protocol::next_chain(&self.chain);
        }
    }
}

impl Party {
    /// The outcome that a call to seal or to export must have before its own checks.
    fn expect_alive(&self) -> Result<(), &'static str> {
        if self.dead { Err("dead") } else { Ok(()) }
    }

    /// Seals data, or close for nothing.
    pub(super) fn seal(&mut self, payload: Option<Vec<u8>>) -> Result<Vec<u8>, &'static str> {
        let expected = self.expect_alive().and_then(|()| match (self.seals.closed, self.seals.n) {
            (true, _) => Err("closed"),
            (_, None) => Err("exhausted"),
            (_, Some(n)) => {
                let kind = u8::from(payload.is_none());
                let octets = payload.as_deref().unwrap_or_default();
                Ok(protocol::seal(&self.seals.chain, n, kind, octets))
            }
        });
        let Reference::Established(channel) = &mut self.reference else { return Err("no channel") };
        let mut out = b"before".to_vec();
        let sealed = match &payload {
            // In place as well as into another buffer.
            Some(payload) if payload.len() % 2 == 1 => {
                let mut record = [&[0xff], &payload[..], &[0xff; 16]].concat();
                let before = record.clone();
                let sealed = channel.seal_in_place(&mut record);
                match &sealed {
                    Ok(()) => out.extend(record),
                    Err(_) => assert_eq!(record, before),
                }
                sealed
            }
            Some(payload) => channel.seal(payload, &mut out),
            None => channel.close(&mut out),
        };
        let record = out.split_off(6);
        assert_eq!(out, b"before");
        assert!(sealed.is_ok() || record.is_empty(), "a refused call writes nothing");
        let found = sealed.map_err(|error| error.code()).map(|()| record);
        assert_eq!(found, expected);
        let record = found?;
        assert_eq!(record.len(), payload.as_ref().map_or(0, Vec::len) + 17);
        self.seals.advance();
        self.seals.closed |= payload.is_none();
        self.sent.extend(payload);
        self.last_sealed.clone_from(&record);
        Ok(record)
    }

    pub(super) fn receive(&mut self, record: &[u8]) -> &'static str {
        if self.gone {
            return "gone";
        }
        let expected = self.expect_opened(record);
        let mut buffer = record.to_vec();
        let reference = std::mem::replace(&mut self.reference, Reference::Gone);
        let found = match reference {
            Reference::Awaiting(awaiting) => awaiting.receive(&mut buffer).map(|channel| {
                self.reference = Reference::Established(channel);
                (2, Vec::new())
            }),
            Reference::Established(mut channel) => {
                let opened = channel.open(&mut buffer).map(|opened| match opened {
                    Opened::Data(payload) => (0, payload.to_vec()),
                    _ => (1, Vec::new()),
                });
                self.reference = Reference::Established(channel);
                opened
            }
            Reference::Gone => return "gone",
        };
        let found = found.map_err(|error| error.code());
        assert_eq!(found, expected);
        match found {
            Ok((kind, payload)) => {
                self.opens.advance();
                match kind {
                    0 => self.got.push(payload),
                    1 => self.opens.closed = true,
                    _ => {}
                }
                "opened"
            }
            Err(code) => {
                self.dead = true;
                self.stays_dead();
                code
            }
        }
    }

    /// The order of section 4.5.
    fn expect_opened(&self, record: &[u8]) -> Result<(u8, Vec<u8>), &'static str> {
        self.expect_alive()?;
        if self.opens.closed {
            return Err("after_close");
        }
        if record.len() < 17 {
            return Err("record_length");
        }
        let n = self.opens.n.ok_or("exhausted")?;
        let (kind, payload) = protocol::open(&self.opens.chain, n, record).ok_or("open_failed")?;
        match (kind, payload.len(), self.server && n == 0) {
            (3.., ..) => Err("unknown_type"),
            (1 | 2, 1.., _) => Err("control_payload"),
            (0 | 1, _, true) => Err("missing_open"),
            (2, _, false) => Err("unexpected_open"),
            _ => Ok((kind, payload)),
        }
    }

    pub(super) fn export(&mut self, label: usize, length: usize) -> &'static str {
        let (label, length) = (stream("label", label + label / 128), length % 9_000);
        let expected = self.expect_alive().and_then(|()| match (label.len(), length) {
            (256.., _) => Err("label_length"),
            (_, 0 | 8161..) => Err("output_length"),
            _ => Ok(protocol::export(&self.schedule.prk, &label, b"context", length)),
        });
        let Reference::Established(channel) = &mut self.reference else { return "no channel" };
        let mut out = vec![0xee; length];
        let found = channel.export(&label, b"context", &mut out);
        if found.is_err() {
            assert_eq!(out, vec![0xee; length], "a refused call leaves its buffer alone");
        }
        let code = found.as_ref().err().map_or("exported", |error| error.code());
        assert_eq!(found.map_err(|error| error.code()).map(|()| out), expected);
        code
    }

    pub(super) fn transport_failed(&mut self) -> &'static str {
        let Reference::Established(channel) = &mut self.reference else { return "no channel" };
        channel.transport_failed();
        self.dead = true;
        self.stays_dead();
        "failed"
    }

    pub(super) fn end(&mut self) -> &'static str {
        let ending = match std::mem::replace(&mut self.reference, Reference::Gone) {
            Reference::Established(channel) => channel.end(),
            Reference::Awaiting(_) | Reference::Gone => return "gone",
        };
        self.gone = true;
        // A failure to send after the peer's close does not make the end truncated.
        match ending {
            Ending::Clean => {
                assert!(self.opens.closed, "clean without the peer's close");
                "clean"
            }
            Ending::Truncated => {
                assert!(!self.opens.closed || self.dead, "truncated after the peer's close");
                "truncated"
            }
        }
    }

    fn stays_dead(&mut self) {
        let Reference::Established(channel) = &mut self.reference else { return };
        let mut out = Vec::new();
        let codes = [
            channel.seal(b"", &mut out).map_err(|error| error.code()),
            channel.close(&mut out).map_err(|error| error.code()),
            channel.open(&mut []).map(|_| ()).map_err(|error| error.code()),
            channel.export(b"", b"", &mut [0; 4]).map_err(|error| error.code()),
        ];
        assert_eq!(codes, [Err("dead"); 4]);
        assert!(out.is_empty() && channel.is_finished());
    }
}
