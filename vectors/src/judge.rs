//! Whether an answer is the one that a vector demands.

use core::fmt;

use serde_json::{Map, Value};

use crate::build::primitives::sha256;
use crate::vector::{Expect, Vector};

mod check;

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
    /// An answer without a class is judged as one that only says that it refused: its class, code
    /// and status are not compared.
    ///
    /// # Errors
    /// The first difference.
    pub fn judge(&self, answer: &Answer<'_>) -> Result<(), Mismatch> {
        match (&self.expect, answer) {
            (Expect::Accept(expected), Answer::Ok(out)) => fields(expected, out, "out"),
            (Expect::Reject(_), Answer::Ok(_)) => Err(Mismatch {
                path: "outcome".to_owned(),
                expected: "reject".to_owned(),
                found: "ok".to_owned(),
                kind: MismatchKind::WrongAccept,
            }),
            (Expect::Accept(_), Answer::Reject { class, code, .. }) => Err(Mismatch {
                path: "outcome".to_owned(),
                expected: "ok".to_owned(),
                found: format!("reject {} {}", class.unwrap_or("?"), code.unwrap_or("?")),
                kind: MismatchKind::WrongReject,
            }),
            (Expect::Reject(expected), Answer::Reject { class, code, status, out }) => {
                reason(&expected.class, &expected.codes, *class, *code, "error")?;
                if class.is_some() {
                    judge_status(expected.status, *status)?;
                }
                match (&expected.out, out) {
                    (None, _) => Ok(()),
                    (Some(expected), Some(out)) => fields(expected, out, "out"),
                    (Some(_), None) => Err(output("out", "an object", "nothing")),
                }
            }
        }
    }
}

fn judge_status(expected: Option<Option<u16>>, found: Option<Option<u16>>) -> Result<(), Mismatch> {
    let words = |status: Option<u16>| status.map_or("null".to_owned(), |code| code.to_string());
    match expected {
        // A caller error has no status, whether the answer says so or leaves it out.
        Some(expected) if expected != found.flatten() => Err(Mismatch {
            path: "error.status".to_owned(),
            expected: words(expected),
            found: words(found.flatten()),
            kind: MismatchKind::WrongClass,
        }),
        _ => Ok(()),
    }
}

/// Class and code; what the answer leaves out is not compared.
fn reason(
    class: &str,
    codes: &[String],
    found_class: Option<&str>,
    found_code: Option<&str>,
    path: &str,
) -> Result<(), Mismatch> {
    let wrong = |field: &str, expected: String, found: &str| {
        Err(Mismatch {
            path: format!("{path}.{field}"),
            expected,
            found: found.to_owned(),
            kind: MismatchKind::WrongClass,
        })
    };
    match (found_class, found_code) {
        (Some(found), _) if found != class => wrong("class", class.to_owned(), found),
        (Some(_), Some(found)) if !codes.iter().any(|code| code == found) => {
            wrong("code", codes.join(" or "), found)
        }
        _ => Ok(()),
    }
}

/// Each expected field; further ones are ignored.
fn fields(
    expected: &Map<String, Value>,
    found: &Map<String, Value>,
    path: &str,
) -> Result<(), Mismatch> {
    for (key, expected) in expected {
        let path = format!("{path}.{key}");
        let Some(found) = found.get(key) else {
            return Err(output(&path, &short(expected), "nothing"));
        };
        match (key.as_str(), expected) {
            ("results", Value::Array(expected)) => list(expected, found, &path, result)?,
            ("sent", Value::Array(expected)) => {
                list(expected, found, &path, |expected, found, path, before| {
                    sent(expected, found, path, before)
                })?;
            }
            // A lower bound: to be released later is right too.
            ("release_at", _) => {
                if found.as_u64() < expected.as_u64() || !found.is_u64() {
                    return Err(output(&path, &format!("{expected} or later"), &short(found)));
                }
            }
            _ => value(expected, found, &path)?,
        }
    }
    Ok(())
}

/// Each item of a list, in order; `judge` gets the items found before it too.
fn list(
    expected: &[Value],
    found: &Value,
    path: &str,
    judge: impl Fn(&Value, &Value, &str, &[Value]) -> Result<(), Mismatch>,
) -> Result<(), Mismatch> {
    let Value::Array(found) = found else {
        return Err(output(path, "a list", &short(found)));
    };
    for (i, (expected, item)) in expected.iter().zip(found).enumerate() {
        judge(expected, item, &format!("{path}[{i}]"), &found[..i])?;
    }
    if expected.len() == found.len() {
        Ok(())
    } else {
        let count = |n: usize| format!("{n} items");
        Err(output(path, &count(expected.len()), &count(found.len())))
    }
}

/// One result of a session.
fn result(expected: &Value, found: &Value, path: &str, _: &[Value]) -> Result<(), Mismatch> {
    let mismatch = |kind| {
        let path = path.to_owned();
        Err(Mismatch { path, expected: short(expected), found: short(found), kind })
    };
    match (expected.get("error"), found.get("error")) {
        (Some(expected), Some(found)) => {
            let text = |key: &str| found.get(key).and_then(Value::as_str);
            let codes: Vec<_> = expected["codes"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|code| code.as_str().map(str::to_owned))
                .collect();
            let class = expected["class"].as_str().unwrap_or_default();
            reason(class, &codes, text("class"), text("code"), &format!("{path}.error"))
        }
        (Some(_), None) => mismatch(MismatchKind::WrongAccept),
        (None, Some(_)) => mismatch(MismatchKind::WrongReject),
        (None, None) if expected.get("end").is_some() && expected != found => {
            let truncated = expected["end"] == "truncated";
            mismatch(if truncated { MismatchKind::WrongAccept } else { MismatchKind::WrongReject })
        }
        (None, None) => match (expected.as_object(), found.as_object()) {
            (Some(expected), Some(found)) => fields(expected, found, path),
            _ => mismatch(MismatchKind::WrongOutput),
        },
    }
}

/// One message that a party sent; `before` are those sent before it.
fn sent(expected: &Value, found: &Value, path: &str, before: &[Value]) -> Result<(), Mismatch> {
    if expected.get("check").is_none() {
        return value(expected, found, path);
    }
    let Some(octets) = found.as_str().and_then(|text| hex::decode(text).ok()) else {
        return Err(output(path, "octets", &short(found)));
    };
    let before = before.last().and_then(Value::as_str).and_then(|text| hex::decode(text).ok());
    check::message(expected, &octets, before.as_deref())
        .map_err(|fault| output(path, &fault.expected, &fault.found))
}

/// Any other value: octets by value, the rest as JSON.
fn value(expected: &Value, found: &Value, path: &str) -> Result<(), Mismatch> {
    let same = match (digest_of(expected), digest_of(found)) {
        // At most one of them is text; two texts are compared as they are.
        (Some(expected), Some(found)) => expected == found,
        (Some(digest), None) => found.as_str().and_then(summary) == Some(digest),
        (None, Some(digest)) => expected.as_str().and_then(summary) == Some(digest),
        (None, None) => match (expected, found) {
            (Value::Array(expected), Value::Array(_)) => {
                return list(expected, found, path, |e, f, path, _| value(e, f, path));
            }
            _ => expected == found,
        },
    };
    if same { Ok(()) } else { Err(output(path, &short(expected), &short(found))) }
}

/// Length and SHA-256, if that is how the octets are given.
fn digest_of(value: &Value) -> Option<(u64, String)> {
    let length = value.get("length")?.as_u64()?;
    Some((length, value.get("sha256")?.as_str()?.to_owned()))
}

/// Length and SHA-256 of octets in hexadecimal.
fn summary(text: &str) -> Option<(u64, String)> {
    let octets = hex::decode(text).ok()?;
    Some((octets.len() as u64, hex::encode(sha256(&[&octets]))))
}

fn output(path: &str, expected: &str, found: &str) -> Mismatch {
    Mismatch {
        path: path.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
        kind: MismatchKind::WrongOutput,
    }
}

/// A value for a message, cut where it is long.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(160) {
        None => text,
        Some((end, _)) => format!("{}... ({} characters)", &text[..end], text.len()),
    }
}
