//! The client: sign a challenge, or refuse to.

use super::SigningKey;
use super::body::{CHALLENGE, TOKEN};
use super::signed::{SIGNATURE, sign};
use crate::error::TokenError;

/// Signs `challenge` with the serverId before it: the signed challenge, 165 + len(serverId) octets.
///
/// `server_id` is that of the server the client means, from its own configuration, never from the peer
/// (TOK-030). Without one the answer can be relayed by any server the client logs in to (TOK-029).
///
/// # Errors
/// In this order: `challenge_length` unless it is 101 octets, `challenge_type`, `challenge_key` if it is
/// for another public key (TOK-026, TOK-027, TOK-028). Nothing is signed then.
pub fn sign_challenge(
    key: &SigningKey,
    server_id: Option<&str>,
    challenge: &[u8],
) -> Result<Vec<u8>, TokenError> {
    // spec: TOK-026
    let octets: &[u8; TOKEN] =
        challenge.try_into().map_err(|_| TokenError::ChallengeLength { found: challenge.len() })?;
    // spec: TOK-027
    let found = octets[SIGNATURE];
    if found != CHALLENGE {
        return Err(TokenError::ChallengeType { found });
    }
    // spec: TOK-028
    if octets[SIGNATURE + 1..][..32] != *key.public_key().as_octets() {
        return Err(TokenError::ChallengeKey);
    }
    // spec: TOK-005, TOK-029, TOK-030 (the parameter is the configuration)
    Ok(sign(key, &[server_id.unwrap_or_default().as_bytes(), challenge].concat()))
}
