//! Two faults at once, of the caller: which of them is told (sections 5.5 to 5.8).

use serde_json::{Value, json};

use super::{MAX_MS, Refusal, client, mismatched, other_client, other_server, server};
use crate::build::family::{Base, Family, hex};

/// One fault of the caller.
#[derive(Clone, Copy)]
struct Fault {
    code: &'static str,
    rule: &'static str,
    what: &'static str,
}

const TTL: Fault = Fault { code: "invalid_ttl", rule: "TOK-009", what: "the lifetime is 0" };
const HALVES: Fault =
    Fault { code: "key_mismatch", rule: "TOK-021", what: "the key's halves do not match" };
const ID: Fault =
    Fault { code: "server_id_encoding", rule: "TOK-051", what: "the serverId is not UTF-8" };
const CLOCK: Fault = Fault { code: "invalid_time", rule: "TOK-006", what: "the clock is 2^53" };
const LENGTH: Fault =
    Fault { code: "challenge_length", rule: "TOK-026", what: "the challenge is too long" };
const TYPE: Fault =
    Fault { code: "challenge_type", rule: "TOK-027", what: "the challenge has type 02" };

/// A family of pairs on the base `valid`.
struct Pairs {
    family: Family,
    overall: &'static str,
}

impl Pairs {
    fn new(name: &'static str, op: &'static str, base: Base, overall: &'static str) -> Self {
        let about = "Two faults at once: the order of the checks decides which is told.";
        Self { family: Family::new(name, op, about).with_base(base), overall }
    }

    /// `fault` comes before the one that `other` says; both are made by these fields.
    fn add(&mut self, name: &str, fault: Fault, other: &str, fields: &[(&str, Value)]) {
        let flaw = format!("{}, and {other}: the first comes first", fault.what);
        let rules: &[_] = match self.overall {
            "" => &[fault.rule],
            overall => &[fault.rule, overall],
        };
        Refusal(fault.code, None).add(&mut self.family, name, "valid", rules, flaw, |input| {
            for (key, value) in fields {
                input.insert((*key).to_owned(), value.clone());
            }
        });
    }
}

fn ill_formed() -> Value {
    hex(b"a\xffb")
}

fn late() -> Value {
    json!((MAX_MS + 1).to_string())
}

pub(super) fn challenge(base: Base) -> Family {
    let mut pairs = Pairs::new("tok/challenge-order", "tok.challenge", base, "");
    let halves = hex(&mismatched(&server(), &other_server()));
    let ttl = || ("token_ttl_ms", json!("0"));
    pairs.add("ttl-halves", TTL, HALVES.what, &[ttl(), ("server_private", halves.clone())]);
    let fields = [("server_private", halves), ("server_id", ill_formed())];
    pairs.add("halves-id", HALVES, ID.what, &fields);
    pairs.add("id-clock", ID, CLOCK.what, &[("server_id", ill_formed()), ("now_ms", late())]);
    let short = hex(&client().public[..31]);
    let fields = [("now_ms", late()), ("client_public", short.clone())];
    pairs.add("clock-length", CLOCK, "C has 31 octets", &fields);
    let fault = Fault { code: "public_key_length", rule: "TOK-022", what: "C has 31 octets" };
    let fields = [("client_public", short), ("now_ms", json!("0"))];
    pairs.add("length-time", fault, "the time would be 0", &fields);
    pairs.family
}

pub(super) fn sign(base: Base) -> Family {
    let mut pairs = Pairs::new("tok/sign-order", "tok.sign", base, "");
    let good = super::good_challenge();
    let halves = hex(&mismatched(&client(), &other_client()));
    let fields = [("client_private", halves), ("server_id", ill_formed())];
    pairs.add("halves-id", HALVES, ID.what, &fields);
    let longer = hex(&[&*good, &[0]].concat());
    let fields = [("server_id", ill_formed()), ("challenge", longer)];
    pairs.add("id-length", ID, LENGTH.what, &fields);
    let mut token = good.clone();
    token[64] = super::TOKEN;
    let longer = hex(&[&*token, &[0]].concat());
    pairs.add("length-type", LENGTH, TYPE.what, &[("challenge", longer)]);
    token[96] ^= 1;
    let key = "it is for another key";
    pairs.add("type-key", TYPE, key, &[("challenge", hex(&token))]);
    pairs.family
}

pub(super) fn issue(base: Base) -> Family {
    let mut pairs = Pairs::new("tok/issue-order", "tok.issue", base, "TOK-031");
    let halves = hex(&mismatched(&server(), &other_server()));
    let ttl = || ("challenge_ttl_ms", json!("0"));
    pairs.add("ttl-halves", TTL, HALVES.what, &[ttl(), ("server_private", halves.clone())]);
    let fields = [("server_private", halves), ("server_id", ill_formed())];
    pairs.add("halves-id", HALVES, ID.what, &fields);
    pairs.add("id-clock", ID, CLOCK.what, &[("server_id", ill_formed()), ("now_ms", late())]);
    let short = hex(&client().public[..31]);
    let fields = [("now_ms", late()), ("client_public", short)];
    pairs.add("clock-length", CLOCK, "C has 31 octets", &fields);
    let fields = [("now_ms", late()), ("signed_challenge", hex(&[0; 165]))];
    pairs.add("clock-signature", CLOCK, "the signed challenge is not signed", &fields);
    pairs.family
}

pub(super) fn verify(base: Base) -> Family {
    let mut pairs = Pairs::new("tok/verify-order", "tok.verify", base, "");
    let fields = [("token_ttl_ms", json!("0")), ("now_ms", late())];
    pairs.add("ttl-clock", TTL, CLOCK.what, &fields);
    let fields = [("token_ttl_ms", json!("0")), ("token", hex(&[0; 101]))];
    pairs.add("ttl-signature", TTL, "the token is not signed", &fields);
    let fields = [("now_ms", late()), ("token", hex(&[0; 101]))];
    pairs.add("clock-signature", CLOCK, "the token is not signed", &fields);
    pairs.family
}
