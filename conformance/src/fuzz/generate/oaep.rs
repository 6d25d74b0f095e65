//! RSAES-OAEP: section 3.3 of the specification.

use num_bigint::BigUint;
use serde_json::{Value, json};
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::rsa::{
    Hash, Oaep, PrivateKey, PublicKey, pkcs1_v15, to_octets,
};

use super::values::{hex, mutated};
use crate::fuzz::rng::{Flaws, Rng};

/// `hs.oaep`.
pub fn oaep(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let key = server_key(rng);
    let most = key.public.size() - 42;
    let length = rng.one(&[0, 1, 31, 94, 117, 312, most - 1, most]);
    let message = rng.octets(length);
    let ciphertext = spoilt(rng, flaws, &key.public, &message);
    json!({ "private_key": hex(&key.pkcs8), "ciphertext": hex(&ciphertext) })
}

/// A server's key; mostly of the usual size.
pub fn server_key(rng: &mut Rng) -> &'static PrivateKey {
    match rng.below(8) {
        0 => keys::k4425(),
        1 => keys::k4432(),
        2 => keys::k4480_a(),
        3 => keys::k4552_c(),
        _ => keys::k4552_a(),
    }
}

/// A client's key; seldom the largest, since its private operation takes five times as long.
pub fn client_key(rng: &mut Rng) -> &'static PrivateKey {
    match rng.below(32) {
        0 => keys::k8192(),
        1..=5 => keys::k4425(),
        6..=9 => keys::k4432(),
        10..=13 => keys::k4480_b(),
        _ => keys::k4552_b(),
    }
}

/// The encryption of `message` under `key`, or nearly.
pub fn spoilt(rng: &mut Rng, flaws: &mut Flaws, key: &PublicKey, message: &[u8]) -> Vec<u8> {
    let mut oaep = Oaep::new(&rng.octets(20));
    let size = key.size();
    if let Some(mut rng) = flaws.hits(2, "OAEP uses another hash or label") {
        match rng.below(5) {
            0 | 4 if message.len() + 66 <= size => {
                oaep.hash = Hash::Sha256;
                oaep.mgf_hash = Hash::Sha256;
                oaep.seed = rng.octets(32);
            }
            1 => oaep.mgf_hash = Hash::Sha256,
            2 => oaep.label = rng.one(&[&b"P"[..], b"label", &[0]]).to_vec(),
            _ => oaep.lhash_xor = [vec![0; rng.below(20)], vec![1]].concat(),
        }
    }
    if let Some(mut rng) = flaws.hits(3, "an octet of the OAEP encoding is another") {
        match rng.below(3) {
            0 => oaep.first = rng.one(&[1, 1, 2]),
            1 => oaep.separator = rng.one(&[0, 2, 0x80, 0xff]),
            _ => oaep.padding = rng.one(&[1, 2, 2, 0xff]),
        }
    }
    if oaep.first != 0 && !key.n.bits().is_multiple_of(8) {
        oaep.first = 0; // would not be below the modulus
        oaep.separator = 2;
    }
    let mut encoded = oaep.encode(size, message);
    if let Some(mut rng) = flaws.hit("the padding is that of PKCS #1 v1.5") {
        let filler = [rng.octets(40), vec![7]].concat();
        encoded = pkcs1_v15(size, message, &filler);
    }
    let mut ciphertext = key.raw(&encoded);
    if let Some(mut rng) = flaws.hits(2, "the ciphertext is of another length") {
        match rng.below(5) {
            0 | 1 => {
                // A leading zero octet, which some libraries strip and others do without. It is there
                // in half of the ciphertexts under a key of 8 m + 1 bits, else in one of 256 or so.
                let tries = if key.n.bits().is_multiple_of(8) { 3 } else { 20 };
                for _ in 0..tries {
                    if ciphertext[0] == 0 {
                        break;
                    }
                    ciphertext = key.raw(&Oaep::new(&rng.octets(20)).encode(size, message));
                }
                ciphertext.remove(0);
            }
            2 => ciphertext.insert(0, 0),
            3 => ciphertext.push(0),
            _ => ciphertext.truncate(rng.below(size)),
        }
    }
    if let Some(mut rng) = flaws.hits(2, "the ciphertext is not below the modulus") {
        let n = &key.n;
        let value = match rng.below(4) {
            0 => n.clone(),
            1 => n + 1_u8,
            2 => BigUint::from_bytes_be(&vec![0xff; size]),
            _ => BigUint::from_bytes_be(&ciphertext) + n,
        };
        if value.bits() <= 8 * size as u64 {
            ciphertext = to_octets(&value, size);
        } else {
            ciphertext = vec![0xff; size];
        }
    }
    if let Some(mut rng) = flaws.hit("the ciphertext is a number that RSA leaves alone") {
        let value = rng.one(&[0_u8, 1]);
        let value = if rng.once_in(2) { BigUint::from(value) } else { &key.n - 1_u8 };
        ciphertext = to_octets(&value, size);
    }
    if let Some(mut rng) = flaws.hit("the ciphertext is altered") {
        ciphertext = mutated(&mut rng, &ciphertext);
    }
    if let Some(mut rng) = flaws.hit("it is encrypted under another key") {
        let other = &keys::k4552_d().public;
        let encoded = Oaep::new(&rng.octets(20)).encode(other.size(), message);
        ciphertext = other.raw(&encoded);
    }
    ciphertext
}
