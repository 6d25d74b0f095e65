//! Ed25519 (RFC 8032): signing, and verifying exactly as libsodium 1.0.18's `crypto_sign_open` does.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// An Ed25519 seed with its public key. Wiped on drop.
pub(crate) struct Ed25519Secret(SigningKey);

impl Ed25519Secret {
    /// Derives the key pair of `seed`.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public key, 32 octets.
    pub(crate) fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The signature of `message`, 64 octets; the same for the same message.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Whether `signature` of `message` verifies under `public`.
pub(crate) fn ed25519_verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    // spec: TOK-016 (dalek decodes these), TOK-018
    if !is_canonical(public) {
        return false;
    }
    let Ok(key) = VerifyingKey::from_bytes(public) else { return false };
    // spec: TOK-014, TOK-015, TOK-017, TOK-019, TOK-020
    key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
}

/// Whether the y coordinate, 255 bits little-endian, is less than 2^255 - 19.
fn is_canonical(public: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = public;
    *first < 0xed || middle.iter().any(|octet| *octet != 0xff) || last & 0x7f != 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L, the order of the base point, little-endian.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];

    /// Fails if anything in the dependency graph turns on dalek's `legacy_compatibility`.
    #[test]
    fn a_signature_with_s_plus_l_is_refused() {
        let secret = Ed25519Secret::from_seed(&[1; 32]);
        let message = b"message";
        let good = secret.sign(message);
        assert!(ed25519_verify(&secret.public(), message, &good));
        let mut malleated = good;
        let mut carry = 0u16;
        for (octet, order) in malleated[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*octet) + u16::from(order);
            *octet = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        assert_eq!(carry, 0, "S + L fits in 256 bits");
        assert!(!ed25519_verify(&secret.public(), message, &malleated));
    }

    #[test]
    fn every_changed_octet_is_refused() {
        let secret = Ed25519Secret::from_seed(&[2; 32]);
        let good = secret.sign(b"message");
        for at in 0..64 {
            let mut changed = good;
            changed[at] ^= 1;
            assert!(!ed25519_verify(&secret.public(), b"message", &changed), "octet {at}");
        }
        assert!(!ed25519_verify(&secret.public(), b"massage", &good));
        assert!(!ed25519_verify(&Ed25519Secret::from_seed(&[3; 32]).public(), b"message", &good));
    }

    #[test]
    fn small_order_keys_verify_nothing() {
        // R = A = the neutral element and S = 0 satisfy the equation for every message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!ed25519_verify(&neutral, b"anything", &signature));
    }

    #[test]
    fn canonical_is_less_than_p() {
        let mut p = [0xff; 32];
        p[0] = 0xed;
        for sign in [0x7f, 0xff] {
            p[31] = sign;
            assert!(!is_canonical(&p));
            let mut below = p;
            below[0] -= 1;
            assert!(is_canonical(&below));
            let mut other = p;
            other[17] = 0xfe;
            assert!(is_canonical(&other));
        }
    }
}
