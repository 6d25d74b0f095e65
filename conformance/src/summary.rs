//! What a whole run comes to: counts, the floor of each profile, one conclusion, one exit code.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tunnelproof_vectors::{Suite, Vector};

use crate::floor::{self, ProfileResult};
use crate::log::{CaseResult, Run, Tally};
use crate::shim::ErrorDetail;
use crate::stop::Reason;
use crate::verdict::Verdict;

/// The last entry of a result log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    pub conclusion: Conclusion,
    /// The exit code.
    pub exit: u8,
    /// The conclusion in a sentence or two.
    pub text: String,
    /// How many cases ended in each verdict; fails are counted by kind.
    pub counts: BTreeMap<String, usize>,
    /// The same for each area, in the order of the suite.
    pub areas: Vec<AreaCounts>,
    /// Selected cases without a result.
    pub not_run: usize,
    /// Results marked *security*.
    pub security: usize,
    pub profiles: Vec<ProfileResult>,
    /// The shim says only that it rejects, not why.
    pub lower_assurance: bool,
    /// Why the run ended before its end.
    pub stopped: Option<String>,
    /// Patterns of known failures that fit nothing that fails.
    pub stale_patterns: Vec<String>,
    pub seconds: f64,
}

/// The counts of one area.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AreaCounts {
    pub area: String,
    pub counts: BTreeMap<String, usize>,
    pub not_run: usize,
}

/// What the run says about the implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Every vector of level MUST of every claimed profile has run and passed, and nothing failed.
    Conformant,
    /// Nothing failed that is not a known failure.
    AsExpected,
    /// A selection has run, and every case of it passed.
    SelectionPassed,
    /// Something failed.
    NotConformant,
    /// Nothing failed, but too little has run.
    BelowFloor,
    /// Nothing has run.
    NothingRan,
    /// The shim could not be started.
    ShimBroken,
    /// The run was interrupted.
    Interrupted,
}

/// The area of what the shim does outside of any case.
pub const SHIM: &str = "shim";

impl Summary {
    /// Sums up a run.
    pub fn of(
        tally: &Tally,
        suite: &Suite,
        selected: &[&Vector],
        stop: Option<Reason>,
        stale_patterns: Vec<String>,
        seconds: f64,
    ) -> Summary {
        let results = &tally.results;
        let mut counts = BTreeMap::new();
        for result in results.values().filter(|result| is_counted(result)) {
            *counts.entry(result.verdict.name().to_owned()).or_default() += 1;
        }
        let without_result = |vector: &&&Vector| !results.contains_key(&vector.id);
        let not_run = selected.iter().filter(without_result).count();
        let hello = tally.run.as_ref().and_then(|run| run.shim.as_ref());
        let claimed = hello.map_or(&[][..], |hello| &hello.profiles);
        let features = hello.map_or(&[][..], |hello| &hello.features);
        let profiles = claimed
            .iter()
            .map(|profile| floor::measure(profile, suite, features, results))
            .collect();
        let mut summary = Summary {
            conclusion: Conclusion::NothingRan,
            exit: 0,
            text: String::new(),
            counts,
            areas: areas(results, selected),
            not_run,
            security: results.values().filter(|result| result.security).count(),
            profiles,
            lower_assurance: hello.is_some_and(|hello| hello.error_detail == ErrorDetail::Bool),
            stopped: stop.map(describe_stop),
            stale_patterns,
            seconds,
        };
        summary.conclude(tally, stop);
        summary
    }

    fn conclude(&mut self, tally: &Tally, stop: Option<Reason>) {
        let red = tally.results.values().filter(|result| result.verdict.is_red()).count();
        let decided = |name: &str| self.counts.get(name).copied().unwrap_or(0);
        let left_out = decided("unsupported") + decided("skip");
        // A SHOULD may be departed from for a reason, and the file of known failures gives it.
        let is_known =
            |r: &&CaseResult| matches!(r.verdict, Verdict::Xfail { .. }) && r.level == "MUST";
        let known = tally.results.values().filter(is_known).count();
        let of_suite = tally.results.values().filter(|result| result.area != SHIM);
        let ran = of_suite.filter(|r| !is_left_out(&r.verdict)).count();
        let selection = tally.run.as_ref().and_then(|run| run.selection.as_deref());
        let floor = self.below_floor();
        let conclusion = match stop {
            Some(Reason::ShimBroken) => Conclusion::ShimBroken,
            Some(Reason::Signal(_) | Reason::OutputClosed) => Conclusion::Interrupted,
            _ if red > 0 || !self.stale_patterns.is_empty() => Conclusion::NotConformant,
            _ if ran == 0 => Conclusion::NothingRan,
            _ if selection.is_some() && (left_out > 0 || self.not_run > 0) => {
                Conclusion::BelowFloor
            }
            _ if selection.is_some() && known == 0 => Conclusion::SelectionPassed,
            _ if selection.is_some() => Conclusion::AsExpected,
            _ if floor.is_some() => Conclusion::BelowFloor,
            _ if known > 0 => Conclusion::AsExpected,
            _ => Conclusion::Conformant,
        };
        self.conclusion = conclusion;
        self.exit = match (conclusion, stop) {
            (_, Some(Reason::Signal(signal))) => u8::try_from(128 + signal).unwrap_or(130),
            (_, Some(Reason::OutputClosed)) => 141,
            (Conclusion::Conformant | Conclusion::AsExpected | Conclusion::SelectionPassed, _) => 0,
            (Conclusion::NotConformant, _) => 1,
            (Conclusion::ShimBroken, _) => 3,
            (Conclusion::BelowFloor | Conclusion::NothingRan, _) => 4,
            (Conclusion::Interrupted, _) => 130,
        };
        self.text = self.wording(tally.run.as_ref(), red, known, left_out, ran, floor);
    }

    fn wording(
        &self,
        run: Option<&Run>,
        red: usize,
        known: usize,
        left_out: usize,
        ran: usize,
        floor: Option<String>,
    ) -> String {
        let assurance = if self.lower_assurance {
            ", with lower assurance: the shim does not say why it rejects"
        } else {
            ""
        };
        let mut parts = vec![match self.conclusion {
            Conclusion::Conformant => {
                let profiles: Vec<&str> =
                    self.profiles.iter().map(|p| p.profile.as_str()).collect();
                format!("conformant: {}{assurance}", profiles.join(", "))
            }
            Conclusion::AsExpected => {
                format!("as expected, but not conformant: {} known to fail", cases(known))
            }
            Conclusion::SelectionPassed => {
                let total = run.map_or(0, |run| run.total);
                format!(
                    "selection passed: {} of {total}; whether the implementation is conformant is not \
                     said{assurance}",
                    cases(ran)
                )
            }
            Conclusion::NotConformant if red > 0 => {
                let security = match self.security {
                    0 => String::new(),
                    n => format!(", {n} of them a matter of security"),
                };
                format!("not conformant: {} failed{security}", cases(red))
            }
            Conclusion::NotConformant => "the file of known failures is out of date".into(),
            Conclusion::BelowFloor => match floor {
                Some(floor) if run.is_some_and(|run| run.selection.is_none()) => {
                    format!("not conformant: {floor}")
                }
                _ => format!(
                    "not all of the selection ran: {left_out} unsupported or skipped, {} not run",
                    self.not_run
                ),
            },
            Conclusion::NothingRan => {
                format!(
                    "nothing ran: all {} unsupported, skipped or not run",
                    cases(left_out + self.not_run)
                )
            }
            Conclusion::ShimBroken => "the shim is broken: it can't be started".into(),
            Conclusion::Interrupted => format!("interrupted after {}", cases(ran)),
        }];
        parts.extend(self.stale_patterns.iter().map(|pattern| {
            format!("the known failure {pattern:?} fits nothing that fails: remove it")
        }));
        if let Some(stopped) = &self.stopped {
            parts.push(format!("{stopped}; {} not run", self.not_run));
        }
        parts.join("; ")
    }

    /// Why the word "conformant" may not be said of a whole run; None if it may. Known failures do
    /// not count here: they are told by another conclusion.
    fn below_floor(&self) -> Option<String> {
        if self.profiles.is_empty() {
            return Some("the shim claims no profile".into());
        }
        let is_short = |p: &&ProfileResult| p.required == 0 || p.passed + p.known < p.required;
        let profile = self.profiles.iter().find(is_short)?;
        if profile.required == 0 {
            return Some(format!("the profile {:?} is unknown", profile.profile));
        }
        Some(format!(
            "below the floor of the profile {}: {} of {} required cases passed; missing: {}",
            profile.profile,
            profile.passed,
            profile.required,
            profile.missing.join(", ")
        ))
    }
}

/// "1 case", "2 cases".
pub fn cases(count: usize) -> String {
    if count == 1 { "1 case".into() } else { format!("{count} cases") }
}

/// What the shim does outside of any case is counted only where it is wrong.
fn is_counted(result: &CaseResult) -> bool {
    result.area != SHIM || result.verdict.is_red()
}

fn is_left_out(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Unsupported { .. } | Verdict::Skip { .. })
}

fn areas(results: &BTreeMap<String, CaseResult>, selected: &[&Vector]) -> Vec<AreaCounts> {
    let mut order: Vec<&str> = Vec::new();
    let of_shim = results.values().filter(|r| r.area == SHIM && is_counted(r));
    let mut seen = BTreeSet::new();
    for area in selected.iter().map(|vector| vector.area()).chain(of_shim.map(|r| r.area.as_str()))
    {
        if seen.insert(area) {
            order.push(area);
        }
    }
    let count = |area: &str| {
        let mut counts = BTreeMap::new();
        for result in results.values().filter(|result| result.area == area && is_counted(result)) {
            *counts.entry(result.verdict.name().to_owned()).or_default() += 1;
        }
        let not_run = selected.iter().filter(|v| v.area() == area && !results.contains_key(&v.id));
        AreaCounts { area: area.to_owned(), not_run: not_run.count(), counts }
    };
    order.into_iter().map(count).collect()
}

fn describe_stop(reason: Reason) -> String {
    match reason {
        Reason::Signal(signal) => format!("interrupted by signal {signal}"),
        Reason::TimeLimit => "the time limit has passed".into(),
        Reason::FailFast => "stopped at the first failure".into(),
        Reason::GaveUp(row) => format!("gave up after {row} timeouts in a row"),
        Reason::ShimBroken => "the shim can't be started".into(),
        Reason::OutputClosed => "nobody reads the output any more".into(),
    }
}
