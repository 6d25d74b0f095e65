//! The vectors of `tls.verify` for clients' certificates, each sent in a handshake.

use tunnelproof_vectors::{Expect, Vector};

use super::super::case::Case;
use super::super::hello::{Hello, Own};
use super::super::material::{Material, SERVER};
use super::super::playable::candidates;
use super::super::setup::{List, ServerSetup};
use super::super::stage::told;
use serde_json::{Map, Value};

pub fn cases() -> Vec<Case> {
    let playable =
        candidates("client").into_iter().filter(|candidate| candidate.obstacle.is_none());
    playable.map(|candidate| case(&candidate.vector)).collect()
}

/// The case that plays a vector.
fn case(vector: &Vector) -> Case {
    let name = vector.id.trim_start_matches("tls/").replace('/', "-");
    let rules: Vec<&str> = vector.requirements.iter().map(String::as_str).collect();
    let (for_setup, for_play) = (vector.id.clone(), vector.id.clone());
    let is_accepted = !vector.is_negative();
    let play = move |stage: &super::super::stage::Stage<'_>| {
        let chain = stage.material.chain(&for_play).map_err(|why| stage.impossible(&why))?;
        let own = own(&chain.vector.input, chain.key.clone());
        let own = own.ok_or_else(|| stage.impossible("the vector has no chain or no key"))?;
        let link = stage.greet(&Hello::new(SERVER, own))?;
        if !is_accepted {
            return stage.refused(link);
        }
        let tls = stage.served(link)?;
        told(&tls, "authorized", true)?;
        let Expect::Accept(out) = &chain.vector.expect else { return Ok(()) };
        for field in ["fingerprint", "identity"] {
            if let Some(value) = out.get(field) {
                told(&tls, field, value.clone())?;
            }
        }
        Ok(())
    };
    let setup =
        move |material: &Material| Ok(setup(material, &material.chain(&for_setup)?.vector.input));
    let case = Case::server(
        &format!("chain/{name}"),
        &rules,
        format!("{} (vector {})", vector.note.trim_end_matches('.'), vector.id),
        ServerSetup::usual,
        play,
    );
    let mut codes: Vec<String> = match &vector.expect {
        Expect::Reject(reject) => reject.codes.clone(),
        Expect::Accept(_) => Vec::new(),
    };
    // What TLS itself can't read, or has no algorithm for, it may refuse before anybody looks at the path.
    if codes.iter().any(|code| code == "certificate_form" || code == "weak") {
        codes.push("handshake".into());
    }
    Case { setup: Some(Box::new(setup)), codes, level: vector.level, ..case }
}

fn own(
    input: &Map<String, Value>,
    key: Option<tunnelproof_vectors::build::live::PrivateKey>,
) -> Option<Own> {
    Some(Own { chain: octets(input, "chain")?, key: key? })
}

/// Anchors, CRLs, lists and policies of a vector, beside those of the honest client.
fn setup(material: &Material, input: &Map<String, Value>) -> ServerSetup {
    let usual = ServerSetup::usual(material);
    let honest = material.honest_root.der().to_vec();
    let mut anchors = octets(input, "anchors").unwrap_or_default();
    anchors.push(honest);
    let crls = octets(input, "crls").map(|mut crls| {
        crls.push(material.honest_root.crl(&[], 86_400));
        crls
    });
    let mut allow = list(input, "allow");
    let mut honest = usual.honest.clone();
    match &mut allow {
        // One that allows nobody stays so, and nobody is served.
        Some(list) if list.identities.is_empty() && list.fingerprints.is_empty() => honest = None,
        Some(list) => list.identities.push(b"honest".to_vec()),
        None => {}
    }
    let policies = input.get("policies").and_then(Value::as_array).into_iter().flatten();
    let policies = policies.filter_map(Value::as_str).map(str::to_owned).collect();
    ServerSetup { anchors, crls, allow, deny: list(input, "deny"), policies, honest, ..usual }
}

fn octets(input: &Map<String, Value>, field: &str) -> Option<Vec<Vec<u8>>> {
    input.get(field)?.as_array()?.iter().map(|item| hex::decode(item.as_str()?).ok()).collect()
}

fn list(input: &Map<String, Value>, field: &str) -> Option<List> {
    let mut list = List::default();
    for item in input.get(field)?.as_array()? {
        let of = |kind: &str| hex::decode(item.get(kind)?.as_str()?).ok();
        list.identities.extend(of("identity"));
        list.fingerprints.extend(of("sha256"));
    }
    Some(list)
}
