//! The result log itself: one JSON object a line, as it comes.

use std::io::{self, Write};

use super::Report;
use crate::log::{Entry, Tally};

/// Writes the result log.
pub struct Json<W> {
    output: W,
}

impl<W: Write> Json<W> {
    pub fn new(output: W) -> Json<W> {
        Json { output }
    }
}

impl<W: Write> Report for Json<W> {
    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.output.write_all(&line)?;
        // Whoever reads along sees a result when it is there.
        self.output.flush()
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.output.flush()
    }
}
