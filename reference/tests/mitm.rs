//! Active attackers against the reference, with nothing but the published test keys and a stack of their
//! own. The first one wins, and that is the documented weakness of version 1; the others lose.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod common;

use std::sync::Arc;

use common::*;
use hkdf::Hkdf;
use secure_tunnel::channel::Opened;
use secure_tunnel::error::Diagnostic;
use secure_tunnel::handshake::client::Client;
use secure_tunnel::handshake::server::{Policy, Server};
use secure_tunnel::time::Tick;
use sha2::{Digest, Sha256};

/// Mallory, who has RSA key pairs of her own and sits between the two.
struct Mallory {
    towards_client: Vec<u8>,
    towards_server: Vec<u8>,
}

const MALLORY: fn() -> Mallory = || Mallory { towards_client: c4552(), towards_server: a4480() };

/// On a bare channel, whoever replaces M1 reads the client's password, is the client towards the server,
/// and holds the keys of both channels. Nothing notices.
#[test]
fn who_replaces_m1_reads_everything_if_nothing_authenticates_it() {
    let mallory = MALLORY();
    let (server, m1) = Server::greet(Arc::new(ours(a4552())), Policy::default(), Tick(0));

    // She puts her RSA key in the place of the server's and reads P1, Pc in it.
    let her_m1 = spki(&mallory.towards_client);
    let (client, m2) = client_sent(&her_m1, b4552());
    let (spki_c, c1) = m2.split_at(607);
    let stolen = decrypt(&mallory.towards_client, c1).unwrap();
    let pc = &stolen[1 + ID.len()..][..18];
    assert_eq!(pc, PC, "Mallory has the client's password");

    // She asks the server in the client's name, under a client RSA key of her own.
    let her_spki = spki(&mallory.towards_server);
    let t = u64::from_be_bytes(stolen[1 + ID.len() + 18..][..8].try_into().unwrap());
    let request = p1(ID.as_bytes(), pc, t, &nonce(&m1, &her_spki));
    let her_m2 = [her_spki.clone(), encrypt(&m1, &request)].concat();
    let (server, m3) = decide(server.receive(&her_m2, Tick(0)).unwrap());
    let answer = decrypt(&mallory.towards_server, &m3).unwrap();
    assert_eq!(&answer[..8], PS, "and the server's");

    // She answers the client with the server's password, a K of her choice and the client's own nonce.
    let her_k = [0x4d; 48];
    let her_m3 = encrypt(spki_c, &p3(&answer[..8], &her_k, t, &stolen[stolen.len() - 30..]));
    let (mut client, client_open) = client.receive(&her_m3, Tick(0)).unwrap();
    let mut to_client = Keys::derive(&her_m1, &m2, &her_m3, &her_k);
    assert_eq!(to_client.c2s.open(&client_open), [0x02], "the client is connected, to Mallory");

    let mut to_server = Keys::derive(&m1, &her_m2, &m3, &answer[8..56]);
    let mut her_open = to_server.c2s.seal(&[0x02]);
    let (mut server, id) = server.receive(&mut her_open, Tick(0)).unwrap();
    assert_eq!(id.as_str(), ID, "the server believes it is the client that is connected");

    // She reads and changes what the client says, and what the server says.
    let mut record = Vec::new();
    client.seal(b"pay 1 to Alice", &mut record).unwrap();
    let mut plain = to_client.c2s.open(&record);
    assert_eq!(plain, b"\x00pay 1 to Alice");
    plain.truncate(1);
    plain.extend(b"pay 9 to Mallory");
    let mut record = to_server.c2s.seal(&plain);
    assert_eq!(server.open(&mut record).unwrap(), Opened::Data(b"pay 9 to Mallory"));
    let mut record = Vec::new();
    server.seal(b"paid 9", &mut record).unwrap();
    assert_eq!(to_server.s2c.open(&record), b"\x00paid 9");
    let mut record = to_client.s2c.seal(b"\x00paid 1");
    assert_eq!(client.open(&mut record).unwrap(), Opened::Data(b"paid 1"));
}

/// A client that was given SHA-256(M1) sends her nothing.
#[test]
fn a_pin_defeats_who_replaces_m1() {
    let pin = Sha256::digest(spki(&a4552())).into();
    let client = Client::connect(pair().0, Some(pin), Tick(0));
    let error = client.receive(&spki(&MALLORY().towards_client), Tick(0)).unwrap_err();
    assert_eq!(error.code(), "pin");
    let client = Client::connect(pair().0, Some(pin), Tick(0));
    assert!(client.receive(&spki(&a4552()), Tick(0)).is_ok());
}

/// Whoever lets M1 pass and puts her own RSA key beside the client's C1 is not answered under it.
#[test]
fn who_replaces_the_clients_key_alone_is_refused() {
    let (server, m1) = Server::greet(Arc::new(ours(a4552())), Policy::default(), Tick(0));
    let (_, m2) = client_sent(&m1, b4552());
    let her_m2 = [spki(&MALLORY().towards_server), m2[607..].to_vec()].concat();
    let failure = server.receive(&her_m2, Tick(0)).unwrap_err();
    assert_eq!(failure.error.code(), "binding");
}

/// A C1 taken from one server is of no use at another that shares the store but not the RSA key.
#[test]
fn a_c1_does_not_travel_between_servers() {
    let m1 = spki(&c4552());
    let (_, m2) = client_sent(&m1, b4552());
    let p1 = decrypt(&c4552(), &m2[607..]).unwrap();
    // The first server turns and sends what it read on to a second one, as it stands.
    let m2 = [&m2[..607], &encrypt(&spki(&a4552()), &p1)].concat();
    let failure = server_takes(a4552(), Policy::default(), &m2).unwrap_err();
    assert_eq!(failure.error.code(), "binding");
}

/// Whoever replays a recorded M2 is answered, under the honest client's RSA key, and can do nothing with
/// the answer: the server never reports the id as connected.
#[test]
fn a_replayed_m2_is_answered_and_never_connected() {
    let key = Arc::new(ours(a4552()));
    let greet = || Server::greet(Arc::clone(&key), Policy::default(), Tick(0));
    let (server, m1) = greet();
    let (client, m2) = client_sent(&m1, b4552());
    let (server, m3) = decide(server.receive(&m2, Tick(0)).unwrap());
    let (_, open) = client.receive(&m3, Tick(0)).unwrap();

    let (replayed, _) = greet();
    let fresh = secure_tunnel::fresh::server().unwrap();
    let lookup = replayed.receive(&m2, Tick(0)).unwrap();
    let (replayed, her_m3) = lookup.decide(found(), fresh, NOW, Tick(0)).unwrap();
    assert_eq!(decrypt(&MALLORY().towards_server, &her_m3[..560]), None);
    // What she has recorded does not open, nor does a record under a K she makes up.
    let failure = replayed.receive(&mut open.clone(), Tick(0)).unwrap_err();
    assert_eq!(failure.error.code(), "open_failed");
    let (replayed, _) = greet();
    let lookup = replayed.receive(&m2, Tick(0)).unwrap();
    let fresh = secure_tunnel::fresh::server().unwrap();
    let (replayed, her_m3) = lookup.decide(found(), fresh, NOW, Tick(0)).unwrap();
    let mut made_up = Keys::derive(&m1, &m2, &her_m3, &[0; 48]).c2s.seal(&[0x02]);
    let failure = replayed.receive(&mut made_up, Tick(0)).unwrap_err();
    assert_eq!(failure.error.code(), "open_failed");
    // The honest connection is none the worse.
    assert!(server.receive(&mut open.clone(), Tick(0)).is_ok());
}

/// An M3 recorded in one connection is refused in another of the same client key pair and clock.
#[test]
fn a_recorded_m3_is_refused() {
    let m1 = spki(&a4552());
    let (_, m2) = client_sent(&m1, b4552());
    let (_, m3) = decide(server_takes(a4552(), Policy::default(), &m2).unwrap());
    let request = Client::connect(pair().0, None, Tick(0)).receive(&m1, Tick(0)).unwrap();
    let fresh = secure_tunnel::handshake::client::Fresh {
        keypair: ours(b4552()),
        r: [0x12; 14].into(),
        seed: [0x22; 20].into(),
    };
    let (client, _) = request.request(fresh, NOW, Tick(0)).unwrap();
    assert_eq!(client.receive(&m3, Tick(0)).unwrap_err().code(), "nonce");
}

/// The keys of both directions, as the specification words them: a second stack, for the attacker.
struct Keys {
    c2s: Direction,
    s2c: Direction,
}

struct Direction {
    key: [u8; 32],
    iv: [u8; 12],
    number: u64,
}

impl Keys {
    fn derive(m1: &[u8], m2: &[u8], m3: &[u8], k: &[u8]) -> Self {
        let mut th = Sha256::new();
        for message in [m1, m2, m3] {
            th.update(u32::try_from(message.len()).unwrap().to_be_bytes());
            th.update(message);
        }
        let prk = Hkdf::<Sha256>::new(Some(&th.finalize()), k);
        let direction = |label: &[u8]| {
            let mut chain = [0; 32];
            prk.expand(label, &mut chain).unwrap();
            let mut both = [0; 44];
            Hkdf::<Sha256>::from_prk(&chain).unwrap().expand(b"key", &mut both).unwrap();
            let (key, iv) = both.split_at(32);
            Direction { key: key.try_into().unwrap(), iv: iv.try_into().unwrap(), number: 0 }
        };
        Self { c2s: direction(b"secure-tunnel/v1 c2s"), s2c: direction(b"secure-tunnel/v1 s2c") }
    }
}

impl Direction {
    fn cipher(&mut self) -> (aes_gcm::Aes256Gcm, [u8; 12]) {
        let mut nonce = self.iv;
        for (octet, n) in nonce[4..].iter_mut().zip(self.number.to_be_bytes()) {
            *octet ^= n;
        }
        self.number += 1;
        (aes_gcm::KeyInit::new(&self.key.into()), nonce)
    }

    fn seal(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let (cipher, nonce) = self.cipher();
        let mut octets = plaintext.to_vec();
        let tag = aes_gcm::AeadInOut::encrypt_inout_detached(
            &cipher,
            &nonce.into(),
            b"",
            octets.as_mut_slice().into(),
        );
        octets.extend(tag.unwrap());
        octets
    }

    fn open(&mut self, record: &[u8]) -> Vec<u8> {
        let (cipher, nonce) = self.cipher();
        let (octets, tag) = record.split_last_chunk::<16>().unwrap();
        let mut octets = octets.to_vec();
        aes_gcm::AeadInOut::decrypt_inout_detached(
            &cipher,
            &nonce.into(),
            b"",
            octets.as_mut_slice().into(),
            tag.into(),
        )
        .unwrap();
        octets
    }
}
