//! `chan.session`: one party's channel, event by event.

use secure_tunnel::channel::{Channel, Ending, Opened};
use secure_tunnel::error::{ChannelError, Diagnostic};
use secure_tunnel::hazmat::{self, At, ServerAwaitingOpen};
use serde_json::{Map, Value, json};

use super::channel::export_buffer;
use super::{Stop, fault, out, rejected};
use crate::shim_server::{BadInput, Input, to_octets};

enum State {
    /// A server before the open record. It has nothing that could seal or export.
    Awaiting(ServerAwaitingOpen),
    Open(Channel),
    /// Failed before it was established, or ended.
    Gone,
}

/// What went wrong with an event: an error of the reference, or a state in which there is none to ask.
enum Refused {
    By(ChannelError),
    NotEstablished,
}

pub(super) fn run(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let client = match input.word("role")? {
        "client" => true,
        "server" => false,
        other => return Err(BadInput(format!("no role {other}")).into()),
    };
    let mut results = Vec::new();
    let mut state = begin(client, input.object("start")?, &mut results)?;
    for event in input.objects("events")? {
        let (next, result) = step(state, event)?;
        state = next;
        results.push(result.unwrap_or_else(|refused| refused.result()));
    }
    Ok(out([("results", results.into())]))
}

fn begin(client: bool, start: Input<'_>, results: &mut Vec<Value>) -> Result<State, Stop> {
    if !start.has("m1") {
        let at = |name| -> Result<At, BadInput> {
            let direction = start.object(name)?;
            Ok((direction.array("chain")?, direction.u64("n")?))
        };
        let prk = start.array("prk")?;
        return Ok(State::Open(hazmat::channel_at(client, &prk, at("c2s")?, at("s2c")?)));
    }
    let [m1, m2, m3] = ["m1", "m2", "m3"].map(|name| start.octets(name));
    let (m1, m2, m3, k) = (m1?, m2?, m3?, start.array::<48>("k")?.into());
    if !client {
        return Ok(State::Awaiting(ServerAwaitingOpen::new(&m1, &m2, &m3, k)));
    }
    let (channel, open) =
        hazmat::client_channel(&m1, &m2, &m3, k).map_err(|error| rejected(&error))?;
    results.push(json!({"record": to_octets(&open)}));
    Ok(State::Open(channel))
}

/// One event: the state after it, and its result.
fn step(state: State, event: Input<'_>) -> Result<(State, Result<Value, Refused>), Stop> {
    if event.has("end") {
        let ending = match state {
            State::Open(channel) => channel.end(),
            State::Awaiting(_) | State::Gone => Ending::Truncated,
        };
        let ending = if ending == Ending::Clean { "clean" } else { "truncated" };
        return Ok((State::Gone, Ok(json!({"end": ending}))));
    }
    match state {
        State::Open(mut channel) => {
            let result = with_channel(&mut channel, event)?;
            Ok((State::Open(channel), result.map_err(Refused::By)))
        }
        State::Awaiting(awaiting) if event.has("receive") => {
            let opened = awaiting.receive(&mut event.octets("receive")?);
            Ok(match opened {
                Ok(channel) => (State::Open(channel), Ok(json!({"open": true}))),
                Err(error) => (State::Gone, Err(Refused::By(error))),
            })
        }
        _ if event.has("transport_failed") => Ok((State::Gone, Ok(json!({"dead": true})))),
        state @ State::Awaiting(_) => Ok((state, Err(Refused::NotEstablished))),
        State::Gone => Ok((State::Gone, Err(Refused::By(ChannelError::Dead)))),
    }
}

fn with_channel(
    channel: &mut Channel,
    event: Input<'_>,
) -> Result<Result<Value, ChannelError>, Stop> {
    let mut record = Vec::new();
    Ok(if event.has("send") {
        let sealed = channel.seal(&event.octets("send")?, &mut record);
        sealed.map(|()| json!({"record": to_octets(&record)}))
    } else if event.has("close") {
        channel.close(&mut record).map(|()| json!({"record": to_octets(&record)}))
    } else if event.has("receive") {
        let mut record = event.octets("receive")?;
        match channel.open(&mut record) {
            Ok(Opened::Data(payload)) => Ok(json!({"data": to_octets(payload)})),
            Ok(Opened::Close) => Ok(json!({"close": true})),
            Ok(_) => return Err(fault("a record of a kind that version 1 does not have")),
            Err(error) => Err(error),
        }
    } else if event.has("export") {
        let request = event.object("export")?;
        let mut octets = export_buffer(request)?;
        channel
            .export(&request.octets("label")?, &request.octets("context")?, &mut octets)
            .map(|()| json!({"octets": to_octets(&octets)}))
    } else if event.has("transport_failed") {
        channel.transport_failed();
        Ok(json!({"dead": true}))
    } else {
        return Err(fault("an event of no known kind"));
    })
}

impl Refused {
    fn result(self) -> Value {
        let (class, code) = match &self {
            Self::By(error) => (error.class().name(), error.code()),
            Self::NotEstablished => ("state", "not_established"),
        };
        json!({"error": {"class": class, "code": code}})
    }
}
