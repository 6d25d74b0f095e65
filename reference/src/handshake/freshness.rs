//! How far two clocks may be apart, and how long a party waits. The two windows differ by one second on
//! purpose: each is worded as the original words it.

use crate::error::HandshakeError;
use crate::time::{Tick, UnixTime};

/// The client waits this long for M1, and again for M3.
pub(super) const CLIENT_WAIT_MS: u64 = 10_000;
/// From M1 until the server is established.
pub(super) const SERVER_WAIT_MS: u64 = 30_000;

/// The server's check of t: less than 10 seconds from its clock, in either direction.
pub(super) fn check_request(theirs: UnixTime, ours: UnixTime) -> Result<(), HandshakeError> {
    // spec: HS-045, CONV-002
    check(theirs, ours, 9, "HS-045")
}

/// The client's check of t': at most 10 seconds from the t it sent, in either direction.
pub(super) fn check_reply(theirs: UnixTime, ours: UnixTime) -> Result<(), HandshakeError> {
    // spec: HS-056, CONV-002
    check(theirs, ours, 10, "HS-056")
}

fn check(
    theirs: UnixTime,
    ours: UnixTime,
    limit: u64,
    requirement: &'static str,
) -> Result<(), HandshakeError> {
    match theirs.distance(ours) <= limit {
        true => Ok(()),
        false => Err(HandshakeError::Stale { theirs, ours, limit, requirement }),
    }
}

/// A point in monotonic time at which it is too late, and the requirement that says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    pub(super) tick: Tick,
    pub(super) requirement: &'static str,
}

impl Deadline {
    /// Exactly at the deadline is late, whatever has arrived.
    pub(super) fn check(self, at: Tick) -> Result<(), HandshakeError> {
        // spec: HS-063, HS-064, CONV-006
        match at < self.tick {
            true => Ok(()),
            false => {
                Err(HandshakeError::Timeout { deadline: self.tick, requirement: self.requirement })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_symmetric_and_end_where_the_text_says() {
        for (distance, request, reply) in
            [(0, true, true), (9, true, true), (10, false, true), (11, false, false)]
        {
            for (a, b) in [(100, 100 + distance), (100 + distance, 100)] {
                assert_eq!(check_request(UnixTime(a), UnixTime(b)).is_ok(), request, "{a} {b}");
                assert_eq!(check_reply(UnixTime(a), UnixTime(b)).is_ok(), reply, "{a} {b}");
            }
        }
    }

    #[test]
    fn the_ends_of_time_do_not_meet() {
        for check in [check_request, check_reply] {
            assert!(check(UnixTime(0), UnixTime(u64::MAX)).is_err());
            assert!(check(UnixTime(u64::MAX), UnixTime(0)).is_err());
            assert!(check(UnixTime(u64::MAX), UnixTime(u64::MAX - 9)).is_ok());
        }
    }

    #[test]
    fn at_the_deadline_is_late() {
        let deadline = Deadline { tick: Tick(10), requirement: "HS-060" };
        assert!(deadline.check(Tick(9)).is_ok());
        assert!(deadline.check(Tick(10)).is_err());
        assert!(deadline.check(Tick(u64::MAX)).is_err());
    }
}
