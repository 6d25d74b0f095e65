//! Which vectors of `tls.verify` can be played over TLS, and why the others can't.
//!
//! A vector is playable if the reference's verdict on it is the expected one at its time and until an hour later, and
//! if TLS can carry what is in it. An endpoint has the clock of the harness: it meets nothing before its time.

use std::sync::OnceLock;

use serde_json::{Map, Value};
use tunnelproof_vectors::build::live::{COMMITTED, private_key};
use tunnelproof_vectors::{Expect, Suite, Vector};

use crate::reference_shim::Reference;
use crate::shim_server::{Implementation, Outcome};

/// A vector, and why it can't be played, if so.
pub struct Candidate {
    pub vector: Vector,
    pub obstacle: Option<&'static str>,
}

/// Seconds after the time of a vector in which its verdict has to be the same.
const AFTER: u64 = 3_600;

/// All vectors of `tls.verify`, of clients' certificates or of servers'. Those that are made again for the present are
/// the same but for their times, so what holds of the committed ones holds of them.
pub fn candidates(peer: &str) -> Vec<&'static Candidate> {
    static ALL: OnceLock<Vec<Candidate>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let suite = Suite::embedded().unwrap_or_else(|e| unreachable!("the vectors load: {e}"));
        let vectors = suite.vectors.into_iter().filter(|vector| vector.op == "tls.verify");
        vectors.map(|vector| Candidate { obstacle: obstacle(&vector), vector }).collect()
    });
    all.iter().filter(|candidate| candidate.vector.input["peer"] == peer).collect()
}

fn obstacle(vector: &Vector) -> Option<&'static str> {
    if vector.input["chain"].as_array().is_none_or(Vec::is_empty) {
        return Some("no certificate: a case by hand has that");
    }
    if private_key(&vector.input).is_none() {
        return Some("nobody has the private key of the leaf");
    }
    let Expect::Reject(reject) = &vector.expect else {
        return if same(vector) { None } else { Some("valid for a second alone") };
    };
    if reject.codes.iter().any(|code| code == "bad_name" || code == "crl_form") {
        return Some("the caller's error, before any connection");
    }
    if same(vector) { None } else { Some("refused for a second alone") }
}

/// Whether the reference's verdict is still the expected one at the end of the time; that it is so at the beginning is
/// what the suite says.
fn same(vector: &Vector) -> bool {
    let mut input = vector.input.clone();
    input.insert("now".into(), Value::from((COMMITTED + AFTER).to_string()));
    match (verdict(&input), &vector.expect) {
        (Ok(()), Expect::Accept(_)) => true,
        (Err(code), Expect::Reject(reject)) => reject.codes.iter().any(|own| *own == code),
        _ => false,
    }
}

/// The reference's verdict: the code if it refuses.
fn verdict(input: &Map<String, Value>) -> Result<(), &'static str> {
    match Reference::default().run("tls.verify", input) {
        Outcome::Ok(_) => Ok(()),
        Outcome::Reject(rejection) => Err(rejection.code),
        _ => Err("a fault"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_drops_out_is_little_and_has_a_reason() {
        let mut dropped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for peer in ["client", "server"] {
            let all = candidates(peer);
            let playable = all.iter().filter(|candidate| candidate.obstacle.is_none()).count();
            assert!(playable * 10 > all.len() * 7, "{peer}: {playable} of {}", all.len());
            for candidate in all {
                if let Some(obstacle) = candidate.obstacle {
                    dropped.entry(obstacle).or_default().push(&candidate.vector.id);
                }
            }
        }
        let counts: BTreeMap<&str, usize> =
            dropped.iter().map(|(obstacle, ids)| (*obstacle, ids.len())).collect();
        let expected = BTreeMap::from([
            ("no certificate: a case by hand has that", 1),
            ("nobody has the private key of the leaf", 12),
            ("refused for a second alone", 8),
            ("the caller's error, before any connection", 29),
            ("valid for a second alone", 4),
        ]);
        assert_eq!(counts, expected, "{dropped:#?}");
    }
}
