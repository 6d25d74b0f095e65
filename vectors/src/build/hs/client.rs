//! The client's part: M1 and pins, M3, deadlines and order.

use serde_json::{Value, json};

use super::events::{end, receive, request, wake};
use super::{oaep, spki};
use crate::build::cred::with_octet;
use crate::build::family::{Draft, Family, hex};
use crate::build::keys;
use crate::build::primitives::{password, sha256, stream};
use crate::build::protocol::{self, ciphertext_with_zero, p3};
use crate::build::world::{Credentials, Handshake, ID, NOW, good};

pub(crate) fn families() -> Vec<Family> {
    vec![start(), reply(), order()]
}

/// A client's input; events are replaced by most vectors.
fn input(hs: &Handshake, events: Vec<Value>) -> Value {
    json!({
        "client_key": hex(&hs.credentials.client_key),
        "private_key": hex(&hs.client.pkcs8),
        "r": hex(&hs.r),
        "events": events,
    })
}

/// The usual events: M1, request, M3.
fn usual(hs: &Handshake) -> Vec<Value> {
    vec![receive(20, &hs.m1), request(40, hs.t), receive(90, &hs.m3)]
}

/// How M2 is judged.
fn m2_check(hs: &Handshake) -> Value {
    json!({
        "check": "request",
        "private_key": hex(&hs.server.pkcs8),
        "spki": hex(&hs.spki),
        "plaintext": hex(&hs.p1),
    })
}

/// What a client has sent once it is established by `m3`.
fn all_sent(hs: &Handshake, m3: &[u8]) -> Value {
    let open = json!({ "check": "open-record", "m1": hex(&hs.m1), "m3": hex(m3), "k": hex(&hs.k) });
    json!({ "sent": [m2_check(hs), open], "established": true })
}

fn sent_m2(hs: &Handshake) -> Value {
    json!({ "sent": [m2_check(hs)], "established": false })
}

fn nothing_sent() -> Value {
    json!({ "sent": [], "established": false })
}

/// Between a request and its reply nothing tells what was sent; its checks cost the judge much.
fn not_established() -> Value {
    json!({ "established": false })
}

fn start() -> Family {
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
            let change = |input: &mut serde_json::Map<String, Value>| {
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

fn reply() -> Family {
    let mut family = Family::new(
        "hs/client-reply",
        "hs.client",
        "The client's checks of M3, and its open record.",
    );
    let hs = good();
    let rules = &["HS-059", "HS-068", "CHAN-023", "HS-051", "HS-056", "HS-057", "HS-058"];
    family.accept(
        "valid",
        rules,
        input(hs, usual(hs)),
        all_sent(hs, &hs.m3),
        "M3 is accepted, the open record sent.",
    );
    let mut add = |name: &str, hs: &Handshake, m3: &[u8], rules: &[&'static str], note: &str| {
        let events = vec![receive(20, &hs.m1), request(40, hs.t), receive(90, m3)];
        family.accept(name, rules, input(hs, events), all_sent(hs, m3), note);
    };
    for (name, t, time) in [
        ("time-plus-10", NOW, NOW + 10),
        ("time-minus-10", NOW, NOW - 10),
        ("time-0-10", 0, 10),
        ("time-10-0", 10, 0),
        ("time-2-64-minus-1", u64::MAX, u64::MAX - 10),
        ("time-2-63", (1 << 63) - 5, (1 << 63) + 5),
    ] {
        let hs = Handshake::new(hs.credentials.clone(), hs.server, hs.client, t, "good");
        let m3 = hs.m3_of(name, &p3(&hs.credentials.server_password, &hs.k, time, &hs.nonce));
        add(name, &hs, &m3, &["HS-056", "CONV-002"], "t and t' are exactly 10 seconds apart.");
    }
    let zero_first = ciphertext_with_zero(&hs.client.public, "M3 zero first", &hs.p3);
    add(
        "m3-leading-zero",
        hs,
        &zero_first,
        &["HS-014", "HS-052"],
        "M3's first octet is 00 and is there.",
    );
    for (name, server, client, id) in [
        ("sizes-4425-4480-id-1", keys::k4425(), keys::k4480_b(), &b"a"[..]),
        ("sizes-4480-4425-id-255", keys::k4480_a(), keys::k4425(), &[b'x'; 255]),
        ("sizes-4432-4432-id-utf8", keys::k4552_c(), keys::k4432(), "\u{feff}\u{1f511}".as_bytes()),
    ] {
        let other = Handshake::new(Credentials::labelled(id, name), server, client, NOW, name);
        add(
            name,
            &other,
            &other.m3,
            &["HS-004", "HS-051", "CRED-004"],
            "Other sizes of keys and of the id.",
        );
    }
    bad_reply_octets(&mut family, hs);
    bad_reply_contents(&mut family, hs);
    family
}

/// A vector whose M3 is other octets.
fn with_m3<'f>(
    family: &'f mut Family,
    name: &str,
    rules: &[&'static str],
    code: &'static str,
    flaw: &str,
    m3: &[u8],
) -> &'f mut Draft {
    let draft = family
        .reject(name, "valid", rules, code, flaw, |input| input["events"][2] = receive(90, m3));
    draft.out(not_established()).group("reply").security()
}

fn bad_reply_octets(family: &mut Family, hs: &Handshake) {
    let m3 = &hs.m3;
    for (name, octets, flaw) in [
        ("m3-empty", vec![], "M3 is an empty message"),
        ("m3-1-octet", vec![1], "M3 is one octet"),
        ("m3-k-minus-1", m3[..568].to_vec(), "the last octet of M3 is missing"),
        ("m3-k-plus-1", [&**m3, &[0]].concat(), "an octet after M3"),
        ("m3-k-plus-1-leading", [&[0], &**m3].concat(), "a zero octet before M3"),
        ("m3-is-m1", hs.m1.clone(), "M1 arrives again in the place of M3"),
        ("m3-is-m2", hs.m2.clone(), "the client's own M2 comes back"),
    ] {
        let rules: &[_] = if octets.is_empty() { &["HS-052", "FRAME-005"] } else { &["HS-052"] };
        with_m3(family, name, rules, "malformed", flaw, &octets).out(sent_m2(hs));
    }
    let stripped = ciphertext_with_zero(&hs.client.public, "M3 zero first", &hs.p3);
    let flaw = "the leading zero octet of a good M3 is stripped";
    with_m3(
        family,
        "m3-leading-zero-stripped",
        &["HS-052", "HS-014"],
        "malformed",
        flaw,
        &stripped[1..],
    )
    .bug("ciphertext length")
    .out(sent_m2(hs));
    for bad in
        oaep::bad(&hs.client.public, &hs.p3, "M3").into_iter().filter(|bad| bad.representative)
    {
        let rules: &[_] = if bad.name.starts_with("value") {
            &["HS-053", "HS-015"]
        } else {
            &["HS-053", "HS-016"]
        };
        with_m3(family, bad.name, rules, "decrypt", bad.flaw, &bad.octets);
    }
    let own = hs.server.public.encrypt(&protocol::oaep("P3 under the server's key"), &hs.p3);
    with_m3(
        family,
        "under-the-servers-key",
        &["HS-053"],
        "decrypt",
        "P3 is encrypted under the server's key",
        &own,
    );
}

fn bad_reply_contents(family: &mut Family, hs: &Handshake) {
    let ps = &hs.credentials.server_password[..];
    let (k, t, nonce) = (&hs.k[..], hs.t, &hs.nonce[..]);
    let mut bad = |name: &str, rules: &[&'static str], code, flaw: &str, plaintext: Vec<u8>| {
        let m3 = hs.m3_of(name, &plaintext);
        with_m3(family, name, rules, code, flaw, &m3);
    };
    bad("p3-93-octets", &["HS-054"], "malformed", "P3 has 93 octets", hs.p3[..93].to_vec());
    bad("p3-95-octets", &["HS-054"], "malformed", "P3 has 95 octets", [&*hs.p3, &[0]].concat());
    bad("p3-empty", &["HS-054"], "malformed", "P3 has no octets", vec![]);
    bad(
        "ps-not-base62",
        &["HS-055"],
        "malformed",
        "a digit of Ps is a full stop",
        with_octet(&hs.p3, 7, b'.'),
    );
    for (name, time) in [("time-plus-11", t + 11), ("time-minus-11", t - 11)] {
        bad(name, &["HS-056"], "stale", "t' is 11 seconds from t", p3(ps, k, time, nonce));
    }
    bad("time-0", &["HS-056"], "stale", "t' is 0", p3(ps, k, 0, nonce));
    bad("time-largest", &["HS-056"], "stale", "t' is 2^64 - 1", p3(ps, k, u64::MAX, nonce));
    bad(
        "time-milliseconds",
        &["HS-056"],
        "stale",
        "t' is in milliseconds",
        p3(ps, k, t * 1000, nonce),
    );
    bad(
        "time-2-32-more",
        &["HS-056", "CONV-002"],
        "stale",
        "t' is 2^32 seconds later",
        p3(ps, k, t + (1 << 32), nonce),
    );
    for position in [0, 13, 14, 22, 29] {
        let mut nonce = hs.nonce.clone();
        nonce[position] ^= 1;
        let flaw = format!("a bit of octet {position} of the nonce is flipped");
        bad(
            &format!("nonce-octet-{position:02}"),
            &["HS-057"],
            "nonce",
            &flaw,
            p3(ps, k, t, &nonce),
        );
    }
    bad("nonce-zero", &["HS-057"], "nonce", "the nonce is all zero", p3(ps, k, t, &[0; 30]));
    bad(
        "nonce-of-another",
        &["HS-057"],
        "nonce",
        "the nonce of another request",
        p3(ps, k, t, &stream("another nonce", 30)),
    );
    let mut wrong = |name: &str, flaw: &str, ps: &[u8]| {
        bad(name, &["HS-058"], "wrong_password", flaw, p3(ps, k, t, nonce));
    };
    for (name, position) in [("ps-first-digit", 0), ("ps-last-digit", 7)] {
        let digit = if ps[position] == b'0' { b'1' } else { b'0' };
        wrong(name, "a digit of Ps is another", &with_octet(ps, position, digit));
    }
    wrong("ps-of-another", "Ps is that of another id", &password("another server password", 8));
    wrong("ps-is-its-digest", "Ds in the place of Ps", &hs.credentials.client_key[ID.len() + 18..]);
    let (late, other) = (t + 11, [7; 30]);
    let wrong_ps = with_octet(ps, 0, if ps[0] == b'0' { b'1' } else { b'0' });
    bad(
        "order-stale-nonce",
        &["HS-056"],
        "stale",
        "t' is late and the nonce wrong: t' comes first",
        p3(ps, k, late, &other),
    );
    bad(
        "order-nonce-password",
        &["HS-057"],
        "nonce",
        "nonce and Ps are wrong: the nonce comes first",
        p3(&wrong_ps, k, t, &other),
    );
    bad(
        "order-stale-password",
        &["HS-056"],
        "stale",
        "t' is late and Ps wrong: t' comes first",
        p3(&wrong_ps, k, late, nonce),
    );
    bad(
        "order-form-stale",
        &["HS-055"],
        "malformed",
        "Ps is not base62 and t' late: the form comes first",
        p3(b"1234567.", k, late, nonce),
    );
    for (name, t, time) in [
        ("wrap-t-0", 0, u64::MAX),
        ("wrap-t-5", 5, u64::MAX - 3),
        ("wrap-t-2-64-minus-1", u64::MAX, 4),
        ("apart-0-11", 0, 11),
    ] {
        let other = Handshake::new(hs.credentials.clone(), hs.server, hs.client, t, "good");
        let m3 = hs.m3_of(name, &p3(ps, k, time, nonce));
        let flaw = format!("t is {t} and t' is {time}: far apart, unless the difference wraps");
        let flaw = if name == "apart-0-11" { "t is 0 and t' is 11".to_owned() } else { flaw };
        family
            .reject(name, "valid", &["HS-056", "CONV-002"], "stale", flaw, |input| {
                input["events"][1] = request(40, other.t);
                input["events"][2] = receive(90, &m3);
            })
            .out(not_established())
            .group("reply")
            .security()
            .bug("integer wrap");
    }
}

fn order() -> Family {
    let mut family = Family::new(
        "hs/client-order",
        "hs.client",
        "The client's deadlines and the order of messages after M2.",
    );
    let hs = good();
    let rules = &["HS-061", "HS-068", "HS-069"];
    family.accept(
        "valid",
        rules,
        input(hs, usual(hs)),
        all_sent(hs, &hs.m3),
        "M3 arrives soon after M2.",
    );
    let events =
        vec![receive(20, &hs.m1), request(40, hs.t), wake(10_039), receive(10_039, &hs.m3)];
    let note = "M3 arrives 9,999 ms after M2.";
    family.accept(
        "m3-at-9999",
        &["HS-061", "HS-063"],
        input(hs, events),
        all_sent(hs, &hs.m3),
        note,
    );
    let events = vec![receive(9_000, &hs.m1), request(40_000, hs.t), receive(49_999, &hs.m3)];
    let note = "The deadline runs from M2, not from connecting or from M1.";
    family.accept("deadline-from-m2", &["HS-061"], input(hs, events), all_sent(hs, &hs.m3), note);
    let mut bad = |name: &str, rules: &[&'static str], code, flaw: &str, last: Vec<Value>| {
        let mut events = vec![receive(20, &hs.m1), request(40, hs.t)];
        events.extend(last);
        let change = |input: &mut serde_json::Map<String, Value>| {
            input.insert("events".to_owned(), Value::Array(events));
        };
        family
            .reject(name, "valid", rules, code, flaw, change)
            .out(not_established())
            .robustness()
            .note(format!("{flaw}; nothing more is sent."));
    };
    for late in [10_000, 10_001, 20_000] {
        let flaw = format!("M3, in order and with a t' in order, arrives {late} ms after M2");
        bad(
            &format!("m3-at-{late}"),
            &["HS-061", "HS-063", "HS-064"],
            "timeout",
            &flaw,
            vec![receive(40 + late, &hs.m3)],
        );
    }
    bad(
        "m3-late-and-malformed",
        &["HS-064"],
        "timeout",
        "M3 is late and too short",
        vec![receive(10_040, b"short")],
    );
    bad(
        "wake-at-10000",
        &["HS-061", "HS-063"],
        "timeout",
        "10 s pass after M2",
        vec![wake(10_040)],
    );
    let woken = vec![wake(10_041), receive(10_042, &hs.m3)];
    bad(
        "wake-past-deadline",
        &["HS-061", "HS-072"],
        "timeout",
        "a timer fires past the deadline, then M3 arrives",
        woken,
    );
    bad(
        "end-after-m2",
        &["HS-073"],
        "order",
        "the server ends the transport after M2",
        vec![end(60)],
    );
    let again = vec![receive(60, b"short"), receive(90, &hs.m3)];
    bad(
        "good-m3-after-bad",
        &["HS-072"],
        "malformed",
        "a malformed M3 comes before the good one",
        again,
    );
    family
}
