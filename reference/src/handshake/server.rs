//! The server's side: send M1, take M2, look up, send M3, take the open record.

use core::fmt;
use std::sync::Arc;

use super::freshness::{self, Deadline, SERVER_WAIT_MS};
use super::messages::{self, Reply, Request};
use super::{ChannelSecret, OaepSeed};
use crate::channel::schedule::{Schedule, Transcript};
use crate::channel::{AwaitingOpen, Channel};
use crate::credentials::{Id, ServerKey};
use crate::crypto::{RsaPrivate, RsaPublic};
use crate::error::HandshakeError;
use crate::time::{Tick, UnixTime};

/// Where a server starts.
#[derive(Debug, Clone, Copy)]
pub struct Server;

impl Server {
    /// Begins a handshake when the transport is open, at tick `at`, and gives M1 (591..=1062 octets) to
    /// send at once.
    #[must_use]
    pub fn greet(key: Arc<RsaPrivate>, policy: Policy, at: Tick) -> (AwaitRequest, Vec<u8>) {
        // spec: HS-018, HS-062, HS-080
        let m1 = key.public().spki().to_vec();
        let deadline = Deadline { tick: at.after(SERVER_WAIT_MS), requirement: "HS-062" };
        (AwaitRequest { key, policy, binding: None, deadline }, m1)
    }
}

/// What a deployment chooses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policy {
    release_delay_ms: Option<u64>,
}

impl Policy {
    /// Releases failures that depend on secrets no earlier than `milliseconds` after M2 came, so that
    /// their time tells nothing. `None` unless that is 1..=9,999: from 10,000 on the client has given up.
    #[must_use]
    pub fn with_release_delay(milliseconds: u64) -> Option<Self> {
        // spec: OBS-005, OBS-006
        (1..10_000).contains(&milliseconds).then_some(Self { release_delay_ms: Some(milliseconds) })
    }
}

/// A failed handshake, and when the transport may be ended for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why, for the local side only.
    pub error: HandshakeError,
    /// The transport is ended at this tick or, if it has passed, now; never before, and nothing is sent.
    pub release: Tick,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (to be released at tick {})", self.error, self.release)
    }
}

impl core::error::Error for Failure {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// What the credential store answered for an id.
#[derive(Debug)]
pub enum Answer {
    /// The id's serverKey.
    Found(ServerKey),
    /// There is no such id.
    Unknown,
    /// The store could not tell.
    Failed,
}

impl Answer {
    /// What a stored serverKey amounts to: a malformed one is a failed look-up.
    #[must_use]
    pub fn from_stored(octets: &[u8]) -> Self {
        // spec: HS-040
        ServerKey::parse(octets).map_or(Self::Failed, Self::Found)
    }
}

/// What a server draws for one connection, from the operating system's generator.
#[derive(Debug)]
pub struct Fresh {
    /// K, 48 octets.
    pub secret: ChannelSecret,
    /// 20 octets for the encryption of P3.
    pub seed: OaepSeed,
}

/// A server that has sent M1 and waits for M2.
#[derive(Debug)]
pub struct AwaitRequest {
    key: Arc<RsaPrivate>,
    policy: Policy,
    binding: Option<[u8; 32]>,
    deadline: Deadline,
}

impl AwaitRequest {
    /// Binds the tunnel to the TLS connection that it runs in, whose exporter gave `e` (TLS-082). The client
    /// has to do the same.
    #[must_use]
    pub fn bound_to(self, e: [u8; 32]) -> Self {
        Self { binding: Some(e), ..self }
    }

    /// The tick at which it is too late to be established.
    #[must_use]
    pub fn deadline(&self) -> Tick {
        self.deadline.tick
    }

    /// Takes M2 (1145..=2086 octets).
    ///
    /// # Errors
    /// `timeout` at the deadline or later, `malformed`, `bad_key`, `decrypt`, `binding`.
    pub fn receive(self, m2: &[u8], at: Tick) -> Result<Lookup, Failure> {
        let Self { key, policy, binding, deadline } = self;
        let now = |error| Failure { error, release: at };
        deadline.check(at).map_err(now)?;
        let malformed = |source| HandshakeError::Malformed { source };
        let (spki, c1) = messages::decode_m2(m2, key.public().size())
            .map_err(|source| now(malformed(source)))?;
        // spec: HS-030, HS-031
        let client =
            RsaPublic::from_spki(spki).map_err(|source| now(HandshakeError::BadKey { source }))?;

        // From here on the outcome depends on secrets. spec: OBS-005
        let release = at.after(policy.release_delay_ms.unwrap_or(0));
        let later = |error| Failure { error, release };
        // spec: HS-032
        let p1 = key
            .decrypt(c1)
            .map_err(|_| later(HandshakeError::Decrypt { requirement: "HS-032" }))?;
        let request = Request::decode(&p1).map_err(|source| later(malformed(source)))?;
        // spec: HS-036, HS-037
        let m1 = key.public().spki();
        if !request.nonce.is_bound_to(m1, spki) {
            return Err(later(HandshakeError::Binding));
        }
        let outlasted = policy.release_delay_ms.is_some().then_some(release);
        let (m1, m2) = (m1.to_vec(), m2.to_vec());
        Ok(Lookup { client, request, m1, m2, binding, deadline, release, outlasted })
    }

    /// What to report when the transport ends at tick `at`.
    #[must_use]
    pub fn ended(self, at: Tick) -> Failure {
        // spec: HS-073
        Failure { error: HandshakeError::Order { requirement: "HS-073" }, release: at }
    }
}

/// A server that looks up the id of M2.
#[derive(Debug)]
pub struct Lookup {
    client: RsaPublic,
    request: Request,
    m1: Vec<u8>,
    m2: Vec<u8>,
    binding: Option<[u8; 32]>,
    deadline: Deadline,
    /// No failure is released before.
    release: Tick,
    /// An answer at this tick or later is no answer, if there is a release delay.
    outlasted: Option<Tick>,
}

impl Lookup {
    /// The tick at which it is too late to be established.
    #[must_use]
    pub fn deadline(&self) -> Tick {
        self.deadline.tick
    }

    /// The tick at which it is too late for the answer of the look-up: that of [`Self::deadline`], or the end
    /// of the release delay if that comes first.
    #[must_use]
    pub fn answer_deadline(&self) -> Tick {
        // spec: OBS-007
        self.outlasted.map_or(self.deadline.tick, |tick| tick.min(self.deadline.tick))
    }

    /// The id that the peer *claims*, for the look-up and nothing else: nothing is proved yet.
    #[must_use]
    pub fn claimed_id(&self) -> &Id {
        // spec: HS-038, HS-066
        &self.request.id
    }

    /// What to report when a message arrives now: it is not kept.
    #[must_use]
    pub fn interrupted(self) -> Failure {
        // spec: HS-070
        Failure { error: HandshakeError::Order { requirement: "HS-070" }, release: self.release }
    }

    /// What to report when the transport ends now.
    #[must_use]
    pub fn ended(self) -> Failure {
        // spec: HS-073
        Failure { error: HandshakeError::Order { requirement: "HS-073" }, release: self.release }
    }

    /// Takes the answer of the look-up and gives M3 (as many octets as the client's modulus) to send.
    ///
    /// `now` is read once, after the look-up has answered; it goes into M3 as well. An unknown id costs
    /// the same work as a known one with a wrong password.
    ///
    /// # Errors
    /// `timeout` at the deadline or later, `lookup_failed`, `unknown_id`, `wrong_password`, `stale`.
    pub fn decide(
        self,
        answer: Answer,
        fresh: Fresh,
        now: UnixTime,
        at: Tick,
    ) -> Result<(AwaitOpen, Vec<u8>), Failure> {
        let Self { client, request, m1, m2, binding, deadline, release, outlasted } = self;
        let failure = |error| Failure { error, release: release.max(at) };
        deadline.check(at).map_err(failure)?;
        // spec: OBS-007
        if outlasted.is_some_and(|tick| at >= tick) {
            return Err(failure(HandshakeError::LookupFailed { requirement: "OBS-007" }));
        }
        let (stored, known) = match answer {
            Answer::Found(key) => (key, true),
            // spec: HS-044
            Answer::Unknown => (ServerKey::dummy(), false),
            // spec: HS-039
            Answer::Failed => {
                return Err(failure(HandshakeError::LookupFailed { requirement: "HS-039" }));
            }
        };
        // spec: HS-041, HS-046
        let matches = stored.verify(&request.id, &request.password);
        // spec: HS-043
        if !known {
            return Err(failure(HandshakeError::UnknownId));
        }
        // spec: HS-042
        if !matches {
            return Err(failure(HandshakeError::WrongPassword { requirement: "HS-042" }));
        }
        freshness::check_request(request.time, now).map_err(failure)?;
        // spec: HS-047
        let Request { id, password, nonce, .. } = request;
        drop(password);

        let Fresh { secret, seed } = fresh;
        // spec: HS-050
        let p3 = Reply::encode(stored.password(), &secret, now, &nonce);
        // spec: HS-012, HS-051
        let m3 = client
            .encrypt(&p3, seed.0.expose())
            .map_err(|source| failure(HandshakeError::BadKey { source }))?;
        let transcript = Transcript { messages: [&m1, &m2, &m3], binding: binding.as_ref() };
        let channel = AwaitingOpen::new(Schedule::new(transcript, secret.0));
        Ok((AwaitOpen { channel, id, deadline }, m3))
    }
}

/// A server that has sent M3 and waits for the open record. There is nothing to seal or export with yet.
// spec: HS-067
pub struct AwaitOpen {
    channel: AwaitingOpen,
    id: Id,
    deadline: Deadline,
}

impl AwaitOpen {
    /// The tick at which it is too late to be established.
    #[must_use]
    pub fn deadline(&self) -> Tick {
        self.deadline.tick
    }

    /// Takes the client's record 0 (17 octets), which it decrypts in place, and gives the channel and the
    /// id, which is proved only now.
    ///
    /// # Errors
    /// `timeout` at the deadline or later, and the failures of a record that is not open.
    pub fn receive(self, record: &mut [u8], at: Tick) -> Result<(Channel, Id), Failure> {
        let Self { channel, id, deadline } = self;
        // The delay of OBS-005 hides what happens before M3; the peer has that already.
        let failure = |error| Failure { error, release: at };
        deadline.check(at).map_err(failure)?;
        // spec: HS-065, HS-066
        match channel.receive(record) {
            Ok(channel) => Ok((channel, id)),
            Err(source) => Err(failure(HandshakeError::Open { source })),
        }
    }

    /// What to report when the transport ends now.
    #[must_use]
    pub fn ended(self) -> Failure {
        // spec: HS-073
        Failure { error: HandshakeError::Order { requirement: "HS-073" }, release: Tick(0) }
    }
}

impl fmt::Debug for AwaitOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwaitOpen").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
