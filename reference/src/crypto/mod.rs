//! The only directory that names crates of cryptography; all else goes through here.
//!
//! Whatever the backend, the behaviour is the same: feature `aws-lc` changes the speed of the RSA private
//! operation and of AES-256-GCM and nothing else.

mod aead;
mod ed25519;
mod rsa;
mod spki;

pub(crate) use ::rsa::rand_core::UnwrapErr;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub(crate) use self::aead::Aead;
pub(crate) use self::ed25519::{Ed25519Secret, ed25519_verify};
pub(crate) use self::rsa::NEW_KEY_BITS;
pub use self::rsa::{RsaPrivate, RsaPublic};
pub(crate) use self::spki::SPKI_MIN;
use crate::secret::Secret;

/// SHA-256 (FIPS 180-4) of the parts, one after the other.
#[must_use]
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// HKDF-Extract (RFC 5869, section 2.2) with SHA-256.
#[must_use]
pub(crate) fn hkdf_extract(salt: &[u8], ikm: &[u8]) -> Secret<32> {
    let (mut prk, _) = Hkdf::<Sha256>::extract(Some(salt), ikm);
    Secret::take(prk.as_mut())
}

/// HKDF-Expand (RFC 5869, section 2.3) with SHA-256 to `N` octets; `info` in parts.
#[must_use]
pub(crate) fn hkdf_expand<const N: usize>(prk: &[u8; 32], info: &[&[u8]]) -> Secret<N> {
    const { assert!(N <= HKDF_MAX) };
    Secret::filled(|out| {
        let within = hkdf_expand_into(prk, info, out);
        debug_assert!(within, "N is at most HKDF_MAX");
    })
}

/// The longest output of HKDF-Expand, 255 * 32 octets.
pub(crate) const HKDF_MAX: usize = 8160;

/// HKDF-Expand into `out`; false, and `out` untouched, if that is longer than [`HKDF_MAX`].
#[must_use]
pub(crate) fn hkdf_expand_into(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8]) -> bool {
    Hkdf::<Sha256>::from_prk(prk).is_ok_and(|hkdf| hkdf.expand_multi_info(info, out).is_ok())
}

/// X25519 (RFC 7748, section 5) of `scalar`, which it clamps, and the base point 9.
#[must_use]
pub(crate) fn x25519_base(scalar: &[u8; 32]) -> [u8; 32] {
    // By this type, since it uses the tables of the base point and wipes its copy.
    x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(*scalar)).to_bytes()
}

/// Whether `a` and `b` are equal, in time that depends on their lengths only.
#[must_use]
pub(crate) fn ct_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets<const N: usize>(hex: &str) -> [u8; N] {
        hex::decode(hex).unwrap().try_into().unwrap()
    }

    #[test]
    fn sha256_of_parts_is_that_of_the_whole() {
        let abc = octets("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sha256(&[b"abc"]), abc);
        assert_eq!(sha256(&[b"a", b"", b"bc"]), abc);
    }

    #[test]
    fn hkdf_is_that_of_rfc_5869_test_case_1() {
        let prk = hkdf_extract(&octets::<13>("000102030405060708090a0b0c"), &[0x0b; 22]);
        assert_eq!(
            *prk.expose(),
            octets("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
        );
        let okm = hkdf_expand::<42>(prk.expose(), &[&octets::<10>("f0f1f2f3f4f5f6f7f8f9")]);
        let expected =
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
        assert_eq!(*okm.expose(), octets(expected));
    }

    #[test]
    fn hkdf_expand_ends_at_8160_octets() {
        assert!(hkdf_expand_into(&[1; 32], &[], &mut [0; HKDF_MAX]));
        assert!(!hkdf_expand_into(&[1; 32], &[], &mut [0; HKDF_MAX + 1]));
    }

    #[test]
    fn x25519_of_the_base_point_is_that_of_rfc_7748() {
        // Section 6.1, Bob.
        let secret = octets("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        let public = octets("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
        assert_eq!(x25519_base(&secret), public);
        // Clamping: three low bits and the top bit don't count, the bit below it is always set.
        let mut unclamped = secret;
        unclamped[0] ^= 0x07;
        unclamped[31] ^= 0xc0;
        assert_eq!(x25519_base(&unclamped), public);
    }

    #[test]
    fn ct_eq_is_equality() {
        assert!(ct_eq(b"", b"") && ct_eq(b"ab", b"ab"));
        assert!(!ct_eq(b"ab", b"aB") && !ct_eq(b"ab", b"abc"));
    }
}
