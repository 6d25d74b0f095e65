//! The clocks: deadlines on the monotonic one, t and t' on the wall.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use secure_tunnel::time::{Tick, UnixTime};
use tokio::time::Instant;

/// Ticks are the milliseconds since it was made, whole ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    // spec: CONV-006
    pub(crate) fn tick(self) -> Tick {
        Tick(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// The instant at which [`Self::tick`] begins to be `tick`.
    pub(crate) fn instant(self, tick: Tick) -> Instant {
        const FAR: Duration = Duration::from_hours(24 * 365);
        self.origin.checked_add(Duration::from_millis(tick.0)).unwrap_or(self.origin + FAR)
    }
}

/// The wall clock; before 1970 it is 0.
pub(crate) fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
