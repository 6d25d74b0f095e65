//! What the benches share: inputs, the settings of criterion, and the peers behind one shape each.
//!
//! [`raw`] is the AEAD call of the reference's own backend. With feature `peers` there are also [`openssl`],
//! [`sodium`] and [`noise`]; with feature `harness` [`null_shim`], which answers the harness without computing anything.

#![forbid(unsafe_code)]

pub mod inputs;
#[cfg(feature = "peers")]
pub mod noise;
#[cfg(feature = "harness")]
pub mod null_shim;
#[cfg(feature = "peers")]
pub mod openssl;
pub mod raw;
#[cfg(feature = "peers")]
pub mod sodium;

use core::time::Duration;

use criterion::{BatchSize, Criterion};

/// Payloads of records, in octets.
pub const SIZES: [usize; 4] = [64, 1024, 16 * 1024, 1024 * 1024];

/// The settings of every group: short, since a ratio needs both of its sides close in time.
#[must_use]
pub fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args()
}

/// How many records of `size` octets are made ahead of time: enough to hide the clock's own time, few
/// enough to stay in the cache.
#[must_use]
pub fn batch(size: usize) -> BatchSize {
    BatchSize::NumIterations(if size > 64 * 1024 { 2 } else { 64 })
}
