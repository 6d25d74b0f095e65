//! The verifiers that rustls asks.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};
use secure_tunnel::error::Diagnostic;
use secure_tunnel_tls::TlsError;

use super::Code;
use crate::decode;
use crate::live::endpoint_model::Flaw;

/// Why a chain is refused, if it is.
pub type Verdict = dyn Fn(&[CertificateDer<'_>]) -> Result<(), Code> + Send + Sync;

/// Verifies the client of one connection.
pub struct OfClient {
    pub is_required: bool,
    pub verdict: Box<Verdict>,
    /// The code, which the peer and rustls are not told.
    pub refusal: Arc<OnceLock<Code>>,
    pub flaw: Option<Flaw>,
}

/// Verifies servers.
pub struct OfServer {
    pub verdict: Box<Verdict>,
    pub flaw: Option<Flaw>,
}

/// A code on its way through rustls.
#[derive(Debug)]
struct Refused(Code);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Refused {}

/// The code of an error of rustls.
pub fn code_of(error: &Error) -> Code {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.0.downcast_ref::<Refused>().map_or("handshake", |refused| refused.0)
        }
        error => TlsError::of(error).code(),
    }
}

impl ClientCertVerifier for OfClient {
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[] // a stranger is not told which CAs are the right ones
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain: Vec<_> = [leaf].into_iter().chain(others).cloned().collect();
        (self.verdict)(&chain).map_err(|code| {
            // A connection asks once.
            let _ = self.refusal.set(code);
            Error::InvalidCertificate(match (self.flaw, code) {
                (Some(Flaw::AlertTellsReason), "expired") => CertificateError::Expired,
                (Some(Flaw::AlertTellsReason), "untrusted") => CertificateError::UnknownIssuer,
                (Some(Flaw::AlertTellsReason), "revoked") => CertificateError::Revoked,
                (Some(Flaw::AlertTellsReason), _) => CertificateError::BadEncoding,
                // TLS-026: this becomes the alert access_denied.
                _ => CertificateError::ApplicationVerificationFailure,
            })
        })?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls12(self.flaw, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls13(self.flaw, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        schemes()
    }
}

impl ServerCertVerifier for OfServer {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain: Vec<_> = [leaf].into_iter().chain(others).cloned().collect();
        (self.verdict)(&chain).map_err(|code| {
            Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Refused(code)))))
        })?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls12(self.flaw, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls13(self.flaw, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        schemes()
    }
}

/// Whether the peer has the key of its certificate, of whatever form the rest of that is: a server that asks without
/// requiring has to complete the handshake with it (TLS-025).
fn tls13(
    flaw: Option<Flaw>,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    if flaw == Some(Flaw::PossessionUnchecked) {
        return Ok(HandshakeSignatureValid::assertion());
    }
    let fields = decode::certificate(certificate).unwrap_or_default();
    let key = fields.into_iter().find_map(|(name, value)| (name == "key").then_some(value));
    let key = key.ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let algorithms = default_provider().signature_verification_algorithms;
    let key = SubjectPublicKeyInfoDer::from(key);
    verify_tls13_signature_with_raw_key(message, &key, signature, &algorithms)
}

fn tls12(
    flaw: Option<Flaw>,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    if flaw == Some(Flaw::PossessionUnchecked) {
        return Ok(HandshakeSignatureValid::assertion());
    }
    let algorithms = default_provider().signature_verification_algorithms;
    verify_tls12_signature(message, certificate, signature, &algorithms)
}

fn schemes() -> Vec<SignatureScheme> {
    default_provider().signature_verification_algorithms.supported_schemes()
}

impl fmt::Debug for OfClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfClient").field("is_required", &self.is_required).finish_non_exhaustive()
    }
}

impl fmt::Debug for OfServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfServer").field("flaw", &self.flaw).finish_non_exhaustive()
    }
}
