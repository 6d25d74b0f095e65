//! The three clocks of the protocol, as numbers that a caller passes in. Nothing here reads a clock.
//!
//! All arithmetic saturates: values near 0 and 2^64 - 1 come from peers.

use core::fmt;

/// Seconds since the Unix epoch, as P1 and P3 carry them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// Distance in seconds to `other`, whichever of the two is earlier.
    #[must_use]
    pub fn distance(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

/// Milliseconds of a monotonic clock with an arbitrary origin. Deadlines are counted in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(pub u64);

impl Tick {
    /// The instant `milliseconds` later, or the last one there is.
    #[must_use]
    pub fn after(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Milliseconds since the Unix epoch, 0..=2^53 - 1, the clock of the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(u64);

impl Millis {
    /// The largest value, 2^53 - 1.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// `value` milliseconds, or `None` past [`Self::MAX`].
    #[must_use]
    pub fn new(value: u64) -> Option<Self> {
        (value <= Self::MAX.0).then_some(Self(value))
    }

    /// The milliseconds.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_wraps() {
        assert_eq!(UnixTime(0).distance(UnixTime(u64::MAX)), u64::MAX);
        assert_eq!(UnixTime(u64::MAX).distance(UnixTime(0)), u64::MAX);
        assert_eq!(Tick(u64::MAX - 1).after(10_000), Tick(u64::MAX));
        assert_eq!(Millis::new(9_007_199_254_740_991), Some(Millis::MAX));
        assert_eq!(Millis::new(9_007_199_254_740_992), None);
    }
}
