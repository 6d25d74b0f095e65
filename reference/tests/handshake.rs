//! The handshake over an in-memory pair with a virtual clock: what is accepted, and when.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod common;

use std::sync::Arc;

use common::*;
use secure_tunnel::channel::{Channel, Ending, Opened};
use secure_tunnel::credentials::{ClientKey, Id};
use secure_tunnel::error::Diagnostic;
use secure_tunnel::handshake::client::Client;
use secure_tunnel::handshake::server::{Policy, Server};
use secure_tunnel::handshake::{KeyPool, SharedKey};
use secure_tunnel::time::{Tick, UnixTime};
use sha2::{Digest, Sha256};

/// All four messages between a server with the one key and a client with the other.
fn exchange(server: Vec<u8>, client: Vec<u8>) -> (Channel, Channel, Id) {
    let (key, stored) = pair();
    let (server, m1) = Server::greet(Arc::new(ours(server)), Policy::default(), Tick(1000));
    let pin = Sha256::digest(&m1).into();
    let client_state = Client::connect(key, Some(pin), Tick(5)).receive(&m1, Tick(6)).unwrap();
    let (client_state, m2) = client_state.request(client_fresh(client), NOW, Tick(4000)).unwrap();
    let lookup = server.receive(&m2, Tick(1100)).unwrap();
    assert_eq!(lookup.claimed_id().as_str(), ID);
    let answer = secure_tunnel::handshake::server::Answer::Found(stored);
    let later = UnixTime(NOW.0 + 3);
    let (server, m3) = lookup.decide(answer, server_fresh(), later, Tick(1200)).unwrap();
    let (client, mut open) = client_state.receive(&m3, Tick(4100)).unwrap();
    assert_eq!(open.len(), 17);
    let (server, id) = server.receive(&mut open, Tick(1300)).unwrap();
    (client, server, id)
}

#[test]
fn a_whole_exchange_ends_clean() {
    let (mut client, mut server, id) = exchange(a4552(), b4552());
    assert_eq!(id.as_str(), ID);

    let (mut up, mut down) = (Vec::new(), Vec::new());
    client.seal(b"to the server", &mut up).unwrap();
    server.seal(b"", &mut down).unwrap();
    assert_eq!(server.open(&mut up).unwrap(), Opened::Data(b"to the server"));
    assert_eq!(client.open(&mut down).unwrap(), Opened::Data(b""));

    let (mut ours, mut theirs) = ([0; 32], [1; 32]);
    client.export(b"label", b"context", &mut ours).unwrap();
    server.export(b"label", b"context", &mut theirs).unwrap();
    assert_eq!(ours, theirs);

    let (mut up, mut down) = (Vec::new(), Vec::new());
    client.close(&mut up).unwrap();
    assert_eq!(server.open(&mut up).unwrap(), Opened::Close);
    server.close(&mut down).unwrap();
    assert_eq!(client.open(&mut down).unwrap(), Opened::Close);
    assert_eq!((client.end(), server.end()), (Ending::Clean, Ending::Clean));
}

#[test]
fn every_accepted_size_works_on_both_sides() {
    for (server, client) in [
        (a4480(), a4552()),
        (a4552(), a4480()),
        (k4425(), k8192()),
        (k8192(), k4425()),
        (k4432(), k4432()),
    ] {
        let (mut client, mut server, _) = exchange(server, client);
        let mut record = Vec::new();
        client.seal(b"x", &mut record).unwrap();
        assert_eq!(server.open(&mut record).unwrap(), Opened::Data(b"x"));
    }
}

#[test]
fn the_longest_id_fits_the_smallest_modulus() {
    let long = "\u{e9}".repeat(127) + "x";
    let (key, stored) = secure_tunnel::fresh::credentials(&id(&long)).unwrap();
    let (server, m1) = Server::greet(Arc::new(ours(k4425())), Policy::default(), Tick(0));
    let client = Client::connect(key, None, Tick(0)).receive(&m1, Tick(0)).unwrap();
    let (client, m2) = client.request(client_fresh(k4425()), NOW, Tick(0)).unwrap();
    let lookup = server.receive(&m2, Tick(0)).unwrap();
    assert_eq!(lookup.claimed_id().as_str(), long);
    let answer = secure_tunnel::handshake::server::Answer::Found(stored);
    let (server, m3) = lookup.decide(answer, server_fresh(), NOW, Tick(0)).unwrap();
    let (_, mut open) = client.receive(&m3, Tick(0)).unwrap();
    assert_eq!(server.receive(&mut open, Tick(0)).unwrap().1.as_str(), long);
}

#[test]
fn messages_are_those_of_the_specification() {
    let (_, m1) = Server::greet(Arc::new(ours(a4552())), Policy::default(), Tick(0));
    assert_eq!(m1, spki(&a4552()));
    let (_, m2) = client_sent(&m1, b4552());
    let (spki_c, c1) = m2.split_at(607);
    assert_eq!(spki_c, spki(&b4552()));
    let plaintext = decrypt(&a4552(), c1).unwrap();
    let bound = nonce(&m1, spki_c);
    assert_eq!(plaintext, p1(ID.as_bytes(), PC, NOW.0, &bound));

    let lookup = server_takes(a4552(), Policy::default(), &m2).unwrap();
    let later = UnixTime(NOW.0 + 9);
    let (_, m3) = lookup.decide(found(), server_fresh(), later, Tick(0)).unwrap();
    assert_eq!(m3.len(), 569);
    let plaintext = decrypt(&b4552(), &m3).unwrap();
    assert_eq!(plaintext, p3(PS, &[0x33; 48], later.0, &bound), "t' is the reading of the check");
}

/// A forger that follows the specification is accepted, so what it is refused for below is its flaw.
#[test]
fn another_stack_is_accepted() {
    let m1 = spki(&a4552());
    let spki_c = spki(&b4552());
    let bound = nonce(&m1, &spki_c);
    let c1 = encrypt(&m1, &p1(ID.as_bytes(), PC, NOW.0, &bound));
    let m2 = [spki_c.clone(), c1].concat();
    decide(server_takes(a4552(), Policy::default(), &m2).unwrap());

    let (client, _) = client_sent(&m1, b4552());
    let m3 = encrypt(&spki_c, &p3(PS, &[7; 48], NOW.0, &bound));
    client.receive(&m3, Tick(0)).unwrap();
}

#[test]
fn deadlines_are_late_to_the_millisecond() {
    let m1 = spki(&a4552());
    let connect = || Client::connect(pair().0, None, Tick(500));
    assert_eq!(connect().deadline(), Tick(10_500));
    assert!(connect().receive(&m1, Tick(10_499)).is_ok());
    let error = connect().receive(&m1, Tick(10_500)).unwrap_err();
    assert_eq!((error.code(), error.requirement()), ("timeout", "HS-060"));
    let error = connect().receive(b"", Tick(u64::MAX)).unwrap_err();
    assert_eq!((error.code(), error.requirement()), ("timeout", "HS-060"), "whatever has arrived");

    // M3: ten seconds from the sending of M2, however long the key pair took.
    let sent = || {
        let request = connect().receive(&m1, Tick(10_000)).unwrap();
        request.request(client_fresh(b4552()), NOW, Tick(25_000)).unwrap()
    };
    let (client, m2) = sent();
    assert_eq!(client.deadline(), Tick(35_000));
    let (_, m3) = decide(server_takes(a4552(), Policy::default(), &m2).unwrap());
    assert!(client.receive(&m3, Tick(34_999)).is_ok());
    let error = sent().0.receive(&m3, Tick(35_000)).unwrap_err();
    assert_eq!((error.code(), error.requirement()), ("timeout", "HS-061"));

    // The server: thirty seconds from M1, in every state.
    let greet = || Server::greet(Arc::new(ours(a4552())), Policy::default(), Tick(7)).0;
    assert_eq!(greet().deadline(), Tick(30_007));
    let late = |failure: secure_tunnel::handshake::server::Failure| {
        assert_eq!((failure.error.code(), failure.error.requirement()), ("timeout", "HS-062"));
    };
    late(greet().receive(&m2, Tick(30_007)).unwrap_err());
    let lookup = || greet().receive(&m2, Tick(30_006)).unwrap();
    assert_eq!(lookup().deadline(), Tick(30_007));
    late(lookup().decide(found(), server_fresh(), NOW, Tick(30_007)).unwrap_err());
    let decided = || lookup().decide(found(), server_fresh(), NOW, Tick(30_006)).unwrap().0;
    assert_eq!(decided().deadline(), Tick(30_007));
    let open = || sent().0.receive(&m3, Tick(26_000)).unwrap().1;
    late(decided().receive(&mut open(), Tick(30_007)).unwrap_err());
    assert!(decided().receive(&mut open(), Tick(30_006)).is_ok());
}

#[test]
fn the_end_of_time_does_not_wrap() {
    let m1 = spki(&a4552());
    let last = Tick(u64::MAX);
    let client = Client::connect(pair().0, None, Tick(u64::MAX - 1));
    assert_eq!(client.deadline(), last);
    let request = client.receive(&m1, Tick(u64::MAX - 1)).unwrap();
    let (client, m2) =
        request.request(client_fresh(b4552()), UnixTime(u64::MAX), Tick(u64::MAX - 1)).unwrap();
    assert_eq!(client.deadline(), last);
    let delay = Policy::with_release_delay(9_999).unwrap();
    let (server, _) = Server::greet(Arc::new(ours(a4552())), delay, Tick(u64::MAX - 1));
    let lookup = server.receive(&m2, Tick(u64::MAX - 1)).unwrap();
    let failure =
        lookup.decide(found(), server_fresh(), UnixTime(0), Tick(u64::MAX - 1)).unwrap_err();
    assert_eq!((failure.error.code(), failure.release), ("stale", last));
}

#[test]
fn credentials_of_the_strings_work_as_well() {
    let (key, stored) = secure_tunnel::fresh::credentials(&id("caf\u{e9}")).unwrap();
    let key = ClientKey::parse(&key.expose()).unwrap();
    let (server, m1) = Server::greet(Arc::new(ours(a4552())), Policy::default(), Tick(0));
    let client = Client::connect(key, None, Tick(0)).receive(&m1, Tick(0)).unwrap();
    let (client, m2) = client.request(client_fresh(b4552()), NOW, Tick(0)).unwrap();
    let lookup = server.receive(&m2, Tick(0)).unwrap();
    let answer = secure_tunnel::handshake::server::Answer::from_stored(&stored.expose());
    let (_, m3) = lookup.decide(answer, server_fresh(), NOW, Tick(0)).unwrap();
    assert!(client.receive(&m3, Tick(0)).is_ok());
}

#[test]
fn a_pool_gives_each_key_pair_once() {
    let mut pool = KeyPool::new(2);
    assert_eq!(pool.missing(), 2);
    assert!(pool.take().is_none());
    pool.put(ours(b4552()));
    assert_eq!(pool.missing(), 1);
    assert!(pool.take().is_some() && pool.take().is_none());
}

#[test]
fn a_replaced_key_serves_what_began_with_it() {
    let mut shared = SharedKey::new(ours(a4552()), Tick(10));
    assert!(!shared.due(Tick(3_600_009)) && shared.due(Tick(3_600_010)));
    let old = Arc::downgrade(&shared.current());
    let (server, m1) = Server::greet(shared.current(), Policy::default(), Tick(3_600_000));
    shared.replace(ours(a4480()), Tick(3_600_010));
    assert!(!shared.due(Tick(7_200_009)));
    assert_ne!(shared.current().public().spki(), m1);
    assert!(old.upgrade().is_some(), "the handshake still needs it");
    let (_, m2) = client_sent(&m1, b4552());
    assert!(server.receive(&m2, Tick(3_600_100)).is_ok());
    assert!(old.upgrade().is_none(), "and it is gone with it");
}

#[test]
fn debug_of_every_state_shows_no_secret() {
    let (key, stored) = pair();
    let digest = stored.expose()[8..].to_vec();
    let mut shown = vec![format!("{key:?} {stored:?}")];
    let client = Client::connect(key, None, Tick(0));
    shown.push(format!("{client:?}"));
    let (server, m1) = Server::greet(Arc::new(ours(a4552())), Policy::default(), Tick(0));
    shown.push(format!("{server:?}"));
    let client = client.receive(&m1, Tick(0)).unwrap();
    shown.push(format!("{client:?} {:?}", client_fresh(b4552())));
    let (client, m2) = client.request(client_fresh(b4552()), NOW, Tick(0)).unwrap();
    let lookup = server.receive(&m2, Tick(0)).unwrap();
    shown.push(format!("{client:?} {lookup:?} {:?} {:?}", found(), server_fresh()));
    let (server, m3) = decide(lookup);
    shown.push(format!("{server:?}"));
    let (client, mut open) = client.receive(&m3, Tick(0)).unwrap();
    let (server, _) = server.receive(&mut open, Tick(0)).unwrap();
    shown.push(format!("{client:?} {server:?}"));

    let decimal = |octets: &[u8]| {
        let list: Vec<String> = octets.iter().map(u8::to_string).collect();
        list.join(", ")
    };
    let private = &a4552()[a4552().len() - 64..];
    for shown in shown {
        for secret in [&PC[..], PS, &digest, &[0x33; 48], &[0x44; 20], private] {
            assert!(!shown.contains(&*String::from_utf8_lossy(secret)), "{shown}");
            assert!(!shown.contains(&hex::encode(secret)), "{shown}");
            assert!(!shown.contains(&decimal(secret)), "{shown}");
        }
    }
}
