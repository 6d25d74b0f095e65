//! Section 7.6: encoding, version and extensions.

use super::Table;
use super::keys;
use super::path::{BOTH, Path, Peer};
use crate::build::primitives::der::{Length, NULL, SEQUENCE, SET, element, element_with};
use crate::build::primitives::rsa::Hash;
use crate::build::primitives::sign::Algorithm;
use crate::build::primitives::x509::{
    BOOLEAN, COMMON_NAME, Extension, UNKNOWN, UTF8, extended_key_usage, name,
};

pub(super) fn table(mut table: Table) -> Table {
    accepted(&mut table);
    extensions(&mut table);
    versions(&mut table);
    encodings(&mut table);
    table
}

fn unknown(critical: bool) -> Extension {
    let extension = Extension::new(UNKNOWN, element(NULL, &[]));
    if critical { extension.critical() } else { extension }
}

fn accepted(table: &mut Table) {
    let rules = &["TLS-048"];
    table.accept_both(
        "unknown-extension",
        rules,
        "An unknown extension of the leaf is not critical.",
        |path| {
            path.leaf().set(unknown(false));
        },
    );
    table.accept_both(
        "intermediate-unknown-extension",
        rules,
        "An unknown extension of the issuer is not critical.",
        |path| {
            path.intermediate().set(unknown(false));
        },
    );
    table.accept_both(
        "purpose-critical",
        rules,
        "extendedKeyUsage is critical, and processed.",
        |path| {
            let usage = extended_key_usage(&[path.peer.purpose()]);
            path.leaf().set(usage.critical());
        },
    );
    let mut long = Path::good(Peer::Client);
    long.leaf().serial = [&[0x7f][..], &[0xee; 19]].concat();
    table.accept("serial-20-octets", &["TLS-036"], &long, "A serial number of 20 octets.");
}

fn extensions(table: &mut Table) {
    let rules = &["TLS-048"];
    table.reject_both(
        "critical",
        rules,
        "critical_extension",
        "the leaf has a critical extension that nobody knows",
        |path| {
            path.leaf().set(unknown(true));
        },
    );
    table.reject_both(
        "intermediate-critical",
        rules,
        "critical_extension",
        "the issuer has a critical extension that nobody knows",
        |path| {
            path.intermediate().set(unknown(true));
        },
    );
    let rules = &["TLS-036"];
    let code = "certificate_form";
    table.reject_both(
        "extension-twice",
        rules,
        code,
        "the leaf has extendedKeyUsage twice",
        |path| {
            let usage = extended_key_usage(&[path.peer.purpose()]);
            path.leaf().extensions.push(usage);
        },
    );
    table.reject_both("names-twice", rules, code, "the leaf has subjectAltName twice", |path| {
        let names = path.leaf().extensions[3].clone();
        path.leaf().extensions.push(names);
    });
    table.reject_both(
        "unknown-twice",
        rules,
        code,
        "the leaf has an unknown extension twice",
        |path| {
            path.leaf().extensions.extend([unknown(false), unknown(false)]);
        },
    );
    table.reject_both(
        "intermediate-extension-twice",
        rules,
        code,
        "the issuer has basicConstraints twice",
        |path| {
            let basic = path.intermediate().extensions[1].clone();
            path.intermediate().extensions.push(basic);
        },
    );
}

fn versions(table: &mut Table) {
    // Without extensions nothing else is missing under this policy.
    let mut plain = Path::good(Peer::Client);
    plain.leaf().extensions.clear();
    plain.leaf().with_authority = false;
    plain.leaf().subject = name(&[(COMMON_NAME, UTF8, b"alice")]);
    plain.policies(&["eku-if-present"]);
    table.accept(
        "client-without-extensions",
        &["TLS-045", "TLS-062"],
        &plain,
        "The leaf has no extensions at all, and is of version 3.",
    );
    let mut add = |name: &str, version, flaw: &str| {
        let mut path = plain.clone();
        path.leaf().version = version;
        table.reject(
            name,
            "client-without-extensions",
            &["TLS-036"],
            "certificate_form",
            flaw,
            &path,
        );
    };
    add("client-version-1", None, "the leaf is of X.509 version 1");
    add("client-version-2", Some(1), "the leaf is of X.509 version 2");
    add("client-version-4", Some(3), "the leaf is of X.509 version 4, which does not exist");
    for (peer, what) in [(Peer::Server, "leaf"), (Peer::Client, "intermediate")] {
        let mut path = Path::good(peer);
        path.links[usize::from(what == "intermediate")].certificate.version = None;
        let name = format!("{}-{what}-version-1-with-extensions", peer.name());
        let flaw = format!("the {what} has extensions and is of X.509 version 1");
        table.reject(&name, peer.name(), &["TLS-036"], "certificate_form", &flaw, &path);
    }
}

fn encodings(table: &mut Table) {
    let rules = &["TLS-036"];
    let code = "certificate_form";
    for peer in BOTH {
        let good = Path::good(peer);
        let (chain, anchors) = (good.chain(), [good.root()]);
        // The contents of the outermost SEQUENCE, after its tag and three octets of length.
        let contents = &chain[0][4..];
        for (name, flaw, leaf) in [
            ("trailing-octet", "an octet follows the leaf", [&*chain[0], &[0]].concat()),
            (
                "indefinite-length",
                "the leaf has an indefinite length",
                element_with(SEQUENCE, Length::Indefinite, contents),
            ),
            (
                "long-length",
                "the leaf's length has an octet more than needed",
                element_with(SEQUENCE, Length::Longer(1), contents),
            ),
            (
                "cut-off",
                "the last octet of the leaf is missing",
                chain[0][..chain[0].len() - 1].to_vec(),
            ),
            ("empty", "the leaf is of no octets", Vec::new()),
        ] {
            let input = good.input_of(&[leaf, chain[1].clone()], &anchors);
            table
                .reject_input(
                    &format!("{}-{name}", peer.name()),
                    peer.name(),
                    rules,
                    code,
                    flaw,
                    input,
                )
                .robustness();
        }
    }
    table.reject_both(
        "serial-padded",
        rules,
        code,
        "the leaf's serial number begins with a zero octet too many",
        |path| {
            path.leaf().serial = vec![0, 0x10, 1];
        },
    );
    // `SEQUENCE { SET { ... } }`, with an octet more than the SET's length needs.
    let name = name(&[(COMMON_NAME, UTF8, b"alice")]);
    let longer = element(SEQUENCE, &element_with(SET, Length::Longer(1), &name[4..]));
    table.reject_both(
        "subject-long-length",
        rules,
        code,
        "within the leaf's subject a length has an octet more than needed",
        |path| {
            path.leaf().subject.clone_from(&longer);
        },
    );
    table.reject_both(
        "issuer-long-length",
        rules,
        code,
        "within the name of the leaf's issuer a length has an octet more than needed",
        |path| {
            path.intermediate().subject.clone_from(&longer);
        },
    );
    table.reject_both(
        "key-long-length",
        rules,
        code,
        "within the leaf's subjectPublicKeyInfo a length has an octet more than needed",
        |path| {
            path.links[0].set_key(keys::leaf_long_length());
        },
    );
    table.reject_both(
        "critical-false",
        rules,
        code,
        "an extension says that it is not critical, which DER leaves out",
        |path| {
            path.leaf().set(Extension { flag: element(BOOLEAN, &[0]), ..unknown(false) });
        },
    );
    table.reject_both(
        "critical-1",
        rules,
        code,
        "the boolean of a critical extension is 01 and not ff",
        |path| {
            let usage = extended_key_usage(&[path.peer.purpose()]);
            path.leaf().set(Extension { flag: element(BOOLEAN, &[1]), ..usage });
        },
    );
    for peer in BOTH {
        let name = format!("{}-two-algorithms", peer.name());
        let flaw = "the signed part of the leaf names another signature algorithm";
        table
            .reject_good(peer, &name, rules, code, flaw, |path| {
                path.leaf().inner_algorithm = Some(Algorithm::Ecdsa(Hash::Sha384));
            })
            .codes(&[code, "untrusted"]);
    }
}
