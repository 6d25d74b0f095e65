//! Chapter 6: framing.

mod message;
mod stream;

use serde_json::{Map, Value, json};

use super::family::{Family, hex};
use super::primitives::sha256;

/// The limit of a receiver that is not established.
const SMALL: u32 = 4_096;
/// The limit of one that is.
const LARGE: u32 = 1 << 24;

pub(crate) fn families() -> Vec<Family> {
    vec![stream::family(), message::websocket(), message::encode()]
}

/// A message as the stream carries it.
fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or_else(|_| unreachable!("a short message"));
    [&length.to_be_bytes()[..], message].concat()
}

/// The octets of a long message.
fn pattern(length: u32) -> Vec<u8> {
    let pattern = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
    let mut octets = pattern.repeat((length as usize).div_ceil(pattern.len()));
    octets.truncate(length as usize);
    octets
}

/// A long message, as `in` gives it.
fn repeated(length: u32) -> Value {
    json!({ "repeat": "0123456789abcdef", "length": length })
}

/// The same, as `out` gives it.
fn digested(length: u32) -> Value {
    let octets = pattern(length);
    if length <= SMALL {
        return hex(&octets);
    }
    json!({ "length": length, "sha256": hex::encode(sha256(&[&octets])) })
}

fn set(key: &'static str, value: Value) -> impl FnOnce(&mut Map<String, Value>) {
    move |input| {
        input.insert(key.to_owned(), value);
    }
}

fn messages(value: &[&[u8]]) -> Value {
    json!({ "messages": value.iter().map(|message| hex(message)).collect::<Vec<_>>() })
}
