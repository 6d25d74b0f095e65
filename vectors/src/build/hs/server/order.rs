//! Deadline, order of messages, and the release of failures.

use serde_json::{Map, Value, json};

use super::super::events::{end, found, no_key, receive, wake};
use super::{input, replied_unopened, silent, usual};
use crate::build::cred::with_octet;
use crate::build::family::{Base, Family};
use crate::build::protocol::p1;
use crate::build::world::{ID, NOW, good};

pub(super) fn order(base: Base) -> Family {
    let mut family = Family::new(
        "hs/server-order",
        "hs.server",
        "The server's deadline and the order of messages.",
    )
    .with_base(base);
    let hs = good();
    let key = &hs.credentials.server_key;
    let m2_late = vec![wake(29_998), receive(29_998, &hs.m2), found(29_999, key, NOW)];
    let note = "M2 and the look-up's answer in the last milliseconds before the deadline.";
    family.accept(
        "at-29999",
        &["HS-062", "HS-063"],
        input(hs, m2_late),
        replied_unopened(hs),
        note,
    );
    let slow = vec![receive(100, &hs.m2), wake(29_998), found(29_999, key, NOW)];
    let note = "A slow look-up within the deadline, at a clock that has hardly moved.";
    family.accept(
        "slow-look-up",
        &["HS-062", "HS-041"],
        input(hs, slow),
        replied_unopened(hs),
        note,
    );
    let waiting = vec![receive(100, &hs.m2), found(110, key, NOW), wake(29_999)];
    let note = "M3 is sent; the server waits for the open record until 30 s after M1.";
    family.accept(
        "waits-for-open",
        &["HS-062", "HS-065"],
        input(hs, waiting),
        replied_unopened(hs),
        note,
    );
    let note = "Nothing has arrived yet.";
    family.accept(
        "waits-for-m2",
        &["HS-062"],
        input(hs, vec![wake(29_999)]),
        silent(hs, None),
        note,
    );
    let mut bad = |name: &str,
                   base: &str,
                   rules: &[&'static str],
                   code,
                   flaw: &str,
                   events: Vec<Value>,
                   out: Value| {
        let change = |input: &mut Map<String, Value>| {
            input.insert("events".to_owned(), Value::Array(events));
        };
        family.reject(name, base, rules, code, flaw, change).out(out).robustness();
    };
    let none = || silent(hs, None);
    let asked = || silent(hs, Some(ID));
    let late = &["HS-062", "HS-063"];
    for at in [30_000, 30_001] {
        let flaw = format!("M2 arrives after {at} ms");
        bad(
            &format!("m2-at-{at}"),
            "valid",
            &["HS-062", "HS-063", "HS-064"],
            "timeout",
            &flaw,
            vec![receive(at, &hs.m2), found(at + 10, key, NOW)],
            none(),
        );
    }
    bad(
        "m2-late-and-empty",
        "valid",
        &["HS-064"],
        "timeout",
        "M2 is late and empty",
        vec![receive(30_000, b"")],
        none(),
    );
    bad(
        "wake-at-30000",
        "waits-for-m2",
        late,
        "timeout",
        "30 s pass without M2",
        vec![wake(30_000)],
        none(),
    );
    bad(
        "look-up-at-30000",
        "slow-look-up",
        late,
        "timeout",
        "the look-up answers after 30,000 ms",
        vec![receive(100, &hs.m2), found(30_000, key, NOW)],
        asked(),
    );
    let replied = || replied_unopened(hs);
    bad(
        "wake-before-open",
        "waits-for-open",
        late,
        "timeout",
        "30 s pass without the open record",
        vec![receive(100, &hs.m2), found(110, key, NOW), wake(30_000)],
        replied(),
    );
    bad(
        "open-at-30000",
        "waits-for-open",
        &["HS-064", "HS-063"],
        "timeout",
        "a record arrives after 30,000 ms",
        vec![receive(100, &hs.m2), found(110, key, NOW), receive(30_000, &[7; 17])],
        replied(),
    );
    for (name, message, flaw) in [
        ("m2-during-look-up", &hs.m2[..], "M2 arrives again during the look-up"),
        ("empty-during-look-up", &[], "an empty message arrives during the look-up"),
    ] {
        bad(
            name,
            "valid",
            &["HS-070"],
            "order",
            flaw,
            vec![receive(100, &hs.m2), receive(105, message), found(110, key, NOW)],
            asked(),
        );
    }
    bad(
        "end-before-m2",
        "valid",
        &["HS-073"],
        "order",
        "the client ends the transport before M2",
        vec![end(50)],
        none(),
    );
    bad(
        "end-during-look-up",
        "valid",
        &["HS-073"],
        "order",
        "the client ends the transport during the look-up",
        vec![receive(100, &hs.m2), end(105)],
        asked(),
    );
    bad(
        "end-before-open",
        "valid",
        &["HS-073", "HS-066"],
        "order",
        "the client ends the transport before its open record",
        vec![receive(100, &hs.m2), found(110, key, NOW), end(120)],
        replied(),
    );
    bad(
        "good-m2-after-bad",
        "valid",
        &["HS-072", "OBS-001"],
        "malformed",
        "an empty M2 comes before the good one",
        vec![receive(50, b""), receive(100, &hs.m2), found(110, key, NOW)],
        none(),
    );
    family
}

pub(super) fn release() -> Family {
    let mut family = Family::new(
        "hs/server-release",
        "hs.server",
        "Failures are released no earlier than a fixed delay after M2.",
    );
    let hs = good();
    let key = &hs.credentials.server_key;
    let mut delayed = input(hs, usual(hs));
    delayed["release_delay_ms"] = json!(3_000);
    let note = "M3 is not delayed by anything that a vector sees: only failures are.";
    family
        .accept("valid", &["OBS-005", "HS-051"], delayed, replied_unopened(hs), note)
        .requires("release-delay")
        .should();
    let mut last = input(hs, vec![receive(100, &hs.m2), found(3_099, key, NOW)]);
    last["release_delay_ms"] = json!(3_000);
    let note = "The look-up answers in the last millisecond of the delay.";
    family
        .accept("look-up-within-delay", &["OBS-007", "HS-051"], last, replied_unopened(hs), note)
        .requires("release-delay");
    let mut bad = |name: &str,
                   rules: &[&'static str],
                   code,
                   flaw: &str,
                   events: Vec<Value>,
                   looked_up: Option<&[u8]>,
                   release: u64| {
        let change = |input: &mut Map<String, Value>| {
            input.insert("events".to_owned(), Value::Array(events));
        };
        let mut out = silent(hs, looked_up);
        out["release_at"] = json!(release);
        let draft = family.reject(name, "valid", rules, code, flaw, change);
        draft.out(out).group("request-secret").requires("release-delay").security();
        draft.note("Timed failures look the same; release_at is a lower bound.");
        if rules[0] == "OBS-005" {
            draft.should();
        }
    };
    let spki = &hs.spki;
    let rules = &["OBS-005"];
    let c1 = [&**spki, &vec![0xff; 569]].concat();
    bad(
        "c1-too-large",
        rules,
        "decrypt",
        "C1 is not below the modulus",
        vec![receive(100, &c1)],
        None,
        3_100,
    );
    let c1 = [&**spki, &*hs.server.public.raw(&[1])].concat();
    bad(
        "c1-padding",
        rules,
        "decrypt",
        "the padding of C1 is wrong",
        vec![receive(700, &c1)],
        None,
        3_700,
    );
    let m2 = hs.m2_of("release form", b"");
    bad("form", rules, "malformed", "P1 has no octets", vec![receive(100, &m2)], None, 3_100);
    let p1 = p1(ID, &hs.credentials.client_password, NOW, &[0; 30]);
    bad(
        "binding",
        rules,
        "binding",
        "the nonce is not bound",
        vec![receive(100, &hs.m2_of("release binding", &p1))],
        None,
        3_100,
    );
    let after = |lookup| vec![receive(100, &hs.m2), lookup];
    bad(
        "unknown",
        rules,
        "unknown_id",
        "the id is unknown",
        after(no_key(110, "unknown", NOW)),
        Some(ID),
        3_100,
    );
    bad(
        "failed",
        rules,
        "lookup_failed",
        "the look-up fails",
        after(no_key(3_099, "failed", NOW)),
        Some(ID),
        3_100,
    );
    bad("stale", rules, "stale", "t is stale", after(found(200, key, NOW + 10)), Some(ID), 3_100);
    let wrong = with_octet(key, 25, if key[25] == b'0' { b'1' } else { b'0' });
    bad(
        "wrong-password",
        rules,
        "wrong_password",
        "Pc is wrong",
        after(found(200, &wrong, NOW)),
        Some(ID),
        3_100,
    );
    bad(
        "look-up-outlasts-delay",
        &["OBS-007", "HS-039"],
        "lookup_failed",
        "the look-up answers 3,000 ms after M2, as the delay ends",
        after(found(3_100, key, NOW)),
        Some(ID),
        3_100,
    );
    bad(
        "look-up-silent-to-the-end",
        &["OBS-007"],
        "lookup_failed",
        "the delay ends and the look-up has not answered",
        after(wake(3_100)),
        Some(ID),
        3_100,
    );
    bad(
        "m2-as-delay-ends",
        &["OBS-007"],
        "lookup_failed",
        "M2 arrives again as the delay ends and the look-up has not answered",
        after(receive(3_100, &hs.m2)),
        Some(ID),
        3_100,
    );
    family
}
