//! The one way to end a run early: a reason that is set once and looked at by every worker.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Why a run ends before every case has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// SIGINT, SIGTERM or SIGHUP: its number.
    Signal(i32),
    /// `--time-limit` has passed.
    TimeLimit,
    /// `--fail-fast` and something failed.
    FailFast,
    /// This many cases in a row ran into their deadline.
    GaveUp(usize),
    /// The shim can't be started (any more).
    ShimBroken,
    /// Nobody reads the report any more.
    OutputClosed,
}

/// Shared by the workers and whoever may stop them; the first reason stays.
#[derive(Debug, Default)]
pub struct Stop {
    reason: OnceLock<Reason>,
    /// The number of the signal that has arrived, or 0.
    signal: Arc<AtomicUsize>,
}

impl Stop {
    /// One that is also set by SIGINT, SIGTERM and SIGHUP.
    ///
    /// # Errors
    /// If the operating system refuses the handlers.
    pub fn on_signals() -> io::Result<Stop> {
        let stop = Stop::default();
        for number in [SIGINT, SIGTERM, SIGHUP] {
            let value = usize::try_from(number).unwrap_or(0);
            signal_hook::flag::register_usize(number, Arc::clone(&stop.signal), value)?;
        }
        Ok(stop)
    }

    /// One of its own, set by the same signals.
    pub fn another(&self) -> Stop {
        Stop { reason: OnceLock::new(), signal: Arc::clone(&self.signal) }
    }

    pub fn set(&self, reason: Reason) {
        // An earlier reason stays.
        let _ = self.reason.set(reason);
    }

    pub fn is_set(&self) -> bool {
        self.reason().is_some()
    }

    pub fn reason(&self) -> Option<Reason> {
        if let Ok(signal @ 1..) = i32::try_from(self.signal.load(Ordering::Relaxed)) {
            self.set(Reason::Signal(signal));
        }
        self.reason.get().copied()
    }
}
