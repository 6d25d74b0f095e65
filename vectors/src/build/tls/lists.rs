//! Section 7.10: allow list and deny list.

use serde_json::{Value, json};

use super::Table;
use super::path::{Path, Peer, set_names};
use crate::build::family::hex;
use crate::build::primitives::sha256;
use crate::build::primitives::x509::General::Uri;
use crate::build::primitives::x509::{COMMON_NAME, UTF8, name};

fn identity(identity: &[u8]) -> Value {
    json!({ "identity": hex(identity) })
}

fn fingerprint(der: &[u8]) -> Value {
    json!({ "sha256": hex(&sha256(&[der])) })
}

/// The good client under these lists.
fn client(allow: Option<&[Value]>, deny: Option<&[Value]>) -> Path {
    let mut path = Path::good(Peer::Client);
    for (key, list) in [("allow", allow), ("deny", deny)] {
        if let Some(list) = list {
            path.more.insert(key.to_owned(), json!(list));
        }
    }
    path
}

pub(super) fn table(mut table: Table) -> Table {
    let good = Path::good(Peer::Client);
    let (leaf, ca) = (good.der(0), good.der(1));
    let (alice, bob, print) = (identity(b"alice"), identity(b"bob"), fingerprint(&leaf));
    let (alice, bob, print) = (&alice, &bob, &print);
    accepted(&mut table, alice, bob, print);
    let mut add =
        |name: &str, base: &str, rules: &[&'static str], code, flaw: &str, path: &Path| {
            table.reject(name, base, rules, code, flaw, path);
        };
    let of = |list: &[&Value]| -> Vec<Value> { list.iter().map(|item| (*item).clone()).collect() };
    let denied = |list: &[&Value]| client(None, Some(&of(list)));
    let rules = &["TLS-073"];
    add(
        "denied-identity",
        "deny-others",
        rules,
        "denied",
        "the identity is on the deny list",
        &denied(&[bob, alice]),
    );
    add(
        "denied-fingerprint",
        "deny-others",
        rules,
        "denied",
        "the fingerprint is on the deny list",
        &denied(&[bob, print]),
    );
    let both = |allow: &[&Value], deny: &[&Value]| client(Some(&of(allow)), Some(&of(deny)));
    add(
        "denied-and-allowed",
        "allow-and-deny",
        rules,
        "denied",
        "the identity is on both lists",
        &both(&[alice], &[alice]),
    );
    add(
        "denied-and-allowed-fingerprint",
        "allow-and-deny",
        rules,
        "denied",
        "the identity is on the allow list, the fingerprint on the deny list",
        &both(&[alice], &[print]),
    );
    add(
        "fingerprint-allowed-identity-denied",
        "allow-and-deny",
        rules,
        "denied",
        "the fingerprint is on the allow list, the identity on the deny list",
        &both(&[print], &[alice]),
    );
    let allowed = |list: &[&Value]| client(Some(&of(list)), None);
    let rules = &["TLS-074"];
    let code = "not_allowed";
    add(
        "not-allowed",
        "allow-identity",
        rules,
        code,
        "the allow list has others alone",
        &allowed(&[bob]),
    );
    add("allow-empty", "allow-identity", rules, code, "the allow list is empty", &allowed(&[]));
    add(
        "neither",
        "allow-and-deny",
        rules,
        code,
        "the client is on neither list",
        &both(&[bob], &[&identity(b"carol")]),
    );
    add(
        "allow-fingerprint-of-issuer",
        "allow-fingerprint",
        rules,
        code,
        "the allow list has the fingerprint of the issuer",
        &allowed(&[&fingerprint(&ca)]),
    );
    add(
        "allow-fingerprint-of-another",
        "allow-fingerprint",
        rules,
        code,
        "the allow list has the fingerprint of an older certificate of the client",
        &{
            let mut older = Path::good(Peer::Client);
            older.leaf().serial = vec![0x10, 0x02];
            allowed(&[&fingerprint(&older.der(0))])
        },
    );
    let rules = &["TLS-075", "TLS-074"];
    for (name, listed, flaw) in [
        ("case", &b"Alice"[..], "the identity on the allow list is in another case"),
        ("prefix", b"alic", "the identity on the allow list is cut off"),
        ("longer", b"alice2", "the identity on the allow list goes on"),
        ("space", b"alice ", "a space follows the identity on the allow list"),
        ("uri", b"secure-tunnel:alice", "the allow list has the URI and not the identity"),
        ("asterisk", b"*", "the allow list has an asterisk, which is an identity like others"),
    ] {
        add(
            &format!("allow-{name}"),
            "allow-identity",
            rules,
            code,
            flaw,
            &allowed(&[&identity(listed)]),
        );
    }
    let mut composed = allowed(&[&identity(b"cafe\xcc\x81")]);
    set_names(&mut composed, &[Uri(b"secure-tunnel:caf%C3%A9")]);
    add(
        "allow-decomposed",
        "allow-not-ascii",
        rules,
        code,
        "the identity on the allow list is normalised otherwise",
        &composed,
    );
    let mut encoded = allowed(&[&identity(b"caf%C3%A9")]);
    set_names(&mut encoded, &[Uri(b"secure-tunnel:caf%C3%A9")]);
    add(
        "allow-percent",
        "allow-not-ascii",
        rules,
        code,
        "the identity on the allow list is percent-encoded",
        &encoded,
    );
    let mut other = allowed(&[bob]);
    other.leaf().subject = name(&[(COMMON_NAME, UTF8, b"bob")]);
    add(
        "allow-common-name-beside-uri",
        "allow-identity",
        &["TLS-074", "TLS-061"],
        code,
        "the allow list has the commonName, and the identity is that of the URI",
        &other,
    );
    table
}

fn accepted(table: &mut Table, alice: &Value, bob: &Value, print: &Value) {
    let mut add = |name: &str, rules: &[&'static str], path: &Path, note: &str| {
        table.accept(name, rules, path, note);
    };
    let of = |list: &[&Value]| -> Vec<Value> { list.iter().map(|item| (*item).clone()).collect() };
    let allowed = |list: &[&Value]| client(Some(&of(list)), None);
    let denied = |list: &[&Value]| client(None, Some(&of(list)));
    let rules = &["TLS-074"];
    add("allow-identity", rules, &allowed(&[bob, alice]), "The identity is on the allow list.");
    add(
        "allow-fingerprint",
        rules,
        &allowed(&[bob, print]),
        "The fingerprint is on the allow list.",
    );
    add(
        "deny-empty",
        &["TLS-073", "TLS-074"],
        &denied(&[]),
        "The deny list is empty, and there is no allow list.",
    );
    add("deny-others", &["TLS-073"], &denied(&[bob]), "Others are on the deny list.");
    add(
        "deny-case",
        &["TLS-075", "TLS-073"],
        &denied(&[&identity(b"ALICE")]),
        "The identity on the deny list is in another case: it is somebody else's.",
    );
    add(
        "allow-and-deny",
        &["TLS-073", "TLS-074"],
        &client(Some(&of(&[alice])), Some(&of(&[bob]))),
        "On the allow list, and not on the deny list.",
    );
    let mut path = allowed(&[&identity("caf\u{e9}".as_bytes())]);
    set_names(&mut path, &[Uri(b"secure-tunnel:caf%C3%A9")]);
    path.identity = "caf\u{e9}".as_bytes().to_vec();
    add(
        "allow-not-ascii",
        &["TLS-075", "TLS-061"],
        &path,
        "The list has what percent-decoding gives.",
    );
}
