//! TLS around the tunnel, or alone: section 8 of spec/live-protocol.md, chapter 7 of the specification.

pub mod client;
pub mod lines;
pub mod server;
pub mod stream;

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use secure_tunnel_tls::{Alpn, OwnCertificate, Policies, TlsError, Trust};

use super::lines::Octets;
use lines::Own;

/// Why TLS can't be set up as a line asks.
pub enum Fault {
    /// This lacks what the line asks for.
    Unsupported(Vec<String>),
    /// A fault of the caller's that has a code of the registry.
    Caller(TlsError),
}

impl From<TlsError> for Fault {
    fn from(error: TlsError) -> Self {
        Self::Caller(error)
    }
}

fn own(own: &Own) -> Result<OwnCertificate, Fault> {
    let chain = own.chain.iter().map(|Octets(der)| CertificateDer::from(der.clone())).collect();
    let key = PrivatePkcs8KeyDer::from(own.key.0.clone());
    OwnCertificate::new(chain, key.into())
        .map_err(|error| Fault::Unsupported(vec![format!("a certificate with this key: {error}")]))
}

/// No CRLs and an empty list of them differ.
fn trust(
    anchors: &[Octets],
    crls: Option<&[Octets]>,
    policies: Policies,
) -> Result<Trust, TlsError> {
    let trust = Trust::new(anchors, policies)?;
    match crls {
        None => Ok(trust),
        Some(crls) => trust.with_crls(crls),
    }
}

fn policies(names: &[String]) -> Result<Policies, Fault> {
    Policies::named(names.iter().map(String::as_str))
        .map_err(|error| Fault::Unsupported(vec![error.to_string()]))
}

// spec: TLS-015
fn alpn(used: bool) -> Alpn {
    if used { Alpn::Required } else { Alpn::LeftOut }
}
