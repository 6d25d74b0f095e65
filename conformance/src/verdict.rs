//! What is made of one case: the verdicts, and how an answer or its absence becomes one.

use serde::{Deserialize, Serialize};
use tunnelproof_vectors::{Answer, MismatchKind, Vector};

use crate::shim::{AnswerLine, ErrorDetail, Outcome, Trouble};

/// The verdict of one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The answer is the expected one.
    Pass,
    /// It is not.
    Fail {
        kind: FailKind,
        /// Where in the answer, as in `out.results[2].error.class`.
        at: String,
        expected: String,
        found: String,
    },
    /// The shim can't run the case.
    Unsupported { reason: String },
    /// The shim does not want to run the case.
    Skip { reason: String, issue: Option<String> },
    /// No answer before the deadline.
    Timeout { after_ms: u64 },
    /// The shim exited, closed a pipe, or reported a fault of the implementation.
    Crash { how: String },
    /// The shim broke the shim protocol.
    ShimError { what: String },
    /// After a live case the endpoint did not serve an honest peer.
    Poisoned { how: String },
    /// Two runs, two verdicts.
    Flaky { first: String, second: String },
    /// It failed, as the file of known failures says.
    Xfail { was: Box<Verdict>, reason: String },
    /// It passed, although the file of known failures says that it fails.
    Xpass { pattern: String },
}

/// How an answer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailKind {
    /// Accepted what has to be refused: a matter of security.
    WrongAccept,
    /// Refused what has to be accepted.
    WrongReject,
    /// Accepted, with other results.
    WrongOutput,
    /// Refused, for another reason.
    WrongClass,
    /// A peer can tell it from another failure of its group: a matter of security.
    Distinguishable,
}

impl Verdict {
    /// The verdict's name as in the result log; for a fail the kind.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail { kind, .. } => kind.name(),
            Verdict::Unsupported { .. } => "unsupported",
            Verdict::Skip { .. } => "skip",
            Verdict::Timeout { .. } => "timeout",
            Verdict::Crash { .. } => "crash",
            Verdict::ShimError { .. } => "shim_error",
            Verdict::Poisoned { .. } => "poisoned",
            Verdict::Flaky { .. } => "flaky",
            Verdict::Xfail { .. } => "xfail",
            Verdict::Xpass { .. } => "xpass",
        }
    }

    /// Whether it turns the run red.
    pub fn is_red(&self) -> bool {
        !matches!(
            self,
            Verdict::Pass
                | Verdict::Unsupported { .. }
                | Verdict::Skip { .. }
                | Verdict::Xfail { .. }
        )
    }

    /// Whether it is marked *security*.
    pub fn is_security(&self) -> bool {
        let kinds = [FailKind::WrongAccept, FailKind::Distinguishable];
        matches!(self, Verdict::Fail { kind, .. } if kinds.contains(kind))
    }

    /// One sentence on what was expected and what was found; empty for a pass.
    pub fn sentence(&self) -> String {
        match self {
            Verdict::Pass => String::new(),
            Verdict::Fail { at, expected, found, .. } => {
                format!("expected {at} to be {expected}, found {found}")
            }
            Verdict::Unsupported { reason } => format!("unsupported: {}", or_none(reason)),
            Verdict::Skip { reason, issue: None } => format!("skipped: {}", or_none(reason)),
            Verdict::Skip { reason, issue: Some(issue) } => {
                format!("skipped: {} ({issue})", or_none(reason))
            }
            Verdict::Timeout { after_ms } => {
                format!("no answer within {} s", *after_ms as f64 / 1000.0)
            }
            Verdict::Crash { how } => format!("the shim {how}"),
            Verdict::ShimError { what } => format!("the shim wrote {what}"),
            Verdict::Poisoned { how } => {
                format!("an honest peer is not served after it: {how}")
            }
            Verdict::Flaky { first, second } => {
                format!(
                    "the first run ended in {first}, the second, in a fresh process, in {second}"
                )
            }
            Verdict::Xfail { was, reason } => {
                format!("known to fail ({reason}): {}", was.sentence())
            }
            Verdict::Xpass { pattern } => format!(
                "passed, although the known failures have the pattern {pattern:?}: remove or narrow it"
            ),
        }
    }
}

impl FailKind {
    pub fn name(self) -> &'static str {
        match self {
            FailKind::WrongAccept => "wrong_accept",
            FailKind::WrongReject => "wrong_reject",
            FailKind::WrongOutput => "wrong_output",
            FailKind::WrongClass => "wrong_class",
            FailKind::Distinguishable => "distinguishable",
        }
    }
}

/// Judges an answer.
pub fn judge(vector: &Vector, line: &AnswerLine, detail: ErrorDetail) -> Verdict {
    let reason = line.reason.clone().unwrap_or_default();
    let answer = match line.outcome {
        Outcome::Unsupported => return Verdict::Unsupported { reason },
        Outcome::Skip => return Verdict::Skip { reason, issue: line.issue.clone() },
        Outcome::Fault => {
            let native = line.error.native.as_deref().unwrap_or("no text");
            return Verdict::Crash {
                how: format!("reports a fault of the implementation: {native}"),
            };
        }
        Outcome::Ok => match &line.out {
            Some(out) => Answer::Ok(out),
            None => return Verdict::ShimError { what: "outcome \"ok\" without \"out\"".into() },
        },
        // What is told beyond the detail that hello promises is not held against the shim.
        Outcome::Reject => Answer::Reject {
            class: line.error.class.as_deref().filter(|_| detail >= ErrorDetail::Class),
            code: line.error.code.as_deref().filter(|_| detail >= ErrorDetail::Code),
            status: line.error.status,
            out: line.out.as_ref(),
        },
    };
    match vector.judge(&answer) {
        Ok(()) => Verdict::Pass,
        Err(mismatch) => Verdict::Fail {
            kind: match mismatch.kind {
                MismatchKind::WrongAccept => FailKind::WrongAccept,
                MismatchKind::WrongReject => FailKind::WrongReject,
                MismatchKind::WrongOutput => FailKind::WrongOutput,
                MismatchKind::WrongClass => FailKind::WrongClass,
            },
            at: mismatch.path,
            expected: mismatch.expected,
            found: match (&line.error.native, line.outcome) {
                (Some(native), Outcome::Reject) => format!("{} ({native})", mismatch.found),
                _ => mismatch.found,
            },
        },
    }
}

/// The verdict where there is no answer; None if the run is being stopped.
pub fn of_trouble(trouble: &Trouble) -> Option<Verdict> {
    match trouble {
        Trouble::Timeout { after } => Some(Verdict::Timeout {
            after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
        }),
        Trouble::Crash { how } => Some(Verdict::Crash { how: how.clone() }),
        Trouble::ShimError { what, .. } => Some(Verdict::ShimError { what: what.clone() }),
        Trouble::Stopped => None,
    }
}

fn or_none(reason: &str) -> &str {
    if reason.is_empty() { "no reason given" } else { reason }
}
