//! RSA public keys as SPKI: section 3.2 of the specification.

use num_bigint::BigUint;
use serde_json::{Value, json};
use tunnelproof_vectors::build::primitives::der::{
    INTEGER, Length, NULL, OCTET_STRING, OID, RSA_ENCRYPTION, SEQUENCE, Spki, algorithm, element,
};

use super::values::{hex, mutated};
use crate::fuzz::rng::{Flaws, Rng};

/// Sizes that are accepted, in bits.
const SIZES: [u64; 14] =
    [4425, 4426, 4431, 4432, 4433, 4480, 4551, 4552, 4553, 4608, 6144, 8064, 8191, 8192];
/// Sizes that are not.
const BAD_SIZES: [u64; 16] =
    [1, 2, 8, 512, 1024, 2048, 3072, 4096, 4416, 4423, 4424, 4424, 8193, 8193, 8200, 16_384];

/// `hs.spki`.
pub fn spki(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let bits = if rng.once_in(2) { rng.one(&SIZES) } else { rng.within(4425, 8192) };
    let n = modulus(rng, bits);
    json!({ "spki": hex(&spoilt(flaws, &n)) })
}

/// The encoding of `n`, or nearly.
pub fn spoilt(flaws: &mut Flaws, n: &BigUint) -> Vec<u8> {
    let mut spki = Spki::new(n, 65537);
    if let Some(mut rng) = flaws.hits(3, "the modulus is of another size") {
        let bits = rng.one(&BAD_SIZES);
        spki = Spki::new(&modulus(&mut rng, bits), 65537);
    }
    if let Some(mut rng) = flaws.hits(3, "the modulus is even, zero, negative or padded") {
        match rng.below(5) {
            0 => spki = Spki::new(&(n - 1_u8), 65537),
            1 => spki.modulus = vec![0],
            2 => {
                let mut negative = n.clone();
                negative.set_bit(n.bits().next_multiple_of(8) - 1, true);
                spki.modulus = negative.to_bytes_be();
            }
            3 => spki.modulus.insert(0, 0),
            _ => spki.modulus.clear(),
        }
    }
    if let Some(mut rng) = flaws.hits(3, "the exponent is not 65537") {
        spki.exponent = match rng.below(4) {
            0 => vec![0, 1, 0, 1],
            1 => vec![0xff, 0, 1],
            2 => vec![1, 0, 0, 0, 1],
            _ => {
                let e = rng.one(&[0, 1, 2, 3, 17, 257, 65_535, 65_536, 65_539, u32::MAX]);
                Spki::new(n, e).exponent
            }
        };
    }
    if let Some(mut rng) = flaws.hits(5, "the algorithm is another, or has other parameters") {
        spki.algorithm = other_algorithm(&mut rng);
    }
    if let Some(mut rng) = flaws.hits(2, "bits are unused") {
        spki.unused = rng.one(&[&[1][..], &[7], &[8], &[0xff], &[], &[0, 0]]).to_vec();
    }
    left_over(flaws, &mut spki);
    if let Some(mut rng) = flaws.hits(6, "a length is encoded otherwise") {
        let length = rng.one(&[
            Length::Longer(1),
            Length::Longer(1),
            Length::Longer(2),
            Length::Longer(5),
            Length::Indefinite,
            Length::Indefinite,
            Length::Off(1),
            Length::Off(-1),
        ]);
        // Of nested lengths also all at once, as BER writers do.
        let all = rng.once_in(5);
        let at = rng.below(5);
        for (i, place) in spki.lengths.iter_mut().enumerate() {
            if i == at || (all && i < 3) {
                *place = length;
            }
        }
    }
    if let Some(mut rng) = flaws.hits(3, "a tag is another") {
        let at = rng.below(5);
        spki.tags[at] = match rng.below(3) {
            0 => spki.tags[at] ^ 0x20,
            1 => rng.one(&[SEQUENCE, INTEGER, OCTET_STRING, 0x31, 0xa0, 0]),
            _ => rng.octet(),
        };
    }
    if let Some(mut rng) = flaws.hits(2, "it is in another format") {
        return match rng.below(4) {
            0 | 1 => spki.pkcs1(),
            2 => element(OCTET_STRING, &spki.octets()),
            _ => hex::encode(spki.octets()).into_bytes(),
        };
    }
    let octets = spki.octets();
    if let Some(mut rng) = flaws.hits(2, "its header is altered") {
        let header = mutated(&mut rng, &octets[..33.min(octets.len())]);
        return [&header[..], octets.get(33..).unwrap_or_default()].concat();
    }
    match flaws.hits(2, "its octets are altered") {
        Some(mut rng) => mutated(&mut rng, &octets),
        None => octets,
    }
}

/// An odd number of so many bits; nobody has a private key for it.
pub fn modulus(rng: &mut Rng, bits: u64) -> BigUint {
    let length = usize::try_from(bits.div_ceil(8)).unwrap_or(0);
    let octets = if rng.once_in(8) { vec![0xff; length] } else { rng.octets(length) };
    let mut n = BigUint::from_bytes_be(&octets);
    for bit in bits..bits.next_multiple_of(8) {
        n.set_bit(bit, false);
    }
    n.set_bit(bits - 1, true);
    n.set_bit(0, true);
    n
}

fn other_algorithm(rng: &mut Rng) -> Vec<u8> {
    let null = element(NULL, &[]);
    let mut oid = RSA_ENCRYPTION.to_vec();
    match rng.below(9) {
        0 => algorithm(&oid, &[]),
        1 => algorithm(&oid, &element(SEQUENCE, &[])),
        2 => algorithm(&oid, &[0x05, 0x81, 0x00]),
        3 => algorithm(&oid, &element(NULL, &[0])),
        4 => algorithm(&oid, &[&null[..], &null].concat()),
        5 => {
            // RSAES-OAEP, id-RSASSA-PSS, md5WithRSAEncryption and their neighbours.
            oid[8] = rng.one(&[0, 2, 4, 5, 7, 10, 11]);
            algorithm(&oid, &null)
        }
        6 => algorithm(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01], &null), // id-ecPublicKey
        7 => element(SEQUENCE, &[element(OID, &oid), null, rng.octets(2)].concat()),
        _ => Vec::new(),
    }
}

/// Octets that are left over on every level.
fn left_over(flaws: &mut Flaws, spki: &mut Spki) {
    let places = [&mut spki.after_exponent, &mut spki.after_key, &mut spki.after_bits];
    for place in places {
        if let Some(mut rng) = flaws.hits(2, "octets are left over within it") {
            *place =
                rng.one(&[&[0][..], &[0, 0], &[0x05, 0x00], &[0x02, 0x01, 0x00], &[0xff]]).to_vec();
        }
    }
}
