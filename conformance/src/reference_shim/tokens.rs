//! Operations of area tok.

use secure_tunnel::error::TokenError;
use secure_tunnel::token::{
    self, DEFAULT_CHALLENGE_TTL_MS, DEFAULT_TOKEN_TTL_MS, Issuer, SigningKey,
};
use serde_json::{Map, Value};

use super::{Stop, out, token_rejected};
use crate::shim_server::{Input, to_octets};

pub(super) fn challenge(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let issuer = issuer(input)?;
    let challenge = issuer
        .challenge(&input.octets("client_public")?, input.u64("now_ms")?)
        .map_err(|error| token_rejected(&error))?;
    Ok(out([("challenge", to_octets(&challenge))]))
}

pub(super) fn sign(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let key = signing_key(input, "client_private")?;
    let id = input.optional_octets("server_id")?;
    let id = server_id(id.as_deref()).map_err(|error| token_rejected(&error))?;
    let signed = token::sign_challenge(&key, id, &input.octets("challenge")?)
        .map_err(|error| token_rejected(&error))?;
    Ok(out([("signed_challenge", to_octets(&signed))]))
}

pub(super) fn issue(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let issuer = issuer(input)?;
    let client = input.octets("client_public")?;
    let token = issuer
        .issue(&client, &input.octets("signed_challenge")?, input.u64("now_ms")?)
        .map_err(|error| token_rejected(&error))?;
    Ok(out([("token", to_octets(&token))]))
}

pub(super) fn verify(input: Input<'_>) -> Result<Map<String, Value>, Stop> {
    let ttl = input.optional_u64("token_ttl_ms")?.unwrap_or(DEFAULT_TOKEN_TTL_MS);
    let client = token::verify(
        &input.array("server_public")?,
        &input.octets("token")?,
        ttl,
        input.u64("now_ms")?,
    )
    .map_err(|error| token_rejected(&error))?;
    Ok(out([("client_public", to_octets(client.as_octets()))]))
}

fn issuer(input: Input<'_>) -> Result<Issuer, Stop> {
    let challenge_ttl = input.optional_u64("challenge_ttl_ms")?;
    let token_ttl = input.optional_u64("token_ttl_ms")?;
    let with = |key, id| {
        let challenge_ttl = challenge_ttl.unwrap_or(DEFAULT_CHALLENGE_TTL_MS);
        Issuer::new(key, id, challenge_ttl, token_ttl.unwrap_or(DEFAULT_TOKEN_TTL_MS))
            .map_err(|error| token_rejected(&error))
    };
    // The lifetimes are checked first, then the key, then the serverId; types demand the key first.
    with(SigningKey::from_seed(&[0; 32]), None)?;
    let key = signing_key(input, "server_private")?;
    let id = input.optional_octets("server_id")?;
    with(key, server_id(id.as_deref()).map_err(|error| token_rejected(&error))?)
}

fn signing_key(input: Input<'_>, name: &str) -> Result<SigningKey, Stop> {
    SigningKey::from_keypair_octets(&input.array(name)?).map_err(|error| token_rejected(&error))
}

fn server_id(octets: Option<&[u8]>) -> Result<Option<&str>, TokenError> {
    octets.map(token::server_id).transpose()
}
