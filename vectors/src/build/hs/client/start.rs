//! M1, its pin, and M2.

use serde_json::{Map, Value};

use super::super::events::{end, receive, request, wake};
use super::super::spki;
use super::{input, nothing_sent, sent_m2};
use crate::build::cred::with_octet;
use crate::build::family::{Family, hex};
use crate::build::keys;
use crate::build::primitives::sha256;
use crate::build::world::{Handshake, good};

pub(super) fn start() -> Family {
    let mut family = Family::new(
        "hs/client-start",
        "hs.client",
        "The client until it has sent M2: M1, its pin and its key.",
    );
    let hs = good();
    let rules = &["HS-023", "HS-024", "HS-025", "HS-012", "HS-018"];
    let begin = vec![receive(20, &hs.m1), request(40, hs.t)];
    family.accept("valid", rules, input(hs, begin.clone()), sent_m2(hs), "M1 arrives, M2 is sent.");
    let note = "Nothing has happened yet: the client has to wait for M1.";
    family.accept("waits", &["HS-019"], input(hs, vec![wake(5_000)]), nothing_sent(), note);
    let note = "M1 is accepted; the client's RSA key is not ready yet.";
    family.accept(
        "m1-only",
        &["HS-022", "HS-027"],
        input(hs, vec![receive(20, &hs.m1)]),
        nothing_sent(),
        note,
    );
    let mut pinned = input(hs, begin);
    pinned["pin"] = hex(&sha256(&[&hs.m1]));
    family.accept("pin", &["HS-020"], pinned, sent_m2(hs), "The pin is SHA-256(M1).");
    for (name, server, client, t) in [
        ("server-8192", keys::k8192(), keys::k4552_b(), 0),
        ("server-4425", keys::k4425(), keys::k4432(), u64::MAX),
        ("server-4480", keys::k4480_a(), keys::k8192(), 1 << 63),
    ] {
        let hs = Handshake::new(hs.credentials.clone(), server, client, t, name);
        let events = vec![receive(20, &hs.m1), request(40, hs.t)];
        let note = "Keys of other sizes, and a clock at an edge of u64.";
        family.accept(
            name,
            &["HS-004", "HS-023", "CONV-001"],
            input(&hs, events),
            sent_m2(&hs),
            note,
        );
    }
    let events = vec![wake(9_999), receive(9_999, &hs.m1)];
    let note = "M1 arrives a millisecond before the deadline.";
    family.accept("m1-at-9999", &["HS-060", "HS-063"], input(hs, events), nothing_sent(), note);
    let events = vec![receive(20, &hs.m1), wake(30_000), request(40_000, hs.t)];
    let note = "The client's key takes 40 seconds: no deadline runs between M1 and M2.";
    family.accept("slow-key", &["HS-061", "HS-027"], input(hs, events), sent_m2(hs), note);
    bad_start(&mut family, hs);
    family
}

fn bad_start(family: &mut Family, hs: &Handshake) {
    let mut m1 =
        |name: String, base: &str, rules: &[&'static str], code, flaw: String, m1: &[u8]| {
            family
                .reject(name, base, rules, code, flaw, |input| input["events"][0] = receive(20, m1))
                .out(nothing_sent())
                .security();
        };
    for bad in spki::bad().into_iter().filter(|bad| bad.representative) {
        let rules = ["HS-022", bad.requirement];
        m1(
            format!("m1-{}", bad.name),
            "valid",
            &rules,
            "bad_key",
            format!("in M1, {}", bad.flaw),
            &bad.octets,
        );
    }
    m1(
        "m1-empty".into(),
        "valid",
        &["FRAME-005", "HS-022"],
        "bad_key",
        "M1 is an empty message".into(),
        b"",
    );
    m1(
        "m1-pkcs1".into(),
        "valid",
        &["HS-022", "HS-003"],
        "bad_key",
        "M1 is PKCS#1".into(),
        &spki::pkcs1(),
    );
    m1(
        "m1-too-large".into(),
        "valid",
        &["HS-022", "HS-006"],
        "bad_key",
        "M1 has 4,096 octets".into(),
        &[0x30; 4096],
    );
    m1(
        "m1-twice".into(),
        "valid",
        &["HS-022", "HS-011"],
        "bad_key",
        "M1 twice in one message".into(),
        &[&*hs.m1, &hs.m1].concat(),
    );
    m1(
        "m1-of-version-2".into(),
        "valid",
        &["HS-080", "HS-022"],
        "bad_key",
        "M1 begins with 02, so it is of another version".into(),
        &with_octet(&hs.m1, 0, 2),
    );
    m1(
        "pin-of-another-key".into(),
        "pin",
        &["HS-020"],
        "pin",
        "M1 is another good key than the pinned one".into(),
        &keys::k4552_d().public.spki(),
    );
    m1(
        "pin-malformed-m1".into(),
        "pin",
        &["HS-021", "HS-020"],
        "pin",
        "M1 is no key at all, and not the pinned one: the pin comes first".into(),
        b"no key",
    );
    m1(
        "pin-empty-m1".into(),
        "pin",
        &["HS-021"],
        "pin",
        "M1 is empty, and not the pinned one".into(),
        b"",
    );
    m1(
        "pin-trailing-octet".into(),
        "pin",
        &["HS-021"],
        "pin",
        "an octet after M1: the pin covers all octets".into(),
        &[&*hs.m1, &[0]].concat(),
    );
    for (name, position, bit) in [("first", 0, 0x80_u8), ("middle", 16, 1), ("last", 31, 1)] {
        let mut pin = sha256(&[&hs.m1]);
        pin[position] ^= bit;
        family
            .reject(
                format!("pin-{name}-octet"),
                "pin",
                &["HS-020"],
                "pin",
                format!("a bit of the pin's {name} octet is flipped"),
                |input| {
                    input.insert("pin".to_owned(), hex(&pin));
                },
            )
            .out(nothing_sent())
            .security();
    }
    let no_key = b"no key".to_vec();
    family
        .reject(
            "pin-right-m1-malformed",
            "pin",
            &["HS-022", "HS-021"],
            "bad_key",
            "the pin is right, and of octets that are no key",
            |input| {
                input.insert("pin".to_owned(), hex(&sha256(&[&no_key])));
                input["events"][0] = receive(20, &no_key);
            },
        )
        .out(nothing_sent());
    let mut events =
        |name: &str, base: &str, rules: &[&'static str], code, flaw: &str, events: Vec<Value>| {
            let change = |input: &mut Map<String, Value>| {
                input.insert("events".to_owned(), Value::Array(events));
            };
            family.reject(name, base, rules, code, flaw, change).out(nothing_sent()).robustness();
        };
    for at in [10_000, 10_001, 60_000] {
        let flaw = format!("M1 arrives after {at} ms");
        let late = vec![receive(at, &hs.m1), request(at + 20, hs.t)];
        events(&format!("m1-at-{at}"), "valid", &["HS-060", "HS-063"], "timeout", &flaw, late);
    }
    events(
        "wake-at-10000",
        "waits",
        &["HS-060", "HS-063"],
        "timeout",
        "10 s pass without M1",
        vec![wake(10_000)],
    );
    events(
        "wake-at-25000",
        "waits",
        &["HS-060"],
        "timeout",
        "25 s pass without M1",
        vec![wake(25_000)],
    );
    let late = vec![receive(10_000, b"no key"), request(10_020, hs.t)];
    events(
        "m1-late-and-malformed",
        "valid",
        &["HS-064"],
        "timeout",
        "M1 is late, and no key besides",
        late,
    );
    let late = vec![receive(10_000, &keys::k4552_d().public.spki()), request(10_020, hs.t)];
    events(
        "m1-late-and-not-pinned",
        "pin",
        &["HS-064"],
        "timeout",
        "M1 is late, and not pinned besides",
        late,
    );
    let twice = vec![receive(20, &hs.m1), receive(30, &hs.m1)];
    events("m1-again", "valid", &["HS-070"], "order", "M1 arrives again before M2 is sent", twice);
    let m3 = vec![receive(20, &hs.m1), receive(30, &hs.m3), request(40, hs.t)];
    events("m3-before-m2", "valid", &["HS-070"], "order", "M3 arrives before M2 is sent", m3);
    let empty = vec![receive(20, &hs.m1), receive(30, b"")];
    events(
        "empty-before-m2",
        "valid",
        &["HS-070", "FRAME-005"],
        "order",
        "an empty message arrives before M2 is sent",
        empty,
    );
    events(
        "m3-first",
        "valid",
        &["HS-022"],
        "bad_key",
        "M3 arrives in the place of M1",
        vec![receive(20, &hs.m3)],
    );
    events(
        "end-at-once",
        "valid",
        &["HS-073"],
        "order",
        "the server ends the transport before M1",
        vec![end(20)],
    );
    let ended = vec![receive(20, &hs.m1), end(30)];
    events(
        "end-after-m1",
        "valid",
        &["HS-073"],
        "order",
        "the server ends the transport after M1",
        ended,
    );
    let again = vec![receive(20, b"no key"), receive(30, &hs.m1), request(40, hs.t)];
    events(
        "good-m1-after-bad",
        "valid",
        &["HS-072"],
        "bad_key",
        "a bad M1 comes before the good one",
        again,
    );
}
