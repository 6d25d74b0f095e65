//! What a handshake comes to: the rungs of the ladder, certificates that are refused, ALPN and contexts.

mod common;

use std::io::{Read, Write};
use std::sync::{Arc, Weak};

use common::pair::*;
use common::*;
use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{AlertDescription, ClientConfig, Error, ProtocolVersion, ServerConfig};
use secure_tunnel_tls::{
    ALPN, Accept, Alpn, ClientCertificates, ClientTls, OwnCertificate, ServerTls, TlsError,
    exporter, server_name,
};

#[test]
fn mutual_and_what_is_told() {
    let world = World::new();
    let alice = world.root.issue(client_params("alice"));
    let met = meet(&world.client(Some(&alice)), &world.server(ClientCertificates::Required));
    let (client, server) = (met.client.expect("admitted"), met.server.expect("admitted"));
    assert_eq!(server.authorized, Ok(()));
    assert_eq!(server.identity.expect("authorized").as_str(), "alice");
    assert_eq!(server.server_name.as_deref(), Some("a.example.com"));
    assert_eq!(server.alpn.as_deref(), Some(ALPN));
    assert_eq!(server.version, Some(ProtocolVersion::TLSv1_3));
    let told = server.certificate.expect("sent one");
    assert_eq!((told.subject(), told.issuer()), ("CN=alice".into(), "CN=root".into()));
    assert_eq!((told.not_before, told.not_after), (1_735_689_600, 1_798_761_600));
    assert!(!told.serial().is_empty());
    let verified = verify_client(&trust(&[&world.root], &[], &[]), &[&alice]).expect("in order");
    assert_eq!(told.fingerprint, verified.fingerprint);
    assert_eq!(client.authorized, Ok(()));
    assert_eq!(client.certificate.expect("sent one").subject(), "CN=a server");
    let (mut c, mut s) = met.connections;
    let ends = [exporter(&c), exporter(&s)];
    assert_eq!(ends[0], ends[1]);
    assert_ne!(ends[0], Ok([0; 32]));
    c.writer().write_all(b"ping").expect("into memory");
    carry(&mut c, &mut s).expect("arrives");
    let mut received = [0; 4];
    s.reader().read_exact(&mut received).expect("is there");
    assert_eq!(&received, b"ping");
    let again = meet(&world.client(Some(&alice)), &world.server(ClientCertificates::Required));
    assert_ne!(exporter(&again.connections.0), ends[0], "of this connection alone");
}

#[test]
fn server_authenticated() {
    let world = World::new();
    let met = meet(&world.client(None), &world.server(ClientCertificates::NotAsked));
    assert_eq!(met.client.expect("admitted").authorized, Ok(()));
    let server = met.server.expect("admitted");
    assert_eq!((server.authorized, server.identity), (Err(TlsError::NoCertificate), None));
}

#[test]
fn a_client_checks_the_server_unless_it_asks_for_encryption_only() {
    let world = World::new();
    let server = world.server(ClientCertificates::NotAsked);
    let stranger = World::new();
    let met = meet(&stranger.client(None), &server);
    refused(met.client, "untrusted");
    assert!(met.server.is_err());
    let other = server_name(b"b.example.com").expect("a name");
    let mut settings = world.server_settings(ClientCertificates::NotAsked);
    settings.default = settings.contexts.pop().map(|(_, certificate)| certificate);
    let with_default = ServerTls::new(settings).expect("a server");
    let client = world.client(None);
    refused(meet_as(&client, client.config(), other, &with_default).client, "server_name");
    let client = ClientTls::encrypted_only(stranger.client_settings(None)).expect("a client");
    let met = meet(&client, &server);
    refused(met.client.expect("goes on").authorized, "untrusted");
    met.server.expect("goes on");
}

#[test]
fn a_client_without_an_acceptable_certificate_is_refused_with_one_alert() {
    let world = World::new();
    let server = world.server(ClientCertificates::Required);
    let mut expired = client_params("alice");
    expired.not_after = rcgen::date_time_ymd(2025, 2, 1);
    let mut nameless = client_params("alice");
    nameless.subject_alt_names = vec![uri("secure-tunnel:%")];
    let bad = [
        (World::new().root.issue(client_params("alice")), "untrusted"),
        (world.root.issue(expired), "expired"),
        (world.root.issue(server_params(&["alice"])), "usage"),
        (world.root.issue(nameless), "identity"),
        (self_signed(client_params("alice")), "untrusted"),
    ];
    for (party, code) in &bad {
        let met = meet(&world.client(Some(party)), &server);
        refused(met.server, code);
        assert_eq!(
            met.client_error,
            Some(Error::AlertReceived(AlertDescription::AccessDenied)),
            "{code}"
        );
    }
    refused(meet(&world.client(None), &server).server, "no_certificate");
}

#[test]
fn a_server_that_only_asks_lets_everybody_in_and_knows_why_not() {
    let world = World::new();
    let server = world.server(ClientCertificates::Asked);
    let alice = world.root.issue(client_params("alice"));
    let met = meet(&world.client(Some(&alice)), &server).server.expect("admitted");
    assert_eq!(met.authorized, Ok(()));
    let met = meet(&world.client(None), &server).server.expect("admitted");
    refused(met.authorized.clone(), "no_certificate");
    assert_eq!(server.recheck(&met), Ok(()), "nothing to take away");
    let stranger = World::new().root.issue(client_params("alice"));
    let mut critical = client_params("alice");
    let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0]);
    extension.set_criticality(true);
    critical.custom_extensions = vec![extension];
    let critical = world.root.issue(critical);
    for (party, code) in [(&stranger, "untrusted"), (&critical, "critical_extension")] {
        let client = world.client(None);
        let met = meet_as(&client, presenting(&client, &party.der, &party.key), name(), &server);
        met.client.expect("admitted");
        let told = met.server.expect("admitted");
        refused(told.authorized, code);
        assert_eq!(told.identity, None, "nobody vouches for it");
        assert_eq!(told.certificate.expect("sent one").subject(), "CN=alice");
    }
}

#[test]
fn somebody_elses_certificate_does_not_get_through_where_it_is_only_asked_for() {
    let world = World::new();
    let alice = world.root.issue(client_params("alice"));
    let thief = key();
    let pkcs8 = PrivatePkcs8KeyDer::from(thief.serialize_der());
    OwnCertificate::new(vec![alice.der.clone()], pkcs8.into()).expect_err("does not fit");
    for clients in [ClientCertificates::Asked, ClientCertificates::Required] {
        let client = world.client(None);
        let config = presenting(&client, &alice.der, &thief);
        refused(meet_as(&client, config, name(), &world.server(clients)).server, "handshake");
    }
}

/// The configuration of `client` with a certificate and a key that need not be in order.
fn presenting(
    client: &ClientTls,
    der: &CertificateDer<'static>,
    key: &KeyPair,
) -> Arc<ClientConfig> {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let key = rustls::crypto::ring::sign::any_ecdsa_type(&key).expect("a key");
    let certified = CertifiedKey::new(vec![der.clone()], key);
    let mut config = ClientConfig::clone(&client.config());
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
    Arc::new(config)
}

#[test]
fn alpn_missing_wrong_or_left_out() {
    let world = World::new();
    let server = world.server(ClientCertificates::NotAsked);
    let client = world.client(None);
    let offering = |protocols: &[&[u8]]| {
        let mut config = ClientConfig::clone(&client.config());
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        meet_as(&client, Arc::new(config), name(), &server)
    };
    refused(offering(&[]).server, "alpn");
    let met = offering(&[b"h2", b"http/1.1"]);
    refused(met.server, "alpn");
    refused(met.client, "alpn");
    let mut settings = world.server_settings(ClientCertificates::NotAsked);
    settings.alpn = Alpn::LeftOut;
    let without = ServerTls::new(settings).expect("a server");
    refused(meet(&client, &without).client, "alpn");
    let mut settings = world.client_settings(None);
    settings.alpn = Alpn::LeftOut;
    let met = meet(&ClientTls::new(settings).expect("a client"), &without);
    assert_eq!(met.client.expect("admitted").alpn, None);
    assert_eq!(met.server.expect("admitted").alpn, None);
}

#[test]
fn a_servers_own_certificates_are_replaced_for_new_connections() {
    let world = World::new();
    let server = world.server(ClientCertificates::NotAsked);
    // A client each time, so that no session is resumed.
    let shown = || {
        let met = meet(&world.client(None), &server);
        met.client.expect("admitted").certificate.expect("has one")
    };
    let before = shown();
    server.replace_certificates(vec![world.context("a.example.com")], None);
    let renewed = shown();
    assert_ne!(before, renewed);
    let default = own(&world.root.issue(server_params(&["a.example.com"])));
    server.replace_certificates(vec![], Some(default));
    assert_ne!(renewed, shown());
    server.replace_certificates(vec![], None);
    refused(meet(&world.client(None), &server).server, "sni");
}

#[test]
fn contexts_by_indicated_name() {
    let world = World::new();
    let mut settings = world.server_settings(ClientCertificates::NotAsked);
    settings.contexts.push(world.context("*.example.com"));
    let server = ServerTls::new(settings).expect("a server");
    let client = world.client(None);
    let to = |name: &str| {
        let name = server_name(name.as_bytes()).expect("a name");
        meet_as(&client, client.config(), name, &server)
    };
    for name in ["a.example.com", "B.example.com"] {
        let met = to(name);
        met.client.expect(name);
        assert_eq!(
            met.server.expect(name).server_name.as_deref(),
            Some(name.to_ascii_lowercase().as_str())
        );
    }
    let certificate = |met: Met| met.client.expect("admitted").certificate.expect("has one");
    assert_ne!(certificate(to("a.example.com")), certificate(to("b.example.com")));
    for name in ["example.net", "x.a.example.com", "127.0.0.1"] {
        let met = to(name);
        refused(met.server, "sni");
        assert!(met.client.is_err());
    }
    let mut settings = world.server_settings(ClientCertificates::NotAsked);
    settings.default = Some(own(&world.root.issue(server_params(&["127.0.0.1"]))));
    let server = ServerTls::new(settings).expect("a server");
    let address = server_name(b"127.0.0.1").expect("an address");
    let met = meet_as(&client, client.config(), address, &server);
    met.client.expect("admitted");
    assert_eq!(met.server.expect("admitted").server_name, None, "none is indicated");
}

#[test]
fn a_configuration_serves_again_when_nothing_is_left_of_the_last_connection() {
    let world = World::new();
    let server = world.server(ClientCertificates::Required);
    let [alice, mallory] =
        [&world.root, &Party::root("other")].map(|root| root.issue(client_params("alice")));
    let config = |accept: &Accept| Arc::downgrade(&accept.config());
    let is = |one: &Weak<ServerConfig>, accept: &Accept| one.ptr_eq(&config(accept));

    let one = server.accept();
    let first = config(&one);
    assert!(!is(&first, &server.accept()), "two at a time have two");
    let held = one.config();
    drop(one);
    let second = config(&server.accept());
    assert!(!is(&first, &server.accept()), "somebody may still make a connection with it");
    drop(held);

    let open = meet(&world.client(Some(&alice)), &server);
    assert!(open.server.is_ok() && is(&second, &server.accept()), "past its handshake");
    refused(meet(&world.client(Some(&mallory)), &server).server, "untrusted");
    assert!(second.upgrade().is_none(), "it knows why that client was refused");
    let next = server.accept();
    assert_eq!(next.presented(), None);
    let reason = next.reason(&Error::NoCertificatesPresented);
    assert_eq!(reason, TlsError::of(&Error::NoCertificatesPresented));
}
