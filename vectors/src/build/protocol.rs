//! The protocol's messages and records, with every part given.

use super::primitives::rsa::{Oaep, PublicKey};
use super::primitives::{gcm_seal, hkdf_expand, hkdf_expand32, hkdf_extract, len8, sha256, stream};

/// The label of the nonce (HS-025).
pub const NONCE: &[u8] = b"secure-tunnel/v1 nonce";

/// The 16 octets that bind a request to both keys (HS-025).
pub fn binding(m1: &[u8], spki: &[u8], r: &[u8]) -> Vec<u8> {
    binding_hash(NONCE, &[0], m1, spki, r)[..16].to_vec()
}

/// The hash that the binding is cut from, with label and separator given.
pub fn binding_hash(label: &[u8], separator: &[u8], m1: &[u8], spki: &[u8], r: &[u8]) -> [u8; 32] {
    sha256(&[label, separator, &sha256(&[m1]), &sha256(&[spki]), r])
}

/// The nonce, 30 octets (HS-025).
pub fn nonce(m1: &[u8], spki: &[u8], r: &[u8]) -> Vec<u8> {
    [r, &binding(m1, spki, r)].concat()
}

/// P1 (HS-024).
pub fn p1(id: &[u8], client_password: &[u8], t: u64, nonce: &[u8]) -> Vec<u8> {
    [&[len8(id)], id, client_password, &t.to_be_bytes(), nonce].concat()
}

/// P3 (HS-048).
pub fn p3(server_password: &[u8], k: &[u8], t: u64, nonce: &[u8]) -> Vec<u8> {
    [server_password, k, &t.to_be_bytes(), nonce].concat()
}

/// OAEP as specified, with a seed made from `label`.
pub fn oaep(label: &str) -> Oaep {
    Oaep::new(&stream(&format!("oaep seed: {label}"), 20))
}

/// The first seed, counted, whose ciphertext has `zeros` leading zero octets.
pub fn ciphertext_with_zero(key: &PublicKey, label: &str, message: &[u8]) -> Vec<u8> {
    for i in 0.. {
        let ciphertext = key.encrypt(&oaep(&format!("{label} {i}")), message);
        if ciphertext[0] == 0 {
            return ciphertext;
        }
    }
    unreachable!("one seed in about 200 does")
}

/// What a channel's keys come from.
#[derive(Clone)]
pub struct Schedule {
    /// The transcript hash.
    pub th: [u8; 32],
    /// The pseudorandom key.
    pub prk: [u8; 32],
    /// chain_0 from client to server.
    pub c2s: [u8; 32],
    /// chain_0 from server to client.
    pub s2c: [u8; 32],
    /// The exporter's key.
    pub exporter: [u8; 32],
}

/// The schedule of a transcript (CHAN-001 to CHAN-003, CHAN-039).
pub fn schedule(m1: &[u8], m2: &[u8], m3: &[u8], k: &[u8]) -> Schedule {
    schedule_of(&[m1, m2, m3], k)
}

/// The schedule of any parts of a transcript; E is a fourth (TLS-083).
pub fn schedule_of(parts: &[&[u8]], k: &[u8]) -> Schedule {
    let len32 = |octets: &[u8]| {
        u32::try_from(octets.len()).unwrap_or_else(|_| unreachable!("short")).to_be_bytes()
    };
    let transcript: Vec<u8> =
        parts.iter().flat_map(|part| [&len32(part), *part].concat()).collect();
    let th = sha256(&[&transcript]);
    let prk = hkdf_extract(&th, k);
    Schedule {
        th,
        prk,
        c2s: hkdf_expand32(&prk, b"secure-tunnel/v1 c2s"),
        s2c: hkdf_expand32(&prk, b"secure-tunnel/v1 s2c"),
        exporter: hkdf_expand32(&prk, b"secure-tunnel/v1 exporter"),
    }
}

/// The exporter (CHAN-040).
pub fn export(prk: &[u8; 32], label: &[u8], context: &[u8], length: usize) -> Vec<u8> {
    let x = hkdf_expand32(prk, b"secure-tunnel/v1 exporter");
    hkdf_expand(&x, &[&[len8(label)], label, &sha256(&[context])].concat(), length)
}

/// key_g, iv_g and chain_{g+1} (CHAN-005, CHAN-006).
#[derive(Clone)]
pub struct Generation {
    /// key_g.
    pub key: [u8; 32],
    /// iv_g.
    pub iv: [u8; 12],
    /// chain_{g+1}.
    pub next: [u8; 32],
}

/// The keys of the generation of a chain key.
#[must_use]
pub fn generation(chain: &[u8; 32]) -> Generation {
    let octets = hkdf_expand(chain, b"key", 44);
    let (mut key, mut iv) = ([0; 32], [0; 12]);
    key.copy_from_slice(&octets[..32]);
    iv.copy_from_slice(&octets[32..]);
    Generation { key, iv, next: hkdf_expand32(chain, b"next") }
}

/// The nonce of record `n` (CHAN-011).
pub fn record_nonce(iv: &[u8; 12], n: u64) -> [u8; 12] {
    let mut nonce = *iv;
    for (octet, n) in nonce[4..].iter_mut().zip(n.to_be_bytes()) {
        *octet ^= n;
    }
    nonce
}

/// Record `n` of the direction whose chain key for its generation is `chain` (CHAN-010).
pub fn seal(chain: &[u8; 32], n: u64, kind: u8, payload: &[u8]) -> Vec<u8> {
    let Generation { key, iv, .. } = generation(chain);
    gcm_seal(&key, &record_nonce(&iv, n), &[], &[&[kind], payload].concat())
}

/// Type of a data record.
pub const DATA: u8 = 0;
/// Type of a close record.
pub const CLOSE: u8 = 1;
/// Type of an open record.
pub const OPEN: u8 = 2;
