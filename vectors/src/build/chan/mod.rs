//! Chapter 4: the channel.

use super::family::Family;

mod keys;
mod records;
mod session;
mod session_end;
mod session_errors;
mod start;

pub use records::longest_record;

pub(crate) fn families() -> Vec<Family> {
    let mut families = keys::families();
    families.extend(records::families());
    families.extend(session::families());
    families.push(start::family());
    families.extend(session_errors::families());
    families.extend(session_end::families());
    families
}

/// Record numbers at the edges of generations and of integers.
pub(crate) const NUMBERS: [(&str, u64); 11] = [
    ("0", 0),
    ("1", 1),
    ("65535", 65_535),
    ("65536", 65_536),
    ("65537", 65_537),
    ("131072", 131_072),
    ("2-32-minus-1", (1 << 32) - 1),
    ("2-32", 1 << 32),
    ("2-48", 1 << 48),
    ("2-64-minus-2", u64::MAX - 1),
    ("2-64-minus-1", u64::MAX),
];
