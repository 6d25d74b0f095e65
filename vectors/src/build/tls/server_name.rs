//! Section 7.7: the server's name.

use super::Table;
use super::path::{Path, Peer, SERVER_NAME, set_names};
use crate::build::primitives::x509::General::{self, Dns, Ip, Mail, Uri};
use crate::build::primitives::x509::{COMMON_NAME, UTF8, name};

const IPV4: &[u8] = &[192, 0, 2, 7];
const IPV6: &[u8] = &[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];

/// Where an entry breaks the ASN.1 of its type, which the remark of TLS-036 lets be refused for that.
const ILL_FORMED: &[&str] = &["server_name", "certificate_form"];

/// A server whose leaf has these names, compared with `asked`.
fn server(names: &[General<'_>], asked: &[u8]) -> Path {
    let mut path = Path::good(Peer::Server);
    set_names(&mut path, names);
    path.name = asked.to_vec();
    path
}

pub(super) fn table(mut table: Table) -> Table {
    accepted(&mut table);
    wildcards(&mut table);
    addresses(&mut table);
    others(&mut table);
    common_names(&mut table);
    bad_names(&mut table);
    table
}

fn accepted(table: &mut Table) {
    let mut add =
        |name: &str, rules: &[&'static str], names: &[General<'_>], asked: &[u8], note: &str| {
            table.accept(name, rules, &server(names, asked), note);
        };
    let good = Dns(SERVER_NAME);
    add(
        "second-of-two",
        &["TLS-053"],
        &[Dns(b"www.example.com"), good],
        SERVER_NAME,
        "The second of two names matches.",
    );
    add("twice", &["TLS-053"], &[good, good], SERVER_NAME, "The name stands there twice.");
    add(
        "among-others",
        &["TLS-053"],
        &[Mail(b"a@example.com"), Uri(b"https://example.net/"), Ip(IPV4), good],
        SERVER_NAME,
        "Names of other forms stand before the name.",
    );
    add(
        "asked-in-capitals",
        &["TLS-055"],
        &[good],
        b"INVOICE.Example.COM",
        "The name asked for is in another case.",
    );
    add(
        "entry-in-capitals",
        &["TLS-055"],
        &[Dns(b"Invoice.EXAMPLE.com")],
        SERVER_NAME,
        "The entry is in another case.",
    );
    add(
        "underscore",
        &["TLS-059", "TLS-060"],
        &[Dns(b"in_voice.example.com")],
        b"in_voice.example.com",
        "A name with an underscore.",
    );
    add(
        "a-label",
        &["TLS-059"],
        &[Dns(b"xn--bcher-kva.example.com")],
        b"xn--bcher-kva.example.com",
        "An internationalised name is compared as A-labels.",
    );
    add("one-label", &["TLS-055"], &[Dns(b"invoice")], b"invoice", "A name of one label.");
    add(
        "wildcard",
        &["TLS-056"],
        &[Dns(b"*.example.com")],
        SERVER_NAME,
        "A wildcard stands for one label.",
    );
    add(
        "wildcard-in-capitals",
        &["TLS-056", "TLS-055"],
        &[Dns(b"*.EXAMPLE.com")],
        SERVER_NAME,
        "A wildcard in another case.",
    );
    add(
        "wildcard-below",
        &["TLS-056"],
        &[Dns(b"*.b.example.com")],
        b"a.b.example.com",
        "A wildcard further down.",
    );
    add(
        "wildcard-a-label",
        &["TLS-056"],
        &[Dns(b"*.example.com")],
        b"xn--bcher-kva.example.com",
        "A wildcard stands for an A-label too.",
    );
    add(
        "bad-entry-beside",
        &["TLS-059", "TLS-053"],
        &[Dns(b"invoice.example.com\0.example.net"), good],
        SERVER_NAME,
        "An entry that never matches stands before one that does.",
    );
    add("ipv4", &["TLS-058"], &[Ip(IPV4)], b"192.0.2.7", "An IPv4 address.");
    add("ipv6", &["TLS-058"], &[Ip(IPV6)], b"2001:db8::7", "An IPv6 address.");
    add(
        "ipv6-written-otherwise",
        &["TLS-058"],
        &[Ip(IPV6)],
        b"2001:0DB8:0:0:0:0:0:0007",
        "The same IPv6 address, written otherwise.",
    );
    add(
        "ipv4-and-dns",
        &["TLS-058"],
        &[good, Ip(IPV4)],
        b"192.0.2.7",
        "An address beside a DNS name.",
    );
}

fn wildcards(table: &mut Table) {
    let mut add = |name: &str, rule: &'static str, flaw: &str, entry: &[u8], asked: &[u8]| {
        let path = server(&[Dns(entry)], asked);
        table.reject(
            &format!("wildcard-{name}"),
            "wildcard",
            &[rule, "TLS-053"],
            "server_name",
            flaw,
            &path,
        );
    };
    add(
        "two-labels",
        "TLS-056",
        "the wildcard would have to stand for two labels",
        b"*.example.com",
        b"a.b.example.com",
    );
    add(
        "no-label",
        "TLS-056",
        "the wildcard would have to stand for no label",
        b"*.example.com",
        b"example.com",
    );
    add(
        "other-domain",
        "TLS-056",
        "the wildcard is of another domain",
        b"*.example.net",
        SERVER_NAME,
    );
    add("top-level", "TLS-056", "one label follows the asterisk", b"*.com", b"example.com");
    add("alone", "TLS-056", "the entry is an asterisk", b"*", b"invoice");
    add("suffix", "TLS-057", "the asterisk ends a label", b"in*.example.com", SERVER_NAME);
    add("prefix", "TLS-057", "the asterisk begins a label", b"*voice.example.com", SERVER_NAME);
    add("inside", "TLS-057", "the asterisk is within a label", b"in*ce.example.com", SERVER_NAME);
    add(
        "second-label",
        "TLS-057",
        "the asterisk is the second label",
        b"invoice.*.com",
        SERVER_NAME,
    );
    add("twice", "TLS-057", "two labels are asterisks", b"*.*.com", SERVER_NAME);
    add("double", "TLS-057", "the first label is two asterisks", b"**.example.com", SERVER_NAME);
    add(
        "within-a-label",
        "TLS-057",
        "the asterisk is within an A-label",
        b"xn--*.example.com",
        b"xn--bcher-kva.example.com",
    );
}

fn addresses(table: &mut Table) {
    let mut add = |name: &str, flaw: &str, entry: General<'_>, asked: &[u8]| {
        let base = if asked.contains(&b':') { "ipv6" } else { "ipv4" };
        let path = server(&[entry], asked);
        let draft = table.reject(name, base, &["TLS-058"], "server_name", flaw, &path);
        if matches!(entry, Ip(octets) if ![4, 16].contains(&octets.len())) {
            draft.codes(ILL_FORMED);
        }
    };
    add("ipv4-other", "the address is another one", Ip(&[192, 0, 2, 8]), b"192.0.2.7");
    add("ipv6-other", "the address is another one", Ip(&[0x20; 16]), b"2001:db8::7");
    add("ipv4-as-dns", "the address stands there as a DNS name", Dns(b"192.0.2.7"), b"192.0.2.7");
    add(
        "ipv6-as-dns",
        "the address stands there as a DNS name",
        Dns(b"2001:db8::7"),
        b"2001:db8::7",
    );
    add(
        "ipv4-as-uri",
        "the address stands there within a URI",
        Uri(b"https://192.0.2.7/"),
        b"192.0.2.7",
    );
    add(
        "ipv4-wildcard",
        "a wildcard stands for the first part of the address",
        Dns(b"*.0.2.7"),
        b"192.0.2.7",
    );
    add(
        "ipv4-as-text",
        "the octets of the iPAddress are the address's digits",
        Ip(b"192.0.2.7"),
        b"192.0.2.7",
    );
    add(
        "ipv4-with-mask",
        "the iPAddress has a mask, as in constraints",
        Ip(&[192, 0, 2, 7, 255, 255, 255, 255]),
        b"192.0.2.7",
    );
    let mut mapped = [0; 16];
    mapped[10..12].fill(0xff);
    mapped[12..].copy_from_slice(IPV4);
    add("ipv4-mapped", "the iPAddress is the address mapped to IPv6", Ip(&mapped), b"192.0.2.7");
    add(
        "ipv6-asked-mapped",
        "the address asked for is mapped to IPv6, and the iPAddress is not",
        Ip(IPV4),
        b"::ffff:192.0.2.7",
    );
}

fn others(table: &mut Table) {
    let mut add =
        |name: &str, rules: &[&'static str], flaw: &str, names: &[General<'_>], asked: &[u8]| {
            let path = server(names, asked);
            let draft = table.reject(name, "server", rules, "server_name", flaw, &path);
            if matches!(names, [Dns(octets)] if !octets.is_ascii()) {
                draft.codes(ILL_FORMED);
            }
        };
    let rules = &["TLS-053", "TLS-055"];
    let good = SERVER_NAME;
    add("other", rules, "the name is another one", &[Dns(b"www.example.com")], good);
    add("other-asked", rules, "another name is asked for", &[Dns(good)], b"www.example.com");
    add(
        "parent",
        rules,
        "the entry is the name without its first label",
        &[Dns(b"example.com")],
        good,
    );
    add("below", rules, "the entry has a label more", &[Dns(b"a.invoice.example.com")], good);
    add(
        "longer",
        rules,
        "the entry goes on after the name",
        &[Dns(b"invoice.example.com.example.net")],
        good,
    );
    add(
        "ends-alike",
        rules,
        "the name ends like the entry, but not at a label",
        &[Dns(b"voice.example.com")],
        good,
    );
    add(
        "begins-alike",
        rules,
        "the entry is cut off within the last label",
        &[Dns(b"invoice.example.co")],
        good,
    );
    add(
        "dot-missing",
        rules,
        "a hyphen stands in the place of a dot",
        &[Dns(b"invoice-example.com")],
        good,
    );
    let rules = &["TLS-059", "TLS-053"];
    add("nul-last", rules, "a NUL follows the name", &[Dns(b"invoice.example.com\0")], good);
    add("space-last", rules, "a space follows the name", &[Dns(b"invoice.example.com ")], good);
    add(
        "line-end",
        rules,
        "a line end and the name follow another name",
        &[Dns(b"example.net\ninvoice.example.com")],
        good,
    );
    add(
        "u-label",
        rules,
        "the entry has the U-label of the name",
        &[Dns("b\u{fc}cher.example.com".as_bytes())],
        b"xn--bcher-kva.example.com",
    );
    add(
        "u-label-latin-1",
        rules,
        "the entry has the U-label of the name in Latin-1",
        &[Dns(b"b\xfccher.example.com")],
        b"xn--bcher-kva.example.com",
    );
    add("entry-empty", rules, "the entry is empty", &[Dns(b"")], good);
    let rules = &["TLS-053"];
    add(
        "as-uri",
        rules,
        "the name stands there as a URI",
        &[Uri(b"https://invoice.example.com/")],
        good,
    );
    add("as-mail", rules, "the name stands there as a mail address", &[Mail(good)], good);
    add(
        "dns-for-address",
        rules,
        "the leaf has an address, and a DNS name is asked for",
        &[Ip(IPV4)],
        good,
    );
    let path = server(&[Dns(b"invoice.example.com\0.example.net")], good);
    let flaw = "a NUL and another name follow the name";
    table
        .reject("nul", "server", &["TLS-059", "TLS-053"], "server_name", flaw, &path)
        .bug("NUL in a certificate's name");
}

fn common_names(table: &mut Table) {
    let rules = &["TLS-054", "TLS-053"];
    let mut add = |name_: &str, flaw: &str, names: &[General<'_>], common: &[u8], asked: &[u8]| {
        let mut path = server(names, asked);
        path.leaf().subject = name(&[(COMMON_NAME, UTF8, common)]);
        table.reject(name_, "server", rules, "server_name", flaw, &path);
    };
    add(
        "common-name-alone",
        "the name is the commonName, and there is no subjectAltName",
        &[],
        SERVER_NAME,
        SERVER_NAME,
    );
    add(
        "common-name-beside-other",
        "the name is the commonName, and the subjectAltName has another",
        &[Dns(b"www.example.com")],
        SERVER_NAME,
        SERVER_NAME,
    );
    add(
        "common-name-beside-mail",
        "the name is the commonName, and the subjectAltName has a mail address alone",
        &[Mail(b"a@example.com")],
        SERVER_NAME,
        SERVER_NAME,
    );
    add("common-name-address", "the address is the commonName", &[], b"192.0.2.7", b"192.0.2.7");
    let mut neither = server(&[], SERVER_NAME);
    neither.leaf().subject = name(&[(COMMON_NAME, UTF8, b"somebody")]);
    table.reject(
        "no-name",
        "server",
        &["TLS-053"],
        "server_name",
        "there is no subjectAltName",
        &neither,
    );
}

fn bad_names(table: &mut Table) {
    let label = [b'a'; 64];
    let long = [&*[&[b'a'; 63][..]; 4].join(&b'.'), b".example"].concat();
    for (name, flaw, asked) in [
        ("empty", "is empty", &b""[..]),
        ("nul", "has a NUL in it", b"invoice.example.com\0"),
        ("wildcard", "is a wildcard", b"*.example.com"),
        ("space", "begins with a space", b" invoice.example.com"),
        ("line-end", "ends with a line end", b"invoice.example.com\n"),
        ("u-label", "has a U-label", "b\u{fc}cher.example.com".as_bytes()),
        ("ill-formed", "is not UTF-8", b"b\xfccher.example.com"),
        ("empty-label", "has an empty label", b"invoice..example.com"),
        ("dot-last", "ends with a dot", b"invoice.example.com."),
        ("digits-last", "has a last label of digits alone", b"invoice.example.123"),
        ("ipv4-of-three", "is three numbers", b"192.0.2"),
        ("ipv4-300", "is an IPv4 address with a number above 255", b"192.0.2.300"),
        ("dot-first", "begins with a dot", b".example.com"),
        ("label-64", "has a label of 64 octets", &[&label[..], b".example.com"].concat()),
        ("263-octets", "has 263 octets", &long),
        ("url", "is a URL", b"https://invoice.example.com/"),
        ("port", "has a port", b"invoice.example.com:443"),
        ("ipv6-brackets", "is an IPv6 address in brackets", b"[2001:db8::7]"),
        ("ipv6-zone", "is an IPv6 address with a zone", b"fe80::7%eth0"),
    ] {
        let mut path = Path::good(Peer::Server);
        path.name = asked.to_vec();
        let flaw = format!("the name to compare with {flaw}");
        table
            .reject(&format!("asked-{name}"), "server", &["TLS-060"], "bad_name", &flaw, &path)
            .robustness();
    }
}
