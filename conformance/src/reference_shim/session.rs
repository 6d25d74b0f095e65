//! `chan.session`: one party's channel, event by event.

use secure_tunnel::channel::{Channel, Ending, Exporter, Opened, Opener, Sealer};
use secure_tunnel::error::{ChannelError, Diagnostic};
use secure_tunnel::hazmat::{self, At, ServerAwaitingOpen};
use serde_json::{Map, Value, json};

use super::channel::export_buffer;
use super::{Stop, fault, out, rejected};
use crate::shim_server::{BadInput, Input, to_octets};

enum State {
    /// A server before the open record. It has nothing that could seal or export.
    Awaiting(Box<ServerAwaitingOpen>),
    Open(Box<Parts>),
    /// Failed before it was established, or truncated.
    Gone,
}

/// The parts of a channel, held apart so that the end of the transport can take the opener alone.
struct Parts {
    sealer: Sealer,
    /// Nothing after a clean end.
    opener: Option<Opener>,
    exporter: Exporter,
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
        return Ok(State::open(hazmat::channel_at(client, &prk, at("c2s")?, at("s2c")?)));
    }
    let [m1, m2, m3] = ["m1", "m2", "m3"].map(|name| start.octets(name));
    let (m1, m2, m3, k) = (m1?, m2?, m3?, start.array::<48>("k")?.into());
    if !client {
        return Ok(State::Awaiting(Box::new(ServerAwaitingOpen::new(&m1, &m2, &m3, k))));
    }
    let (channel, open) =
        hazmat::client_channel(&m1, &m2, &m3, k).map_err(|error| rejected(&error))?;
    results.push(json!({"record": to_octets(&open)}));
    Ok(State::open(channel))
}

/// One event: the state after it, and its result.
fn step(state: State, event: Input<'_>) -> Result<(State, Result<Value, Refused>), Stop> {
    let end = event.has("end");
    match state {
        State::Open(mut parts) if end => {
            Ok(match parts.opener.take().map(Opener::transport_ended) {
                Some(Ending::Truncated) => (State::Gone, Ok(json!({"end": "truncated"}))),
                Some(Ending::Clean) | None => (State::Open(parts), Ok(json!({"end": "clean"}))),
            })
        }
        State::Open(mut parts) => {
            let result = parts.step(event)?;
            Ok((State::Open(parts), result.map_err(Refused::By)))
        }
        State::Awaiting(awaiting) if event.has("receive") => {
            let opened = awaiting.receive(&mut event.octets("receive")?);
            Ok(match opened {
                Ok(channel) => (State::open(channel), Ok(json!({"open": true}))),
                Err(error) => (State::Gone, Err(Refused::By(error))),
            })
        }
        State::Awaiting(_) | State::Gone if end => {
            Ok((State::Gone, Ok(json!({"end": "truncated"}))))
        }
        _ if event.has("transport_failed") => Ok((State::Gone, Ok(json!({"dead": true})))),
        state @ State::Awaiting(_) => Ok((state, Err(Refused::NotEstablished))),
        State::Gone => Ok((State::Gone, Err(Refused::By(ChannelError::Dead)))),
    }
}

impl State {
    fn open(channel: Channel) -> Self {
        let (sealer, opener, exporter) = channel.split();
        Self::Open(Box::new(Parts { sealer, opener: Some(opener), exporter }))
    }
}

impl Parts {
    fn step(&mut self, event: Input<'_>) -> Result<Result<Value, ChannelError>, Stop> {
        let mut record = Vec::new();
        Ok(if event.has("send") {
            let sealed = self.sealer.seal(&event.octets("send")?, &mut record);
            sealed.map(|()| json!({"record": to_octets(&record)}))
        } else if event.has("close") {
            self.sealer.close(&mut record).map(|()| json!({"record": to_octets(&record)}))
        } else if event.has("receive") {
            let mut record = event.octets("receive")?;
            match self.opener.as_mut().map(|opener| opener.open(&mut record)) {
                Some(Ok(Opened::Data(payload))) => Ok(json!({"data": to_octets(payload)})),
                Some(Ok(Opened::Close)) => Ok(json!({"close": true})),
                Some(Ok(_)) => return Err(fault("a record of a kind that version 1 lacks")),
                Some(Err(error)) => Err(error),
                None => return Err(fault("a record after the end of the transport")),
            }
        } else if event.has("export") {
            let request = event.object("export")?;
            let mut octets = export_buffer(request)?;
            self.exporter
                .export(&request.octets("label")?, &request.octets("context")?, &mut octets)
                .map(|()| json!({"octets": to_octets(&octets)}))
        } else if event.has("transport_failed") {
            self.sealer.transport_failed();
            Ok(json!({"dead": true}))
        } else {
            return Err(fault("an event of no known kind"));
        })
    }
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
