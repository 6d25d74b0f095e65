//! The signature on a certificate or a CRL, for checks that webpki makes only within a search for paths.

use rustls::pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use webpki::RawPublicKeyEntity;
use x509_parser::asn1_rs::{Any, BitString, FromDer};

/// `SEQUENCE { what is signed, AlgorithmIdentifier, BIT STRING }`.
#[derive(Debug)]
pub(crate) struct Signed {
    /// With its header.
    content: Vec<u8>,
    /// Without its header.
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    /// `None` if it has another form.
    pub(crate) fn parse(der: &[u8]) -> Option<Self> {
        let (_, whole) = Any::from_der(der).ok()?;
        let (rest, _) = Any::from_der(whole.data).ok()?;
        let content = whole.data.get(..whole.data.len() - rest.len())?;
        let (rest, algorithm) = Any::from_der(rest).ok()?;
        let (_, signature) = BitString::from_der(rest).ok()?;
        Some(Self {
            content: content.to_vec(),
            algorithm: algorithm.data.to_vec(),
            signature: signature.data.to_vec(),
        })
    }

    /// Whether the signature is correct under the key in `spki`, a subjectPublicKeyInfo, by one of `algorithms`.
    pub(crate) fn is_by(
        &self,
        spki: &[u8],
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> bool {
        let spki = SubjectPublicKeyInfoDer::from(spki);
        RawPublicKeyEntity::try_from(&spki).is_ok_and(|key| {
            algorithms
                .iter()
                .filter(|algorithm| algorithm.signature_alg_id().as_ref() == self.algorithm)
                .any(|algorithm| {
                    key.verify_signature(*algorithm, &self.content, &self.signature).is_ok()
                })
        })
    }
}
