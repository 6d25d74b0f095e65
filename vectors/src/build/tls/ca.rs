//! Section 7.6: what makes a certificate that of a CA.

use super::Table;
use super::path::{BOTH, Path, Peer};
use crate::build::primitives::x509::{
    BASIC, CRL_SIGN, Extension, KEY_USAGE, basic_constraints, key_usage, no_ca,
};

/// `path` with pathLenConstraint of its CAs, from that of the leaf on to the anchor.
fn limited(mut path: Path, limits: &[Option<u8>]) -> Path {
    for (link, limit) in path.links[1..].iter_mut().zip(limits) {
        link.certificate.set(basic_constraints(*limit));
    }
    path
}

pub(super) fn table(mut table: Table) -> Table {
    accepted(&mut table);
    let rules = &["TLS-040"];
    let code = "ca_constraints";
    table.reject_both(
        "issuer-ca-false",
        rules,
        code,
        "the issuer's basicConstraints has cA false",
        |path| {
            path.intermediate().set(no_ca());
        },
    );
    table.reject_both(
        "issuer-without-basic-constraints",
        rules,
        code,
        "the issuer has no basicConstraints",
        |path| {
            path.intermediate().remove(BASIC);
        },
    );
    table.reject_both(
        "anchor-ca-false",
        rules,
        code,
        "the anchor's basicConstraints has cA false",
        |path| {
            path.anchor().set(no_ca());
        },
    );
    table.reject_both(
        "anchor-without-basic-constraints",
        rules,
        code,
        "the anchor has no basicConstraints",
        |path| {
            path.anchor().remove(BASIC);
        },
    );
    table
        .reject_good(
            Peer::Client,
            "anchor-version-1",
            rules,
            code,
            "the anchor is of X.509 version 1",
            |path| {
                path.anchor().version = None;
                path.anchor().extensions.clear();
            },
        )
        .codes(&["ca_constraints", "certificate_form"]);
    // What an attacker has who holds a certificate of the CA.
    for peer in BOTH {
        let mut path = Path::with_intermediates(peer, 2);
        let holder = Path::good(Peer::Client);
        path.links[1].certificate = holder.links[0].certificate.clone();
        path.links[1].set_key(super::keys::leaf_p384());
        let name = format!("{}-issued-by-a-leaf", peer.name());
        table
            .reject(
                &name,
                peer.name(),
                rules,
                code,
                "the issuer is the holder of a client's certificate",
                &path,
            )
            .bug("missing basicConstraints check");
    }
    path_lengths(&mut table);
    let rules = &["TLS-042"];
    table.reject_both(
        "issuer-without-cert-sign",
        rules,
        code,
        "the issuer's keyUsage lacks keyCertSign",
        |path| {
            path.intermediate().set(key_usage(CRL_SIGN));
        },
    );
    table.reject_both(
        "anchor-without-cert-sign",
        rules,
        code,
        "the anchor's keyUsage lacks keyCertSign",
        |path| {
            path.anchor().set(key_usage(CRL_SIGN));
        },
    );
    table
}

fn accepted(table: &mut Table) {
    table.accept_both(
        "issuer-without-key-usage",
        &["TLS-042"],
        "The issuer has no keyUsage.",
        |path| {
            path.intermediate().remove(KEY_USAGE);
        },
    );
    table.accept_both(
        "anchor-without-key-usage",
        &["TLS-042"],
        "The anchor has no keyUsage.",
        |path| {
            path.anchor().remove(KEY_USAGE);
        },
    );
    table.accept_both(
        "leaf-ca-false",
        &["TLS-034"],
        "The leaf has basicConstraints with cA false.",
        |path| {
            path.leaf().set(no_ca());
        },
    );
    table.accept_both(
        "basic-constraints-not-critical",
        &["TLS-040"],
        "The issuer's basicConstraints is not critical.",
        |path| {
            path.intermediate().set(Extension { flag: Vec::new(), ..basic_constraints(None) });
        },
    );
    for peer in BOTH {
        let mut add = |name: &str, path: Path, note: &str| {
            table.accept(&format!("{}-{name}", peer.name()), &["TLS-041"], &path, note);
        };
        add(
            "path-length-0",
            limited(Path::good(peer), &[Some(0), None]),
            "The issuer of the leaf has pathLenConstraint 0.",
        );
        add(
            "anchor-path-length-1",
            limited(Path::good(peer), &[None, Some(1)]),
            "The anchor's pathLenConstraint is exactly met.",
        );
        let six: Vec<_> = (0..=6).map(Some).collect();
        add(
            "path-lengths-exactly-met",
            limited(Path::with_intermediates(peer, 6), &six),
            "Each CA's pathLenConstraint is exactly met.",
        );
    }
}

fn path_lengths(table: &mut Table) {
    for peer in BOTH {
        let mut add = |name: &str, flaw: &str, path: Path| {
            let name = format!("{}-{name}", peer.name());
            table.reject(&name, peer.name(), &["TLS-041"], "ca_constraints", flaw, &path);
        };
        add(
            "path-length-0-exceeded",
            "a CA with pathLenConstraint 0 has another below it",
            limited(Path::with_intermediates(peer, 2), &[None, Some(0)]),
        );
        add(
            "path-length-2-exceeded",
            "a CA with pathLenConstraint 2 has three others below it",
            limited(Path::with_intermediates(peer, 4), &[None, None, None, Some(2)]),
        );
        add(
            "anchor-path-length-0-exceeded",
            "the anchor has pathLenConstraint 0 and a CA below it",
            limited(Path::good(peer), &[None, Some(0)]),
        );
        add(
            "anchor-path-length-1-exceeded",
            "the anchor has pathLenConstraint 1 and two CAs below it",
            limited(Path::with_intermediates(peer, 2), &[None, None, Some(1)]),
        );
    }
    // RFC 5280 does not count certificates whose issuer has their own name; here all are counted.
    let mut path = Path::with_intermediates(Peer::Server, 2);
    path.links[1].certificate.subject = path.links[2].certificate.subject.clone();
    table.accept(
        "self-issued",
        &["TLS-041", "TLS-033"],
        &path,
        "A CA has certified its next key under its own name.",
    );
    let path = limited(path, &[None, Some(0)]);
    table.reject(
        "self-issued-counted",
        "self-issued",
        &["TLS-041"],
        "ca_constraints",
        "a CA with pathLenConstraint 0 has certified its next key under its own name",
        &path,
    );
}
