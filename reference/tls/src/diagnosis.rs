//! From webpki's refusals to the codes of the registry.

use rustls::pki_types::CertificateDer;
use webpki::{EndEntityCert, Error};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::error::TlsError;
use crate::form::{Certificate, form};
use crate::signed::Signed;
use crate::trust::Trust;
use crate::verify::check_issuer;

/// No path at all.
pub(crate) const NO_PATH: TlsError = TlsError::Untrusted {
    what: "no path of correct signatures and equal names leads to an anchor; does the peer send its intermediate \
           certificates, and is its CA the one configured?",
    requirement: "TLS-033",
};

/// Certificates between leaf and anchor.
const MAX_BETWEEN: usize = 6;

/// Signatures that are checked for the sake of a better code.
const MAX_CHECKS: usize = 32;

/// The code for `error` of a `leaf` that came with `others`.
pub(crate) fn of(
    error: Error,
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    trust: &Trust,
    now: u64,
) -> TlsError {
    let anchors = &trust.certificates[..];
    let ca = |what, requirement| TlsError::CaConstraints { what, requirement };
    let usage = |requirement| TlsError::Usage {
        what: "its extendedKeyUsage, or that of a CA above it, does not have the purpose",
        requirement,
    };
    let seconds =
        |time: rustls::pki_types::UnixTime| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let requirement = "TLS-037";
    match error {
        Error::BadDer
        | Error::TrailingData(_)
        | Error::MalformedExtensions
        | Error::ExtensionValueInvalid
        | Error::SignatureAlgorithmMismatch
        | Error::UnsupportedCertVersion
        | Error::UnsupportedCriticalExtension
            if only_strays_fail(leaf, others) =>
        {
            NO_PATH
        }
        // What can be read as a certificate and is still not DER is a value: of name constraints, where there are any.
        Error::BadDer | Error::TrailingData(_)
            if candidates(leaf, others, anchors).iter().any(|one| one.has_name_constraints) =>
        {
            TlsError::NameConstraint
        }
        Error::CertNotValidYet { not_before, .. } => {
            TlsError::NotYetValid { from: seconds(not_before), now, requirement }
        }
        Error::CertExpired { not_after, .. } => {
            TlsError::Expired { until: seconds(not_after), now, requirement }
        }
        // No time is inside a validity that ends before it begins.
        Error::InvalidCertValidity => candidates(leaf, others, anchors)
            .iter()
            .find_map(|certificate| certificate.validity.check(now, requirement).err())
            .unwrap_or_else(|| form("its validity ends before it begins".into())),
        Error::CaUsedAsEndEntity => ca("the certificate is a CA's, not a peer's", "TLS-034"),
        Error::EndEntityUsedAsCa => ca("an issuer has no basicConstraints with cA true", "TLS-040"),
        Error::PathLenConstraintViolated => {
            ca("more certificates lie below a CA than its pathLenConstraint allows", "TLS-041")
        }
        Error::MaximumPathDepthExceeded => TlsError::Untrusted {
            what: "more than 6 certificates lie between the leaf and an anchor",
            requirement: "TLS-035",
        },
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => usage("TLS-044"),
        Error::UnsupportedCriticalExtension => TlsError::CriticalExtension,
        Error::NameConstraintViolation
        | Error::MalformedNameConstraint
        | Error::InvalidNetworkMaskConstraint
        | Error::MalformedDnsIdentifier => TlsError::NameConstraint,
        Error::UnsupportedSignatureAlgorithmContext(_) => TlsError::Weak {
            what: "a signature is not RSA with SHA-2, ECDSA with SHA-256 or SHA-384, or Ed25519",
            requirement: "TLS-052",
        },
        // With a key that no algorithm takes, webpki can't tell a weak issuer from an impostor; and it thinks more of
        // a wrong signature by one of several CAs of a name than of what is wrong with the right one.
        Error::InvalidSignatureForPublicKey
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            candidates(leaf, others, anchors)
                .iter()
                .find_map(|certificate| certificate.check_key().err())
                .or_else(|| issuer_fault(leaf, others, trust))
                .unwrap_or(NO_PATH)
        }
        Error::UnknownIssuer
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => NO_PATH,
        Error::UnsupportedCertVersion => form("it is not of version 3".into()),
        Error::ExtensionValueInvalid => form("an extension is there twice".into()),
        other => form(other.to_string()),
    }
}

/// The leaf and all that might be above it, by names alone, as far as each can be read.
fn candidates<'a>(
    leaf: &'a CertificateDer<'_>,
    others: &'a [CertificateDer<'_>],
    anchors: &'a [CertificateDer<'_>],
) -> Vec<Certificate<'a>> {
    let above = reachable(leaf, others.iter().chain(anchors));
    above.into_iter().filter_map(|der| Certificate::parse(der).ok()).collect()
}

/// The leaf and those of `others` that might be above it, by names alone.
fn reachable<'a>(
    leaf: &'a [u8],
    others: impl Iterator<Item = &'a CertificateDer<'a>>,
) -> Vec<&'a [u8]> {
    let read = |der: &'a [u8]| X509Certificate::from_der(der).ok().map(|(_, x509)| (der, x509));
    let mut path: Vec<_> = read(leaf).into_iter().collect();
    let mut left: Vec<_> = others.filter_map(|der| read(der)).collect();
    let mut index = 0;
    while let Some(issuer) = path.get(index).map(|(_, x509)| x509.issuer().as_raw().to_vec()) {
        let (above, rest): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|(_, x509)| x509.subject().as_raw() == issuer);
        path.extend(above);
        left = rest;
        index += 1;
    }
    path.into_iter().map(|(der, _)| der).collect()
}

/// Whether webpki can read the leaf and all that might be above it, and can't read something else that came with it.
fn only_strays_fail(leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> bool {
    let fails = |der: &[u8]| EndEntityCert::try_from(&CertificateDer::from(der)).is_err();
    others.iter().any(|der| fails(der)) && !reachable(leaf, others.iter()).into_iter().any(fails)
}

/// What is wrong with the issuers of the path that correct signatures lead along, if it reaches an anchor.
fn issuer_fault(
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    trust: &Trust,
) -> Option<TlsError> {
    let mut signed = leaf;
    let mut fault = None;
    let mut checks = 0;
    for below in 0..=MAX_BETWEEN {
        let current = Certificate::parse(signed).ok()?;
        let signature = Signed::parse(signed)?;
        let anchors = trust.certificates.iter().map(|der| (der, true));
        let (issuer, is_anchor) =
            anchors.chain(others.iter().map(|der| (der, false))).find(|(der, _)| {
                Certificate::parse(der).is_ok_and(|issuer| {
                    issuer.subject.as_raw() == current.issuer && {
                        checks += 1;
                        checks <= MAX_CHECKS
                            && signature.is_by(issuer.key.raw, trust.algorithms.all)
                    }
                })
            })?;
        fault = fault.or(check_issuer(&Certificate::parse(issuer).ok()?.as_issuer(), below).err());
        if is_anchor {
            return fault;
        }
        signed = issuer;
    }
    None
}
