//! The one encoding of an RSA public key with exponent 65537.
//!
//! ```text
//! 30 82 LL LL                      SEQUENCE SubjectPublicKeyInfo
//!   30 0d 06 09 2a864886f70d010101 05 00    rsaEncryption, NULL
//!   03 82 LL LL 00                   BIT STRING, no unused bits
//!     30 82 LL LL                      SEQUENCE RSAPublicKey
//!       02 82 LL LL  n                   INTEGER, one 00 first iff the top bit of n is set
//!       02 03 01 00 01                   INTEGER 65537
//! ```
//!
//! For 4425..=8192 bits every length takes two octets, so everything but n stands at a fixed place.
//! Reading takes n from there, writes the encoding of that n and compares all octets: a second encoding
//! of a key does not exist for this code.

use crate::wire::{DecodeError, Problem, Reader};

/// Fewest octets of an SPKI that is accepted (4425 bits).
pub(crate) const SPKI_MIN: usize = 591;

/// Octets before n.
const HEADER: usize = 32;
const ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
const EXPONENT: [u8; 5] = [0x02, 0x03, 0x01, 0x00, 0x01];

/// The modulus of `spki`, big-endian without leading zero octets: odd, 4425..=8192 bits.
pub(crate) fn modulus(spki: &[u8]) -> Result<&[u8], DecodeError> {
    let error = |field, offset, expected, requirement| DecodeError {
        field,
        offset,
        problem: Problem::Invalid(expected),
        requirement,
    };
    let mut reader = Reader::new(spki, "HS-003");
    reader.slice("SPKI.sequence", 4)?;
    // spec: HS-010
    if *reader.slice("SPKI.algorithm", ALGORITHM.len())? != ALGORITHM {
        return Err(error("SPKI.algorithm", 4, "rsaEncryption with NULL", "HS-010"));
    }
    reader.slice("SPKI.subjectPublicKey", 9)?;
    let &[_, _, high, low] = reader.array("SPKI.modulus.length")?;
    let integer = reader.slice("SPKI.modulus", usize::from(u16::from_be_bytes([high, low])))?;
    let exponent = reader.rest();
    // spec: HS-009
    let n = match integer {
        [0, n @ ..] => n,
        [0x80..=0xff, ..] => {
            return Err(error("SPKI.modulus", HEADER, "a positive integer", "HS-009"));
        }
        n => n,
    };
    if n.iter().all(|octet| *octet == 0) {
        return Err(error("SPKI.modulus", HEADER, "a positive integer", "HS-009"));
    }
    let [first, .., last] = n else {
        return Err(error("SPKI.modulus", HEADER, "a modulus of 4425 bits or more", "HS-005"));
    };
    // spec: HS-011; a zero octet too many before n
    if *first == 0 {
        return Err(error("SPKI.modulus", HEADER, "no superfluous leading octet", "HS-011"));
    }
    let bits = n.len() * 8 - first.leading_zeros() as usize;
    // spec: HS-005
    if bits < 4425 {
        return Err(error("SPKI.modulus", HEADER, "a modulus of 4425 bits or more", "HS-005"));
    }
    // spec: HS-006
    if bits > 8192 {
        return Err(error("SPKI.modulus", HEADER, "a modulus of 8192 bits or fewer", "HS-006"));
    }
    // spec: HS-007
    if last & 1 == 0 {
        return Err(error("SPKI.modulus", HEADER, "an odd modulus", "HS-007"));
    }
    // spec: HS-008; what follows a right exponent is caught below
    if !exponent.starts_with(&EXPONENT) {
        let offset = HEADER + integer.len();
        return Err(error("SPKI.exponent", offset, "the exponent 65537", "HS-008"));
    }
    // spec: HS-003, HS-011
    if spki != encode(n) {
        return Err(error("SPKI", 0, "the DER encoding of its own modulus", "HS-011"));
    }
    Ok(n)
}

/// The SPKI of modulus `n`, big-endian without leading zero octets, at most 1024 octets.
pub(crate) fn encode(n: &[u8]) -> Vec<u8> {
    let sign = usize::from(n.first().is_some_and(|octet| octet & 0x80 != 0));
    let integer = n.len() + sign;
    let mut out = Vec::with_capacity(HEADER + integer + EXPONENT.len());
    let header = |tag, content: usize| {
        let [.., high, low] = content.to_be_bytes();
        [tag, 0x82, high, low]
    };
    let key = 4 + integer + EXPONENT.len();
    out.extend(header(0x30, ALGORITHM.len() + 5 + 4 + key));
    out.extend(ALGORITHM);
    out.extend(header(0x03, 1 + 4 + key));
    out.push(0);
    out.extend(header(0x30, key));
    out.extend(header(0x02, integer));
    out.extend(core::iter::repeat_n(0, sign));
    out.extend(n);
    out.extend(EXPONENT);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_the_field_and_its_place() {
        // The top bit of the modulus is set: 569 octets of INTEGER.
        let spki = encode(&[0xff; 568]);
        assert_eq!(modulus(&spki), Ok(&[0xff; 568][..]));
        let places = [
            (5, "SPKI.algorithm", 4, "HS-010"),
            (32 + 568, "SPKI.modulus", 32, "HS-007"),
            (32 + 569 + 4, "SPKI.exponent", 32 + 569, "HS-008"),
        ];
        for (octet, field, offset, requirement) in places {
            let mut changed = spki.clone();
            changed[octet] ^= 1;
            let error = modulus(&changed).unwrap_err();
            assert_eq!(
                (error.field, error.offset, error.requirement),
                (field, offset, requirement)
            );
        }
    }
}
