//! One test vector, with its constants resolved.

use serde_json::{Map, Value};

/// A test vector: an operation, its input and the outcome that the specification demands.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    /// `<area>/<family>/<name>`, for good.
    pub id: String,
    /// The suite version that brought it.
    pub since: String,
    /// The rules that it tests, the most important first, as `HS-014`.
    pub requirements: Vec<String>,
    /// Whether the rules are MUST or SHOULD.
    pub level: Level,
    /// The operation of the shim protocol.
    pub op: String,
    /// The features that a shim must have, such as `large`.
    pub requires: Vec<String>,
    /// The operation's input, constants resolved.
    pub input: Map<String, Value>,
    /// The outcome demanded, constants resolved.
    pub expect: Expect,
    /// Of a negative vector: the id of the valid one that it differs from.
    pub base: Option<String>,
    /// Of a negative vector: the one difference.
    pub flaw: Option<String>,
    /// Its indistinguishability group.
    pub group: Option<String>,
    /// Of a negative vector: what is lost when it is accepted.
    pub severity: Option<Severity>,
    /// What the vector is for.
    pub note: String,
    /// The kind of bug that it catches.
    pub bug: Option<Bug>,
}

impl Vector {
    /// The first part of the id: `cred`, `hs`, `chan`, `frame` or `tok`; of a case of the live checks, which
    /// are no vectors but selected and reported like them, the first three: `live/server/request`.
    #[must_use]
    pub fn area(&self) -> &str {
        let parts = if self.id.starts_with("live/") { 3 } else { 1 };
        match self.id.match_indices('/').nth(parts - 1) {
            Some((end, _)) => &self.id[..end],
            None => &self.id,
        }
    }

    /// The id without its last part: `cred/client-key`.
    #[must_use]
    pub fn family(&self) -> &str {
        self.id.rsplit_once('/').map_or("", |(family, _)| family)
    }

    /// Whether a reject, an error or a truncated end is expected.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        match &self.expect {
            Expect::Reject(_) => true,
            Expect::Accept(out) => out
                .get("results")
                .and_then(Value::as_array)
                .is_some_and(|results| results.iter().any(is_negative_result)),
        }
    }
}

fn is_negative_result(result: &Value) -> bool {
    result.get("error").is_some() || result.get("end").is_some_and(|end| end == "truncated")
}

/// The outcome that a vector demands.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// `ok`, with each of these fields in `out`.
    Accept(Map<String, Value>),
    /// `reject`.
    Reject(Reject),
}

/// How a refusal has to look.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject {
    /// The error class.
    pub class: String,
    /// The legal codes, at least one.
    pub codes: Vec<String>,
    /// The status if it matters: `Some(None)` is a caller error.
    pub status: Option<Option<u16>>,
    /// Fields demanded in `out`.
    pub out: Option<Map<String, Value>>,
}

/// The weight of the rules that a vector tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// MUST and MUST NOT.
    Must,
    /// SHOULD and SHOULD NOT.
    Should,
}

impl Level {
    /// As in the files: `MUST` or `SHOULD`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        }
    }
}

/// What is lost when a negative vector is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A secret or an authentication.
    Security,
    /// Availability, or the clear report of a fault.
    Robustness,
    /// Agreement with other implementations.
    Interop,
}

impl Severity {
    /// As in the files: `security`, `robustness` or `interop`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Robustness => "robustness",
            Self::Interop => "interop",
        }
    }
}

/// The kind of bug that a vector catches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bug {
    /// `type` in the files.
    pub kind: String,
    /// A CVE number.
    pub cve: Option<String>,
}
