//! `hs.client`: the client's part of a handshake, event by event.

use secure_tunnel::RsaPrivate;
use secure_tunnel::credentials::ClientKey;
use secure_tunnel::error::HandshakeError;
use secure_tunnel::fresh;
use secure_tunnel::handshake::client::{AwaitReply, AwaitServerKey, Client, Fresh, MakeRequest};
use secure_tunnel::time::{Tick, UnixTime};
use serde_json::{Map, Value};

use super::handshake::{refusal, timeout};
use super::{Stop, fault, out, rejected};
use crate::shim_server::{Input, to_octets};

enum State {
    AwaitServerKey(AwaitServerKey),
    MakeRequest(MakeRequest),
    AwaitReply(Box<AwaitReply>),
    Established,
}

struct Party {
    state: State,
    private_key: Vec<u8>,
    r: [u8; 14],
    sent: Vec<Vec<u8>>,
}

pub(super) fn run(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let key = ClientKey::parse(&input.octets("client_key")?).map_err(|error| rejected(&error))?;
    let pin = input.has("pin").then(|| input.array("pin")).transpose()?;
    let mut party = Party {
        state: State::AwaitServerKey(Client::connect(key, pin, Tick(0))),
        private_key: input.octets("private_key")?,
        r: input.array("r")?,
        sent: Vec::new(),
    };
    for event in input.objects("events")? {
        let at = Tick(event.integer("at")?);
        let Party { state, private_key, r, sent } = party;
        let next = step(state, event, at, |now| fresh(&private_key, r, now))?;
        match next {
            Ok((state, message)) => {
                let sent = sent.into_iter().chain(message).collect();
                party = Party { state, private_key, r, sent };
            }
            Err(error) => return Err(refusal(&error, done(&sent, false))),
        }
    }
    Ok(done(&party.sent, matches!(party.state, State::Established)))
}

type Next = Result<(State, Option<Vec<u8>>), HandshakeError>;

/// One event. The outer error is the harness's fault, the inner one the reference's refusal.
fn step(
    state: State,
    event: Input<'_>,
    at: Tick,
    fresh: impl FnOnce(u64) -> Result<(Fresh, UnixTime), Stop>,
) -> Result<Next, Stop> {
    if event.has("receive") {
        let message = event.octets("receive")?;
        return Ok(match state {
            State::AwaitServerKey(state) => {
                state.receive(&message, at).map(|state| (State::MakeRequest(state), None))
            }
            State::MakeRequest(state) => Err(state.interrupted()),
            State::AwaitReply(state) => {
                state.receive(&message, at).map(|(_, open)| (State::Established, Some(open)))
            }
            State::Established => return Err(fault("hs.client ends with M3")),
        });
    }
    if event.has("request") {
        let State::MakeRequest(state) = state else {
            return Err(fault("the request comes after M1"));
        };
        let (fresh, now) = fresh(event.object("request")?.u64("now")?)?;
        let next = state.request(fresh, now, at);
        return Ok(next.map(|(state, m2)| (State::AwaitReply(Box::new(state)), Some(m2))));
    }
    let late = match &state {
        State::AwaitServerKey(state) => Some((state.deadline(), "HS-060")),
        State::AwaitReply(state) => Some((state.deadline(), "HS-061")),
        State::MakeRequest(_) | State::Established => None,
    }
    .filter(|(deadline, _)| at >= *deadline);
    if let Some((deadline, requirement)) = late {
        return Ok(Err(timeout(deadline, requirement)));
    }
    Ok(match state {
        state if !event.has("end") => Ok((state, None)),
        State::AwaitServerKey(state) => Err(state.ended()),
        State::MakeRequest(state) => Err(state.ended()),
        State::AwaitReply(state) => Err(state.ended()),
        State::Established => Ok((State::Established, None)),
    })
}

/// The key pair and r of the request; the OAEP seed is drawn.
fn fresh(private_key: &[u8], r: [u8; 14], now: u64) -> Result<(Fresh, UnixTime), Stop> {
    // Parsed each time: a client's key pair serves one connection (HS-074), so it is given away.
    let keypair = RsaPrivate::from_pkcs8(private_key).map_err(|error| fault(error.to_string()))?;
    let drawn = fresh::client(keypair).map_err(|error| fault(error.to_string()))?;
    Ok((Fresh { r: r.into(), ..drawn }, UnixTime(now)))
}

fn done(sent: &[Vec<u8>], established: bool) -> Map<String, Value> {
    out([
        ("sent", sent.iter().map(|message| to_octets(message)).collect()),
        ("established", established.into()),
    ])
}
