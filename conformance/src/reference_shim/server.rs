//! `hs.server`: the server's part of a handshake, event by event.

use std::sync::Arc;

use secure_tunnel::RsaPrivate;
use secure_tunnel::error::HandshakeError;
use secure_tunnel::fresh;
use secure_tunnel::handshake::server::{
    Answer, AwaitOpen, AwaitRequest, Failure, Fresh, Lookup, Policy, Server,
};
use secure_tunnel::time::{Tick, UnixTime};
use serde_json::{Map, Value};

use super::handshake::{refusal, timeout};
use super::{Stop, fault, out};
use crate::shim_server::{Input, to_octets};

enum State {
    AwaitRequest(AwaitRequest),
    Lookup(Lookup),
    AwaitOpen(Box<AwaitOpen>),
    Established,
}

/// What the server has done so far.
struct Done {
    sent: Vec<Vec<u8>>,
    looked_up: Option<Vec<u8>>,
}

pub(super) fn run(key: Arc<RsaPrivate>, input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let k = input.array::<48>("k")?;
    let policy = if input.has("release_delay_ms") {
        let delay = input.integer("release_delay_ms")?;
        Policy::with_release_delay(delay).ok_or_else(|| fault("a delay of 10 s or more"))?
    } else {
        Policy::default()
    };
    let (state, m1) = Server::greet(key, policy, Tick(0));
    let mut state = State::AwaitRequest(state);
    let mut done = Done { sent: vec![m1], looked_up: None };
    for event in input.objects("events")? {
        let at = Tick(event.integer("at")?);
        match step(state, event, at, k, &mut done)? {
            Ok(next) => state = next,
            Err(Failure { error, release }) => {
                let mut out = done.out(false);
                if input.has("release_delay_ms") {
                    out.insert("release_at".to_owned(), release.max(at).0.into());
                }
                return Err(refusal(&error, out));
            }
        }
    }
    Ok(done.out(matches!(state, State::Established)))
}

/// One event. The outer error is the harness's fault, the inner one the reference's refusal.
fn step(
    state: State,
    event: Input<'_>,
    at: Tick,
    k: [u8; 48],
    done: &mut Done,
) -> Result<Result<State, Failure>, Stop> {
    // An adapter has a timer for the end of the delay, so that nothing else is seen at that time. spec: OBS-007
    let state = match state {
        State::Lookup(lookup)
            if (lookup.answer_deadline()..lookup.deadline()).contains(&at)
                && !event.has("lookup") =>
        {
            let drawn = fresh::server().map_err(|error| fault(error.to_string()))?;
            let failed = lookup.decide(Answer::Failed, drawn, UnixTime(0), at);
            return Ok(failed.map(|(state, _)| State::AwaitOpen(Box::new(state))));
        }
        state => state,
    };
    if event.has("receive") {
        let mut message = event.octets("receive")?;
        return Ok(match state {
            State::AwaitRequest(state) => state.receive(&message, at).map(|lookup| {
                done.looked_up = Some(lookup.claimed_id().as_str().as_bytes().to_vec());
                State::Lookup(lookup)
            }),
            State::Lookup(state) if at < state.deadline() => Err(state.interrupted()),
            State::Lookup(state) => Err(late(state.deadline(), state.ended())),
            State::AwaitOpen(state) => state.receive(&mut message, at).map(|_| State::Established),
            State::Established => return Err(fault("hs.server ends with the open record")),
        });
    }
    if event.has("lookup") {
        let State::Lookup(state) = state else {
            return Err(fault("a look-up that was not asked for"));
        };
        let answer = match event.value("lookup")?.as_str() {
            Some("unknown") => Answer::Unknown,
            Some("failed") => Answer::Failed,
            _ => Answer::from_stored(&event.object("lookup")?.octets("found")?),
        };
        let drawn = fresh::server().map_err(|error| fault(error.to_string()))?;
        let fresh = Fresh { secret: k.into(), ..drawn };
        let next = state.decide(answer, fresh, UnixTime(event.u64("now")?), at);
        return Ok(next.map(|(state, m3)| {
            done.sent.push(m3);
            State::AwaitOpen(Box::new(state))
        }));
    }
    let ended = event.has("end");
    Ok(match state {
        State::AwaitRequest(state) if at >= state.deadline() => {
            Err(late(state.deadline(), state.ended(at)))
        }
        State::Lookup(state) if at >= state.deadline() => {
            Err(late(state.deadline(), state.ended()))
        }
        State::AwaitOpen(state) if at >= state.deadline() => {
            Err(late(state.deadline(), state.ended()))
        }
        State::AwaitRequest(state) if ended => Err(state.ended(at)),
        State::Lookup(state) if ended => Err(state.ended()),
        State::AwaitOpen(state) if ended => Err(state.ended()),
        state => Ok(state),
    })
}

/// The failure of a server that finds its deadline past; it is released no earlier than any other.
fn late(deadline: Tick, ended: Failure) -> Failure {
    let error: HandshakeError = timeout(deadline, "HS-062");
    Failure { error, ..ended }
}

impl Done {
    fn out(&self, established: bool) -> Map<String, Value> {
        out([
            ("sent", self.sent.iter().map(|message| to_octets(message)).collect()),
            ("looked_up", self.looked_up.as_deref().map_or(Value::Null, to_octets)),
            ("established", established.into()),
        ])
    }
}
