//! Both sides of the handshake over a wire: what the states of the reference ask for, at the right time.

use core::future::Future;
use std::sync::Arc;

use secure_tunnel::RsaPrivate;
use secure_tunnel::channel::Channel;
use secure_tunnel::credentials::{ClientKey, Id};
use secure_tunnel::error::HandshakeError;
use secure_tunnel::fresh;
use secure_tunnel::handshake::client::Client;
use secure_tunnel::handshake::server::{self, Answer, Policy, Server};
use secure_tunnel::time::Tick;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::timeout_at;

use crate::clock::{Clock, now};
use crate::error::Failure;
use crate::transport::{Arrival, Wire};

/// A failure, and the tick at which the transport may be ended for it.
pub(crate) struct Refused {
    pub(crate) failure: Failure,
    pub(crate) release: Tick,
}

impl From<server::Failure> for Refused {
    fn from(refused: server::Failure) -> Self {
        Self { failure: refused.error.into(), release: refused.release }
    }
}

impl Refused {
    fn now(failure: impl Into<Failure>, clock: Clock) -> Self {
        Self { failure: failure.into(), release: clock.tick() }
    }
}

/// What a server's handshakes share.
pub(crate) struct ServerSide<'a> {
    pub(crate) clock: Clock,
    pub(crate) key: Arc<RsaPrivate>,
    pub(crate) policy: Policy,
    /// One permit for each RSA private operation at a time.
    pub(crate) rsa: &'a Arc<Semaphore>,
    /// E of TLS-082, of this connection.
    pub(crate) binding: Option<[u8; 32]>,
}

/// The server's side, to the open record.
pub(crate) async fn serve<F>(
    wire: &mut Wire,
    side: ServerSide<'_>,
    look_up: impl FnOnce(Id) -> F,
) -> Result<(Channel, Id), Refused>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let ServerSide { clock, key, policy, rsa, binding } = side;
    let (mut state, m1) = Server::greet(key, policy, clock.tick());
    if let Some(e) = binding {
        state = state.bound_to(e);
    }
    let deadline = clock.instant(state.deadline());
    // A state that is given anything at its deadline answers that it is late, so nothing is given to it then.
    let late = |tick: Tick| clock.tick() >= tick;
    if wire.send(&m1, deadline).await.is_none() && !late(state.deadline()) {
        return Err(state.ended(clock.tick()).into());
    }
    let m2 = match wire.receive(deadline).await {
        Arrival::Message(m2) => m2,
        Arrival::Late => Vec::new(),
        Arrival::End => return Err(state.ended(clock.tick()).into()),
        Arrival::Fault(failure) => return Err(Refused::now(failure, clock)),
    };

    // spec: HS-070 (from here to M3 anything that arrives is out of turn, the end as well)
    let (mut m2, mut at) = (m2, clock.tick());
    let mut permit = core::pin::pin!(timeout_at(deadline, Arc::clone(rsa).acquire_owned()));
    let (mut intruder, permit) = tokio::select! {
        biased;
        arrival = wire.out_of_turn() => (Some(arrival), permit.await),
        permit = &mut permit => (None, permit),
    };
    if permit.is_err() {
        (m2, at) = (Vec::new(), clock.tick());
    }
    let work = spawn_blocking(move || {
        let _permit = permit;
        state.receive(&m2, at)
    });
    let lookup =
        beside(wire, work, &mut intruder).await.map_err(|_| Refused::now(BROKEN, clock))??;
    let mut answer = Answer::Failed;
    if intruder.is_none() {
        let answer_by = clock.instant(lookup.answer_deadline());
        // In a task of its own, so that a look-up that panics is one that failed.
        let task = Abort(tokio::spawn(look_up(lookup.claimed_id().clone())));
        tokio::select! {
            biased;
            arrival = wire.out_of_turn() => intruder = Some(arrival),
            answered = timeout_at(answer_by, task.wait()) => answer = answered.unwrap_or(Answer::Failed),
        }
    }
    match intruder {
        None | Some(Arrival::Late) => {}
        Some(Arrival::Message(_)) => return Err(lookup.interrupted().into()),
        Some(Arrival::End) => return Err(lookup.ended().into()),
        Some(Arrival::Fault(failure)) => return Err(Refused::now(failure, clock)),
    }
    let drawn = fresh::server().map_err(|_| Refused::now(NO_RANDOM, clock))?;
    let (state, m3) = lookup.decide(answer, drawn, now(), clock.tick())?;

    if wire.send(&m3, deadline).await.is_none() && !late(state.deadline()) {
        return Err(state.ended().into());
    }
    let mut open = match wire.receive(deadline).await {
        Arrival::Message(record) => record,
        Arrival::Late => Vec::new(),
        Arrival::End => return Err(state.ended().into()),
        Arrival::Fault(failure) => return Err(Refused::now(failure, clock)),
    };
    let established = state.receive(&mut open, clock.tick())?;
    // spec: FRAME-011 (it held until now)
    wire.incoming.established();
    Ok(established)
}

/// The client's side, to the open record. `keypair` is waited for when M1 has been accepted.
pub(crate) async fn connect(
    wire: &mut Wire,
    key: ClientKey,
    pin: Option<[u8; 32]>,
    keypair: impl Future<Output = Result<RsaPrivate, Failure>>,
    binding: Option<[u8; 32]>,
) -> Result<Channel, Failure> {
    let clock = Clock::start();
    let mut state = Client::connect(key, pin, clock.tick());
    if let Some(e) = binding {
        state = state.bound_to(e);
    }
    let m1 = match wire.receive(clock.instant(state.deadline())).await {
        Arrival::Message(m1) => m1,
        Arrival::Late => Vec::new(),
        Arrival::End => return Err(state.ended().into()),
        Arrival::Fault(failure) => return Err(failure),
    };
    let state = state.receive(&m1, clock.tick())?;

    let keypair = tokio::select! {
        biased;
        arrival = wire.out_of_turn() => return Err(match arrival {
            Arrival::Message(_) | Arrival::Late => state.interrupted().into(),
            Arrival::End => state.ended().into(),
            Arrival::Fault(failure) => failure,
        }),
        keypair = keypair => keypair?,
    };
    // spec: HS-027
    let drawn = fresh::client(keypair).map_err(|_| NO_RANDOM)?;
    let (state, m2) = state.request(drawn, now(), clock.tick())?;
    let deadline = clock.instant(state.deadline());
    if wire.send(&m2, deadline).await.is_none() && clock.tick() < state.deadline() {
        return Err(state.ended().into());
    }
    let m3 = match wire.receive(deadline).await {
        Arrival::Message(m3) => m3,
        Arrival::Late => Vec::new(),
        Arrival::End => return Err(state.ended().into()),
        Arrival::Fault(failure) => return Err(failure),
    };

    let at = clock.tick();
    let work = spawn_blocking(move || state.receive(&m3, at));
    // spec: HS-070 (M3 is answered by the open record)
    let mut intruder = None;
    let (channel, open) = beside(wire, work, &mut intruder).await.map_err(|_| BROKEN)??;
    let order = |requirement| Err(HandshakeError::Order { requirement }.into());
    match intruder {
        None => {}
        Some(Arrival::Message(_) | Arrival::Late) => return order("HS-070"),
        Some(Arrival::End) => return order("HS-073"),
        Some(Arrival::Fault(failure)) => return Err(failure),
    }
    // spec: HS-059
    match wire.send(&open, clock.instant(clock.tick().after(10_000))).await {
        // spec: CHAN-030
        None => Err(channel.end().check().err().map_or(Failure::Aborted, Failure::Channel)),
        Some(()) => {
            wire.incoming.established();
            Ok(channel)
        }
    }
}

const BROKEN: Failure = Failure::Internal("a task of the handshake panicked");
const NO_RANDOM: Failure = Failure::Internal("the random generator failed");

/// Waits for a task, and notes what arrives out of turn meanwhile.
async fn beside<T>(
    wire: &mut Wire,
    mut work: JoinHandle<T>,
    intruder: &mut Option<Arrival>,
) -> Result<T, JoinError> {
    if intruder.is_none() {
        tokio::select! {
            biased;
            arrival = wire.out_of_turn() => *intruder = Some(arrival),
            done = &mut work => return done,
        }
    }
    work.await
}

/// A task that ends when nobody waits for it any more.
struct Abort(JoinHandle<Answer>);

impl Abort {
    async fn wait(mut self) -> Answer {
        (&mut self.0).await.unwrap_or(Answer::Failed)
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}
