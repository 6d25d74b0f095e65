//! Verification of a chain: sections 7.6 to 7.9.
//!
//! webpki builds the paths and checks signatures, validity, extended key usage, name constraints and depth. What it
//! does not look at is checked on each path that it finds, so that another path can still be found.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use secure_tunnel::credentials::Id;
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use crate::crl;
use crate::diagnosis;
use crate::error::TlsError;
use crate::form::{Certificate, Issuer};
use crate::identity::identity;
use crate::lists::Fingerprint;
use crate::peer::CertificateInfo;
use crate::server_name;
use crate::trust::Trust;
use crate::window::Window;

/// Whose certificate it is.
#[derive(Debug, Clone, Copy)]
pub enum Peer<'a> {
    /// A server's, which the client calls by this name.
    Server {
        /// As in [`server_name`](crate::server_name()).
        name: &'a ServerName<'a>,
    },
    /// A client's.
    Client,
}

/// The certificates as the peer sent them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain<'a> {
    pub(crate) leaf: &'a CertificateDer<'a>,
    pub(crate) others: &'a [CertificateDer<'a>],
}

impl<'a> Chain<'a> {
    /// Of what a connection tells, which is nothing if the peer sent none.
    pub(crate) fn of(certificates: &'a [CertificateDer<'a>]) -> Result<Self, TlsError> {
        let (leaf, others) = certificates.split_first().ok_or(TlsError::NoCertificate)?;
        Ok(Self { leaf, others })
    }
}

/// What a verified certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// SHA-256 of the leaf.
    pub fingerprint: Fingerprint,
    /// Who the client is; `None` for a server.
    pub identity: Option<Id>,
}

/// The same, with everything that the application is told.
#[derive(Debug, Clone)]
pub(crate) struct Examined {
    pub(crate) identity: Option<Id>,
    pub(crate) certificate: Arc<CertificateInfo>,
    /// When the same trust finds the same; the further certificates may lead to another path before and after.
    pub(crate) window: Window,
}

impl Trust {
    /// Verifies `chain`, the certificates as the peer sent them, at `now`, in seconds since the Unix epoch. The
    /// lists of section 7.10 are not part of it: [`Lists::check`](crate::Lists::check).
    ///
    /// # Errors
    /// The code of one fault of the leaf or of a path.
    pub fn verify(
        &self,
        peer: Peer<'_>,
        chain: &[CertificateDer<'_>],
        now: u64,
    ) -> Result<Verified, TlsError> {
        let chain = Chain::of(chain)?;
        let fingerprint = Sha256::digest(chain.leaf).into();
        let Examined { identity, .. } = self.examine(peer, fingerprint, chain, now)?;
        Ok(Verified { fingerprint, identity })
    }

    /// The same, when the fingerprint of the leaf is known already.
    pub(crate) fn examine(
        &self,
        peer: Peer<'_>,
        fingerprint: Fingerprint,
        chain: Chain<'_>,
        now: u64,
    ) -> Result<Examined, TlsError> {
        // spec: TLS-031, TLS-032 (webpki takes the others in any order)
        let Chain { leaf: leaf_der, others } = chain;
        let leaf = Certificate::parse(leaf_der)?;
        let fault = |error| diagnosis::of(error, leaf_der, others, self, now);
        let end_entity = EndEntityCert::try_from(leaf_der).map_err(fault)?;
        let window = self.verify_path(peer, &leaf, &end_entity, others, now, fault)?;
        let identity = match peer {
            Peer::Server { name } => {
                server_name::check(&end_entity, name)?;
                None
            }
            Peer::Client => Some(identity(&leaf)?),
        };
        let certificate = Arc::new(CertificateInfo::from_parsed(&leaf, fingerprint));
        Ok(Examined { identity, certificate, window })
    }

    /// Finds a path that all rules accept.
    fn verify_path(
        &self,
        peer: Peer<'_>,
        leaf: &Certificate<'_>,
        end_entity: &EndEntityCert<'_>,
        others: &[CertificateDer<'_>],
        now: u64,
        fault: impl FnOnce(webpki::Error) -> TlsError,
    ) -> Result<Window, TlsError> {
        // spec: TLS-046, TLS-047
        let usage = match peer {
            Peer::Server { .. } => KeyUsage::server_auth(),
            Peer::Client => KeyUsage::client_auth(),
        };
        let refusal = RefCell::new(None); // of the first path that webpki accepts
        let window = Cell::new(None);
        let policy = |path: &VerifiedPath<'_>| match self.check_path(path, leaf, now) {
            Ok(found) => {
                window.set(Some(found));
                Ok(())
            }
            Err(error) => {
                refusal.borrow_mut().get_or_insert(error);
                Err(webpki::Error::UnknownIssuer)
            }
        };
        // spec: TLS-033, TLS-034, TLS-035, TLS-037, TLS-040, TLS-048, TLS-049, TLS-050, TLS-052
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now));
        let found = end_entity
            .verify_for_usage(
                self.algorithms.all,
                &self.anchors,
                others,
                time,
                usage,
                None,
                Some(&policy),
            )
            .map(drop);
        match (found, window.get()) {
            (Ok(()), Some(window)) => Ok(window),
            (Ok(()), None) => Err(diagnosis::NO_PATH), // webpki asks about each path that it accepts
            (Err(error), _) => Err(refusal.take().unwrap_or_else(|| fault(error))),
        }
    }

    /// What webpki leaves open of a path whose signatures are correct, and how long that stays so.
    fn check_path(
        &self,
        path: &VerifiedPath<'_>,
        leaf: &Certificate<'_>,
        now: u64,
    ) -> Result<Window, TlsError> {
        let mut window = Window::ALWAYS;
        let found = self.anchors.iter().position(|known| std::ptr::eq(known, path.anchor()));
        let anchor = found.and_then(|index| self.issuers.get(index)).ok_or(diagnosis::NO_PATH)?;
        // spec: TLS-039
        if !self.policies.anchor_validity_ignored {
            anchor.validity.check(now, "TLS-039")?;
            window = window.valid(anchor.validity);
        }
        let intermediates: Vec<_> = path.intermediate_certificates().map(|c| c.der()).collect();
        let between: Vec<_> =
            intermediates.iter().map(|der| Certificate::parse(der)).collect::<Result<_, _>>()?;
        let above: Vec<_> = between.iter().map(Certificate::as_issuer).collect();
        let below = [leaf].into_iter().chain(&between);
        let issuers = above.iter().chain([anchor]);
        for certificate in below.clone() {
            certificate.check_der()?;
            certificate.validity.check(now, "TLS-037")?;
            window = window.valid(certificate.validity);
            // spec: TLS-048 (webpki lets a critical cRLDistributionPoints pass)
            if certificate.has_unknown_critical {
                return Err(TlsError::CriticalExtension);
            }
        }
        self.check_leaf(leaf)?;
        leaf.check_key()?;
        for (depth, issuer) in issuers.clone().enumerate() {
            check_issuer(issuer, depth)?;
            issuer.key.clone()?;
        }
        if let Some(crls) = &self.crls {
            for (certificate, issuer) in below.zip(issuers) {
                crl::check(crls, certificate, issuer, now, self.policies, self.algorithms.all)?;
            }
            for crl in crls {
                window = window.undisturbed(crl, now);
            }
        }
        Ok(window)
    }

    fn check_leaf(&self, leaf: &Certificate<'_>) -> Result<(), TlsError> {
        let usage = |what, requirement| Err(TlsError::Usage { what, requirement });
        // spec: TLS-043
        if leaf.key_usage.is_some_and(|usage| !usage.digital_signature()) {
            return usage("its keyUsage has no digitalSignature", "TLS-043");
        }
        // spec: TLS-044, TLS-045 (that the purpose is right, if there are any, webpki has checked)
        if !leaf.has_extended_key_usage && !self.policies.eku_if_present {
            return usage(
                "it has no extendedKeyUsage; issue it with serverAuth or clientAuth, or use the policy \
                 eku-if-present",
                "TLS-044",
            );
        }
        Ok(())
    }
}

/// What the issuer of another certificate, or the anchor, has to have; `below` certificates lie between it and the
/// leaf.
// spec: TLS-040, TLS-041, TLS-042
pub(crate) fn check_issuer(issuer: &Issuer<'_>, below: usize) -> Result<(), TlsError> {
    let refused = |what, requirement| Err(TlsError::CaConstraints { what, requirement });
    if !issuer.is_ca {
        return refused("an issuer or anchor has no basicConstraints with cA true", "TLS-040");
    }
    if issuer.path_len.is_some_and(|limit| below > limit as usize) {
        return refused(
            "more certificates lie below a CA than its pathLenConstraint allows",
            "TLS-041",
        );
    }
    if issuer.key_usage.is_some_and(|usage| !usage.key_cert_sign()) {
        return refused("the keyUsage of an issuer or anchor has no keyCertSign", "TLS-042");
    }
    Ok(())
}
