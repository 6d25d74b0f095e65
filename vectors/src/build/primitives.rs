//! The generator's own cryptography, apart from the reference's.
//!
//! Permissive on purpose: every part that the specification fixes can be chosen here, since most
//! vectors need exactly one of them to be wrong.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hkdf::Hkdf;
use num_bigint::BigUint;
use sha2::{Digest, Sha256};

pub mod der;
pub mod ed25519;
pub mod rsa;
pub(crate) mod sign;
pub(crate) mod x509;

/// The base62 digits in order of their value.
pub const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Label of the digest of the server password (CRED-012).
pub const SERVER_PASSWORD: &[u8] = b"secure-tunnel/v1/server-password";
/// Label of the digest of the client password and salt of its HKDF (CRED-013, CRED-014).
pub const CLIENT_PASSWORD: &[u8] = b"secure-tunnel/v1/client-password";

/// SHA-256 of the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// `length` octets that depend on `label` alone; they stand for random ones.
#[must_use]
pub fn stream(label: &str, length: usize) -> Vec<u8> {
    let mut octets = Vec::with_capacity(length + 31);
    for block in 0_u32.. {
        if octets.len() >= length {
            break;
        }
        octets.extend(sha256(&[
            b"tunnelproof vectors\0",
            label.as_bytes(),
            b"\0",
            &block.to_be_bytes(),
        ]));
    }
    octets.truncate(length);
    octets
}

/// As [`stream`], for a length known when compiling.
#[must_use]
pub fn stream_array<const N: usize>(label: &str) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&stream(label, N));
    array
}

/// `n` base62 digits that depend on `label` alone; they stand for a random password.
#[must_use]
pub fn password(label: &str, n: usize) -> Vec<u8> {
    stream(label, n).iter().map(|octet| BASE62[usize::from(*octet) % 62]).collect()
}

/// HKDF-Extract with SHA-256 (RFC 5869, section 2.2).
#[must_use]
pub fn hkdf_extract(salt: &[u8], ikm: &[u8]) -> [u8; 32] {
    Hkdf::<Sha256>::extract(Some(salt), ikm).0.into()
}

/// HKDF-Expand with SHA-256 (RFC 5869, section 2.3), at most 8,160 octets.
#[must_use]
pub fn hkdf_expand(prk: &[u8; 32], info: &[u8], length: usize) -> Vec<u8> {
    let mut okm = vec![0; length];
    let hkdf = Hkdf::<Sha256>::from_prk(prk).unwrap_or_else(|_| unreachable!("32 octets"));
    hkdf.expand(info, &mut okm).unwrap_or_else(|_| panic!("{length} octets of HKDF output"));
    okm
}

/// As [`hkdf_expand`] to 32 octets.
#[must_use]
pub fn hkdf_expand32(prk: &[u8; 32], info: &[u8]) -> [u8; 32] {
    let mut okm = [0; 32];
    okm.copy_from_slice(&hkdf_expand(prk, info, 32));
    okm
}

/// X25519(s, 9) of RFC 7748, section 5; clamps `s`.
#[must_use]
pub fn x25519_base(s: &[u8; 32]) -> [u8; 32] {
    x25519_dalek::x25519(*s, x25519_dalek::X25519_BASEPOINT_BYTES)
}

/// `value` as `n` base62 digits, most significant first; what does not fit is dropped.
#[must_use]
pub fn base62(n: usize, value: &[u8; 32]) -> Vec<u8> {
    let mut value = BigUint::from_bytes_be(value);
    let mut digits = vec![b'0'; n];
    for digit in digits.iter_mut().rev() {
        let remainder = &value % 62_u8;
        *digit = BASE62[remainder.iter_u32_digits().next().unwrap_or(0) as usize];
        value /= 62_u8;
    }
    digits
}

/// digest62 (CRED-010, CRED-011).
#[must_use]
pub fn digest62(n: usize, label: &[u8], id: &[u8], x: &[u8]) -> Vec<u8> {
    base62(n, &digest62_hash(label, id, x))
}

/// The SHA-256 that digest62 turns into digits.
#[must_use]
pub fn digest62_hash(label: &[u8], id: &[u8], x: &[u8]) -> [u8; 32] {
    sha256(&[label, &[0], &[len8(id)], id, x])
}

/// The length modulo 256, as one octet.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn len8(octets: &[u8]) -> u8 {
    octets.len() as u8
}

/// Ds, 8 digits (CRED-012).
#[must_use]
pub fn server_digest(id: &[u8], server_password: &[u8]) -> Vec<u8> {
    digest62(8, SERVER_PASSWORD, id, server_password)
}

/// s || k (CRED-014).
#[must_use]
pub fn client_secrets(id: &[u8], client_password: &[u8]) -> ([u8; 32], [u8; 32]) {
    let prk = hkdf_extract(CLIENT_PASSWORD, client_password);
    let okm = hkdf_expand(&prk, &[&[len8(id)], id].concat(), 64);
    let (mut s, mut k) = ([0; 32], [0; 32]);
    s.copy_from_slice(&okm[..32]);
    k.copy_from_slice(&okm[32..]);
    (s, k)
}

/// Dc, 18 digits (CRED-013).
#[must_use]
pub fn client_digest(id: &[u8], client_password: &[u8]) -> Vec<u8> {
    let (s, k) = client_secrets(id, client_password);
    digest62(18, CLIENT_PASSWORD, id, &[x25519_base(&s), k].concat())
}

/// AES-256-GCM, the 16-octet tag last.
#[must_use]
pub fn gcm_seal(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
        .encrypt(&Nonce::from(*nonce), Payload { msg: plaintext, aad })
        .unwrap_or_else(|_| unreachable!("far below the limit of GCM"))
}

/// The plaintext, if the tag is right.
#[must_use]
pub fn gcm_open(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], record: &[u8]) -> Option<Vec<u8>> {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
        .decrypt(&Nonce::from(*nonce), Payload { msg: record, aad })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hkdf_is_that_of_rfc_5869() {
        let ikm = [0x0b; 22];
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let okm = hkdf_expand(&hkdf_extract(&salt, &ikm), &info, 42);
        assert_eq!(
            hex::encode(okm),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
    }

    #[test]
    fn x25519_is_that_of_rfc_7748() {
        let mut nine = [0; 32];
        nine[0] = 9;
        assert_eq!(
            hex::encode(x25519_base(&nine)),
            "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
        );
        let mut unclamped = nine;
        unclamped[0] ^= 7;
        unclamped[31] ^= 0x80;
        assert_eq!(x25519_base(&unclamped), x25519_base(&nine));
    }

    #[test]
    fn base62_pads_and_reduces() {
        assert_eq!(base62(3, &[0; 32]), b"000");
        let mut value = [0; 32];
        value[31] = 61;
        assert_eq!(base62(3, &value), b"00z");
        value[30] = 0x0f; // 0x0f3d = 3901 = 1 * 3844 + 0 * 62 + 57
        assert_eq!(base62(3, &value), b"10v");
        assert_eq!(base62(2, &value), b"0v");
    }

    #[test]
    fn the_stream_depends_on_its_label_alone() {
        assert_eq!(stream("a", 40), stream("a", 40));
        assert_eq!(stream("a", 40)[..7], stream("a", 7)[..]);
        assert_ne!(stream("a", 40), stream("b", 40));
    }
}
