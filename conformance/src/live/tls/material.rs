//! Certificates for one run, made for the time at which it began.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use tunnelproof_vectors::build::live::{Ca, Chain, Issued, PrivateKey, chains};

use super::hello::Hello;
use crate::live::stage::now;
use crate::live::wire::Credentials;

/// The name of the usual server.
pub const SERVER: &str = "invoice.example.com";

/// CAs and what they have issued.
pub struct Material {
    /// When it was made, in seconds since the Unix epoch.
    pub now: u64,
    /// Whether ALPN is used with TLS alone (TLS-015).
    pub alpn: bool,
    /// Root and CA of servers.
    pub server_root: Ca,
    pub server_ca: Ca,
    /// Root and CA of clients.
    pub client_root: Ca,
    pub client_ca: Ca,
    /// A CA that nobody trusts.
    pub stranger: Ca,
    /// The CA of the honest client alone, with whom the harness finds out whether a server still serves.
    pub honest_root: Ca,
    chains: OnceLock<Result<BTreeMap<String, Chain>, String>>,
}

impl Material {
    /// For the present.
    pub fn new() -> Material {
        Material::at(now())
    }

    /// Whether ALPN is used with TLS alone.
    #[must_use]
    pub fn with_alpn(self, alpn: bool) -> Material {
        Material { alpn, ..self }
    }

    /// For this second since the Unix epoch.
    pub fn at(now: u64) -> Material {
        let (server_root, client_root) = (Ca::root("servers", now), Ca::root("clients", now));
        Material {
            now,
            alpn: true,
            server_ca: server_root.intermediate("servers, below"),
            server_root,
            client_ca: client_root.intermediate("clients, below"),
            client_root,
            stranger: Ca::root("stranger", now),
            honest_root: Ca::root("honest", now),
            chains: OnceLock::new(),
        }
    }

    /// The certificate of a server with these names.
    pub fn server(&self, names: &[&str]) -> Issued {
        self.server_ca.server(names, PrivateKey::p256(&names.join(" ")))
    }

    /// The certificate of a client, named as every server can read it; the URI is for the vectors.
    pub fn client(&self, identity: &str) -> Issued {
        self.client_ca.client_by_common_name(identity, PrivateKey::p256(identity))
    }

    /// A client of this identity that greets [`SERVER`].
    pub fn hello(&self, identity: &str) -> Hello {
        Hello::new(SERVER, self.client(identity))
    }

    /// The honest client, of a CA of its own; named as every server can read it.
    pub fn honest(&self) -> Hello {
        Hello::new(
            SERVER,
            self.honest_root.client_by_common_name("honest", PrivateKey::p256("honest")),
        )
    }

    /// CRLs of the CAs of clients, of which the lower one lists these serial numbers; and of the honest client's.
    pub fn crls(&self, serials: &[&[u8]]) -> Vec<Vec<u8>> {
        const DAY: u64 = 86_400;
        vec![
            self.client_root.crl(&[], DAY),
            self.client_ca.crl(serials, DAY),
            self.honest_root.crl(&[], DAY),
        ]
    }

    /// The vector of this id, made for this time.
    ///
    /// # Errors
    /// If there is none.
    pub fn chain(&self, id: &str) -> Result<&Chain, String> {
        let made = self.chains.get_or_init(|| {
            let chains = chains(self.now)?;
            Ok(chains.into_iter().map(|chain| (chain.vector.id.clone(), chain)).collect())
        });
        let made = made.as_ref().map_err(Clone::clone)?;
        made.get(id).ok_or_else(|| format!("there is no vector {id}"))
    }
}

/// The credentials of a tunnel inside, for one whose certificate names this identity too.
pub fn credentials(identity: &str) -> Credentials {
    Credentials::made(identity.as_bytes(), &format!("inside TLS: {identity}"))
}

/// Those that a server with a tunnel inside knows.
pub fn all_credentials() -> Vec<Credentials> {
    ["alice", "bob", "honest"].map(credentials).into()
}
