//! Operations of area frame.

use secure_tunnel::error::FrameError;
use secure_tunnel::framing::{Deframer, Limit, check_websocket, encode_frame};
use serde_json::{Map, Value};

use super::{Stop, out, rejected};
use crate::shim_server::{Input, octets_of, to_octets};

/// The messages taken so far, and the number after which the receiver is established.
struct Taken {
    messages: Vec<Value>,
    established_after: Option<u64>,
}

impl Taken {
    fn new(input: Input<'_>) -> Result<Self, Stop> {
        let never = input.value("established_after")?.is_null();
        let established_after = (!never).then(|| input.integer("established_after")).transpose()?;
        Ok(Self { messages: Vec::new(), established_after })
    }

    fn limit(&self) -> Limit {
        let count = self.messages.len() as u64;
        match self.established_after {
            Some(after) if count >= after => Limit::Established,
            _ => Limit::Handshake,
        }
    }

    fn finish(self, result: Result<(), FrameError>) -> Result<Map<String, Value>, Stop> {
        let done = out([("messages", self.messages.into())]);
        match result {
            Ok(()) => Ok(done),
            Err(error) => Err(rejected(&error).with_out(done)),
        }
    }
}

pub(super) fn stream(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let mut taken = Taken::new(input)?;
    let mut deframer = Deframer::new();
    deframer.set_limit(taken.limit());
    for read in input.list("reads")? {
        let read = octets_of(read)?;
        let mut rest = &read[..];
        while !rest.is_empty() {
            match deframer.push(rest) {
                Ok((used, message)) => {
                    rest = &rest[used..];
                    taken.messages.extend(message.map(|message| to_octets(&message)));
                    deframer.set_limit(taken.limit());
                }
                Err(error) => return taken.finish(Err(error)),
            }
        }
    }
    let result = if input.boolean("end")? { deframer.finish() } else { Ok(()) };
    taken.finish(result)
}

pub(super) fn websocket(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let mut taken = Taken::new(input)?;
    for message in input.objects("messages")? {
        let binary = !message.has("text");
        let octets = message.octets(if binary { "binary" } else { "text" })?;
        if let Err(error) = check_websocket(binary, octets.len(), taken.limit()) {
            return taken.finish(Err(error));
        }
        taken.messages.push(to_octets(&octets));
    }
    taken.finish(Ok(()))
}

pub(super) fn encode(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let established = input.boolean("peer_established")?;
    let limit = if established { Limit::Established } else { Limit::Handshake };
    let mut frame = Vec::new();
    encode_frame(&input.octets("message")?, limit, &mut frame).map_err(|error| rejected(&error))?;
    Ok(out([("frame", to_octets(&frame))]))
}
