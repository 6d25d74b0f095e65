//! Section 7.6: validity.

use super::Table;
use super::path::{NEVER, Path, Peer, now};

pub(super) fn table(mut table: Table) -> Table {
    table.accept_both(
        "begins-now",
        &["TLS-038", "TLS-037"],
        "The leaf's notBefore is now.",
        |path| {
            path.leaf().not_before = now();
        },
    );
    table.accept_both("ends-now", &["TLS-038", "TLS-037"], "The leaf's notAfter is now.", |path| {
        path.leaf().not_after = now();
    });
    let mut edges = Path::good(Peer::Server);
    for link in &mut edges.links {
        (link.certificate.not_before, link.certificate.not_after) = (now(), now());
    }
    table.accept(
        "all-valid-for-one-second",
        &["TLS-038", "TLS-039"],
        &edges,
        "Each certificate, and the anchor, is valid in this second alone.",
    );
    let mut later = Path::good(Peer::Client);
    later.now = 5_000_000_000;
    for link in &mut later.links {
        link.certificate.not_after = NEVER;
    }
    table.accept(
        "year-2128",
        &["TLS-037"],
        &later,
        "The time does not fit in 32 bits, and notAfter is a GeneralizedTime.",
    );
    let mut long = Path::good(Peer::Server);
    // The last second of UTCTime; before 1970 no time can be asked for.
    (long.leaf().not_before, long.leaf().not_after) = (0, 2_524_607_999);
    let note = "The two digits 70 of a UTCTime are 1970, and 49 are 2049.";
    table.accept("from-1970-to-2049", &["TLS-037"], &long, note);
    let rules = &["TLS-037"];
    table.reject_both("expired", rules, "expired", "the leaf expired a second ago", |path| {
        path.leaf().not_after = now() - 1;
    });
    table.reject_both(
        "not-yet-valid",
        rules,
        "not_yet_valid",
        "the leaf is not valid until the next second",
        |path| {
            path.leaf().not_before = now() + 1;
        },
    );
    table.reject_both(
        "intermediate-expired",
        rules,
        "expired",
        "the intermediate certificate expired a second ago",
        |path| {
            path.intermediate().not_after = now() - 1;
        },
    );
    table.reject_both(
        "intermediate-not-yet-valid",
        rules,
        "not_yet_valid",
        "the intermediate certificate is not valid until the next second",
        |path| {
            path.intermediate().not_before = now() + 1;
        },
    );
    anchors(&mut table);
    for (name, flaw, change) in [
        (
            "leaf-under-policy",
            "the leaf has expired, and the policy is about anchors",
            (|path| path.leaf().not_after = now() - 1) as fn(&mut Path),
        ),
        (
            "intermediate-under-policy",
            "the intermediate certificate has expired, and the policy is about anchors",
            |path| path.intermediate().not_after = now() - 1,
        ),
    ] {
        let mut path = Path::good(Peer::Server);
        path.policies(&["anchor-validity-ignored"]);
        change(&mut path);
        table.reject(name, "server", &["TLS-037", "TLS-039"], "expired", flaw, &path);
    }
    table
}

fn anchors(table: &mut Table) {
    for (words, code, flaw, change) in [
        (
            "expired",
            "expired",
            "the anchor expired a second ago",
            (|path| path.anchor().not_after = now() - 1) as fn(&mut Path),
        ),
        (
            "not-yet-valid",
            "not_yet_valid",
            "the anchor is not valid until the next second",
            |path| path.anchor().not_before = now() + 1,
        ),
    ] {
        table.reject_both(&format!("anchor-{words}"), &["TLS-039", "TLS-084"], code, flaw, change);
        table.accept_both(
            &format!("anchor-{words}-policy"),
            &["TLS-039"],
            "The policy lets an anchor outside its validity pass.",
            |path| {
                change(path);
                path.policies(&["anchor-validity-ignored"]);
            },
        );
    }
}
