//! Challenge tokens (chapter 5), octet for octet those of binauth 1.2. Independent of the rest.
//!
//! ```text
//! client (key c, public C)                                   server (key s, public S)
//!    C                                          ------------>
//!                                               <------------  challenge = sign_s(0x01 || C || time)
//!    sign_c([serverId] || challenge)            ------------>
//!                                               <------------  token = sign_s(0x02 || C || time)
//!    token, with each request                   ------------>
//!
//! sign_x(m) = Ed25519 signature of m by x (64) || m
//! ```
//!
//! All of it is a function of its arguments: the server stores nothing and the clock is passed in.

mod body;
mod client;
mod issuer;
mod signed;
#[cfg(test)]
mod tests;

use core::fmt;

pub use body::TOKEN;
pub use client::sign_challenge;
pub use issuer::{DEFAULT_CHALLENGE_TTL_MS, DEFAULT_TOKEN_TTL_MS, Issuer, verify};

use crate::crypto::Ed25519Secret;
use crate::error::TokenError;
use crate::secret::Secret;

/// An Ed25519 signing key, of a client or of a token server. Wiped on drop.
pub struct SigningKey(Ed25519Secret);

impl SigningKey {
    /// The key pair of a seed of 32 octets.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Ed25519Secret::from_seed(seed))
    }

    /// The key pair given as seed (32) and public key (32), as libsodium stores it.
    ///
    /// # Errors
    /// `key_mismatch` if the public key is not that of the seed (TOK-021).
    pub fn from_keypair_octets(octets: &[u8; 64]) -> Result<Self, TokenError> {
        let seed: Secret<32> = Secret::filled(|seed| seed.copy_from_slice(&octets[..32]));
        let key = Self::from_seed(seed.expose());
        // spec: TOK-021
        if octets[32..] != *key.public_key().as_octets() {
            return Err(TokenError::KeyMismatch);
        }
        Ok(key)
    }

    /// The public key of this pair.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public_key())
    }
}

/// An Ed25519 public key: one's own, or the one in a token that was verified. Nothing else makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The 32 octets.
    #[must_use]
    pub fn as_octets(&self) -> &[u8; 32] {
        &self.0
    }
}

/// 64 digits, lower-case hexadecimal.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// A serverId that comes as octets, of any length.
///
/// # Errors
/// `server_id_encoding` if they are not well-formed UTF-8 (TOK-051).
pub fn server_id(octets: &[u8]) -> Result<&str, TokenError> {
    // spec: TOK-051 (everywhere else a serverId is a `str`)
    core::str::from_utf8(octets).map_err(|_| TokenError::ServerIdEncoding)
}
