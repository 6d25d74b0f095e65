//! Section 7.9: revocation lists of CAs.

use serde_json::Value;

use super::path::{BOTH, Path, Peer, impostor, intermediate, now, root};
use super::{Table, keys};
use crate::build::family::hex;
use crate::build::primitives::der::{NULL, SEQUENCE, element};
use crate::build::primitives::rsa::Hash;
use crate::build::primitives::sign::{Algorithm, raw_integer};
use crate::build::primitives::x509::{
    CRL_NUMBER, Crl, DELTA_CRL, Extension, ISSUING_POINT, KEY_CERT_SIGN, KEY_USAGE, REASON,
    UNKNOWN, key_usage,
};

const DAY: i64 = 86_400;
const LEAF: &[u8] = &[0x10, 0x01];
const CA: &[u8] = &[0x11];
const SOMEBODY: &[u8] = &[0x20, 0x01];

/// A current CRL with these serial numbers.
fn listing(serials: &[&[u8]]) -> Crl {
    Crl {
        version: Some(1),
        algorithm: None,
        this_update: now() - DAY,
        next_update: Some(now() + 30 * DAY),
        revoked: serials.iter().map(|serial| (serial.to_vec(), Vec::new())).collect(),
        extensions: vec![Extension::new(CRL_NUMBER, raw_integer(&[7]))],
    }
}

fn by_root(crl: &Crl) -> Vec<u8> {
    crl.signed(&root().certificate.subject, keys::root())
}

fn by_ca(crl: &Crl) -> Vec<u8> {
    crl.signed(&intermediate(0).certificate.subject, keys::intermediate(0))
}

/// The anchor's CRL, which is empty.
pub(super) fn root_crl() -> Vec<u8> {
    by_root(&listing(&[]))
}

/// The intermediate CA's CRL, which lists somebody else.
pub(super) fn intermediate_crl() -> Vec<u8> {
    by_ca(&listing(&[SOMEBODY]))
}

fn with_crls(path: &mut Path, crls: &[Vec<u8>]) {
    let crls = Value::from_iter(crls.iter().map(|crl| hex(crl)));
    path.more.insert("crls".to_owned(), crls);
}

/// The good path of a role with these CRLs.
fn path(peer: Peer, crls: &[Vec<u8>]) -> Path {
    let mut path = Path::good(peer);
    with_crls(&mut path, crls);
    path
}

pub(super) fn table(mut table: Table) -> Table {
    for peer in BOTH {
        let note = "CRLs of both CAs list somebody else or nobody.";
        let name = format!("{}-not-listed", peer.name());
        table.accept(
            &name,
            &["TLS-068", "TLS-069"],
            &path(peer, &[root_crl(), intermediate_crl()]),
            note,
        );
    }
    accepted(&mut table);
    revoked(&mut table);
    unusable(&mut table);
    times(&mut table);
    forms(&mut table);
    table
}

fn accepted(table: &mut Table) {
    let mut add = |name: &str, path: &Path, note: &str| {
        table.accept(name, &["TLS-068"], path, note);
    };
    let (root, ca) = (root_crl(), intermediate_crl());
    let client = Peer::Client;
    add(
        "other-order",
        &path(client, &[ca.clone(), root.clone()]),
        "The CRLs stand in another order.",
    );
    let other =
        listing(&[LEAF]).signed(&intermediate(1).certificate.subject, keys::intermediate(1));
    add(
        "other-ca-lists-serial",
        &path(client, &[other, root.clone(), ca]),
        "Another CA has revoked a certificate of the same serial number.",
    );
    add(
        "anchor-lists-serial-of-leaf",
        &path(client, &[by_root(&listing(&[LEAF])), intermediate_crl()]),
        "The anchor has revoked a certificate of the leaf's serial number.",
    );
    let serial = listing(&[&[0x10, 0x01, 0x00], &[0x01], &[0x10]]);
    add(
        "serial-looks-alike",
        &path(client, &[root.clone(), by_ca(&serial)]),
        "The serial numbers listed begin or end like the leaf's.",
    );
    let mut unknown = listing(&[]);
    unknown.extensions.push(Extension::new(UNKNOWN, element(NULL, &[])));
    add(
        "unknown-extension",
        &path(client, &[root, by_ca(&unknown)]),
        "An unknown extension of the CRL is not critical.",
    );
    let mut direct = Path::with_intermediates(Peer::Server, 0);
    with_crls(&mut direct, &[root_crl()]);
    add("no-intermediate", &direct, "The anchor signed the leaf, and its CRL is the only one.");
    let stale = by_ca(&Crl { next_update: Some(now() - 1), ..listing(&[]) });
    let forged = listing(&[LEAF]).signed(&intermediate(0).certificate.subject, keys::other_root());
    for (name, rule, crl, note) in [
        ("stale-beside", "TLS-071", stale, "An older CRL of the same issuer is there too."),
        (
            "forged-beside",
            "TLS-069",
            forged,
            "A forged CRL that lists the leaf is there too, and not used.",
        ),
    ] {
        let (first, last) = (crl.clone(), crl);
        let before = path(client, &[first, root_crl(), intermediate_crl()]);
        table.accept(&format!("{name}-first"), &[rule], &before, note);
        let after = path(Peer::Server, &[root_crl(), intermediate_crl(), last]);
        table.accept(&format!("{name}-last"), &[rule], &after, note);
    }
    let mut usage = path(Peer::Server, &[root_crl(), intermediate_crl()]);
    usage.intermediate().remove(KEY_USAGE);
    table.accept(
        "issuer-without-key-usage",
        &["TLS-069"],
        &usage,
        "The CRL's issuer has no keyUsage.",
    );
}

fn revoked(table: &mut Table) {
    let rules = &["TLS-068"];
    for peer in BOTH {
        let base = format!("{}-not-listed", peer.name());
        let mut add = |name: &str, flaw: &str, crls: &[Vec<u8>]| {
            let name = format!("{}-{name}", peer.name());
            table.reject(&name, &base, rules, "revoked", flaw, &path(peer, crls));
        };
        let entry = |reason: u8| {
            let reason = Extension::new(REASON, vec![0x0a, 1, reason]);
            let revoked = vec![(SOMEBODY.to_vec(), Vec::new()), (LEAF.to_vec(), vec![reason])];
            by_ca(&Crl { revoked, ..listing(&[]) })
        };
        let both = by_ca(&listing(&[SOMEBODY, LEAF]));
        add("revoked", "the leaf is listed", &[root_crl(), both]);
        add("revoked-key-compromise", "the leaf is listed, with a reason", &[root_crl(), entry(1)]);
        add("on-hold", "the leaf is listed as on hold", &[root_crl(), entry(6)]);
        add(
            "intermediate-revoked",
            "the intermediate certificate is listed",
            &[by_root(&listing(&[CA])), intermediate_crl()],
        );
    }
    for (name, serial, flaw) in [
        (
            "long-serial-revoked",
            [&[0x7f][..], &[0xee; 19]].concat(),
            "the leaf is listed, with a serial number of 20 octets",
        ),
        (
            "serial-128-revoked",
            vec![0, 0x80],
            "the leaf is listed, with a serial number whose first octet is zero",
        ),
    ] {
        let mut path = path(Peer::Client, &[root_crl(), by_ca(&listing(&[&serial]))]);
        path.leaf().serial = serial;
        table.reject(name, "client-not-listed", rules, "revoked", flaw, &path);
    }
    let [empty, full] = [listing(&[]), listing(&[LEAF])].map(|crl| by_ca(&crl));
    for (name, crls, flaw) in [
        (
            "second-list-revoked",
            [empty.clone(), full.clone()],
            "the second of two CRLs of the issuer lists the leaf",
        ),
        ("first-list-revoked", [full, empty], "the first of two CRLs of the issuer lists the leaf"),
    ] {
        let path = path(Peer::Client, &[&[root_crl()], &crls[..]].concat());
        let rules = &["TLS-068", "TLS-071"];
        table.reject(name, "client-not-listed", rules, "revoked", flaw, &path);
    }
    let mut direct = Path::with_intermediates(Peer::Client, 0);
    with_crls(&mut direct, &[by_root(&listing(&[LEAF]))]);
    table.reject(
        "no-intermediate-revoked",
        "no-intermediate",
        rules,
        "revoked",
        "the anchor's CRL lists the leaf that it signed",
        &direct,
    );
}

fn times(table: &mut Table) {
    let policy = "crl-stale-accepted";
    let rules = &["TLS-071"];
    let of = |peer, from: i64, to: i64, serials: &[&[u8]]| {
        let crl = Crl { this_update: from, next_update: Some(to), ..listing(serials) };
        path(peer, &[root_crl(), by_ca(&crl)])
    };
    table.accept(
        "at-this-update",
        rules,
        &of(Peer::Client, now(), now() + DAY, &[]),
        "The CRL's thisUpdate is now.",
    );
    table.accept(
        "at-next-update",
        rules,
        &of(Peer::Server, now() - DAY, now(), &[]),
        "The CRL's nextUpdate is now.",
    );
    for peer in BOTH {
        let base = format!("{}-not-listed", peer.name());
        let name = |rest: &str| format!("{}-{rest}", peer.name());
        for (rest, flaw, (from, to)) in [
            ("stale", "the CRL's nextUpdate was a second ago", (now() - DAY, now() - 1)),
            ("not-yet", "the CRL's thisUpdate is in the next second", (now() + 1, now() + DAY)),
        ] {
            let mut path = of(peer, from, to, &[]);
            table.reject(&name(rest), &base, &["TLS-071", "TLS-084"], "crl", flaw, &path);
            path.policies(&[policy]);
            table.accept(
                &name(&format!("{rest}-policy")),
                rules,
                &path,
                "The policy lets a CRL outside its times be used.",
            );
        }
        let stale = Crl { next_update: Some(now() - 1), ..listing(&[]) };
        let mut other_policy = of(peer, now() - DAY, now() - 1, &[]);
        other_policy.policies(&["crl-unknown-accepted"]);
        let flaw = "the CRL is stale, and the policy is about issuers without one";
        table.reject(
            &name("stale-other-policy"),
            &name("unknown-policy"),
            rules,
            "crl",
            flaw,
            &other_policy,
        );
        let path_ = path(peer, &[by_root(&stale), intermediate_crl()]);
        table.reject(
            &name("anchor-stale"),
            &base,
            rules,
            "crl",
            "the nextUpdate of the anchor's CRL was a second ago",
            &path_,
        );
        let mut path = of(peer, now() - DAY, now() - 1, &[LEAF]);
        path.policies(&[policy]);
        table.reject(
            &name("stale-revoked-policy"),
            &name("stale-policy"),
            &["TLS-068", "TLS-071"],
            "revoked",
            "the leaf is listed in a CRL that the policy lets be used",
            &path,
        );
    }
}

fn unusable(table: &mut Table) {
    let policy = "crl-unknown-accepted";
    for peer in BOTH {
        let base = format!("{}-not-listed", peer.name());
        let name = |rest: &str| format!("{}-{rest}", peer.name());
        let mut add = |rest: &str, rules: &[&'static str], flaw: &str, path: &Path| {
            table.reject(&name(rest), &base, rules, "crl", flaw, path);
        };
        let rules = &["TLS-070", "TLS-084"];
        add(
            "none-of-issuer",
            rules,
            "there is no CRL of the leaf's issuer",
            &path(peer, &[root_crl()]),
        );
        add(
            "none-of-anchor",
            rules,
            "there is no CRL of the anchor",
            &path(peer, &[intermediate_crl()]),
        );
        add(
            "none-at-all",
            &["TLS-070"],
            "CRLs are configured, and there are none",
            &path(peer, &[]),
        );
        let rules = &["TLS-069", "TLS-070"];
        let subject = intermediate(0).certificate.subject;
        let forged = listing(&[]).signed(&subject, keys::other_root());
        add(
            "forged",
            rules,
            "the CRL with the issuer's name is signed by another key",
            &path(peer, &[root_crl(), forged]),
        );
        let mut broken = intermediate_crl();
        if let Some(last) = broken.last_mut() {
            *last ^= 1;
        }
        add(
            "signature",
            rules,
            "the last bit of the CRL's signature is changed",
            &path(peer, &[root_crl(), broken]),
        );
        let renamed =
            listing(&[]).signed(&intermediate(1).certificate.subject, keys::intermediate(0));
        add(
            "other-name",
            rules,
            "the CRL with the issuer's signature names another issuer",
            &path(peer, &[root_crl(), renamed]),
        );
        let fake = impostor();
        let by_impostor = listing(&[]).signed(&fake.certificate.subject, fake.key);
        add(
            "anchor-forged",
            rules,
            "the CRL with the anchor's name is signed by another key",
            &path(peer, &[by_impostor, intermediate_crl()]),
        );
        let weak = by_ca(&Crl { algorithm: Some(Algorithm::Ecdsa(Hash::Sha1)), ..listing(&[]) });
        let weak_rules = &["TLS-069", "TLS-052"];
        add("sha-1", weak_rules, "the CRL is signed with SHA-1", &path(peer, &[root_crl(), weak]));
        let mut usage = path(peer, &[root_crl(), intermediate_crl()]);
        usage.intermediate().set(key_usage(KEY_CERT_SIGN));
        add("issuer-without-crl-sign", rules, "the issuer's keyUsage lacks cRLSign", &usage);
        let mut usage = path(peer, &[root_crl(), intermediate_crl()]);
        usage.anchor().set(key_usage(KEY_CERT_SIGN));
        add("anchor-without-crl-sign", rules, "the anchor's keyUsage lacks cRLSign", &usage);
        let mut unknown = path(peer, &[root_crl()]);
        unknown.policies(&[policy]);
        table.accept(
            &name("unknown-policy"),
            &["TLS-070"],
            &unknown,
            "The policy lets certificates pass whose issuer has no CRL.",
        );
        let mut listed = path(peer, &[by_root(&listing(&[CA]))]);
        listed.policies(&[policy]);
        table.reject(
            &name("unknown-revoked-policy"),
            &name("unknown-policy"),
            &["TLS-068", "TLS-070"],
            "revoked",
            "the intermediate certificate is listed, and the policy is about those without a CRL",
            &listed,
        );
    }
}

/// CRLs that are refused when they are configured.
fn forms(table: &mut Table) {
    let mut add = |name: &str, flaw: &str, crl: &Crl| {
        let path = path(Peer::Client, &[root_crl(), by_ca(crl)]);
        table.reject(name, "client-not-listed", &["TLS-072"], "crl_form", flaw, &path).robustness();
    };
    let with = |extension: Extension| {
        let mut crl = listing(&[]);
        crl.extensions.push(extension);
        crl
    };
    let point =
        |tag| Extension::new(ISSUING_POINT, element(SEQUENCE, &element(tag, &[0xff]))).critical();
    let null = || Extension::new(UNKNOWN, element(NULL, &[])).critical();
    add(
        "delta",
        "the CRL is a delta CRL",
        &with(Extension::new(DELTA_CRL, raw_integer(&[6])).critical()),
    );
    add("indirect", "the CRL is an indirect one", &with(point(0x84)));
    add("critical", "the CRL has a critical extension that nobody knows", &with(null()));
    add("users-alone", "the CRL is of users' certificates alone", &with(point(0x81)));
    let partial = Extension { flag: Vec::new(), ..point(0x81) };
    add(
        "users-alone-not-critical",
        "the CRL is of users' certificates alone, and the extension is not critical",
        &with(partial),
    );
    let first = Crl { version: None, ..listing(&[]) };
    add("version-1", "the CRL is of version 1", &first);
    add(
        "without-next-update",
        "the CRL has no nextUpdate",
        &Crl { next_update: None, ..listing(&[]) },
    );
    add(
        "extension-twice",
        "the CRL has two numbers",
        &with(Extension::new(CRL_NUMBER, raw_integer(&[8]))),
    );
    let reason = |reason: u8| Extension::new(REASON, vec![0x0a, 1, reason]);
    let entry = vec![(SOMEBODY.to_vec(), vec![reason(1), reason(6)])];
    add(
        "entry-extension-twice",
        "an entry of the CRL has two reasons",
        &Crl { revoked: entry, ..listing(&[]) },
    );
    let entry = vec![(SOMEBODY.to_vec(), vec![null()])];
    add(
        "entry-critical",
        "an entry of the CRL has a critical extension that nobody knows",
        &Crl { revoked: entry, ..listing(&[]) },
    );
}
