//! What the application is told of the peer: section 7.5.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ConnectionCommon, HandshakeKind, ProtocolVersion};
use secure_tunnel::credentials::Id;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Name};

use crate::error::TlsError;
use crate::form::{Certificate, Validity};
use crate::lists::Fingerprint;
use crate::verify::Examined;

/// The peer of a connection whose handshake is complete.
// spec: TLS-027, TLS-028, TLS-029
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Whether the peer is authorized, and why not.
    pub authorized: Result<(), TlsError>,
    /// Who an authorized client is; `None` for others and for servers.
    pub identity: Option<Id>,
    /// What the peer's certificate says; that alone authorizes nobody.
    pub certificate: Option<Arc<CertificateInfo>>,
    /// The protocol that ALPN selected.
    pub alpn: Option<Vec<u8>>,
    /// On the server's side the name that the client indicated, in lower case.
    pub server_name: Option<String>,
    /// The version of TLS.
    pub version: Option<ProtocolVersion>,
    /// Whether this is a session of an earlier connection.
    pub resumed: bool,
    /// As the peer sent it, for a later check.
    pub(crate) chain: Vec<CertificateDer<'static>>,
}

/// What a certificate says. The texts are the peer's: escape them before showing them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateInfo {
    /// SHA-256 of the whole DER.
    pub fingerprint: Fingerprint,
    /// First second of the validity, since the Unix epoch.
    pub not_before: i64,
    /// Last second of it.
    pub not_after: i64,
    /// The serial number, then subject and issuer, each a Name in DER.
    octets: Box<[u8]>,
    /// Where subject and issuer begin.
    begins: [usize; 2],
}

impl CertificateInfo {
    /// Reads a certificate.
    ///
    /// # Errors
    /// [`TlsError::CertificateForm`].
    pub fn of(der: &[u8]) -> Result<Self, TlsError> {
        Ok(Self::from_parsed(&Certificate::parse(der)?, Sha256::digest(der).into()))
    }

    /// What `parsed` says, which has this fingerprint.
    pub(crate) fn from_parsed(parsed: &Certificate<'_>, fingerprint: Fingerprint) -> Self {
        let Validity { from, until } = parsed.validity;
        let subject = parsed.subject.as_raw();
        Self {
            fingerprint,
            not_before: from,
            not_after: until,
            octets: [parsed.serial, subject, parsed.issuer].concat().into(),
            begins: [parsed.serial.len(), parsed.serial.len() + subject.len()],
        }
    }

    /// The serial number: the content of the INTEGER, which has a leading zero octet before a high bit.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.octets[..self.begins[0]]
    }

    /// The subject, as `CN=alice, O=...`.
    #[must_use]
    pub fn subject(&self) -> String {
        name(&self.octets[self.begins[0]..self.begins[1]])
    }

    /// The issuer, likewise.
    #[must_use]
    pub fn issuer(&self) -> String {
        name(&self.octets[self.begins[1]..])
    }
}

fn name(der: &[u8]) -> String {
    // Nothing, if it is the issuer of a refused certificate and can't be read: elsewhere it was read.
    X509Name::from_der(der).map(|(_, name)| name.to_string()).unwrap_or_default()
}

/// What a connection shows of its peer, with `authorization` as the verdict.
pub(crate) fn info<D>(
    connection: &ConnectionCommon<D>,
    authorization: Result<Examined, TlsError>,
) -> PeerInfo {
    let chain = connection.peer_certificates().unwrap_or_default().to_vec();
    let (authorized, identity, certificate) = match authorization {
        Ok(Examined { identity, certificate, .. }) => (Ok(()), identity, Some(certificate)),
        Err(error) => {
            let shown = chain.first().and_then(|der| CertificateInfo::of(der).ok()).map(Arc::new);
            (Err(error), None, shown)
        }
    };
    PeerInfo {
        authorized,
        identity,
        certificate,
        alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
        server_name: None,
        version: connection.protocol_version(),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        chain,
    }
}

/// E, which binds a tunnel to this connection; both ends of it have the same.
///
/// # Errors
/// [`TlsError::Handshake`] before the handshake is complete.
// spec: TLS-082
pub fn exporter<D>(connection: &ConnectionCommon<D>) -> Result<[u8; 32], TlsError> {
    connection
        .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""))
        .map_err(|error| TlsError::of(&error))
}
