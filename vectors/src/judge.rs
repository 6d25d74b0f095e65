//! Whether an answer is the one that a vector demands.

use core::fmt;

use serde_json::{Map, Value};

use crate::vector::Vector;

/// What an implementation answered.
#[derive(Debug, Clone, Copy)]
pub enum Answer<'a> {
    /// `ok`, with `out`.
    Ok(&'a Map<String, Value>),
    /// `reject`.
    Reject {
        /// The class; `None` if the implementation only says that it refused (lower assurance).
        class: Option<&'a str>,
        /// The code; `None` if the implementation gives none.
        code: Option<&'a str>,
        /// The status; `None` if the answer has no such field, `Some(None)` if it is null.
        status: Option<Option<u16>>,
        /// The fields of `out`, if any.
        out: Option<&'a Map<String, Value>>,
    },
}

/// The first difference between an answer and what the vector demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Where: `outcome`, `error.class`, `out.sent[1]`.
    pub path: String,
    /// What the vector demands there.
    pub expected: String,
    /// What the answer has there.
    pub found: String,
    /// The verdict.
    pub kind: MismatchKind,
}

/// How an answer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MismatchKind {
    /// Accepted what has to be refused.
    WrongAccept,
    /// Refused what has to be accepted.
    WrongReject,
    /// Accepted with other results, or refused with other outputs.
    WrongOutput,
    /// Refused for another reason.
    WrongClass,
}

impl MismatchKind {
    /// As in reports: `wrong_accept` and so on.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WrongAccept => "wrong_accept",
            Self::WrongReject => "wrong_reject",
            Self::WrongOutput => "wrong_output",
            Self::WrongClass => "wrong_class",
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, expected, found, kind } = self;
        write!(f, "{}: {path}: expected {expected}, found {found}", kind.name())
    }
}

impl Vector {
    /// Compares an answer with what the vector demands; stops at the first difference.
    ///
    /// # Errors
    /// The first difference.
    pub fn judge(&self, _answer: &Answer<'_>) -> Result<(), Mismatch> {
        Err(Mismatch {
            path: "outcome".to_owned(),
            expected: "a judge".to_owned(),
            found: "none yet".to_owned(),
            kind: MismatchKind::WrongOutput,
        })
    }
}
