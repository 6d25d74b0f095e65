//! Verifying a token: every check at its boundary, and pairs that reveal the order (section 5.8).

use serde_json::{Map, Value, json};

use super::super::family::{Family, hex, u64_};
use super::super::primitives::ed25519::small_order_encodings;
use super::challenge::not_a_point;
use super::{
    CHALLENGE, MAX_MS, NOW_MS, Refusal, SECOND, TOKEN, bad_numbers, body, client, other_client,
    other_server, server, set,
};

const SERVER: Refusal = Refusal("server_signature", Some(401));
const LENGTH: Refusal = Refusal("body_length", Some(401));
const TIME: Refusal = Refusal("body_time", Some(401));
const EXPIRED: Refusal = Refusal("expired", Some(401));
const TYPE: Refusal = Refusal("wrong_type", Some(401));
const FUTURE: Refusal = Refusal("future", Some(401));

const DAY: u64 = 86_400_000;

pub(super) fn input(public: &[u8], token: &[u8], now_ms: u64) -> Value {
    json!({ "server_public": hex(public), "token": hex(token), "now_ms": u64_(now_ms) })
}

fn out(public: &[u8]) -> Value {
    json!({ "client_public": hex(public) })
}

fn good() -> Vec<u8> {
    signed(TOKEN, SECOND)
}

fn signed(kind: u8, second: u32) -> Vec<u8> {
    server().signed(&body(kind, &client().public, second))
}

fn token(value: &[u8]) -> impl FnOnce(&mut Map<String, Value>) + use<> {
    set("token", hex(value))
}

pub(super) fn family() -> Family {
    let mut family = Family::new("tok/verify", "tok.verify", "Verifying a token.");
    let key = client().public;
    let start = u64::from(SECOND) * 1_000;
    let mut clock = |name: &str, now_ms: u64, ttl: Option<u64>, rule: &'static str, note: &str| {
        let mut input = input(&server().public, &good(), now_ms);
        if let Some(ttl) = ttl {
            input["token_ttl_ms"] = u64_(ttl);
        }
        let rules: &[_] = match rule {
            // Whoever runs the operation without a lifetime asks for the default.
            "TOK-011" => &["TOK-012", "TOK-011", "TOK-050"],
            _ => &[rule, "TOK-050", "TOK-043"],
        };
        family.accept(name, rules, input, out(&key), note);
    };
    clock("valid", NOW_MS, None, "TOK-004", "A usual token.");
    clock("same-millisecond", start, None, "TOK-013", "Used in the millisecond of its time.");
    clock("last-of-default", start + DAY, None, "TOK-011", "The last of the 86,400,000 ms.");
    clock("last-of-ttl-1", start + 1, Some(1), "TOK-012", "The last of a life of 1 ms.");
    clock("last-of-ttl-1000", start + 1_000, Some(1_000), "TOK-012", "The last of 1,000 ms.");
    let note = "The longest lifetime and the last clock.";
    clock("ttl-max", MAX_MS, Some(MAX_MS), "TOK-009", note);
    for (name, second, now_ms) in [
        ("time-1", 1, 1_000),
        ("time-max", u32::MAX, 4_294_967_295_000),
        ("time-max-clock-after", u32::MAX, 4_294_967_296_001),
    ] {
        let input = input(&server().public, &signed(TOKEN, second), now_ms);
        let note = format!("A token of second {second} at {now_ms} ms.");
        family.accept(name, &["TOK-012", "TOK-013"], input, out(&key), note);
    }
    let mut inside = |name: String, public: &[u8], note: &str| {
        let value = server().signed(&body(TOKEN, public, SECOND));
        let input = input(&server().public, &value, NOW_MS);
        family.accept(name, &["TOK-050"], input, out(public), note);
    };
    inside("key-other".to_owned(), &other_client().public, "Another client's token.");
    inside("key-zero".to_owned(), &[0; 32], "The key inside is not checked again.");
    inside("key-ff".to_owned(), &[0xff; 32], "The key inside is not checked again.");
    inside("key-not-a-point".to_owned(), &not_a_point(), "The key inside is not checked again.");
    for (name, encoding) in small_order_encodings().into_iter().step_by(4) {
        let note = "The key inside is not checked again, even of small order.";
        inside(format!("key-small-order-{name}"), &encoding, note);
    }
    signatures(&mut family);
    bodies(&mut family);
    times(&mut family);
    order(&mut family);
    bad_numbers(&mut family, &["token_ttl_ms"]);
    family
}

fn signatures(family: &mut Family) {
    let mut add = |name: String, value: Vec<u8>, flaw: String| {
        SERVER.add(family, name, "valid", &["TOK-044"], flaw, token(&value)).group("token-verify");
    };
    let good = good();
    for n in [0, 1, 37, 63] {
        let flaw = format!("the token has {n} octets, fewer than a signature");
        add(format!("short-{n}"), good[..n].to_vec(), flaw);
    }
    for n in [64, 65, 100] {
        let flaw = format!("the token is cut off after {n} octets");
        add(format!("cut-{n}"), good[..n].to_vec(), flaw);
    }
    add("trailing".to_owned(), [&good[..], &[0]].concat(), "an octet follows the token".to_owned());
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1 << (at % 8);
        let flaw = format!("one bit of octet {at} of the token is changed");
        add(format!("octet-{at:03}"), changed, flaw);
    }
    let other = other_server().signed(&body(TOKEN, &client().public, SECOND));
    add("other-server".to_owned(), other, "another server made the token".to_owned());
    let own = client().signed(&body(TOKEN, &client().public, SECOND));
    add("by-client".to_owned(), own, "the client made the token itself".to_owned());
    let last = [&good[64..], &good[..64]].concat();
    add("signature-last".to_owned(), last, "the signature follows the body".to_owned());
    let zero = [&[0; 64][..], &good[64..]].concat();
    add("signature-zero".to_owned(), zero, "the signature is all zeros".to_owned());
    let nested = client().signed(&good);
    add("signed-again".to_owned(), nested, "the client signed the token".to_owned());
    SERVER
        .add(
            family,
            "other-server-key",
            "valid",
            &["TOK-044"],
            "the server verifies with another key",
            set("server_public", hex(&other_server().public)),
        )
        .group("token-verify");
}

fn bodies(family: &mut Family) {
    let good = body(TOKEN, &client().public, SECOND);
    for n in [0, 1, 33, 36, 38, 41, 74] {
        let octets: Vec<u8> = good.iter().copied().cycle().take(n).collect();
        let flaw = format!("the body has {n} octets, signed by the server");
        let name = format!("body-{n}-octets");
        LENGTH
            .add(family, name, "valid", &["TOK-045"], flaw, token(&server().signed(&octets)))
            .group("token-verify");
    }
    TIME.add(family, "time-0", "valid", &["TOK-046"], "the time is 0", token(&signed(TOKEN, 0)))
        .group("token-verify");
    for kind in [0x00, CHALLENGE, 0x03, 0x82, 0xff] {
        let flaw = format!("the type is {kind:02x}");
        let name = format!("type-{kind:02x}");
        TYPE.add(family, name, "valid", &["TOK-048"], flaw, token(&signed(kind, SECOND)))
            .group("token-verify");
    }
}

fn times(family: &mut Family) {
    let start = u64::from(SECOND) * 1_000;
    let clock = |now_ms: u64| set("now_ms", u64_(now_ms));
    for (name, now_ms, flaw) in [
        ("expired-by-1-ms", start + DAY + 1, "the clock is 1 ms past the token's life"),
        ("expired-by-1-s", start + DAY + 1_000, "the clock is a second past the token's life"),
        ("expired-by-years", 4_000_000_000_000, "the token is decades old"),
    ] {
        EXPIRED
            .add(family, name, "valid", &["TOK-047", "TOK-011"], flaw, clock(now_ms))
            .group("token-verify");
    }
    for (ttl, now_ms) in [(1, start + 2), (999, start + 1_000), (60_000, start + 60_001)] {
        let flaw = format!("the clock is 1 ms past the token's life of {ttl} ms");
        let name = format!("expired-ttl-{ttl}");
        EXPIRED
            .add(family, name, "valid", &["TOK-047", "TOK-012"], flaw, move |input| {
                input.insert("token_ttl_ms".to_owned(), u64_(ttl));
                input.insert("now_ms".to_owned(), u64_(now_ms));
            })
            .group("token-verify");
    }
    for (name, now_ms, flaw) in [
        ("future-by-1-ms", start - 1, "the clock is 1 ms before the token's time"),
        ("future-by-1-s", start - 1_000, "the clock is a second before the token's time"),
        ("future-by-years", 1_000_000_000_000, "the clock is years before the token's time"),
        ("future-clock-0", 0, "the clock is 0"),
    ] {
        FUTURE
            .add(family, name, "valid", &["TOK-049", "TOK-013"], flaw, clock(now_ms))
            .group("token-verify");
    }
    FUTURE
        .add(
            family,
            "future-max",
            "valid",
            &["TOK-049"],
            "the token is dated 2106",
            token(&signed(TOKEN, u32::MAX)),
        )
        .group("token-verify");
}

/// Two faults at once: the code of the check that comes first.
fn order(family: &mut Family) {
    let key = client().public;
    let foreign = |kind, second| other_server().signed(&body(kind, &key, second));
    let late = SECOND - 86_403;
    for (name, refusal, value, flaw) in [
        (
            "server-expired",
            SERVER,
            foreign(TOKEN, late),
            "another server made it and it has expired",
        ),
        ("server-type", SERVER, foreign(CHALLENGE, SECOND), "another server made it; wrong type"),
        (
            "length-type",
            LENGTH,
            server().signed(&body(CHALLENGE, &key, SECOND)[..36]),
            "the body has 36 octets and the wrong type",
        ),
        ("time-type", TIME, signed(CHALLENGE, 0), "the time is 0 and the type wrong"),
        (
            "expired-type",
            EXPIRED,
            signed(CHALLENGE, late),
            "an old challenge in the place of a token",
        ),
        (
            "type-future",
            TYPE,
            signed(CHALLENGE, SECOND + 100),
            "a challenge of the future in the place of a token",
        ),
    ] {
        let name = format!("order-{name}");
        refusal.add(family, name, "valid", &["TOK-043"], flaw, token(&value)).group("token-verify");
    }
}
