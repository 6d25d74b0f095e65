//! How long to wait before connecting again.

use std::time::Duration;

/// Waits between attempts to connect: from half a second, doubled each time, to half a minute, less a random part of
/// up to a half so that clients do not come back all at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    first: Duration,
    most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(30))
    }
}

impl Backoff {
    /// Waits from `first` to `most`.
    #[must_use]
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { next: first, first, most }
    }

    /// Begins anew, after a success.
    pub fn reset(&mut self) {
        self.next = self.first;
    }

    /// How long to wait before the next attempt.
    pub fn advance(&mut self) -> Duration {
        let wait = self.next;
        self.next = (self.next * 2).min(self.most);
        let mut random = [0; 1];
        // Without randomness the wait is the full one.
        let _ = getrandom::fill(&mut random);
        wait - wait / 512 * u32::from(random[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        for _ in 0..2 {
            for full in [100, 200, 350, 350] {
                let wait = backoff.advance();
                let full = Duration::from_millis(full);
                assert!(wait <= full && wait >= full / 2, "{wait:?} of {full:?}");
            }
            backoff.reset();
        }
    }
}
