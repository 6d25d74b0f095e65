//! The client's part of the handshake: sections 3.4, 3.6, 3.7 and 3.8 of the specification.

use serde_json::{Value, json};
use tunnelproof_vectors::build::primitives::sha256;
use tunnelproof_vectors::build::protocol;

use super::cred::credentials;
use super::forms::{spoilt_p3, time};
use super::oaep::{client_key, server_key, spoilt};
use super::spki;
use super::values::{changed, hex, mutated, several, u64_};
use crate::fuzz::rng::{Flaws, Rng};

/// Milliseconds that the client waits for M1, and for M3.
const PATIENCE: u64 = 10_000;

/// `hs.client`.
pub fn client(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let (server, pair, owner) = (server_key(rng), client_key(rng), credentials(rng));
    let (r, k) = (rng.octets(14), rng.octets(48));
    let t = time(rng);
    let m1 = spki::spoilt(&mut m1_flaws(flaws), &server.public.n);
    let (good_m1, own) = (server.public.spki(), pair.public.spki());
    let mut nonce = protocol::nonce(&good_m1, &own, &r);
    let several = several(flaws.hits(6, "several of time, nonce and password in M3 are wrong"), 3);
    if let Some(mut rng) = several(0).or_else(|| flaws.hits(3, "the nonce in M3 is another")) {
        let at = rng.one(&[0, 7, 13, 14, 22, 29]);
        nonce = changed(&mut rng, &nonce, at);
    }
    let difference = rng.one(&[0, 1, 9, 10]);
    let mut reply_time = apart(rng, t, difference);
    if let Some(mut rng) =
        several(1).or_else(|| flaws.hits(4, "the time in M3 is too far from the client's"))
    {
        reply_time = far(&mut rng, t, 11);
    }
    let mut key = owner.client_key.clone();
    if let Some(mut rng) =
        several(2).or_else(|| flaws.hits(3, "the server password is not that of the clientKey"))
    {
        let at = key.len() - 1 - rng.below(8);
        key[at] = if key[at] == b'5' { b'6' } else { b'5' };
    }
    if let Some(mut rng) = flaws.hit("the clientKey is altered") {
        key = mutated(&mut rng, &key);
    }
    let p3 = spoilt_p3(flaws, &owner, &k, reply_time, &nonce);
    let m3 = spoilt(rng, flaws, &pair.public, &p3);
    let mut input = json!({
        "client_key": hex(&key),
        "private_key": hex(&pair.pkcs8),
        "r": hex(&r),
        "events": events(rng, flaws, &m1, t, &m3),
    });
    if rng.once_in(3) {
        input["pin"] = hex(&sha256(&[&good_m1]));
    }
    if let Some(mut rng) = flaws.hits(2, "the pin is not that of M1") {
        let at = rng.one(&[0, 7, 8, 15, 16, 31]);
        input["pin"] = hex(&changed(&mut rng, &sha256(&[&good_m1]), at));
    }
    input
}

/// The flaws of M1 take one place among those of the handshake, not dozens.
fn m1_flaws(flaws: &mut Flaws) -> Flaws {
    match flaws.hits(3, "M1 is not acceptable") {
        Some(mut rng) => {
            let seed = rng.next();
            let mut dry = Flaws::at(seed, Vec::new());
            spki::spoilt(&mut dry, &spki::modulus(&mut rng, 4552));
            Flaws::at(seed, vec![rng.below(dry.places())])
        }
        None => Flaws::at(0, Vec::new()),
    }
}

/// A time that differs by `difference`, if there is one.
pub fn apart(rng: &mut Rng, t: u64, difference: u64) -> u64 {
    let (before, after) = (t.checked_sub(difference), t.checked_add(difference));
    match (before, after) {
        (Some(before), Some(after)) if rng.once_in(2) => before.min(after),
        (_, Some(after)) => after,
        (before, None) => before.unwrap_or(t),
    }
}

/// A time that differs by `least` or more.
pub fn far(rng: &mut Rng, t: u64, least: u64) -> u64 {
    let difference = match rng.below(5) {
        0..=2 => least,
        3 => rng.one(&[least + 1, 60, 3600, 1 << 31, 1 << 32, 1 << 53, 1 << 63]),
        _ => least.max(rng.next() >> rng.below(60)),
    };
    // Around the end of the integers, where arithmetic wraps, if they are near.
    let near = rng.within(1, 9);
    let wrapped = if t < near { t.wrapping_sub(near) } else { t.wrapping_add(near) };
    if wrapped.abs_diff(t) >= least && rng.once_in(2) {
        return wrapped;
    }
    let other = apart(rng, t, difference);
    if other.abs_diff(t) >= least { other } else { apart(rng, t, least) }
}

fn events(rng: &mut Rng, flaws: &mut Flaws, m1: &[u8], t: u64, m3: &[u8]) -> Vec<Value> {
    let mut events = Vec::new();
    let mut at = rng.one(&[0, 1, 20, 5_000, PATIENCE - 2, PATIENCE - 1]);
    if at > 0 && rng.once_in(4) {
        events.push(json!({ "at": rng.within(0, at), "wake": true }));
    }
    if let Some(mut rng) = flaws.hits(2, "M1 is late") {
        at = rng.one(&[PATIENCE, PATIENCE, PATIENCE + 1, 25_000]);
        if rng.once_in(2) {
            // Nothing arrives: the clock alone has to tell.
            events.push(json!({ "at": at, "wake": true }));
            return events;
        }
    }
    if flaws.hit("the transport ends before M1").is_some() && at < PATIENCE {
        events.push(json!({ "at": at, "end": true }));
    }
    if flaws.hit("M1 is empty").is_some() {
        events.push(json!({ "at": at, "receive": "" }));
    }
    events.push(json!({ "at": at, "receive": hex(m1) }));
    if let Some(mut rng) = flaws.hits(2, "a message arrives before the request") {
        let message = if rng.once_in(2) { m3.to_vec() } else { rng.octets(3) };
        events.push(json!({ "at": at, "receive": hex(&message) }));
    }
    if flaws.hit("the transport ends before the request").is_some() {
        events.push(json!({ "at": at, "end": true }));
    }
    at += rng.one(&[0, 20, 3_000, PATIENCE - 1, PATIENCE, 40_000]);
    if rng.once_in(4) {
        events.push(json!({ "at": at, "wake": true }));
    }
    events.push(json!({ "at": at, "request": { "now": u64_(t) } }));
    if rng.once_in(12) {
        return events;
    }
    let mut waited = rng.one(&[0, 1, 50, 7_000, PATIENCE - 2, PATIENCE - 1]);
    if waited > 0 && rng.once_in(4) {
        events.push(json!({ "at": at + rng.within(0, waited), "wake": true }));
    }
    if let Some(mut rng) = flaws.hits(3, "M3 is late") {
        waited = rng.one(&[PATIENCE, PATIENCE, PATIENCE + 1, 25_000]);
        if rng.once_in(2) {
            events.push(json!({ "at": at + waited, "wake": true }));
            return events;
        }
    }
    at += waited;
    if flaws.hit("the transport ends before M3").is_some() && waited < PATIENCE {
        events.push(json!({ "at": at, "end": true }));
    }
    if flaws.hit("M3 is empty").is_some() {
        events.push(json!({ "at": at, "receive": "" }));
    }
    events.push(json!({ "at": at, "receive": hex(m3) }));
    events
}
