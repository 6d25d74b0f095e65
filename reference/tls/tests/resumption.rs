//! Sessions that are resumed, connections that stay open, and TLS 1.2.

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::pair::*;
use common::*;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};
use secure_tunnel::error::Diagnostic;
use secure_tunnel_tls::{
    ALPN, ClientCertificates, ClientTls, List, Lists, ServerTls, TlsError, Trust, exporter,
    server_name,
};

/// Meets twice; the second time the session is resumed, after `between`.
fn resumed(server: &ServerTls, client: &ClientTls, between: impl FnOnce()) -> Met {
    let first = meet(client, server);
    first.client.expect("admitted");
    first.server.expect("admitted");
    between();
    let met = meet(client, server);
    assert_eq!(met.connections.1.handshake_kind(), Some(HandshakeKind::Resumed));
    met
}

#[test]
fn a_resumed_session_is_checked_again() {
    let world = World::new();
    let alice = world.root.issue(client_params("alice"));
    let client = || world.client(Some(&alice));
    let server = || world.server(ClientCertificates::Required);

    let met = resumed(&server(), &client(), || ());
    assert_eq!(met.server.expect("admitted").identity.expect("authorized").as_str(), "alice");
    met.client.expect("admitted");

    let denied = || Lists { allow: None, deny: List::parse("identity alice").expect("a list") };
    let s = server();
    refused(resumed(&s, &client(), || s.replace_lists(denied())).server, "denied");
    let s = server();
    let nobody = || Lists { allow: Some(List::default()), deny: List::default() };
    refused(resumed(&s, &client(), || s.replace_lists(nobody())).server, "not_allowed");

    let info = alice_info(&world, &alice);
    let crl = world.root.crl(&[&info]);
    let s = server();
    let revoke = || s.replace_trust(trust(&[&world.root], &[crl], &[]));
    refused(resumed(&s, &client(), revoke).server, "revoked");

    let s = world.server(ClientCertificates::Asked);
    let met = resumed(&s, &client(), || s.replace_lists(denied())).server;
    refused(met.expect("admitted").authorized, "denied");

    let c = client();
    let other = Party::root("other");
    let distrust = || c.replace_trust(trust(&[&other], &[], &[]));
    refused(resumed(&server(), &c, distrust).client, "untrusted");
}

/// The serial number of a client's certificate.
fn alice_info(world: &World, alice: &Party) -> Vec<u8> {
    let met = meet(&world.client(Some(alice)), &world.server(ClientCertificates::Required));
    met.server.expect("admitted").certificate.expect("sent one").serial().to_vec()
}

#[test]
fn a_resumed_session_is_checked_at_its_own_time() {
    let world = World::new();
    let mut brief = client_params("alice");
    brief.not_after = rcgen::date_time_ymd(2026, 1, 1); // until NOW
    let alice = world.root.issue(brief);
    let later = || world.clock.0.store(NOW + 60, Ordering::Relaxed);
    let server = world.server(ClientCertificates::Required);
    refused(resumed(&server, &world.client(Some(&alice)), later).server, "expired");
}

#[test]
fn what_was_accepted_is_not_accepted_for_longer_than_its_crls_allow() {
    let world = World::new();
    let alice = world.root.issue(client_params("alice"));
    let info = alice_info(&world, &alice);
    let at = |day: u64, second: i64| {
        let time = (NOW + (day - 1) * 86_400).checked_add_signed(second).expect("a time");
        world.clock.0.store(time, Ordering::Relaxed);
    };
    let server = |crls: &[Vec<u8>]| {
        let mut settings = world.server_settings(ClientCertificates::Required);
        settings.trust = trust(&[&world.root], crls, &[]);
        ServerTls::new(settings).expect("a server")
    };
    let now = world.root.crl_of(&[], (2025, 12, 31), (2026, 1, 5));
    let coming = world.root.crl_of(&[&info], (2026, 1, 3), (2026, 1, 10));

    at(3, -60);
    let s = server(&[now.clone(), coming]);
    let met = resumed(&s, &world.client(Some(&alice)), || at(3, -1));
    met.server.expect("admitted");
    at(3, -60);
    refused(resumed(&s, &world.client(Some(&alice)), || at(3, 0)).server, "revoked");

    at(5, -60);
    let s = server(&[now]);
    let met = resumed(&s, &world.client(Some(&alice)), || at(5, 0));
    met.server.expect("admitted");
    at(5, -60);
    refused(resumed(&s, &world.client(Some(&alice)), || at(5, 1)).server, "crl");
}

#[test]
fn sessions_stay_in_their_context() {
    let world = World::new();
    let mut settings = world.server_settings(ClientCertificates::NotAsked);
    settings.contexts.push(world.context("*.example.com"));
    let server = ServerTls::new(settings).expect("a server");
    // One session store for both names, as an attacker may have it.
    let client = ClientTls::encrypted_only(world.client_settings(None)).expect("a client");
    meet(&client, &server).server.expect("admitted");
    let other = server_name(b"b.example.com").expect("a name");
    let met = meet_as(&client, client.config(), other, &server);
    assert_eq!(met.connections.1.handshake_kind(), Some(HandshakeKind::Full));
    let another_server = world.server(ClientCertificates::NotAsked);
    let met = meet(&client, &another_server);
    assert_eq!(met.connections.1.handshake_kind(), Some(HandshakeKind::Full));
}

#[test]
fn open_connections_are_checked_again_when_the_lists_change() {
    let world = World::new();
    let alice = world.root.issue(client_params("alice"));
    let server = world.server(ClientCertificates::Required);
    let info = meet(&world.client(Some(&alice)), &server).server.expect("admitted");
    assert_eq!(server.recheck(&info), Ok(()));
    let deny = |text: &str| Lists { allow: None, deny: List::parse(text).expect("a list") };
    server.replace_lists(deny("identity bob"));
    assert_eq!(server.recheck(&info), Ok(()));
    server.replace_lists(deny("identity alice"));
    refused(server.recheck(&info), "denied");
    refused(meet(&world.client(Some(&alice)), &server).server, "denied");
    server.replace_lists(Lists::default());
    assert_eq!(server.recheck(&info), Ok(()));
    server.replace_trust(Trust::nobody(server.policies()));
    refused(server.recheck(&info), "untrusted");
    world.clock.0.store(u64::MAX, Ordering::Relaxed);
    server.replace_trust(trust(&[&world.root], &[], &[]));
    refused(server.recheck(&info), "expired");
}

#[test]
fn tls_1_2_only_under_its_policy() {
    let world = World::new();
    let alice = world.root.issue(client_params("alice"));
    let server = |policies: &[&str]| {
        let mut settings = world.server_settings(ClientCertificates::Required);
        settings.trust = trust(&[&world.root], &[], policies);
        ServerTls::new(settings).expect("a server")
    };
    let client = |policies: &[&str]| {
        let mut settings = world.client_settings(Some(&alice));
        settings.trust = trust(&[&world.root], &[], policies);
        ClientTls::new(settings).expect("a client")
    };
    let version = |met: Met| met.server.expect("admitted").version;
    let with = ["tls12"];
    for (c, s) in [(&with[..], &with[..]), (&[], &with), (&with, &[])] {
        assert_eq!(version(meet(&client(c), &server(s))), Some(ProtocolVersion::TLSv1_3));
    }
    // A client that speaks nothing newer.
    let old = |ems: bool| {
        let mut config = ClientConfig::builder_with_details(
            Arc::new(rustls::crypto::ring::default_provider()),
            world.clock.clone(),
        )
        .with_protocol_versions(&[&rustls::version::TLS12])
        .expect("has suites")
        .with_root_certificates(roots(&world.root))
        .with_client_auth_cert(
            vec![alice.der.clone()],
            PrivatePkcs8KeyDer::from(alice.key.serialize_der()).into(),
        )
        .expect("the key fits");
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.require_ems = ems;
        Arc::new(config)
    };
    let lenient = client(&with);
    let met = meet_as(&lenient, old(true), name(), &server(&with));
    met.client.expect("admitted");
    assert_eq!(exporter(&met.connections.0), exporter(&met.connections.1));
    let told = met.server.expect("admitted");
    assert_eq!(told.version, Some(ProtocolVersion::TLSv1_2));
    assert_eq!(told.identity.expect("authorized").as_str(), "alice");
    let met = meet_as(&lenient, old(true), name(), &server(&[]));
    refused(met.server, "version");
    assert_eq!(TlsError::of(&met.client_error.expect("an alert")).code(), "version");
    // Resumption under TLS 1.2 is checked as well.
    let (s, config) = (server(&with), old(true));
    meet_as(&lenient, Arc::clone(&config), name(), &s).server.expect("admitted");
    s.replace_lists(Lists { allow: Some(List::default()), deny: List::default() });
    let met = meet_as(&lenient, config, name(), &s);
    assert_eq!(met.connections.1.handshake_kind(), Some(HandshakeKind::Resumed));
    refused(met.server, "not_allowed");
}

fn roots(root: &Party) -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.der.clone()).expect("a root");
    roots
}
