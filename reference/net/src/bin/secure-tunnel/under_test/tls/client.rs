//! A client's TLS, for one dial after the other.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::time_provider::DefaultTimeProvider;
use secure_tunnel_net::TlsClient;
use secure_tunnel_tls::{ClientSettings, ClientTls, OwnCertificate, Trust, server_name};

use super::super::lines::Octets;
use super::lines::{DialTls, Own};
use super::{Fault, alpn, own, policies, trust};

/// The clients of dials that may resume one another's sessions: those with the same text for it and all else alike but
/// for what they trust.
#[derive(Default)]
pub struct Sessions(HashMap<Alike, Arc<ClientTls>>);

#[derive(PartialEq, Eq, Hash)]
struct Alike {
    session: String,
    check: bool,
    alpn: bool,
    policies: Vec<String>,
    chain: Option<Vec<Octets>>,
    key: Option<Octets>,
}

impl Sessions {
    /// The TLS of a dial to `host`.
    pub fn client(&mut self, dial: DialTls, host: &str) -> Result<TlsClient, Fault> {
        let DialTls { alpn: used, check, server_name: name, anchors, crls, session, .. } = dial;
        let policies = policies(&dial.policies)?;
        let name = server_name(name.as_deref().unwrap_or(host).as_bytes())?;
        // spec: TLS-021
        let trust = match check {
            true => trust(&anchors, crls.as_deref(), policies)?,
            false => Trust::nobody(policies),
        };
        let make = |trust, certificate| {
            let time = Arc::new(DefaultTimeProvider);
            let settings = ClientSettings { trust, certificate, alpn: alpn(used), time };
            let make = if check { ClientTls::new } else { ClientTls::encrypted_only };
            make(settings).map(Arc::new)
        };
        let Some(session) = session else {
            let tls = make(trust, certificate(dial.chain, dial.key)?)?;
            return Ok(TlsClient::new(tls, name));
        };
        let (chain, key) = (dial.chain.clone(), dial.key.clone());
        let alike = Alike { session, check, alpn: used, policies: dial.policies, chain, key };
        let tls = match self.0.get(&alike) {
            Some(tls) => {
                tls.replace_trust(trust);
                Arc::clone(tls)
            }
            None => {
                let tls = make(trust, certificate(dial.chain, dial.key)?)?;
                self.0.insert(alike, Arc::clone(&tls));
                tls
            }
        };
        Ok(TlsClient::new(tls, name))
    }
}

fn certificate(
    chain: Option<Vec<Octets>>,
    key: Option<Octets>,
) -> Result<Option<OwnCertificate>, Fault> {
    match (chain, key) {
        (Some(chain), Some(key)) => own(&Own { chain, key }).map(Some),
        (None, None) => Ok(None),
        _ => Err(Fault::Unsupported(vec!["a chain without a key, or a key without one".into()])),
    }
}
