//! Chapter 7 with bugs. TLS and X.509 are the work of libraries, so paths are those of the reference, and a bug changes
//! what it is asked or what it answers; lists and contexts are the model's own.

use serde_json::{Map, Value, json};

use super::refusal::{Refusal, Result, check, fault};
use super::{Bug, Model, out};
use crate::decode;
use crate::reference_shim::Reference;
use crate::shim_server::{Implementation, Input, Outcome, octets_of, to_octets};

/// What a path without fault gives.
type Accepted = Map<String, Value>;

impl Model {
    pub(super) fn tls_verify(&self, input: &Map<String, Value>) -> Result<Map<String, Value>> {
        let client = input.get("peer").is_some_and(|peer| peer == "client");
        let request = self.asked(input)?;
        let mut found = self.in_time(&request);
        if !client {
            found = self.server_named(&request, found);
        }
        let mut accepted = found?;
        if client {
            let identity = self.identity(&request, &accepted)?;
            self.check_lists(input, &identity, &accepted["fingerprint"])?;
            accepted.insert("identity".to_owned(), to_octets(&identity));
        }
        Ok(accepted)
    }

    /// What the reference is asked: without lists, and as the bugs have it.
    fn asked(&self, input: &Map<String, Value>) -> Result<Map<String, Value>> {
        let mut request = input.clone();
        request.remove("allow");
        request.remove("deny");
        for (bug, policy) in [
            (Bug::MissingPurposeAccepted, "eku-if-present"),
            (Bug::AnchorValidityIgnored, "anchor-validity-ignored"),
            (Bug::CrlMissingAccepted, "crl-unknown-accepted"),
            (Bug::CrlStaleAccepted, "crl-stale-accepted"),
        ] {
            if self.bug(bug) {
                list(&mut request, "policies").push(policy.into());
            }
        }
        if self.bug(Bug::CrlsIgnored) {
            request.remove("crls");
        }
        if request.get("crls") == Some(&json!([])) && self.bug(Bug::NoCrlsIsNoRevocation) {
            request.remove("crls");
        }
        if request.contains_key("crls") && self.bug(Bug::FirstCrlOnly) {
            list(&mut request, "crls").truncate(1);
        }
        let chain = list(&mut request, "chain");
        if chain.len() > 1 {
            if self.bug(Bug::IntermediatesIgnored) {
                chain.truncate(1);
            }
            if self.bug(Bug::LeafIsLast) {
                chain.reverse();
            }
            if self.bug(Bug::FirstIntermediateOnly) {
                chain.truncate(2);
            }
            if self.bug(Bug::PeersLastCertificateTrusted) {
                let last = chain.last().cloned();
                list(&mut request, "anchors").extend(last);
            }
        }
        Ok(request)
    }

    /// TLS-037 and TLS-038.
    fn in_time(&self, request: &Map<String, Value>) -> Result<Accepted> {
        let now = Input::from(request).u64("now")?;
        let at = |now: u64| {
            let mut request = request.clone();
            request.insert("now".to_owned(), now.to_string().into());
            verified(&request)
        };
        let code = |outcome: &Result<Accepted>| match outcome {
            Err(Refusal::Check { code, .. }) => *code,
            _ => "",
        };
        let found = verified(request);
        match code(&found) {
            "expired" if self.bug(Bug::ExpiryOneSecondLate) => at(now.saturating_sub(1)),
            "not_yet_valid" if self.bug(Bug::BeginOneSecondEarly) => at(now.saturating_add(1)),
            "" if self.bug(Bug::LastSecondOfCertificateRefused) => {
                at(now.saturating_add(1)).and(found)
            }
            "" if self.bug(Bug::FirstSecondOfCertificateRefused) => {
                at(now.saturating_sub(1)).and(found)
            }
            _ => found,
        }
    }

    /// TLS-053 to TLS-060.
    fn server_named(
        &self,
        request: &Map<String, Value>,
        found: Result<Accepted>,
    ) -> Result<Accepted> {
        let name = Input::from(request).octets("name")?;
        if found.is_ok() && name.iter().any(u8::is_ascii_uppercase) {
            return if self.bug(Bug::NameCaseMatters) { Err(check("server_name")) } else { found };
        }
        let Err(Refusal::Check { code, .. }) = found else { return found };
        let named = |name: &[u8]| {
            let mut request = request.clone();
            request.insert("name".to_owned(), to_octets(name));
            verified(&request)
        };
        let dot = name.iter().position(|octet| *octet == b'.');
        let leaf = leaf(request)?;
        match code {
            "bad_name" if name.ends_with(b".") && self.bug(Bug::FinalDotIgnored) => {
                named(&name[..name.len() - 1])
            }
            "server_name" if self.bug(Bug::NameNotCompared) => {
                let any = fields(&leaf, "SAN DNS").into_iter().find_map(|entry| {
                    named(&String::from_utf8_lossy(&entry).replace('*', "x").into_bytes()).ok()
                });
                any.map_or(found, Ok)
            }
            "server_name"
                if fields(&leaf, "subject CN").contains(&name)
                    && self.bug(Bug::CommonNameIsServerName) =>
            {
                Ok(out([("fingerprint", sha256_of(&leaf))]))
            }
            "server_name" if self.bug(Bug::WildcardCoversSeveralLabels) => {
                named(&name[dot.map_or(0, |dot| dot + 1)..]).or(found)
            }
            "server_name" if self.bug(Bug::WildcardCoversBareDomain) => {
                named(&[b"x.", &name[..]].concat()).or(found)
            }
            _ => found,
        }
    }

    /// TLS-061 to TLS-066, of a leaf whose identity the reference has accepted.
    fn identity(&self, request: &Map<String, Value>, accepted: &Accepted) -> Result<Vec<u8>> {
        let identity = octets_of(&accepted["identity"])?;
        let leaf = leaf(request)?;
        let names = fields(&leaf, "subject CN");
        let uris = fields(&leaf, "SAN URI");
        let ours = uris.iter().find(|uri| uri.to_ascii_lowercase().starts_with(b"secure-tunnel:"));
        let Some(uri) = ours else {
            return if self.bug(Bug::CommonNameNotRead) {
                Err(check("identity"))
            } else {
                Ok(identity)
            };
        };
        if let [name] = &names[..]
            && self.bug(Bug::CommonNameBeforeUri)
        {
            return Ok(name.clone());
        }
        let scheme = b"secure-tunnel:".len();
        if !uri.starts_with(b"secure-tunnel:") && self.bug(Bug::SchemeCaseMatters) {
            return Err(check("identity"));
        }
        if uri.contains(&b'%') && self.bug(Bug::PercentNotDecoded) {
            return Ok(uri[scheme..].to_vec());
        }
        Ok(identity)
    }

    /// TLS-073 to TLS-075.
    fn check_lists(
        &self,
        input: &Map<String, Value>,
        identity: &[u8],
        fingerprint: &Value,
    ) -> Result<()> {
        let names = |list: &Value| -> Result<bool> {
            for entry in list.as_array().into_iter().flatten() {
                let same = match (entry.get("identity"), entry.get("sha256")) {
                    (Some(text), _) => {
                        let text = octets_of(text)?;
                        text == identity
                            || text.eq_ignore_ascii_case(identity) && self.bug(Bug::ListsIgnoreCase)
                            || identity.starts_with(&text) && self.bug(Bug::ListsComparePrefixes)
                    }
                    (_, Some(print)) => print == fingerprint && !self.bug(Bug::FingerprintsIgnored),
                    _ => false,
                };
                if same {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let allowed = input.get("allow").map(names).transpose()?;
        let denied = input.get("deny").map(names).transpose()?.unwrap_or(false);
        if denied
            && !(allowed == Some(true) && self.bug(Bug::AllowListWins))
            && !self.bug(Bug::DenyListIgnored)
        {
            return Err(check("denied"));
        }
        let empty = input.get("allow") == Some(&json!([]));
        if allowed == Some(false)
            && !(empty && self.bug(Bug::EmptyAllowListIsNone))
            && !self.bug(Bug::AllowListIgnored)
        {
            return Err(check("not_allowed"));
        }
        Ok(())
    }

    /// TLS-018 to TLS-020.
    pub(super) fn tls_context(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let mut contexts = Vec::new();
        for name in input.list("contexts")? {
            contexts.push(octets_of(name)?.to_ascii_lowercase());
        }
        let indicated = input.optional_octets("name")?.map(|name| {
            if self.bug(Bug::ContextCaseMatters) { name } else { name.to_ascii_lowercase() }
        });
        let place = |wanted: &[u8]| contexts.iter().position(|name| name == wanted);
        let exact = |name: &[u8]| place(name);
        let wildcard = |name: &[u8]| {
            let mut rest = name;
            while let Some(dot) = rest.iter().position(|octet| *octet == b'.') {
                rest = &rest[dot + 1..];
                if let Some(found) = place(&[b"*.", rest].concat()) {
                    return Some(found);
                }
                if !self.bug(Bug::ContextWildcardCoversSeveralLabels) {
                    break;
                }
            }
            let bare = place(&[b"*.", name].concat());
            bare.filter(|_| self.bug(Bug::ContextWildcardCoversBareDomain))
        };
        let found = indicated.as_deref().and_then(|name| {
            if self.bug(Bug::ContextWildcardFirst) {
                wildcard(name).or_else(|| exact(name))
            } else {
                exact(name).or_else(|| wildcard(name))
            }
        });
        let context = match found {
            Some(index) => json!(index),
            None if input.boolean("default")? => Value::Null,
            None if !contexts.is_empty() && self.bug(Bug::FirstContextIsDefault) => json!(0),
            None => return Err(check("sni")),
        };
        Ok(out([("context", context)]))
    }
}

/// What the reference says.
fn verified(request: &Map<String, Value>) -> Result<Accepted> {
    match Reference::default().run("tls.verify", request) {
        Outcome::Ok(out) => Ok(out),
        Outcome::Reject(rejection) => Err(check(rejection.code)),
        Outcome::Fault { native } | Outcome::Unsupported { reason: native } => Err(fault(native)),
    }
}

fn list<'a>(request: &'a mut Map<String, Value>, name: &str) -> &'a mut Vec<Value> {
    let entry = request.entry(name).or_insert_with(|| json!([]));
    if !entry.is_array() {
        *entry = json!([]);
    }
    entry.as_array_mut().expect("it is one now")
}

/// The first certificate; empty if there is none.
fn leaf(request: &Map<String, Value>) -> Result<Vec<u8>> {
    let first = request.get("chain").and_then(|chain| chain.get(0));
    Ok(first.map(octets_of).transpose()?.unwrap_or_default())
}

/// The values of a certificate's fields of that name.
fn fields(der: &[u8], name: &str) -> Vec<Vec<u8>> {
    let all = decode::certificate(der).unwrap_or_default();
    all.into_iter().filter(|(label, _)| *label == name).map(|(_, value)| value.to_vec()).collect()
}

fn sha256_of(der: &[u8]) -> Value {
    to_octets(&super::digest::sha256(&[der]))
}
