//! The file of known failures: which cases are expected to fail, and why.
//!
//! ```toml
//! [[known]]
//! pattern = "tok/ed25519/*"
//! reason = "our Ed25519 multiplies by the cofactor; to be fixed in 0.4"
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use globset::GlobMatcher;
use serde::{Deserialize, Serialize};
use tunnelproof_vectors::{Suite, Vector};

use crate::log::CaseResult;
use crate::select::glob;
use crate::summary::SHIM;
use crate::verdict::Verdict;

/// What is known to fail.
#[derive(Debug, Default)]
pub struct KnownFailures {
    entries: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    pattern: String,
    reason: String,
    glob: GlobMatcher,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    known: Vec<RawKnown>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKnown {
    pattern: String,
    reason: String,
}

impl KnownFailures {
    /// Reads a file.
    ///
    /// # Errors
    /// A sentence that names the file, the entry and what to do.
    pub fn read(path: &Path) -> Result<KnownFailures, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| format!("can't read the known failures {}: {e}", path.display()))?;
        KnownFailures::parse(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    fn parse(text: &str) -> Result<KnownFailures, String> {
        let raw: RawFile = toml::from_str(text).map_err(|e| e.to_string())?;
        let mut entries: Vec<Known> = Vec::new();
        for RawKnown { pattern, reason } in raw.known {
            if reason.trim().is_empty() {
                return Err(format!("{pattern:?} has no reason; say why it fails"));
            }
            if entries.iter().any(|known| known.pattern == pattern) {
                return Err(format!("{pattern:?} is there twice; keep one"));
            }
            let glob = glob(&pattern)?;
            entries.push(Known { pattern, reason, glob });
        }
        Ok(KnownFailures { entries })
    }

    /// The verdict of a case, seen with what is known.
    pub fn apply(&self, case: &str, verdict: Verdict) -> Verdict {
        let Some(known) = self.entries.iter().find(|known| known.glob.is_match(case)) else {
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
    pub fn stale(&self, suite: &Suite, results: &BTreeMap<String, CaseResult>) -> Vec<String> {
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
    pub fn write(&self, results: &BTreeMap<String, CaseResult>) -> String {
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
            let known = self.entries.iter().find(|known| known.glob.is_match(&result.case));
            let reason = known.map_or_else(
                || format!("{}: {}", verdict.name(), verdict.sentence()),
                |known| known.reason.clone(),
            );
            let entry = RawFile { known: vec![RawKnown { pattern: result.case.clone(), reason }] };
            text.push('\n');
            text.push_str(&toml::to_string(&entry).expect("two strings can be written as TOML"));
        }
        text
    }
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
    fn faults_of_the_file_are_named() {
        for (text, part) in [
            ("[[known]]\npattern = \"a\"\nreason = \" \"\n", "\"a\" has no reason"),
            ("[[known]]\npattern = \"a\"\n", "missing field `reason`"),
            ("[[known]]\npattern = \"a[\"\nreason = \"r\"\n", "bad pattern"),
            ("[[known]]\npattern = \"a\"\nreason = \"r\"\nid = 1\n", "unknown field `id`"),
            (
                "[[known]]\npattern='a'\nreason='r'\n[[known]]\npattern='a'\nreason='s'\n",
                "there twice",
            ),
            ("known = 1", "known"),
        ] {
            let message = KnownFailures::parse(text).expect_err("is refused");
            assert!(message.contains(part), "{message:?} lacks {part:?}");
        }
    }
}
