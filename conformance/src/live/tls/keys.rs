//! Private keys of the generator as those of rustls, and certificates that rustls does not look at.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use tunnelproof_vectors::build::live::{Kind, PrivateKey};

/// A chain, leaf first, with the key that signs the handshake; it need not be the leaf's.
pub fn certified(chain: &[Vec<u8>], key: &PrivateKey) -> Arc<CertifiedKey> {
    let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    Arc::new(CertifiedKey::new(chain, Arc::new(Key(key.clone()))))
}

#[derive(Debug)]
struct Key(PrivateKey);

impl SigningKey for Key {
    /// A scheme that was offered, or else the first that the key has: refusing is the other side's part.
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let own = self.0.schemes();
        let is_offered = |scheme: &&u16| offered.contains(&SignatureScheme::from(**scheme));
        let scheme = *own.iter().find(is_offered).or(own.first())?;
        Some(Box::new(Signing { key: self.0.clone(), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.0.kind() {
            Kind::Ecdsa => SignatureAlgorithm::ECDSA,
            Kind::Ed25519 => SignatureAlgorithm::ED25519,
            Kind::Rsa => SignatureAlgorithm::RSA,
        }
    }
}

#[derive(Debug)]
struct Signing {
    key: PrivateKey,
    scheme: u16,
}

impl Signer for Signing {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self.key.sign(self.scheme, message);
        signature.ok_or_else(|| Error::General("a scheme of another key".into()))
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::from(self.scheme)
    }
}
