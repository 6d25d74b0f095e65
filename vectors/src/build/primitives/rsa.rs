//! RSA and EME-OAEP with every part selectable.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use md5::Md5;
use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use sha2::{Sha384, Sha512};

use super::der::{self, Spki};
use super::sha256;

/// An RSA public key, acceptable or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Modulus.
    pub n: BigUint,
    /// Public exponent.
    pub e: u32,
}

impl PublicKey {
    /// Octets of the modulus (k).
    #[must_use]
    pub fn size(&self) -> usize {
        usize::try_from(self.n.bits().div_ceil(8)).unwrap_or_else(|_| unreachable!("small"))
    }

    /// DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        Spki::new(&self.n, self.e).octets()
    }

    /// The public operation: `m^e mod n`, k octets.
    #[must_use]
    pub fn raw(&self, m: &[u8]) -> Vec<u8> {
        let c = BigUint::from_bytes_be(m).modpow(&BigUint::from(self.e), &self.n);
        to_octets(&c, self.size())
    }

    /// The encryption of `message` under the given padding.
    #[must_use]
    pub fn encrypt(&self, padding: &Oaep, message: &[u8]) -> Vec<u8> {
        self.raw(&padding.encode(self.size(), message))
    }
}

/// An RSA private key with two primes.
#[derive(Debug, Clone)]
pub struct PrivateKey {
    /// Its public key.
    pub public: PublicKey,
    /// The PKCS#8 document that it was read from.
    pub pkcs8: Vec<u8>,
    p: BigUint,
    q: BigUint,
    dp: BigUint,
    dq: BigUint,
    qinv: BigUint,
}

impl PrivateKey {
    /// Reads PKCS#8 in DER; `None` if it is none.
    #[must_use]
    pub fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let [_, n, e, _, p, q, dp, dq, qinv] =
            <[BigUint; 9]>::try_from(der::private_key_integers(pkcs8)?).ok()?;
        let e = u32::try_from(e).ok()?;
        Some(Self { public: PublicKey { n, e }, pkcs8: pkcs8.to_vec(), p, q, dp, dq, qinv })
    }

    /// Reads PKCS#8 in PEM, with any text before it.
    #[must_use]
    pub fn from_pem(pem: &str) -> Option<Self> {
        let (_, der) = pem_rfc7468::decode_vec(pem.as_bytes()).ok()?;
        Self::from_pkcs8(&der)
    }

    /// The private operation: `c^d mod n`, k octets.
    #[must_use]
    pub fn raw(&self, c: &[u8]) -> Vec<u8> {
        let c = BigUint::from_bytes_be(c);
        let m1 = power(&(&c % &self.p), &self.dp, &self.p);
        let m2 = power(&(&c % &self.q), &self.dq, &self.q);
        let difference = (m1 + &self.p - (&m2 % &self.p)) % &self.p;
        let m = m2 + (difference * &self.qinv % &self.p) * &self.q;
        to_octets(&m, self.public.size())
    }

    /// RSAES-OAEP-DECRYPT as the specification wants it; `None` for any failure.
    #[must_use]
    pub fn open(&self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let size = self.public.size();
        if ciphertext.len() != size || BigUint::from_bytes_be(ciphertext) >= self.public.n {
            return None;
        }
        decode_oaep(&self.raw(ciphertext))
    }
}

/// `base^exponent mod prime`. The judge opens what shims encrypt, so this is most of its work, and
/// crypto-bigint is faster at it than num-bigint.
fn power(base: &BigUint, exponent: &BigUint, prime: &BigUint) -> BigUint {
    let fixed = |value: &BigUint| {
        let octets = prime.to_bytes_be().len();
        let bits = u32::try_from(octets * 8).unwrap_or_else(|_| unreachable!("a short prime"));
        let value = value.to_bytes_be();
        BoxedUint::from_be_slice(&value, bits).unwrap_or_else(|_| unreachable!("below the prime"))
    };
    let odd = Option::from(Odd::new(fixed(prime)));
    let params = BoxedMontyParams::new_vartime(odd.unwrap_or_else(|| unreachable!("not 2")));
    let power = BoxedMontyForm::new(fixed(base), &params).pow(&fixed(exponent));
    BigUint::from_bytes_be(&power.retrieve().to_be_bytes())
}

/// A hash function of OAEP or of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// MD5, 16 octets.
    Md5,
    /// SHA-1, 20 octets.
    Sha1,
    /// SHA-256, 32 octets.
    Sha256,
    /// SHA-384, 48 octets.
    Sha384,
    /// SHA-512, 64 octets.
    Sha512,
}

impl Hash {
    /// The digest of `octets`.
    #[must_use]
    pub fn of(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => Md5::digest(octets).to_vec(),
            Self::Sha1 => Sha1::digest(octets).to_vec(),
            Self::Sha256 => sha256(&[octets]).to_vec(),
            Self::Sha384 => Sha384::digest(octets).to_vec(),
            Self::Sha512 => Sha512::digest(octets).to_vec(),
        }
    }
}

/// How EME-OAEP (RFC 8017, section 7.1.1) encodes; [`Oaep::new`] is what the specification wants.
#[derive(Debug, Clone)]
pub struct Oaep {
    /// Hash of the label; its size is that of the seed.
    pub hash: Hash,
    /// Hash within MGF1.
    pub mgf_hash: Hash,
    /// The label.
    pub label: Vec<u8>,
    /// The seed, as long as a hash.
    pub seed: Vec<u8>,
    /// The first octet of the encoded message.
    pub first: u8,
    /// The octet between padding and message.
    pub separator: u8,
    /// An octet of the padding string, normally zero.
    pub padding: u8,
    /// XORed with the hash of the label.
    pub lhash_xor: Vec<u8>,
}

impl Oaep {
    /// SHA-1, MGF1 with SHA-1, the empty label, and this seed of 20 octets.
    #[must_use]
    pub fn new(seed: &[u8]) -> Self {
        Self {
            hash: Hash::Sha1,
            mgf_hash: Hash::Sha1,
            label: Vec::new(),
            seed: seed.to_vec(),
            first: 0,
            separator: 1,
            padding: 0,
            lhash_xor: Vec::new(),
        }
    }

    /// The encoded message, `size` octets.
    ///
    /// # Panics
    /// If the message is too long for `size`.
    #[must_use]
    pub fn encode(&self, size: usize, message: &[u8]) -> Vec<u8> {
        let mut lhash = self.hash.of(&self.label);
        let h = lhash.len();
        assert!(self.seed.len() == h, "a seed of {h} octets");
        assert!(message.len() + 2 * h + 2 <= size, "the message fits");
        for (octet, xor) in lhash.iter_mut().zip(&self.lhash_xor) {
            *octet ^= xor;
        }
        let mut db = lhash;
        db.resize(size - h - 2 - message.len(), self.padding);
        db.push(self.separator);
        db.extend(message);
        xor(&mut db, &mgf1(self.mgf_hash, &self.seed, size - h - 1));
        let mut seed = self.seed.clone();
        xor(&mut seed, &mgf1(self.mgf_hash, &db, h));
        [vec![self.first], seed, db].concat()
    }
}

/// The message of an encoded message with SHA-1, MGF1-SHA-1 and the empty label.
fn decode_oaep(encoded: &[u8]) -> Option<Vec<u8>> {
    let (&0, rest) = encoded.split_first()? else { return None };
    let (seed, db) = rest.split_at_checked(20)?;
    let (mut seed, mut db) = (seed.to_vec(), db.to_vec());
    xor(&mut seed, &mgf1(Hash::Sha1, &db, 20));
    xor(&mut db, &mgf1(Hash::Sha1, &seed, encoded.len() - 21));
    let padding = db.strip_prefix(&*Hash::Sha1.of(&[]))?;
    let separator = padding.iter().position(|octet| *octet != 0)?;
    (padding[separator] == 1).then(|| padding[separator + 1..].to_vec())
}

/// EME-PKCS1-v1_5 (RFC 8017, section 7.2.1), with padding octets from `filler` (none zero).
#[must_use]
pub fn pkcs1_v15(size: usize, message: &[u8], filler: &[u8]) -> Vec<u8> {
    let filler = filler.iter().filter(|octet| **octet != 0).cycle();
    let mut encoded = vec![0, 2];
    encoded.extend(filler.take(size - message.len() - 3));
    encoded.push(0);
    encoded.extend(message);
    encoded
}

/// `value` in exactly `size` octets.
///
/// # Panics
/// If it is larger.
#[must_use]
pub fn to_octets(value: &BigUint, size: usize) -> Vec<u8> {
    let octets = value.to_bytes_be();
    assert!(octets.len() <= size, "a value of {size} octets");
    let mut out = vec![0; size - octets.len()];
    out.extend(octets);
    out
}

pub(crate) fn mgf1(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    let mut mask = Vec::new();
    for counter in 0_u32.. {
        if mask.len() >= length {
            break;
        }
        mask.extend(hash.of(&[seed, &counter.to_be_bytes()].concat()));
    }
    mask.truncate(length);
    mask
}

fn xor(octets: &mut [u8], mask: &[u8]) {
    for (octet, mask) in octets.iter_mut().zip(mask) {
        *octet ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::keys;

    #[test]
    fn opens_what_it_encrypts_for_every_size() {
        for key in [keys::k4425(), keys::k4480_a(), keys::k4552_a()] {
            let ciphertext = key.public.encrypt(&Oaep::new(&[7; 20]), b"message");
            assert_eq!(key.open(&ciphertext).as_deref(), Some(&b"message"[..]));
            assert_eq!(key.open(&ciphertext[1..]), None);
            let mut first = Oaep::new(&[7; 20]);
            first.first = 1;
            assert_eq!(key.open(&key.public.encrypt(&first, b"message")), None);
        }
    }
}
