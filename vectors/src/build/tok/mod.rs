//! Chapter 5: tokens.

mod challenge;
mod ed25519;
mod issue;
mod order;
mod server_id;
mod sign;
mod verify;

use serde_json::{Map, Value, json};

use super::family::{Draft, Family};
use super::primitives::ed25519::KeyPair;
use super::primitives::stream_array;

/// The second of the good challenge and token.
pub(crate) const SECOND: u32 = 1_700_000_000;
/// The clock when they are used, 2.5 seconds later.
const NOW_MS: u64 = 1_700_000_002_500;
/// 2^53 - 1.
const MAX_MS: u64 = (1 << 53) - 1;
pub(crate) const CHALLENGE: u8 = 1;
pub(crate) const TOKEN: u8 = 2;

pub(crate) fn families() -> Vec<Family> {
    let (challenge, sign) = (challenge::family(), sign::family());
    let (issue, verify) = (issue::family(), verify::family());
    vec![
        order::challenge(challenge.base("valid")),
        order::sign(sign.base("valid")),
        order::issue(issue.base("valid")),
        order::verify(verify.base("valid")),
        challenge,
        sign,
        issue,
        verify,
        server_id::family(),
        ed25519::verify_family(),
        ed25519::issue_family(),
    ]
}

pub(crate) fn server() -> KeyPair {
    KeyPair::new(stream_array("token server"))
}

fn other_server() -> KeyPair {
    KeyPair::new(stream_array("another token server"))
}

pub(crate) fn client() -> KeyPair {
    KeyPair::new(stream_array("token client"))
}

fn other_client() -> KeyPair {
    KeyPair::new(stream_array("another token client"))
}

/// A body (TOK-001).
pub(crate) fn body(kind: u8, key: &[u8], second: u32) -> Vec<u8> {
    [&[kind], key, &second.to_be_bytes()].concat()
}

/// The good challenge, 101 octets.
fn good_challenge() -> Vec<u8> {
    server().signed(&body(CHALLENGE, &client().public, SECOND))
}

/// A key pair whose public half is that of another seed.
fn mismatched(key: &KeyPair, other: &KeyPair) -> Vec<u8> {
    [key.seed, other.public].concat()
}

/// A key pair whose public half has one bit changed.
fn bit_changed(key: &KeyPair) -> Vec<u8> {
    let mut octets = key.octets();
    octets[32] ^= 1;
    octets
}

fn set(key: &'static str, value: Value) -> impl FnOnce(&mut Map<String, Value>) {
    move |input| {
        input.insert(key.to_owned(), value);
    }
}

/// What a refusal has to say: code, and status or a caller error.
#[derive(Clone, Copy)]
struct Refusal(&'static str, Option<u16>);

impl Refusal {
    /// A vector that differs from `base` by `change` and is refused so.
    fn add<'a>(
        self,
        family: &'a mut Family,
        name: impl Into<String>,
        base: &str,
        rules: &[&'static str],
        flaw: impl Into<String>,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> &'a mut Draft {
        let Self(code, status) = self;
        let draft = family.reject(name, base, rules, code, flaw, change).status(status);
        if status.is_some() { draft.security() } else { draft }
    }
}

/// The refusals of a lifetime or of a clock that can't be, which all operations share.
fn bad_numbers(family: &mut Family, lifetimes: &[&'static str]) {
    let ttl = Refusal("invalid_ttl", None);
    for &key in lifetimes {
        let words = key.trim_end_matches("_ttl_ms").replace('_', " ");
        for (name, value, flaw) in [
            ("zero", "0".to_owned(), "0"),
            ("2-53", (MAX_MS + 1).to_string(), "2^53"),
            ("2-64-less-1", u64::MAX.to_string(), "2^64 - 1"),
        ] {
            let name = format!("{words}-ttl-{name}");
            let flaw = format!("the lifetime of a {words} is {flaw} ms");
            ttl.add(family, name, "valid", &["TOK-009"], flaw, set(key, json!(value)));
        }
    }
    for (name, value, flaw) in [("2-53", MAX_MS + 1, "2^53"), ("2-64-less-1", u64::MAX, "2^64 - 1")]
    {
        Refusal("invalid_time", None).add(
            family,
            format!("clock-{name}"),
            "valid",
            &["TOK-006"],
            format!("the clock is {flaw} ms"),
            set("now_ms", json!(value.to_string())),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::family::class;

    #[test]
    fn every_refusal_has_a_class() {
        for family in families() {
            let document = family.document(&|_| None);
            for vector in document["vectors"].as_array().expect("a list") {
                if let Some(reject) = vector["expect"].get("reject") {
                    let code = reject["codes"][0].as_str().expect("a code");
                    assert_eq!(reject["class"], class("tok", code));
                    assert!(reject.get("status").is_some(), "{}", vector["id"]);
                }
            }
        }
    }
}
