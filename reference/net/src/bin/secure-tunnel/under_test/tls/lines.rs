//! What the lines of the live protocol have for TLS.

use rustls::ProtocolVersion;
use secure_tunnel::error::Diagnostic;
use secure_tunnel_tls::PeerInfo;
use serde::{Deserialize, Deserializer, Serialize};

use super::super::lines::Octets;

/// Of a server's first line.
#[derive(Deserialize)]
pub struct StartTls {
    pub tunnel: bool,
    #[serde(default)]
    pub contexts: Vec<Context>,
    #[serde(default)]
    pub default: Option<Own>,
    pub clients: Clients,
    pub alpn: bool,
    #[serde(default)]
    pub anchors: Vec<Octets>,
    #[serde(default)]
    pub crls: Option<Vec<Octets>>,
    #[serde(default)]
    pub allow: Option<Entries>,
    #[serde(default)]
    pub deny: Option<Entries>,
    #[serde(default)]
    pub policies: Vec<String>,
}

/// A certificate for the clients that indicate a name.
#[derive(Deserialize)]
pub struct Context {
    pub name: String,
    #[serde(flatten)]
    pub own: Own,
}

/// A chain in DER, leaf first, and the leaf's key in PKCS#8 DER.
#[derive(Deserialize)]
pub struct Own {
    pub chain: Vec<Octets>,
    pub key: Octets,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum Clients {
    None,
    Ask,
    Require,
}

/// An allow list or a deny list.
#[derive(Deserialize)]
pub struct Entries {
    #[serde(default)]
    pub identities: Vec<Octets>,
    #[serde(default)]
    pub fingerprints: Vec<Octets>,
}

/// The line that changes what a server accepts.
#[derive(Deserialize)]
pub struct ChangeLine {
    pub tls: Change,
}

/// What is absent stays; null is a value.
#[derive(Deserialize)]
pub struct Change {
    #[serde(default)]
    pub anchors: Option<Vec<Octets>>,
    #[serde(default, deserialize_with = "present")]
    pub crls: Option<Option<Vec<Octets>>>,
    #[serde(default, deserialize_with = "present")]
    pub allow: Option<Option<Entries>>,
    #[serde(default, deserialize_with = "present")]
    pub deny: Option<Option<Entries>>,
}

fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Of a dial.
#[derive(Deserialize)]
pub struct DialTls {
    pub tunnel: bool,
    pub alpn: bool,
    #[serde(default)]
    pub policies: Vec<String>,
    #[serde(default = "yes")]
    pub check: bool,
    /// In place of the host.
    #[serde(default)]
    pub server_name: Option<String>,
    #[serde(default)]
    pub anchors: Vec<Octets>,
    #[serde(default)]
    pub crls: Option<Vec<Octets>>,
    #[serde(default)]
    pub chain: Option<Vec<Octets>>,
    #[serde(default)]
    pub key: Option<Octets>,
    #[serde(default)]
    pub session: Option<String>,
}

fn yes() -> bool {
    true
}

/// What TLS knows of a peer.
// spec: TLS-027, TLS-028, TLS-029
#[derive(Serialize)]
pub struct Told {
    authorized: bool,
    reason: Option<&'static str>,
    identity: Option<String>,
    fingerprint: Option<String>,
    subject: Option<String>,
    issuer: Option<String>,
    serial: Option<String>,
    not_before: Option<i64>,
    not_after: Option<i64>,
    alpn: Option<String>,
    server_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    resumed: bool,
}

impl Told {
    pub fn of(peer: &PeerInfo) -> Box<Self> {
        let certificate = peer.certificate.as_ref();
        Box::new(Self {
            authorized: peer.authorized.is_ok(),
            reason: peer.authorized.as_ref().err().map(Diagnostic::code),
            identity: peer.identity.as_ref().map(|id| hex::encode(id.as_str())),
            fingerprint: certificate.map(|certificate| hex::encode(certificate.fingerprint)),
            subject: certificate.map(|certificate| certificate.subject()),
            issuer: certificate.map(|certificate| certificate.issuer()),
            serial: certificate.map(|certificate| serial(certificate.serial())),
            not_before: certificate.map(|certificate| certificate.not_before),
            not_after: certificate.map(|certificate| certificate.not_after),
            alpn: peer.alpn.as_ref().map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
            server_name: peer.server_name.clone(),
            version: match peer.version {
                Some(ProtocolVersion::TLSv1_3) => Some("1.3"),
                Some(ProtocolVersion::TLSv1_2) => Some("1.2"),
                _ => None,
            },
            resumed: peer.resumed,
        })
    }
}

/// Hexadecimal, without leading zero octets.
fn serial(octets: &[u8]) -> String {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    hex::encode(&octets[zeros..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_differs_from_null() {
        let change = |text: &str| serde_json::from_str::<ChangeLine>(text).expect("a line").tls;
        let lines = change(r#"{"tls":{"crls":null,"deny":{"identities":["61"]}}}"#);
        assert!(matches!(lines.crls, Some(None)));
        assert!(lines.allow.is_none() && lines.anchors.is_none());
        assert_eq!(lines.deny.flatten().expect("is there").identities[0].0, b"a");
    }

    #[test]
    fn serials_have_no_leading_zero_octets() {
        assert_eq!(serial(&[0, 0x8f, 0, 1]), "8f0001");
        assert_eq!(serial(&[0x10, 1]), "1001");
    }
}
