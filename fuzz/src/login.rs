//! A real client and a real server, with an attacker between them who holds RSA keys of its own.
//!
//! ```text
//! client  <-- M1 --  attacker  <-- M1 --  server        each arrow: as it is, changed, from another
//!         -- M2 -->            -- M2 -->                connection, or made by the attacker from what
//!         <-- M3 --            <-- M3 --                it knows
//!         - open ->            - open ->
//! ```

use arbitrary::{Arbitrary, Unstructured};
use secure_tunnel::channel::{Channel, Opened};
use secure_tunnel::credentials::ClientKey;
use secure_tunnel::handshake::client::{Client, Fresh as ClientFresh};
use secure_tunnel::handshake::server::{Answer, Fresh as ServerFresh, Policy, Server};
use secure_tunnel::time::{Tick, UnixTime};
use tunnelproof_vectors::build::primitives::sha256;

use crate::hostile::Change;
use crate::protocol::{self, Credentials, NOW};
use crate::{Verdict, rsa_keys};

#[derive(Debug, Arbitrary)]
struct Input {
    pinned: bool,
    /// The server's clock to the client's, in seconds.
    ahead: i8,
    wrong_client_password: bool,
    wrong_server_password: bool,
    m1: Attack,
    m2: Attack,
    m3: Attack,
    open: Attack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
enum Attack {
    Forward,
    Change(Change),
    /// From another connection of the same client and server.
    Replay,
    /// Made from what the attacker knows.
    Own,
    /// Its RSA key, or keys, in the place of theirs; the rest as it is.
    Substitute,
}

/// What client and server sent on one connection.
struct Recorded {
    m2: Vec<u8>,
    m3: Vec<u8>,
    open: Vec<u8>,
}

/// One connection.
///
/// A server is established for a client that is pinned, or that got the server's own M1, only with that
/// client: all four messages arrived as they were sent and both export the same. A pinned client is
/// established only with M3 as the server sent it for its own M2. Left alone, with the right credentials and
/// clocks, both are established and talk. An attacker who relays to a client without a pin gets in between,
/// as the specification says, and the two exporters differ then.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else {
        return "no input".to_owned();
    };
    let credentials = Credentials::new(b"fuzz", "fuzz");
    let mut attacker = Attacker::default();
    let other = recorded(&credentials);

    let (server, m1) = Server::greet(rsa_keys::server_private(), Policy::default(), Tick(0));
    let m1_given = match input.m1 {
        Attack::Own | Attack::Substitute => rsa_keys::attacker().public.spki(),
        Attack::Change(change) => change.apply(&m1).0,
        Attack::Forward | Attack::Replay => m1.clone(),
    };
    let pin = input.pinned.then(|| sha256(&[&m1]));
    let client_key = if input.wrong_server_password {
        let other = Credentials::new(b"fuzz", "other");
        [&credentials.client_key[..22], &other.client_key[22..]].concat()
    } else {
        credentials.client_key.clone()
    };
    let client_key = ClientKey::parse(&client_key).unwrap_or_else(|error| panic!("{error}"));
    let client = Client::connect(client_key, pin, Tick(0)).receive(&m1_given, Tick(1));
    assert!(!input.pinned || m1_given == m1 || client.is_err(), "the pin holds");
    let Ok(client) = client else { return "client refuses M1".to_owned() };
    let fresh = ClientFresh {
        keypair: rsa_keys::parse(rsa_keys::client()),
        r: [0x72; 14].into(),
        seed: [0x5e; 20].into(),
    };
    let (client, m2) = client
        .request(fresh, UnixTime(NOW), Tick(2))
        .unwrap_or_else(|error| panic!("no peer can provoke {error}"));

    attacker.reads_m2(&m1_given, &m2);
    let m2_given = attacker.m2(input.m2, &m1, &m2, &other);
    let stored = if input.wrong_client_password {
        Credentials::new(b"fuzz", "other").server_key
    } else {
        credentials.server_key.clone()
    };
    let fresh = ServerFresh { secret: K.into(), seed: [0x3a; 20].into() };
    let decided = server.receive(&m2_given, Tick(3)).and_then(|lookup| {
        let now = UnixTime(NOW.saturating_add_signed(input.ahead.into()));
        lookup.decide(Answer::from_stored(&stored), fresh, now, Tick(4))
    });
    let (server, m3) = match decided {
        Ok((server, m3)) => (Some(server), Some(m3)),
        Err(_) => (None, None),
    };

    attacker.reads_m3(m3.as_deref());
    let m3_given = attacker.m3(input.m3, m3.as_deref(), &other);
    let replied = client.receive(&m3_given, Tick(5)).ok();
    let (client, open) = match replied {
        Some((client, open)) => (Some(client), Some(open)),
        None => (None, None),
    };

    let transcript = m3.as_ref().map(|m3| [&m1, &m2_given, m3]);
    let open_given = attacker.open(input.open, open.as_deref(), transcript, &other);
    let server = server.and_then(|server| server.receive(&mut open_given.clone(), Tick(6)).ok());

    let whole = [(&m1, &m1_given), (&m2, &m2_given)].iter().all(|(sent, given)| sent == given)
        && m3.as_ref() == Some(&m3_given);
    let right = !input.wrong_client_password
        && !input.wrong_server_password
        && (-9..=9).contains(&input.ahead);
    let ends = Ends { client, server: server.map(|(channel, _)| channel) };
    if whole && right && open.as_ref() == Some(&open_given) {
        assert!(ends.client.is_some() && ends.server.is_some(), "left alone they connect");
    }
    if ends.client.is_some() && m1_given == m1 {
        assert!(whole && !input.wrong_server_password, "M3 is the answer to this M2");
    }
    if ends.server.is_some() && m1_given == m1 {
        assert!(whole && open.as_ref() == Some(&open_given), "all came from this client");
        assert!(ends.client.is_some() && right);
    }
    ends.talk(whole)
}

const K: [u8; 48] = [0x4b; 48];

struct Ends {
    client: Option<Channel>,
    server: Option<Channel>,
}

impl Ends {
    fn talk(self, whole: bool) -> Verdict {
        let (Some(mut client), Some(mut server)) = (self.client, self.server) else {
            return "not both".to_owned();
        };
        let (mut a, mut b) = ([0; 32], [0; 32]);
        assert_eq!(client.export(b"fuzz", b"", &mut a), Ok(()));
        assert_eq!(server.export(b"fuzz", b"", &mut b), Ok(()));
        assert_eq!(a == b, whole, "the exporter tells whether someone is in between");
        let mut record = Vec::new();
        assert_eq!(client.seal(b"ping", &mut record), Ok(()));
        let opened = server.open(&mut record);
        assert_eq!(opened == Ok(Opened::Data(b"ping")), whole);
        if whole { "connected" } else { "relayed" }.to_owned()
    }
}

/// What the attacker has learnt.
#[derive(Default)]
struct Attacker {
    /// P1, where the client encrypted it to the attacker.
    p1: Option<Vec<u8>>,
    /// P3, where the server encrypted it to the attacker.
    p3: Option<Vec<u8>>,
}

impl Attacker {
    fn reads_m2(&mut self, m1_given: &[u8], m2: &[u8]) {
        let key = rsa_keys::attacker();
        if m1_given == key.public.spki() {
            self.p1 = rsa_keys::open(key, &m2[m2.len() - key.public.size()..]);
            assert!(self.p1.is_some(), "a request to the attacker opens");
        }
    }

    fn reads_m3(&mut self, m3: Option<&[u8]>) {
        self.p3 = m3.and_then(|m3| rsa_keys::open(rsa_keys::attacker(), m3));
    }

    fn m2(&self, attack: Attack, m1: &[u8], m2: &[u8], other: &Recorded) -> Vec<u8> {
        let spki = rsa_keys::attacker().public.spki();
        match attack {
            Attack::Forward => m2.to_vec(),
            Attack::Change(change) => change.apply(m2).0,
            Attack::Replay => other.m2.clone(),
            Attack::Substitute => {
                let c1 = &m2[rsa_keys::client().public.spki().len()..];
                [&spki, c1].concat()
            }
            Attack::Own => {
                let nonce = protocol::nonce(m1, &spki, &[0x41; 14]);
                let p1 = match &self.p1 {
                    Some(p1) => [&p1[..p1.len() - 30], &nonce].concat(),
                    None => protocol::p1(b"fuzz", &[b'g'; 18], NOW, &nonce),
                };
                let c1 = rsa_keys::encrypt(&rsa_keys::server().public, 0x41, &p1);
                [spki, c1].concat()
            }
        }
    }

    fn m3(&self, attack: Attack, m3: Option<&[u8]>, other: &Recorded) -> Vec<u8> {
        let client = &rsa_keys::client().public;
        match (attack, m3) {
            (Attack::Forward, Some(m3)) => m3.to_vec(),
            (Attack::Change(change), Some(m3)) => change.apply(m3).0,
            (Attack::Replay, _) => other.m3.clone(),
            _ => {
                // The nonce that the client sent, if the attacker read it; a K of its own.
                let nonce = self.p1.as_ref().map_or(&[0x41; 30][..], |p1| &p1[p1.len() - 30..]);
                let password = self.p3.as_ref().map_or(&b"guessed0"[..], |p3| &p3[..8]);
                let p3 = protocol::p3(password, &[0x41; 48], NOW, nonce);
                rsa_keys::encrypt(client, 0x41, &p3)
            }
        }
    }

    fn open(
        &self,
        attack: Attack,
        open: Option<&[u8]>,
        transcript: Option<[&Vec<u8>; 3]>,
        other: &Recorded,
    ) -> Vec<u8> {
        match (attack, open) {
            (Attack::Forward, Some(open)) => open.to_vec(),
            (Attack::Change(change), Some(open)) => change.apply(open).0,
            (Attack::Replay, _) => other.open.clone(),
            _ => {
                let k = self.p3.as_ref().map_or(&[0x41; 48][..], |p3| &p3[8..56]);
                let [m1, m2, m3] = transcript.map_or([&[][..]; 3], |t| t.map(Vec::as_slice));
                protocol::seal(&protocol::schedule(m1, m2, m3, k).c2s, 0, 2, &[])
            }
        }
    }
}

/// An earlier connection under the same RSA keys, from the generator.
fn recorded(credentials: &Credentials) -> Recorded {
    let (server, client) = (&rsa_keys::server().public, &rsa_keys::client().public);
    let (m1, spki) = (server.spki(), client.spki());
    let (r, k) = ([0x6f; 14], [0x6f; 48]);
    let nonce = protocol::nonce(&m1, &spki, &r);
    let p1 = protocol::p1(&credentials.id, &credentials.client_password, NOW, &nonce);
    let m2 = [spki, rsa_keys::encrypt(server, 0x6f, &p1)].concat();
    let p3 = protocol::p3(&credentials.server_password, &k, NOW, &nonce);
    let m3 = rsa_keys::encrypt(client, 0x6f, &p3);
    let open = protocol::seal(&protocol::schedule(&m1, &m2, &m3, &k).c2s, 0, 2, &[]);
    Recorded { m2, m3, open }
}
