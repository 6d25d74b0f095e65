//! The lines of the shim protocol, version 1: what is sent and what is accepted.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::object::{self, Object};

/// The one version of the protocol that this harness speaks.
pub const PROTOCOL: u32 = 1;
/// No line, in either direction, is longer: 1 MiB without its LF.
pub const MAX_LINE: usize = 1 << 20;

/// A line from the harness.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RequestLine<'a> {
    /// The first line.
    Hello {
        /// The versions that the harness speaks.
        protocol: Range,
        /// Version of the suite of vectors.
        suite: &'a str,
        /// Hash of the suite, hexadecimal.
        suite_hash: &'a str,
    },
    /// Asks for one operation.
    Run {
        /// Comes back with the answer.
        id: u64,
        /// Id of the vector.
        case: &'a str,
        /// Name of the operation.
        op: &'a str,
        /// Its input.
        #[serde(rename = "in")]
        input: &'a Map<String, Value>,
        /// When the harness gives up, in milliseconds from now.
        deadline_ms: u64,
    },
    /// Asks to forget everything.
    Reset {
        /// Comes back with the answer.
        id: u64,
    },
    /// The last line.
    Bye,
}

/// The versions that one side speaks, both ends included.
#[derive(Debug, Serialize)]
pub struct Range {
    /// The lowest version.
    pub min: u32,
    /// The highest version.
    pub max: u32,
}

impl RequestLine<'_> {
    /// The line with its LF.
    ///
    /// # Errors
    /// If it is longer than [`MAX_LINE`]: its length.
    pub fn encode(&self) -> Result<Vec<u8>, usize> {
        let mut line = serde_json::to_vec(self).expect("maps with text keys always encode");
        if line.len() > MAX_LINE {
            return Err(line.len());
        }
        line.push(b'\n');
        Ok(line)
    }
}

/// A shim's answer to `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The version that both will speak.
    pub protocol: u32,
    /// What is being tested.
    #[serde(deserialize_with = "object::field")]
    pub implementation: Implementation,
    /// The operations that it runs.
    pub ops: Vec<String>,
    /// The profiles that it claims.
    pub profiles: Vec<String>,
    /// The optional features that it has.
    #[serde(default)]
    pub features: Vec<String>,
    /// How much it tells about a reject.
    pub error_detail: ErrorDetail,
    /// How many requests it can hold unanswered.
    pub max_inflight: u64,
}

/// What is being tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Implementation {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The language that it is written in; may be empty.
    #[serde(default)]
    pub language: String,
    /// Where it can be found; may be empty.
    #[serde(default)]
    pub url: String,
}

/// How much a shim tells about a reject; the less, the lower the assurance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorDetail {
    /// That it was rejected.
    Bool,
    /// The class as well.
    Class,
    /// Class and code.
    Code,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Accepted.
    Ok,
    /// Refused by a check that was meant to refuse.
    Reject,
    /// The implementation can't run it.
    Unsupported,
    /// The implementation does not want to run it.
    Skip,
    /// The implementation failed in a way that no check was meant for.
    Fault,
}

/// A shim's answer to `run`.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerLine {
    /// That of the request.
    pub id: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// The results; there if the outcome is ok.
    pub out: Option<Map<String, Value>>,
    /// Why it was rejected; empty where nothing is said.
    pub error: ErrorInfo,
    /// Why it was not run, shortened.
    pub reason: Option<String>,
    /// Where that is tracked, shortened.
    pub issue: Option<String>,
}

/// The `error` of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ErrorInfo {
    /// Class of the registry, shortened.
    pub class: Option<String>,
    /// Code of the registry, shortened.
    pub code: Option<String>,
    /// Absent, null (a caller error) or a number.
    #[serde(default, deserialize_with = "present")]
    pub status: Option<Option<u16>>,
    /// The implementation's own words, shortened.
    pub native: Option<String>,
}

impl ErrorInfo {
    fn shortened(self) -> ErrorInfo {
        let shorten = |text: Option<String>| text.map(|text| shorten(&text, WORDS));
        ErrorInfo {
            class: shorten(self.class),
            code: shorten(self.code),
            status: self.status,
            native: shorten(self.native),
        }
    }
}

/// A line from a shim, parsed.
#[derive(Debug)]
pub enum ReplyLine {
    /// What the shim is.
    Hello(Hello),
    /// What became of a request.
    Answer(AnswerLine),
    /// Everything is forgotten.
    Reset {
        /// That of the request.
        id: u64,
    },
}

impl ReplyLine {
    /// Parses one line without its LF.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the line, for the author of the shim.
    pub fn parse(line: &[u8]) -> Result<ReplyLine, String> {
        let text = std::str::from_utf8(line)
            .map_err(|e| format!("a line that is not UTF-8 at octet {}", e.valid_up_to()))?;
        if !text.trim_start().starts_with('{') {
            return Err(format!("a line that is not a JSON object: {}", excerpt(text)));
        }
        let wrong = |e: serde_json::Error| format!("{}: {}", describe(&e), excerpt(text));
        let Tag { kind } = serde_json::from_str(text).map_err(wrong)?;
        match kind.as_str() {
            "answer" => {
                let raw: RawAnswer = serde_json::from_str(text).map_err(wrong)?;
                let answer = AnswerLine {
                    id: raw.id,
                    outcome: raw.outcome,
                    out: raw.out,
                    error: raw.error.map(|Object(error)| error.shortened()).unwrap_or_default(),
                    reason: raw.reason.map(|text| shorten(&text, WORDS)),
                    issue: raw.issue.map(|text| shorten(&text, WORDS)),
                };
                if answer.outcome == Outcome::Ok && answer.out.is_none() {
                    return Err(format!("outcome \"ok\" without \"out\": {}", excerpt(text)));
                }
                Ok(ReplyLine::Answer(answer))
            }
            "reset" => {
                let raw: RawReset = serde_json::from_str(text).map_err(wrong)?;
                Ok(ReplyLine::Reset { id: raw.id })
            }
            "hello" => Ok(ReplyLine::Hello(serde_json::from_str(text).map_err(wrong)?)),
            other => Err(format!(
                "type {:?} where \"answer\", \"reset\" or \"hello\" is meant: {}",
                shorten(other, 120),
                excerpt(text)
            )),
        }
    }
}

/// The first characters of a line, escaped, for messages.
pub fn excerpt(text: &str) -> String {
    let short = shorten(text, 120);
    if short.is_empty() { "(an empty line)".into() } else { short.escape_debug().to_string() }
}

/// At most so many characters: what a shim says is kept for every case, and must not add up.
fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// As much of a shim's own words as is kept of one answer, in characters.
const WORDS: usize = 1000;

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct RawAnswer {
    id: u64,
    outcome: Outcome,
    out: Option<Map<String, Value>>,
    error: Option<Object<ErrorInfo>>,
    reason: Option<String>,
    issue: Option<String>,
}

#[derive(Deserialize)]
struct RawReset {
    id: u64,
}

/// Keeps apart a field that is absent (None) and one that is null (Some(None)).
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<u16>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// An error of serde_json without "line 1", which means nothing here.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = shorten(text.split(" at line ").next().unwrap_or(&text), 200);
    match error.classify() {
        serde_json::error::Category::Data => format!("{text} (octet {})", error.column()),
        _ => format!("a line that is not JSON, {text} (octet {})", error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_parses_and_unknown_fields_are_ignored() {
        let line = br#"{"type":"answer","id":7,"outcome":"reject","error":{"class":"key","status":null,"x":1},"later":true}"#;
        let Ok(ReplyLine::Answer(answer)) = ReplyLine::parse(line) else { panic!("is an answer") };
        assert_eq!((answer.id, answer.outcome), (7, Outcome::Reject));
        assert_eq!(answer.error.class.as_deref(), Some("key"));
        assert_eq!(answer.error.status, Some(None));
        let line = br#"{"type":"answer","id":7,"outcome":"reject","error":{"class":"key"}}"#;
        let Ok(ReplyLine::Answer(answer)) = ReplyLine::parse(line) else { panic!("is an answer") };
        assert_eq!(answer.error.status, None);
    }

    /// JSON allows an escape that is no character, and any depth; a field that is not read is not looked into.
    #[test]
    fn an_unknown_field_may_hold_any_json() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for value in [r#""\ud800""#, r#"{"a":["\udc00"]}"#, "1e999", &deep] {
            for line in [
                format!(r#"{{"type":"reset","id":7,"later":{value}}}"#),
                format!(r#"{{"type":"answer","id":7,"outcome":"ok","out":{{}},"later":{value}}}"#),
                format!(
                    r#"{{"type":"answer","id":7,"outcome":"reject","error":{{"later":{value}}}}}"#
                ),
            ] {
                ReplyLine::parse(line.as_bytes()).unwrap_or_else(|e| panic!("{line}: {e}"));
            }
        }
        let read = r#"{"type":"answer","id":7,"outcome":"reject","error":{"class":"\ud800"}}"#;
        let message = ReplyLine::parse(read.as_bytes()).expect_err("is refused");
        assert!(message.contains("surrogate") || message.contains("hex escape"), "{message}");
    }

    #[test]
    fn faults_are_named() {
        for (line, part) in [
            (&b"\xff{}"[..], "not UTF-8 at octet 0"),
            (b"", "not a JSON object: (an empty line)"),
            (b"Traceback (most recent call last):", "not a JSON object: Traceback"),
            (br#"["answer"]"#, "not a JSON object"),
            (b"{type}", "not JSON"),
            (br#"{"type":"run","id":1}"#, "type \"run\""),
            (br#"{"type":"answer","outcome":"ok","out":{}}"#, "missing field `id`"),
            (br#"{"type":"answer","id":"1","outcome":"ok","out":{}}"#, "expected u64"),
            (br#"{"type":"answer","id":1,"outcome":"fine"}"#, "unknown variant `fine`"),
            (br#"{"type":"answer","id":1,"outcome":"ok"}"#, "without \"out\""),
            (br#"{"type":"answer","id":1,"id":1,"outcome":"ok","out":{}}"#, "duplicate field"),
            (br#"{"type":"answer","id":1,"outcome":"ok","out":{}} {}"#, "trailing"),
            (
                br#"{"type":"answer","id":1,"outcome":"reject","error":["key","short",400,"no"]}"#,
                "expected an object",
            ),
        ] {
            let message = ReplyLine::parse(line).expect_err("is refused");
            assert!(message.contains(part), "{message:?} lacks {part:?}");
        }
    }

    #[test]
    fn what_a_shim_says_is_kept_in_part() {
        let long = "\u{e9}".repeat(100_000);
        let line = format!(
            r#"{{"type":"answer","id":1,"outcome":"skip","reason":"{long}","error":{{"native":"{long}"}}}}"#
        );
        let Ok(ReplyLine::Answer(answer)) = ReplyLine::parse(line.as_bytes()) else {
            panic!("is an answer")
        };
        let length = |text: Option<String>| text.map(|text| text.chars().count());
        assert_eq!(length(answer.reason), Some(WORDS + 3));
        assert_eq!(length(answer.error.native), Some(WORDS + 3));
        for line in [format!("{{\"{long}"), format!(r#"{{"type":"{long}"}}"#)] {
            let message = ReplyLine::parse(line.as_bytes()).expect_err("is refused");
            assert!(message.len() < 2000, "{} octets", message.len());
        }
    }

    #[test]
    fn a_request_is_one_line() {
        let input = Map::from_iter([("id".to_owned(), Value::from("61\n"))]);
        let run = RequestLine::Run {
            id: 1,
            case: "a/b/c",
            op: "cred.make",
            input: &input,
            deadline_ms: 5,
        };
        let line = run.encode().expect("is short");
        assert_eq!(
            String::from_utf8(line).expect("is UTF-8"),
            "{\"type\":\"run\",\"id\":1,\"case\":\"a/b/c\",\"op\":\"cred.make\",\"in\":{\"id\":\"61\\n\"},\"deadline_ms\":5}\n"
        );
        let input = Map::from_iter([("id".to_owned(), Value::from("6".repeat(MAX_LINE)))]);
        let run = RequestLine::Run {
            id: 1,
            case: "a/b/c",
            op: "cred.make",
            input: &input,
            deadline_ms: 5,
        };
        assert!(run.encode().is_err());
    }
}
