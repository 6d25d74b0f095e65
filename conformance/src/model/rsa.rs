//! RSA itself: keys and the two raw operations. Nothing here can have a bug, so results are kept and shared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use num_bigint::BigUint;

use super::Model;
use super::der::Der;
use super::refusal::{Result, fault};

/// A public key, acceptable or not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PublicKey {
    pub n: BigUint,
    pub e: BigUint,
}

/// A private key (RFC 8017, appendix A.1.2), with what the Chinese remainder theorem needs.
#[derive(Debug, PartialEq)]
pub(super) struct PrivateKey {
    pub public: PublicKey,
    p: BigUint,
    q: BigUint,
    d_p: BigUint,
    d_q: BigUint,
    q_inverse: BigUint,
}

/// Parsed private keys and results of private operations; both are functions of octets alone.
#[derive(Default)]
pub struct Cache {
    keys: Mutex<HashMap<Vec<u8>, Arc<PrivateKey>>>,
    opened: Mutex<HashMap<(BigUint, BigUint), BigUint>>,
}

impl PublicKey {
    /// The length of the modulus in octets, `k` of the specification.
    pub(super) fn octets(&self) -> usize {
        usize::try_from(self.n.bits().div_ceil(8)).unwrap_or(usize::MAX)
    }

    /// RSAEP: the octets of `message^e mod n`, as many as the modulus has.
    pub(super) fn encrypt(&self, message: &[u8]) -> Vec<u8> {
        if self.n.bits() == 0 {
            return Vec::new(); // a key that only a bug lets in
        }
        let value = BigUint::from_bytes_be(message).modpow(&self.e, &self.n);
        padded(&value, self.octets())
    }
}

impl Model {
    /// Reads a PKCS#8 private key of a request.
    pub(super) fn private_key(&self, pkcs8: &[u8]) -> Result<Arc<PrivateKey>> {
        let mut keys = self.cache.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(pkcs8) {
            return Ok(Arc::clone(key));
        }
        let key = self.parse_pkcs8(pkcs8).ok_or_else(|| fault("private_key is not PKCS#8"))?;
        let key = Arc::new(key);
        keys.insert(pkcs8.to_vec(), Arc::clone(&key));
        Ok(key)
    }

    fn parse_pkcs8(&self, octets: &[u8]) -> Option<PrivateKey> {
        let mut info = Der::new(octets).element(0x30, self)?;
        info.element(0x02, self)?; // version
        info.element(0x30, self)?; // algorithm
        let mut key = info.element(0x04, self)?.element(0x30, self)?;
        key.element(0x02, self)?; // version
        let mut number = || {
            let octets = key.element(0x02, self)?.octets;
            Some(BigUint::from_bytes_be(octets))
        };
        let public = PublicKey { n: number()?, e: number()? };
        let _d = number()?;
        let (p, q, d_p, d_q) = (number()?, number()?, number()?, number()?);
        Some(PrivateKey { public, p, q, d_p, d_q, q_inverse: number()? })
    }

    /// RSADP: the octets of `ciphertext^d mod n`; the ciphertext's value must be below the modulus.
    pub(super) fn decrypt_raw(&self, key: &PrivateKey, ciphertext: BigUint) -> Vec<u8> {
        let id = (key.public.n.clone(), ciphertext);
        let known = {
            let opened = self.cache.opened.lock().unwrap_or_else(PoisonError::into_inner);
            opened.get(&id).cloned()
        };
        let message = known.unwrap_or_else(|| {
            let message = key.private_operation(&id.1);
            let mut opened = self.cache.opened.lock().unwrap_or_else(PoisonError::into_inner);
            opened.insert(id, message.clone());
            message
        });
        padded(&message, key.public.octets())
    }
}

impl PrivateKey {
    fn private_operation(&self, c: &BigUint) -> BigUint {
        let m_p = c.modpow(&self.d_p, &self.p);
        let m_q = c.modpow(&self.d_q, &self.q);
        // h = (m_p - m_q) / q mod p, without going below zero.
        let difference = m_p + &self.p - (&m_q % &self.p);
        let h = (&self.q_inverse * difference) % &self.p;
        m_q + h * &self.q
    }
}

fn padded(value: &BigUint, length: usize) -> Vec<u8> {
    let octets = value.to_bytes_be();
    let zeros = length.saturating_sub(octets.len());
    [vec![0; zeros], octets].concat()
}
