//! Events of a handshake as the shim protocol writes them.

use serde_json::{Value, json};

use crate::build::family::{hex, u64_};

pub(super) fn receive(at: u64, message: &[u8]) -> Value {
    json!({ "at": at, "receive": hex(message) })
}

pub(super) fn request(at: u64, now: u64) -> Value {
    json!({ "at": at, "request": { "now": u64_(now) } })
}

pub(super) fn found(at: u64, server_key: &[u8], now: u64) -> Value {
    json!({ "at": at, "lookup": { "found": hex(server_key) }, "now": u64_(now) })
}

/// `answer` is `unknown` or `failed`.
pub(super) fn no_key(at: u64, answer: &str, now: u64) -> Value {
    json!({ "at": at, "lookup": answer, "now": u64_(now) })
}

pub(super) fn wake(at: u64) -> Value {
    json!({ "at": at, "wake": true })
}

pub(super) fn end(at: u64) -> Value {
    json!({ "at": at, "end": true })
}
