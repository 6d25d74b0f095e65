//! The CA's revocation lists: section 7.9.
//!
//! webpki parses them, finds serial numbers and checks signatures. Which list is used is decided here: webpki
//! takes the first of an issuer's, does not look at thisUpdate, and knows no keyUsage of an anchor.

use rustls::pki_types::SignatureVerificationAlgorithm;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::utils::format_serial;

use crate::error::TlsError;
use crate::form::{Certificate, Issuer, oid, twice};
use crate::policy::Policies;
use crate::signed::Signed;

/// One CRL that may be configured.
#[derive(Debug)]
pub(crate) struct Crl {
    serials: CertRevocationList<'static>,
    /// The Name, DER.
    issuer: Vec<u8>,
    this_update: i64,
    next_update: i64,
    signed: Signed,
}

impl Crl {
    /// # Errors
    /// [`TlsError::CrlForm`].
    // spec: TLS-072 (webpki refuses other versions, delta CRLs and unknown critical extensions)
    pub(crate) fn new(der: &[u8]) -> Result<Self, TlsError> {
        let bad = |what: String| TlsError::CrlForm { what };
        let serials = OwnedCertRevocationList::from_der(der).map_err(|error| {
            bad(match error {
                webpki::Error::UnsupportedCrlVersion => "it is not of version 2".to_owned(),
                webpki::Error::UnsupportedDeltaCrl => "it is a delta CRL".to_owned(),
                webpki::Error::UnsupportedIndirectCrl => "it is an indirect CRL".to_owned(),
                webpki::Error::UnsupportedCriticalExtension => {
                    "it has an unknown critical extension".to_owned()
                }
                other => {
                    format!("it is not the DER of a CRL of version 2 with nextUpdate: {other}")
                }
            })
        })?;
        let (_, crl) =
            CertificateRevocationList::from_der(der).map_err(|error| bad(error.to_string()))?;
        let serials = CertRevocationList::from(serials);
        if serials.issuing_distribution_point().is_some() {
            return Err(
                bad("it has an issuingDistributionPoint, so it may not be complete".into()),
            );
        }
        for extensions in [crl.extensions()]
            .into_iter()
            .chain(crl.iter_revoked_certificates().map(|entry| entry.extensions()))
        {
            let mut kinds: Vec<_> = extensions.iter().map(|found| found.oid.as_bytes()).collect();
            if let Some(kind) = twice(&mut kinds) {
                return Err(bad(format!("extension {} is there twice", oid(kind))));
            }
        }
        let next_update = crl.next_update().ok_or_else(|| bad("it has no nextUpdate".into()))?;
        Ok(Self {
            issuer: crl.issuer().as_raw().to_vec(),
            this_update: crl.last_update().timestamp(),
            next_update: next_update.timestamp(),
            signed: Signed::parse(der).ok_or_else(|| bad("its signature is cut".into()))?,
            serials,
        })
    }

    /// Whether it is of `issuer`: signed with its key, and the key may sign CRLs.
    // spec: TLS-069
    fn is_signed_by(
        &self,
        issuer: &Issuer<'_>,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> bool {
        issuer.key_usage.is_none_or(|usage| usage.crl_sign())
            && self.signed.is_by(&issuer.spki, algorithms)
    }

    /// thisUpdate and nextUpdate.
    pub(crate) fn updates(&self) -> (i64, i64) {
        (self.this_update, self.next_update)
    }

    // spec: TLS-071
    fn is_current(&self, now: u64) -> bool {
        (i128::from(self.this_update)..=i128::from(self.next_update)).contains(&i128::from(now))
    }
}

/// Looks `certificate` up in each usable CRL of `issuer`.
// spec: TLS-068, TLS-070, TLS-071
pub(crate) fn check(
    crls: &[Crl],
    certificate: &Certificate<'_>,
    issuer: &Issuer<'_>,
    now: u64,
    policies: Policies,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> Result<(), TlsError> {
    let (mut known, mut stale) = (false, false);
    let of_issuer = crls.iter().filter(|crl| crl.issuer == certificate.issuer);
    for crl in of_issuer.filter(|crl| crl.is_signed_by(issuer, algorithms)) {
        if !crl.is_current(now) && !policies.crl_stale_accepted {
            stale = true;
            continue;
        }
        known = true;
        if !matches!(crl.serials.find_serial(certificate.serial), Ok(None)) {
            let serial = format_serial(certificate.serial);
            return Err(TlsError::Revoked { serial });
        }
    }
    match (known, stale) {
        (true, _) => Ok(()),
        (false, true) => Err(TlsError::Crl {
            what: "it is before the thisUpdate or after the nextUpdate of the issuer's",
            requirement: "TLS-071",
        }),
        (false, false) if policies.crl_unknown_accepted => Ok(()),
        (false, false) => Err(TlsError::Crl {
            what: "none is of an issuer in the path and signed with its key",
            requirement: "TLS-070",
        }),
    }
}
