//! The client's side: `connect`, take M1 and send M2, take M3 and send the open record.

use super::freshness::{self, CLIENT_WAIT_MS, Deadline};
use super::messages::{self, Nonce, Reply, Request};
use super::{NonceRandom, OaepSeed};
use crate::channel::Channel;
use crate::channel::schedule::{Schedule, Transcript};
use crate::credentials::ClientKey;
use crate::crypto::{RsaPrivate, RsaPublic, ct_eq, sha256};
use crate::error::HandshakeError;
use crate::time::{Tick, UnixTime};

/// Where a client starts.
#[derive(Debug, Clone, Copy)]
pub struct Client;

impl Client {
    /// Begins a handshake when the transport is open, at tick `at`.
    ///
    /// `pin` is SHA-256 of the only M1 to be accepted, 32 octets, if the client was given it. Without it,
    /// the transport has to authenticate the server: nothing in M1 does.
    #[must_use]
    pub fn connect(key: ClientKey, pin: Option<[u8; 32]>, at: Tick) -> AwaitServerKey {
        // spec: HS-019 (nothing to send comes out of this), HS-060
        let tick = at.after(CLIENT_WAIT_MS);
        let deadline = Deadline { tick, requirement: "HS-060" };
        AwaitServerKey { key, pin, binding: None, deadline }
    }
}

/// What a client draws for one connection, from the operating system's generator.
#[derive(Debug)]
pub struct Fresh {
    /// A key pair made for this connection alone, maybe ahead of time (HS-074).
    pub keypair: RsaPrivate,
    /// 14 octets for the nonce.
    pub r: NonceRandom,
    /// 20 octets for the encryption of P1.
    pub seed: OaepSeed,
}

/// A client that waits for M1.
#[derive(Debug)]
pub struct AwaitServerKey {
    key: ClientKey,
    pin: Option<[u8; 32]>,
    binding: Option<[u8; 32]>,
    deadline: Deadline,
}

impl AwaitServerKey {
    /// Binds the tunnel to the TLS connection that it runs in, whose exporter gave `e` (TLS-082). The server
    /// has to do the same.
    #[must_use]
    pub fn bound_to(self, e: [u8; 32]) -> Self {
        Self { binding: Some(e), ..self }
    }

    /// The tick at which it is too late for M1.
    #[must_use]
    pub fn deadline(&self) -> Tick {
        self.deadline.tick
    }

    /// Takes M1 (591..=1062 octets).
    ///
    /// # Errors
    /// `timeout` at the deadline or later, `pin`, `bad_key`.
    pub fn receive(self, m1: &[u8], at: Tick) -> Result<MakeRequest, HandshakeError> {
        let Self { key, pin, binding, deadline } = self;
        deadline.check(at)?;
        // spec: HS-020, HS-021
        if pin.is_some_and(|pin| !ct_eq(&pin, &sha256(&[m1]))) {
            return Err(HandshakeError::Pin);
        }
        // spec: HS-022
        let server = RsaPublic::from_spki(m1).map_err(bad_key)?;
        Ok(MakeRequest { key, server, binding })
    }

    /// What to report when the transport ends now.
    #[must_use]
    pub fn ended(self) -> HandshakeError {
        // spec: HS-073
        HandshakeError::Order { requirement: "HS-073" }
    }
}

/// A client that has accepted M1 and makes its request.
#[derive(Debug)]
pub struct MakeRequest {
    key: ClientKey,
    server: RsaPublic,
    binding: Option<[u8; 32]>,
}

impl MakeRequest {
    /// Gives M2 (1145..=2086 octets) to send at tick `at`.
    ///
    /// `now` is read after `fresh` exists: making a key pair can take longer than the server allows for
    /// the message.
    ///
    /// # Errors
    /// None that a peer can provoke.
    pub fn request(
        self,
        fresh: Fresh,
        now: UnixTime,
        at: Tick,
    ) -> Result<(AwaitReply, Vec<u8>), HandshakeError> {
        let Self { key, server, binding } = self;
        let m1 = server.spki();
        let Fresh { keypair, r, seed } = fresh;
        let spki = keypair.public().spki();
        // spec: HS-027
        let nonce = Nonce::bind(&r, m1, spki);
        let p1 = Request::encode(key.id(), key.password(), now, &nonce);
        // spec: HS-012, HS-023
        let c1 = server.encrypt(&p1, seed.0.expose()).map_err(bad_key)?;
        let m2 = messages::encode_m2(spki, &c1);

        // spec: HS-061
        let deadline = Deadline { tick: at.after(CLIENT_WAIT_MS), requirement: "HS-061" };
        let (m1, sent) = (m1.to_vec(), m2.clone());
        let next =
            AwaitReply { key, keypair, m1, m2: sent, binding, sent_at: now, nonce, deadline };
        Ok((next, m2))
    }

    /// What to report when a message arrives now: it is not kept.
    #[must_use]
    pub fn interrupted(self) -> HandshakeError {
        // spec: HS-070
        HandshakeError::Order { requirement: "HS-070" }
    }

    /// What to report when the transport ends now.
    #[must_use]
    pub fn ended(self) -> HandshakeError {
        // spec: HS-073
        HandshakeError::Order { requirement: "HS-073" }
    }
}

/// A client that has sent M2 and waits for M3, with nothing to send.
// spec: HS-069
#[derive(Debug)]
pub struct AwaitReply {
    key: ClientKey,
    keypair: RsaPrivate,
    m1: Vec<u8>,
    m2: Vec<u8>,
    binding: Option<[u8; 32]>,
    /// t of P1.
    sent_at: UnixTime,
    nonce: Nonce,
    deadline: Deadline,
}

impl AwaitReply {
    /// The tick at which it is too late for M3.
    #[must_use]
    pub fn deadline(&self) -> Tick {
        self.deadline.tick
    }

    /// Takes M3 (as many octets as the client's modulus) and gives the channel, and the open record
    /// (17 octets) to send at once.
    ///
    /// # Errors
    /// `timeout` at the deadline or later, `malformed`, `decrypt`, `stale`, `nonce`, `wrong_password`.
    pub fn receive(self, m3: &[u8], at: Tick) -> Result<(Channel, Vec<u8>), HandshakeError> {
        let Self { key, keypair, m1, m2, binding, sent_at, nonce, deadline } = self;
        deadline.check(at)?;
        let malformed = |source| HandshakeError::Malformed { source };
        // spec: HS-014, HS-052
        messages::check_m3(m3, keypair.public().size()).map_err(malformed)?;
        // spec: HS-053
        let p3 =
            keypair.decrypt(m3).map_err(|_| HandshakeError::Decrypt { requirement: "HS-053" })?;
        // spec: HS-075
        drop(keypair);
        let reply = Reply::decode(&p3).map_err(malformed)?;
        drop(p3);
        freshness::check_reply(reply.time, sent_at)?;
        // spec: HS-057
        if !reply.nonce.is(&nonce) {
            return Err(HandshakeError::Nonce);
        }
        // spec: HS-058
        if !key.verify(&reply.password) {
            return Err(HandshakeError::WrongPassword { requirement: "HS-058" });
        }
        // spec: HS-059, HS-068
        let transcript = Transcript { messages: [&m1, &m2, m3], binding: binding.as_ref() };
        let schedule = Schedule::new(transcript, reply.secret.0);
        Channel::client(schedule).map_err(|source| HandshakeError::Open { source })
    }

    /// What to report when the transport ends now.
    #[must_use]
    pub fn ended(self) -> HandshakeError {
        // spec: HS-073
        HandshakeError::Order { requirement: "HS-073" }
    }
}

fn bad_key(source: crate::wire::DecodeError) -> HandshakeError {
    HandshakeError::BadKey { source }
}
