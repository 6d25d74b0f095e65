//! Key schedule, single records and the exporter: sections 4.1 to 4.3, 4.5 and 4.8 of the specification.

use serde_json::{Value, json};
use tunnelproof_vectors::build::longest_record;
use tunnelproof_vectors::build::primitives::gcm_seal;
use tunnelproof_vectors::build::protocol::{
    CLOSE, DATA, OPEN, generation as keys, record_nonce, seal as sealed,
};

use super::values::{hex, mutated, repeated, u64_};
use crate::fuzz::rng::{Flaws, Rng};

/// Octets of the longest record.
pub const RECORD_MAX: usize = 1 << 24;

/// Record numbers around the ends of generations and of integers.
pub const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    65_534,
    65_535,
    65_536,
    65_537,
    131_071,
    131_072,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 1,
    1 << 48,
    (1 << 53) + 1,
    u64::MAX - 1,
    u64::MAX,
];

/// A record number.
pub fn number(rng: &mut Rng) -> u64 {
    match rng.below(4) {
        0 => rng.next() >> rng.below(64),
        1 => rng.within(0, 300),
        _ => rng.one(&NUMBERS),
    }
}

/// `chan.schedule`.
pub fn schedule(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let lengths = [607, 1176, 569];
    let mut messages = lengths.map(|usual| {
        let length = if rng.once_in(2) { usual } else { rng.below(2100) };
        rng.octets(length)
    });
    if flaws.hit("an octet has moved from one message to the next").is_some() {
        let moved = messages[0].pop();
        messages[1].splice(0..0, moved);
    }
    let [m1, m2, m3] = messages.map(|message| hex(&message));
    let mut input = json!({ "m1": m1, "m2": m2, "m3": m3, "k": hex(&rng.octets(48)) });
    if rng.once_in(3) {
        input["binding"] = hex(&rng.octets(32));
    }
    input
}

/// `chan.generation`.
pub fn generation(rng: &mut Rng, _: &mut Flaws) -> Value {
    json!({ "chain": hex(&rng.octets(32)) })
}

/// A payload, mostly short; long ones in the short form.
pub fn payload(rng: &mut Rng) -> Vec<u8> {
    let length = rng.one(&[0, 0, 1, 2, 15, 16, 17, 31, 33, 100, 1000, 4079, 4080]);
    rng.octets(length)
}

/// `chan.seal`.
pub fn seal(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let kind = rng.one(&["data", "data", "data", "close", "open"]);
    let mut data = if kind == "data" { hex(&payload(rng)) } else { hex(&[]) };
    let longest = rng.once_in(80);
    if kind == "data" && longest {
        data = repeated(rng.octet(), RECORD_MAX - 17);
    }
    if let Some(mut rng) = flaws.hit("the payload is too long")
        && kind == "data"
        && rng.once_in(24)
    {
        data = repeated(rng.octet(), RECORD_MAX - 16 + rng.one(&[0, 0, 1, 16, 1000]));
    }
    json!({
        "chain": hex(&rng.octets(32)),
        "n": u64_(number(rng)),
        "type": kind,
        "payload": data,
    })
}

/// `chan.open`.
pub fn open(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let chain: [u8; 32] = rng.array();
    let mut n = number(rng);
    let mut direction = rng.one(&["c2s", "s2c"]);
    let first = n == 0 && direction == "c2s";
    let mut kind = if first { OPEN } else { rng.one(&[DATA, DATA, DATA, CLOSE]) };
    let mut data = if kind == DATA { payload(rng) } else { Vec::new() };
    if let Some(mut rng) = flaws.hits(2, "the type is unknown") {
        kind = rng.one(&[3, 4, 0x17, 0x80, 0xff]);
    }
    if let Some(mut rng) = flaws.hits(3, "the record is of a kind that has no place here") {
        kind = if first { rng.one(&[DATA, CLOSE]) } else { OPEN };
        data = if kind == DATA { payload(&mut rng) } else { Vec::new() };
        if kind == OPEN && rng.once_in(2) {
            (n, direction) = (0, "s2c");
        }
    }
    if let Some(mut rng) = flaws.hits(2, "a control record has a payload") {
        kind = rng.one(&[CLOSE, OPEN]);
        data = rng.octets(1 + rng.clone().below(3));
    }
    let mut record = hex(&sealed(&chain, n, kind, &data));
    if let Some(mut rng) = flaws.hits(3, "the record is altered") {
        let octets = sealed(&chain, n, kind, &data);
        record = hex(&match rng.below(4) {
            0 => {
                let mut octets = octets;
                let last = octets.len() - 1 - rng.below(4);
                octets[last] ^= 1 << rng.below(8);
                octets
            }
            1 => {
                let keys = keys(&chain);
                gcm_seal(
                    &keys.key,
                    &record_nonce(&keys.iv, n),
                    b"x",
                    &[&[kind], &data[..]].concat(),
                )
            }
            _ => mutated(&mut rng, &octets),
        });
    }
    if let Some(mut rng) = flaws.hits(2, "the record is too short") {
        let length = rng.one(&[0, 1, 15, 16, 16]);
        record = if length == 16 && rng.once_in(2) {
            let keys = keys(&chain);
            hex(&gcm_seal(&keys.key, &record_nonce(&keys.iv, n), &[], &[]))
        } else {
            hex(&rng.octets(length))
        };
    }
    if let Some(mut rng) = flaws.hits(2, "the record is for another number") {
        n = match rng.below(4) {
            0 => n.wrapping_add(1),
            1 => n.wrapping_sub(1),
            2 => n ^ (1 << 32),
            _ => n.swap_bytes(),
        };
    }
    let mut input = json!({ "chain": hex(&chain), "direction": direction, "record": record });
    let long = flaws.hit("the record is of 2^24 octets, or longer");
    if let Some(mut rng) = long.filter(|rng| rng.clone().once_in(2)) {
        if rng.once_in(2) {
            n = n.max(1);
            let unit = hex(&longest_record(&chain, n));
            input["record"] = json!({ "repeat": unit, "length": RECORD_MAX });
        } else {
            input["record"] = repeated(7, RECORD_MAX + 1);
        }
    }
    input["n"] = u64_(n);
    input
}

/// `chan.export`.
pub fn export(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let mut input = exported(rng, flaws);
    input["prk"] = hex(&rng.octets(32));
    input
}

/// Label, context and length of an export.
pub fn exported(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let label = rng.one(&[0, 1, 5, 20, 127, 128, 254, 255]);
    let context = rng.one(&[0, 0, 1, 16, 32, 300]);
    let (mut label, context) = (rng.octets(label), rng.octets(context));
    let mut length = rng.one(&[1, 12, 16, 31, 32, 33, 64, 255, 256, 1000, 8159, 8160]);
    if let Some(mut rng) = flaws.hits(2, "the label of an export is too long") {
        let octets = rng.one(&[256, 256, 257, 300, 511, 512, 600]);
        label = rng.octets(octets);
    }
    if let Some(mut rng) = flaws.hits(2, "the length of an export is 0 or too large") {
        length = rng.one(&[0, 0, 8161, 8161, 8192, 65_536, 1 << 24]);
    }
    json!({ "label": hex(&label), "context": hex(&context), "length": length })
}
