//! A party's own certificate, and how both sides set up rustls.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ConfigBuilder, ConfigSide, SupportedProtocolVersion, WantsVerifier, WantsVersions};

use crate::error::TlsError;
use crate::policy::Policies;

/// The protocol that is negotiated by ALPN.
pub const ALPN: &[u8] = b"secure-tunnel/1";

/// A party's own certificate chain, leaf first, with the private key of the leaf.
#[derive(Debug, Clone)]
pub struct OwnCertificate(pub(crate) Arc<CertifiedKey>);

impl OwnCertificate {
    /// Takes `chain` and `key` (PKCS#8, or what else rustls reads).
    ///
    /// # Errors
    /// That of rustls if the key can't be read or is not that of the first certificate.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, rustls::Error> {
        CertifiedKey::from_der(chain, key, &provider()).map(|certified| Self(Arc::new(certified)))
    }
}

/// Whether `secure-tunnel/1` is negotiated by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Alpn {
    /// It has to be.
    #[default]
    Required,
    /// ALPN is not used. Only without a tunnel inside, and then on both sides.
    LeftOut, // spec: TLS-015
}

impl Alpn {
    pub(crate) fn protocols(self) -> Vec<Vec<u8>> {
        match self {
            Self::Required => vec![ALPN.to_vec()], // spec: TLS-012
            Self::LeftOut => Vec::new(),
        }
    }

    // spec: TLS-013, TLS-014
    pub(crate) fn check(self, selected: Option<&[u8]>) -> Result<(), TlsError> {
        match (self, selected) {
            (Self::LeftOut, _) | (Self::Required, Some(ALPN)) => Ok(()),
            (Self::Required, _) => Err(TlsError::Alpn),
        }
    }
}

/// *ring*, whose suites of TLS 1.2 are ECDHE with AEAD, all of them.
// spec: TLS-003
pub(crate) fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// The versions of TLS that `policies` allow.
// spec: TLS-001, TLS-002, TLS-004, TLS-005 (rustls has no renegotiation)
pub(crate) fn versions<S: ConfigSide>(
    builder: ConfigBuilder<S, WantsVersions>,
    policies: Policies,
) -> Result<ConfigBuilder<S, WantsVerifier>, TlsError> {
    let versions: &[&'static SupportedProtocolVersion] =
        if policies.tls12 { &[&TLS13, &TLS12] } else { &[&TLS13] };
    builder.with_protocol_versions(versions).map_err(|error| TlsError::of(&error))
}
