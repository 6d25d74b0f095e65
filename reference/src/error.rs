//! Every way to fail, one enum per area: its class, its stable code, the requirement it enforces.
//!
//! All of this is for the local side only. Nothing of it is ever sent to a peer, and no text shows secret
//! octets.

use crate::time::{Tick, UnixTime};
use crate::wire::DecodeError;

/// The coarse kind of a failure; the registry of the specification lists the codes below each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// Octets that are not an encoding of anything.
    Encoding,
    /// A key that is not acceptable.
    Key,
    /// An algorithm that is not acceptable.
    Algorithm,
    /// A proof that does not hold.
    Auth,
    /// A time outside its window.
    Freshness,
    /// A value that belongs to another exchange, key or purpose.
    Binding,
    /// A message or call that has no place now.
    State,
    /// A length, number or time out of range.
    Limit,
    /// A certificate or TLS failure.
    Tls,
    /// A failure on this side, such as of the credential store.
    Internal,
}

impl Class {
    /// Name of the class in vectors and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::Key => "key",
            Self::Algorithm => "algorithm",
            Self::Auth => "auth",
            Self::Freshness => "freshness",
            Self::Binding => "binding",
            Self::State => "state",
            Self::Limit => "limit",
            Self::Tls => "tls",
            Self::Internal => "internal",
        }
    }
}

/// What every error of this crate can tell about itself.
// spec: CONV-009
pub trait Diagnostic: core::error::Error {
    /// The coarse kind.
    fn class(&self) -> Class;
    /// The stable name of the failure within its area.
    fn code(&self) -> &'static str;
    /// The id of the requirement that was enforced, `HS-014` for one.
    fn requirement(&self) -> &'static str;
}

/// Declares an error enum from one row per variant: fields, then class, code, requirement and text.
macro_rules! diagnostics {
    ($(#[$enum_doc:meta])* $name:ident: $(
        $(#[$doc:meta])*
        $variant:ident $({ $($field:ident: $type:ty),* })?
            => $class:expr, $code:expr, $requirement:expr, $text:literal;
    )*) => {
        $(#[$enum_doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        #[allow(missing_docs)] // of the fields: each is what its name says, in the unit of its type
        pub enum $name {
            $($(#[$doc])* $variant $({ $($field: $type),* })?,)*
        }

        #[allow(unused_variables)] // a row need not use its fields in each of its columns
        impl Diagnostic for $name {
            fn class(&self) -> Class {
                match self { $(Self::$variant $({ $($field),* })? => $class,)* }
            }

            fn code(&self) -> &'static str {
                match self { $(Self::$variant $({ $($field),* })? => $code,)* }
            }

            fn requirement(&self) -> &'static str {
                match self { $(Self::$variant $({ $($field),* })? => $requirement,)* }
            }
        }

        #[allow(unused_variables)]
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self { $(Self::$variant $({ $($field),* })? => write!(f, $text),)* }
            }
        }

        impl core::error::Error for $name {}
    };
}

diagnostics! {
    /// Failures of credential strings.
    CredentialError:

    /// An id, password, clientKey or serverKey that is not one.
    Malformed { source: DecodeError }
        => Class::Encoding, "malformed", source.requirement, "malformed credential: {source}";
}

diagnostics! {
    /// Failures of a handshake. A failed handshake is dead for good.
    HandshakeError:

    /// A fault of form in M2, P1, M3 or P3.
    Malformed { source: DecodeError }
        => Class::Encoding, "malformed", source.requirement, "malformed: {source}";
    /// An RSA public key that is not acceptable.
    BadKey { source: DecodeError }
        => Class::Key, "bad_key", source.requirement, "bad RSA public key: {source}";
    /// An RSA ciphertext that does not open; why is not told.
    Decrypt { requirement: &'static str }
        => Class::Auth, "decrypt", requirement, "RSAES-OAEP ciphertext does not open";
    /// C1 was made for another pair of RSA keys.
    Binding
        => Class::Binding, "binding", "HS-036", "nonce is not bound to these two RSA keys";
    /// The credential store failed, or answered after the release delay.
    LookupFailed { requirement: &'static str }
        => Class::Internal, "lookup_failed", requirement, "credential look-up failed";
    /// There is no serverKey for the id.
    UnknownId
        => Class::Auth, "unknown_id", "HS-043", "id has no serverKey";
    /// The peer's password does not match the digest held here.
    WrongPassword { requirement: &'static str }
        => Class::Auth, "wrong_password", requirement, "password does not match its digest";
    /// The peer's time is too far from ours.
    Stale { theirs: UnixTime, ours: UnixTime, limit: u64, requirement: &'static str }
        => Class::Freshness, "stale", requirement,
           "expected a time within {limit} s of {ours}, found {theirs}";
    /// The nonce in M3 is not the one sent in M2.
    Nonce
        => Class::Binding, "nonce", "HS-057", "nonce is not the one sent";
    /// The peer's message came at the deadline or later, or not at all.
    Timeout { deadline: Tick, requirement: &'static str }
        => Class::Freshness, "timeout", requirement, "expected a message before tick {deadline}";
    /// A message, or the end of the transport, that has no place now.
    Order { requirement: &'static str }
        => Class::State, "order", requirement, "message or end of the transport out of order";
    /// M1 is not the message whose SHA-256 the client was given.
    Pin
        => Class::Auth, "pin", "HS-020", "SHA-256 of M1 is not the pin";
    /// The client's first record is not an open record.
    Open { source: ChannelError }
        => source.class(), source.code(), source.requirement(), "record 0: {source}";
}

diagnostics! {
    /// Failures and caller errors of an established channel.
    ChannelError:

    /// A record of fewer than 17 or more than 2^24 octets.
    RecordLength { found: usize }
        => Class::Limit, "record_length", "CHAN-018",
           "expected a record of 17 to 16777216 octets, found {found}";
    /// A record that does not open under the expected number.
    OpenFailed { number: u64 }
        => Class::Auth, "open_failed", "CHAN-021", "record {number} does not open";
    /// A record of a type that does not exist.
    UnknownType { found: u8 }
        => Class::Encoding, "unknown_type", "CHAN-022", "unknown record type {found:#04x}";
    /// A close or open record with a payload.
    ControlPayload { found: usize }
        => Class::Encoding, "control_payload", "CHAN-026",
           "expected no payload in a control record, found {found} octets";
    /// The client's record 0 is not open.
    MissingOpen
        => Class::State, "missing_open", "CHAN-024", "record 0 of the client is not open";
    /// An open record anywhere else.
    UnexpectedOpen
        => Class::State, "unexpected_open", "CHAN-025", "open record out of place";
    /// Octets after the peer's close record.
    AfterClose
        => Class::State, "after_close", "CHAN-034", "octets after the peer's close record";
    /// A caller sealed after record number 2^64 - 1 (the channel lives).
    SealExhausted
        => Class::Limit, "exhausted", "CHAN-016", "no record number is left to seal with";
    /// The peer sent a record after record number 2^64 - 1.
    OpenExhausted
        => Class::Limit, "exhausted", "CHAN-017", "no record number is left to open with";
    /// The channel died before.
    Dead
        => Class::State, "dead", "CHAN-028", "channel is dead";
    /// A caller sealed after its own close record (the channel lives).
    Closed
        => Class::State, "closed", "CHAN-032", "own direction is closed";
    /// A caller gave too long a payload to seal (the channel lives).
    PayloadTooLong { found: usize }
        => Class::Limit, "payload_too_long", "CHAN-019",
           "expected a payload of at most 16777199 octets, found {found}";
    /// A caller gave the exporter too long a label (the channel lives).
    LabelLength { found: usize }
        => Class::Limit, "label_length", "CHAN-041",
           "expected a label of at most 255 octets, found {found}";
    /// A caller asked the exporter for 0 or too many octets (the channel lives).
    OutputLength { found: usize }
        => Class::Limit, "output_length", "CHAN-042", "expected 1 to 8160 octets, found {found}";
    /// The transport ended without the peer's close record, or after a failure.
    Truncated
        => Class::State, "truncated", "CHAN-038", "end of the transport without a close record";
}

/// The step in which a token server checks a body; the same fault differs in status between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Exchange of a signed challenge for a token.
    Issue,
    /// Verification of a token.
    Verify,
}

impl Step {
    fn pick<T>(self, issue: T, verify: T) -> T {
        match self {
            Self::Issue => issue,
            Self::Verify => verify,
        }
    }
}

diagnostics! {
    /// Failures and caller errors of tokens.
    TokenError:

    /// A client public key that is not 32 octets long (caller).
    PublicKeyLength { found: usize, requirement: &'static str }
        => Class::Key, "public_key_length", requirement,
           "expected a public key of 32 octets, found {found}";
    /// A clock that can't be written, or is past 2^53 - 1 (caller).
    InvalidTime { millis: u64, requirement: &'static str }
        => Class::Limit, "invalid_time", requirement, "clock {millis} ms is out of range";
    /// A lifetime that is not 1 to 2^53 - 1 ms (caller).
    InvalidTtl { millis: u64 }
        => Class::Limit, "invalid_ttl", "TOK-009",
           "expected a lifetime of 1 to 9007199254740991 ms, found {millis}";
    /// A signing key whose public half is not that of its seed (caller).
    KeyMismatch
        => Class::Key, "key_mismatch", "TOK-021", "public half is not that of the seed";
    /// A serverId that is not UTF-8 (caller).
    ServerIdEncoding
        => Class::Encoding, "server_id_encoding", "TOK-051", "serverId is not UTF-8";
    /// The client refuses a challenge that is not 101 octets long.
    ChallengeLength { found: usize }
        => Class::Encoding, "challenge_length", "TOK-026",
           "expected a challenge of 101 octets, found {found}";
    /// The client refuses to sign what is not a challenge.
    ChallengeType { found: u8 }
        => Class::Binding, "challenge_type", "TOK-027",
           "expected type 0x01 at octet 64, found {found:#04x}";
    /// The client refuses a challenge for another public key.
    ChallengeKey
        => Class::Binding, "challenge_key", "TOK-028", "challenge is for another public key";
    /// The client's signature fails to verify.
    ClientSignature
        => Class::Auth, "client_signature", "TOK-033", "client's signature does not verify";
    /// The server's own signature fails to verify.
    ServerSignature { step: Step }
        => Class::Auth, "server_signature", step.pick("TOK-035", "TOK-044"),
           "server's signature does not verify";
    /// The body is not 37 octets long.
    BodyLength { step: Step, found: usize }
        => Class::Encoding, "body_length", step.pick("TOK-036", "TOK-045"),
           "expected a body of 37 octets, found {found}";
    /// The body's time is 0.
    BodyTime { step: Step }
        => Class::Encoding, "body_time", step.pick("TOK-037", "TOK-046"), "time of the body is 0";
    /// The body's type is that of another purpose.
    WrongType { step: Step, found: u8 }
        => Class::Binding, "wrong_type", step.pick("TOK-038", "TOK-048"),
           "wrong type {found:#04x} of the body";
    /// The body is for another public key.
    PublicKeyMismatch
        => Class::Binding, "public_key_mismatch", "TOK-039", "body is for another public key";
    /// The body is dated in the future.
    Future { step: Step }
        => Class::Freshness, "future", step.pick("TOK-040", "TOK-049"), "dated in the future";
    /// The body has expired.
    Expired { step: Step }
        => Class::Freshness, "expired", step.pick("TOK-041", "TOK-047"), "expired";
}

impl TokenError {
    /// The status a server over HTTP answers with, or `None` for an error of the local caller.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::ClientSignature | Self::ServerSignature { .. } | Self::Expired { .. } => {
                Some(401)
            }
            Self::PublicKeyMismatch => Some(400),
            Self::BodyLength { step, .. }
            | Self::BodyTime { step }
            | Self::WrongType { step, .. }
            | Self::Future { step } => Some(step.pick(400, 401)),
            _ => None,
        }
    }
}

diagnostics! {
    /// Failures of framing.
    FrameError:

    /// A message of length 0.
    ZeroLength { requirement: &'static str }
        => Class::Limit, "zero_length", requirement, "message of length 0";
    /// A message longer than the limit of the receiver's state.
    TooLong { found: usize, limit: usize, requirement: &'static str }
        => Class::Limit, "too_long", requirement,
           "expected a message of at most {limit} octets, found {found}";
    /// The stream ended inside a length or a message.
    EarlyEnd
        => Class::Encoding, "early_end", "FRAME-010", "stream ended inside a message";
    /// A WebSocket text message.
    TextMessage
        => Class::Encoding, "text_message", "FRAME-002", "text message instead of a binary one";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fault_of_a_token_has_the_status_of_its_step() {
        for (step, status, requirement) in
            [(Step::Issue, 400, "TOK-036"), (Step::Verify, 401, "TOK-045")]
        {
            let error = TokenError::BodyLength { step, found: 36 };
            assert_eq!((error.status(), error.requirement()), (Some(status), requirement));
            assert_eq!(TokenError::Future { step }.status(), Some(status));
            assert_eq!(TokenError::Expired { step }.status(), Some(401));
        }
        assert_eq!(TokenError::KeyMismatch.status(), None);
    }

    #[test]
    fn the_open_record_fails_as_its_channel_does() {
        let source = ChannelError::MissingOpen;
        let error = HandshakeError::Open { source: source.clone() };
        assert_eq!(error.class(), source.class());
        assert_eq!(error.code(), source.code());
        assert_eq!(error.requirement(), source.requirement());
        assert_eq!(error.to_string(), "record 0: record 0 of the client is not open");
    }
}
