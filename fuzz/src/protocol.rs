//! Messages and records from the primitives of the vectors' generator: an encoder that is not the reference's.

use tunnelproof_vectors::build::primitives::{client_digest, ed25519::KeyPair};
use tunnelproof_vectors::build::primitives::{
    gcm_open, gcm_seal, hkdf_expand, hkdf_expand32, hkdf_extract, password, server_digest, sha256,
};

/// The time of handshakes, seconds since the Unix epoch.
pub const NOW: u64 = 1_700_000_000;
/// Seed of the token server's key.
pub const SERVER_SEED: [u8; 32] = [0x51; 32];
/// Seed of a token client's key.
pub const CLIENT_SEED: [u8; 32] = [0xc1; 32];

/// The token server's key pair.
pub(crate) fn token_server() -> KeyPair {
    KeyPair::new(SERVER_SEED)
}

/// A pair of credentials with its parts.
pub(crate) struct Credentials {
    pub(crate) id: Vec<u8>,
    pub(crate) client_password: Vec<u8>,
    pub(crate) server_password: Vec<u8>,
    pub(crate) client_key: Vec<u8>,
    pub(crate) server_key: Vec<u8>,
}

impl Credentials {
    /// With passwords that depend on the label alone.
    pub(crate) fn new(id: &[u8], label: &str) -> Self {
        let client_password = password(&format!("client password: {label}"), 18);
        let server_password = password(&format!("server password: {label}"), 8);
        Self {
            id: id.to_vec(),
            client_key: [id, &client_password, &server_digest(id, &server_password)].concat(),
            server_key: [&*server_password, &*client_digest(id, &client_password)].concat(),
            client_password,
            server_password,
        }
    }
}

/// The nonce, 30 octets (HS-025).
pub(crate) fn nonce(m1: &[u8], spki: &[u8], r: &[u8]) -> Vec<u8> {
    let label = b"secure-tunnel/v1 nonce\0";
    let hash = sha256(&[label, &sha256(&[m1]), &sha256(&[spki]), r]);
    [r, &hash[..16]].concat()
}

/// P1 (HS-024), with the length octet given.
pub(crate) fn p1_with(len: u8, id: &[u8], password: &[u8], t: u64, nonce: &[u8]) -> Vec<u8> {
    [&[len], id, password, &t.to_be_bytes(), nonce].concat()
}

/// P1 (HS-024); the id has at most 255 octets.
pub(crate) fn p1(id: &[u8], password: &[u8], t: u64, nonce: &[u8]) -> Vec<u8> {
    let len = u8::try_from(id.len()).unwrap_or_else(|_| panic!("an id of {} octets", id.len()));
    p1_with(len, id, password, t, nonce)
}

/// P3 (HS-048).
pub(crate) fn p3(password: &[u8], k: &[u8], t: u64, nonce: &[u8]) -> Vec<u8> {
    [password, k, &t.to_be_bytes(), nonce].concat()
}

/// What a channel's keys come from.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    pub(crate) prk: [u8; 32],
    pub(crate) c2s: [u8; 32],
    pub(crate) s2c: [u8; 32],
}

/// The schedule of a transcript (CHAN-001 to CHAN-003).
pub(crate) fn schedule(m1: &[u8], m2: &[u8], m3: &[u8], k: &[u8]) -> Schedule {
    let mut transcript = Vec::new();
    for message in [m1, m2, m3] {
        let [.., a, b, c, d] = (message.len() as u64).to_be_bytes();
        transcript.extend([a, b, c, d]);
        transcript.extend(message);
    }
    of_prk(hkdf_extract(&sha256(&[&transcript]), k))
}

/// The schedule of a pseudorandom key.
pub(crate) fn of_prk(prk: [u8; 32]) -> Schedule {
    Schedule {
        prk,
        c2s: hkdf_expand32(&prk, b"secure-tunnel/v1 c2s"),
        s2c: hkdf_expand32(&prk, b"secure-tunnel/v1 s2c"),
    }
}

/// The exporter (CHAN-039, CHAN-040).
pub(crate) fn export(prk: &[u8; 32], label: &[u8], context: &[u8], length: usize) -> Vec<u8> {
    let x = hkdf_expand32(prk, b"secure-tunnel/v1 exporter");
    let len = u8::try_from(label.len()).unwrap_or_else(|_| panic!("a label of 255 octets or less"));
    hkdf_expand(&x, &[&[len], label, &sha256(&[context])].concat(), length)
}

/// chain_{g+1} of chain_g (CHAN-006).
pub(crate) fn next_chain(chain: &[u8; 32]) -> [u8; 32] {
    hkdf_expand32(chain, b"next")
}

/// Record `n` of the direction whose generation has the chain key `chain` (CHAN-005, CHAN-010, CHAN-011).
pub(crate) fn seal(chain: &[u8; 32], n: u64, kind: u8, payload: &[u8]) -> Vec<u8> {
    let (key, nonce) = key_and_nonce(chain, n);
    gcm_seal(&key, &nonce, &[], &[&[kind], payload].concat())
}

/// The type and payload of record `n`, if its tag is right.
pub(crate) fn open(chain: &[u8; 32], n: u64, record: &[u8]) -> Option<(u8, Vec<u8>)> {
    let (key, nonce) = key_and_nonce(chain, n);
    let mut plaintext = gcm_open(&key, &nonce, &[], record)?;
    let payload = plaintext.split_off(1.min(plaintext.len()));
    Some((*plaintext.first()?, payload))
}

fn key_and_nonce(chain: &[u8; 32], n: u64) -> ([u8; 32], [u8; 12]) {
    let both = hkdf_expand(chain, b"key", 44);
    let (mut key, mut nonce) = ([0; 32], [0; 12]);
    key.copy_from_slice(&both[..32]);
    nonce.copy_from_slice(&both[32..]);
    for (octet, n) in nonce[4..].iter_mut().zip(n.to_be_bytes()) {
        *octet ^= n;
    }
    (key, nonce)
}
