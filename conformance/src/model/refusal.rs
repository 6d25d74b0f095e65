//! How an operation of the model ends when it does not succeed.

use serde_json::{Map, Value};

use crate::shim_server::{BadInput, Outcome, Rejection};

/// The result of an operation, or of a step of one.
pub(super) type Result<T> = std::result::Result<T, Refusal>;

/// Why an operation stopped.
#[derive(Debug, Clone)]
pub(super) enum Refusal {
    /// A check refused: its code in the registry, for tokens the status, for parties what was done before.
    Check { code: &'static str, status: Option<Option<u16>>, out: Option<Map<String, Value>> },
    /// No check was meant for this.
    Fault(String),
}

/// A check of the protocol refused, as `code` of the registry.
pub(super) fn check(code: &'static str) -> Refusal {
    Refusal::Check { code, status: None, out: None }
}

/// A check of tokens refused, with the status that the peer is to see.
pub(super) fn peer(code: &'static str, status: u16) -> Refusal {
    Refusal::Check { code, status: Some(Some(status)), out: None }
}

/// The caller of a token operation asked for what cannot be done.
pub(super) fn caller(code: &'static str) -> Refusal {
    Refusal::Check { code, status: Some(None), out: None }
}

/// A failure that no check was meant for.
pub(super) fn fault(native: impl Into<String>) -> Refusal {
    Refusal::Fault(native.into())
}

/// Panics, without the message on standard error.
pub(super) fn trap(text: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(text))
}

impl Refusal {
    /// The same refusal, with what was done before it.
    pub(super) fn with_out(self, done: Map<String, Value>) -> Self {
        match self {
            Self::Check { code, status, .. } => Self::Check { code, status, out: Some(done) },
            Self::Fault(native) => Self::Fault(native),
        }
    }
}

impl From<BadInput> for Refusal {
    fn from(bad: BadInput) -> Self {
        Self::Fault(bad.to_string())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Check { code, status, out } => Self::Reject(Rejection {
                class: class(code),
                code,
                status,
                native: code.to_owned(),
                out,
            }),
            Refusal::Fault(native) => Self::Fault { native },
        }
    }
}

/// The class of a code: the registry, "error classes and codes".
pub(crate) fn class(code: &str) -> &'static str {
    match code {
        "malformed" | "unknown_type" | "control_payload" | "early_end" | "text_message"
        | "server_id_encoding" | "challenge_length" | "body_length" | "body_time" => "encoding",
        "bad_key" | "public_key_length" | "key_mismatch" => "key",
        "decrypt" | "unknown_id" | "wrong_password" | "pin" | "open_failed"
        | "client_signature" | "server_signature" => "auth",
        "binding"
        | "nonce"
        | "challenge_type"
        | "challenge_key"
        | "wrong_type"
        | "public_key_mismatch" => "binding",
        "stale" | "timeout" | "future" | "expired" => "freshness",
        "order" | "missing_open" | "unexpected_open" | "after_close" | "dead" | "closed"
        | "not_established" => "state",
        "record_length" | "exhausted" | "payload_too_long" | "label_length" | "output_length"
        | "zero_length" | "too_long" | "invalid_time" | "invalid_ttl" => "limit",
        _ => "internal", // lookup_failed
    }
}
