//! Issuing a token: every check at its boundary, and pairs that reveal the order (section 5.7).

use serde_json::{Map, Value, json};

use super::super::family::{Family, hex, u64_};
use super::super::primitives::stream;
use super::{
    CHALLENGE, MAX_MS, NOW_MS, Refusal, SECOND, TOKEN, bad_numbers, bit_changed, body, client,
    good_challenge, mismatched, other_client, other_server, server, set,
};

const CALLER_KEY: Refusal = Refusal("public_key_length", None);
const CLIENT: Refusal = Refusal("client_signature", Some(401));
const SERVER: Refusal = Refusal("server_signature", Some(401));
const LENGTH: Refusal = Refusal("body_length", Some(400));
const TIME: Refusal = Refusal("body_time", Some(400));
const TYPE: Refusal = Refusal("wrong_type", Some(400));
const KEY: Refusal = Refusal("public_key_mismatch", Some(400));
const FUTURE: Refusal = Refusal("future", Some(400));
const EXPIRED: Refusal = Refusal("expired", Some(401));
const CLOCK: Refusal = Refusal("invalid_time", None);

pub(super) fn input(signed_challenge: &[u8], now_ms: u64) -> Value {
    json!({
        "server_private": hex(&server().octets()),
        "client_public": hex(&client().public),
        "signed_challenge": hex(signed_challenge),
        "now_ms": u64_(now_ms),
    })
}

pub(super) fn out(now_ms: u64) -> Value {
    let second = u32::try_from(now_ms / 1_000).unwrap_or_else(|_| unreachable!("a u32 second"));
    json!({ "token": hex(&server().signed(&body(TOKEN, &client().public, second))) })
}

/// A body signed by the server and then by the client.
fn signed(body: &[u8]) -> Vec<u8> {
    client().signed(&server().signed(body))
}

/// The good body with another time.
fn at(second: u32) -> Vec<u8> {
    signed(&body(CHALLENGE, &client().public, second))
}

fn challenge(value: &[u8]) -> impl FnOnce(&mut Map<String, Value>) + use<> {
    set("signed_challenge", hex(value))
}

pub(super) fn family() -> Family {
    let mut family = Family::new("tok/issue", "tok.issue", "Issuing a token.");
    let good = at(SECOND);
    family.accept(
        "valid",
        &["TOK-004", "TOK-042", "TOK-002", "TOK-031"],
        input(&good, NOW_MS),
        out(NOW_MS),
        "A usual login.",
    );
    let start = u64::from(SECOND) * 1_000;
    let mut clock = |name: &str, now_ms: u64, ttl: Option<u64>, rule: &'static str, note: &str| {
        let mut input = input(&good, now_ms);
        if let Some(ttl) = ttl {
            input["challenge_ttl_ms"] = u64_(ttl);
        }
        family.accept(name, &[rule, "TOK-042"], input, out(now_ms), note);
    };
    clock("same-millisecond", start, None, "TOK-013", "Used in the millisecond of its time.");
    clock("last-of-default", start + 60_000, None, "TOK-012", "The last of the 60,000 ms.");
    clock("last-of-ttl-1", start + 1, Some(1), "TOK-012", "The last of a life of 1 ms.");
    clock("last-of-ttl-1500", start + 1_500, Some(1_500), "TOK-012", "The last of 1,500 ms.");
    let note = "Long after the default, with a lifetime of an hour.";
    clock("ttl-hour", start + 3_600_000, Some(3_600_000), "TOK-012", note);
    let note = "The longest lifetime: the sum with the time exceeds 2^53.";
    clock("ttl-max", start + 86_400_000, Some(MAX_MS), "TOK-009", note);
    let mut last = input(&at(u32::MAX), 4_294_967_295_999);
    family.accept(
        "last-clock",
        &["TOK-008", "TOK-042"],
        last.clone(),
        out(4_294_967_295_999),
        "The last clock at which a token can be made.",
    );
    last["signed_challenge"] = hex(&at(u32::MAX - 30));
    family.accept(
        "time-near-max",
        &["TOK-012"],
        last,
        out(4_294_967_295_999),
        "time * 1000 needs more than 32 bits.",
    );
    family.accept(
        "time-1",
        &["TOK-008"],
        input(&at(1), 1_000),
        out(1_000),
        "The first clock at which a challenge can be used.",
    );
    clients(&mut family, &good);
    servers(&mut family);
    bodies(&mut family);
    times(&mut family);
    order(&mut family);
    bad_numbers(&mut family, &["challenge_ttl_ms", "token_ttl_ms"]);
    for (name, key) in [
        ("server-key-mismatched", mismatched(&server(), &other_server())),
        ("server-key-bit-changed", bit_changed(&server())),
    ] {
        let flaw = "the public half of the server's key is not that of its seed";
        let change = set("server_private", hex(&key));
        Refusal("key_mismatch", None)
            .add(&mut family, name, "valid", &["TOK-021"], flaw, change)
            .security();
    }
    family
}

/// The claimed key and the client's signature.
fn clients(family: &mut Family, good: &[u8]) {
    for n in [0, 31, 33, 64] {
        let key = stream("a key of another length", n);
        let flaw = format!("the claimed key has {n} octets");
        let change = set("client_public", hex(&key));
        let name = format!("key-{n}-octets");
        CALLER_KEY.add(family, name, "valid", &["TOK-032"], flaw, change);
    }
    let mut add = |name: String, value: Vec<u8>, flaw: String| {
        CLIENT.add(family, name, "valid", &["TOK-033"], flaw, challenge(&value));
    };
    for n in [0, 1, 63] {
        let flaw = format!("the signed challenge has {n} octets, fewer than a signature");
        add(format!("client-short-{n}"), good[..n].to_vec(), flaw);
    }
    for n in [64, 100, 164] {
        let flaw = format!("the signed challenge is cut off after {n} octets");
        add(format!("client-cut-{n}"), good[..n].to_vec(), flaw);
    }
    add(
        "client-trailing".to_owned(),
        [good, &[0]].concat(),
        "an octet follows the signed challenge".to_owned(),
    );
    for at in 0..good.len() {
        let mut changed = good.to_vec();
        changed[at] ^= 1 << (at % 8);
        let flaw = format!("one bit of octet {at} of the signed challenge is changed");
        add(format!("client-octet-{at:03}"), changed, flaw);
    }
    add(
        "client-other".to_owned(),
        other_client().signed(&good_challenge()),
        "another client signed the challenge".to_owned(),
    );
    add(
        "client-unsigned".to_owned(),
        good_challenge(),
        "the client sends the challenge as it got it".to_owned(),
    );
    add(
        "client-by-server".to_owned(),
        server().signed(&good_challenge()),
        "the server's key signed the challenge in the client's place".to_owned(),
    );
    add(
        "client-signature-last".to_owned(),
        [&good_challenge()[..], &client().sign(&good_challenge())].concat(),
        "the signature follows the challenge".to_owned(),
    );
    CLIENT.add(
        family,
        "client-claims-other",
        "valid",
        &["TOK-033"],
        "the claimed key is another client's",
        set("client_public", hex(&other_client().public)),
    );
}

/// The server's signature.
fn servers(family: &mut Family) {
    let mut add = |name: String, message: &[u8], flaw: String| {
        let value = client().signed(message);
        SERVER.add(family, name, "valid", &["TOK-035"], flaw, challenge(&value));
    };
    let good = good_challenge();
    for n in [0, 1, 37, 63] {
        let flaw = format!("what the client signed has {n} octets, fewer than a signature");
        add(format!("server-short-{n}"), &good[..n], flaw);
    }
    for n in [64, 100] {
        let flaw = format!("what the client signed is the challenge's first {n} octets");
        add(format!("server-cut-{n}"), &good[..n], flaw);
    }
    add(
        "server-trailing".to_owned(),
        &[&good[..], &[0]].concat(),
        "the client signed the challenge and an octet more".to_owned(),
    );
    for at in [0, 31, 32, 63, 64, 65, 96, 97, 100] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        let flaw = format!("the client signed a challenge with a bit of octet {at} changed");
        add(format!("server-octet-{at:03}"), &changed, flaw);
    }
    let other = other_server().signed(&body(CHALLENGE, &client().public, SECOND));
    add("server-other".to_owned(), &other, "another server made the challenge".to_owned());
    let own = client().signed(&body(CHALLENGE, &client().public, SECOND));
    add("server-by-client".to_owned(), &own, "the client made the challenge itself".to_owned());
}

/// The form of the body, signed by both.
fn bodies(family: &mut Family) {
    let key = client().public;
    let good = body(CHALLENGE, &key, SECOND);
    for n in [0, 1, 33, 36, 38, 41, 74] {
        let octets: Vec<u8> = good.iter().copied().cycle().take(n).collect();
        let flaw = format!("the body has {n} octets, signed by both");
        let name = format!("body-{n}-octets");
        LENGTH.add(family, name, "valid", &["TOK-036"], flaw, challenge(&signed(&octets)));
    }
    let zero = at(0);
    TIME.add(family, "time-0", "valid", &["TOK-037"], "the time is 0", challenge(&zero));
    for kind in [0x00, TOKEN, 0x03, 0x81, 0xff] {
        let flaw = format!("the type is {kind:02x}");
        let value = signed(&body(kind, &key, SECOND));
        let name = format!("type-{kind:02x}");
        TYPE.add(family, name, "valid", &["TOK-038"], flaw, challenge(&value));
    }
    let mut add = |name: String, public: &[u8], flaw: String| {
        let value = signed(&body(CHALLENGE, public, SECOND));
        KEY.add(family, name, "valid", &["TOK-039"], flaw, challenge(&value));
    };
    let other = other_client().public;
    add("body-key-other".to_owned(), &other, "the challenge is another client's".to_owned());
    for at in [0, 15, 31] {
        let mut public = key;
        public[at] ^= 0x80;
        let flaw = format!("one bit of octet {at} of the key in the challenge is changed");
        add(format!("body-key-octet-{at:02}"), &public, flaw);
    }
}

/// The clock, on both sides of each boundary.
fn times(family: &mut Family) {
    let start = u64::from(SECOND) * 1_000;
    let clock = |now_ms: u64| set("now_ms", u64_(now_ms));
    for (name, now_ms, flaw) in [
        ("future-by-1-ms", start - 1, "the clock is 1 ms before the challenge's time"),
        ("future-by-999-ms", start - 999, "the clock is 999 ms before the challenge's time"),
        ("future-by-1-s", start - 1_000, "the clock is one second before the challenge's time"),
        ("future-by-years", 1_000_000_000_000, "the clock is years before the challenge's time"),
        ("future-clock-0", 0, "the clock is 0"),
    ] {
        FUTURE.add(family, name, "valid", &["TOK-040", "TOK-013"], flaw, clock(now_ms));
    }
    let far = at(u32::MAX);
    let flaw = "the challenge is dated 2106";
    FUTURE.add(family, "future-max", "valid", &["TOK-040"], flaw, challenge(&far));
    for (name, now_ms, flaw) in [
        ("expired-by-1-ms", start + 60_001, "the clock is 1 ms past the challenge's life"),
        ("expired-by-1-s", start + 61_000, "the clock is one second past the challenge's life"),
        ("expired-by-an-hour", start + 3_600_000, "the challenge is an hour old"),
        ("expired-2-32", start + 4_294_967_296, "the challenge is 2^32 ms old"),
    ] {
        EXPIRED.add(family, name, "valid", &["TOK-041", "TOK-010"], flaw, clock(now_ms));
    }
    for (ttl, now_ms) in [(1, start + 2), (1_500, start + 1_501), (999, start + 1_000)] {
        let flaw = format!("the clock is 1 ms past the challenge's life of {ttl} ms");
        let name = format!("expired-ttl-{ttl}");
        EXPIRED.add(family, name, "valid", &["TOK-041", "TOK-012"], flaw, move |input| {
            input.insert("challenge_ttl_ms".to_owned(), u64_(ttl));
            input.insert("now_ms".to_owned(), u64_(now_ms));
        });
    }
    let flaw = "the clock is second 2^32, which no token can carry";
    CLOCK.add(
        family,
        "clock-after-last",
        "last-clock",
        &["TOK-008"],
        flaw,
        clock(4_294_967_296_000),
    );
}

/// Two faults at once: the code of the check that comes first.
fn order(family: &mut Family) {
    let key = client().public;
    let other = other_client().public;
    let late = 1_700_000_061_000;
    let by_other_client = |message: &[u8]| other_client().signed(message);
    let foreign = |body: &[u8]| client().signed(&other_server().signed(body));
    let good = body(CHALLENGE, &key, SECOND);
    let old = |input: &mut Map<String, Value>, value: &[u8]| {
        input.insert("signed_challenge".to_owned(), hex(value));
        input.insert("now_ms".to_owned(), u64_(late));
    };
    let cases: [(&str, Refusal, Vec<u8>, &str); 9] = [
        (
            "client-server",
            CLIENT,
            by_other_client(&other_server().signed(&good)),
            "neither signature verifies",
        ),
        (
            "server-length",
            SERVER,
            foreign(&good[..36]),
            "another server signed a body of 36 octets",
        ),
        (
            "server-type",
            SERVER,
            foreign(&body(TOKEN, &key, SECOND)),
            "another server signed a body of the wrong type",
        ),
        (
            "length-type",
            LENGTH,
            signed(&[body(TOKEN, &key, SECOND), vec![0]].concat()),
            "the body has 38 octets and the wrong type",
        ),
        ("time-type", TIME, signed(&body(TOKEN, &key, 0)), "the time is 0 and the type wrong"),
        (
            "time-key",
            TIME,
            signed(&body(CHALLENGE, &other, 0)),
            "the time is 0 and the key another client's",
        ),
        (
            "type-key",
            TYPE,
            signed(&body(TOKEN, &other, SECOND)),
            "the type is wrong and the key another client's",
        ),
        (
            "type-future",
            TYPE,
            signed(&body(TOKEN, &key, SECOND + 100)),
            "the type is wrong and the time in the future",
        ),
        (
            "key-future",
            KEY,
            signed(&body(CHALLENGE, &other, SECOND + 100)),
            "the key is another client's and the time in the future",
        ),
    ];
    for (name, refusal, value, flaw) in cases {
        let name = format!("order-{name}");
        refusal.add(family, name, "valid", &["TOK-031"], flaw, challenge(&value));
    }
    for (name, refusal, value, flaw) in [
        ("client-expired", CLIENT, by_other_client(&good_challenge()), "another client signed it"),
        ("server-expired", SERVER, foreign(&good), "another server made it"),
        ("type-expired", TYPE, signed(&body(TOKEN, &key, SECOND)), "the type is wrong"),
        ("key-expired", KEY, signed(&body(CHALLENGE, &other, SECOND)), "the key is another's"),
    ] {
        let flaw = format!("the challenge has expired, and {flaw}");
        let name = format!("order-{name}");
        refusal.add(family, name, "valid", &["TOK-031"], flaw, |input| old(input, &value));
    }
    let flaw = "the claimed key has 31 octets and no signature verifies";
    CALLER_KEY.add(family, "order-key-length-client", "valid", &["TOK-031"], flaw, |input| {
        input.insert("client_public".to_owned(), hex(&key[..31]));
        input.insert("signed_challenge".to_owned(), hex(&[0; 165]));
    });
    let flaw = "the challenge has expired, and no token can carry the clock";
    EXPIRED.add(
        family,
        "order-expired-clock",
        "last-clock",
        &["TOK-031"],
        flaw,
        set("now_ms", u64_(4_294_967_296_000 + 60_000)),
    );
}
