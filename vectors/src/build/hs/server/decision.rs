//! Look-up, password and freshness.

use serde_json::{Map, Value, json};

use super::super::events::{found, no_key, receive};
use super::silent;
use crate::build::cred::with_octet;
use crate::build::family::{Base, Family};
use crate::build::world::{Credentials, Handshake, ID, NOW, good};

pub(super) fn decision(base: Base) -> Family {
    let mut family =
        Family::new("hs/server-decision", "hs.server", "Look-up, password and freshness.")
            .with_base(base);
    let hs = good();
    let mut bad = |name: &str, rules: &[&'static str], code, flaw: &str, lookup: Value| {
        let change = |input: &mut Map<String, Value>| input["events"][1] = lookup;
        let rules: Vec<_> = rules.iter().copied().chain(["OBS-001", "OBS-004"]).collect();
        let draft = family.reject(name, "valid", &rules, code, flaw, change);
        draft.out(silent(hs, Some(ID))).group("request-secret").security();
    };
    let key = &hs.credentials.server_key;
    bad("failed", &["HS-039"], "lookup_failed", "the look-up fails", no_key(110, "failed", NOW));
    bad(
        "unknown",
        &["HS-043", "HS-044"],
        "unknown_id",
        "the id is unknown",
        no_key(110, "unknown", NOW),
    );
    for (name, stored, flaw) in [
        ("stored-25-octets", key[..25].to_vec(), "the stored serverKey has 25 octets"),
        ("stored-line-end", [&**key, b"\n"].concat(), "a line end after the stored serverKey"),
        (
            "stored-not-base62",
            with_octet(key, 25, b'.'),
            "a digit of the stored serverKey is a full stop",
        ),
    ] {
        bad(name, &["HS-040", "HS-039"], "lookup_failed", flaw, found(110, &stored, NOW));
    }
    let mut wrong = |name: &str, flaw: &str, key: &[u8]| {
        bad(name, &["HS-042"], "wrong_password", flaw, found(110, key, NOW));
    };
    for (name, position) in [("dc-first-digit", 8), ("dc-last-digit", 25)] {
        let digit = if key[position] == b'0' { b'1' } else { b'0' };
        wrong(name, "a digit of Dc is another", &with_octet(key, position, digit));
    }
    wrong("key-of-another-id", "the serverKey of another id with the same passwords is found", &{
        let (pc, ps) = (&hs.credentials.client_password, &hs.credentials.server_password);
        Credentials::new(b"bob@example.org", pc, ps).server_key
    });
    for (name, now) in [("time-plus-10", NOW + 10), ("time-minus-10", NOW - 10)] {
        let flaw = format!("t is {NOW} and the clock {now}");
        bad(name, &["HS-045"], "stale", &flaw, found(110, key, now));
    }
    bad(
        "clock-2-64-minus-1",
        &["HS-045", "CONV-002"],
        "stale",
        "the clock is 2^64 - 1",
        found(110, key, u64::MAX),
    );
    bad(
        "clock-2-32-more",
        &["HS-045", "CONV-002"],
        "stale",
        "the clock is 2^32 seconds later",
        found(110, key, NOW + (1 << 32)),
    );
    let other = with_octet(key, 25, if key[25] == b'0' { b'1' } else { b'0' });
    bad(
        "order-password-stale",
        &["HS-046"],
        "wrong_password",
        "Pc is wrong and t stale: the password comes first",
        found(110, &other, NOW + 10),
    );
    bad(
        "order-unknown-stale",
        &["HS-043"],
        "unknown_id",
        "the id is unknown and t stale: the id comes first",
        no_key(110, "unknown", NOW + 10),
    );
    bad(
        "order-failed-stale",
        &["HS-039"],
        "lookup_failed",
        "the look-up fails and t is stale: the look-up comes first",
        no_key(110, "failed", NOW + 10),
    );
    for (name, t, now) in
        [("wrap-t-2-64-minus-4", u64::MAX - 3, 5), ("apart-at-2-64", u64::MAX, u64::MAX - 10)]
    {
        let other = Handshake::new(hs.credentials.clone(), hs.server, hs.client, t, name);
        let flaw = format!("t is {t} and the clock {now}");
        let change = |input: &mut Map<String, Value>| {
            input["events"] = json!([receive(100, &other.m2), found(110, key, now)]);
        };
        family
            .reject(name, "valid", &["HS-045", "CONV-002"], "stale", flaw, change)
            .out(silent(hs, Some(ID)))
            .group("request-secret")
            .security()
            .bug("integer wrap");
    }
    let slow = vec![receive(100, &hs.m2), found(12_000, key, NOW + 12)];
    family
        .reject(
            "slow-look-up",
            "valid",
            &["HS-041", "HS-045"],
            "stale",
            "the look-up takes 12 seconds: the clock is read after it",
            |input| {
                input.insert("events".to_owned(), Value::Array(slow));
            },
        )
        .out(silent(hs, Some(ID)))
        .group("request-secret")
        .security();
    family
}
