//! The model's `tls.verify` and `tls.context`, for connections.

use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use serde_json::{Map, Value, json};

use super::Code;
use super::settings::{Policies, Trust};
use crate::live::endpoint_model::{Flaw, Wrong};
use crate::model::Model;
use crate::shim_server::{Implementation, Outcome, octets_of, to_octets};

/// A verifier with what may be wrong with it.
#[derive(Debug, Clone, Copy)]
pub struct Check(pub Wrong);

/// Whose certificate it is.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    Client,
    /// The server that the caller calls so.
    Server(&'a [u8]),
}

impl Check {
    /// Verifies a chain at this moment, for a client with the lists; gives a client's identity.
    ///
    /// # Errors
    /// The code of the fault.
    pub fn verify(
        self,
        whose: Whose<'_>,
        chain: &[CertificateDer<'_>],
        trust: &Trust,
        policies: &Policies,
    ) -> Result<Option<Vec<u8>>, Code> {
        if chain.is_empty() {
            return Err("no_certificate");
        }
        let mut request = trust.0.clone();
        let named = match self.0.flaw {
            Some(Flaw::PoliciesIgnored) => &[],
            _ => &policies.0[..],
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        request.insert("policies".into(), json!(named));
        request.insert("now".into(), now.to_string().into());
        request.insert("chain".into(), chain.iter().map(|der| to_whole(der)).collect());
        match whose {
            Whose::Client => request.insert("peer".into(), "client".into()),
            Whose::Server(name) => {
                request.insert("name".into(), to_octets(name));
                request.insert("peer".into(), "server".into())
            }
        };
        let accepted = self.run("tls.verify", &request)?;
        let identity = accepted.get("identity").map(octets_of).transpose();
        identity.map_err(|_| "identity")
    }

    /// The index of the context for an indicated name; `None` is the default one.
    ///
    /// # Errors
    /// `sni`, where there is none.
    pub fn context(
        self,
        names: &[Vec<u8>],
        has_default: bool,
        indicated: Option<&[u8]>,
    ) -> Result<Option<usize>, Code> {
        let names: Vec<Value> = names.iter().map(|name| to_octets(name)).collect();
        let mut request = Map::new();
        request.insert("contexts".into(), names.into());
        request.insert("default".into(), has_default.into());
        if let Some(name) = indicated {
            request.insert("name".into(), to_octets(name));
        }
        let found = self.run("tls.context", &request)?;
        let index = found.get("context").and_then(Value::as_u64);
        Ok(index.and_then(|index| usize::try_from(index).ok()))
    }

    fn run(self, op: &str, request: &Map<String, Value>) -> Result<Map<String, Value>, Code> {
        // No bug of an RSA operation is asked about here, so nothing is worth keeping.
        match Model::new(self.0.bug, Default::default()).run(op, request) {
            Outcome::Ok(out) => Ok(out),
            Outcome::Reject(rejection) => Err(rejection.code),
            Outcome::Fault { native } | Outcome::Unsupported { reason: native } => {
                eprintln!("{op}: {native}");
                Err("handshake")
            }
        }
    }
}

/// Octets of any length: `to_octets` gives long ones by their hash.
fn to_whole(der: &[u8]) -> Value {
    hex::encode(der).into()
}
