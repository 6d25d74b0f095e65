//! Tokens: the specification, sections 5.2, 5.3 and 5.5 to 5.9.

use serde_json::{Map, Value};

use super::ed25519::{public_key, sign};
use super::refusal::{Result, caller, peer, trap};
use super::{Bug, Model, out};
use crate::shim_server::{Input, to_octets};

const CHALLENGE: u8 = 1;
const TOKEN: u8 = 2;

/// The greatest clock and lifetime.
const MAXIMUM: u64 = (1 << 53) - 1;

struct SigningKey {
    seed: [u8; 32],
    public: [u8; 32],
}

/// What a server is configured with.
struct Server {
    key: SigningKey,
    server_id: Vec<u8>,
    challenge_ttl: u64,
    token_ttl: u64,
}

/// A body of 37 octets.
struct Body<'a> {
    kind: u8,
    key: &'a [u8],
    time: u32,
}

impl Model {
    pub(super) fn tok_challenge(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let (server, now) = self.server(input)?;
        let client = self.client_public(&input.octets("client_public")?)?;
        if self.bug(Bug::PointCheckedAtChallenge) && !is_point(&client) {
            return Err(caller("public_key_length"));
        }
        let body = self.body(CHALLENGE, &client, self.seconds(now)?);
        let mut challenge = sign(&server.key.seed, &server.key.public, &body);
        if self.bug(Bug::ChallengeDependsOnServerId) {
            let message = [&server.server_id[..], &body].concat();
            challenge = sign(&server.key.seed, &server.key.public, &message);
            challenge.splice(64.., body);
        }
        Ok(out([("challenge", to_octets(&challenge))]))
    }

    pub(super) fn tok_sign(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let key = self.signing_key(input.array("client_private")?)?;
        let server_id = self.server_id(input)?;
        let challenge = input.octets("challenge")?;
        if !self.bug(Bug::ClientSignsAnything) {
            // TOK-026 to TOK-028
            if challenge.len() != 101 && !self.bug(Bug::ClientIgnoresLength) {
                return Err(caller("challenge_length"));
            }
            let only_length = self.bug(Bug::ClientChecksOnlyLength);
            let kind = challenge.get(64) == Some(&CHALLENGE);
            if !kind && !only_length && !self.bug(Bug::ClientIgnoresType) {
                return Err(caller("challenge_type"));
            }
            let compared = if self.bug(Bug::ClientComparesStartOfKey) { 8 } else { 32 };
            let own = challenge.get(65..65 + compared) == Some(&key.public[..compared]);
            if !own && !only_length && !self.bug(Bug::ClientIgnoresKey) {
                return Err(caller("challenge_key"));
            }
        }
        let message = if self.bug(Bug::ServerIdAfterChallenge) {
            [challenge, server_id]
        } else {
            [server_id, challenge]
        };
        let mut signed = sign(&key.seed, &key.public, &message.concat());
        if self.bug(Bug::SignatureAfterMessage) {
            signed.rotate_left(64);
        }
        Ok(out([("signed_challenge", to_octets(&signed))]))
    }

    /// Section 5.7.
    pub(super) fn tok_issue(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let (server, now) = self.server(input)?;
        let client = self.client_public(&input.octets("client_public")?)?;
        if self.bug(Bug::ClockCheckedFirst) {
            self.seconds(now)?;
        }
        let signed = input.octets("signed_challenge")?;
        let message = match self.verified(&client, &signed) {
            Some(message) => message,
            None if signed.len() >= 64 && self.bug(Bug::ClientSignatureIgnored) => &signed[64..],
            None => return Err(peer("client_signature", 401)),
        };
        let rest = self.without_server_id(&server.server_id, message);
        let body = match self.verified(&server.key.public, rest) {
            Some(body) => body,
            None if rest.len() >= 64 && self.bug(Bug::ServerSignatureIgnored) => &rest[64..],
            None => return Err(peer("server_signature", 401)),
        };
        let body = self.read(body, 400)?;
        let refuse = |when: bool, code, status| if when { Err(peer(code, status)) } else { Ok(()) };
        let bug = |bug| self.bug(bug);
        let kind = body.kind != CHALLENGE && !bug(Bug::IssueTypeIgnored);
        let compared = if bug(Bug::IssueKeyStartCompared) { 8 } else { 32 };
        let key = body.key[..compared] != client[..compared] && !bug(Bug::IssueKeyIgnored);
        let kind = refuse(kind, "wrong_type", 400);
        let key = refuse(key, "public_key_mismatch", 400);
        let future = !bug(Bug::IssueFutureIgnored) && self.is_future(body.time, now);
        let future = refuse(future, "future", 400);
        let ttl =
            if bug(Bug::IssueWithTokenLifetime) { server.token_ttl } else { server.challenge_ttl };
        let status = if bug(Bug::ExpiredIs400) { 400 } else { 401 };
        let expired = refuse(self.is_expired(body.time, ttl, now), "expired", status);
        if bug(Bug::IssueExpiredFirst) {
            expired.clone()?;
        }
        if bug(Bug::IssueFutureFirst) {
            future.clone()?;
        }
        if bug(Bug::IssueKeyBeforeType) {
            key.clone()?;
        }
        kind.and(key).and(future).and(expired)?;
        let time = self.seconds(now)?;
        let time = if bug(Bug::TokenWithTimeOfChallenge) { body.time } else { time };
        let kind = if bug(Bug::TokenWithTypeOfChallenge) { CHALLENGE } else { TOKEN };
        let token = sign(&server.key.seed, &server.key.public, &self.body(kind, &client, time));
        Ok(out([("token", to_octets(&token))]))
    }

    /// Section 5.8.
    pub(super) fn tok_verify(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let key = input.array("server_public")?;
        let ttl = self.ttl(input, "token_ttl_ms", 86_400_000)?;
        let ttl = if self.bug(Bug::VerifyWithChallengeLifetime) { 60_000 } else { ttl };
        let now = self.clock(input)?;
        let token = input.octets("token")?;
        let body = match self.verified(&key, &token) {
            Some(body) => body,
            None if token.len() >= 64 && self.bug(Bug::TokenSignatureIgnored) => &token[64..],
            None => return Err(peer("server_signature", 401)),
        };
        let status = if self.bug(Bug::VerifyAnswers400) { 400 } else { 401 };
        let body = self.read(body, status)?;
        let refuse = |when: bool, code| if when { Err(peer(code, status)) } else { Ok(()) };
        let expired = refuse(self.is_expired(body.time, ttl, now), "expired");
        let kind = body.kind != TOKEN && !self.bug(Bug::VerifyTypeIgnored);
        let kind = refuse(kind, "wrong_type");
        let future = !self.bug(Bug::VerifyFutureIgnored) && self.is_future(body.time, now);
        let future = refuse(future, "future");
        if self.bug(Bug::VerifyTypeFirst) {
            kind.clone()?;
        }
        if self.bug(Bug::VerifyFutureBeforeType) {
            future.clone()?;
        }
        expired.and(kind).and(future)?;
        if self.bug(Bug::VerifyChecksPoint) && !is_point(body.key) {
            return Err(peer("wrong_type", 401));
        }
        Ok(out([("client_public", to_octets(body.key))]))
    }

    /// The configuration of the request, and the clock: what is wrong with them comes before all else.
    fn server(&self, input: Input<'_>) -> Result<(Server, u64)> {
        let hour = self.bug(Bug::ChallengeLifetimeOneHour);
        let default = if hour { 3_600_000 } else { 60_000 };
        let challenge_ttl = self.ttl(input, "challenge_ttl_ms", default)?;
        let token_ttl = self.ttl(input, "token_ttl_ms", 86_400_000)?;
        let key = self.signing_key(input.array("server_private")?)?;
        let server_id = self.server_id(input)?;
        Ok((Server { key, server_id, challenge_ttl, token_ttl }, self.clock(input)?))
    }

    /// TOK-021: seed and public key.
    fn signing_key(&self, octets: [u8; 64]) -> Result<SigningKey> {
        let (mut seed, mut public) = ([0; 32], [0; 32]);
        seed.copy_from_slice(&octets[..32]);
        public.copy_from_slice(&octets[32..]);
        if public != public_key(&seed) && !self.bug(Bug::KeyHalvesUnchecked) {
            return Err(caller("key_mismatch"));
        }
        Ok(SigningKey { seed, public })
    }

    /// TOK-051.
    fn server_id(&self, input: Input<'_>) -> Result<Vec<u8>> {
        let id = input.optional_octets("server_id")?.unwrap_or_default();
        if self.bug(Bug::ServerIdReplacementCharacter) {
            return Ok(String::from_utf8_lossy(&id).into_owned().into_bytes());
        }
        if self.code_points(&id).is_none() {
            return Err(caller("server_id_encoding"));
        }
        Ok(if self.bug(Bug::ServerIdTrimmed) { id.trim_ascii().to_vec() } else { id })
    }

    /// TOK-009 to TOK-011.
    fn ttl(&self, input: Input<'_>, name: &str, default: u64) -> Result<u64> {
        let Some(ttl) = input.optional_u64(name)? else { return Ok(default) };
        if ttl == 0 && self.bug(Bug::LifetimeZeroIsDefault) {
            return Ok(default);
        }
        if ttl == 0 || (ttl > MAXIMUM && !self.bug(Bug::LifetimeUnlimited)) {
            return Err(caller("invalid_ttl"));
        }
        Ok(ttl)
    }

    /// TOK-006.
    fn clock(&self, input: Input<'_>) -> Result<u64> {
        let now = input.u64("now_ms")?;
        if now > MAXIMUM && !self.bug(Bug::ClockUnlimited) && !self.bug(Bug::TimeTruncated) {
            return Err(caller("invalid_time"));
        }
        Ok(now)
    }

    /// TOK-022, TOK-032.
    fn client_public(&self, octets: &[u8]) -> Result<[u8; 32]> {
        let mut key = [0; 32];
        if octets.len() != 32 && !self.bug(Bug::PublicKeyCutOrPadded) {
            return Err(caller("public_key_length"));
        }
        key.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
        Ok(key)
    }

    /// TOK-007, TOK-008.
    fn seconds(&self, now: u64) -> Result<u32> {
        let seconds = if self.bug(Bug::TimeRounded) { (now + 500) / 1000 } else { now / 1000 };
        if seconds == 0 && !self.bug(Bug::TimeZeroWritten) {
            return Err(caller("invalid_time"));
        }
        if seconds == u64::from(u32::MAX) && self.bug(Bug::LastSecondRefused) {
            return Err(caller("invalid_time"));
        }
        if seconds > u64::from(u32::MAX) && !self.bug(Bug::TimeTruncated) {
            return Err(caller("invalid_time"));
        }
        Ok((seconds & 0xffff_ffff) as u32)
    }

    fn body(&self, kind: u8, key: &[u8; 32], time: u32) -> Vec<u8> {
        let time = if self.bug(Bug::BodyTimeLittleEndian) {
            time.to_le_bytes()
        } else {
            time.to_be_bytes()
        };
        [&[kind], &key[..], &time].concat()
    }

    fn read<'a>(&self, octets: &'a [u8], status: u16) -> Result<Body<'a>> {
        let long = octets.len() > 37 && !self.bug(Bug::BodyTailIgnored);
        if octets.len() < 37 && self.bug(Bug::ShortBodyTraps) {
            trap("range end index 37 out of range");
        }
        if octets.len() < 37 || long {
            return Err(peer("body_length", status));
        }
        let little = self.bug(Bug::BodyTimeLittleEndian);
        let time = octets[33..37].iter().fold(0, |sum: u32, &octet| sum << 8 | u32::from(octet));
        let time = if little { time.swap_bytes() } else { time };
        if time == 0 && !self.bug(Bug::BodyTimeZeroAccepted) {
            return Err(peer("body_time", status));
        }
        Ok(Body { kind: octets[0], key: &octets[1..33], time })
    }

    /// TOK-034, TOK-052 to TOK-054.
    fn without_server_id<'a>(&self, id: &[u8], message: &'a [u8]) -> &'a [u8] {
        if id.is_empty() || self.bug(Bug::ServerIdNotRemoved) {
            return message;
        }
        if self.bug(Bug::ServerIdRemovedByLength) {
            let extra = message.len().saturating_sub(101).min(id.len());
            return &message[extra..];
        }
        if self.bug(Bug::LastOctetsTakenForChallenge) {
            return &message[message.len().saturating_sub(101)..];
        }
        if self.bug(Bug::ServerIdCaseIgnored)
            && let Some((start, rest)) = message.split_at_checked(id.len())
            && start.eq_ignore_ascii_case(id)
        {
            return rest;
        }
        let mut rest = match message.strip_prefix(id) {
            Some(rest) => rest,
            None if self.bug(Bug::ServerIdRequired) => &[],
            None => message,
        };
        while let Some(shorter) = rest.strip_prefix(id)
            && self.bug(Bug::ServerIdRemovedRepeatedly)
        {
            rest = shorter;
        }
        rest
    }

    /// TOK-012.
    fn is_expired(&self, time: u32, ttl: u64, now: u64) -> bool {
        if self.bug(Bug::TimeSigned) && time > i32::MAX.cast_unsigned() {
            return true;
        }
        let time = u64::from(time);
        if self.bug(Bug::LifetimeExclusive) {
            (time * 1000).saturating_add(ttl) <= now
        } else if self.bug(Bug::LifetimeInSeconds) {
            time.saturating_add(ttl) < now / 1000
        } else if self.bug(Bug::AgeInSeconds) {
            (now / 1000).saturating_sub(time) > ttl / 1000
        } else if self.bug(Bug::ExpiryOf32Bits) {
            (time + ttl / 1000) & 0xffff_ffff < now / 1000
        } else {
            (time * 1000).saturating_add(ttl) < now
        }
    }

    /// TOK-013.
    fn is_future(&self, time: u32, now: u64) -> bool {
        let time = u64::from(time) * 1000;
        if self.bug(Bug::FutureInclusive) {
            time >= now
        } else if self.bug(Bug::FutureTolerated) {
            time > now.saturating_add(1000)
        } else {
            time > now
        }
    }
}

fn is_point(octets: &[u8]) -> bool {
    curve25519_dalek::edwards::CompressedEdwardsY::from_slice(octets)
        .is_ok_and(|encoded| encoded.decompress().is_some())
}
