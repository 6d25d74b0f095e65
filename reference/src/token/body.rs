//! The body of challenges and tokens, and their times.
//!
//! ```text
//! body    | type (1) | client key C (32) | time (u32, seconds) |       37 octets
//! ```

use super::SigningKey;
use super::signed::{SIGNATURE, Verified, sign};
use crate::error::{Step, TokenError};
use crate::time::Millis;
use crate::wire::Reader;

/// Octets of a challenge and of a token: signature and body.
pub const TOKEN: usize = SIGNATURE + BODY;
const BODY: usize = 37;

/// The type octet of a challenge.
// spec: TOK-002
pub(super) const CHALLENGE: u8 = 0x01;
/// The type octet of a token.
// spec: TOK-002
pub(super) const ACCESS: u8 = 0x02;

/// What a challenge or a token says. The type may be any octet until it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) kind: u8,
    pub(super) client: [u8; 32],
    time: Seconds,
}

impl Body {
    /// Reads what the server has signed.
    ///
    /// # Errors
    /// `body_length`, then `body_time`.
    pub(super) fn parse(octets: Verified<'_>, step: Step) -> Result<Self, TokenError> {
        let found = octets.octets().len();
        // spec: TOK-036, TOK-045 (the one fault of form there is, whichever field it cuts)
        let (kind, client, time) =
            fields(octets.octets()).ok_or(TokenError::BodyLength { step, found })?;
        // spec: TOK-037, TOK-046
        if time == 0 {
            return Err(TokenError::BodyTime { step });
        }
        Ok(Self { kind, client, time: Seconds(time) })
    }

    /// Dates a body with the clock.
    ///
    /// # Errors
    /// `invalid_time` before 1000 ms and after 4294967295999 ms.
    pub(super) fn new(kind: u8, client: [u8; 32], now: Millis) -> Result<Self, TokenError> {
        // spec: TOK-007
        match u32::try_from(now.get() / 1000) {
            Ok(time) if time != 0 => Ok(Self { kind, client, time: Seconds(time) }),
            // spec: TOK-008
            _ => Err(TokenError::InvalidTime { millis: now.get(), requirement: "TOK-008" }),
        }
    }

    /// The body signed by the server: signature (64) || type || C || time.
    // spec: TOK-001, TOK-003, TOK-004
    pub(super) fn sign(&self, server: &SigningKey) -> Vec<u8> {
        let body = [&[self.kind][..], &self.client, &self.time.0.to_be_bytes()].concat();
        sign(server, &body)
    }

    /// Whether the body is dated after `now`.
    pub(super) fn is_future(&self, now: Millis) -> bool {
        // spec: TOK-013
        self.time.millis() > now.get()
    }

    /// Whether the body's life of `ttl` is over.
    pub(super) fn is_expired(&self, ttl: Ttl, now: Millis) -> bool {
        // spec: TOK-012 (below 2^43 + 2^53, so nothing wraps)
        self.time.millis() + ttl.0.get() < now.get()
    }
}

// spec: TOK-001
fn fields(octets: &[u8]) -> Option<(u8, [u8; 32], u32)> {
    let mut reader = Reader::new(octets, "TOK-001");
    let kind = reader.u8("type").ok()?;
    let client = *reader.array("client key").ok()?;
    let time = reader.u32("time").ok()?;
    reader.finish("body").ok()?;
    Some((kind, client, time))
}

/// Whole seconds since the Unix epoch, not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seconds(u32);

impl Seconds {
    fn millis(self) -> u64 {
        u64::from(self.0) * 1000
    }
}

/// A lifetime, 1 to 2^53 - 1 ms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ttl(Millis);

impl Ttl {
    /// # Errors
    /// `invalid_ttl` (TOK-009).
    pub(super) fn new(millis: u64) -> Result<Self, TokenError> {
        // spec: TOK-009
        match Millis::new(millis) {
            Some(ttl) if millis != 0 => Ok(Self(ttl)),
            _ => Err(TokenError::InvalidTtl { millis }),
        }
    }
}

/// The clock that a caller passes in, in milliseconds.
///
/// # Errors
/// `invalid_time` above 2^53 - 1 (TOK-006).
pub(super) fn clock(millis: u64) -> Result<Millis, TokenError> {
    // spec: TOK-006
    Millis::new(millis).ok_or(TokenError::InvalidTime { millis, requirement: "TOK-006" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: u32) -> Body {
        Body { kind: CHALLENGE, client: [0; 32], time: Seconds(time) }
    }

    fn ms(millis: u64) -> Millis {
        Millis::new(millis).unwrap()
    }

    #[test]
    fn the_clock_can_be_written_from_second_1_to_the_last_u32() {
        let time = |millis| Body::new(CHALLENGE, [0; 32], ms(millis)).map(|body| body.time.0);
        for millis in [0, 999, 4_294_967_296_000, (1 << 53) - 1] {
            let error = TokenError::InvalidTime { millis, requirement: "TOK-008" };
            assert_eq!(time(millis), Err(error));
        }
        assert_eq!(time(1000), Ok(1));
        assert_eq!(time(1999), Ok(1));
        assert_eq!(time(2000), Ok(2));
        assert_eq!(time(4_294_967_295_999), Ok(u32::MAX));
    }

    #[test]
    fn expired_and_future_begin_just_past_their_bounds() {
        let ttl = Ttl::new(60_000).unwrap();
        assert!(!at(100).is_expired(ttl, ms(160_000)));
        assert!(at(100).is_expired(ttl, ms(160_001)));
        assert!(!at(100).is_future(ms(100_000)));
        assert!(at(100).is_future(ms(99_999)));
        // The extremes of every input: nothing wraps, nothing traps.
        let longest = Ttl::new((1 << 53) - 1).unwrap();
        assert!(!at(u32::MAX).is_expired(longest, Millis::MAX));
        assert!(!at(1).is_expired(longest, Millis::MAX));
        assert!(at(u32::MAX).is_expired(Ttl::new(1).unwrap(), Millis::MAX));
        assert!(at(1).is_future(ms(0)) && !at(u32::MAX).is_future(Millis::MAX));
    }

    #[test]
    fn a_lifetime_below_a_second_can_be_born_expired() {
        let body = Body::new(ACCESS, [0; 32], ms(5_999)).unwrap();
        assert!(body.is_expired(Ttl::new(998).unwrap(), ms(5_999)));
        assert!(!body.is_expired(Ttl::new(999).unwrap(), ms(5_999)));
    }
}
