//! What a verifier trusts: anchors, revocation lists and policies.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, TrustAnchor};

use crate::crl::Crl;
use crate::error::TlsError;
use crate::form::{Certificate, Issuer, form};
use crate::policy::Policies;

/// Anchors, CRLs and policies, checked for form. It holds no clock: each verification is given its time.
#[derive(Debug)]
pub struct Trust {
    /// The certificates of `anchors`, index for index.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    pub(crate) anchors: Vec<TrustAnchor<'static>>,
    /// The same in what webpki does not look at, likewise.
    pub(crate) issuers: Vec<Issuer<'static>>,
    /// `None` if no CRLs are configured, which differs from an empty list.
    pub(crate) crls: Option<Vec<Crl>>,
    pub(crate) policies: Policies,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

impl Trust {
    /// Takes the DER of each anchor's certificate. CRLs are configured by [`with_crls`](Self::with_crls).
    ///
    /// # Errors
    /// [`TlsError::CertificateForm`] for an anchor that is not DER of X.509.
    // spec: TLS-030
    pub fn new(anchors: &[impl AsRef<[u8]>], policies: Policies) -> Result<Self, TlsError> {
        let certificates: Vec<CertificateDer<'static>> =
            anchors.iter().map(|der| CertificateDer::from(der.as_ref().to_vec())).collect();
        let (anchors, issuers) = certificates.iter().map(anchor).collect::<Result<_, _>>()?;
        Ok(Self { certificates, anchors, issuers, ..Self::nobody(policies) })
    }

    /// Configures CRLs, each in DER: from now on every certificate of a path is looked up. So nobody is accepted
    /// if `crls` is empty, unless the policy `crl-unknown-accepted` is on.
    ///
    /// # Errors
    /// [`TlsError::CrlForm`].
    pub fn with_crls(mut self, crls: &[impl AsRef<[u8]>]) -> Result<Self, TlsError> {
        let crls = crls.iter().map(|der| Crl::new(der.as_ref())).collect::<Result<_, _>>()?;
        self.crls = Some(crls);
        Ok(self)
    }

    /// Nothing: for a server that asks for no certificates, and a client that checks nothing.
    #[must_use]
    pub fn nobody(policies: Policies) -> Self {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        Self {
            certificates: Vec::new(),
            anchors: Vec::new(),
            issuers: Vec::new(),
            crls: None,
            policies,
            algorithms,
        }
    }

    /// The policies that were named.
    #[must_use]
    pub fn policies(&self) -> Policies {
        self.policies
    }
}

fn anchor(
    der: &CertificateDer<'static>,
) -> Result<(TrustAnchor<'static>, Issuer<'static>), TlsError> {
    let issuer = Certificate::parse(der)?.as_issuer().into_owned();
    let anchor = webpki::anchor_from_trusted_cert(der)
        .map_err(|error| form(format!("an anchor is not DER of X.509: {error}")))?;
    Ok((anchor.to_owned(), issuer))
}
