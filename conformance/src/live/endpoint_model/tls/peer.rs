//! What is told of the peer: section 7.5, and the `tls` of an event line.

use rustls::pki_types::CertificateDer;
use rustls::{Connection, HandshakeKind, ProtocolVersion};
use secure_tunnel_tls::CertificateInfo;
use serde_json::{Value, json};

use super::Code;
use crate::decode;
use crate::live::endpoint_model::Flaw;

/// The peer of a connection whose handshake is complete.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The identity of a client that is authorized, or why the peer is not.
    pub authorized: Result<Option<Vec<u8>>, Code>,
    /// As the peer sent it.
    pub chain: Vec<CertificateDer<'static>>,
    alpn: Option<Vec<u8>>,
    /// As the client indicated it.
    server_name: Option<String>,
    version: Option<ProtocolVersion>,
    resumed: bool,
}

impl Peer {
    pub fn new(
        connection: &Connection,
        authorized: Result<Option<Vec<u8>>, Code>,
        server_name: Option<String>,
    ) -> Self {
        Self {
            authorized,
            chain: connection.peer_certificates().unwrap_or_default().to_vec(),
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            server_name,
            version: connection.protocol_version(),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }

    /// The identity of an authorized client.
    pub fn identity(&self) -> Option<&[u8]> {
        self.authorized.as_ref().ok()?.as_deref()
    }

    /// The field `tls` of an open event.
    pub fn to_json(&self, flaw: Option<Flaw>) -> Value {
        let shown = match flaw {
            Some(Flaw::FingerprintOfIssuer) => self.chain.last(),
            _ => self.chain.first(),
        };
        let certificate = shown.and_then(|der| CertificateInfo::of(der).ok());
        let certificate = certificate.as_ref();
        let mut reason = self.authorized.as_ref().err().copied();
        if flaw == Some(Flaw::ReasonUntold) {
            reason = None;
        }
        let told =
            |value: Value, hidden: Flaw| if flaw == Some(hidden) { Value::Null } else { value };
        let alpn = self.alpn.as_ref().map(|alpn| String::from_utf8_lossy(alpn));
        json!({
            "authorized": self.authorized.is_ok() || flaw == Some(Flaw::EverybodyAuthorized),
            "reason": reason,
            "identity": self.identity().map(hex::encode),
            "fingerprint": certificate.map(|c| hex::encode(c.fingerprint)),
            "subject": certificate.map(CertificateInfo::subject),
            "issuer": certificate.map(CertificateInfo::issuer),
            "serial": certificate.map(|c| serial(c.serial())),
            "not_before": certificate.map(|c| c.not_before),
            "not_after": certificate.map(|c| c.not_after),
            "alpn": told(json!(alpn), Flaw::AlpnUntold),
            "server_name": told(json!(self.server_name), Flaw::ServerNameUntold),
            "version": match self.version {
                Some(ProtocolVersion::TLSv1_2) => "1.2",
                _ => "1.3",
            },
            "resumed": self.resumed,
        })
    }
}

/// As hexadecimal without leading zero octets.
fn serial(octets: &[u8]) -> String {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    hex::encode(&octets[zeros..])
}

/// Who a client says it is, where nobody has checked that.
pub fn claimed(leaf: &[u8]) -> Option<Vec<u8>> {
    let fields = decode::certificate(leaf)?;
    let uris = fields.iter().filter(|(name, _)| *name == "SAN URI");
    let uri = uris.filter_map(|(_, uri)| uri.strip_prefix(b"secure-tunnel:")).next();
    let name = || fields.iter().find(|(name, _)| *name == "subject CN").map(|(_, value)| *value);
    uri.or_else(name).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tunnelproof_vectors::build::live::{Ca, PrivateKey};

    #[test]
    fn serials_have_no_leading_zero_octets() {
        for (octets, expected) in [(&[0, 0x9f, 1][..], "9f01"), (&[0x10, 0], "1000"), (&[1], "01")]
        {
            assert_eq!(serial(octets), expected);
        }
    }

    #[test]
    fn a_claim_is_the_uri_or_else_the_common_name() {
        let ca = Ca::root("claims", 1_800_000_000);
        let by_uri = ca.client("alice", PrivateKey::p256("alice"));
        let by_name = ca.client_by_common_name("bob", PrivateKey::p256("bob"));
        assert_eq!(claimed(&by_uri.chain[0]).as_deref(), Some(&b"alice"[..]));
        assert_eq!(claimed(&by_name.chain[0]).as_deref(), Some(&b"bob"[..]));
        assert_eq!(claimed(b"no certificate"), None);
    }
}
