//! Operations of area hs on single messages, and what both parties share.

use secure_tunnel::error::{Diagnostic, HandshakeError};
use secure_tunnel::time::Tick;
use secure_tunnel::{RsaPrivate, RsaPublic, hazmat};
use serde_json::{Map, Value};

use super::{Stop, out, rejected};
use crate::shim_server::{Input, to_octets, to_u64};

pub(super) fn spki(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let key = RsaPublic::from_spki(&input.octets("spki")?)
        .map_err(|source| rejected(&HandshakeError::BadKey { source }))?;
    Ok(out([("bits", key.bits().into()), ("octets", key.size().into())]))
}

pub(super) fn nonce(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let r = input.array::<14>("r")?.into();
    let nonce = hazmat::nonce(&input.octets("m1")?, &input.octets("spki")?, r);
    Ok(out([("nonce", to_octets(&nonce))]))
}

pub(super) fn request(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let request =
        hazmat::decode_request(&input.octets("plaintext")?).map_err(|error| rejected(&error))?;
    Ok(out([
        ("id", to_octets(request.id.as_str().as_bytes())),
        ("client_password", to_octets(&request.client_password)),
        ("t", to_u64(request.t)),
        ("nonce", to_octets(&request.nonce)),
    ]))
}

pub(super) fn reply(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let reply =
        hazmat::decode_reply(&input.octets("plaintext")?).map_err(|error| rejected(&error))?;
    Ok(out([
        ("server_password", to_octets(&reply.server_password)),
        ("k", to_octets(&reply.k)),
        ("t", to_u64(reply.t)),
        ("nonce", to_octets(&reply.nonce)),
    ]))
}

pub(super) fn oaep(key: &RsaPrivate, input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let plaintext = hazmat::oaep_decrypt(key, &input.octets("ciphertext")?)
        .map_err(|error| rejected(&error))?;
    Ok(out([("plaintext", to_octets(&plaintext))]))
}

/// What an application reports that finds, with nothing to hand over, that a deadline has passed.
pub(super) fn timeout(deadline: Tick, requirement: &'static str) -> HandshakeError {
    HandshakeError::Timeout { deadline, requirement }
}

/// A handshake error as an answer, with what was sent before.
pub(super) fn refusal(error: &impl Diagnostic, done: Map<String, Value>) -> Stop {
    rejected(error).with_out(done)
}
