//! No handshake message can be changed by one octet, shortened or lengthened without a refusal.
//!
//! Where no RSA operation is needed to see the change, every one is tried; otherwise a spread of them.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod common;

use std::sync::Arc;

use common::*;
use proptest::prelude::*;
use secure_tunnel::RsaPublic;
use secure_tunnel::credentials::{ClientKey, Id, ServerKey};
use secure_tunnel::error::Diagnostic;
use secure_tunnel::handshake::client::Client;
use secure_tunnel::handshake::server::{Policy, Server};
use secure_tunnel::time::Tick;
use sha2::{Digest, Sha256};

/// The modulus in an SPKI of 4552 bits, with the 00 before it. Changed, it is another modulus.
const N: core::ops::Range<usize> = 32..602;

#[test]
fn every_changed_octet_around_the_modulus_is_a_bad_key() {
    let good = spki(&a4552());
    assert_eq!(RsaPublic::from_spki(&good).unwrap().spki(), good);
    for at in (0..good.len()).filter(|at| !N.contains(at)) {
        for value in (0..=u8::MAX).filter(|value| *value != good[at]) {
            let mut changed = good.clone();
            changed[at] = value;
            assert!(RsaPublic::from_spki(&changed).is_err(), "octet {at}: {value:#x}");
        }
    }
    for (at, value) in [(32, 0x80), (32, 0xff), (33, 0x7f), (601, 0), (601, good[601] & !1)] {
        let mut changed = good.clone();
        changed[at] = value;
        assert!(RsaPublic::from_spki(&changed).is_err(), "octet {at}: {value:#x}");
    }
}

#[test]
fn every_shorter_and_longer_spki_is_a_bad_key() {
    let good = spki(&a4552());
    for len in 0..good.len() {
        assert!(RsaPublic::from_spki(&good[..len]).is_err(), "{len} octets");
        assert!(RsaPublic::from_spki(&good[good.len() - len..]).is_err(), "last {len} octets");
    }
    for octet in 0..=u8::MAX {
        assert!(RsaPublic::from_spki(&[&good[..], &[octet]].concat()).is_err());
        assert!(RsaPublic::from_spki(&[&[octet], &good[..]].concat()).is_err());
    }
}

/// With a pin, so does every change of the modulus; without one it is just another key.
#[test]
fn every_changed_octet_of_m1_breaks_a_pin() {
    let good = spki(&a4552());
    let pin: [u8; 32] = Sha256::digest(&good).into();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 0x10;
        let client = Client::connect(pair().0, Some(pin), Tick(0));
        assert_eq!(client.receive(&changed, Tick(0)).unwrap_err().code(), "pin", "octet {at}");
    }
}

fn server_code(m2: &[u8]) -> &'static str {
    let key = Arc::new(ours(a4552()));
    match Server::greet(key, Policy::default(), Tick(0)).0.receive(m2, Tick(0)) {
        Ok(_) => "accepted",
        Err(failure) => failure.error.code(),
    }
}

#[test]
fn every_shorter_m2_is_refused_before_decryption() {
    let key = Arc::new(ours(a4552()));
    let (_, m2) = client_sent(&spki(&a4552()), b4552());
    for len in 0..m2.len() {
        let (server, _) = Server::greet(Arc::clone(&key), Policy::default(), Tick(0));
        let code = server.receive(&m2[..len], Tick(0)).unwrap_err().error.code();
        let expected = if len < 591 + 569 { "malformed" } else { "bad_key" };
        assert_eq!(code, expected, "{len} octets");
    }
    for octet in [0, 1, 0x30, 0xff] {
        assert_eq!(server_code(&[&m2[..], &[octet]].concat()), "bad_key");
        assert_eq!(server_code(&[&[octet], &m2[..]].concat()), "bad_key");
    }
    assert_eq!(server_code(&m2), "accepted");
}

#[test]
fn changed_octets_of_m2_are_refused() {
    let (_, m2) = client_sent(&spki(&a4552()), b4552());
    for at in (0..m2.len()).filter(|at| !N.contains(at) && *at < 607) {
        let mut changed = m2.clone();
        changed[at] ^= 1;
        assert_eq!(server_code(&changed), "bad_key", "octet {at}");
    }
    for at in N.step_by(71) {
        let mut changed = m2.clone();
        changed[at] ^= 2;
        assert_eq!(server_code(&changed), "binding", "octet {at} of the modulus");
    }
    for at in (607..m2.len()).step_by(47) {
        let mut changed = m2.clone();
        changed[at] ^= 1;
        assert_eq!(server_code(&changed), "decrypt", "octet {at}, in C1");
    }
}

#[test]
fn changed_octets_and_lengths_of_m3_are_refused() {
    let m1 = spki(&a4552());
    let (_, m2) = client_sent(&m1, b4552());
    let (_, m3) = decide(server_takes(a4552(), Policy::default(), &m2).unwrap());
    let code = |m3: &[u8]| {
        let (client, _) = client_sent(&m1, b4552());
        client.receive(m3, Tick(0)).map(|_| ()).unwrap_err().code()
    };
    for at in (0..m3.len()).step_by(47) {
        let mut changed = m3.clone();
        changed[at] ^= 1;
        assert_eq!(code(&changed), "decrypt", "octet {at}");
    }
    for len in [0, 1, 42, 94, 568] {
        assert_eq!(code(&m3[..len]), "malformed", "{len} octets");
    }
    assert_eq!(code(&[&m3[..], &[0]].concat()), "malformed");
    assert_eq!(code(&[&[0], &m3[..]].concat()), "malformed");
    assert!(client_sent(&m1, b4552()).0.receive(&m3, Tick(0)).is_ok());
}

#[test]
fn every_changed_octet_of_the_open_record_is_refused() {
    let m1 = spki(&a4552());
    for at in 0..17 {
        let (client, m2) = client_sent(&m1, b4552());
        let (server, m3) = decide(server_takes(a4552(), Policy::default(), &m2).unwrap());
        let (_, mut open) = client.receive(&m3, Tick(0)).unwrap();
        open[at] ^= 0x40;
        let failure = server.receive(&mut open, Tick(0)).map(|_| ()).unwrap_err();
        assert_eq!(failure.error.code(), "open_failed", "octet {at}");
    }
}

/// An SPKI that parses, out of an octet string and a place to put it.
fn spliced() -> impl Strategy<Value = Vec<u8>> {
    (0usize..607, prop::collection::vec(any::<u8>(), 0..40), 0usize..40).prop_map(
        |(at, octets, remove)| {
            let mut spki = spki_a();
            let end = (at + remove).min(spki.len());
            spki.splice(at..end, octets);
            spki
        },
    )
}

fn spki_a() -> Vec<u8> {
    static SPKI: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    SPKI.get_or_init(|| spki(&a4552())).clone()
}

proptest! {
    /// Whatever is accepted is the one encoding of itself.
    #[test]
    fn spki_parser_is_total_and_injective(octets in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..1200),
        spliced(),
    ]) {
        if let Ok(key) = RsaPublic::from_spki(&octets) {
            prop_assert_eq!(key.spki(), &octets[..]);
            prop_assert!((4425..=8192).contains(&key.bits()));
            prop_assert_eq!(key.size(), (key.bits() as usize).div_ceil(8));
        }
    }

    #[test]
    fn credential_parsers_are_total_and_round_trip(octets in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "[ -~\u{e9}\u{202e}]{1,40}[0-9A-Za-z]{26}".prop_map(String::into_bytes),
        "[0-9A-Za-z]{24,28}".prop_map(String::into_bytes),
    ]) {
        if let Ok(key) = ClientKey::parse(&octets) {
            prop_assert_eq!(&key.expose()[..], &octets[..]);
            prop_assert_eq!(key.id().as_str().as_bytes(), &octets[..octets.len() - 26]);
        }
        if let Ok(key) = ServerKey::parse(&octets) {
            prop_assert_eq!(&key.expose()[..], &octets[..]);
            prop_assert_eq!(octets.len(), 26);
        }
        if let Ok(id) = Id::new(&octets) {
            prop_assert_eq!(id.as_str().as_bytes(), &octets[..]);
            prop_assert!(id.to_string().chars().all(|c| !c.is_control()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Arbitrary octets never get past the server, and never panic it.
    #[test]
    fn arbitrary_m2_is_refused(octets in prop::collection::vec(any::<u8>(), 0..2200)) {
        prop_assert_ne!(server_code(&octets), "accepted");
    }

    /// Nor do arbitrary octets as C1 beside a good SPKI, or as M3.
    #[test]
    fn arbitrary_ciphertexts_are_refused(octets in prop::collection::vec(any::<u8>(), 569..=569)) {
        let m2 = [spki(&b4552()), octets.clone()].concat();
        prop_assert_eq!(server_code(&m2), "decrypt");
        let (client, _) = client_sent(&spki_a(), b4552());
        prop_assert_eq!(client.receive(&octets, Tick(0)).map(|_| ()).unwrap_err().code(), "decrypt");
    }
}
