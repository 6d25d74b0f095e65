//! Framing: the specification, chapter 6.

use serde_json::{Map, Value};

use super::refusal::{Result, check, fault};
use super::{Bug, Model, out};
use crate::shim_server::{Input, octets_of, to_octets};

const HANDSHAKE_LIMIT: usize = 4096;
const CHANNEL_LIMIT: usize = 1 << 24;

/// The messages that a receiver has taken, and when it counts as established.
struct Taken {
    messages: Vec<Vec<u8>>,
    established_after: Option<usize>,
}

impl Taken {
    fn new(input: Input<'_>) -> Result<Self> {
        let established_after = if input.value("established_after")?.is_null() {
            None
        } else {
            usize::try_from(input.integer("established_after")?).ok()
        };
        Ok(Self { messages: Vec::new(), established_after })
    }

    fn done(&self) -> Map<String, Value> {
        out([("messages", self.messages.iter().map(|message| to_octets(message)).collect())])
    }
}

impl Model {
    pub(super) fn frame_stream(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let mut taken = Taken::new(input)?;
        let reads: std::result::Result<Vec<_>, _> =
            input.list("reads")?.iter().map(octets_of).collect();
        let end = input.boolean("end")?;
        match self.deframe(&reads?, end, &mut taken) {
            Ok(()) => Ok(taken.done()),
            Err(refusal) => Err(refusal.with_out(taken.done())),
        }
    }

    pub(super) fn frame_websocket(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let mut taken = Taken::new(input)?;
        if self.bug(Bug::WebSocketTakenForStream) {
            let messages = input.objects("messages")?;
            let reads: std::result::Result<Vec<_>, _> = messages
                .iter()
                .filter(|message| message.has("binary"))
                .map(|message| message.octets("binary"))
                .collect();
            return match self.deframe(&reads?, false, &mut taken) {
                Ok(()) => Ok(taken.done()),
                Err(refusal) => Err(refusal.with_out(taken.done())),
            };
        }
        for message in input.objects("messages")? {
            let received = if message.has("text") {
                message.octets("text").map_err(Into::into).and_then(|text| {
                    let lax = self.bug(Bug::TextMessageAccepted);
                    if lax { Ok(text) } else { Err(check("text_message")) }
                })
            } else {
                message.octets("binary").map_err(Into::into)
            };
            let checked = received.and_then(|octets| {
                let long =
                    octets.len() > self.limit(&taken) && !self.bug(Bug::WebSocketLengthUnchecked);
                if long { Err(check("too_long")) } else { Ok(octets) }
            });
            match checked {
                Ok(octets) if octets.is_empty() && self.bug(Bug::EmptyMessageSkipped) => {}
                Ok(octets) => taken.messages.push(octets),
                Err(refusal) => return Err(refusal.with_out(taken.done())),
            }
        }
        Ok(taken.done())
    }

    pub(super) fn frame_encode(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let message = input.octets("message")?;
        let established =
            input.boolean("peer_established")? && !self.bug(Bug::EncodeLimitNeverRaised);
        let limit = if established { CHANNEL_LIMIT } else { HANDSHAKE_LIMIT };
        if message.len() > limit && !self.bug(Bug::EncodeLimitMissing) {
            return Err(check("too_long"));
        }
        if message.is_empty() && !self.bug(Bug::EmptyMessageEncoded) {
            return Err(check("zero_length"));
        }
        let mut length = message.len() as u32; // at most 2^26
        if self.bug(Bug::LengthCountsItself) {
            length += 4;
        }
        let prefix = if self.bug(Bug::LengthLittleEndian) {
            length.to_le_bytes()
        } else {
            length.to_be_bytes()
        };
        Ok(out([("frame", to_octets(&[&prefix, &message[..]].concat()))]))
    }

    /// FRAME-006 to FRAME-013.
    fn deframe(&self, reads: &[Vec<u8>], end: bool, taken: &mut Taken) -> Result<()> {
        let mut waiting: Vec<u8> = Vec::new();
        for read in reads {
            if self.bug(Bug::ReadTakenForMessage) {
                waiting.clear(); // what did not end with the last read is lost
            }
            waiting.extend_from_slice(read);
            let at_start = self.limit(taken);
            let mut used = 0;
            while let Some((prefix, rest)) = waiting[used..].split_first_chunk::<4>() {
                let limit =
                    if self.bug(Bug::LimitOfTheRead) { at_start } else { self.limit(taken) };
                let length = self.length(*prefix)?;
                let early = rest.len() < length && self.bug(Bug::TooLongNoticedAtTheEnd);
                if length > limit && !early {
                    return Err(check("too_long"));
                }
                if length == 0 && self.bug(Bug::ZeroLengthSkipped) {
                    used += 4;
                    continue;
                }
                if length == 0 && !self.bug(Bug::ZeroLengthAccepted) {
                    return Err(check("zero_length"));
                }
                let Some(message) = rest.get(..length) else { break };
                taken.messages.push(message.to_vec());
                used += 4 + length;
            }
            waiting.drain(..used);
        }
        let cut = match waiting.len() {
            0 => taken.messages.is_empty() && self.bug(Bug::EmptyStreamRefused),
            1..=3 => !self.bug(Bug::EndWithinLengthIgnored),
            _ => !self.bug(Bug::EndWithinMessageIgnored),
        };
        if end && cut { Err(check("early_end")) } else { Ok(()) }
    }

    fn length(&self, prefix: [u8; 4]) -> Result<usize> {
        let length = if self.bug(Bug::LengthLittleEndian) {
            u32::from_le_bytes(prefix)
        } else if self.bug(Bug::LengthOfThreeOctets) {
            u32::from_be_bytes(prefix) & 0xff_ffff
        } else {
            u32::from_be_bytes(prefix)
        };
        if length > i32::MAX.cast_unsigned() && self.bug(Bug::LengthSigned) {
            return Err(fault("negative capacity"));
        }
        let counted = if self.bug(Bug::LengthCountsItself) { 4 } else { 0 };
        Ok(length.saturating_sub(counted) as usize)
    }

    /// FRAME-011 to FRAME-013: the limit of the next message.
    fn limit(&self, taken: &Taken) -> usize {
        let count = taken.messages.len();
        let established = if self.bug(Bug::LimitNeverRaised) {
            false
        } else if self.bug(Bug::LimitAlwaysRaised) {
            true
        } else if self.bug(Bug::LimitRaisedOneMessageEarly) {
            taken.established_after.is_some_and(|after| count + 1 >= after)
        } else if self.bug(Bug::LimitRaisedOneMessageLate) {
            taken.established_after.is_some_and(|after| count > after)
        } else {
            taken.established_after.is_some_and(|after| count >= after)
        };
        let (high, low) = if established {
            (Bug::ChannelLimitOneHigh, Bug::ChannelLimitOneLow)
        } else {
            (Bug::HandshakeLimitOneHigh, Bug::HandshakeLimitOneLow)
        };
        let limit = if established { CHANNEL_LIMIT } else { HANDSHAKE_LIMIT };
        if self.bug(high) {
            limit + 1
        } else if self.bug(low) {
            limit - 1
        } else {
            limit
        }
    }
}
