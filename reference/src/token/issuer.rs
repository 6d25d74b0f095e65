//! The server: challenge, issue, verify.

use super::body::{ACCESS, Body, CHALLENGE, Ttl, clock};
use super::signed::Unverified;
use super::{PublicKey, SigningKey};
use crate::error::{Step, TokenError};

/// Lifetime of a challenge unless configured: a minute.
// spec: TOK-010
pub const DEFAULT_CHALLENGE_TTL_MS: u64 = 60_000;
/// Lifetime of a token unless configured: a day.
// spec: TOK-011
pub const DEFAULT_TOKEN_TTL_MS: u64 = 86_400_000;

/// A token server: its key and configuration. It keeps nothing of any client.
#[derive(Debug)]
pub struct Issuer {
    key: SigningKey,
    /// Empty for none.
    server_id: String,
    challenge_ttl: Ttl,
    token_ttl: Ttl,
}

impl Issuer {
    /// Configures a server. A `server_id` of `""` is none. Lifetimes are milliseconds, 1 to 2^53 - 1; see
    /// [`DEFAULT_CHALLENGE_TTL_MS`] and [`DEFAULT_TOKEN_TTL_MS`].
    ///
    /// # Errors
    /// `invalid_ttl` (TOK-009), the caller's.
    pub fn new(
        key: SigningKey,
        server_id: Option<&str>,
        challenge_ttl_ms: u64,
        token_ttl_ms: u64,
    ) -> Result<Self, TokenError> {
        Ok(Self {
            key,
            server_id: server_id.unwrap_or_default().to_owned(),
            challenge_ttl: Ttl::new(challenge_ttl_ms)?,
            token_ttl: Ttl::new(token_ttl_ms)?,
        })
    }

    /// The challenge for a client, 101 octets; the same within one second of `now_ms`.
    ///
    /// `client_public` is any 32 octets, a point or not (TOK-023).
    ///
    /// # Errors
    /// `invalid_time`, `public_key_length` (TOK-006, TOK-008, TOK-022), the caller's.
    pub fn challenge(&self, client_public: &[u8], now_ms: u64) -> Result<Vec<u8>, TokenError> {
        let now = clock(now_ms)?;
        // spec: TOK-022, TOK-023
        let client = client_key(client_public, "TOK-022")?;
        // spec: TOK-024, TOK-025 (nothing else goes in)
        Ok(Body::new(CHALLENGE, client, now)?.sign(&self.key))
    }

    /// Exchanges a signed challenge for a token, 101 octets.
    ///
    /// # Errors
    /// The first check that fails, in the order of section 5.7; [`TokenError::status`] tells 400 from
    /// 401 from an error of the caller.
    pub fn issue(
        &self,
        client_public: &[u8],
        signed_challenge: &[u8],
        now_ms: u64,
    ) -> Result<Vec<u8>, TokenError> {
        let now = clock(now_ms)?;
        let step = Step::Issue;
        // spec: TOK-031 (the order from here on)
        // spec: TOK-032
        let client = client_key(client_public, "TOK-032")?;
        // spec: TOK-033
        let message = Unverified::parse(signed_challenge)
            .and_then(|signed| signed.verify(&client))
            .ok_or(TokenError::ClientSignature)?
            .octets();
        // spec: TOK-034, TOK-052 (of an empty serverId nothing is left to remove), TOK-053
        let challenge = message.strip_prefix(self.server_id.as_bytes()).unwrap_or(message);
        // spec: TOK-035, TOK-054
        let body = Unverified::parse(challenge)
            .and_then(|signed| signed.verify(self.key.public_key().as_octets()))
            .ok_or(TokenError::ServerSignature { step })?;
        // spec: TOK-036, TOK-037
        let body = Body::parse(body, step)?;
        // spec: TOK-038
        if body.kind != CHALLENGE {
            return Err(TokenError::WrongType { step, found: body.kind });
        }
        // spec: TOK-039
        if body.client != client {
            return Err(TokenError::PublicKeyMismatch);
        }
        // spec: TOK-040
        if body.is_future(now) {
            return Err(TokenError::Future { step });
        }
        // spec: TOK-041
        if body.is_expired(self.challenge_ttl, now) {
            return Err(TokenError::Expired { step });
        }
        // spec: TOK-042
        Ok(Body::new(ACCESS, client, now)?.sign(&self.key))
    }

    /// Verifies a token of this server and gives the public key of the client that got it.
    ///
    /// # Errors
    /// Those of [`verify`].
    pub fn verify(&self, token: &[u8], now_ms: u64) -> Result<PublicKey, TokenError> {
        check_token(self.key.public_key().as_octets(), token, self.token_ttl, now_ms)
    }
}

/// Verifies a token of the server whose public key is `server_public`, for those who don't hold its
/// signing key. Gives the public key of the client that got it, 32 octets that need not be a point.
///
/// # Errors
/// `invalid_ttl`, `invalid_time` (the caller's); else the first check that fails, in the order of
/// section 5.8, all 401.
pub fn verify(
    server_public: &[u8; 32],
    token: &[u8],
    token_ttl_ms: u64,
    now_ms: u64,
) -> Result<PublicKey, TokenError> {
    check_token(server_public, token, Ttl::new(token_ttl_ms)?, now_ms)
}

fn check_token(
    server_public: &[u8; 32],
    token: &[u8],
    ttl: Ttl,
    now_ms: u64,
) -> Result<PublicKey, TokenError> {
    let now = clock(now_ms)?;
    let step = Step::Verify;
    // spec: TOK-043 (the order from here on)
    // spec: TOK-044
    let body = Unverified::parse(token)
        .and_then(|signed| signed.verify(server_public))
        .ok_or(TokenError::ServerSignature { step })?;
    // spec: TOK-045, TOK-046
    let body = Body::parse(body, step)?;
    // spec: TOK-047
    if body.is_expired(ttl, now) {
        return Err(TokenError::Expired { step });
    }
    // spec: TOK-048
    if body.kind != ACCESS {
        return Err(TokenError::WrongType { step, found: body.kind });
    }
    // spec: TOK-049
    if body.is_future(now) {
        return Err(TokenError::Future { step });
    }
    // spec: TOK-050
    Ok(PublicKey(body.client))
}

fn client_key(octets: &[u8], requirement: &'static str) -> Result<[u8; 32], TokenError> {
    octets.try_into().map_err(|_| TokenError::PublicKeyLength { found: octets.len(), requirement })
}
