//! Issuing a challenge (section 5.5).

use serde_json::{Value, json};

use super::super::family::{Family, hex, u64_};
use super::super::primitives::ed25519::small_order_encodings;
use super::super::primitives::stream;
use super::{
    CHALLENGE, MAX_MS, NOW_MS, Refusal, bad_numbers, bit_changed, body, client, mismatched,
    other_client, other_server, server, set,
};

fn input(public: &[u8], now_ms: u64) -> Value {
    json!({
        "server_private": hex(&server().octets()),
        "client_public": hex(public),
        "now_ms": u64_(now_ms),
    })
}

fn out(public: &[u8], second: u32) -> Value {
    json!({ "challenge": hex(&server().signed(&body(CHALLENGE, public, second))) })
}

pub(super) fn family() -> Family {
    let mut family = Family::new("tok/challenge", "tok.challenge", "Issuing a challenge.");
    let key = client().public;
    family.accept(
        "valid",
        &["TOK-001", "TOK-002", "TOK-003", "TOK-007", "TOK-025", "CONV-001"],
        input(&key, NOW_MS),
        out(&key, 1_700_000_002),
        "A usual challenge.",
    );
    family.accept(
        "other-client",
        &["TOK-003"],
        input(&other_client().public, NOW_MS),
        out(&other_client().public, 1_700_000_002),
        "Another client, the same second.",
    );
    for (name, now_ms, second) in [
        ("clock-1000", 1_000, 1),
        ("clock-1001", 1_001, 1),
        ("clock-1999", 1_999, 1),
        ("clock-2000", 2_000, 2),
        ("clock-before-2-31", 2_147_483_647_999, i32::MAX as u32),
        ("clock-2-31", 2_147_483_648_000, 1 << 31),
        ("clock-last-second", 4_294_967_295_000, u32::MAX),
        ("clock-last", 4_294_967_295_999, u32::MAX),
        ("clock-same-second-first", 1_700_000_002_000, 1_700_000_002),
        ("clock-same-second-last", 1_700_000_002_999, 1_700_000_002),
    ] {
        family.accept(
            name,
            &["TOK-007", "TOK-008"],
            input(&key, now_ms),
            out(&key, second),
            format!("At {now_ms} ms the time is {second}: rounded down."),
        );
    }
    points(&mut family);
    for (name, id) in [
        ("server-id", "Server A".as_bytes()),
        ("server-id-empty", b""),
        ("server-id-utf8", "Sørvér".as_bytes()),
    ] {
        let mut input = input(&key, NOW_MS);
        input["server_id"] = hex(id);
        let note = "The serverId leaves the challenge as it is.";
        family.accept(name, &["TOK-024"], input, out(&key, 1_700_000_002), note);
    }
    for (name, ttl) in [("ttl-1", 1), ("ttl-999", 999), ("ttl-max", MAX_MS)] {
        let mut input = input(&key, NOW_MS);
        input["challenge_ttl_ms"] = u64_(ttl);
        input["token_ttl_ms"] = u64_(ttl);
        let note = format!("Lifetimes of {ttl} ms are allowed and not part of a challenge.");
        family.accept(name, &["TOK-009"], input, out(&key, 1_700_000_002), note);
    }
    refusals(&mut family);
    family
}

/// Octets that are no usable key get a challenge all the same.
fn points(family: &mut Family) {
    let mut add = |name: String, key: &[u8], what: &str| {
        let note = format!("{what}: challenges are issued for any 32 octets.");
        family.accept(name, &["TOK-023"], input(key, NOW_MS), out(key, 1_700_000_002), note);
    };
    add("key-ff".to_owned(), &[0xff; 32], "Not canonical");
    add("key-not-a-point".to_owned(), &not_a_point(), "Not the encoding of a point");
    for (name, encoding) in small_order_encodings() {
        add(format!("key-small-order-{name}"), &encoding, "Of small order");
    }
}

/// 32 octets, canonical, that no point has as its encoding.
pub(super) fn not_a_point() -> [u8; 32] {
    let mut octets = [0; 32];
    octets[0] = 2; // y = 2 is not on the curve
    octets
}

fn refusals(family: &mut Family) {
    let length = Refusal("public_key_length", None);
    for n in [0, 1, 31, 33, 64] {
        let key = stream("a key of another length", n);
        let flaw = format!("the client's public key has {n} octets");
        let name = format!("key-{n}-octets");
        length.add(family, name, "valid", &["TOK-022"], flaw, set("client_public", hex(&key)));
    }
    let time = Refusal("invalid_time", None);
    for (name, now_ms, flaw) in [
        ("clock-0", 0, "the clock is 0"),
        ("clock-999", 999, "the clock is 999 ms, second 0"),
        ("clock-after-last", 4_294_967_296_000, "the clock is second 2^32"),
        ("clock-max", MAX_MS, "the clock is 2^53 - 1 ms"),
        ("clock-second-2-33", 8_589_934_593_000, "the clock is second 2^33 + 1"),
    ] {
        time.add(family, name, "valid", &["TOK-008"], flaw, set("now_ms", u64_(now_ms)));
    }
    bad_numbers(family, &["challenge_ttl_ms", "token_ttl_ms"]);
    let mismatch = Refusal("key_mismatch", None);
    for (name, key, flaw) in [
        (
            "server-key-mismatched",
            mismatched(&server(), &other_server()),
            "the public half of the server's key is that of another seed",
        ),
        (
            "server-key-bit-changed",
            bit_changed(&server()),
            "one bit of the public half of the server's key is changed",
        ),
        (
            "server-key-public-zero",
            [server().seed, [0; 32]].concat(),
            "the public half of the server's key is zero",
        ),
    ] {
        mismatch
            .add(family, name, "valid", &["TOK-021"], flaw, set("server_private", hex(&key)))
            .note("Two signatures made so, with different public halves, reveal the secret.")
            .security();
    }
    for (name, id, flaw) in super::server_id::ill_formed() {
        Refusal("server_id_encoding", None).add(
            family,
            format!("server-id-{name}"),
            "server-id",
            &["TOK-051"],
            flaw,
            set("server_id", hex(id)),
        );
    }
}
