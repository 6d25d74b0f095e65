//! The vectors of `tls.verify` for servers' certificates, each sent in a handshake; and those that are the caller's error.

use serde_json::{Map, Value};
use tunnelproof_vectors::{Expect, Vector};

use super::super::case::Case;
use super::super::hello::{Own, Serving};
use super::super::material::SERVER;
use super::super::playable::{Candidate, candidates};
use super::super::setup::Dial;
use super::super::stage::{Stage, told};
use crate::live::case::Fault;

pub fn cases() -> Vec<Case> {
    candidates("server").into_iter().filter_map(case).collect()
}

/// Whether a case plays it.
pub fn plays(candidate: &Candidate) -> bool {
    let is_free = candidate.obstacle.is_none() || is_callers(&candidate.vector);
    is_free && name(&candidate.vector.input).is_some()
}

/// A dial can have what no configuration of a server has.
fn is_callers(vector: &Vector) -> bool {
    let callers = |code: &String| code == "bad_name" || code == "crl_form";
    matches!(&vector.expect, Expect::Reject(reject) if reject.codes.iter().any(callers))
}

/// The case that plays a vector, if one can.
fn case(candidate: &Candidate) -> Option<Case> {
    if !plays(candidate) {
        return None;
    }
    let vector = &candidate.vector;
    let codes: &[String] = match &vector.expect {
        Expect::Reject(reject) => &reject.codes,
        Expect::Accept(_) => &[],
    };
    let is_callers = is_callers(vector);
    let rules: Vec<&str> = vector.requirements.iter().map(String::as_str).collect();
    let (id, is_negative) = (vector.id.clone(), vector.is_negative());
    let play = move |stage: &Stage<'_>| {
        let chain = stage.material.chain(&id).map_err(|why| stage.impossible(&why))?;
        let dial = dial(stage, &chain.vector.input)
            .ok_or_else(|| stage.impossible("the vector can't be dialled"))?;
        let own = Own {
            chain: octets(&chain.vector.input, "chain").unwrap_or_default(),
            key: chain.key.clone().ok_or_else(|| stage.impossible("the vector has no key"))?,
        };
        if is_callers {
            return stage.dial_refused(&dial, &Serving::new(own));
        }
        if is_negative {
            return refused(stage, &dial, &Serving::new(own));
        }
        let tls = stage.accepted(&dial, &Serving::new(own))?;
        told(&tls, "authorized", true)?;
        match &chain.vector.expect {
            Expect::Accept(out) => match out.get("fingerprint") {
                Some(value) => told(&tls, "fingerprint", value.clone()),
                None => Ok(()),
            },
            Expect::Reject(_) => Ok(()),
        }
    };
    let about = format!("{} (vector {})", vector.note.trim_end_matches('.'), vector.id);
    let path = vector.id.trim_start_matches("tls/").replace('/', "-");
    let mut codes = codes.to_vec();
    // What TLS itself can't read, or has no algorithm for, it may refuse before anybody looks at the path.
    if codes.iter().any(|code| code == "certificate_form" || code == "weak") {
        codes.push("handshake".into());
    }
    let case = Case::client(&format!("chain/{path}"), &rules, about, play);
    Some(Case { codes, level: vector.level, ..case })
}

/// A client dials this server and refuses it.
///
/// # Errors
/// What it did instead.
pub fn refused(stage: &Stage<'_>, dial: &Dial, serving: &Serving) -> Result<(), Fault> {
    let mut link = stage.dial(dial)?;
    stage.serve(&mut link, serving)?;
    stage.refused(link)
}

fn dial(stage: &Stage<'_>, input: &Map<String, Value>) -> Option<Dial> {
    let policies = input.get("policies").and_then(Value::as_array).into_iter().flatten();
    Some(Dial {
        server_name: name(input)?,
        anchors: octets(input, "anchors")?,
        crls: octets(input, "crls"),
        policies: policies.filter_map(Value::as_str).map(str::to_owned).collect(),
        ..Dial::usual(stage.material)
    })
}

/// The name to compare with; `None` if no line can carry it.
fn name(input: &Map<String, Value>) -> Option<String> {
    match input.get("name") {
        None => Some(SERVER.to_owned()),
        Some(name) => String::from_utf8(hex::decode(name.as_str()?).ok()?).ok(),
    }
}

fn octets(input: &Map<String, Value>, field: &str) -> Option<Vec<Vec<u8>>> {
    input.get(field)?.as_array()?.iter().map(|item| hex::decode(item.as_str()?).ok()).collect()
}
