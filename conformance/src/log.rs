//! The result log: everything that a run has to tell, as entries that are one JSON line each. Every
//! report is made from these entries and from nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::shim::Hello;
use crate::summary::Summary;
use crate::verdict::Verdict;

/// One line of the result log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Entry {
    /// Comes first.
    Run(Box<Run>),
    /// The result of a case. A case may have several: the last one holds.
    Case(Box<CaseResult>),
    /// Something to be told that is no verdict of a case.
    Note { text: String },
    /// Comes last.
    Summary(Box<Summary>),
}

/// What is run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// The version of this log's format.
    pub log: u32,
    /// `run`, or `server` for live checks.
    #[serde(default = "run")]
    pub subcommand: String,
    pub suite: String,
    pub suite_hash: String,
    /// The command of the shim; empty for the built-in reference.
    pub command: Vec<String>,
    /// Options that a run of a single case needs too.
    #[serde(default)]
    pub options: Vec<String>,
    /// What the shim says of itself; absent if it could not be started.
    pub shim: Option<Hello>,
    /// How many cases are selected, out of how many.
    pub selected: usize,
    pub total: usize,
    /// How they were selected; None for the whole suite.
    pub selection: Option<String>,
}

/// The result of one case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaseResult {
    pub case: String,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Marked *security*.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub security: bool,
    pub op: String,
    pub area: String,
    /// MUST or SHOULD.
    pub level: String,
    pub requirements: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// 1, or 2 for the second run of a case that failed.
    pub attempt: u32,
    /// Milliseconds from the request, or from the answer before, to the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// The last part of standard error, where the shim itself failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
    /// The file with the wire trace of a live case that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// What logs without a subcommand come from.
fn run() -> String {
    "run".into()
}

/// The version of the log's format.
pub const LOG_FORMAT: u32 = 1;

/// What the entries so far amount to: the last result of each case.
#[derive(Debug, Default)]
pub struct Tally {
    pub run: Option<Run>,
    /// By case.
    pub results: BTreeMap<String, CaseResult>,
    pub notes: Vec<String>,
    pub summary: Option<Summary>,
}

impl Tally {
    pub fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::Run(run) => self.run = Some(Run::clone(run)),
            Entry::Case(result) => {
                self.results.insert(result.case.clone(), CaseResult::clone(result));
            }
            Entry::Note { text } => self.notes.push(text.clone()),
            Entry::Summary(summary) => self.summary = Some(Summary::clone(summary)),
        }
    }

    /// Results of one kind, in the order of the cases' ids.
    pub fn red(&self) -> impl Iterator<Item = &CaseResult> {
        self.results.values().filter(|result| result.verdict.is_red())
    }
}
