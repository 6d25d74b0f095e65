//! `sign_x(m)`: signature (64) || m. Octets that arrive are [`Unverified`]; only [`Unverified::verify`]
//! makes them [`Verified`], and only those are read any further.

use super::SigningKey;
use crate::crypto::ed25519_verify;

/// Octets of a signature.
pub(super) const SIGNATURE: usize = 64;

/// The signature of `message` followed by it.
pub(super) fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    [&key.sign(message)[..], message].concat()
}

/// Octets that claim to be signed.
pub(super) struct Unverified<'a> {
    signature: &'a [u8; SIGNATURE],
    message: &'a [u8],
}

impl<'a> Unverified<'a> {
    /// `None` if the octets are shorter than a signature. A message may be empty.
    pub(super) fn parse(octets: &'a [u8]) -> Option<Self> {
        let (signature, message) = octets.split_first_chunk()?;
        Some(Self { signature, message })
    }

    /// The message, if its signature is that of `key` as section 5.4 has it.
    pub(super) fn verify(self, key: &[u8; 32]) -> Option<Verified<'a>> {
        // spec: TOK-014, TOK-015, TOK-016, TOK-017, TOK-018, TOK-019, TOK-020
        ed25519_verify(key, self.message, self.signature).then_some(Verified(self.message))
    }
}

/// Octets that were signed.
#[derive(Clone, Copy)]
pub(super) struct Verified<'a>(&'a [u8]);

impl<'a> Verified<'a> {
    pub(super) fn octets(self) -> &'a [u8] {
        self.0
    }
}
