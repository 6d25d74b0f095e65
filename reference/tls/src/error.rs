//! Every way to fail, with its code of the registry, area tls.
//!
//! For the local side only: to a client that is refused, one alert says nothing but that it is.

use core::fmt;

use secure_tunnel::error::{Class, Diagnostic};

/// Why a certificate, a name, a list or a TLS connection is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // of the fields: each is what its name says; times are in seconds since the Unix epoch
pub enum TlsError {
    /// The peer speaks no version of TLS that is allowed here.
    Version { what: String },
    /// The TLS layer failed in a way that has no code of its own.
    Handshake { what: String },
    /// `secure-tunnel/1` was not offered, or not selected.
    Alpn,
    /// No context fits the name that the client indicated.
    Sni { indicated: Option<String> },
    /// The client sent no certificate.
    NoCertificate,
    /// Octets that are not an acceptable certificate.
    CertificateForm { what: String },
    /// No path leads to an anchor.
    Untrusted { what: &'static str, requirement: &'static str },
    /// A certificate of the path, or the anchor, is not valid yet.
    NotYetValid { from: i64, now: u64, requirement: &'static str },
    /// A certificate of the path, or the anchor, is not valid any more.
    Expired { until: i64, now: u64, requirement: &'static str },
    /// A certificate may not issue others, or may not issue these, or is a CA's and stands for a peer.
    CaConstraints { what: &'static str, requirement: &'static str },
    /// A certificate is not for this use.
    Usage { what: &'static str, requirement: &'static str },
    /// A critical extension that is not processed.
    CriticalExtension,
    /// A name outside the name constraints of a CA.
    NameConstraint,
    /// A key or a signature that is too weak or of another kind.
    Weak { what: &'static str, requirement: &'static str },
    /// A certificate of the path is on a CRL.
    Revoked { serial: String },
    /// There is no CRL that could be used.
    Crl { what: &'static str, requirement: &'static str },
    /// A CRL that can't be configured. The caller's error.
    CrlForm { what: String },
    /// The server's certificate is for other names.
    ServerName { expected: String, presented: Vec<String> },
    /// What is to be compared is not a name. The caller's error.
    BadName { name: String, what: &'static str },
    /// The client's certificate does not name the client.
    Identity { what: &'static str, requirement: &'static str },
    /// The client is on the deny list.
    Denied,
    /// The client is not on the allow list.
    NotAllowed,
    /// The id of the tunnel is not the identity of the certificate.
    IdMismatch,
    /// The TLS handshake took too long.
    Timeout { limit_ms: u64 },
}

impl TlsError {
    /// What an error of rustls is in the registry. Where a server refused, [`Accept::reason`](crate::Accept::reason)
    /// knows more.
    // spec: TLS-011
    #[must_use]
    pub fn of(error: &rustls::Error) -> Self {
        use rustls::{
            AlertDescription as Alert, CertificateError, Error, PeerIncompatible as Without,
            PeerMisbehaved,
        };
        match error {
            Error::InvalidCertificate(CertificateError::Other(other)) => {
                match other.0.downcast_ref::<Self>() {
                    Some(ours) => ours.clone(),
                    None => Self::Handshake { what: other.to_string() },
                }
            }
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::NoApplicationProtocol
            | Error::AlertReceived(Alert::NoApplicationProtocol)
            | Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => {
                Self::Alpn
            }
            // spec: TLS-002, TLS-004
            Error::AlertReceived(Alert::ProtocolVersion)
            | Error::PeerIncompatible(
                Without::Tls12NotOffered
                | Without::Tls12NotOfferedOrEnabled
                | Without::SupportedVersionsExtensionRequired
                | Without::ServerDoesNotSupportTls12Or13
                | Without::ServerTlsVersionIsDisabledByOurConfig,
            ) => Self::Version { what: error.to_string() },
            _ => Self::Handshake { what: error.to_string() },
        }
    }

    /// Code and requirement.
    fn row(&self) -> (&'static str, &'static str) {
        match self {
            Self::Version { .. } => ("version", "TLS-002"),
            Self::Handshake { .. } => ("handshake", "TLS-011"),
            Self::Alpn => ("alpn", "TLS-014"),
            Self::Sni { .. } => ("sni", "TLS-020"),
            Self::NoCertificate => ("no_certificate", "TLS-023"),
            Self::CertificateForm { .. } => ("certificate_form", "TLS-036"),
            Self::Untrusted { requirement, .. } => ("untrusted", requirement),
            Self::NotYetValid { requirement, .. } => ("not_yet_valid", requirement),
            Self::Expired { requirement, .. } => ("expired", requirement),
            Self::CaConstraints { requirement, .. } => ("ca_constraints", requirement),
            Self::Usage { requirement, .. } => ("usage", requirement),
            Self::CriticalExtension => ("critical_extension", "TLS-048"),
            Self::NameConstraint => ("name_constraint", "TLS-049"),
            Self::Weak { requirement, .. } => ("weak", requirement),
            Self::Revoked { .. } => ("revoked", "TLS-068"),
            Self::Crl { requirement, .. } => ("crl", requirement),
            Self::CrlForm { .. } => ("crl_form", "TLS-072"),
            Self::ServerName { .. } => ("server_name", "TLS-053"),
            Self::BadName { .. } => ("bad_name", "TLS-060"),
            Self::Identity { requirement, .. } => ("identity", requirement),
            Self::Denied => ("denied", "TLS-073"),
            Self::NotAllowed => ("not_allowed", "TLS-074"),
            Self::IdMismatch => ("id_mismatch", "TLS-067"),
            Self::Timeout { .. } => ("timeout", "TLS-007"),
        }
    }
}

impl Diagnostic for TlsError {
    fn class(&self) -> Class {
        match self {
            Self::Timeout { .. } => Class::Freshness,
            _ => Class::Tls,
        }
    }

    fn code(&self) -> &'static str {
        self.row().0
    }

    fn requirement(&self) -> &'static str {
        self.row().1
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { what } => write!(f, "no version of TLS in common: {what}"),
            Self::Handshake { what } => write!(f, "TLS failed: {what}"),
            Self::Alpn => f.write_str("the peer does not speak secure-tunnel/1 (ALPN)"),
            Self::Sni { indicated: Some(name) } => {
                write!(f, "no context fits the indicated name {name:?}, and there is no default")
            }
            Self::Sni { indicated: None } => {
                f.write_str("the client indicates no name, and there is no default context")
            }
            Self::NoCertificate => f.write_str("the peer sent no certificate"),
            Self::CertificateForm { what } => write!(f, "not an acceptable certificate: {what}"),
            Self::Untrusted { what, .. } => write!(f, "certificate not trusted: {what}"),
            Self::NotYetValid { from, now, .. } => write!(
                f,
                "a certificate is valid from {from}, and it is {now} (Unix seconds); is a clock wrong?"
            ),
            Self::Expired { until, now, .. } => {
                write!(f, "a certificate was valid until {until}, and it is {now} (Unix seconds)")
            }
            Self::CaConstraints { what, .. } => write!(f, "{what}"),
            Self::Usage { what, .. } => write!(f, "certificate for another use: {what}"),
            Self::CriticalExtension => {
                f.write_str("a certificate has a critical extension that is not processed here")
            }
            Self::NameConstraint => f.write_str("a name is outside the name constraints of a CA"),
            Self::Weak { what, .. } => write!(f, "too weak: {what}"),
            Self::Revoked { serial } => {
                write!(f, "the certificate with serial {serial} is revoked")
            }
            Self::Crl { what, .. } => write!(f, "no usable CRL: {what}"),
            Self::CrlForm { what } => write!(f, "this CRL can't be used: {what}"),
            Self::ServerName { expected, presented } => {
                write!(f, "the server's certificate is not for {expected} but for {presented:?}")
            }
            Self::BadName { name, what } => write!(f, "{name:?} is not a name: {what}"),
            Self::Identity { what, .. } => write!(f, "the certificate names no client: {what}"),
            Self::Denied => f.write_str("the client is on the deny list"),
            Self::NotAllowed => f.write_str("the client is not on the allow list"),
            Self::IdMismatch => {
                f.write_str("the id of the tunnel is not the identity of the client's certificate")
            }
            Self::Timeout { limit_ms } => {
                write!(f, "the TLS handshake was not complete after {limit_ms} ms")
            }
        }
    }
}

impl core::error::Error for TlsError {}
