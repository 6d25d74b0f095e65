//! Section 7.6: keyUsage and extendedKeyUsage.

use super::Table;
use super::path::{BOTH, Path, Peer};
use crate::build::primitives::x509::{
    ANY_USAGE, DIGITAL_SIGNATURE, EMAIL, EXTENDED_USAGE, KEY_ENCIPHERMENT, KEY_USAGE,
    extended_key_usage, key_usage,
};

const POLICY: &[&str] = &["eku-if-present"];

fn other(peer: Peer) -> &'static [u8] {
    match peer {
        Peer::Server => Peer::Client.purpose(),
        Peer::Client => Peer::Server.purpose(),
    }
}

pub(super) fn table(mut table: Table) -> Table {
    accepted(&mut table);
    let rules = &["TLS-043"];
    table.reject_both(
        "key-encipherment-only",
        rules,
        "usage",
        "the leaf's keyUsage is keyEncipherment alone",
        |path| {
            path.leaf().set(key_usage(KEY_ENCIPHERMENT));
        },
    );
    let rules = &["TLS-044"];
    table.reject_both(
        "without",
        &["TLS-044", "TLS-084"],
        "usage",
        "the leaf has no extendedKeyUsage",
        |path| {
            path.leaf().remove(EXTENDED_USAGE);
        },
    );
    table.reject_both(
        "other-role",
        rules,
        "usage",
        "the leaf is certified for the other role alone",
        |path| {
            let usage = extended_key_usage(&[other(path.peer)]);
            path.leaf().set(usage);
        },
    );
    table.reject_both("mail", rules, "usage", "the leaf is certified for mail alone", |path| {
        path.leaf().set(extended_key_usage(&[EMAIL]));
    });
    let any = &["TLS-047", "TLS-044"];
    table.reject_both("any-only", any, "usage", "the leaf has anyExtendedKeyUsage alone", |path| {
        path.leaf().set(extended_key_usage(&[ANY_USAGE]));
    });
    table.reject_both(
        "other-role-and-any",
        any,
        "usage",
        "the leaf has the other role's purpose and anyExtendedKeyUsage",
        |path| {
            let usage = extended_key_usage(&[other(path.peer), ANY_USAGE]);
            path.leaf().set(usage);
        },
    );
    let rules = &["TLS-046"];
    table.reject_both(
        "intermediate-other-role",
        rules,
        "usage",
        "the intermediate certificate has the other role's purpose alone",
        |path| {
            let usage = extended_key_usage(&[other(path.peer)]);
            path.intermediate().set(usage);
        },
    );
    table.reject_both(
        "intermediate-any-only",
        &["TLS-047", "TLS-046"],
        "usage",
        "the intermediate certificate has anyExtendedKeyUsage alone",
        |path| {
            path.intermediate().set(extended_key_usage(&[ANY_USAGE]));
        },
    );
    for peer in BOTH {
        let mut path = Path::with_intermediates(peer, 2);
        path.links[2].certificate.set(extended_key_usage(&[other(peer)]));
        let name = format!("{}-upper-intermediate-other-role", peer.name());
        table.reject(
            &name,
            peer.name(),
            rules,
            "usage",
            "the second intermediate certificate has the other role's purpose alone",
            &path,
        );
    }
    under_policy(&mut table);
    table
}

fn accepted(table: &mut Table) {
    let rules = &["TLS-044"];
    table.accept_both("both-roles", rules, "The leaf is certified for both roles.", |path| {
        let usage = extended_key_usage(&[other(path.peer), path.peer.purpose()]);
        path.leaf().set(usage);
    });
    table.accept_both(
        "purpose-and-any",
        &["TLS-044", "TLS-047"],
        "anyExtendedKeyUsage beside the purpose does no harm.",
        |path| {
            let usage = extended_key_usage(&[ANY_USAGE, path.peer.purpose()]);
            path.leaf().set(usage);
        },
    );
    table.accept_both(
        "leaf-without-key-usage",
        &["TLS-043"],
        "The leaf has no keyUsage.",
        |path| {
            path.leaf().remove(KEY_USAGE);
        },
    );
    table.accept_both(
        "leaf-with-more-key-usage",
        &["TLS-043"],
        "The leaf's keyUsage has keyEncipherment too.",
        |path| {
            path.leaf().set(key_usage(DIGITAL_SIGNATURE | KEY_ENCIPHERMENT));
        },
    );
    table.accept_both(
        "intermediate-with-purpose",
        &["TLS-046"],
        "The intermediate certificate has both purposes.",
        |path| {
            let usage = extended_key_usage(&[other(path.peer), path.peer.purpose()]);
            path.intermediate().set(usage);
        },
    );
    table.accept_both(
        "anchor-other-role",
        &["TLS-046"],
        "The anchor's extendedKeyUsage does not count.",
        |path| {
            let usage = extended_key_usage(&[other(path.peer)]);
            path.anchor().set(usage);
        },
    );
    table.accept_both(
        "without-policy",
        &["TLS-045"],
        "The policy lets a leaf without extendedKeyUsage pass.",
        |path| {
            path.leaf().remove(EXTENDED_USAGE);
            path.policies(POLICY);
        },
    );
}

fn under_policy(table: &mut Table) {
    for peer in BOTH {
        let base = format!("{}-without-policy", peer.name());
        let mut add = |name: &str, rules: &[&'static str], flaw: &str, change: fn(&mut Path)| {
            let mut path = Path::good(peer);
            path.policies(POLICY);
            change(&mut path);
            let name = format!("{}-{name}-policy", peer.name());
            table.reject(&name, &base, rules, "usage", flaw, &path);
        };
        add(
            "other-role",
            &["TLS-044", "TLS-045"],
            "the leaf has extendedKeyUsage, for the other role alone",
            |path| {
                let usage = extended_key_usage(&[other(path.peer)]);
                path.leaf().set(usage);
            },
        );
        add(
            "intermediate-other-role",
            &["TLS-046", "TLS-045"],
            "the leaf has no extendedKeyUsage, and its issuer's is for the other role alone",
            |path| {
                path.leaf().remove(EXTENDED_USAGE);
                let usage = extended_key_usage(&[other(path.peer)]);
                path.intermediate().set(usage);
            },
        );
    }
}
