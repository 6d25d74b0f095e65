//! The client's part: M1 and pins, M3, deadlines and order.

use serde_json::{Value, json};

mod order;
mod reply;
mod start;

use super::events::{receive, request};
use crate::build::family::{Family, hex};
use crate::build::world::Handshake;

pub(crate) fn families() -> Vec<Family> {
    vec![start::start(), reply::reply(), order::order()]
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

/// M2 where other vectors open it: opening costs the judge an RSA private operation.
fn m2_length(hs: &Handshake) -> Value {
    json!({ "check": "length", "length": hs.m2.len() })
}

/// What a client has sent once it is established by `m3`.
fn all_sent(hs: &Handshake, m3: &[u8]) -> Value {
    established(hs, m2_check(hs), m3)
}

/// As `all_sent`, without opening M2.
fn all_sent_unopened(hs: &Handshake, m3: &[u8]) -> Value {
    established(hs, m2_length(hs), m3)
}

fn established(hs: &Handshake, m2: Value, m3: &[u8]) -> Value {
    let open = json!({ "check": "open-record", "m1": hex(&hs.m1), "m3": hex(m3), "k": hex(&hs.k) });
    json!({ "sent": [m2, open], "established": true })
}

fn sent_m2(hs: &Handshake) -> Value {
    json!({ "sent": [m2_check(hs)], "established": false })
}

fn sent_m2_unopened(hs: &Handshake) -> Value {
    json!({ "sent": [m2_length(hs)], "established": false })
}

fn nothing_sent() -> Value {
    json!({ "sent": [], "established": false })
}

/// Between a request and its reply nothing tells what was sent; its checks cost the judge much.
fn not_established() -> Value {
    json!({ "established": false })
}
