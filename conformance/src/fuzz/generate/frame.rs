//! Framing: chapter 6 of the specification.

use serde_json::{Value, json};

use super::values::{hex, repeated};
use crate::fuzz::rng::{Flaws, Rng};

/// Octets of the longest message of a receiver that is not established, and of one that is.
const HANDSHAKE: usize = 4096;
const CHANNEL: usize = 1 << 24;

/// A receiver's `established_after`.
fn established_after(rng: &mut Rng) -> Option<usize> {
    rng.one(&[None, None, Some(0), Some(1), Some(2), Some(3)])
}

fn limit(after: Option<usize>, taken: usize) -> usize {
    if after.is_some_and(|after| taken >= after) { CHANNEL } else { HANDSHAKE }
}

/// The length of a message that a receiver takes.
fn length(rng: &mut Rng, limit: usize) -> usize {
    match rng.below(4) {
        0 => rng.one(&[4095, 4096]),
        1 if limit > HANDSHAKE => rng.one(&[4097, 5000, 65_536, 70_000]),
        2 => rng.one(&[1, 2, 255, 256, 257]),
        _ => 1 + rng.below(40),
    }
}

/// `frame.stream`.
pub fn stream(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let after = established_after(rng);
    let mut octets = Vec::new();
    for taken in 0..rng.below(5) {
        faults(flaws, &mut octets, limit(after, taken));
        let length = length(rng, limit(after, taken));
        octets.extend((length as u32).to_be_bytes());
        octets.extend(rng.octets(length));
    }
    faults(flaws, &mut octets, HANDSHAKE);
    let mut end = rng.once_in(2);
    if let Some(mut rng) = flaws.hits(3, "the stream ends early") {
        let last = octets.len();
        let keep =
            rng.one(&[last.saturating_sub(1), last / 2, 1, 2, 3, 4, rng.clone().below(last + 1)]);
        octets.truncate(keep);
        end = true;
    }
    let mut reads = Vec::new();
    let mut rest = &octets[..];
    let most = rng.one(&[1, 3, 7, 100, 5000, 100_000]);
    // Octet by octet only while that is short.
    let most = if rest.len() / most > 400 { rest.len() / 100 } else { most };
    while !rest.is_empty() {
        let (read, after) = rest.split_at(rest.len().min(1 + rng.below(most)));
        reads.push(hex(read));
        rest = after;
    }
    if rng.once_in(5) {
        let at = rng.below(reads.len() + 1);
        reads.insert(at, hex(&[]));
    }
    let long = flaws.hit("a message is of 2^24 octets, or longer");
    if let Some(mut rng) = long.filter(|rng| rng.clone().once_in(4)) {
        let length = CHANNEL + rng.below(2);
        let mut cut = vec![hex(&(length as u32).to_be_bytes()), repeated(5, length)];
        if length > CHANNEL && rng.once_in(2) {
            cut.truncate(1);
        }
        return json!({ "reads": cut, "end": end, "established_after": 0 });
    }
    json!({ "reads": reads, "end": end, "established_after": after })
}

/// Lengths that are refused as soon as they are read.
fn faults(flaws: &mut Flaws, octets: &mut Vec<u8>, limit: usize) {
    if flaws.hit("a message is empty").is_some() {
        octets.extend([0; 4]);
    }
    if let Some(mut rng) = flaws.hits(3, "a message is too long") {
        let limit = limit as u32;
        let length = rng.one(&[
            limit + 1,
            limit + 1,
            0x0100_0001,
            0x0100_0005,
            0x0500_0000,
            0x7fff_ffff,
            0x8000_0000,
            0x8000_0005,
            0xff00_0001,
            0xffff_fffb,
            u32::MAX,
        ]);
        octets.extend(length.max(limit + 1).to_be_bytes());
        // All of it, some, or nothing.
        let all = if length == HANDSHAKE as u32 + 1 { length as usize } else { 5 };
        let there = rng.one(&[0, 5, all]);
        octets.extend(rng.octets(there));
    }
}

/// `frame.websocket`.
pub fn websocket(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let after = established_after(rng);
    let mut messages = Vec::new();
    for taken in 0..rng.below(5) {
        if let Some(mut rng) = flaws.hits(2, "a message is text") {
            let length = rng.one(&[0, 1, 20, 4096]);
            messages.push(json!({ "text": hex(&vec![b'a'; length]) }));
        }
        let limit = limit(after, taken);
        if let Some(mut rng) = flaws.hits(2, "a message is too long") {
            let length = rng.one(&[HANDSHAKE + 1, HANDSHAKE + 1, 70_000]);
            let long = rng.once_in(16);
            if limit == HANDSHAKE {
                messages.push(json!({ "binary": hex(&rng.octets(length)) }));
            } else if long {
                messages.push(json!({ "binary": repeated(3, CHANNEL + rng.below(2)) }));
            }
        }
        let octets = if rng.once_in(4) {
            Vec::new()
        } else {
            let length = length(rng, limit);
            rng.octets(length)
        };
        messages.push(json!({ "binary": hex(&octets) }));
    }
    json!({ "messages": messages, "established_after": after })
}

/// `frame.encode`.
pub fn encode(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let established = rng.once_in(2);
    let length = length(rng, if established { CHANNEL } else { HANDSHAKE });
    let mut message = hex(&rng.octets(length));
    if flaws.hit("the message is empty").is_some() {
        message = hex(&[]);
    }
    if let Some(mut rng) = flaws.hits(2, "the message is too long") {
        let length = rng.one(&[HANDSHAKE + 1, HANDSHAKE + 1, 70_000]);
        if !established {
            message = hex(&rng.octets(length));
        } else if rng.once_in(16) {
            message = repeated(9, CHANNEL + rng.below(2));
        }
    }
    json!({ "message": message, "peer_established": established })
}
