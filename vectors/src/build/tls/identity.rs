//! Section 7.8: what a client is known by.

use super::Table;
use super::path::{Path, Peer, set_names};
use crate::build::primitives::x509::General::{self, Dns, Mail, Uri};
use crate::build::primitives::x509::{
    BMP, COMMON_NAME, IA5, ORGANISATION, PRINTABLE, TELETEX, UNIT, UTF8, multi_valued_name, name,
};

/// A client whose leaf has these names, and a subject of these attributes if there are any.
fn client(names: &[General<'_>], subject: &[(u8, u8, &[u8])]) -> Path {
    let mut path = Path::good(Peer::Client);
    set_names(&mut path, names);
    if !subject.is_empty() {
        path.leaf().subject = name(subject);
    }
    path
}

const ALICE: General<'_> = Uri(b"secure-tunnel:alice");

pub(super) fn table(mut table: Table) -> Table {
    uris(&mut table);
    common_names(&mut table);
    bad_uris(&mut table);
    bad_common_names(&mut table);
    table
}

fn uris(table: &mut Table) {
    let long = format!("secure-tunnel:{}", "x".repeat(255));
    let mut add = |name: &str, rules: &[&'static str], uri: &[u8], identity: &[u8], note: &str| {
        let mut path = client(&[Uri(uri)], &[]);
        path.identity = identity.to_vec();
        table.accept(&format!("uri-{name}"), rules, &path, note);
    };
    let rules = &["TLS-061"];
    add(
        "scheme-in-capitals",
        rules,
        b"SECURE-Tunnel:alice",
        b"alice",
        "The scheme is in another case.",
    );
    add(
        "identity-in-capitals",
        rules,
        b"secure-tunnel:Alice",
        b"Alice",
        "The identity keeps its case.",
    );
    add(
        "percent-utf8",
        rules,
        b"secure-tunnel:caf%C3%A9",
        "caf\u{e9}".as_bytes(),
        "Octets of UTF-8 are percent-encoded.",
    );
    add(
        "percent-lower-case",
        rules,
        b"secure-tunnel:caf%c3%a9",
        "caf\u{e9}".as_bytes(),
        "The hexadecimal digits are in lower case.",
    );
    add(
        "percent-letter",
        rules,
        b"secure-tunnel:%61lice",
        b"alice",
        "A letter is percent-encoded without need.",
    );
    add(
        "percent-percent",
        rules,
        b"secure-tunnel:100%25",
        b"100%",
        "The percent sign itself is encoded.",
    );
    add(
        "percent-once",
        rules,
        b"secure-tunnel:%2561",
        b"%61",
        "What decoding makes is not decoded again.",
    );
    add(
        "percent-at",
        rules,
        b"secure-tunnel:alice%40example.org",
        b"alice@example.org",
        "An at sign is encoded.",
    );
    add("plus", rules, b"secure-tunnel:a+b", b"a+b", "A plus sign is no space.");
    add(
        "colon",
        rules,
        b"secure-tunnel:a:b",
        b"a:b",
        "The identity is what follows the first colon.",
    );
    add(
        "slashes",
        rules,
        b"secure-tunnel://alice/?q#f",
        b"//alice/?q#f",
        "Whatever follows the colon belongs to the identity.",
    );
    add(
        "255-octets",
        &["TLS-066", "TLS-061"],
        long.as_bytes(),
        "x".repeat(255).as_bytes(),
        "The longest identity.",
    );
    let other = Uri(b"https://example.com/alice");
    table.accept(
        "uri-among-others",
        rules,
        &client(&[Dns(b"example.com"), other, ALICE, Mail(b"bob@example.com")], &[]),
        "Names of other forms and schemes do not count.",
    );
    table.accept(
        "uri-before-common-name",
        &["TLS-061", "TLS-062"],
        &client(&[ALICE], &[(COMMON_NAME, UTF8, b"bob")]),
        "Both are there, and the URI counts.",
    );
    let two = [(COMMON_NAME, UTF8, &b"bob"[..]), (COMMON_NAME, UTF8, b"carol")];
    table.accept(
        "uri-before-two-common-names",
        &["TLS-061", "TLS-063"],
        &client(&[ALICE], &two),
        "Where the URI counts, two commonNames do no harm.",
    );
    table.accept(
        "uri-before-bad-common-name",
        &["TLS-061", "TLS-065"],
        &client(&[ALICE], &[(COMMON_NAME, TELETEX, b"bob")]),
        "Where the URI counts, the form of the commonName does not.",
    );
}

fn common_names(table: &mut Table) {
    let mut add = |name: &str,
                   rules: &[&'static str],
                   names: &[General<'_>],
                   tag,
                   identity: &[u8],
                   note: &str| {
        let mut path = client(
            names,
            &[(ORGANISATION, UTF8, b"tunnelproof tests"), (COMMON_NAME, tag, identity)],
        );
        path.identity = identity.to_vec();
        table.accept(&format!("common-name-{name}"), rules, &path, note);
    };
    let rules = &["TLS-062"];
    add("utf8", rules, &[], UTF8, b"alice", "A UTF8String, and no subjectAltName.");
    add("printable", &["TLS-062", "TLS-065"], &[], PRINTABLE, b"alice", "A PrintableString.");
    add("not-ascii", rules, &[], UTF8, "caf\u{e9}".as_bytes(), "Characters outside ASCII.");
    add("percent", rules, &[], UTF8, b"%61lice", "Nothing is decoded in a commonName.");
    add(
        "65-octets",
        &["TLS-062", "TLS-066"],
        &[],
        UTF8,
        &[b'x'; 65],
        "Longer than X.520 allows, and not longer than an id may be.",
    );
    add(
        "beside-dns",
        rules,
        &[Dns(b"alice.example.com")],
        UTF8,
        b"alice",
        "The subjectAltName has a DNS name alone.",
    );
    add(
        "beside-other-scheme",
        rules,
        &[Uri(b"https://example.com/bob")],
        UTF8,
        b"alice",
        "The subjectAltName has a URI of another scheme.",
    );
    add(
        "beside-longer-scheme",
        rules,
        &[Uri(b"secure-tunnel-2:bob")],
        UTF8,
        b"alice",
        "The other scheme begins alike.",
    );
    add(
        "beside-no-scheme",
        rules,
        &[Uri(b"secure-tunnel")],
        UTF8,
        b"alice",
        "A URI without a colon has no scheme.",
    );
    let mut unit = client(&[], &[(COMMON_NAME, UTF8, b"alice"), (UNIT, UTF8, b"bob")]);
    unit.identity = b"alice".to_vec();
    table.accept(
        "common-name-beside-unit",
        rules,
        &unit,
        "Another attribute follows the commonName.",
    );
}

fn bad_uris(table: &mut Table) {
    let long = format!("secure-tunnel:{}", "x".repeat(256));
    let mut add = |name: &str, rules: &[&'static str], flaw: &str, names: &[General<'_>]| {
        // With a commonName, lest a verifier turn to it.
        let path = client(names, &[(COMMON_NAME, UTF8, b"alice")]);
        table.reject(
            &format!("uri-{name}"),
            "uri-before-common-name",
            rules,
            "identity",
            flaw,
            &path,
        );
    };
    let rules = &["TLS-063"];
    add("two", rules, "there are two identities", &[ALICE, Uri(b"secure-tunnel:bob")]);
    add("twice", rules, "the identity stands there twice", &[ALICE, ALICE]);
    add(
        "two-cases",
        rules,
        "there are two identities, the second with a scheme in capitals",
        &[ALICE, Uri(b"SECURE-TUNNEL:bob")],
    );
    let rules = &["TLS-064"];
    add("percent-end", rules, "a percent sign ends the URI", &[Uri(b"secure-tunnel:alice%")]);
    add(
        "percent-one-digit",
        rules,
        "one digit follows a percent sign",
        &[Uri(b"secure-tunnel:alice%4")],
    );
    add(
        "percent-no-digits",
        rules,
        "no hexadecimal digits follow a percent sign",
        &[Uri(b"secure-tunnel:%zzalice")],
    );
    add(
        "percent-sign",
        rules,
        "a sign and a digit follow a percent sign",
        &[Uri(b"secure-tunnel:%+1alice")],
    );
    let rules = &["TLS-066", "TLS-061"];
    add("empty", rules, "the identity is empty", &[Uri(b"secure-tunnel:")]);
    add("256-octets", rules, "the identity has 256 octets", &[Uri(long.as_bytes())]);
    add("nul", rules, "the identity has a NUL in it", &[Uri(b"secure-tunnel:alice%00bob")]);
    add("line-end", rules, "the identity ends with a line end", &[Uri(b"secure-tunnel:alice%0A")]);
    add("c1-control", rules, "the identity has U+0085 in it", &[Uri(b"secure-tunnel:alice%C2%85")]);
    add("ill-formed", rules, "the identity is not UTF-8", &[Uri(b"secure-tunnel:caf%E9")]);
    add(
        "overlong",
        rules,
        "the identity has an overlong form of a slash",
        &[Uri(b"secure-tunnel:a%C0%AFb")],
    );
}

fn bad_common_names(table: &mut Table) {
    let mut add = |name: &str, rules: &[&'static str], flaw: &str, path: &Path| {
        let draft = table.reject(name, "common-name-utf8", rules, "identity", flaw, path);
        if name == "common-name-ill-formed" {
            // The remark of TLS-036: the string has octets that its type does not have.
            draft.codes(&["identity", "certificate_form"]);
        }
    };
    let rules = &["TLS-063"];
    let two: &[(u8, u8, &[u8])] = &[(COMMON_NAME, UTF8, b"alice"), (COMMON_NAME, UTF8, b"bob")];
    add("common-name-two", rules, "there are two commonNames", &client(&[], two));
    let mut multi = client(&[], &[]);
    multi.leaf().subject = multi_valued_name(two);
    add(
        "common-name-two-together",
        rules,
        "there are two commonNames in one relative name",
        &multi,
    );
    add(
        "common-name-twice",
        rules,
        "the commonName stands there twice",
        &client(&[], &[two[0], two[0]]),
    );
    add(
        "neither",
        rules,
        "there is neither a URI nor a commonName",
        &client(&[], &[(UNIT, UTF8, b"alice")]),
    );
    let mut nothing = client(&[], &[]);
    nothing.leaf().subject = name(&[]);
    add("nothing", rules, "there is neither a subjectAltName nor a subject", &nothing);
    add(
        "mail-alone",
        rules,
        "the client is named by a mail address alone",
        &client(&[Mail(b"alice@example.com")], &[]),
    );
    let bmp: Vec<u8> = "alice".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (name, tag, octets, flaw) in [
        ("teletex", TELETEX, &b"alice"[..], "the commonName is a TeletexString"),
        ("bmp", BMP, &bmp, "the commonName is a BMPString"),
        ("ia5", IA5, b"alice", "the commonName is an IA5String"),
    ] {
        let path = client(&[], &[(COMMON_NAME, tag, octets)]);
        add(&format!("common-name-{name}"), &["TLS-065"], flaw, &path);
    }
    for (name, octets, flaw) in [
        ("empty", &b""[..], "the commonName is empty"),
        ("nul", b"alice\0bob", "the commonName has a NUL in it"),
        ("control", b"alice\x1b", "the commonName ends with a control character"),
        ("c1-control", b"alice\xc2\x9b", "the commonName ends with U+009B"),
        ("ill-formed", b"caf\xe9", "the commonName is not UTF-8"),
        ("256-octets", &[b'x'; 256], "the commonName has 256 octets"),
    ] {
        let path = client(&[], &[(COMMON_NAME, UTF8, octets)]);
        add(&format!("common-name-{name}"), &["TLS-066", "TLS-062"], flaw, &path);
    }
}
