//! Bodies, signed challenges and tokens as octets.

use secure_tunnel::error::Diagnostic;
use secure_tunnel::error::TokenError;
use secure_tunnel::token;
use serde_json::json;
use tunnelproof_vectors::build::primitives::ed25519::{KeyPair, accepts};

use crate::Verdict;
use crate::agree::{agree, octets};
use crate::hostile::Fields;
use crate::protocol::{CLIENT_SEED, token_server};

const LATEST: u64 = (1 << 53) - 1;

/// `mode (1) | now (8) | ttl (8) | body`: any body, signed as it should be.
///
/// As a token and, in a signed challenge, as a challenge, it ends as the tables of sections 5.7 and 5.8 say.
pub(crate) fn body(data: &[u8]) -> Verdict {
    let mut fields = Fields(data);
    let (mode, now, ttl, body) = (fields.u8(), fields.u64(), fields.u64(), fields.0);
    let (server, client) = (token_server(), KeyPair::new(CLIENT_SEED));
    let mut body = body.to_vec();
    if mode & 1 == 1 && body.len() >= 33 {
        body[1..33].copy_from_slice(&client.public);
    }
    let verified = verify(&server.public, &server.signed(&body), ttl, now);
    let signed = client.signed(&server.signed(&body));
    let issued = issue(&client.public, &signed, b"", ttl, now);
    format!("{verified}, {issued}")
}

/// `server public key (32) | now (8) | ttl (8) | token`: any token under any key.
pub(crate) fn token(data: &[u8]) -> Verdict {
    let mut fields = Fields(data);
    let (public, now, ttl) = (fields.array::<32>(), fields.u64(), fields.u64());
    verify(&public, fields.0, ttl, now)
}

/// `mode (1) | now (8) | ttl (8) | len8 serverId | C (32) | signed challenge`, or with bit 0 of the mode
/// `... | len8 prefix | body`, which are signed by client and server. With bit 1, C is the client's.
pub(crate) fn signed_challenge(data: &[u8]) -> Verdict {
    let mut fields = Fields(data);
    let (mode, now, ttl) = (fields.u8(), fields.u64(), fields.u64());
    let len = usize::from(fields.u8());
    let server_id = fields.slice(len);
    let (server, client) = (token_server(), KeyPair::new(CLIENT_SEED));
    let mut public = fields.array::<32>();
    if mode & 2 == 2 {
        public = client.public;
    }
    let signed = if mode & 1 == 0 {
        fields.0.to_vec()
    } else {
        let len = usize::from(fields.u8());
        let prefix = fields.slice(len);
        client.signed(&[prefix, &server.signed(fields.0)].concat())
    };
    issue(&public, &signed, server_id, ttl, now)
}

/// Verifies with the reference, the model and by the table; gives the outcome.
fn verify(public: &[u8; 32], token: &[u8], ttl: u64, now: u64) -> Verdict {
    let input = json!({
        "server_public": hex::encode(public),
        "token": hex::encode(token),
        "token_ttl_ms": ttl.to_string(),
        "now_ms": now.to_string(),
    });
    let answer = agree("tok.verify", input);
    let expected = verify_by_the_table(public, token, ttl, now);
    let found = token::verify(public, token, ttl, now);
    let status = |error: &TokenError| (error.code(), error.status());
    match (&found, &expected) {
        (Ok(client), Ok(expected)) => assert_eq!(client.as_octets(), expected),
        (Err(error), Err(expected)) => assert_eq!(status(error), *expected),
        _ => panic!("{found:?} where {expected:?} is expected"),
    }
    if let Ok(client) = &found {
        let out = answer.accepted().unwrap_or_else(|| panic!("accepted above"));
        assert_eq!(octets(out, "client_public"), client.as_octets());
        assert_eq!(token.len(), token::TOKEN);
        return hex::encode(client.as_octets());
    }
    answer.code().to_owned()
}

fn verify_by_the_table(
    public: &[u8; 32],
    token: &[u8],
    ttl: u64,
    now: u64,
) -> Result<[u8; 32], (&'static str, Option<u16>)> {
    configuration(ttl, now)?;
    let refuse = |code| Err((code, Some(401)));
    let Some(body) = verified(public, token) else { return refuse("server_signature") };
    let Some((kind, client, time)) = split(body) else { return refuse("body_length") };
    match time {
        0 => refuse("body_time"),
        _ if time * 1000 + u128::from(ttl) < u128::from(now) => refuse("expired"),
        _ if kind != 2 => refuse("wrong_type"),
        _ if time * 1000 > u128::from(now) => refuse("future"),
        _ => Ok(client),
    }
}

/// Issues with the reference and the model and by the table; gives the outcome.
fn issue(public: &[u8; 32], signed: &[u8], server_id: &[u8], ttl: u64, now: u64) -> Verdict {
    let server = token_server();
    let input = json!({
        "server_private": hex::encode(server.octets()),
        "server_id": hex::encode(server_id),
        "challenge_ttl_ms": ttl.to_string(),
        "client_public": hex::encode(public),
        "signed_challenge": hex::encode(signed),
        "now_ms": now.to_string(),
    });
    let answer = agree("tok.issue", input);
    let found = match answer.accepted() {
        Some(out) => Ok(octets(out, "token")),
        None => Err(answer.code()),
    };
    assert_eq!(found, issue_by_the_table(public, signed, server_id, ttl, now));
    found.map_or_else(str::to_owned, hex::encode)
}

fn issue_by_the_table(
    public: &[u8; 32],
    signed: &[u8],
    server_id: &[u8],
    ttl: u64,
    now: u64,
) -> Result<Vec<u8>, &'static str> {
    let server = token_server();
    configuration(ttl, 0).map_err(|(code, _)| code)?;
    std::str::from_utf8(server_id).map_err(|_| "server_id_encoding")?;
    configuration(ttl, now).map_err(|(code, _)| code)?;
    let message = verified(public, signed).ok_or("client_signature")?;
    let challenge = message.strip_prefix(server_id).unwrap_or(message);
    let body = verified(&server.public, challenge).ok_or("server_signature")?;
    let (kind, client, time) = split(body).ok_or("body_length")?;
    match time {
        0 => return Err("body_time"),
        _ if kind != 1 => return Err("wrong_type"),
        _ if client != *public => return Err("public_key_mismatch"),
        _ if time * 1000 > u128::from(now) => return Err("future"),
        _ if time * 1000 + u128::from(ttl) < u128::from(now) => return Err("expired"),
        _ => {}
    }
    let time = u32::try_from(now / 1000).map_err(|_| "invalid_time")?;
    Ok(server.signed(&[&[2][..], public, &time.to_be_bytes()].concat()))
}

fn configuration(ttl: u64, now: u64) -> Result<(), (&'static str, Option<u16>)> {
    match (ttl, now) {
        (0, _) => Err(("invalid_ttl", None)),
        (ttl, _) if ttl > LATEST => Err(("invalid_ttl", None)),
        (_, now) if now > LATEST => Err(("invalid_time", None)),
        _ => Ok(()),
    }
}

/// What follows the signature, if that is good by the words of section 5.4.
fn verified<'a>(public: &[u8; 32], signed: &'a [u8]) -> Option<&'a [u8]> {
    let (signature, message) = signed.split_first_chunk::<64>()?;
    accepts(public, message, signature).then_some(message)
}

/// Type, client key and time of a body.
fn split(body: &[u8]) -> Option<(u8, [u8; 32], u128)> {
    let body: &[u8; 37] = body.try_into().ok()?;
    let (mut client, mut time) = ([0; 32], [0; 4]);
    client.copy_from_slice(&body[1..33]);
    time.copy_from_slice(&body[33..]);
    Some((body[0], client, u32::from_be_bytes(time).into()))
}
