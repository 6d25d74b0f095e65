//! libsodium: Ed25519 verification.

use libsodium_rs::crypto_sign::{self, PublicKey};

/// An Ed25519 public key.
pub struct Ed25519(PublicKey);

impl Ed25519 {
    /// Takes the 32 octets.
    #[must_use]
    pub fn new(public: &[u8; 32]) -> Self {
        libsodium_rs::ensure_init().expect("libsodium starts");
        Self(PublicKey::from_bytes(public).expect("32 octets"))
    }

    /// `crypto_sign_verify_detached`.
    #[must_use]
    pub fn verify(&self, signature: &[u8; 64], message: &[u8]) -> bool {
        crypto_sign::verify_detached(signature, message, &self.0)
    }
}

/// Its version, as the library tells.
#[must_use]
pub fn version() -> &'static str {
    libsodium_rs::version::version_string()
}
