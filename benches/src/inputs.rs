//! One client, one server and their published test keys. Nothing here is drawn: every run measures the
//! same octets.

use std::sync::Arc;

use secure_tunnel::RsaPrivate;
use secure_tunnel::credentials::{self, ClientKey, ClientPassword, Id, ServerKey, ServerPassword};
use secure_tunnel::handshake::client::{self, AwaitReply, Client};
use secure_tunnel::handshake::server::{self, Answer, AwaitOpen, AwaitRequest, Policy, Server};
use secure_tunnel::hazmat;
use secure_tunnel::time::{Tick, UnixTime};

/// The client's password.
pub const CLIENT_PASSWORD: &[u8; 18] = b"aBcDeFghIjK1mN0P9R";
/// The server's password.
pub const SERVER_PASSWORD: &[u8; 8] = b"l234567B";
/// The wall clock of both.
pub const NOW: UnixTime = UnixTime(1_700_000_000);
/// Chain key of the channels.
pub const CHAIN: [u8; 32] = [0x55; 32];

/// PKCS#8 DER of the server's key, 4552 bits.
#[must_use]
pub fn server_der() -> Vec<u8> {
    der(include_str!("../../vectors/keys/test-rsa-4552-a.pem"))
}

/// PKCS#8 DER of the client's key, 4552 bits.
#[must_use]
pub fn client_der() -> Vec<u8> {
    der(include_str!("../../vectors/keys/test-rsa-4552-b.pem"))
}

fn der(pem: &str) -> Vec<u8> {
    pem_rfc7468::decode_vec(pem.as_bytes()).expect("a published test key").1
}

/// A published test key.
#[must_use]
pub fn key(der: &[u8]) -> RsaPrivate {
    RsaPrivate::from_pkcs8(der).expect("a published test key")
}

/// The client's id.
#[must_use]
pub fn id() -> Id {
    Id::new(b"client-0001@example").expect("a valid id")
}

/// Both passwords.
#[must_use]
pub fn passwords() -> (ClientPassword, ServerPassword) {
    let client = ClientPassword::parse(CLIENT_PASSWORD).expect("18 digits");
    (client, ServerPassword::parse(SERVER_PASSWORD).expect("8 digits"))
}

/// Both credential strings.
#[must_use]
pub fn credentials() -> (ClientKey, ServerKey) {
    let (client, server) = passwords();
    credentials::create(&id(), client, server)
}

/// A handshake of which every message is known.
pub struct Exchange {
    key: Arc<RsaPrivate>,
    stored: Vec<u8>,
    /// M1.
    pub m1: Vec<u8>,
    /// M2.
    pub m2: Vec<u8>,
    /// M3.
    pub m3: Vec<u8>,
}

impl Exchange {
    /// Runs it once.
    #[must_use]
    pub fn new() -> Self {
        let key = Arc::new(key(&server_der()));
        let m1 = key.public().spki().to_vec();
        let (_, m2) = Self::sent(&m1);
        let stored = credentials().1.expose().to_vec();
        let mut exchange = Self { key, stored, m1, m2, m3: Vec::new() };
        exchange.m3 = exchange.answer(exchange.greeted()).1;
        exchange
    }

    /// The server's key.
    #[must_use]
    pub fn key(&self) -> &RsaPrivate {
        &self.key
    }

    /// C1: the part of M2 that the server's private operation opens.
    #[must_use]
    pub fn c1(&self) -> &[u8] {
        &self.m2[self.m2.len() - self.key.public().size()..]
    }

    /// P1.
    #[must_use]
    pub fn p1(&self) -> Vec<u8> {
        hazmat::oaep_decrypt(&self.key, self.c1()).expect("C1 is for this key")
    }

    /// A server that has sent M1.
    #[must_use]
    pub fn greeted(&self) -> AwaitRequest {
        Server::greet(Arc::clone(&self.key), Policy::default(), Tick(0)).0
    }

    /// What the server's store answers.
    #[must_use]
    pub fn found(&self) -> Answer {
        Answer::from_stored(&self.stored)
    }

    /// The server's whole step, M2 to M3.
    #[must_use]
    pub fn answer(&self, server: AwaitRequest) -> (AwaitOpen, Vec<u8>) {
        let lookup = server.receive(&self.m2, Tick(0)).expect("M2 is for this server");
        lookup.decide(self.found(), server_fresh(), NOW, Tick(0)).expect("the password is right")
    }

    /// A client that has sent M2 and waits for M3.
    #[must_use]
    pub fn waiting(&self) -> AwaitReply {
        Self::sent(&self.m1).0
    }

    fn sent(m1: &[u8]) -> (AwaitReply, Vec<u8>) {
        request(m1, client_fresh())
    }
}

impl Default for Exchange {
    fn default() -> Self {
        Self::new()
    }
}

/// The client's step from M1 to M2.
#[must_use]
pub fn request(m1: &[u8], fresh: client::Fresh) -> (AwaitReply, Vec<u8>) {
    let client = Client::connect(credentials().0, None, Tick(0)).receive(m1, Tick(0));
    let client = client.expect("M1 is that of a test key");
    client.request(fresh, NOW, Tick(0)).expect("nothing that a peer sends can make it fail")
}

/// What the client draws, here always the same.
#[must_use]
pub fn client_fresh() -> client::Fresh {
    client::Fresh { keypair: key(&client_der()), r: [0x11; 14].into(), seed: [0x22; 20].into() }
}

/// What the server draws, here always the same.
#[must_use]
pub fn server_fresh() -> server::Fresh {
    server::Fresh { secret: [0x33; 48].into(), seed: [0x44; 20].into() }
}
