//! A mutually authenticated tunnel over any channel that authenticates the server's name, and stateless
//! login tokens: the reference implementation of the tunnelproof specification, version 1.
//!
//! ```text
//!  client: clientKey, RSA key pair                      server: serverKeys by id, RSA key pair
//!
//!  Client::connect                                                              Server::greet
//!  AwaitServerKey  <------------------- M1 = SPKI_s ----------------------------  AwaitRequest
//!      | receive                                                                       |
//!  MakeRequest                                                                         |
//!      | request                                                                       |
//!  AwaitReply      --- M2 = SPKI_c || OAEP(SPKI_s; id, Pc, t, nonce) ----------->      | receive
//!      |                                                                            Lookup
//!      |                                                       application: claimed_id() -> Answer
//!      |                                                                               | decide
//!      |           <-- M3 = OAEP(SPKI_c; Ps, K, t', nonce) ----------------------   AwaitOpen
//!      | receive                                                                       |
//!  Channel         --- record 0: open ------------------------------------------>      | receive
//!      |                                                                          Channel, Id
//!      |           <== records, AES-256-GCM under keys from M1, M2, M3 and K ==>       |
//!      | close     <-> close, each direction by itself                                 | close
//! ```
//!
//! **Nothing authenticates M1.** On a bare channel, whoever replaces it reads the client's password and
//! everything that follows (`tests/mitm.rs` does it). Use version 1 over TLS that ends where the server is,
//! or give the client SHA-256(M1) beforehand, the `pin` of
//! [`Client::connect`](handshake::client::Client::connect).
//!
//! # How it is used
//!
//! The crate does no I/O. Octets go in and octets come out, one message of the transport at a time
//! ([`framing`] cuts a byte stream into such messages). Clocks and fresh secrets are arguments; only
//! [`fresh`] draws any, and no module reads a clock (blinding of the RSA private operation, inside the
//! library, aside). Every step of the [`handshake`] consumes its state, so after an error there is
//! nothing left to go on with, and its secrets are wiped. On any error the caller ends the transport and
//! sends nothing; what failed is for its own log.
//!
//! ```
//! use std::sync::Arc;
//! use secure_tunnel::channel::{Ending, Opened};
//! use secure_tunnel::credentials::Id;
//! use secure_tunnel::fresh;
//! use secure_tunnel::handshake::client::Client;
//! use secure_tunnel::handshake::server::{Answer, Policy, Server};
//! use secure_tunnel::time::{Tick, UnixTime};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Once: the clientKey for the client, the serverKey for the server's store.
//! let id = Id::new(b"MyId")?;
//! let (client_key, server_key) = fresh::credentials(&id)?;
//!
//! // The server greets. Ticks are milliseconds of a monotonic clock.
//! let (server, m1) = Server::greet(Arc::new(fresh::rsa_keypair()?), Policy::default(), Tick(0));
//!
//! // The client answers M1. UnixTime is read when its RSA key pair exists.
//! let client = Client::connect(client_key, None, Tick(0)).receive(&m1, Tick(10))?;
//! let drawn = fresh::client(fresh::rsa_keypair()?)?;
//! let (client, m2) = client.request(drawn, UnixTime(1_700_000_000), Tick(20))?;
//!
//! // The server looks up the id that is claimed, and answers.
//! let lookup = server.receive(&m2, Tick(30))?;
//! assert_eq!(lookup.claimed_id(), &id);
//! let answer = Answer::from_stored(&server_key.expose());
//! let (server, m3) = lookup.decide(answer, fresh::server()?, UnixTime(1_700_000_001), Tick(40))?;
//!
//! // The client is connected once its open record is sealed, the server once that has opened.
//! let (mut client, mut open) = client.receive(&m3, Tick(50))?;
//! let (mut server, proved) = server.receive(&mut open, Tick(60))?;
//! assert_eq!(proved, id);
//!
//! // One record each way, and the end.
//! let (mut up, mut down) = (Vec::new(), Vec::new());
//! client.seal(b"ping", &mut up)?;
//! assert_eq!(server.open(&mut up)?, Opened::Data(b"ping"));
//! server.seal(b"pong", &mut down)?;
//! assert_eq!(client.open(&mut down)?, Opened::Data(b"pong"));
//! assert_eq!(client.end(), Ending::Truncated, "without a close record");
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! | module | chapter of the specification |
//! |---|---|
//! | [`credentials`] | 2, the strings that both sides hold |
//! | [`handshake`] | 3, the three messages |
//! | [`channel`] | 4, records, close, exporter |
//! | [`token`] | 5, challenges and tokens, independent of the rest |
//! | [`framing`] | 6, messages in byte streams and WebSockets |
//! | [`error`] | each error's class, code and requirement; never sent to a peer |
//! | [`wire`], [`secret`], [`time`] | octets, secrets and clocks as types |
//!
//! A comment `spec: HS-014` stands at the code that meets that requirement.
//!
//! # Features
//!
//! - `aws-lc`: the RSA private operation and AES-256-GCM by aws-lc-rs. Faster, the same behaviour.
//! - `hazmat`: parts of the protocol in the open, for test harnesses only.

#![forbid(unsafe_code)]

pub mod channel;
pub mod credentials;
mod crypto;
pub mod error;
pub mod framing;
pub mod fresh;
pub mod handshake;
#[cfg(feature = "hazmat")]
pub mod hazmat;
pub mod secret;
pub mod time;
pub mod token;
pub mod wire;

pub use crypto::{RsaPrivate, RsaPublic};
