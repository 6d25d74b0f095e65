//! RSA public keys on the wire: the specification, section 3.2.

use num_bigint::BigUint;
use serde_json::{Map, Value};

use super::der::{Der, element, integer};
use super::refusal::{Result, check, trap};
use super::rsa::PublicKey;
use super::{Bug, Model, out};
use crate::shim_server::Input;

const RSA_ENCRYPTION: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

impl Model {
    pub(super) fn hs_spki(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let key = self.spki(&input.octets("spki")?)?;
        Ok(out([("bits", key.n.bits().into()), ("octets", key.octets().into())]))
    }

    /// Reads and checks an SPKI; every fault is `bad_key`.
    pub(super) fn spki(&self, octets: &[u8]) -> Result<PublicKey> {
        let Some(key) = self.parse_spki(octets) else {
            if self.bug(Bug::SpkiFaultTraps) {
                trap("called `Option::unwrap()` on a `None` value");
            }
            return Err(check("bad_key"));
        };
        if self.is_acceptable(&key) { Ok(key) } else { Err(check("bad_key")) }
    }

    fn parse_spki(&self, octets: &[u8]) -> Option<PublicKey> {
        if self.bug(Bug::SpkiPkcs1Accepted)
            && let Some(key) = self.rsa_public_key(&mut Der::new(octets))
        {
            return Some(key);
        }
        if self.bug(Bug::SpkiReadAtFixedPlaces) {
            let modulus = octets.get(33..octets.len().checked_sub(5)?)?;
            let (n, e) = (BigUint::from_bytes_be(modulus), BigUint::from(65537u32));
            return Some(PublicKey { n, e });
        }
        let mut whole = Der::new(octets);
        let mut spki = whole.element(0x30, self)?;
        self.algorithm(spki.element(0x30, self)?)?;
        let mut bits = spki.element(0x03, self)?;
        let (&unused, key) = bits.octets.split_first()?;
        bits.octets = key;
        let key = self.rsa_public_key(&mut bits)?;
        let good = (unused == 0 || self.bug(Bug::SpkiUnusedBitsIgnored))
            && (bits.is_empty() || self.bug(Bug::SpkiTailOfKeyAccepted))
            && (spki.is_empty() || self.bug(Bug::SpkiTailOfSequenceAccepted))
            && (whole.is_empty() || self.bug(Bug::SpkiTrailingOctetsAccepted));
        good.then_some(key)
    }

    /// HS-010.
    fn algorithm(&self, mut algorithm: Der<'_>) -> Option<()> {
        let oid = algorithm.element(0x06, self)?.octets;
        if oid != RSA_ENCRYPTION && !self.bug(Bug::SpkiAlgorithmIgnored) {
            return None;
        }
        if self.bug(Bug::SpkiParametersIgnored)
            || (algorithm.is_empty() && self.bug(Bug::SpkiMissingNullAccepted))
        {
            return Some(());
        }
        let null = algorithm.element(0x05, self)?;
        (null.is_empty() && algorithm.is_empty()).then_some(())
    }

    fn rsa_public_key(&self, octets: &mut Der<'_>) -> Option<PublicKey> {
        let mut key = octets.element(0x30, self)?;
        let n = self.unsigned(key.element(0x02, self)?.octets)?;
        let e = key.element(0x02, self)?.octets;
        let e = if self.bug(Bug::ExponentIgnored) {
            BigUint::from(65537u32)
        } else {
            self.unsigned(e)?
        };
        key.is_empty().then_some(PublicKey { n, e })
    }

    /// An INTEGER that has to be positive (HS-009) and in the fewest octets (HS-011).
    fn unsigned(&self, octets: &[u8]) -> Option<BigUint> {
        let &first = octets.first()?;
        let padded = first == 0 && octets.get(1).is_none_or(|&second| second < 0x80);
        if (first > 0x7f && !self.bug(Bug::SpkiNegativeIsUnsigned))
            || (padded && !self.bug(Bug::SpkiPaddedIntegerAccepted))
        {
            return None;
        }
        Some(BigUint::from_bytes_be(octets))
    }

    /// HS-004 to HS-008.
    fn is_acceptable(&self, key: &PublicKey) -> bool {
        let bits = key.n.bits();
        let shortest = if self.bug(Bug::ModulusLowerBoundMissing) {
            0
        } else if self.bug(Bug::Modulus4424Accepted) {
            4424
        } else {
            4425
        };
        let longest = if self.bug(Bug::ModulusUpperBoundMissing) {
            u64::MAX
        } else if self.bug(Bug::Modulus8193Accepted) {
            8193
        } else if self.bug(Bug::Modulus8192Refused) {
            8191
        } else {
            8192
        };
        let only_one_size = bits != 4552 && self.bug(Bug::ModulusOnly4552Accepted);
        let odd_size = !bits.is_multiple_of(8) && self.bug(Bug::ModulusOnlyWholeOctetsAccepted);
        let zero = bits == 0 && self.bug(Bug::ModulusLowerBoundMissing);
        let lax_even = zero || self.bug(Bug::ModulusEvenAccepted);
        (shortest..=longest).contains(&bits)
            && !only_one_size
            && !odd_size
            && (key.n.bit(0) || lax_even)
            && (bits.is_multiple_of(128) || !self.bug(Bug::ModulusOnlyMultiplesOf128Accepted))
            && (key.e == BigUint::from(65537u32) || self.bug(Bug::AnyExponentAccepted))
    }
}

/// The SPKI of a key.
pub(super) fn write_spki(key: &PublicKey) -> Vec<u8> {
    let numbers = [integer(&key.n.to_bytes_be()), integer(&key.e.to_bytes_be())].concat();
    let algorithm = [element(0x06, &RSA_ENCRYPTION), element(0x05, &[])].concat();
    let bits = [vec![0], element(0x30, &numbers)].concat();
    element(0x30, &[element(0x30, &algorithm), element(0x03, &bits)].concat())
}
