//! Sections 4.3 to 4.5: one record at a given number, sealed or opened.

mod contents;
mod longest;
mod opening;
mod sealing;

pub use longest::unit as longest_record;

use serde_json::{Value, json};

use crate::build::family::{Family, hex};
use crate::build::primitives::sha256;

/// Octets of the longest record and of the longest payload.
pub(super) const RECORD_MAX: usize = 1 << 24;
/// See [`RECORD_MAX`].
pub(super) const PAYLOAD_MAX: usize = RECORD_MAX - 17;

pub(crate) fn families() -> Vec<Family> {
    vec![sealing::sealing(), opening::opening()]
}

pub(super) fn kind_name(kind: u8) -> &'static str {
    ["data", "close", "open"][usize::from(kind)]
}

/// A long payload as requests write it, and its octets.
pub(super) fn repeated(octets: &[u8], length: usize) -> (Value, Vec<u8>) {
    let mut all = octets.repeat(length.div_ceil(octets.len()));
    all.truncate(length);
    (json!({ "repeat": hex(octets), "length": length }), all)
}

/// Octets as an expectation writes them when they are long.
pub(super) fn digest(octets: &[u8]) -> Value {
    json!({ "length": octets.len(), "sha256": hex(&sha256(&[octets])) })
}
