//! SubjectPublicKeyInfo.

use ::spki::SubjectPublicKeyInfoRef;
use ::spki::der::asn1::AnyRef;
use ::spki::der::{Decode, Encode};
use pkcs1::RsaPublicKeyRef;
use secure_tunnel::RsaPublic;
use serde_json::json;

use crate::Verdict;
use crate::agree::agree;

/// 1.2.840.113549.1.1.1, the contents of its OBJECT IDENTIFIER.
const RSA_ENCRYPTION: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// Any octets as an SPKI.
///
/// A general DER library accepts more: parameters left out, other algorithms, exponents and sizes. Those
/// are the only differences that are tolerated, and each is looked for by itself.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let answer = agree("hs.spki", json!({ "spki": hex::encode(data) }));
    let modulus = second_reader(data);
    match RsaPublic::from_spki(data) {
        Ok(key) => {
            let n = modulus.unwrap_or_else(|| panic!("the second reader refuses it"));
            assert_eq!(key.spki(), data, "one encoding only");
            assert_eq!(encode(&n), data, "written again it is the same");
            assert_eq!(usize::try_from(key.bits()), Ok(bits(&n)));
            assert_eq!(key.size(), n.len());
            assert!((591..=1062).contains(&data.len()));
            assert!((554..=1024).contains(&key.size()));
            format!("ok {}", key.bits())
        }
        Err(error) => {
            assert_eq!(modulus, None, "the second reader accepts it, but: {error}");
            assert_eq!(answer.code(), "bad_key");
            error.requirement.to_owned()
        }
    }
}

/// The modulus, without leading zeros, by a general DER library and the rules of section 3.2.
fn second_reader(data: &[u8]) -> Option<Vec<u8>> {
    let info = SubjectPublicKeyInfoRef::from_der(data).ok()?;
    let parameters_are_null = info.algorithm.parameters == Some(AnyRef::NULL);
    // The library accepts arcs with superfluous octets and keeps them, so octets are compared.
    if info.algorithm.oid.as_bytes() != RSA_ENCRYPTION || !parameters_are_null {
        return None;
    }
    let inner = info.subject_public_key.as_bytes()?;
    let key = RsaPublicKeyRef::from_der(inner).ok()?;
    let n = key.modulus.as_bytes();
    let right = key.public_exponent.as_bytes() == [1, 0, 1]
        && (4425..=8192).contains(&bits(n))
        && n.last().is_some_and(|last| last & 1 == 1);
    // Each is written again by itself: the outer one carries the inner one as it is.
    if !right || info.to_der().ok()?.as_slice() != data || key.to_der().ok()? != inner {
        return None;
    }
    Some(n.to_vec())
}

fn bits(n: &[u8]) -> usize {
    n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize)
}

/// The encoding as section 3.2 draws it.
fn encode(n: &[u8]) -> Vec<u8> {
    let sign = usize::from(n[0] >= 0x80);
    let element = |head: &[u8], contents: &[u8]| {
        let [.., high, low] = contents.len().to_be_bytes();
        [&[head[0], 0x82, high, low], contents].concat()
    };
    let integer = element(&[0x02], &[vec![0; sign], n.to_vec()].concat());
    let key = element(&[0x30], &[&integer[..], &[0x02, 3, 1, 0, 1]].concat());
    let bit_string = element(&[0x03], &[&[0], &key[..]].concat());
    let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    element(&[0x30], &[&algorithm[..], &bit_string].concat())
}
