//! RSAES-OAEP: RFC 8017, section 7.1, and the specification, section 3.3.

use num_bigint::BigUint;
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};

use super::digest::sha256;
use super::refusal::{Refusal, Result, check};
use super::rsa::{PrivateKey, PublicKey};
use super::{Bug, Model, out};
use crate::shim_server::{Input, to_octets};

/// The hash of the label and of the mask generation function.
#[derive(Clone, Copy, PartialEq)]
enum Hash {
    Sha1,
    Sha256,
}

impl Hash {
    fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha1 => {
                let mut hash = Sha1::new();
                parts.iter().for_each(|part| hash.update(part));
                hash.finalize().to_vec()
            }
            Self::Sha256 => sha256(parts).to_vec(),
        }
    }

    fn mask(self, seed: &[u8], octets: &mut [u8]) {
        let length = self.of(&[]).len();
        for (counter, chunk) in (0u32..).zip(octets.chunks_mut(length)) {
            let block = self.of(&[seed, &counter.to_be_bytes()]);
            chunk.iter_mut().zip(block).for_each(|(octet, mask)| *octet ^= mask);
        }
    }
}

impl Model {
    pub(super) fn hs_oaep(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let key = self.private_key(&input.octets("private_key")?)?;
        let plaintext = self.decrypt(&key, &input.octets("ciphertext")?)?;
        Ok(out([("plaintext", to_octets(&plaintext))]))
    }

    /// The hash of the label, and that of the mask.
    fn hashes(&self) -> (Hash, Hash) {
        if self.bug(Bug::OaepSha256) {
            (Hash::Sha256, Hash::Sha256)
        } else if self.bug(Bug::OaepMaskSha256) {
            (Hash::Sha1, Hash::Sha256)
        } else {
            (Hash::Sha1, Hash::Sha1)
        }
    }

    /// Encrypts at most 312 octets. The seed is a hash of what is encrypted: a real party draws it (HS-013).
    pub(super) fn encrypt(&self, key: &PublicKey, message: &[u8]) -> Vec<u8> {
        let (label, mask) = self.hashes();
        let mut seed = sha256(&[b"seed of the model", &key.n.to_bytes_be(), message]).to_vec();
        let mut db = label.of(&[]);
        seed.truncate(db.len());
        let padding = key.octets().saturating_sub(message.len() + 2 * db.len() + 2);
        db.extend(vec![0; padding]);
        db.push(1);
        db.extend_from_slice(message);
        mask.mask(&seed, &mut db);
        mask.mask(&db, &mut seed);
        key.encrypt(&[&[0], &seed[..], &db[..]].concat())
    }

    /// HS-014 to HS-017.
    pub(super) fn decrypt(&self, key: &PrivateKey, ciphertext: &[u8]) -> Result<Vec<u8>> {
        let expected = key.public.octets();
        let wrong_length = match ciphertext.len() {
            found if found < expected => !self.bug(Bug::StrippedCiphertextAccepted),
            found if found > expected => {
                ciphertext[..found - expected].iter().any(|&octet| octet != 0)
                    || !self.bug(Bug::PaddedCiphertextAccepted)
            }
            _ => false,
        };
        if wrong_length {
            return Err(self.decryption_failed());
        }
        let mut value = BigUint::from_bytes_be(ciphertext);
        if value >= key.public.n {
            if self.bug(Bug::CiphertextRangeIsMalformed) {
                return Err(check("malformed"));
            }
            if !self.bug(Bug::CiphertextReduced) {
                return Err(self.decryption_failed());
            }
            value %= &key.public.n;
        }
        let message = self.decrypt_raw(key, value);
        let (label, mask) = self.hashes();
        self.unpad(&message, label, mask)
            .or_else(|| {
                let lax = self.bug(Bug::OaepSha256AlsoAccepted);
                lax.then(|| self.unpad(&message, Hash::Sha256, Hash::Sha256)).flatten()
            })
            .or_else(|| self.bug(Bug::Pkcs1AlsoAccepted).then(|| unpad_v15(&message)).flatten())
            .ok_or_else(|| self.decryption_failed())
    }

    fn decryption_failed(&self) -> Refusal {
        check(if self.bug(Bug::DecryptFailureIsMalformed) { "malformed" } else { "decrypt" })
    }

    fn unpad(&self, message: &[u8], label: Hash, mask: Hash) -> Option<Vec<u8>> {
        let expected = label.of(&[]);
        let (&first, rest) = message.split_first()?;
        let (mut seed, mut db) = {
            let (seed, db) = rest.split_at_checked(expected.len())?;
            (seed.to_vec(), db.to_vec())
        };
        mask.mask(&db, &mut seed);
        mask.mask(&seed, &mut db);
        if first != 0 && !self.bug(Bug::OaepFirstOctetIgnored) {
            return None;
        }
        let (found, rest) = db.split_at_checked(expected.len())?;
        if found != expected && !self.bug(Bug::OaepLabelIgnored) {
            return None;
        }
        if self.bug(Bug::OaepPaddingSearched) {
            let at = rest.iter().position(|&octet| octet == 1)?;
            return Some(rest[at + 1..].to_vec());
        }
        let at = rest.iter().position(|&octet| octet != 0)?;
        (rest[at] == 1 || self.bug(Bug::OaepSeparatorIgnored)).then(|| rest[at + 1..].to_vec())
    }
}

/// EME-PKCS1-v1_5: `00 02`, at least 8 octets that are not zero, `00`, the message.
fn unpad_v15(message: &[u8]) -> Option<Vec<u8>> {
    let rest = message.strip_prefix(&[0, 2])?;
    let at = rest.iter().position(|&octet| octet == 0).filter(|&at| at >= 8)?;
    Some(rest[at + 1..].to_vec())
}
