//! What the lines of the live protocol configure.

use std::io;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use serde_json::{Map, Value, json};

use super::provider;
use crate::live::endpoint_model::{Flaw, bad, invalid};
use crate::shim_server::{Input, octets_of};

/// Anchors, CRLs and lists, as `tls.verify` takes them.
#[derive(Debug, Clone, Default)]
pub struct Trust(pub Map<String, Value>);

/// The names of policies.
#[derive(Debug, Clone, Default)]
pub struct Policies(pub Vec<String>);

impl Trust {
    pub fn read(input: Input<'_>) -> io::Result<Self> {
        let mut trust = Self::default();
        trust.change(input, None)?;
        Ok(trust)
    }

    /// Takes what is there; what is absent stays.
    pub fn change(&mut self, input: Input<'_>, flaw: Option<Flaw>) -> io::Result<()> {
        for name in ["anchors", "crls", "allow", "deny"] {
            let Ok(value) = input.value(name) else { continue };
            let is_list = matches!(name, "allow" | "deny");
            if is_list && flaw == Some(Flaw::ListsNotReread)
                || name == "crls" && flaw == Some(Flaw::CrlsNotReread)
            {
                continue;
            }
            match value {
                Value::Null => drop(self.0.remove(name)),
                value if is_list => drop(self.0.insert(name.to_owned(), list(value)?)),
                value => drop(self.0.insert(name.to_owned(), value.clone())),
            }
        }
        Ok(())
    }
}

/// `{"identities": […], "fingerprints": […]}` as the entries of a vector.
fn list(value: &Value) -> io::Result<Value> {
    let map = value.as_object().ok_or_else(|| invalid("a list that is no object".into()))?;
    let input = Input::from(map);
    let identities = input.list("identities").map_err(bad)?.iter().map(|e| json!({"identity": e}));
    let fingerprints = input.list("fingerprints").map_err(bad)?.iter();
    Ok(identities.chain(fingerprints.map(|e| json!({"sha256": e}))).collect())
}

impl Policies {
    pub fn read(input: Input<'_>) -> io::Result<Self> {
        let names = input.list("policies").unwrap_or_default().iter();
        let names: Option<Vec<String>> = names.map(|n| n.as_str().map(str::to_owned)).collect();
        names.map(Self).ok_or_else(|| invalid("policies: expected a list of names".into()))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|own| own == name)
    }
}

/// `chain` and `key`.
pub fn own_certificate(input: Input<'_>) -> io::Result<Arc<CertifiedKey>> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(input.octets("key").map_err(bad)?));
    CertifiedKey::from_der(certificates(input, "chain")?, key, &provider())
        .map(Arc::new)
        .map_err(|e| invalid(format!("chain and key: {e}")))
}

fn certificates(input: Input<'_>, name: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    let list = input.list(name).map_err(bad)?.iter();
    list.map(|der| octets_of(der).map(CertificateDer::from).map_err(bad)).collect()
}

/// Whether a field is there and not null.
pub fn present(input: Input<'_>, name: &str) -> bool {
    input.value(name).is_ok_and(|value| !value.is_null())
}
