//! The file of known failures: which cases are expected to fail, and why.
//!
//! ```toml
//! [[known]]
//! pattern = "tok/ed25519/*"
//! reason = "our Ed25519 multiplies by the cofactor; to be fixed in 0.4"
//! ```
//!
//! There are no other keys. The first pattern that fits a case counts.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::path::Path;

use globset::GlobMatcher;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use tunnelproof_vectors::{Suite, Vector};

use crate::log::CaseResult;
use crate::select::glob;
use crate::summary::SHIM;
use crate::verdict::Verdict;

/// What is known to fail, in the order of the file.
#[derive(Debug, Default)]
pub struct KnownFailures {
    entries: Vec<Known>,
}

/// A pattern of vector ids and why the vectors that it fits fail.
#[derive(Debug)]
pub struct Known {
    pattern: String,
    reason: String,
    glob: GlobMatcher,
}

/// Why a text is not a file of known failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The line at fault, from 1.
    pub line: usize,
    /// What is wrong there, in one line; names the key or the pattern.
    pub problem: String,
}

impl KnownFailures {
    /// Reads a file.
    ///
    /// # Errors
    /// A sentence that names the file, the line and what is wrong there.
    pub fn read(path: &Path) -> Result<KnownFailures, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| format!("can't read the known failures {}: {e}", path.display()))?;
        KnownFailures::parse(&text).map_err(|e| format!("{}, {e}", path.display()))
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    /// If it is not TOML, has another key than the two of an entry, an entry without a reason, a pattern twice
    /// or one that is no glob.
    pub fn parse(text: &str) -> Result<KnownFailures, Malformed> {
        let raw: RawFile<Spanned<String>> =
            toml::from_str(text).map_err(|e| Malformed::at(text, e.span(), e.message()))?;
        let mut entries = Vec::with_capacity(raw.known.len());
        let mut seen = HashSet::new();
        for RawKnown { pattern, reason } in raw.known {
            let (place, pattern) = (pattern.span(), pattern.into_inner());
            let wrong = |problem: &str| Malformed::at(text, Some(place.clone()), problem);
            if reason.get_ref().trim().is_empty() {
                return Err(wrong(&format!("{pattern:?} has no reason; say why it fails")));
            }
            if !seen.insert(pattern.clone()) {
                return Err(wrong(&format!("{pattern:?} is there twice; keep one")));
            }
            let glob = glob(&pattern).map_err(|problem| wrong(&problem))?;
            entries.push(Known { pattern, reason: reason.into_inner(), glob });
        }
        Ok(KnownFailures { entries })
    }

    /// The entries, in the order of the file.
    pub fn entries(&self) -> &[Known] {
        &self.entries
    }

    /// The first entry whose pattern fits this vector id.
    pub fn find(&self, case: &str) -> Option<&Known> {
        self.entries.iter().find(|known| known.glob.is_match(case))
    }

    /// The text of a file with these entries, which parses to the same.
    pub fn to_toml(&self) -> String {
        self.entries.iter().fold(String::new(), |text, known| text + &known.to_toml())
    }

    /// The verdict of a case, seen with what is known.
    pub(crate) fn apply(&self, case: &str, verdict: Verdict) -> Verdict {
        let Some(known) = self.find(case) else {
            return verdict;
        };
        match verdict {
            Verdict::Pass => Verdict::Xpass { pattern: known.pattern.clone() },
            // Not to know what a case does is never expected.
            Verdict::Flaky { .. } => verdict,
            verdict if verdict.is_red() => {
                Verdict::Xfail { was: Box::new(verdict), reason: known.reason.clone() }
            }
            verdict => verdict,
        }
    }

    /// The patterns that fit no vector at all, or of those that have run only such as neither failed
    /// nor passed.
    pub(crate) fn stale(
        &self,
        suite: &Suite,
        results: &BTreeMap<String, CaseResult>,
    ) -> Vec<String> {
        let is_stale = |known: &&Known| {
            let fits = |vector: &&Vector| known.glob.is_match(&vector.id);
            let mut verdicts = suite
                .vectors
                .iter()
                .filter(fits)
                .filter_map(|vector| results.get(&vector.id))
                .map(|result| &result.verdict)
                .peekable();
            if verdicts.peek().is_none() {
                return !suite.vectors.iter().any(|vector| fits(&vector));
            }
            verdicts.all(|v| matches!(v, Verdict::Unsupported { .. } | Verdict::Skip { .. }))
        };
        self.entries.iter().filter(is_stale).map(|known| known.pattern.clone()).collect()
    }

    /// The text of a file that lists what fails now. Reasons that are there already are kept.
    pub(crate) fn write(&self, results: &BTreeMap<String, CaseResult>) -> String {
        let mut text = String::from(
            "# Cases that are known to fail: a pattern of vector ids and the reason for each. A pattern\n\
             # that fits nothing that fails turns the run red. Replace the generated reasons by your own.\n",
        );
        for result in results.values().filter(|result| result.area != SHIM) {
            let verdict = match &result.verdict {
                Verdict::Xfail { was, .. } => was,
                // Neither can be expected.
                Verdict::Flaky { .. } | Verdict::Xpass { .. } => continue,
                verdict if verdict.is_red() => verdict,
                _ => continue,
            };
            let reason = self.find(&result.case).map_or_else(
                || format!("{}: {}", verdict.name(), verdict.sentence()),
                |known| known.reason.clone(),
            );
            text.push('\n');
            text.push_str(&entry(&result.case, &reason));
        }
        text
    }
}

impl Known {
    /// The glob over vector ids; `*` may match a slash.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Why they fail; never blank.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    fn to_toml(&self) -> String {
        entry(&self.pattern, &self.reason)
    }
}

impl Malformed {
    fn at(text: &str, place: Option<std::ops::Range<usize>>, problem: &str) -> Malformed {
        let before = text.as_bytes().iter().take(place.map_or(0, |place| place.start));
        // A key may hold anything: one line for a report, and nothing that a terminal obeys.
        let escape =
            |c: char| if c.is_control() { c.escape_default().to_string() } else { c.into() };
        Malformed {
            line: 1 + before.filter(|octet| **octet == b'\n').count(),
            problem: problem.chars().map(escape).collect(),
        }
    }
}

impl Display for Malformed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl Error for Malformed {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile<T> {
    #[serde(default = "Vec::new")]
    known: Vec<RawKnown<T>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKnown<T> {
    pattern: T,
    reason: T,
}

/// One entry of a file.
fn entry(pattern: &str, reason: &str) -> String {
    let file = RawFile { known: vec![RawKnown { pattern, reason }] };
    toml::to_string(&file).expect("two strings can be written as TOML")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> KnownFailures {
        KnownFailures::parse("[[known]]\npattern = \"tok/*\"\nreason = \"later\"\n")
            .expect("is well-formed")
    }

    #[test]
    fn a_known_failure_is_expected_and_a_pass_of_it_is_red() {
        let fault = Verdict::Timeout { after_ms: 1 };
        let expected = known().apply("tok/a/b", fault.clone());
        assert!(matches!(&expected, Verdict::Xfail { reason, .. } if reason == "later"));
        assert!(!expected.is_red());
        assert!(known().apply("tok/a/b", Verdict::Pass).is_red());
        assert_eq!(known().apply("hs/a/b", fault.clone()), fault);
        let flaky = Verdict::Flaky { first: "a".into(), second: "b".into() };
        assert_eq!(known().apply("tok/a/b", flaky.clone()), flaky);
    }

    #[test]
    fn faults_of_the_file_are_named_with_their_line() {
        for (text, line, part) in [
            ("# a\n\n[[known]]\npattern = \"a\"\nreason = \" \"\n", 4, "\"a\" has no reason"),
            ("[[known]]\npattern = \"a\"\n", 1, "missing field `reason`"),
            ("[[known]]\npattern = \"a[\"\nreason = \"r\"\n", 2, "bad pattern"),
            ("[[known]]\npattern = \"a\"\nreason = \"r\"\nid = 1\n", 4, "unknown field `id`"),
            ("[[known]]\n\"\\u001b\\n\" = 1\n", 2, "unknown field `\\u{1b}\\n`"),
            (
                "[[known]]\npattern='a'\nreason='r'\n[[known]]\npattern='a'\nreason='s'\n",
                5,
                "there twice",
            ),
            ("known = 1", 1, "expected a sequence"),
            ("[[known]]\npattern = \"a\"\nreason", 3, "key with no value"),
        ] {
            let message = KnownFailures::parse(text).expect_err("is refused").to_string();
            assert!(message.contains(part), "{message:?} lacks {part:?}");
            assert!(message.starts_with(&format!("line {line}: ")), "{message:?}, not {line}");
        }
    }

    #[test]
    fn what_is_written_parses_to_the_same() {
        let text = "[[known]]\npattern = \"a/*\"\nreason = \"of \\\"two\\\"\\nlines\"\n";
        let file = KnownFailures::parse("known = []\n#\n").expect("an empty file");
        assert_eq!(file.to_toml(), "");
        let file = KnownFailures::parse(text).expect("is well-formed");
        let again = KnownFailures::parse(&file.to_toml()).expect("what is written");
        let entry = again.find("a/b/c").expect("fits");
        assert_eq!((entry.pattern(), entry.reason()), ("a/*", "of \"two\"\nlines"));
        assert_eq!(again.to_toml(), file.to_toml());
    }
}
