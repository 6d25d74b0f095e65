//! Records: their layout, and the fate that the two halves of a channel share.
//!
//! ```text
//! plaintext   | type (1) | payload (0 ..= 2^24 - 17) |
//! record      | AES-256-GCM of the plaintext, same length | tag (16) |
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Octets that a record adds to its payload: the type before it and the tag after it.
pub const OVERHEAD: usize = 1 + TAG;
/// Octets of the smallest record.
pub const MIN_RECORD: usize = OVERHEAD;
/// Octets of the largest record, 2^24.
pub const MAX_RECORD: usize = 1 << 24;
/// Octets of the largest payload, 2^24 - 17.
pub const MAX_PAYLOAD: usize = MAX_RECORD - OVERHEAD;

/// Octets of the tag.
pub(crate) const TAG: usize = 16;

/// What a record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One message of the application.
    Data,
    /// The end of its direction.
    Close,
    /// The client's first record.
    Open,
}

impl Kind {
    pub(crate) fn octet(self) -> u8 {
        match self {
            Self::Data => 0x00,
            Self::Close => 0x01,
            Self::Open => 0x02,
        }
    }

    pub(crate) fn from_octet(octet: u8) -> Option<Self> {
        match octet {
            0x00 => Some(Self::Data),
            0x01 => Some(Self::Close),
            0x02 => Some(Self::Open),
            _ => None,
        }
    }
}

/// Whether a channel lives, known to both of its halves and its exporter.
///
/// Death is one way: nothing brings a channel back.
#[derive(Clone, Default)]
pub(crate) struct Fate(Arc<AtomicBool>);

impl Fate {
    // spec: CHAN-027
    pub(crate) fn kill(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
