//! DER as a writer of any tag, length and order, and just enough of a reader for the test keys.

use num_bigint::BigUint;

/// OBJECT IDENTIFIER 1.2.840.113549.1.1.1, rsaEncryption: the contents.
pub const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Tag of INTEGER.
pub const INTEGER: u8 = 0x02;
/// Tag of BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// Tag of OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// Tag of NULL.
pub const NULL: u8 = 0x05;
/// Tag of OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// Tag of SEQUENCE, constructed.
pub const SEQUENCE: u8 = 0x30;
/// Tag of SET, constructed.
pub const SET: u8 = 0x31;

/// How the length of an element is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// As DER wants it.
    Minimal,
    /// With this many length octets more than needed: 1 turns `0d` into `81 0d`.
    Longer(usize),
    /// `80`, and two zero octets after the contents.
    Indefinite,
    /// A length that is this much more or less than the contents.
    Off(isize),
}

/// Tag, length and contents.
#[must_use]
pub fn element_with(tag: u8, length: Length, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match length {
        Length::Minimal => put_length(&mut out, contents.len()),
        Length::Longer(more) => {
            let octets = length_octets(contents.len());
            let needed = if contents.len() < 0x80 { 0 } else { octets.len() };
            let count = needed + more;
            out.push(0x80 | u8::try_from(count).unwrap_or_else(|_| unreachable!("few octets")));
            out.extend(std::iter::repeat_n(0, count - octets.len()));
            out.extend(octets);
        }
        Length::Indefinite => out.push(0x80),
        Length::Off(by) => put_length(&mut out, contents.len().saturating_add_signed(by)),
    }
    out.extend(contents);
    if length == Length::Indefinite {
        out.extend([0, 0]);
    }
    out
}

/// Tag, length and contents in DER.
#[must_use]
pub fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    element_with(tag, Length::Minimal, contents)
}

/// INTEGER of a non-negative value.
#[must_use]
pub fn integer(value: &BigUint) -> Vec<u8> {
    element(INTEGER, &integer_contents(value))
}

/// The contents of a non-negative INTEGER: a zero octet first iff the top bit is set.
#[must_use]
pub fn integer_contents(value: &BigUint) -> Vec<u8> {
    let mut contents = value.to_bytes_be();
    if contents[0] >= 0x80 {
        contents.insert(0, 0);
    }
    contents
}

/// SubjectPublicKeyInfo whose parts can each be replaced; [`Spki::new`] gives the right ones.
#[derive(Debug, Clone)]
pub struct Spki {
    /// Contents of the modulus.
    pub modulus: Vec<u8>,
    /// Contents of the exponent.
    pub exponent: Vec<u8>,
    /// The AlgorithmIdentifier, with tag and length.
    pub algorithm: Vec<u8>,
    /// The octet of unused bits.
    pub unused: Vec<u8>,
    /// Octets after the exponent, within RSAPublicKey.
    pub after_exponent: Vec<u8>,
    /// Octets after RSAPublicKey, within the BIT STRING.
    pub after_key: Vec<u8>,
    /// Octets after the BIT STRING, within SubjectPublicKeyInfo.
    pub after_bits: Vec<u8>,
    /// Lengths of SubjectPublicKeyInfo, BIT STRING, RSAPublicKey, modulus and exponent.
    pub lengths: [Length; 5],
    /// Tags of the same.
    pub tags: [u8; 5],
}

impl Spki {
    /// The parts of the encoding of `(n, e)`.
    #[must_use]
    pub fn new(n: &BigUint, e: u32) -> Self {
        Self {
            modulus: integer_contents(n),
            exponent: integer_contents(&BigUint::from(e)),
            algorithm: algorithm(RSA_ENCRYPTION, &element(NULL, &[])),
            unused: vec![0],
            after_exponent: Vec::new(),
            after_key: Vec::new(),
            after_bits: Vec::new(),
            lengths: [Length::Minimal; 5],
            tags: [SEQUENCE, BIT_STRING, SEQUENCE, INTEGER, INTEGER],
        }
    }

    /// The octets of RSAPublicKey, what PKCS#1 calls a public key.
    #[must_use]
    pub fn pkcs1(&self) -> Vec<u8> {
        let mut contents = element_with(self.tags[3], self.lengths[3], &self.modulus);
        contents.extend(element_with(self.tags[4], self.lengths[4], &self.exponent));
        contents.extend(&self.after_exponent);
        element_with(self.tags[2], self.lengths[2], &contents)
    }

    /// All octets.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        let mut bits = self.unused.clone();
        bits.extend(self.pkcs1());
        bits.extend(&self.after_key);
        let mut contents = self.algorithm.clone();
        contents.extend(element_with(self.tags[1], self.lengths[1], &bits));
        contents.extend(&self.after_bits);
        element_with(self.tags[0], self.lengths[0], &contents)
    }
}

/// AlgorithmIdentifier of an OID's contents and the encoded parameters.
#[must_use]
pub fn algorithm(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[element(OID, oid), parameters.to_vec()].concat())
}

/// The integers of the RSAPrivateKey in a PKCS#8 document: version, n, e, d, p, q, dp, dq, qinv.
#[must_use]
pub fn private_key_integers(pkcs8: &[u8]) -> Option<Vec<BigUint>> {
    let (_, outer, _) = take(pkcs8)?;
    let (_, _version, rest) = take(outer)?;
    let (_, _algorithm, rest) = take(rest)?;
    let (_, key, _) = take(rest)?;
    let (_, mut rest, _) = take(key)?;
    let mut integers = Vec::new();
    while !rest.is_empty() {
        let (tag, contents, after) = take(rest)?;
        if tag != INTEGER {
            return None;
        }
        integers.push(BigUint::from_bytes_be(contents));
        rest = after;
    }
    (integers.len() == 9).then_some(integers)
}

/// Tag, contents and what follows.
fn take(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let octets = rest.get(..count)?;
        (octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), &rest[count..])
    };
    Some((tag, rest.get(..length)?, &rest[length..]))
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    let octets = length_octets(length);
    if length >= 0x80 {
        out.push(0x80 | u8::try_from(octets.len()).unwrap_or_else(|_| unreachable!("few octets")));
    }
    out.extend(octets);
}

/// Big-endian without leading zero octets, at least one octet.
fn length_octets(length: usize) -> Vec<u8> {
    BigUint::from(length).to_bytes_be()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_spki_starts_as_the_specification_shows() {
        let n = (BigUint::from(1_u8) << 4551) + 1_u8;
        let spki = Spki::new(&n, 65537).octets();
        assert_eq!(spki.len(), 607);
        assert_eq!(
            hex::encode(&spki[..33]),
            "3082025b300d06092a864886f70d01010105000382024800308202430282023a00"
        );
        assert_eq!(hex::encode(&spki[602..]), "0203010001");
    }

    #[test]
    fn lengths_of_every_kind() {
        assert_eq!(element(4, &[7]), [4, 1, 7]);
        assert_eq!(element_with(4, Length::Longer(1), &[7]), [4, 0x81, 1, 7]);
        assert_eq!(element_with(4, Length::Longer(2), &[7]), [4, 0x82, 0, 1, 7]);
        assert_eq!(element_with(4, Length::Longer(1), &[9; 200])[..4], [4, 0x82, 0, 200]);
        assert_eq!(element_with(4, Length::Indefinite, &[7]), [4, 0x80, 7, 0, 0]);
        assert_eq!(element_with(4, Length::Off(-1), &[7, 8]), [4, 1, 7, 8]);
    }
}
