//! What the tests share: the published keys, one client, and a peer that puts any octets on the wire.

#![allow(dead_code, clippy::unwrap_used)] // each test file uses a part; in the helpers: a test that cannot go on panics

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use secure_tunnel::RsaPrivate;
use secure_tunnel::channel::Channel;
use secure_tunnel::credentials::{ClientKey, Id};
use secure_tunnel::fresh;
use secure_tunnel::handshake::client;
use secure_tunnel::handshake::server::{self, Answer, Policy};
use secure_tunnel::time::{Tick, UnixTime};
use secure_tunnel_net::{
    Client, Credentials, Endpoint, Failure, Keys, Limits, Server, ServerRsa, Transport, Tunnel,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

pub const ID: &str = "alice@example.org";
pub const CLIENT_KEY: &str = "alice@example.orgbufnVvnNLGk4De8jl1mshoPIOP";
pub const SERVER_KEY: &str = "M37jldKyKT1VDcekWyuqJ3lgZ1";

pub const BOTH: [Transport; 2] = [Transport::Tcp, Transport::WebSocket];

fn der(pem: &str) -> Vec<u8> {
    pem_rfc7468::decode_vec(pem.as_bytes()).unwrap().1
}

pub fn server_rsa() -> RsaPrivate {
    RsaPrivate::from_pkcs8(&der(include_str!("../../../../vectors/keys/test-rsa-4552-a.pem")))
        .unwrap()
}

pub fn client_rsa_der() -> Vec<u8> {
    der(include_str!("../../../../vectors/keys/test-rsa-4552-b.pem"))
}

pub fn client_rsa() -> RsaPrivate {
    RsaPrivate::from_pkcs8(&client_rsa_der()).unwrap()
}

pub fn found() -> Answer {
    Answer::from_stored(SERVER_KEY.as_bytes())
}

/// Knows the one client.
pub async fn look_up(id: Id) -> Answer {
    if id.as_str() == ID { found() } else { Answer::Unknown }
}

pub fn server() -> Server<impl Credentials> {
    server_with(look_up, Policy::default(), Limits::default())
}

pub fn server_with<C: Credentials>(store: C, policy: Policy, limits: Limits) -> Server<C> {
    Server::new(store, ServerRsa::Pinned(server_rsa()), policy, limits)
}

pub fn client_key(text: &str) -> ClientKey {
    ClientKey::parse(text.as_bytes()).unwrap()
}

pub fn client() -> Client {
    Client::new(&client_key(CLIENT_KEY), None, Keys::fixed_for_tests(&client_rsa_der()).unwrap())
}

pub fn to(transport: Transport) -> Endpoint {
    format!("{transport}://host.invalid:1").parse().unwrap()
}

/// An established pair, server first, over octets in memory.
pub async fn pair(transport: Transport) -> (Tunnel, Tunnel) {
    let (near, far) = duplex(64 * 1024);
    let (server, client) = (server(), client());
    let to = to(transport);
    let (server, client) = tokio::join!(server.accept(near, transport), client.over(far, &to));
    (server.unwrap(), client.unwrap())
}

/// Class, code and requirement of a failure.
pub fn named(failure: &Failure) -> (&'static str, &'static str, &'static str) {
    let class = failure.class().map_or("", |class| class.name());
    (class, failure.code().unwrap_or_default(), failure.requirement().unwrap_or_default())
}

pub fn code(outcome: &Result<impl Sized, Failure>) -> &'static str {
    outcome.as_ref().err().and_then(Failure::code).unwrap_or("none")
}

/// A peer that writes what it likes. It is always the client: its frames are masked with zeros.
pub struct Raw {
    pub io: DuplexStream,
    pub transport: Transport,
}

impl Raw {
    /// The other end of `near`, after the upgrade if there is one.
    pub async fn open(mut io: DuplexStream, transport: Transport) -> Self {
        if transport == Transport::WebSocket {
            let request = "GET /any?path HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
            io.write_all(request.as_bytes()).await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(io.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            assert!(head.starts_with("http/1.1 101 "), "{head}");
            assert!(!head.contains("extensions"), "{head}");
        }
        Self { io, transport }
    }

    pub fn framed(&self, message: &[u8]) -> Vec<u8> {
        match self.transport {
            Transport::Tcp => {
                let length = u32::try_from(message.len()).unwrap().to_be_bytes();
                [&length[..], message].concat()
            }
            Transport::WebSocket => frame(0x82, message),
        }
    }

    pub async fn send(&mut self, message: &[u8]) {
        let octets = self.framed(message);
        self.io.write_all(&octets).await.unwrap();
    }

    /// One message of the server.
    pub async fn receive(&mut self) -> Vec<u8> {
        let length = match self.transport {
            Transport::Tcp => self.io.read_u32().await.unwrap() as usize,
            Transport::WebSocket => {
                assert_eq!(self.io.read_u8().await.unwrap(), 0x82);
                match self.io.read_u8().await.unwrap() {
                    126 => self.io.read_u16().await.unwrap().into(),
                    short => short.into(),
                }
            }
        };
        let mut message = vec![0; length];
        self.io.read_exact(&mut message).await.unwrap();
        message
    }

    /// All octets until the end of the stream.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.io.read_to_end(&mut rest).await.unwrap();
        rest
    }

    /// What is seen of an end: nothing, or a close frame without a status code.
    pub fn ending(&self) -> &'static [u8] {
        match self.transport {
            Transport::Tcp => &[],
            Transport::WebSocket => &[0x88, 0],
        }
    }

    /// Takes M1 and gives an M2 for `key`, with what opens M3.
    pub async fn request(&mut self, key: &str) -> (client::AwaitReply, Vec<u8>) {
        let m1 = self.receive().await;
        let state = client::Client::connect(client_key(key), None, Tick(0));
        let state = state.receive(&m1, Tick(0)).unwrap();
        state.request(fresh::client(client_rsa()).unwrap(), now(), Tick(0)).unwrap()
    }

    /// Runs the handshake.
    pub async fn connect(&mut self) -> Channel {
        let (state, m2) = self.request(CLIENT_KEY).await;
        self.send(&m2).await;
        let m3 = self.receive().await;
        let (channel, open) = state.receive(&m3, Tick(0)).unwrap();
        self.send(&open).await;
        channel
    }
}

/// A frame of a client, with a mask of zeros.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
        long => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

pub fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

/// The server's states by hand, for a client under test.
pub fn greet() -> (server::AwaitRequest, Vec<u8>) {
    server::Server::greet(Arc::new(server_rsa()), Policy::default(), Tick(0))
}

/// A server's handshake in the background.
pub type Accepting = JoinHandle<Result<Tunnel, Failure>>;

/// A server that accepts the other end.
pub async fn raw(transport: Transport) -> (Accepting, Raw) {
    let (near, far) = duplex(64 * 1024);
    let server = server();
    let accepting = tokio::spawn(async move { server.accept(near, transport).await });
    (accepting, Raw::open(far, transport).await)
}

/// An established server and the channel of its peer.
pub async fn established(transport: Transport) -> (Tunnel, Raw, Channel) {
    let (accepting, mut raw) = raw(transport).await;
    let channel = raw.connect().await;
    (accepting.await.unwrap().unwrap(), raw, channel)
}
