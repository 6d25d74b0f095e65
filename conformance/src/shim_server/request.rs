//! Requests: what is read of a line, and what is ignored.

use std::io;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{PROTOCOL, invalid};
use crate::object::{self, Object};

/// A line from the harness. Fields that it does not have are not looked at, whatever their values.
#[derive(Debug)]
pub(super) enum Request {
    /// The first line; [`PROTOCOL`] is among its versions.
    Hello,
    Run(Run),
    Reset {
        id: u64,
    },
    Bye,
}

/// Asks for one operation.
#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) id: u64,
    pub(super) op: String,
    #[serde(rename = "in")]
    pub(super) input: Map<String, Value>,
}

impl Request {
    /// Reads a line without its LF.
    pub(super) fn parse(line: &[u8]) -> io::Result<Request> {
        // What is ignored is not checked by the JSON reader, but has to be UTF-8 too.
        let line = std::str::from_utf8(line).map_err(|error| invalid(&error.to_string()))?;
        let Tag { kind } = read(line)?;
        match kind.as_str() {
            "hello" => {
                let Offer { protocol: Range { min, max } } = read(line)?;
                if !(min..=max).contains(&PROTOCOL) {
                    return Err(invalid("no version of the protocol in common"));
                }
                Ok(Request::Hello)
            }
            "run" => read(line).map(Request::Run),
            "reset" => read(line).map(|Reset { id }| Request::Reset { id }),
            "bye" => Ok(Request::Bye),
            _ => Err(invalid("a line of unknown type")),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(line: &'a str) -> io::Result<T> {
    let Object(request) =
        serde_json::from_str(line).map_err(|error| invalid(&error.to_string()))?;
    Ok(request)
}

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Offer {
    #[serde(deserialize_with = "object::field")]
    protocol: Range,
}

#[derive(Deserialize)]
struct Range {
    min: u64,
    max: u64,
}

#[derive(Deserialize)]
struct Reset {
    id: u64,
}
