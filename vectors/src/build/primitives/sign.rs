//! Signatures of certificates: every algorithm that a vector has, also those that are refused.

use num_bigint::BigUint;
use p256::ecdsa::signature::hazmat::PrehashSigner;

use super::der::{self, BIT_STRING, INTEGER, NULL, OCTET_STRING, OID, SEQUENCE, element};
use super::ed25519::KeyPair;
use super::rsa::{Hash, PrivateKey, mgf1};
use super::{sha256, stream, stream_array};

/// A key of a certificate.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Ed25519(KeyPair),
    Rsa(&'static PrivateKey),
    /// A SubjectPublicKeyInfo; nothing is signed with it.
    Public(Vec<u8>),
}

/// A signature algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Ecdsa(Hash),
    /// RSASSA-PKCS1-v1_5.
    Pkcs1(Hash),
    /// RSASSA-PSS with the same hash in MGF1 and a salt of its length.
    Pss(Hash),
    /// RSASSA-PSS with SHA-256, any hash in MGF1 and a salt of so many octets.
    PssOdd(Hash, u8),
    Ed25519,
}

const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

impl Key {
    /// The key on P-256 that depends on the label alone.
    pub(crate) fn p256(label: &str) -> Self {
        let key = p256::ecdsa::SigningKey::from_slice(&stream(&format!("P-256: {label}"), 32));
        Self::P256(key.unwrap_or_else(|_| panic!("{label}: below the order")))
    }

    /// The key on P-384 that depends on the label alone.
    pub(crate) fn p384(label: &str) -> Self {
        let key = p384::ecdsa::SigningKey::from_slice(&stream(&format!("P-384: {label}"), 48));
        Self::P384(key.unwrap_or_else(|_| panic!("{label}: below the order")))
    }

    /// The Ed25519 key that depends on the label alone.
    pub(crate) fn ed25519(label: &str) -> Self {
        Self::Ed25519(KeyPair::new(stream_array(&format!("Ed25519: {label}"))))
    }

    /// AlgorithmIdentifier of keys on P-256.
    pub(crate) fn p256_algorithm() -> Vec<u8> {
        der::algorithm(EC_PUBLIC_KEY, &element(OID, P256))
    }

    /// AlgorithmIdentifier of keys on P-384.
    pub(crate) fn p384_algorithm() -> Vec<u8> {
        der::algorithm(EC_PUBLIC_KEY, &element(OID, P384))
    }

    /// A point of a curve, whose OID is given, in its uncompressed form.
    pub(crate) fn point(curve: &[u8], point: &[u8]) -> Self {
        Self::Public(spki(EC_PUBLIC_KEY, &element(OID, curve), point))
    }

    /// A key of an algorithm without parameters.
    pub(crate) fn octets(algorithm: &[u8], octets: &[u8]) -> Self {
        Self::Public(spki(algorithm, &[], octets))
    }

    /// SubjectPublicKeyInfo.
    pub(crate) fn spki(&self) -> Vec<u8> {
        let curve = |oid, point: &[u8]| spki(EC_PUBLIC_KEY, &element(OID, oid), point);
        match self {
            Self::P256(key) => curve(P256, &key.verifying_key().to_sec1_point(false).to_bytes()),
            Self::P384(key) => curve(P384, &key.verifying_key().to_sec1_point(false).to_bytes()),
            Self::Ed25519(key) => spki(ED25519, &[], &key.public),
            Self::Rsa(key) => key.public.spki(),
            Self::Public(spki) => spki.clone(),
        }
    }

    /// What subjectKeyIdentifier says: 20 octets.
    pub(crate) fn identifier(&self) -> Vec<u8> {
        sha256(&[&self.spki()])[..20].to_vec()
    }

    /// The algorithm that it signs with unless a vector says another.
    pub(crate) fn usual(&self) -> Algorithm {
        match self {
            Self::P256(_) => Algorithm::Ecdsa(Hash::Sha256),
            Self::P384(_) => Algorithm::Ecdsa(Hash::Sha384),
            Self::Ed25519(_) => Algorithm::Ed25519,
            Self::Rsa(_) => Algorithm::Pkcs1(Hash::Sha256),
            Self::Public(_) => panic!("a key that signs nothing"),
        }
    }

    /// The signature of `message`; the same each time.
    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        match (self, algorithm) {
            (Self::P256(key), Algorithm::Ecdsa(hash)) => {
                let signature: Result<p256::ecdsa::Signature, _> =
                    key.sign_prehash(&hash.of(message));
                signature.unwrap_or_else(|_| unreachable!("a digest")).to_der().as_bytes().to_vec()
            }
            (Self::P384(key), Algorithm::Ecdsa(hash)) => {
                let signature: Result<p384::ecdsa::Signature, _> =
                    key.sign_prehash(&hash.of(message));
                signature.unwrap_or_else(|_| unreachable!("a digest")).to_der().as_bytes().to_vec()
            }
            (Self::Ed25519(key), Algorithm::Ed25519) => key.sign(message).to_vec(),
            (Self::Rsa(key), Algorithm::Pkcs1(hash)) => {
                key.raw(&emsa_pkcs1(hash, key.public.size(), message))
            }
            (Self::Rsa(key), Algorithm::Pss(hash)) => {
                let length = hash.of(&[]).len();
                key.raw(&emsa_pss(hash, hash, length, key.public.n.bits(), message))
            }
            (Self::Rsa(key), Algorithm::PssOdd(mask, salt)) => {
                let bits = key.public.n.bits();
                key.raw(&emsa_pss(Hash::Sha256, mask, salt.into(), bits, message))
            }
            _ => panic!("{algorithm:?} with a key of another kind"),
        }
    }
}

impl Algorithm {
    /// AlgorithmIdentifier.
    pub(crate) fn identifier(self) -> Vec<u8> {
        let null = element(NULL, &[]);
        match self {
            Self::Ecdsa(Hash::Sha1) => {
                der::algorithm(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01], &[])
            }
            Self::Ecdsa(hash) => {
                let last = match hash {
                    Hash::Sha256 => 2,
                    Hash::Sha384 => 3,
                    Hash::Sha512 => 4,
                    Hash::Md5 | Hash::Sha1 => panic!("no OID for ECDSA with {hash:?}"),
                };
                der::algorithm(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last], &[])
            }
            Self::Pkcs1(hash) => {
                let last = match hash {
                    Hash::Md5 => 4,
                    Hash::Sha1 => 5,
                    Hash::Sha256 => 11,
                    Hash::Sha384 => 12,
                    Hash::Sha512 => 13,
                };
                der::algorithm(&pkcs_1(last), &null)
            }
            // All of the parameters are the defaults, which DER leaves out.
            Self::Pss(Hash::Sha1) => der::algorithm(&pkcs_1(10), &element(SEQUENCE, &[])),
            Self::Pss(hash) => pss_identifier(hash, hash, hash.of(&[]).len()),
            Self::PssOdd(mask, salt) => pss_identifier(Hash::Sha256, mask, salt.into()),
            Self::Ed25519 => der::algorithm(ED25519, &[]),
        }
    }
}

/// 1.2.840.113549.1.1.`last`.
fn pkcs_1(last: u8) -> [u8; 9] {
    [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last]
}

/// RSASSA-PSS with these parameters; a default, SHA-1 in MGF1 or a salt of 20 octets, is left out.
fn pss_identifier(hash: Hash, mask: Hash, salt: usize) -> Vec<u8> {
    let optional = |tag, default: bool, value: &[u8]| {
        if default { Vec::new() } else { element(tag, value) }
    };
    let mask_identifier = der::algorithm(&pkcs_1(8), &hash_identifier(mask));
    let parameters = [
        element(0xa0, &hash_identifier(hash)),
        optional(0xa1, mask == Hash::Sha1, &mask_identifier),
        optional(0xa2, salt == 20, &der::integer(&BigUint::from(salt))),
    ];
    der::algorithm(&pkcs_1(10), &element(SEQUENCE, &parameters.concat()))
}

fn hash_identifier(hash: Hash) -> Vec<u8> {
    let nist = |last| vec![0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last];
    let oid = match hash {
        Hash::Md5 => vec![0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05],
        Hash::Sha1 => vec![0x2b, 0x0e, 0x03, 0x02, 0x1a],
        Hash::Sha256 => nist(1),
        Hash::Sha384 => nist(2),
        Hash::Sha512 => nist(3),
    };
    der::algorithm(&oid, &element(NULL, &[]))
}

fn spki(algorithm: &[u8], parameters: &[u8], key: &[u8]) -> Vec<u8> {
    let bits = element(BIT_STRING, &[&[0], key].concat());
    element(SEQUENCE, &[der::algorithm(algorithm, parameters), bits].concat())
}

/// EMSA-PKCS1-v1_5 (RFC 8017, section 9.2).
fn emsa_pkcs1(hash: Hash, size: usize, message: &[u8]) -> Vec<u8> {
    let digest = element(OCTET_STRING, &hash.of(message));
    let info = element(SEQUENCE, &[hash_identifier(hash), digest].concat());
    let mut encoded = vec![0, 1];
    encoded.resize(size - info.len() - 1, 0xff);
    encoded.push(0);
    encoded.extend(info);
    encoded
}

/// EMSA-PSS (RFC 8017, section 9.1) for a modulus of `bits` bits, with a salt that depends on the
/// message alone.
fn emsa_pss(hash: Hash, mask: Hash, salt: usize, bits: u64, message: &[u8]) -> Vec<u8> {
    let digest = hash.of(message);
    let size = usize::try_from((bits - 1).div_ceil(8)).unwrap_or_else(|_| unreachable!("small"));
    let salt = stream(&format!("salt: {}", hex::encode(&digest)), salt);
    let h = hash.of(&[&[0; 8][..], &digest, &salt].concat());
    let mut db = vec![0; size - h.len() - salt.len() - 2];
    db.push(1);
    db.extend(&salt);
    for (octet, mask) in db.iter_mut().zip(mgf1(mask, &h, size - h.len() - 1)) {
        *octet ^= mask;
    }
    db[0] &= 0xff_u8 >> (8 * size as u64 - (bits - 1));
    [db, h, vec![0xbc]].concat()
}

/// The tag of an INTEGER with these contents, as they are.
pub(crate) fn raw_integer(contents: &[u8]) -> Vec<u8> {
    element(INTEGER, contents)
}
