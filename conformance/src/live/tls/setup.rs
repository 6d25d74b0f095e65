//! What an endpoint is configured with: the `tls` of the first line of a server, and of a client's dial
//! (spec/live-protocol.md, section 8).

use serde_json::{Map, Value, json};
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::live::Issued;

use super::hello::{Hello, Own};
use super::material::{Material, SERVER, all_credentials};
use crate::live::wire::Credentials;

/// Whether a server asks clients for certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    None,
    Ask,
    Require,
}

/// Clients by identity or fingerprint.
#[derive(Debug, Clone, Default)]
pub struct List {
    pub identities: Vec<Vec<u8>>,
    /// SHA-256 of certificates.
    pub fingerprints: Vec<Vec<u8>>,
}

impl List {
    pub fn of(identities: &[&str]) -> List {
        let identities = identities.iter().map(|identity| identity.as_bytes().to_vec()).collect();
        List { identities, fingerprints: Vec::new() }
    }

    /// With the certificate of this DER too.
    pub fn and_certificate(mut self, der: &[u8]) -> List {
        self.fingerprints.push(fingerprint(der).to_vec());
        self
    }

    /// As in lines.
    pub fn json(&self) -> Value {
        let list = |items: &[Vec<u8>]| Value::from_iter(items.iter().map(hex::encode));
        json!({"identities": list(&self.identities), "fingerprints": list(&self.fingerprints)})
    }
}

/// SHA-256 of a certificate.
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    tunnelproof_vectors::build::primitives::sha256(&[der])
}

/// The configuration of a server.
#[derive(Clone)]
pub struct ServerSetup {
    pub tunnel: bool,
    /// Name and certificate of each context.
    pub contexts: Vec<(String, Own)>,
    pub default: Option<Own>,
    pub clients: Clients,
    pub alpn: bool,
    pub anchors: Vec<Vec<u8>>,
    pub crls: Option<Vec<Vec<u8>>>,
    pub allow: Option<List>,
    pub deny: Option<List>,
    pub policies: Vec<String>,
    /// A client that is served under it, if any can be.
    pub honest: Option<Hello>,
}

impl ServerSetup {
    /// TLS alone with ALPN, one default context for [`SERVER`], clients of the CA required, no lists.
    pub fn usual(material: &Material) -> ServerSetup {
        ServerSetup {
            tunnel: false,
            contexts: Vec::new(),
            default: Some(material.server(&[SERVER]).into()),
            clients: Clients::Require,
            alpn: material.alpn,
            anchors: vec![material.client_root.der().to_vec(), material.honest_root.der().to_vec()],
            crls: None,
            allow: None,
            deny: None,
            policies: Vec::new(),
            honest: Some(material.honest()),
        }
    }

    /// With the tunnel inside.
    pub fn tunnel(material: &Material) -> ServerSetup {
        ServerSetup { tunnel: true, alpn: true, ..ServerSetup::usual(material) }
    }

    pub fn policy(mut self, policy: &str) -> ServerSetup {
        self.policies.push(policy.to_owned());
        self
    }

    /// The first line.
    pub fn start_line(&self) -> Value {
        let context =
            |own: &Own| json!({"chain": octets(&own.chain), "key": hex::encode(own.key.pkcs8())});
        let contexts = self.contexts.iter().map(|(name, own)| {
            let mut context = context(own);
            context["name"] = name.clone().into();
            context
        });
        let mut line = json!({
            "v": 1,
            "role": "server",
            "transport": "tcp",
            "host": "127.0.0.1",
            "rsa_key": null,
            "release_ms": null,
            "tls": {
                "tunnel": self.tunnel,
                "contexts": Value::from_iter(contexts),
                "default": self.default.as_ref().map(context),
                "clients": match self.clients {
                    Clients::None => "none",
                    Clients::Ask => "ask",
                    Clients::Require => "require",
                },
                "alpn": self.alpn,
                "anchors": octets(&self.anchors),
                "crls": self.crls.as_deref().map(octets),
                "allow": self.allow.as_ref().map(List::json),
                "deny": self.deny.as_ref().map(List::json),
                "policies": self.policies,
            },
        });
        if self.tunnel {
            let known = all_credentials();
            line["credentials"] = known.iter().filter_map(credential).collect();
            line["rsa_key"] = hex::encode(&keys::k4552_a().pkcs8).into();
        }
        line
    }
}

/// A pair for the look-up of a server.
fn credential(known: &Credentials) -> Option<Value> {
    let server_key = known.server_key.as_ref()?;
    Some(json!({"id": hex::encode(&known.id), "server_key": hex::encode(server_key)}))
}

/// What a client is told to dial with.
#[derive(Clone)]
pub struct Dial {
    pub tunnel: bool,
    pub alpn: bool,
    pub policies: Vec<String>,
    /// Whether the server is checked at all.
    pub check: bool,
    pub server_name: String,
    pub anchors: Vec<Vec<u8>>,
    pub crls: Option<Vec<Vec<u8>>>,
    /// The client's certificate.
    pub own: Option<Own>,
    pub session: Option<String>,
    /// Payloads to send when it is open.
    pub send: Vec<Vec<u8>>,
    /// Whose credentials a tunnel inside has.
    pub who: Credentials,
}

impl Dial {
    /// TLS alone with ALPN to [`SERVER`], as alice.
    pub fn usual(material: &Material) -> Dial {
        Dial {
            tunnel: false,
            alpn: material.alpn,
            policies: Vec::new(),
            check: true,
            server_name: SERVER.to_owned(),
            anchors: vec![material.server_root.der().to_vec()],
            crls: None,
            own: Some(material.client("alice").into()),
            session: None,
            send: vec![b"a payload of the client".to_vec()],
            who: super::material::credentials("alice"),
        }
    }

    pub fn policy(mut self, policy: &str) -> Dial {
        self.policies.push(policy.to_owned());
        self
    }

    /// The line for dial `number` to `port`.
    pub fn line(&self, number: u64, port: u16) -> Value {
        let mut tls = Map::new();
        let own = self.own.as_ref();
        let fields = [
            ("tunnel", self.tunnel.into()),
            ("alpn", self.alpn.into()),
            ("policies", json!(self.policies)),
            ("check", self.check.into()),
            ("server_name", self.server_name.clone().into()),
            ("anchors", octets(&self.anchors)),
            ("crls", self.crls.as_deref().map(octets).into()),
            ("chain", own.map(|own| octets(&own.chain)).into()),
            ("key", own.map(|own| hex::encode(own.key.pkcs8())).into()),
            ("session", self.session.clone().into()),
        ];
        tls.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        let mut line = json!({
            "dial": number,
            "transport": "tcp",
            "host": "127.0.0.1",
            "port": port,
            "send": octets(&self.send),
            "tls": tls,
        });
        if self.tunnel {
            line["client_key"] = hex::encode(self.who.client_key()).into();
            line["pin"] = Value::Null;
            line["rsa_key"] = hex::encode(&keys::k4552_b().pkcs8).into();
        }
        line
    }
}

/// The first line for a client.
pub fn client_start_line() -> Value {
    json!({"v": 1, "role": "client"})
}

/// Octets as lines have them.
pub fn octets(items: &[Vec<u8>]) -> Value {
    Value::from_iter(items.iter().map(hex::encode))
}

/// A context of this name.
pub fn context(name: &str, issued: Issued) -> (String, Own) {
    (name.to_owned(), issued.into())
}
