//! Ed25519 with every part selectable, for signatures that only some verifiers accept.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{Signer, SigningKey};
use num_bigint::BigUint;
use sha2::{Digest, Sha512};

/// A signing key as vectors give it: seed and public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// 32 octets.
    pub seed: [u8; 32],
    /// 32 octets.
    pub public: [u8; 32],
}

impl KeyPair {
    /// The key pair of a seed.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, public: SigningKey::from_bytes(&seed).verifying_key().to_bytes() }
    }

    /// Seed and public key, 64 octets.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        [self.seed, self.public].concat()
    }

    /// The signature of `message`, 64 octets.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        SigningKey::from_bytes(&self.seed).sign(message).to_bytes()
    }

    /// The signature of `message`, then the message.
    #[must_use]
    pub fn signed(&self, message: &[u8]) -> Vec<u8> {
        [&self.sign(message)[..], message].concat()
    }

    /// The secret scalar.
    #[must_use]
    pub fn scalar(&self) -> Scalar {
        SigningKey::from_bytes(&self.seed).to_scalar()
    }
}

/// `a*B`.
#[must_use]
pub fn times_base(a: &Scalar) -> EdwardsPoint {
    EdwardsPoint::mul_base(a)
}

/// A scalar that depends on the label alone.
#[must_use]
pub fn scalar(label: &str) -> Scalar {
    Scalar::from_bytes_mod_order(super::stream_array(label))
}

/// The point of order 8, times `i`.
#[must_use]
pub fn torsion(i: usize) -> EdwardsPoint {
    EIGHT_TORSION[i % 8]
}

/// SHA-512(R || A || m) mod L.
#[must_use]
pub fn challenge(r: &[u8; 32], a: &[u8; 32], message: &[u8]) -> Scalar {
    let mut hash = Sha512::new();
    hash.update(r);
    hash.update(a);
    hash.update(message);
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

/// SHA-512(R || A || m) mod L, modulo 8: what it does to a point of small order.
#[must_use]
pub fn challenge_mod_8(r: &[u8; 32], a: &[u8; 32], message: &[u8]) -> usize {
    usize::from(challenge(r, a, message).to_bytes()[0] % 8)
}

/// R || S.
#[must_use]
pub fn signature(r: &[u8; 32], s: &[u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(r);
    signature[32..].copy_from_slice(s);
    signature
}

/// The order of the base point.
#[must_use]
pub fn order() -> BigUint {
    (BigUint::from(1_u8) << 252)
        + BigUint::parse_bytes(b"27742317777372353535851937790883648493", 10)
            .unwrap_or_else(|| unreachable!("decimal digits"))
}

/// A value below 2^256 as 32 octets, little-endian.
///
/// # Panics
/// If it is larger.
#[must_use]
pub fn little_endian(value: &BigUint) -> [u8; 32] {
    let octets = value.to_bytes_le();
    assert!(octets.len() <= 32, "a value of 32 octets");
    let mut out = [0; 32];
    out[..octets.len()].copy_from_slice(&octets);
    out
}

/// `signature` with `times * L` added to S.
#[must_use]
pub fn add_order(signature: &[u8; 64], times: u8) -> [u8; 64] {
    let s = BigUint::from_bytes_le(&signature[32..]) + order() * times;
    let mut out = *signature;
    out[32..].copy_from_slice(&little_endian(&s));
    out
}

/// The 14 encodings of points of small order, canonical or not, with either sign bit.
#[must_use]
pub fn small_order_encodings() -> Vec<(String, [u8; 32])> {
    let mut encodings = Vec::new();
    let p = (BigUint::from(1_u8) << 255) - 19_u8;
    let eight = torsion(1).compress().to_bytes();
    let other_eight = torsion(3).compress().to_bytes();
    let y = |octets: [u8; 32]| {
        let mut y = octets;
        y[31] &= 0x7f;
        y
    };
    let base = [
        ("zero", little_endian(&BigUint::ZERO)),
        ("one", little_endian(&BigUint::from(1_u8))),
        ("order-8-first", y(eight)),
        ("order-8-second", y(other_eight)),
        ("minus-one", little_endian(&(&p - 1_u8))),
        ("p", little_endian(&p)),
        ("p-plus-1", little_endian(&(&p + 1_u8))),
    ];
    for (name, mut octets) in base {
        encodings.push((format!("{name}-even"), octets));
        octets[31] |= 0x80;
        encodings.push((format!("{name}-odd"), octets));
    }
    encodings
}

/// The point that a lenient decoder makes of an encoding: y is reduced, x = 0 takes either sign.
#[must_use]
pub fn lenient_point(encoding: &[u8; 32]) -> Option<EdwardsPoint> {
    CompressedEdwardsY(*encoding).decompress()
}

/// The verdict of the specification (TOK-014 to TOK-020), by its words.
#[must_use]
pub fn accepts(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let (mut r, mut s) = ([0; 32], [0; 32]);
    r.copy_from_slice(&signature[..32]);
    s.copy_from_slice(&signature[32..]);
    let small = small_order_encodings();
    if small.iter().any(|(_, encoding)| *encoding == r || *encoding == *public) {
        return false;
    }
    let mut y = *public;
    y[31] &= 0x7f;
    if BigUint::from_bytes_le(&y) >= (BigUint::from(1_u8) << 255) - 19_u8 {
        return false;
    }
    let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(s)) else { return false };
    let Some(a) = CompressedEdwardsY(*public).decompress() else { return false };
    let h = challenge(&r, public, message);
    (ED25519_BASEPOINT_POINT * s - a * h).compress().to_bytes() == r
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_order_encodings_are_the_fourteen_of_the_specification() {
        let encodings = small_order_encodings();
        assert_eq!(encodings.len(), 14);
        for (name, encoding) in &encodings {
            let point = lenient_point(encoding).unwrap_or_else(|| panic!("{name} decodes"));
            assert!(point.is_small_order(), "{name}");
        }
        let chapter = include_str!("../../../../spec/5-tokens.md");
        for (_, encoding) in encodings.iter().filter(|(name, _)| name.starts_with("order-8")) {
            let mut even = *encoding;
            even[31] &= 0x7f;
            assert!(chapter.contains(&hex::encode(even)));
        }
    }

    #[test]
    fn the_verdict_agrees_with_verify_strict() {
        let key = KeyPair::new([1; 32]);
        let good = key.sign(b"m");
        let public = ed25519_dalek::VerifyingKey::from_bytes(&key.public).expect("a point");
        for bit in 0..512 {
            let mut flipped = good;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let strict =
                public.verify_strict(b"m", &ed25519_dalek::Signature::from_bytes(&flipped));
            assert_eq!(accepts(&key.public, b"m", &flipped), strict.is_ok());
        }
        assert!(accepts(&key.public, b"m", &good));
        assert!(!accepts(&key.public, b"m", &add_order(&good, 1)));
    }
}
