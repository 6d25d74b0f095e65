//! AES-256-GCM of the backend that the reference is built with, called with nothing around it.

/// Name of the crate.
pub const NAME: &str = if cfg!(feature = "aws-lc") { "aws-lc-rs" } else { "aes-gcm" };

/// One key.
pub struct Cipher(backend::Key);

impl Cipher {
    /// Expands `key`.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(backend::new(key))
    }

    /// Encrypts `octets` in place and gives the tag.
    #[must_use]
    pub fn seal(&self, nonce: &[u8; 12], octets: &mut [u8]) -> [u8; 16] {
        backend::seal(&self.0, nonce, octets)
    }

    /// Decrypts `octets` in place; false if `tag` is not theirs.
    #[must_use]
    pub fn open(&self, nonce: &[u8; 12], octets: &mut [u8], tag: &[u8; 16]) -> bool {
        backend::open(&self.0, nonce, octets, tag)
    }
}

#[cfg(not(feature = "aws-lc"))]
mod backend {
    pub(super) use aes_gcm::Aes256Gcm as Key;
    use aes_gcm::aead::{AeadInOut, KeyInit};

    pub(super) fn new(key: &[u8; 32]) -> Key {
        Key::new(key.into())
    }

    pub(super) fn seal(key: &Key, nonce: &[u8; 12], octets: &mut [u8]) -> [u8; 16] {
        let tag = key.encrypt_inout_detached(nonce.into(), &[], octets.into());
        tag.expect("fewer octets than GCM's limit").into()
    }

    pub(super) fn open(key: &Key, nonce: &[u8; 12], octets: &mut [u8], tag: &[u8; 16]) -> bool {
        key.decrypt_inout_detached(nonce.into(), &[], octets.into(), tag.into()).is_ok()
    }
}

#[cfg(feature = "aws-lc")]
mod backend {
    pub(super) use aws_lc_rs::aead::LessSafeKey as Key;
    use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, UnboundKey};

    pub(super) fn new(key: &[u8; 32]) -> Key {
        Key::new(UnboundKey::new(&AES_256_GCM, key).expect("32 octets"))
    }

    pub(super) fn seal(key: &Key, nonce: &[u8; 12], octets: &mut [u8]) -> [u8; 16] {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), octets);
        let tag = tag.expect("fewer octets than GCM's limit");
        tag.as_ref().try_into().expect("GCM's tag has 16 octets")
    }

    pub(super) fn open(key: &Key, nonce: &[u8; 12], octets: &mut [u8], tag: &[u8; 16]) -> bool {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        key.open_in_place_separate_tag(nonce, Aad::empty(), tag, octets).is_ok()
    }
}
