//! The floor of a profile: what has to have run and passed before the word "conformant" is said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tunnelproof_vectors::{Level, Suite, Vector};

use crate::log::CaseResult;
use crate::verdict::Verdict;

/// How far a claimed profile is met.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProfileResult {
    pub profile: String,
    /// How many vectors of level MUST it has; those for an optional feature that the shim lacks are
    /// not counted.
    pub required: usize,
    pub passed: usize,
    /// Of the others, those that are known to fail.
    pub known: usize,
    /// Some of the rest, for the report.
    pub missing: Vec<String>,
}

/// The profiles and their areas.
pub const PROFILES: &[(&str, &[&str])] =
    &[("tunnel", &["cred", "hs", "chan", "frame"]), ("tokens", &["tok"]), ("mtls", &["tls"])];

/// Features that the specification leaves to the implementation (OBS-005, TLS-083). Another feature, such as
/// `large`, is a limit of the shim: without it a profile is not met.
/// `events` and `control` are what a server lacks that somebody else has started.
const OPTIONAL_FEATURES: &[&str] = &["release-delay", "tls-exporter", "events", "control"];

/// How many ids a [`ProfileResult`] names.
const NAMED: usize = 10;

/// Measures one profile.
pub fn measure(
    profile: &str,
    suite: &Suite,
    features: &[String],
    results: &BTreeMap<String, CaseResult>,
) -> ProfileResult {
    let areas =
        PROFILES.iter().find(|(name, _)| *name == profile).map_or(&[][..], |(_, areas)| areas);
    let is_optional = |vector: &Vector| {
        let lacks = |feature: &String| {
            OPTIONAL_FEATURES.contains(&feature.as_str()) && !features.contains(feature)
        };
        vector.requires.iter().any(lacks)
    };
    // A live run has a suite of its own, and all of it belongs to its profile.
    let belongs = |v: &Vector| areas.contains(&v.area()) || profile.starts_with("live-");
    let required: Vec<&Vector> = suite
        .vectors
        .iter()
        .filter(|v| belongs(v) && v.level == Level::Must && !is_optional(v))
        .collect();
    let (mut passed, mut known, mut missing) = (0, 0, Vec::new());
    for vector in &required {
        match results.get(&vector.id).map(|result| &result.verdict) {
            Some(Verdict::Pass) => passed += 1,
            Some(Verdict::Xfail { .. }) => known += 1,
            _ => missing.push(vector),
        }
    }
    ProfileResult {
        profile: profile.to_owned(),
        required: required.len(),
        passed,
        known,
        missing: missing.iter().take(NAMED).map(|vector| vector.id.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::FailKind;
    use serde_json::Map;
    use tunnelproof_vectors::Expect;

    fn vector(id: &str, level: Level, requires: &[&str]) -> Vector {
        Vector {
            id: id.into(),
            since: "1.0.0".into(),
            requirements: Vec::new(),
            level,
            op: "tok.verify".into(),
            requires: requires.iter().map(|feature| (*feature).to_owned()).collect(),
            input: Map::new(),
            expect: Expect::Accept(Map::new()),
            base: None,
            flaw: None,
            group: None,
            severity: None,
            note: String::new(),
            bug: None,
        }
    }

    fn result(case: &str, verdict: Verdict) -> (String, CaseResult) {
        let result = CaseResult {
            case: case.into(),
            verdict,
            security: false,
            op: "tok.verify".into(),
            area: "tok".into(),
            level: "MUST".into(),
            requirements: Vec::new(),
            severity: None,
            attempt: 1,
            ms: None,
            stderr: None,
            trace: None,
        };
        (case.into(), result)
    }

    #[test]
    fn what_counts_is_every_must_of_the_profile_but_for_optional_features() {
        let vectors = vec![
            vector("tok/a/passes", Level::Must, &[]),
            vector("tok/a/fails", Level::Must, &[]),
            vector("tok/a/known", Level::Must, &[]),
            vector("tok/a/not-run", Level::Must, &[]),
            vector("tok/a/should", Level::Should, &[]),
            vector("tok/a/large", Level::Must, &["large"]),
            vector("tok/a/optional", Level::Must, &["release-delay"]),
            vector("cred/a/elsewhere", Level::Must, &[]),
        ];
        let suite = Suite { version: String::new(), hash: String::new(), vectors };
        let fail = Verdict::Fail {
            kind: FailKind::WrongOutput,
            at: String::new(),
            expected: String::new(),
            found: String::new(),
        };
        let results = BTreeMap::from([
            result("tok/a/passes", Verdict::Pass),
            result("tok/a/fails", fail.clone()),
            result("tok/a/known", Verdict::Xfail { was: Box::new(fail), reason: String::new() }),
            result("tok/a/large", Verdict::Unsupported { reason: String::new() }),
            result("tok/a/optional", Verdict::Unsupported { reason: String::new() }),
        ]);
        let measured = measure("tokens", &suite, &[], &results);
        assert_eq!((measured.required, measured.passed, measured.known), (5, 1, 1));
        assert_eq!(measured.missing, ["tok/a/fails", "tok/a/not-run", "tok/a/large"]);
        let with = measure("tokens", &suite, &["release-delay".to_owned()], &results);
        assert_eq!(with.required, 6, "who has the feature has to get it right");
        assert_eq!(measure("mutual-tls", &suite, &[], &results).required, 0);
    }

    #[test]
    fn every_area_of_the_suite_belongs_to_a_profile() {
        let suite = Suite::embedded().expect("the vectors load");
        for area in crate::select::areas(&suite) {
            let profiles = PROFILES.iter().filter(|(_, areas)| areas.contains(&area));
            assert_eq!(profiles.count(), 1, "{area}");
        }
    }
}
