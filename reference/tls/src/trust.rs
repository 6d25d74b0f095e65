//! What a verifier trusts: anchors, revocation lists and policies.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, TrustAnchor};

use crate::crl::Crl;
use crate::error::TlsError;
use crate::form::{Certificate, form};
use crate::policy::Policies;

/// Anchors, CRLs and policies, checked for form. It holds no clock: each verification is given its time.
#[derive(Debug)]
pub struct Trust {
    /// The certificates of `anchors`, index for index.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    pub(crate) anchors: Vec<TrustAnchor<'static>>,
    pub(crate) crls: Vec<Crl>,
    pub(crate) policies: Policies,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

impl Trust {
    /// Takes the DER of each anchor's certificate and of each CRL. With no CRLs, none are configured, and nothing
    /// is looked up.
    ///
    /// # Errors
    /// [`TlsError::CertificateForm`] for an anchor that is not DER of X.509, and [`TlsError::CrlForm`].
    // spec: TLS-030
    pub fn new(
        anchors: &[impl AsRef<[u8]>],
        crls: &[impl AsRef<[u8]>],
        policies: Policies,
    ) -> Result<Self, TlsError> {
        let certificates: Vec<CertificateDer<'static>> =
            anchors.iter().map(|der| CertificateDer::from(der.as_ref().to_vec())).collect();
        let anchors = certificates.iter().map(anchor).collect::<Result<_, _>>()?;
        let crls = crls.iter().map(|der| Crl::new(der.as_ref())).collect::<Result<_, _>>()?;
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        Ok(Self { certificates, anchors, crls, policies, algorithms })
    }

    /// Nothing: for a server that asks for no certificates, and a client that checks nothing.
    #[must_use]
    pub fn nobody(policies: Policies) -> Self {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        let (certificates, anchors, crls) = (Vec::new(), Vec::new(), Vec::new());
        Self { certificates, anchors, crls, policies, algorithms }
    }

    /// The policies that were named.
    #[must_use]
    pub fn policies(&self) -> Policies {
        self.policies
    }
}

fn anchor(der: &CertificateDer<'static>) -> Result<TrustAnchor<'static>, TlsError> {
    Certificate::parse(der)?;
    webpki::anchor_from_trusted_cert(der)
        .map(|anchor| anchor.to_owned())
        .map_err(|error| form(format!("an anchor is not DER of X.509: {error}")))
}
