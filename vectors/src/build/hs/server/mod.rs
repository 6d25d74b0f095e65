//! The server's part: M2 and its plaintext, look-up, freshness, deadlines, order and release.

use serde_json::{Value, json};

mod decision;
mod order;
mod request;

use super::events::{found, receive};
use crate::build::family::{Family, hex};
use crate::build::keys;
use crate::build::protocol::{ciphertext_with_zero, p3};
use crate::build::world::{Credentials, Handshake, ID, NOW, good};

pub(crate) fn families() -> Vec<Family> {
    let accepted = accepted();
    let base = accepted.base("valid");
    let others = [request::request, request::binding, decision::decision, order::order];
    let others = others.map(|family| family(base.clone()));
    [accepted, order::release()].into_iter().chain(others).collect()
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

/// As `replied` where other vectors open M3: opening costs the judge an RSA private operation.
fn replied_unopened(hs: &Handshake) -> Value {
    let m3 = json!({ "check": "length", "length": hs.m3.len() });
    json!({ "sent": [hex(&hs.m1), m3], "looked_up": hex(&hs.credentials.id), "established": false })
}

/// Only M1 is sent.
fn silent(hs: &Handshake, looked_up: Option<&[u8]>) -> Value {
    json!({ "sent": [hex(&hs.m1)], "looked_up": looked_up.map(hex), "established": false })
}

const ACCEPTED: &[&str] =
    &["HS-048", "HS-050", "HS-051", "HS-065", "HS-066", "HS-018", "HS-029", "HS-038"];

fn accepted() -> Family {
    let mut family = Family::new("hs/server", "hs.server", "Requests that the server answers.");
    let hs = good();
    let note = "M2 is answered with M3; the server is not established by that.";
    family.accept("valid", ACCEPTED, input(hs, usual(hs)), replied(hs, hs.t), note);
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
            let opened =
                matches!(name, "time-plus-9" | "time-2-64-minus-1") || name.starts_with("sizes-44");
            let sent = if opened { replied(hs, now) } else { replied_unopened(hs) };
            family.accept(name, rules, input(hs, events), sent, note);
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
