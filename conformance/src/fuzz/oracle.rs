//! What the reference answers, as a vector's expectation.
//!
//! Messages with random octets become checks: what the reference sent is opened with the committed test
//! keys, and the plaintext is what any other implementation's message has to open to.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::rsa::PrivateKey;
use tunnelproof_vectors::{Expect, Level, Reject, Vector};

use super::generate::Case;
use crate::reference_shim::Reference;
use crate::shim_server::{Implementation, Outcome, octets_of};

/// Octets in the short form from which on an implementation needs the feature `large`.
const LARGE: u64 = 1 << 20;

/// The reference, in this process.
#[derive(Default)]
pub struct Oracle {
    reference: Reference,
}

/// The reference's answer.
pub struct Answered {
    pub expect: Expect,
    /// The reference's own words on a refusal: they end in the id of a rule.
    pub native: Option<String>,
}

impl Oracle {
    /// Asks the reference.
    ///
    /// # Errors
    /// What it says of a fault: the input is none of the protocol's, or the reference is broken.
    pub fn ask(&mut self, op: &str, input: &Map<String, Value>) -> Result<Answered, String> {
        match Outcome::catching(|| self.reference.run(op, input)) {
            Outcome::Ok(out) => {
                let expect = Expect::Accept(expected(op, input, out));
                Ok(Answered { expect, native: None })
            }
            Outcome::Reject(rejection) => {
                let out = rejection.out.map(|out| expected(op, input, out));
                let expect = Expect::Reject(Reject {
                    class: rejection.class.to_owned(),
                    codes: vec![rejection.code.to_owned()],
                    status: rejection.status,
                    out,
                });
                Ok(Answered { expect, native: Some(rejection.native) })
            }
            Outcome::Fault { native: text } | Outcome::Unsupported { reason: text } => Err(text),
        }
    }

    /// The case as a vector of this id, with the reference's answer as its expectation.
    ///
    /// # Errors
    /// As [`Oracle::ask`].
    pub fn vector(&mut self, id: String, case: &Case) -> Result<Vector, String> {
        let Answered { expect, .. } = self.ask(case.op, &case.input)?;
        Ok(Vector {
            id,
            since: String::new(),
            requirements: Vec::new(),
            level: Level::Must,
            op: case.op.to_owned(),
            requires: requires(&case.input),
            input: case.input.clone(),
            expect,
            base: None,
            flaw: None,
            group: None,
            severity: None,
            note: String::new(),
            bug: None,
        })
    }
}

/// The features that a shim needs for this input.
fn requires(input: &Map<String, Value>) -> Vec<String> {
    let mut features = Vec::new();
    if input.contains_key("release_delay_ms") {
        features.push("release-delay".to_owned());
    }
    if input.contains_key("binding") {
        features.push("tls-exporter".to_owned());
    }
    if input.values().any(is_large) {
        features.push("large".to_owned());
    }
    features
}

fn is_large(value: &Value) -> bool {
    match value {
        Value::Object(object) if object.contains_key("repeat") => {
            object["length"].as_u64().is_some_and(|length| length >= LARGE)
        }
        Value::Object(object) => object.values().any(is_large),
        Value::Array(items) => items.iter().any(is_large),
        _ => false,
    }
}

/// An `out` of the reference as an expectation.
fn expected(
    op: &str,
    input: &Map<String, Value>,
    mut out: Map<String, Value>,
) -> Map<String, Value> {
    if let Some(Value::Array(results)) = out.get_mut("results") {
        for error in results.iter_mut().filter_map(|result| result.get_mut("error")) {
            *error = json!({ "class": error["class"], "codes": [error["code"]] });
        }
    }
    let sent = out.get("sent").and_then(Value::as_array).cloned();
    let Some(mut sent) = sent else { return out };
    let checked = match op {
        "hs.client" => client_checks(input, &mut sent),
        "hs.server" => server_checks(input, &mut sent),
        _ => Some(()),
    };
    match checked {
        Some(()) => drop(out.insert("sent".to_owned(), sent.into())),
        // Nobody has the private key: only what is not secret is compared.
        None => drop(out.remove("sent")),
    }
    out
}

/// M2, then the open record.
fn client_checks(input: &Map<String, Value>, sent: &mut [Value]) -> Option<()> {
    let pair = own_key(input)?;
    if let Some(m2) = sent.first_mut() {
        let m1 = received(input, 0)?;
        let server = committed(&m1)?;
        let octets = octets_of(m2).ok()?;
        let spki = pair.public.spki();
        let plaintext = server.open(octets.strip_prefix(&spki[..])?)?;
        *m2 = json!({
            "check": "request",
            "private_key": hex::encode(&server.pkcs8),
            "spki": hex::encode(&spki),
            "plaintext": hex::encode(plaintext),
        });
    }
    if let Some(open) = sent.get_mut(1) {
        let (m1, m3) = (received(input, 0)?, received(input, 1)?);
        let k = pair.open(&m3)?.get(8..56)?.to_vec();
        *open = json!({
            "check": "open-record",
            "m1": hex::encode(m1),
            "m3": hex::encode(m3),
            "k": hex::encode(k),
        });
    }
    Some(())
}

/// M1, then M3.
fn server_checks(input: &Map<String, Value>, sent: &mut [Value]) -> Option<()> {
    if let Some(m3) = sent.get_mut(1) {
        let m2 = received(input, 0)?;
        let at = m2.len().checked_sub(own_key(input)?.public.size())?;
        let client = committed(&m2[..at])?;
        let plaintext = client.open(&octets_of(m3).ok()?)?;
        *m3 = json!({
            "check": "reply",
            "private_key": hex::encode(&client.pkcs8),
            "plaintext": hex::encode(plaintext),
        });
    }
    Some(())
}

/// The message of the event `receive` number `index`.
fn received(input: &Map<String, Value>, index: usize) -> Option<Vec<u8>> {
    let events = input.get("events")?.as_array()?;
    octets_of(events.iter().filter_map(|event| event.get("receive")).nth(index)?).ok()
}

fn own_key(input: &Map<String, Value>) -> Option<&'static PrivateKey> {
    let octets = octets_of(input.get("private_key")?).ok()?;
    KEYS.values().copied().find(|key| key.pkcs8 == octets)
}

/// The private key of a committed test key's SPKI.
fn committed(spki: &[u8]) -> Option<&'static PrivateKey> {
    KEYS.get(spki).copied()
}

/// The committed test keys by their SPKI.
static KEYS: LazyLock<HashMap<Vec<u8>, &'static PrivateKey>> = LazyLock::new(|| {
    let all = [
        keys::k4552_a(),
        keys::k4552_b(),
        keys::k4552_c(),
        keys::k4552_d(),
        keys::k4480_a(),
        keys::k4480_b(),
        keys::k4425(),
        keys::k4432(),
        keys::k8192(),
    ];
    all.into_iter().map(|key| (key.public.spki(), key)).collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::generate::Recipe;

    #[test]
    fn the_reference_has_an_answer_to_every_case() {
        let mut oracle = Oracle::default();
        let cheap = |op: &str| !matches!(op, "hs.client" | "hs.server" | "hs.oaep");
        let mut asked = 0;
        for number in 0..400 {
            let Some(recipe) = Recipe::of(11, number, &cheap) else { continue };
            let case = recipe.case();
            if let Err(fault) = oracle.ask(case.op, &case.input) {
                panic!("case {number}, {}: {fault}", case.op);
            }
            asked += 1;
        }
        assert!(asked > 250, "only {asked} cases");
    }

    #[test]
    fn what_a_party_sends_becomes_checks() {
        let mut oracle = Oracle::default();
        let mut checks = [0, 0];
        for number in 0..600 {
            let handshake = |op: &str| op == "hs.client" || op == "hs.server";
            let Some(recipe) = Recipe::of(1, number, &handshake) else { continue };
            let case = recipe.base().case();
            let answered = oracle.ask(case.op, &case.input).expect("an answer");
            let Expect::Accept(out) = answered.expect else { continue };
            let sent = out["sent"].as_array().expect("a list");
            let checked = sent.iter().filter(|message| message.get("check").is_some()).count();
            checks[usize::from(case.op == "hs.server")] += checked;
        }
        assert!(checks[0] > 5 && checks[1] > 5, "{checks:?}");
    }
}
