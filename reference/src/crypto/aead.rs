//! AES-256-GCM (NIST SP 800-38D) in place: `plaintext | 16 octets for the tag` becomes `ciphertext | tag`.
//! Additional data is always empty.

/// Octets of a tag.
const TAG: usize = 16;

/// One AES-256-GCM key. Wiped on drop.
pub(crate) struct Aead(backend::Key);

/// The octets do not fit the tag, or are too few to hold one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AeadError;

impl Aead {
    /// Expands `key`.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(backend::Key::new(key))
    }

    /// Encrypts all but the last 16 octets of `record` and puts the tag there.
    pub(crate) fn seal(&self, nonce: &[u8; 12], record: &mut [u8]) -> Result<(), AeadError> {
        let (plaintext, tag) = record.split_last_chunk_mut::<TAG>().ok_or(AeadError)?;
        *tag = self.0.seal(nonce, plaintext)?;
        Ok(())
    }

    /// Checks the tag in the last 16 octets of `record` and lends the plaintext before it.
    ///
    /// After an error `record` holds nothing that could be taken for plaintext.
    pub(crate) fn open<'a>(
        &self,
        nonce: &[u8; 12],
        record: &'a mut [u8],
    ) -> Result<&'a mut [u8], AeadError> {
        let (ciphertext, tag) = record.split_last_chunk_mut::<TAG>().ok_or(AeadError)?;
        match self.0.open(nonce, ciphertext, tag) {
            Ok(()) => Ok(ciphertext),
            Err(error) => {
                ciphertext.fill(0);
                Err(error)
            }
        }
    }
}

#[cfg(not(feature = "aws-lc"))]
mod backend {
    use aes_gcm::aead::{AeadInOut, KeyInit};

    use super::{AeadError, TAG};

    pub(super) struct Key(aes_gcm::Aes256Gcm);

    impl Key {
        pub(super) fn new(key: &[u8; 32]) -> Self {
            Self(aes_gcm::Aes256Gcm::new(key.into()))
        }

        pub(super) fn seal(
            &self,
            nonce: &[u8; 12],
            octets: &mut [u8],
        ) -> Result<[u8; TAG], AeadError> {
            let tag = self.0.encrypt_inout_detached(nonce.into(), &[], octets.into());
            tag.map(Into::into).map_err(|_| AeadError)
        }

        pub(super) fn open(
            &self,
            nonce: &[u8; 12],
            octets: &mut [u8],
            tag: &[u8; TAG],
        ) -> Result<(), AeadError> {
            let opened =
                self.0.decrypt_inout_detached(nonce.into(), &[], octets.into(), tag.into());
            opened.map_err(|_| AeadError)
        }
    }
}

#[cfg(feature = "aws-lc")]
#[cfg_attr(false, mutants::skip)] // scripts/mutants builds without the feature
mod backend {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

    use super::{AeadError, TAG};

    /// `None` only if the library can't allocate; every call then fails.
    pub(super) struct Key(Option<LessSafeKey>);

    impl Key {
        pub(super) fn new(key: &[u8; 32]) -> Self {
            Self(UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new))
        }

        pub(super) fn seal(
            &self,
            nonce: &[u8; 12],
            octets: &mut [u8],
        ) -> Result<[u8; TAG], AeadError> {
            let key = self.0.as_ref().ok_or(AeadError)?;
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), octets);
            tag.ok().and_then(|tag| tag.as_ref().try_into().ok()).ok_or(AeadError)
        }

        pub(super) fn open(
            &self,
            nonce: &[u8; 12],
            octets: &mut [u8],
            tag: &[u8; TAG],
        ) -> Result<(), AeadError> {
            let key = self.0.as_ref().ok_or(AeadError)?;
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let opened = key.open_in_place_separate_tag(nonce, Aad::empty(), tag, octets);
            opened.map(|_| ()).map_err(|_| AeadError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_every_changed_bit() {
        let key = Aead::new(&[7; 32]);
        let mut record = *b"some plaintext................";
        key.seal(&[9; 12], &mut record).unwrap();
        for bit in 0..record.len() * 8 {
            let mut changed = record;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&[9; 12], &mut changed), Err(AeadError), "bit {bit}");
            assert_eq!(changed[..14], [0; 14], "nothing is left of a refused record");
        }
        assert_eq!(key.open(&[9; 12], &mut record).unwrap(), b"some plaintext");
    }

    #[test]
    fn empty_plaintext_and_too_few_octets() {
        // Test case 13 of the GCM specification: zero key, zero nonce, empty plaintext.
        let key = Aead::new(&[0; 32]);
        let mut record = [0; TAG];
        key.seal(&[0; 12], &mut record).unwrap();
        assert_eq!(hex::encode(record), "530f8afbc74536b9a963b4f1c4cb738b");
        assert_eq!(key.open(&[0; 12], &mut record).unwrap(), b"");
        assert_eq!(key.seal(&[0; 12], &mut [0; TAG - 1]), Err(AeadError));
        assert_eq!(key.open(&[0; 12], &mut [0; TAG - 1]), Err(AeadError));
    }
}
