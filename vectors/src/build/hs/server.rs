//! The server's part: M2 and its plaintext, look-up, freshness, deadlines, order and release.

use serde_json::{Map, Value, json};

use super::events::{end, found, no_key, receive, wake};
use super::{oaep, spki};
use crate::build::cred::with_octet;
use crate::build::family::{Draft, Family, hex};
use crate::build::keys;
use crate::build::primitives::{password, stream};
use crate::build::protocol::{self, ciphertext_with_zero, p1, p3};
use crate::build::world::{Credentials, Handshake, ID, NOW, good};

pub(crate) fn families() -> Vec<Family> {
    vec![accepted(), request(), binding(), decision(), order(), release()]
}

fn input(hs: &Handshake, events: Vec<Value>) -> Value {
    json!({ "private_key": hex(&hs.server.pkcs8), "k": hex(&hs.k), "events": events })
}

/// The usual events: M2, and the look-up finds the key.
fn usual(hs: &Handshake) -> Vec<Value> {
    vec![receive(100, &hs.m2), found(110, &hs.credentials.server_key, hs.t)]
}

/// M3 is sent; the server is not established by that.
fn replied(hs: &Handshake, now: u64) -> Value {
    let plaintext = p3(&hs.credentials.server_password, &hs.k, now, &hs.nonce);
    let m3 = json!({
        "check": "reply",
        "private_key": hex(&hs.client.pkcs8),
        "plaintext": hex(&plaintext),
    });
    json!({ "sent": [hex(&hs.m1), m3], "looked_up": hex(&hs.credentials.id), "established": false })
}

/// Only M1 is sent.
fn silent(hs: &Handshake, looked_up: Option<&[u8]>) -> Value {
    json!({ "sent": [hex(&hs.m1)], "looked_up": looked_up.map(hex), "established": false })
}

const ACCEPTED: &[&str] =
    &["HS-048", "HS-050", "HS-051", "HS-065", "HS-066", "HS-018", "HS-029", "HS-038"];

fn add_valid(family: &mut Family) -> &'static Handshake {
    let hs = good();
    let note = "M2 is answered with M3; the server is not established by that.";
    family.accept("valid", ACCEPTED, input(hs, usual(hs)), replied(hs, hs.t), note);
    hs
}

fn accepted() -> Family {
    let mut family = Family::new("hs/server", "hs.server", "Requests that the server answers.");
    let hs = add_valid(&mut family);
    let note = "No event: M1 is sent as soon as the transport is open.";
    family.accept("m1-at-once", &["HS-018"], input(hs, vec![]), silent(hs, None), note);
    let looking_up = vec![receive(100, &hs.m2)];
    let note = "The look-up is asked for the id of P1; nothing is sent before it answers.";
    family.accept(
        "looks-up",
        &["HS-038", "HS-037"],
        input(hs, looking_up),
        silent(hs, Some(ID)),
        note,
    );
    let mut add =
        |name: &str, hs: &Handshake, m2: &[u8], now: u64, rules: &[&'static str], note: &str| {
            let events = vec![receive(100, m2), found(110, &hs.credentials.server_key, now)];
            family.accept(name, rules, input(hs, events), replied(hs, now), note);
        };
    for (name, t, now) in [
        ("time-plus-9", NOW, NOW + 9),
        ("time-minus-9", NOW, NOW - 9),
        ("time-0-9", 0, 9),
        ("time-9-0", 9, 0),
        ("time-2-64-minus-1", u64::MAX, u64::MAX - 9),
        ("time-2-63", (1 << 63) - 4, (1 << 63) + 5),
    ] {
        let hs = Handshake::new(hs.credentials.clone(), hs.server, hs.client, t, name);
        let note = "The clock and t are 9 seconds apart; t' is the clock.";
        add(name, &hs, &hs.m2, now, &["HS-045", "HS-050", "CONV-002"], note);
    }
    for (name, server, client, id) in [
        ("sizes-4425-4480-id-1", keys::k4425(), keys::k4480_b(), &b"a"[..]),
        ("sizes-4480-4425-id-255", keys::k4480_a(), keys::k4425(), &[b'x'; 255]),
        (
            "sizes-4552-8192-id-key",
            keys::k4552_c(),
            keys::k8192(),
            b"alice0123456789ABCDEFGHIJKLMNOP",
        ),
        (
            "sizes-4432-4552-id-utf8",
            keys::k4432(),
            keys::k4552_b(),
            "\u{feff} \u{1f511}\u{202e}".as_bytes(),
        ),
    ] {
        let other = Handshake::new(Credentials::labelled(id, name), server, client, NOW, name);
        let note = "Other sizes of keys and of the id.";
        add(name, &other, &other.m2, NOW, &["HS-004", "HS-029", "HS-051", "CRED-004"], note);
    }
    let c1 = ciphertext_with_zero(&hs.server.public, "C1 zero first", &hs.p1);
    let m2 = [&*hs.spki, &*c1].concat();
    add(
        "c1-leading-zero",
        hs,
        &m2,
        hs.t,
        &["HS-014", "HS-029"],
        "C1's first octet is 00 and is there.",
    );
    let again = Handshake { k: crate::build::primitives::stream_array("another K"), ..hs.clone() };
    let note = "The M2 of another connection again: answered under the honest client's key, of no use to who replays it.";
    add("replayed", &again, &hs.m2, hs.t + 5, &["HS-065", "HS-051"], note);
    family
}

/// A vector whose M2 is other octets and which ends in a refusal.
fn with_m2<'f>(
    family: &'f mut Family,
    name: impl Into<String>,
    rules: &[&'static str],
    code: &'static str,
    flaw: &str,
    m2: &[u8],
) -> &'f mut Draft {
    let change = |input: &mut Map<String, Value>| input["events"][0] = receive(100, m2);
    let draft = family.reject(name, "valid", rules, code, flaw, change);
    draft.out(silent(good(), None)).group("request-secret").security()
}

fn request() -> Family {
    let mut family = Family::new(
        "hs/server-request",
        "hs.server",
        "Requests that the server refuses before the look-up.",
    );
    let hs = add_valid(&mut family);
    let (spki, c1) = hs.m2.split_at(hs.spki.len());
    for (name, m2, flaw) in [
        ("m2-empty", vec![], "M2 is an empty message"),
        ("m2-1-octet", vec![0x30], "M2 is one octet"),
        ("m2-k-minus-1-octets", c1[1..].to_vec(), "M2 is shorter than C1 alone"),
        ("m2-k-octets", c1.to_vec(), "M2 is C1 alone"),
        ("m2-spki-alone", spki.to_vec(), "M2 is the SPKI alone"),
        (
            "m2-590-plus-k-octets",
            [&spki[..590], c1].concat(),
            "M2 is one octet shorter than the shortest",
        ),
    ] {
        let rules: &[_] = if m2.is_empty() { &["HS-028", "FRAME-005"] } else { &["HS-028"] };
        with_m2(&mut family, name, rules, "malformed", flaw, &m2).group("request").robustness();
    }
    let mut bad_key = |name: String, rules: &[&'static str], flaw: &str, m2: &[u8]| {
        with_m2(&mut family, name, rules, "bad_key", flaw, m2).group("request");
    };
    let shortest = [&spki[..591], c1].concat();
    bad_key(
        "m2-591-plus-k-octets".into(),
        &["HS-028", "HS-030"],
        "M2 is as short as the shortest, and its SPKI cut",
        &shortest,
    );
    bad_key(
        "m2-longer-by-1".into(),
        &["HS-029", "HS-030"],
        "an octet after C1, so C1 begins one octet later",
        &[&*hs.m2, &[0]].concat(),
    );
    bad_key(
        "m2-shorter-by-1".into(),
        &["HS-029", "HS-030"],
        "the last octet of C1 is missing, so C1 begins one octet earlier",
        &hs.m2[..hs.m2.len() - 1],
    );
    bad_key(
        "m2-octet-between".into(),
        &["HS-029", "HS-030"],
        "an octet between SPKI and C1",
        &[spki, &[0], c1].concat(),
    );
    bad_key("m2-swapped".into(), &["HS-023", "HS-030"], "C1 before the SPKI", &[c1, spki].concat());
    for bad in spki::bad().into_iter().filter(|bad| bad.representative) {
        let m2 = [&*bad.octets, c1].concat();
        if bad.octets.len() >= 591 {
            bad_key(
                format!("spki-{}", bad.name),
                &["HS-030", bad.requirement],
                &format!("in the client's SPKI, {}", bad.flaw),
                &m2,
            );
        }
    }
    let both = [&*with_octet(spki, 606, 3), &*vec![0xff; 569]].concat();
    bad_key(
        "spki-and-c1".into(),
        &["HS-031"],
        "a bad SPKI and a C1 that is not below the modulus: the SPKI comes first",
        &both,
    );
    for bad in
        oaep::bad(&hs.server.public, &hs.p1, "C1").into_iter().filter(|bad| bad.representative)
    {
        let rules: &[_] = if bad.name.starts_with("value") {
            &["HS-032", "HS-015"]
        } else {
            &["HS-032", "HS-016"]
        };
        with_m2(
            &mut family,
            format!("c1-{}", bad.name),
            rules,
            "decrypt",
            bad.flaw,
            &[spki, &bad.octets].concat(),
        );
    }
    bad_plaintext(&mut family, hs);
    family
}

fn bad_plaintext(family: &mut Family, hs: &Handshake) {
    let (pc, t, nonce) = (&hs.credentials.client_password[..], hs.t, &hs.nonce[..]);
    let mut bad = |name: &str, rules: &[&'static str], flaw: &str, p1: Vec<u8>| {
        with_m2(family, name, rules, "malformed", flaw, &hs.m2_of(name, &p1));
    };
    bad("p1-empty", &["HS-033"], "P1 has no octets", vec![]);
    bad("p1-trailing-octet", &["HS-033"], "an octet after P1", [&*hs.p1, &[0]].concat());
    bad(
        "p1-last-octet-missing",
        &["HS-033"],
        "the last octet of P1 is missing",
        hs.p1[..hs.p1.len() - 1].to_vec(),
    );
    bad("p1-len8-255", &["HS-033"], "len8 is 255", with_octet(&hs.p1, 0, 255));
    bad("p1-id-empty", &["HS-034", "CRED-001"], "the id is empty", p1(b"", pc, t, nonce));
    bad(
        "p1-id-control",
        &["HS-034", "CRED-003"],
        "the id contains a line end",
        p1(b"al\nice", pc, t, nonce),
    );
    bad(
        "p1-id-utf8",
        &["HS-034", "CRED-002"],
        "the id is not well-formed UTF-8",
        p1(b"al\xc0\xafice", pc, t, nonce),
    );
    bad(
        "p1-password",
        &["HS-035"],
        "a digit of Pc is a full stop",
        p1(ID, &with_octet(pc, 17, b'.'), t, nonce),
    );
    bad(
        "order-form-binding",
        &["HS-037", "HS-035"],
        "Pc is not base62 and the nonce not bound: the form comes first",
        p1(ID, &with_octet(pc, 17, b'.'), t, &[0; 30]),
    );
}

fn binding() -> Family {
    let mut family = Family::new(
        "hs/server-binding",
        "hs.server",
        "Nonces that are not bound to this handshake.",
    );
    let hs = add_valid(&mut family);
    let mut bad = |name: &str, flaw: &str, nonce: &[u8]| {
        let p1 = p1(ID, &hs.credentials.client_password, hs.t, nonce);
        let m2 = hs.m2_of(name, &p1);
        with_m2(&mut family, name, &["HS-036", "HS-025", "HS-037"], "binding", flaw, &m2);
    };
    let (m1, spki, r) = (&hs.m1[..], &hs.spki[..], &hs.r[..]);
    let other = keys::k4552_d().public.spki();
    bad(
        "another-m1",
        "the nonce is bound to another server's key",
        &protocol::nonce(&other, spki, r),
    );
    bad(
        "another-spki",
        "the nonce is bound to another client's key",
        &protocol::nonce(m1, &other, r),
    );
    bad("keys-swapped", "the keys are in each other's place", &protocol::nonce(spki, m1, r));
    bad(
        "another-r",
        "the last 16 octets belong to another r",
        &[r, &protocol::binding(m1, spki, &stream("another r", 14))].concat(),
    );
    let hash =
        |label: &[u8], separator: &[u8]| protocol::binding_hash(label, separator, m1, spki, r);
    bad(
        "another-label",
        "another label",
        &[r, &hash(b"secure-tunnel/v2 nonce", &[0])[..16]].concat(),
    );
    bad(
        "no-separator",
        "the octet 00 after the label is missing",
        &[r, &hash(protocol::NONCE, &[])[..16]].concat(),
    );
    bad(
        "last-16-octets",
        "the last 16 octets of the hash instead of the first",
        &[r, &hash(protocol::NONCE, &[0])[16..]].concat(),
    );
    bad("unbound", "30 random octets, as in the original", &stream("unbound nonce", 30));
    bad("zero", "the 16 octets are zero", &[r, &[0; 16]].concat());
    for position in [0, 13, 14, 21, 29] {
        let mut nonce = hs.nonce.clone();
        nonce[position] ^= 1;
        let what = if position == 29 { ": 15 of 16 octets are right" } else { "" };
        bad(
            &format!("octet-{position:02}"),
            &format!("a bit of octet {position} of the nonce is flipped{what}"),
            &nonce,
        );
    }
    let captured = [&*other, &hs.m2[spki.len()..]].concat();
    with_m2(
        &mut family,
        "captured-c1",
        &["HS-036", "HS-025"],
        "binding",
        "an attacker's SPKI beside a captured C1",
        &captured,
    )
    .bug("relay");
    let change = |input: &mut Map<String, Value>| {
        input["events"] = json!([receive(100, &captured), no_key(110, "unknown", hs.t)]);
    };
    family
        .reject(
            "order-binding-unknown",
            "valid",
            &["HS-037", "HS-036"],
            "binding",
            "not bound, and the id unknown: the binding comes before the look-up",
            change,
        )
        .out(silent(hs, None))
        .group("request-secret")
        .security();
    family
}

fn decision() -> Family {
    let mut family =
        Family::new("hs/server-decision", "hs.server", "Look-up, password and freshness.");
    let hs = add_valid(&mut family);
    let mut bad = |name: &str, rules: &[&'static str], code, flaw: &str, lookup: Value| {
        let change = |input: &mut Map<String, Value>| input["events"][1] = lookup;
        let draft = family.reject(name, "valid", rules, code, flaw, change);
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
        ("stored-empty", vec![], "the stored serverKey is empty"),
        ("stored-25-octets", key[..25].to_vec(), "the stored serverKey has 25 octets"),
        ("stored-line-end", [&**key, b"\n"].concat(), "a line end after the stored serverKey"),
        (
            "stored-not-base62",
            with_octet(key, 25, b'.'),
            "a digit of the stored serverKey is a full stop",
        ),
        ("stored-client-key", hs.credentials.client_key.clone(), "a clientKey is stored"),
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
    wrong("key-of-another-password", "the serverKey of another client password is found", &{
        let ps = &hs.credentials.server_password;
        Credentials::new(ID, &password("another client password", 18), ps).server_key
    });
    for (name, now) in
        [("time-plus-10", NOW + 10), ("time-minus-10", NOW - 10), ("time-plus-11", NOW + 11)]
    {
        let flaw = format!("t is {NOW} and the clock {now}");
        bad(name, &["HS-045"], "stale", &flaw, found(110, key, now));
    }
    bad("clock-0", &["HS-045"], "stale", "the clock is 0", found(110, key, 0));
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
    for (name, t, now) in [
        ("wrap-t-2-64-minus-4", u64::MAX - 3, 5),
        ("wrap-t-5", 5, u64::MAX - 3),
        ("times-0-10", 0, 10),
    ] {
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

fn order() -> Family {
    let mut family = Family::new(
        "hs/server-order",
        "hs.server",
        "The server's deadline and the order of messages.",
    );
    let hs = add_valid(&mut family);
    let key = &hs.credentials.server_key;
    let m2_late = vec![wake(29_998), receive(29_998, &hs.m2), found(29_999, key, NOW)];
    let note = "M2 and the look-up's answer in the last milliseconds before the deadline.";
    family.accept("at-29999", &["HS-062", "HS-063"], input(hs, m2_late), replied(hs, NOW), note);
    let slow = vec![receive(100, &hs.m2), wake(29_998), found(29_999, key, NOW)];
    let note = "A slow look-up within the deadline, at a clock that has hardly moved.";
    family.accept("slow-look-up", &["HS-062", "HS-041"], input(hs, slow), replied(hs, NOW), note);
    let waiting = vec![receive(100, &hs.m2), found(110, key, NOW), wake(29_999)];
    let note = "M3 is sent; the server waits for the open record until 30 s after M1.";
    family.accept(
        "waits-for-open",
        &["HS-062", "HS-065"],
        input(hs, waiting),
        replied(hs, NOW),
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
    bad(
        "wake-during-look-up",
        "slow-look-up",
        late,
        "timeout",
        "30 s pass during the look-up",
        vec![receive(100, &hs.m2), wake(30_000), found(30_010, key, NOW)],
        asked(),
    );
    let replied = || replied(hs, NOW);
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
        ("octet-during-look-up", &[0], "an octet arrives during the look-up"),
        ("empty-during-look-up", &[], "an empty message arrives during the look-up"),
        ("record-during-look-up", &[7; 17], "a record arrives during the look-up"),
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

fn release() -> Family {
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
        .accept("valid", &["OBS-005", "HS-051"], delayed, replied(hs, NOW), note)
        .requires("release-delay")
        .should();
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
        "the look-up answers 3,001 ms after M2",
        after(found(3_101, key, NOW)),
        Some(ID),
        3_100,
    );
    family
}
