//! The nonce and the plaintexts of the handshake: sections 3.5 and 3.6 of the specification.

use serde_json::{Value, json};
use tunnelproof_vectors::build::primitives::len8;
use tunnelproof_vectors::build::protocol::p3;
use tunnelproof_vectors::build::world::{Credentials, NOW};

use super::cred::credentials;
use super::spki::modulus;
use super::text::{bad_id, without_digit};
use super::values::{EDGES, hex, mutated};
use crate::fuzz::rng::{Flaws, Rng};

/// `hs.nonce`.
pub fn nonce(rng: &mut Rng, _: &mut Flaws) -> Value {
    let mut spki = || {
        let bits = rng.within(4425, 4700);
        let n = modulus(rng, bits);
        tunnelproof_vectors::build::primitives::der::Spki::new(&n, 65537).octets()
    };
    json!({ "m1": hex(&spki()), "spki": hex(&spki()), "r": hex(&rng.octets(14)) })
}

/// `hs.request`.
pub fn request(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let credentials = credentials(rng);
    let (t, nonce) = (time(rng), rng.octets(30));
    json!({ "plaintext": hex(&spoilt_p1(flaws, &credentials, t, &nonce)) })
}

/// `hs.reply`.
pub fn reply(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let credentials = credentials(rng);
    let (t, nonce, k) = (time(rng), rng.octets(30), rng.octets(48));
    json!({ "plaintext": hex(&spoilt_p3(flaws, &credentials, &k, t, &nonce)) })
}

/// A wall clock in seconds.
pub fn time(rng: &mut Rng) -> u64 {
    match rng.below(8) {
        0 | 1 => rng.one(&EDGES),
        2 => rng.within(0, 12),
        3 => u64::MAX - rng.within(0, 12),
        4 => rng.next() >> rng.below(64),
        _ => NOW + rng.within(0, 1000),
    }
}

/// P1, or nearly.
pub fn spoilt_p1(flaws: &mut Flaws, credentials: &Credentials, t: u64, nonce: &[u8]) -> Vec<u8> {
    let mut id = credentials.id.clone();
    let mut password = credentials.client_password.clone();
    if let Some(mut rng) = flaws.hits(4, "the id in P1 is none") {
        id = bad_id(&mut rng);
    }
    if let Some(mut rng) = flaws.hits(2, "the password in P1 has another octet than a digit") {
        without_digit(&mut rng, &mut password);
    }
    let mut length = vec![len8(&id)];
    if let Some(mut rng) = flaws.hits(2, "the length of the id in P1 is another") {
        length = match rng.below(4) {
            0 => vec![length[0].wrapping_add(1)],
            1 => vec![length[0].wrapping_sub(1)],
            2 => vec![0, length[0]],
            _ => vec![rng.octet()],
        };
    }
    let mut p1 = [&length[..], &id, &password, &t.to_be_bytes(), nonce].concat();
    if let Some(mut rng) = flaws.hits(2, "P1 is of another length") {
        other_length(&mut rng, &mut p1);
    }
    match flaws.hit("P1 is altered") {
        Some(mut rng) => cut(mutated(&mut rng, &p1)),
        None => cut(p1),
    }
}

/// P3, or nearly.
pub fn spoilt_p3(
    flaws: &mut Flaws,
    credentials: &Credentials,
    k: &[u8],
    t: u64,
    nonce: &[u8],
) -> Vec<u8> {
    let mut password = credentials.server_password.clone();
    if let Some(mut rng) = flaws.hits(3, "the password in P3 has another octet than a digit") {
        without_digit(&mut rng, &mut password);
    }
    let mut plaintext = p3(&password, k, t, nonce);
    if let Some(mut rng) = flaws.hits(2, "P3 is of another length") {
        other_length(&mut rng, &mut plaintext);
    }
    plaintext
}

fn other_length(rng: &mut Rng, octets: &mut Vec<u8>) {
    match rng.below(5) {
        0 => octets.truncate(rng.below(octets.len())),
        1 => octets.clear(),
        2 => drop(octets.pop()),
        3 => octets.push(rng.one(&[0, b'0'])),
        _ => octets.insert(0, rng.one(&[0, b'0'])),
    }
}

/// At most what fits into an OAEP encryption under the smallest key.
fn cut(mut plaintext: Vec<u8>) -> Vec<u8> {
    plaintext.truncate(480);
    plaintext
}
