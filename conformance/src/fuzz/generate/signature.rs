//! Keys and signatures on which Ed25519 libraries disagree: section 5.4 of the specification.

use curve25519_dalek::scalar::Scalar;
use tunnelproof_vectors::build::primitives::ed25519::{
    KeyPair, add_order, challenge, challenge_mod_8, lenient_point, signature,
    small_order_encodings, times_base, torsion,
};

use super::values::mutated;
use crate::fuzz::rng::Rng;

/// A public key and a signed message, `signature || message`.
pub struct Signed {
    pub public: [u8; 32],
    pub octets: Vec<u8>,
}

/// Something that a verifier might accept, signed by `honest` or by a key made for it. `message` gives what
/// is signed under a public key.
pub fn edge(rng: &mut Rng, honest: &KeyPair, message: &dyn Fn(&[u8; 32]) -> Vec<u8>) -> Signed {
    let own = message(&honest.public);
    let good = honest.sign(&own);
    let with = |signature: [u8; 64]| Signed {
        public: honest.public,
        octets: [&signature[..], &own].concat(),
    };
    match rng.below(8) {
        0 => with(add_order(&good, rng.one(&[1, 1, 2, 7, 8, 14]))),
        1 => {
            let mut signature = good;
            signature[63] |= rng.one(&[0x10, 0x20, 0x40, 0x80, 0xe0]);
            with(signature)
        }
        2 | 3 => small_key(rng, message),
        4 => {
            // S*B = h*A: what is left of the equation is R alone, which is of small order.
            let (_, r) = rng.pick(&small_order_encodings()).clone();
            let s = challenge(&r, &honest.public, &own) * honest.scalar();
            with(signature(&r, &s.to_bytes()))
        }
        _ => mixed(rng, honest, message),
    }
}

/// A key of small order: nobody needs a secret to sign.
fn small_key(rng: &mut Rng, message: &dyn Fn(&[u8; 32]) -> Vec<u8>) -> Signed {
    let (_, public) = rng.pick(&small_order_encodings()).clone();
    let message = message(&public);
    let point = lenient_point(&public).unwrap_or_else(|| unreachable!("points of small order"));
    let mut signed = Vec::new();
    for _ in 0..64 {
        let s = scalar(rng);
        let r = times_base(&s).compress().to_bytes();
        signed = [&signature(&r, &s.to_bytes())[..], &message].concat();
        if point * challenge(&r, &public, &message) == torsion(0) {
            break;
        }
    }
    Signed { public, octets: signed }
}

/// A key, an R, or both with a component of small order: sometimes right, sometimes right but for the
/// cofactor.
fn mixed(rng: &mut Rng, honest: &KeyPair, message: &dyn Fn(&[u8; 32]) -> Vec<u8>) -> Signed {
    let in_key = rng.one(&[0, 1, 2, 4, 5, 7]);
    let in_r = rng.one(&[0, 0, 1, 3, 4]);
    let a = honest.scalar();
    let public = (times_base(&a) + torsion(in_key)).compress().to_bytes();
    let message = message(&public);
    let right = rng.once_in(2);
    let mut signed = Vec::new();
    for _ in 0..64 {
        let r = scalar(rng);
        let r_octets = (times_base(&r) + torsion(in_r)).compress().to_bytes();
        let s = r + challenge(&r_octets, &public, &message) * a;
        signed = [&signature(&r_octets, &s.to_bytes())[..], &message].concat();
        let left = challenge_mod_8(&r_octets, &public, &message) * in_key + in_r;
        let holds = left.is_multiple_of(8);
        if holds == right || (in_key == 0) {
            break;
        }
    }
    Signed { public, octets: signed }
}

/// A public key that is no honest one.
pub fn bad_public(rng: &mut Rng, honest: &[u8; 32]) -> Vec<u8> {
    match rng.below(5) {
        0 => rng.pick(&small_order_encodings()).1.to_vec(),
        1 => rng.octets(32), // not a point, in half of the cases
        2 => [&honest[..8], &rng.octets(24)].concat(),
        3 => {
            let mut other = honest.to_vec();
            other[31] ^= 0x80;
            other
        }
        _ => {
            let mut other = mutated(rng, honest);
            other.resize(32, 0);
            other
        }
    }
}

fn scalar(rng: &mut Rng) -> Scalar {
    Scalar::from_bytes_mod_order(rng.array())
}

#[cfg(test)]
mod tests {
    use tunnelproof_vectors::build::primitives::ed25519::accepts;

    use super::*;

    #[test]
    fn some_are_accepted_by_the_words_of_the_specification_and_most_are_not() {
        let honest = KeyPair::new([9; 32]);
        let mut rng = Rng::of(5, 6);
        let mut accepted = 0;
        for _ in 0..200 {
            let signed = edge(&mut rng, &honest, &|public| public.to_vec());
            let (signature, message) = signed.octets.split_at(64);
            let signature = signature.try_into().expect("64 octets");
            accepted += usize::from(accepts(&signed.public, message, &signature));
        }
        assert!((20..150).contains(&accepted), "{accepted} of 200");
    }
}
