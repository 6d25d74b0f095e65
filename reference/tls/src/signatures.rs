//! Signatures of the handshake.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls13_signature, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::{CertificateError, DigitallySignedStruct, Error};

use crate::form::Certificate;

/// Whether the peer has the private key of `certificate`, of whatever form the rest of it is: a certificate that is
/// not acceptable may have to be reported, and then it has to be the peer's own.
pub(crate) fn tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls13_signature(message, certificate, signature, algorithms).or_else(|_| {
        // Perhaps webpki can't read the certificate, and it still has a key.
        let parsed = Certificate::parse(certificate)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let key = SubjectPublicKeyInfoDer::from(parsed.key.raw);
        verify_tls13_signature_with_raw_key(message, &key, signature, algorithms)
    })
}
