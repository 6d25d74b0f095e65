//! Hashes, key derivation and the digests of passwords: the specification, sections 1.4, 1.5 and 2.4.

use curve25519_dalek::{MontgomeryPoint, Scalar};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};

use super::{Bug, Model};

const SERVER_LABEL: &[u8] = b"secure-tunnel/v1/server-password";
const CLIENT_LABEL: &[u8] = b"secure-tunnel/v1/client-password";
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS_LOWER_FIRST: &[u8; 62] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// SHA-256 of the parts, one after the other.
pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// HKDF-Extract (RFC 5869).
pub(super) fn extract(salt: &[u8], ikm: &[u8]) -> [u8; 32] {
    Hkdf::<Sha256>::extract(Some(salt), ikm).0.into()
}

/// HKDF-Expand (RFC 5869) of a 32-octet key; nothing if more than 8160 octets are asked for.
pub(super) fn expand(key: &[u8; 32], info: &[&[u8]], length: usize) -> Option<Vec<u8>> {
    let mut octets = vec![0; length];
    let hkdf = Hkdf::<Sha256>::from_prk(key).ok()?;
    hkdf.expand(&info.concat(), &mut octets).ok()?;
    Some(octets)
}

/// HKDF-Expand to a fixed, small number of octets.
pub(super) fn expand_to<const N: usize>(key: &[u8; 32], info: &[u8]) -> [u8; N] {
    let octets = expand(key, &[info], N).unwrap_or_default();
    octets.try_into().unwrap_or([0; N]) // N is at most 64 here, so neither default is ever taken
}

/// The length in one octet; what is too long wraps, as it does where nobody checks.
pub(super) fn len8(octets: &[u8]) -> [u8; 1] {
    [(octets.len() & 0xff) as u8]
}

impl Model {
    /// Whether all octets are base62 digits.
    pub(super) fn is_base62(&self, octets: &[u8]) -> bool {
        octets.iter().all(|octet| {
            let last =
                matches!(octet, b'9' | b'Z' | b'z') && self.bug(Bug::Base62LastDigitsRefused);
            let first =
                matches!(octet, b'0' | b'A' | b'a') && self.bug(Bug::Base62FirstDigitsRefused);
            (octet.is_ascii_alphanumeric() && !last && !first)
                || (matches!(octet, b'-' | b'_') && self.bug(Bug::Base62IsBase64Url))
        })
    }

    /// CRED-012: the digest of the server password.
    pub(super) fn server_digest(&self, id: &[u8], password: &[u8]) -> Vec<u8> {
        let other = self.bug(Bug::ServerDigestUnderClientLabel);
        self.digest62(8, if other { CLIENT_LABEL } else { SERVER_LABEL }, id, password)
    }

    /// CRED-013, CRED-014: the digest of the client password.
    pub(super) fn client_digest(&self, id: &[u8], password: &[u8]) -> Vec<u8> {
        let salt = if self.bug(Bug::ClientSecretWithoutSalt) { &[] } else { CLIENT_LABEL };
        let length = len8(id);
        let prefix: &[u8] = if self.bug(Bug::ClientSecretWithoutIdLength) { &[] } else { &length };
        let octets: [u8; 64] = expand_to(&extract(salt, password), &[prefix, id].concat());
        let (mut s, mut k) = ([0; 32], [0; 32]);
        s.copy_from_slice(&octets[..32]);
        k.copy_from_slice(&octets[32..]);
        if self.bug(Bug::ClientSecretHalvesSwapped) {
            std::mem::swap(&mut s, &mut k);
        }
        let point = if self.bug(Bug::X25519NotClamped) {
            MontgomeryPoint::mul_base(&Scalar::from_bytes_mod_order(s)).to_bytes()
        } else if self.bug(Bug::ClientDigestOfSecretItself) {
            s
        } else {
            MontgomeryPoint::mul_base_clamped(s).to_bytes()
        };
        let preimage = if self.bug(Bug::ClientDigestOfPassword) {
            password.to_vec()
        } else if self.bug(Bug::ClientDigestWithoutKey) {
            point.to_vec()
        } else {
            [point, k].concat()
        };
        let other = self.bug(Bug::ClientDigestUnderServerLabel);
        self.digest62(18, if other { SERVER_LABEL } else { CLIENT_LABEL }, id, &preimage)
    }

    /// CRED-010, CRED-011.
    fn digest62(&self, n: usize, label: &[u8], id: &[u8], x: &[u8]) -> Vec<u8> {
        let zero: &[u8] = if self.bug(Bug::DigestWithoutSeparator) { &[] } else { &[0] };
        let length = len8(id);
        let length: &[u8] = if self.bug(Bug::DigestWithoutIdLength) { &[] } else { &length };
        let id: &[u8] = if self.bug(Bug::DigestWithoutId) { &[] } else { id };
        let mut number = sha256(&[label, zero, length, id, x]).to_vec();
        if self.bug(Bug::DigestLittleEndian) {
            number.reverse();
        }
        if self.bug(Bug::DigestOfHalfTheHash) {
            number.truncate(16);
        }
        let swapped = self.bug(Bug::Base62LowerCaseFirst);
        let alphabet = if swapped { DIGITS_LOWER_FIRST } else { DIGITS };
        let mut digits: Vec<u8> =
            (0..n).map(|_| alphabet[usize::from(divide_by_62(&mut number))]).collect();
        if !self.bug(Bug::DigestLeastDigitFirst) {
            digits.reverse();
        }
        if self.bug(Bug::DigestNotPadded) {
            let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
            digits.drain(..zeros);
        }
        digits
    }
}

/// Divides a big-endian number by 62 in place and returns the remainder.
fn divide_by_62(number: &mut [u8]) -> u8 {
    let mut remainder = 0;
    for octet in number {
        let value = remainder << 8 | u16::from(*octet);
        *octet = (value / 62) as u8; // remainder < 62, so the quotient is below 256
        remainder = value % 62;
    }
    remainder as u8
}
