//! `chan.session`: one party's channel, event by event.
//!
//! The reference offers a channel as a whole and in parts. Every session is run in both forms, and they have
//! to do the same.

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
    Open(Box<Held>),
    /// Failed before it was established, or truncated.
    Gone,
}

/// In which form the channel is held.
#[derive(Clone, Copy)]
enum Form {
    Whole,
    Parts,
}

/// An established channel.
enum Held {
    Whole(Channel, Closed),
    /// Held apart so that the end of the transport can take the opener alone.
    Parts {
        sealer: Sealer,
        /// Nothing after a clean end.
        opener: Option<Opener>,
        exporter: Exporter,
    },
}

/// Which sides of a channel have ended, by what its events gave.
#[derive(Default)]
struct Closed {
    ours: bool,
    theirs: bool,
}

/// What went wrong with an event: an error of the reference, or a state in which there is none to ask.
enum Refused {
    By(ChannelError),
    NotEstablished,
}

pub(super) fn run(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let whole = run_as(Form::Whole, input)?;
    let parts = run_as(Form::Parts, input)?;
    if whole != parts {
        return Err(fault(format!("the whole gives {whole:?}, its parts give {parts:?}")));
    }
    Ok(parts)
}

fn run_as(form: Form, input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let client = match input.word("role")? {
        "client" => true,
        "server" => false,
        other => return Err(BadInput(format!("no role {other}")).into()),
    };
    let mut results = Vec::new();
    let mut state = begin(form, client, input.object("start")?, &mut results)?;
    let mut events = input.objects("events")?.into_iter().peekable();
    while let Some(event) = events.next() {
        let (next, result) = step(form, state, event, events.peek().is_none())?;
        state = next;
        results.push(result.unwrap_or_else(|refused| refused.result()));
    }
    Ok(out([("results", results.into())]))
}

fn begin(
    form: Form,
    client: bool,
    start: Input<'_>,
    results: &mut Vec<Value>,
) -> Result<State, Stop> {
    if !start.has("m1") {
        let at = |name| -> Result<At, BadInput> {
            let direction = start.object(name)?;
            Ok((direction.array("chain")?, direction.u64("n")?))
        };
        let prk = start.array("prk")?;
        let channel = hazmat::channel_at(client, &prk, at("c2s")?, at("s2c")?);
        return Ok(State::open(form, channel));
    }
    let [m1, m2, m3] = ["m1", "m2", "m3"].map(|name| start.octets(name));
    let (m1, m2, m3, k) = (m1?, m2?, m3?, start.array::<48>("k")?.into());
    if !client {
        return Ok(State::Awaiting(Box::new(ServerAwaitingOpen::new(&m1, &m2, &m3, k))));
    }
    let (channel, open) =
        hazmat::client_channel(&m1, &m2, &m3, k).map_err(|error| rejected(&error))?;
    results.push(json!({"record": to_octets(&open)}));
    Ok(State::open(form, channel))
}

/// One event: the state after it, and its result.
fn step(
    form: Form,
    state: State,
    event: Input<'_>,
    last: bool,
) -> Result<(State, Result<Value, Refused>), Stop> {
    let end = event.has("end");
    match state {
        State::Open(held) if end => {
            let (ending, held) = held.end(last);
            Ok(match ending.check() {
                Err(_) => (State::Gone, Ok(json!({"end": "truncated"}))),
                Ok(()) => (held, Ok(json!({"end": "clean"}))),
            })
        }
        State::Open(mut held) => {
            let result = held.step(event)?;
            held.check_finished(event, &result)?;
            Ok((State::Open(held), result.map_err(Refused::By)))
        }
        State::Awaiting(awaiting) if event.has("receive") => {
            let opened = awaiting.receive(&mut event.octets("receive")?);
            Ok(match opened {
                Ok(channel) => (State::open(form, channel), Ok(json!({"open": true}))),
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
    fn open(form: Form, channel: Channel) -> Self {
        Self::Open(Box::new(match form {
            Form::Whole => Held::Whole(channel, Closed::default()),
            Form::Parts => Held::parts_of(channel),
        }))
    }
}

impl Held {
    fn parts_of(channel: Channel) -> Self {
        let (sealer, opener, exporter) = channel.split();
        Self::Parts { sealer, opener: Some(opener), exporter }
    }

    /// How the peer's side ended, and the state after a clean end. A whole channel ends with its transport: if
    /// the `last` event is not reached yet, its parts live on.
    fn end(self, last: bool) -> (Ending, State) {
        match self {
            Self::Whole(channel, _) if last => (channel.end(), State::Gone),
            Self::Whole(channel, _) => Self::parts_of(channel).end(last),
            Self::Parts { sealer, opener, exporter } => {
                let ending = opener.map_or(Ending::Clean, Opener::transport_ended);
                let rest = Self::Parts { sealer, opener: None, exporter };
                (ending, State::Open(Box::new(rest)))
            }
        }
    }

    /// Whether a whole channel asks for the end of the transport exactly when both sides have closed or it is
    /// dead (CHAN-036).
    fn check_finished(
        &mut self,
        event: Input<'_>,
        result: &Result<Value, ChannelError>,
    ) -> Result<(), Stop> {
        let Self::Whole(channel, closed) = self else { return Ok(()) };
        let failed = event.has("receive") && result.is_err() || event.has("transport_failed");
        closed.ours |= failed || event.has("close") && result.is_ok();
        closed.theirs |= failed || result.as_ref().is_ok_and(|value| value.get("close").is_some());
        if channel.is_finished() != (closed.ours && closed.theirs) {
            return Err(fault(format!(
                "is_finished is {} after {result:?}",
                channel.is_finished()
            )));
        }
        Ok(())
    }

    fn step(&mut self, event: Input<'_>) -> Result<Result<Value, ChannelError>, Stop> {
        let mut record = Vec::new();
        Ok(if event.has("send") {
            let payload = event.octets("send")?;
            let sealed = match self {
                Self::Whole(channel, _) => channel.seal(&payload, &mut record),
                Self::Parts { sealer, .. } => {
                    // One octet for the type and 16 for the tag.
                    record = [&[0], &payload[..], &[0; 16]].concat();
                    sealer.seal_in_place(&mut record)
                }
            };
            sealed.map(|()| json!({"record": to_octets(&record)}))
        } else if event.has("close") {
            let sealed = match self {
                Self::Whole(channel, _) => channel.close(&mut record),
                Self::Parts { sealer, .. } => sealer.close(&mut record),
            };
            sealed.map(|()| json!({"record": to_octets(&record)}))
        } else if event.has("receive") {
            let mut record = event.octets("receive")?;
            let opened = match self {
                Self::Whole(channel, _) => channel.open(&mut record),
                Self::Parts { opener: Some(opener), .. } => opener.open(&mut record),
                Self::Parts { opener: None, .. } => {
                    return Err(fault("a record after the end of the transport"));
                }
            };
            match opened {
                Ok(Opened::Data(payload)) => Ok(json!({"data": to_octets(payload)})),
                Ok(Opened::Close) => Ok(json!({"close": true})),
                Ok(_) => return Err(fault("a record of a kind that version 1 lacks")),
                Err(error) => Err(error),
            }
        } else if event.has("export") {
            let request = event.object("export")?;
            let (label, context) = (request.octets("label")?, request.octets("context")?);
            let mut octets = export_buffer(request)?;
            let exported = match self {
                Self::Whole(channel, _) => channel.export(&label, &context, &mut octets),
                Self::Parts { exporter, .. } => exporter.export(&label, &context, &mut octets),
            };
            exported.map(|()| json!({"octets": to_octets(&octets)}))
        } else if event.has("transport_failed") {
            match self {
                Self::Whole(channel, _) => channel.transport_failed(),
                Self::Parts { sealer, .. } => sealer.transport_failed(),
            }
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
