//! Tokens: chapter 5 of the specification.

use serde_json::{Value, json};
use tunnelproof_vectors::build::primitives::ed25519::KeyPair;
use tunnelproof_vectors::build::world::NOW;

use super::key_pair;
use super::signature::{bad_public, edge};
use super::text::{bad_server_id, server_id};
use super::values::{EDGES, changed, hex, mutated, several, u64_};
use crate::fuzz::rng::{Flaws, Rng};

/// The greatest clock and lifetime.
const MAX_MS: u64 = (1 << 53) - 1;
const CHALLENGE: u8 = 1;
const TOKEN: u8 = 2;
/// The lifetimes unless configured.
const CHALLENGE_MS: u64 = 60_000;
const TOKEN_MS: u64 = 86_400_000;

/// The second of a body.
fn second(rng: &mut Rng) -> u32 {
    match rng.below(4) {
        0 => {
            rng.one(&[1, 2, 59, 1 << 24, i32::MAX.cast_unsigned(), 1 << 31, u32::MAX - 1, u32::MAX])
        }
        1 => u32::try_from(rng.next() >> 32).unwrap_or(1).max(1),
        _ => u32::try_from(NOW).unwrap_or(1),
    }
}

/// A lifetime, configured or not, and what it is then.
fn lifetime(rng: &mut Rng, default: u64) -> (Option<u64>, u64) {
    let ttl = match rng.below(4) {
        0 => Some(rng.one(&[1, 999, 1000, 1001, 60_000, 3_600_000, 1 << 32, MAX_MS])),
        1 => Some(rng.within(1, 100_000)),
        _ => None,
    };
    (ttl, ttl.unwrap_or(default))
}

fn bad_lifetime(rng: &mut Rng) -> u64 {
    rng.one(&[0, 0, MAX_MS + 1, 1 << 63, u64::MAX])
}

fn body(kind: u8, key: &[u8], second: u32) -> Vec<u8> {
    [&[kind], key, &second.to_be_bytes()].concat()
}

/// Seed and public key, or nearly.
fn private(flaws: &mut Flaws, key: &KeyPair) -> Value {
    let mut octets = key.octets();
    if let Some(mut rng) = flaws.hits(2, "the halves of the private key do not belong together") {
        octets = if rng.once_in(2) {
            let at = rng.within(32, 63) as usize;
            changed(&mut rng, &octets, at)
        } else {
            [&octets[..32], &key_pair(&mut rng).public].concat()
        };
    }
    hex(&octets)
}

/// The configuration that servers and clients share.
fn put_server_id(
    rng: &mut Rng,
    flaws: &mut Flaws,
    input: &mut Value,
    name: &'static str,
) -> Vec<u8> {
    let id = if rng.once_in(2) { server_id(rng) } else { Vec::new() };
    if !id.is_empty() || rng.once_in(4) {
        input[name] = hex(&id);
    }
    if let Some(mut rng) = flaws.hits(2, "the serverId is not UTF-8") {
        input[name] = hex(&bad_server_id(&mut rng));
    }
    id
}

fn put_lifetime(flaws: &mut Flaws, input: &mut Value, name: &'static str, ttl: Option<u64>) {
    if let Some(ttl) = ttl {
        input[name] = u64_(ttl);
    }
    if let Some(mut rng) = flaws.hit("a lifetime is none") {
        input[name] = u64_(bad_lifetime(&mut rng));
    }
}

/// `tok.challenge`.
pub fn challenge(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let (server, client) = (key_pair(rng), key_pair(rng));
    let mut public = client.public.to_vec();
    if rng.once_in(3) {
        public = bad_public(rng, &client.public); // any 32 octets do
    }
    let mut now = match rng.below(3) {
        0 => rng.one(&[1000, 1001, 1499, 1500, 1999, 2000, 4_294_967_295_000, 4_294_967_295_999]),
        _ => u64::from(second(rng)) * 1000 + rng.within(0, 999),
    };
    if let Some(mut rng) = flaws.hits(4, "the clock cannot be written") {
        now = rng.one(&[0, 1, 500, 999, 4_294_967_296_000, 1 << 52, MAX_MS, MAX_MS + 1, u64::MAX]);
    }
    if let Some(mut rng) = flaws.hits(3, "the public key is of another length") {
        let length = rng.one(&[0, 1, 31, 31, 33, 33, 64]);
        public.resize(length, 7);
    }
    let mut input = json!({
        "server_private": private(flaws, &server),
        "client_public": hex(&public),
        "now_ms": u64_(now),
    });
    put_server_id(rng, flaws, &mut input, "server_id");
    for (name, default) in [("challenge_ttl_ms", CHALLENGE_MS), ("token_ttl_ms", TOKEN_MS)] {
        let (ttl, _) = lifetime(rng, default);
        put_lifetime(flaws, &mut input, name, ttl);
    }
    input
}

/// `tok.sign`.
pub fn sign(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let (server, client) = (key_pair(rng), key_pair(rng));
    let mut kind = CHALLENGE;
    let mut public = client.public.to_vec();
    if let Some(mut rng) = flaws.hits(2, "the type is not that of a challenge") {
        kind = rng.one(&[0, TOKEN, 3, 0x81, 0xff]);
    }
    if let Some(mut rng) = flaws.hits(3, "the challenge is for another key") {
        public = bad_public(&mut rng, &client.public);
    }
    let mut challenge = server.signed(&body(kind, &public, second(rng)));
    if let Some(mut rng) = flaws.hits(3, "the challenge is of another length") {
        match rng.below(6) {
            0 => challenge.push(0),
            1 => drop(challenge.pop()),
            2 => challenge.clear(),
            3 => challenge.truncate(97),
            4 => challenge.extend(rng.octets(64)),
            _ => challenge.truncate(rng.below(101)),
        }
    }
    let mut input =
        json!({ "client_private": private(flaws, &client), "challenge": hex(&challenge) });
    put_server_id(rng, flaws, &mut input, "server_id");
    input
}

/// What is wrong with a body, with its time relative to a clock and a lifetime.
fn spoilt_body(
    flaws: &mut Flaws,
    several: &dyn Fn(usize) -> Option<Rng>,
    kind: u8,
    key: &[u8],
    mut second: u32,
) -> Vec<u8> {
    let mut written = kind;
    if let Some(mut rng) = several(0).or_else(|| flaws.hits(3, "the type is another")) {
        written = rng.one(&[0, 3 - kind, 3 - kind, 3, 0x80, 0xff]);
    }
    let mut public = key.to_vec();
    if kind == CHALLENGE
        && let Some(mut rng) = several(1).or_else(|| flaws.hits(3, "the body is for another key"))
        && let Ok(honest) = <[u8; 32]>::try_from(key)
    {
        public = bad_public(&mut rng, &honest);
    }
    if flaws.hits(2, "the time is 0").is_some() {
        second = 0;
    }
    let mut body = body(written, &public, second);
    if let Some(mut rng) = flaws.hits(2, "the body is of another length") {
        match rng.below(4) {
            0 => body.push(0),
            1 => drop(body.pop()),
            2 => body.clear(),
            _ => body.truncate(rng.below(37)),
        }
    }
    body
}

/// A clock at which a body of `second` is good for `ttl`, or, with a flaw, is not.
fn clock(
    rng: &mut Rng,
    flaws: &mut Flaws,
    several: &dyn Fn(usize) -> Option<Rng>,
    second: u32,
    ttl: u64,
) -> u64 {
    let issued = u64::from(second) * 1000;
    let last = issued.saturating_add(ttl).min(4_294_967_295_999).max(issued);
    let mut now = match rng.below(3) {
        0 => issued,
        1 => last,
        _ => rng.within(issued, last),
    };
    if let Some(mut rng) = several(2).or_else(|| flaws.hits(4, "it has expired")) {
        now = last + rng.one(&[1, 1, 2, 999, 1000, 1001, 3_600_000, 1 << 32]);
    }
    if let Some(mut rng) = several(3).or_else(|| flaws.hits(4, "it is dated in the future")) {
        now = issued - rng.one(&[1, 1, 2, 500, 999, 1000]).min(issued);
    }
    if let Some(mut rng) = flaws.hits(2, "the clock is at an edge") {
        now = rng.one(&EDGES);
    }
    if let Some(mut rng) = flaws.hits(2, "the clock cannot be written as a time") {
        now = rng.one(&[0, 999, 4_294_967_296_000, MAX_MS, MAX_MS + 1, u64::MAX]);
    }
    now
}

/// `tok.issue`.
pub fn issue(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let (server, client) = (key_pair(rng), key_pair(rng));
    let second = second(rng);
    let (ttl, is) = lifetime(rng, CHALLENGE_MS);
    let several = several(flaws.hits(8, "several of type, key and time are wrong"), 4);
    let mut input = json!({
        "server_private": private(flaws, &server),
        "client_public": hex(&client.public),
        "now_ms": u64_(clock(rng, flaws, &several, second, is)),
    });
    put_lifetime(flaws, &mut input, "challenge_ttl_ms", ttl);
    let (ttl, _) = lifetime(rng, TOKEN_MS);
    put_lifetime(flaws, &mut input, "token_ttl_ms", ttl);
    let id = put_server_id(rng, flaws, &mut input, "server_id");

    let mut challenge =
        server.signed(&spoilt_body(flaws, &several, CHALLENGE, &client.public, second));
    if let Some(mut rng) = flaws.hits(3, "the server's signature is another") {
        challenge = spoilt_signature(&mut rng, &challenge);
    }
    let mut sent = if rng.once_in(4) { Vec::new() } else { id.clone() };
    if let Some(mut rng) = flaws.hits(4, "the serverId is another, or is there twice") {
        sent = other_server_id(&mut rng, &id, &challenge);
    }
    let message = [&sent[..], &challenge].concat();
    let mut signed = client.signed(&message);
    if let Some(mut rng) = flaws.hits(6, "key and signature are edge cases of Ed25519") {
        let message = |public: &[u8; 32]| {
            [&sent[..], &server.signed(&body(CHALLENGE, public, second))].concat()
        };
        let case = edge(&mut rng, &client, &message);
        input["client_public"] = hex(&case.public);
        signed = case.octets;
    }
    if let Some(mut rng) = flaws.hits(3, "the client's signature is another") {
        signed = spoilt_signature(&mut rng, &signed);
    }
    if let Some(mut rng) = flaws.hits(3, "the client's key is another") {
        let mut public = bad_public(&mut rng, &client.public);
        if rng.once_in(2) {
            public.resize(rng.one(&[0, 31, 33, 64]), 1);
            // Cut or padded it is the key again.
            if rng.once_in(2) {
                let mut own = client.public.to_vec();
                own.resize(public.len(), 0);
                public = own;
            }
        }
        input["client_public"] = hex(&public);
    }
    input["signed_challenge"] = hex(&signed);
    input
}

fn spoilt_signature(rng: &mut Rng, signed: &[u8]) -> Vec<u8> {
    match rng.below(5) {
        0 | 1 => {
            let at = rng.below(64);
            changed(rng, signed, at)
        }
        2 => signed[..rng.below(64).min(signed.len())].to_vec(),
        3 => key_pair(rng).signed(signed.get(64..).unwrap_or_default()),
        _ => mutated(rng, signed),
    }
}

fn other_server_id(rng: &mut Rng, id: &[u8], challenge: &[u8]) -> Vec<u8> {
    match rng.below(8) {
        7 if id.is_ascii() && !id.is_empty() => id.to_ascii_lowercase(),
        0 | 1 => id.repeat(2),
        2 => server_id(rng),
        3 => {
            // Of the same length.
            let mut other = id.to_vec();
            if let Some(octet) = other.last_mut() {
                *octet ^= 1;
            }
            other
        }
        4 => id.to_ascii_uppercase(),
        5 => [b" ", id].concat(),
        _ => challenge[..rng.below(8).min(challenge.len())].to_vec(),
    }
}

/// `tok.verify`.
pub fn verify(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let (server, client) = (key_pair(rng), key_pair(rng));
    let second = second(rng);
    let (ttl, is) = lifetime(rng, TOKEN_MS);
    let mut public = client.public.to_vec();
    if rng.once_in(3) {
        public = bad_public(rng, &client.public); // is not looked at
    }
    let several = several(flaws.hits(6, "several of type and time are wrong"), 4);
    let body = spoilt_body(flaws, &several, TOKEN, &public, second);
    let mut input = json!({
        "server_public": hex(&server.public),
        "now_ms": u64_(clock(rng, flaws, &several, second, is)),
    });
    put_lifetime(flaws, &mut input, "token_ttl_ms", ttl);
    let mut token = server.signed(&body);
    if let Some(mut rng) = flaws.hits(10, "key and signature are edge cases of Ed25519") {
        let case = edge(&mut rng, &server, &|_| body.clone());
        input["server_public"] = hex(&case.public);
        token = case.octets;
    }
    if let Some(mut rng) = flaws.hits(3, "the signature is another") {
        token = spoilt_signature(&mut rng, &token);
    }
    if let Some(mut rng) = flaws.hits(3, "the server's key is another") {
        input["server_public"] = hex(&bad_public(&mut rng, &server.public));
    }
    input["token"] = hex(&token);
    input
}
