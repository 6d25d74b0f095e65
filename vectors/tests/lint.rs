//! The committed suite is without a finding.

use tunnelproof_vectors::lint;

#[test]
fn the_committed_suite_is_clean() {
    let findings: Vec<_> = lint::lint_embedded().iter().map(ToString::to_string).collect();
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings[..findings.len().min(40)].join("\n")
    );
}
