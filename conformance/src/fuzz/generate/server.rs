//! The server's part of the handshake: sections 3.5, 3.7 and 3.8 of the specification, OBS-005 to OBS-007.

use serde_json::{Value, json};
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::protocol;

use super::client::{apart, far};
use super::cred::{credentials, spoil_server_key};
use super::forms::{spoilt_p1, time};
use super::oaep::{client_key, server_key, spoilt};
use super::spki;
use super::values::{changed, hex, mutated, u64_};
use crate::fuzz::rng::{Flaws, Rng};

/// Milliseconds from M1 until the server has to be established.
const PATIENCE: u64 = 30_000;

/// `hs.server`.
pub fn server(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let (pair, client, owner) = (server_key(rng), client_key(rng), credentials(rng));
    let (r, k) = (rng.octets(14), rng.octets(48));
    let t = time(rng);
    let m1 = pair.public.spki();
    let mut own = client.public.spki();
    if let Some(mut rng) = flaws.hits(4, "the client's SPKI is not acceptable") {
        let seed = rng.next();
        let mut dry = Flaws::at(seed, Vec::new());
        spki::spoilt(&mut dry, &client.public.n);
        let mut inner = Flaws::at(seed, vec![rng.below(dry.places())]);
        own = spki::spoilt(&mut inner, &client.public.n);
    }
    // With the SPKI that is sent, so that a server that accepts it accepts the binding too.
    let mut nonce = protocol::nonce(&m1, &own, &r);
    if let Some(mut rng) = flaws.hits(4, "the nonce is not bound to both keys and r") {
        nonce = match rng.below(4) {
            0 => protocol::nonce(&keys::k4552_d().public.spki(), &own, &r),
            1 => protocol::nonce(&m1, &keys::k4552_d().public.spki(), &r),
            _ => {
                let at = rng.one(&[0, 13, 14, 21, 22, 29]);
                changed(&mut rng, &nonce, at)
            }
        };
    }
    let p1 = spoilt_p1(flaws, &owner, t, &nonce);
    let c1 = spoilt(rng, flaws, &pair.public, &p1);
    let mut m2 = [&own[..], &c1].concat();
    if let Some(mut rng) = flaws.hits(3, "M2 is of another length") {
        match rng.below(5) {
            0 => m2.truncate(590 + pair.public.size()),
            1 => m2.truncate(rng.below(591 + pair.public.size())),
            2 => m2.push(0),
            3 => drop(m2.remove(0)),
            _ => m2.splice(own.len()..own.len(), [0]).for_each(drop),
        }
    }
    if let Some(mut rng) = flaws.hit("M2 is altered") {
        m2 = mutated(&mut rng, &m2);
    }
    if let Some(mut rng) = flaws.hit("M2 is the client's SPKI alone, or C1 alone") {
        m2 = if rng.once_in(2) { own } else { c1 };
    }
    m2.truncate(4096);
    let mut input = json!({ "private_key": hex(&pair.pkcs8), "k": hex(&k) });
    let mut delay = rng.once_in(3).then(|| rng.one(&[1, 100, 3_000, 9_999]));
    let slow = flaws.hits(4, "the look-up answers as the release delay ends, or later");
    if let Some(mut rng) = slow.clone() {
        delay = Some(rng.one(&[1, 100, 3_000, 9_999]));
    }
    if let Some(delay) = delay {
        input["release_delay_ms"] = delay.into();
    }
    let difference = rng.one(&[0, 1, 8, 9]);
    let mut now = apart(rng, t, difference);
    if let Some(mut rng) = flaws.hits(5, "the clock is too far from the client's time") {
        now = far(&mut rng, t, 10);
    }
    let lookup = lookup(flaws, owner.server_key, now);
    input["events"] = events(rng, flaws, &m2, lookup, (delay, slow)).into();
    input
}

/// The event of the look-up's answer, without its time.
fn lookup(flaws: &mut Flaws, mut key: Vec<u8>, now: u64) -> Value {
    if let Some(mut rng) = flaws.hits(4, "the client password is not that of the serverKey") {
        let at = 8 + rng.one(&[0, 7, 8, 9, 17, rng.clone().below(18)]);
        key[at] = if key[at] == b'5' { b'6' } else { b'5' };
    }
    spoil_server_key(flaws, &mut key);
    let mut event = json!({ "lookup": { "found": hex(&key) }, "now": u64_(now) });
    if flaws.hits(3, "the id is unknown").is_some() {
        event["lookup"] = "unknown".into();
    }
    if flaws.hits(2, "the look-up fails").is_some() {
        event["lookup"] = "failed".into();
    }
    event
}

fn events(
    rng: &mut Rng,
    flaws: &mut Flaws,
    m2: &[u8],
    mut lookup: Value,
    (delay, slow): (Option<u64>, Option<Rng>),
) -> Vec<Value> {
    let mut events = Vec::new();
    let at_event = |at: u64, key: &str| json!({ "at": at, key: true });
    let mut at = rng.one(&[0, 100, 10_000, PATIENCE - 12_000, PATIENCE - 2]);
    if rng.once_in(4) {
        events.push(at_event(rng.within(0, at), "wake"));
    }
    if let Some(mut rng) = flaws.hits(3, "M2 is late") {
        at = rng.one(&[PATIENCE, PATIENCE, PATIENCE + 1, 60_000]);
        if rng.once_in(3) {
            events.push(at_event(at, "wake"));
            return events;
        }
    }
    if flaws.hit("the transport ends before M2").is_some() && at < PATIENCE {
        events.push(at_event(at, "end"));
    }
    if flaws.hit("M2 is empty").is_some() {
        events.push(json!({ "at": at, "receive": "" }));
    }
    events.push(json!({ "at": at, "receive": hex(m2) }));
    if rng.once_in(16) {
        return events;
    }
    let received = at;
    let before = |limit: u64, rng: &mut Rng| {
        let latest = limit.saturating_sub(1).max(received);
        rng.one(&[received, (received + 10).min(latest), latest])
    };
    let ends = delay.map_or(PATIENCE, |delay| PATIENCE.min(received + delay));
    at = before(ends, rng);
    if let Some(mut rng) = flaws.hits(2, "a message arrives during the look-up") {
        let message = if rng.once_in(2) { m2.to_vec() } else { Vec::new() };
        events.push(json!({ "at": at, "receive": hex(&message) }));
    }
    if let (Some(mut rng), Some(delay)) = (slow, delay) {
        at = received + delay + rng.one(&[0, 0, 1, 500]);
    }
    if let Some(mut rng) = flaws.hits(3, "the look-up answers too late") {
        at = rng.one(&[PATIENCE, PATIENCE, PATIENCE + 1]).max(at);
        if rng.once_in(3) {
            events.push(at_event(at, "wake"));
            return events;
        }
    }
    if flaws.hit("the transport ends during the look-up").is_some() && at < PATIENCE {
        events.push(at_event(at, "end"));
    }
    lookup["at"] = at.into();
    events.push(lookup);
    if rng.once_in(4) {
        at = rng.one(&[at, PATIENCE - 1]).max(at);
        events.push(at_event(at, "wake"));
    }
    if let Some(mut rng) = flaws.hits(2, "what arrives in place of the open record does not open") {
        let length = rng.one(&[0, 1, 16, 17, 18, 100]);
        events.push(json!({ "at": at, "receive": hex(&rng.octets(length)) }));
    }
    if flaws.hit("the transport ends before the open record").is_some() && at < PATIENCE {
        events.push(at_event(at, "end"));
    }
    if let Some(mut rng) = flaws.hits(2, "the open record is late") {
        at = rng.one(&[PATIENCE, PATIENCE, PATIENCE + 1]).max(at);
        if rng.once_in(2) {
            events.push(at_event(at, "wake"));
        } else {
            events.push(json!({ "at": at, "receive": hex(&rng.octets(17)) }));
        }
    }
    events
}
