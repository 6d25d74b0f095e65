//! Handshakes between rustls connections in memory, under a clock that the tests set.

mod common;

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::*;
use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, Error, HandshakeKind, ProtocolVersion,
    ServerConnection,
};
use secure_tunnel::error::Diagnostic;
use secure_tunnel_tls::{
    ALPN, Alpn, ClientCertificates, ClientSettings, ClientTls, ContextName, List, Lists,
    OwnCertificate, PeerInfo, ServerSettings, ServerTls, TlsError, Trust, exporter, server_name,
};

#[derive(Debug)]
struct Clock(AtomicU64);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0.load(Ordering::Relaxed))))
    }
}

/// A CA, a server `a.example.com` and clients under it, and a clock.
struct World {
    root: Party,
    clock: Arc<Clock>,
}

impl World {
    fn new() -> Self {
        Self { root: Party::root("root"), clock: Arc::new(Clock(AtomicU64::new(NOW))) }
    }

    fn server_settings(&self, clients: ClientCertificates) -> ServerSettings {
        ServerSettings {
            contexts: vec![self.context("a.example.com")],
            default: None,
            clients,
            trust: trust(&[&self.root], &[], &[]),
            lists: Lists::default(),
            alpn: Alpn::Required,
            time: self.clock.clone(),
        }
    }

    fn context(&self, name: &str) -> (ContextName, OwnCertificate) {
        let certificate = own(&self.root.issue(server_params(&[name])));
        (ContextName::new(name.as_bytes()).expect("a name"), certificate)
    }

    fn server(&self, clients: ClientCertificates) -> ServerTls {
        ServerTls::new(self.server_settings(clients)).expect("a server")
    }

    fn client_settings(&self, certificate: Option<&Party>) -> ClientSettings {
        ClientSettings {
            trust: trust(&[&self.root], &[], &[]),
            certificate: certificate.map(own),
            alpn: Alpn::Required,
            time: self.clock.clone(),
        }
    }

    fn client(&self, certificate: Option<&Party>) -> ClientTls {
        ClientTls::new(self.client_settings(certificate)).expect("a client")
    }
}

fn own(party: &Party) -> OwnCertificate {
    let key = PrivatePkcs8KeyDer::from(party.key.serialize_der());
    OwnCertificate::new(vec![party.der.clone()], key.into()).expect("the key fits")
}

/// What a handshake came to on both sides.
#[derive(Debug)]
struct Met {
    client: Result<PeerInfo, TlsError>,
    server: Result<PeerInfo, TlsError>,
    /// What rustls said on the client's side, if it failed there.
    client_error: Option<Error>,
    connections: (ClientConnection, ServerConnection),
}

fn name() -> ServerName<'static> {
    server_name(b"a.example.com").expect("a name")
}

fn meet(client: &ClientTls, server: &ServerTls) -> Met {
    meet_as(client, client.config(), name(), server)
}

fn meet_as(
    client: &ClientTls,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    server: &ServerTls,
) -> Met {
    let accept = server.accept();
    let mut c = ClientConnection::new(config, name.clone()).expect("a connection");
    let mut s = accept.connection().expect("a connection");
    let (mut client_error, mut server_error) = (None, None);
    while c.wants_write() || s.wants_write() {
        if let Err(error) = carry(&mut c, &mut s) {
            server_error.get_or_insert(error);
        }
        if let Err(error) = carry(&mut s, &mut c) {
            client_error.get_or_insert(error);
        }
    }
    Met {
        client: match &client_error {
            Some(error) => Err(TlsError::of(error)),
            None => client.admit(&name, &c),
        },
        server: match &server_error {
            Some(error) => Err(accept.reason(error)),
            None => server.admit(&s),
        },
        client_error,
        connections: (c, s),
    }
}

/// Carries all octets that one side wants to send to the other.
fn carry<A, B>(
    from: &mut rustls::ConnectionCommon<A>,
    to: &mut rustls::ConnectionCommon<B>,
) -> Result<(), Error> {
    let mut octets = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut octets).expect("into memory");
    }
    let mut rest = &octets[..];
    while !rest.is_empty() {
        to.read_tls(&mut rest).expect("from memory");
        to.process_new_packets()?;
    }
    Ok(())
}

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
    assert_eq!((told.subject.as_str(), told.issuer.as_str()), ("CN=alice", "CN=root"));
    assert_eq!((told.not_before, told.not_after), (1_735_689_600, 1_798_761_600));
    assert!(!told.serial.is_empty());
    let verified = verify_client(&trust(&[&world.root], &[], &[]), &[&alice]).expect("in order");
    assert_eq!(told.fingerprint, verified.fingerprint);
    assert_eq!(client.authorized, Ok(()));
    assert_eq!(client.certificate.expect("sent one").subject, "CN=a server");
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
        assert_eq!(told.certificate.expect("sent one").subject, "CN=alice");
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
    let told = met.server.expect("admitted").certificate.expect("sent one");
    let octets = told.serial.split(':').map(|octet| u8::from_str_radix(octet, 16).expect("hex"));
    octets.collect()
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
