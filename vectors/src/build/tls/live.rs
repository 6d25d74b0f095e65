//! Certificates for live checks: made for the present time, with their private keys.
//!
//! [`chains`] makes every vector of `tls.verify` again for another second; [`Ca`] issues what cases by hand need.
//! All keys depend on labels or are committed: they are published and worthless.

use std::sync::LazyLock;

use serde_json::{Map, Value};

pub use super::issuer::{Ca, Issued};
use super::{keys, path, verify_families};
use crate::build::family::with_constants_left_out;
use crate::build::primitives::der::{
    BIT_STRING, NULL, OCTET_STRING, RSA_ENCRYPTION, SEQUENCE, algorithm, element,
};
use crate::build::primitives::rsa::Hash;
use crate::build::primitives::sign::{Algorithm, Key, raw_integer};
use crate::{Suite, Vector};

/// A vector of `tls.verify`, made for another time.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Under the id of the committed vector.
    pub vector: Vector,
    /// The private key of the leaf; `None` if the generator has none, or no leaf.
    pub key: Option<PrivateKey>,
}

/// The time of the committed vectors, 2026-01-01T00:00:00Z, in seconds since the Unix epoch.
pub const COMMITTED: u64 = path::COMMITTED.unsigned_abs();

/// Every vector of `tls.verify`, made for the second `now` (since the Unix epoch), in any order.
///
/// # Errors
/// If a vector that was made can't be loaded.
pub fn chains(now: u64) -> Result<Vec<Chain>, String> {
    let now = i64::try_from(now).map_err(|_| format!("{now} is no time"))?;
    let mut chains = Vec::new();
    for document in path::at(now, || verify_families().map(with_constants_left_out)) {
        let octets = document.to_string().into_bytes();
        let vectors = Suite::of_document("live", &octets).map_err(|error| error.to_string())?;
        chains.extend(
            vectors.into_iter().map(|vector| Chain { key: private_key(&vector.input), vector }),
        );
    }
    Ok(chains)
}

/// The private key for the first certificate of an input's chain, if the generator has it.
#[must_use]
pub fn private_key(input: &Map<String, Value>) -> Option<PrivateKey> {
    let leaf = hex::decode(input.get("chain")?.get(0)?.as_str()?).ok()?;
    let holds = |spki: &[u8]| leaf.windows(spki.len()).any(|part| part == spki);
    KEYS.iter().find(|(spki, _)| holds(spki)).map(|(_, key)| PrivateKey(key.clone()))
}

static KEYS: LazyLock<Vec<(Vec<u8>, Key)>> =
    LazyLock::new(|| keys::private().into_iter().map(|key| (key.spki(), key.clone())).collect());

/// A private key that signs the handshake of TLS, also one that a library refuses to use.
#[derive(Debug, Clone)]
pub struct PrivateKey(pub(super) Key);

/// What a key is, as TLS tells keys apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// ECDSA on P-256 or P-384.
    Ecdsa,
    /// Ed25519.
    Ed25519,
    /// RSA of any size.
    Rsa,
}

/// The schemes of RFC 8446, section 4.2.3, that keys here sign with.
const SCHEMES: [(u16, Algorithm); 6] = [
    (0x0403, Algorithm::Ecdsa(Hash::Sha256)),
    (0x0503, Algorithm::Ecdsa(Hash::Sha384)),
    (0x0807, Algorithm::Ed25519),
    (0x0804, Algorithm::Pss(Hash::Sha256)),
    (0x0805, Algorithm::Pss(Hash::Sha384)),
    (0x0401, Algorithm::Pkcs1(Hash::Sha256)),
];

impl PrivateKey {
    /// The key on P-256 that depends on the label alone.
    #[must_use]
    pub fn p256(label: &str) -> Self {
        Self(Key::p256(&format!("live: {label}")))
    }

    /// An RSA key of 2048 bits, always the same.
    #[must_use]
    pub fn rsa() -> Self {
        Self(keys::rsa_2048_b().clone())
    }

    /// DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        self.0.spki()
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.0 {
            Key::P256(_) | Key::P384(_) => Kind::Ecdsa,
            Key::Ed25519(_) => Kind::Ed25519,
            Key::Rsa(_) | Key::Public(_) => Kind::Rsa,
        }
    }

    /// The numbers of the schemes that it signs with.
    #[must_use]
    pub fn schemes(&self) -> Vec<u16> {
        let signs = |algorithm: &Algorithm| {
            matches!(
                (&self.0, algorithm),
                (Key::P256(_), Algorithm::Ecdsa(Hash::Sha256))
                    | (Key::P384(_), Algorithm::Ecdsa(Hash::Sha384))
                    | (Key::Ed25519(_), Algorithm::Ed25519)
                    | (Key::Rsa(_), Algorithm::Pss(_) | Algorithm::Pkcs1(_))
            )
        };
        SCHEMES
            .iter()
            .filter(|(_, algorithm)| signs(algorithm))
            .map(|(scheme, _)| *scheme)
            .collect()
    }

    /// The signature of `message` in this scheme; `None` if it is not one of [`PrivateKey::schemes`].
    #[must_use]
    pub fn sign(&self, scheme: u16, message: &[u8]) -> Option<Vec<u8>> {
        let (_, algorithm) = SCHEMES.iter().find(|(own, _)| *own == scheme)?;
        self.schemes().contains(&scheme).then(|| self.0.sign(*algorithm, message))
    }

    /// DER PrivateKeyInfo, PKCS#8.
    #[must_use]
    pub fn pkcs8(&self) -> Vec<u8> {
        let ec = |curve: &[u8], secret: &[u8], point: &[u8]| {
            let public = element(0xa1, &element(BIT_STRING, &[&[0], point].concat()));
            let secret = element(OCTET_STRING, secret);
            private_key_info(
                curve,
                &element(SEQUENCE, &[raw_integer(&[1]), secret, public].concat()),
            )
        };
        match &self.0 {
            Key::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                ec(&Key::p256_algorithm(), &key.to_bytes(), &point.to_bytes())
            }
            Key::P384(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                ec(&Key::p384_algorithm(), &key.to_bytes(), &point.to_bytes())
            }
            Key::Ed25519(key) => private_key_info(
                &Algorithm::Ed25519.identifier(),
                &element(OCTET_STRING, &key.seed),
            ),
            Key::Rsa(key) => key.pkcs8.clone(),
            // None such is made here; it would be refused by whoever reads it.
            Key::Public(_) => {
                private_key_info(&algorithm(RSA_ENCRYPTION, &element(NULL, &[])), &[])
            }
        }
    }
}

fn private_key_info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let key = element(OCTET_STRING, key);
    element(SEQUENCE, &[&*raw_integer(&[0]), algorithm, &key].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A second of 2027 that is no boundary of anything.
    const THEN: u64 = 1_800_000_123;

    #[test]
    fn every_vector_of_an_operation_is_made_again_and_most_have_keys() {
        let suite = Suite::embedded().expect("the vectors load");
        let committed: BTreeSet<&str> = (suite.vectors.iter())
            .filter(|vector| vector.op == "tls.verify")
            .map(|vector| vector.id.as_str())
            .collect();
        let chains = chains(THEN).expect("are made");
        let made: BTreeSet<&str> = chains.iter().map(|chain| chain.vector.id.as_str()).collect();
        assert_eq!(made, committed);
        for chain in &chains {
            let own = suite.vectors.iter().find(|vector| vector.id == chain.vector.id);
            let own = own.expect("is committed");
            assert_eq!(own.requirements, chain.vector.requirements, "{}", own.id);
            assert_ne!(own.input["now"], "1800000123", "{}", own.id);
        }
        let keyless = chains.iter().filter(|chain| chain.key.is_none()).count();
        assert!((1..30).contains(&keyless), "{keyless} of {} have no key", chains.len());
    }

    #[test]
    fn another_time_leaves_the_committed_one_as_it_is() {
        let family = || verify_families().map(with_constants_left_out).next();
        let before = family();
        let moved = path::at(1_800_000_123, family);
        assert_ne!(before, moved);
        assert_eq!(before, family());
    }

    #[test]
    fn keys_of_each_kind_sign_and_are_written() {
        for key in keys::private() {
            let key = PrivateKey(key.clone());
            assert!(!key.schemes().is_empty());
            for scheme in key.schemes() {
                assert!(key.sign(scheme, b"x").is_some_and(|signature| signature.len() >= 64));
            }
            assert_eq!(key.sign(0x0603, b"x"), None);
            assert_eq!(key.pkcs8()[0], SEQUENCE);
        }
    }
}
