//! Octets and numbers as requests write them, and what is done to them.

use serde_json::{Value, json};

use crate::fuzz::rng::Rng;

/// Octets in hexadecimal.
pub fn hex(octets: &[u8]) -> Value {
    Value::String(hex::encode(octets))
}

/// A u64 as a decimal string.
pub fn u64_(value: u64) -> Value {
    Value::String(value.to_string())
}

/// So many octets of one value, in the short form.
pub fn repeated(octet: u8, length: usize) -> Value {
    json!({ "repeat": hex(&[octet]), "length": length })
}

/// Times and numbers where arithmetic goes wrong.
pub const EDGES: [u64; 20] = [
    0,
    1,
    9,
    10,
    11,
    255,
    65_535,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 53) - 1,
    1 << 53,
    (1 << 53) + 1,
    (1 << 63) - 1,
    1 << 63,
    (1 << 63) + 1,
    u64::MAX - 10,
    u64::MAX - 1,
    u64::MAX,
];

/// The same octets with something done to them that changes them.
pub fn mutated(rng: &mut Rng, octets: &[u8]) -> Vec<u8> {
    loop {
        let mut out = octets.to_vec();
        mutate(rng, &mut out);
        if out != octets {
            return out;
        }
    }
}

fn mutate(rng: &mut Rng, out: &mut Vec<u8>) {
    let at = rng.below(out.len() + 1);
    let there = at.min(out.len().saturating_sub(1));
    match rng.below(14) {
        0..=3 if !out.is_empty() => out[there] ^= 1 << rng.below(8),
        4 if !out.is_empty() => out[there] = rng.one(&[0, 1, 0x7f, 0x80, 0xff]),
        5 if !out.is_empty() => drop(out.remove(there)),
        6 => out.insert(at, rng.one(&[0, 1, b' ', b'0', 0x80, 0xff])),
        7 => out.truncate(at),
        8 => out.truncate(out.len().saturating_sub(1)),
        9 => out.push(rng.one(&[0, 0, b'\n', b' ', b'0', 0xff])),
        10 => {
            let more = 1 + rng.below(40);
            out.extend(rng.octets(more));
        }
        11 => out.insert(0, rng.one(&[0, b' ', b'0', 0xff])),
        12 if out.len() > 1 => out.swap(there, there.saturating_sub(1)),
        13 if rng.once_in(3) => out.clear(),
        _ => out.extend_from_within(at..),
    }
}

/// Which of `count` checks fail, at least two of them, and what their flaws are drawn from; none without `rng`.
pub fn several(rng: Option<Rng>, count: usize) -> impl Fn(usize) -> Option<Rng> {
    let drawn = rng.map(|mut rng| {
        let first = rng.below(count);
        let second = (first + 1 + rng.below(count - 1)) % count;
        (first, second, rng.once_in(4), rng.fork())
    });
    move |check| {
        let (first, second, all, rng) = drawn.as_ref()?;
        (*all || check == *first || check == *second).then(|| rng.clone())
    }
}

/// With the octet at `at` changed.
pub fn changed(rng: &mut Rng, octets: &[u8], at: usize) -> Vec<u8> {
    let mut out = octets.to_vec();
    if let Some(octet) = out.get_mut(at) {
        *octet ^= 1 << rng.below(8);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mutated_differs() {
        let mut rng = Rng::of(3, 4);
        for length in 0..40 {
            let octets = rng.octets(length);
            for _ in 0..50 {
                assert_ne!(mutated(&mut rng, &octets), octets);
            }
        }
    }
}
