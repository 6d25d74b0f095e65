//! The conformance statement: one JSON object that can be published beside an implementation.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use crate::floor::ProfileResult;
use crate::log::{Entry, Tally};
use crate::shim::ErrorDetail;
use crate::shim::protocol::Implementation;
use crate::summary::Conclusion;

/// Writes the statement when the run is over.
pub struct Statement<W> {
    output: W,
}

/// What is stated.
#[derive(Debug, Serialize)]
struct Document<'a> {
    statement: u32,
    tool: String,
    suite: &'a str,
    suite_hash: &'a str,
    implementation: Option<&'a Implementation>,
    /// Whether the word may be used: a whole run, nothing failed, every profile claimed was met.
    conformant: bool,
    conclusion: Conclusion,
    text: &'a str,
    profiles: &'a [ProfileResult],
    features: &'a [String],
    /// How many cases ended in each verdict.
    counts: &'a BTreeMap<String, usize>,
    not_run: usize,
    selection: Option<&'a str>,
    error_detail: Option<ErrorDetail>,
    lower_assurance: bool,
}

impl<W: Write> Statement<W> {
    pub fn new(output: W) -> Statement<W> {
        Statement { output }
    }
}

impl<W: Write> Report for Statement<W> {
    fn entry(&mut self, _: &Entry) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        let (Some(run), Some(summary)) = (&tally.run, &tally.summary) else { return Ok(()) };
        let document = Document {
            statement: 1,
            tool: format!("tunnelproof {}", env!("CARGO_PKG_VERSION")),
            suite: &run.suite,
            suite_hash: &run.suite_hash,
            implementation: run.shim.as_ref().map(|hello| &hello.implementation),
            conformant: summary.conclusion == Conclusion::Conformant,
            conclusion: summary.conclusion,
            text: &summary.text,
            profiles: &summary.profiles,
            features: run.shim.as_ref().map_or(&[], |hello| &hello.features),
            counts: &summary.counts,
            not_run: summary.not_run,
            selection: run.selection.as_deref(),
            error_detail: run.shim.as_ref().map(|hello| hello.error_detail),
            lower_assurance: summary.lower_assurance,
        };
        serde_json::to_writer_pretty(&mut self.output, &document)?;
        self.output.write_all(b"\n")?;
        self.output.flush()
    }
}
