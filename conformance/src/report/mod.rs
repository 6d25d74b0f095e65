//! Reports, each made from the entries of the result log and from nothing else.

pub mod human;
pub mod json;
pub mod junit;
pub mod progress;
pub mod statement;

use std::io;

use crate::log::{Entry, Tally};

/// Something that shows or writes a run.
pub trait Report {
    /// Takes an entry as it comes.
    ///
    /// # Errors
    /// If the report can't be written.
    fn entry(&mut self, entry: &Entry) -> io::Result<()>;

    /// Comes after the last entry, with what all of them amount to.
    ///
    /// # Errors
    /// If the report can't be written.
    fn finish(&mut self, tally: &Tally) -> io::Result<()>;
}

/// Text from a shim as it can be shown on a terminal: control characters, and so escape sequences,
/// are written out.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { plain.extend(c.escape_default()) } else { plain.push(c) }
    }
    plain
}
