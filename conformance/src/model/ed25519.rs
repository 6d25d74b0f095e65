//! Ed25519: RFC 8032 for signing; for verifying the specification, section 5.4, each of its checks a switch.

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::IsIdentity;
use curve25519_dalek::{EdwardsPoint, Scalar};
use num_bigint::BigUint;
use sha2::{Digest, Sha512};

use super::refusal::trap;
use super::{Bug, Model};

/// The public key of a seed.
pub(super) fn public_key(seed: &[u8; 32]) -> [u8; 32] {
    let (scalar, _) = expand_seed(seed);
    EdwardsPoint::mul_base(&scalar).compress().to_bytes()
}

/// `signature || message`.
pub(super) fn sign(seed: &[u8; 32], public: &[u8; 32], message: &[u8]) -> Vec<u8> {
    let (scalar, prefix) = expand_seed(seed);
    let r = Scalar::from_bytes_mod_order_wide(&sha512(&[&prefix, message]));
    let r_encoded = EdwardsPoint::mul_base(&r).compress().to_bytes();
    let h = Scalar::from_bytes_mod_order_wide(&sha512(&[&r_encoded, public, message]));
    let s = r + h * scalar;
    [&r_encoded, s.as_bytes(), message].concat()
}

impl Model {
    /// The message behind a signature that verifies under `key`.
    pub(super) fn verified<'a>(&self, key: &[u8; 32], signed: &'a [u8]) -> Option<&'a [u8]> {
        if signed.len() < 64 && self.bug(Bug::ShortSignatureTraps) {
            trap("range end index 64 out of range");
        }
        let (signature, message) = signed.split_at_checked(64)?;
        self.verify(key, signature, message).then_some(message)
    }

    fn verify(&self, key: &[u8; 32], signature: &[u8], message: &[u8]) -> bool {
        let (mut r, mut s) = ([0; 32], [0; 32]);
        r.copy_from_slice(&signature[..32]);
        s.copy_from_slice(&signature[32..]);
        // TOK-014
        let canonical: Option<Scalar> = Scalar::from_canonical_bytes(s).into();
        let s = match canonical {
            Some(s) => s,
            None if self.bug(Bug::SNotChecked) => Scalar::from_bytes_mod_order(s),
            None if s[31] & 0xe0 == 0 && self.bug(Bug::OnlyTopBitsOfSChecked) => {
                Scalar::from_bytes_mod_order(s)
            }
            None => return false,
        };
        // TOK-016 to TOK-018
        if !is_canonical(key) && !self.bug(Bug::NonCanonicalKeyAccepted) {
            return false;
        }
        if ends_like_the_prime(key) && self.bug(Bug::KeyComparedByItsEnds) {
            return false;
        }
        let Some(a) = CompressedEdwardsY(*key).decompress() else {
            if self.bug(Bug::KeyOffCurveTraps) {
                trap("called `Option::unwrap()` on a `None` value");
            }
            return false;
        };
        let listed = is_canonical(key) || !self.bug(Bug::NonCanonicalKeyAccepted);
        if (listed && self.is_refused_small_order(key, &a, Bug::SmallOrderKeyAccepted))
            || (!a.is_torsion_free() && self.bug(Bug::MixedOrderKeyRefused))
        {
            return false;
        }
        // TOK-015
        let r_point = CompressedEdwardsY(r).decompress();
        if let Some(point) = &r_point
            && (is_canonical(&r) || !self.bug(Bug::RComparedAsPoint))
            && self.is_refused_small_order(&r, point, Bug::SmallOrderRAccepted)
        {
            return false;
        }
        // TOK-019
        let h = sha512(&[&r, key, message]);
        let reduced = Scalar::from_bytes_mod_order_wide(&h);
        let (factor, point) =
            if self.bug(Bug::HashNegatedNotKey) { (-reduced, a) } else { (reduced, -a) };
        let mut expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&factor, &point, &s);
        if self.bug(Bug::HashNotReduced) {
            // With h = q*L + r, this is q*(L*A): nothing but for a key of mixed order.
            let last = -Scalar::ONE; // L - 1
            let q = BigUint::from_bytes_le(&h) / (BigUint::from_bytes_le(last.as_bytes()) + 1u32);
            let q = q.iter_u32_digits().next().unwrap_or(0) % 8;
            expected -= (a * last + a) * Scalar::from(q);
        }
        if expected.compress().to_bytes() == r {
            return true;
        }
        let Some(point) = r_point else { return false };
        (expected == point && self.bug(Bug::RComparedAsPoint))
            || ((expected - point).mul_by_cofactor().is_identity()
                && self.bug(Bug::CofactoredEquation))
    }

    /// Whether an encoding of a point of small order is to be refused.
    fn is_refused_small_order(&self, encoded: &[u8; 32], point: &EdwardsPoint, lax: Bug) -> bool {
        if !point.is_small_order() || self.bug(lax) {
            return false;
        }
        // As a list of encodings does that leaves out those with the other sign bit.
        !(encoded[31] > 0x7f
            && is_canonical(encoded)
            && matches!(encoded[..31], [0 | 1 | 0xec, ..])
            && self.bug(Bug::SmallOrderListIncomplete))
    }
}

/// Whether y is below 2^255 - 19.
fn is_canonical(encoded: &[u8; 32]) -> bool {
    !(ends_like_the_prime(encoded) && encoded[1..31].iter().all(|&octet| octet == 0xff))
}

fn ends_like_the_prime(encoded: &[u8; 32]) -> bool {
    encoded[0] >= 0xed && encoded[31] & 0x7f == 0x7f
}

fn expand_seed(seed: &[u8; 32]) -> (Scalar, [u8; 32]) {
    let hash = Sha512::digest(seed);
    let (mut scalar, mut prefix) = ([0; 32], [0; 32]);
    scalar.copy_from_slice(&hash[..32]);
    prefix.copy_from_slice(&hash[32..]);
    (Scalar::from_bytes_mod_order(curve25519_dalek::scalar::clamp_integer(scalar)), prefix)
}

fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut hash = Sha512::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}
