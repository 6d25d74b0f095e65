//! What values show of themselves in logs: enough to tell them apart, in exactly these words.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod common;

use std::error::Error;
use std::sync::Arc;

use common::{a4552, b4552, client_sent, decide, ours, pair};
use secure_tunnel::credentials::{ClientPassword, ServerPassword};
use secure_tunnel::fresh::GeneratorFailed;
use secure_tunnel::handshake::server::{Policy, Server};
use secure_tunnel::time::{Tick, UnixTime};
use secure_tunnel::token::SigningKey;

#[test]
fn clocks_show_their_numbers() {
    assert_eq!(format!("{:>4} {}", Tick(70), UnixTime(1_700_000_000)), "  70 1700000000");
}

#[test]
fn keys_show_their_public_part() {
    let key = ours(a4552());
    assert_eq!(format!("{key:?} {:?}", key.public()), "RsaPrivate(4552 bits) RsaPublic(4552 bits)");
    let key = SigningKey::from_seed(&[2; 32]);
    let public = hex::encode(key.public_key().as_octets());
    assert_eq!(key.public_key().to_string(), public);
    assert_eq!(format!("{key:?}"), format!("SigningKey({public})"));
}

#[test]
fn passwords_show_their_lengths() {
    let client = ClientPassword::parse(common::PC).unwrap();
    let server = ServerPassword::parse(common::PS).unwrap();
    assert_eq!(
        format!("{client:?} {server:?}"),
        "ClientPassword(18 base62 digits) ServerPassword(8 base62 digits)"
    );
    let (client, server) = pair();
    assert_eq!(format!("{:?}", client.id()), r#"Id("MyId")"#);
    assert_eq!(format!("{client:?} {server:?}"), r#"ClientKey("MyId", ..) ServerKey(..)"#);
}

#[test]
fn failures_show_their_reason() {
    assert_eq!(GeneratorFailed.to_string(), "the operating system's random generator failed");
    let (server, _) = Server::greet(Arc::new(ours(a4552())), Policy::default(), Tick(0));
    let failure = server.receive(&[], Tick(5)).unwrap_err();
    let reason = failure.error.to_string();
    assert_eq!(
        failure.to_string(),
        format!("{reason} (to be released at tick {})", failure.release)
    );
    assert_eq!(failure.source().map(ToString::to_string), Some(reason));
}

#[test]
fn states_show_what_is_left_to_do() {
    let (server, m1) = Server::greet(Arc::new(ours(a4552())), Policy::default(), Tick(0));
    let (client, m2) = client_sent(&m1, b4552());
    let (awaiting, m3) = decide(server.receive(&m2, Tick(0)).unwrap());
    let shown = format!("{awaiting:?}");
    assert!(shown.starts_with("AwaitOpen { deadline: Deadline { tick: Tick(30000)"), "{shown}");
    let (mut client, _) = client.receive(&m3, Tick(0)).unwrap();
    assert_eq!(
        format!("{client:?}"),
        "Channel { sealer: Sealer { erased: false, .. }, opener: Opener { erased: false, clean: false, .. }, \
         exporter: Exporter { erased: false, .. } }"
    );
    client.transport_failed();
    assert_eq!(
        format!("{client:?}"),
        "Channel { sealer: Sealer { erased: true, .. }, opener: Opener { erased: true, clean: false, .. }, \
         exporter: Exporter { erased: true, .. } }"
    );
}
