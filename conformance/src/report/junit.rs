//! JUnit XML, for CI systems: one suite for each area, one test case for each case.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::Report;
use crate::log::{CaseResult, Entry, Tally};
use crate::verdict::Verdict;

/// Writes the document when the run is over.
pub struct Junit<W> {
    output: W,
}

impl<W: Write> Junit<W> {
    pub fn new(output: W) -> Junit<W> {
        Junit { output }
    }
}

impl<W: Write> Report for Junit<W> {
    fn entry(&mut self, _: &Entry) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
        for result in tally.results.values() {
            let suite =
                suites.entry(&result.area).or_insert_with(|| TestSuite::new(result.area.as_str()));
            suite.add_test_case(test_case(result));
        }
        let mut document = Document::new("tunnelproof");
        document.add_test_suites(suites.into_values());
        document.serialize(&mut self.output).map_err(io::Error::other)?;
        self.output.flush()
    }
}

fn test_case(result: &CaseResult) -> TestCase {
    let mut status = match &result.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Unsupported { .. } | Verdict::Skip { .. } | Verdict::Xfail { .. } => {
            TestCaseStatus::skipped()
        }
        Verdict::Timeout { .. } | Verdict::Crash { .. } | Verdict::ShimError { .. } => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
        _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    if result.verdict != Verdict::Pass {
        status.set_message(result.verdict.sentence());
        let kind = result.verdict.name();
        status.set_type(if result.security { format!("{kind} (security)") } else { kind.into() });
    }
    let mut test_case = TestCase::new(result.case.as_str(), status);
    test_case.set_classname(result.op.as_str());
    if let Some(ms) = result.ms {
        test_case.set_time(Duration::from_secs_f64(ms / 1000.0));
    }
    if let Some(stderr) = &result.stderr {
        test_case.set_system_err(stderr.as_str());
    }
    test_case
}
