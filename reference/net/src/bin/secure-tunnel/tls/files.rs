//! Certificates, keys, CRLs and lists out of files; each fault names its file.

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use secure_tunnel_tls::{List, OwnCertificate, Policies, Trust};

use crate::files;

/// A party's certificate with its key.
pub fn own(certificate: &Path, key: &Path) -> Result<OwnCertificate, String> {
    let chain = certificates(certificate)?.into_iter().map(CertificateDer::from).collect();
    let octets = files::octets(key)?;
    let private = PrivateKeyDer::from_pem_slice(&octets)
        .map_err(|_| format!("{}: no private key in PEM that is not encrypted", key.display()))?;
    files::warn_if_open(key);
    OwnCertificate::new(chain, private)
        .map_err(|error| format!("{} with {}: {error}", certificate.display(), key.display()))
}

/// Anchors, and CRLs if files of them were named: of what the files held.
pub fn trust(anchors: &[Vec<u8>], crls: &[Vec<u8>], policies: Policies) -> Result<Trust, String> {
    let trust = Trust::new(anchors, policies);
    // A file without a CRL is refused, so that none means that no file was named.
    let trust = match crls.is_empty() {
        true => trust,
        false => trust.and_then(|trust| trust.with_crls(crls)),
    };
    trust.map_err(|e| e.to_string())
}

/// DER of the certificates of CAs, each of which can be an anchor.
pub fn anchors(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let found = certificates(path)?;
    Trust::new(&found, Policies::default()).map_err(|e| of(path, e))?;
    Ok(found)
}

/// DER of CRLs, each of which can be used.
pub fn crls(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let octets = files::octets(path)?;
    let found = match is_pem(&octets) {
        false => vec![octets.to_vec()],
        true => {
            let found: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&octets)
                .map(|der| der.map(|der| der.as_ref().to_vec()))
                .collect();
            found.map_err(|e| of(path, e))?
        }
    };
    if found.is_empty() {
        return Err(of(path, "no X509 CRL in it"));
    }
    Trust::nobody(Policies::default()).with_crls(&found).map_err(|e| of(path, e))?;
    Ok(found)
}

/// A list of clients.
pub fn list(path: &Path) -> Result<List, String> {
    List::parse(&files::text(path)?).map_err(|e| of(path, e))
}

fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let octets = files::octets(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&octets)
        .map(|der| der.map(|der| der.as_ref().to_vec()))
        .collect();
    match found.map_err(|e| of(path, e))? {
        found if found.is_empty() => Err(of(path, "no certificate in PEM in it")),
        found => Ok(found),
    }
}

fn is_pem(octets: &[u8]) -> bool {
    octets.windows(11).any(|window| window == b"-----BEGIN ")
}

fn of(path: &Path, fault: impl core::fmt::Display) -> String {
    format!("{}: {fault}", path.display())
}
