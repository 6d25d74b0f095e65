//! Section 7.6: nameConstraints.

use super::Table;
use super::path::{Path, Peer, SERVER_NAME, set_names};
use crate::build::primitives::x509::General::{self, Directory, Dns, Ip, Mail, Uri};
use crate::build::primitives::x509::{
    COMMON_NAME, Extension, ORGANISATION, UTF8, alt_names, name, name_constraints,
};

const IPV4: &[u8] = &[192, 0, 2, 7];
/// 192.0.2.0/24 and 198.51.100.0/24.
const NET: &[u8] = &[192, 0, 2, 0, 255, 255, 255, 0];
const OTHER_NET: &[u8] = &[198, 51, 100, 0, 255, 255, 255, 0];

type Names<'a> = &'a [General<'a>];

/// A server with these names below a CA with these constraints.
fn server(permitted: Names, excluded: Names, names: Names) -> Path {
    let mut path = Path::good(Peer::Server);
    set_names(&mut path, names);
    path.intermediate().set(name_constraints(permitted, excluded));
    path
}

pub(super) fn table(mut table: Table) -> Table {
    accepted(&mut table);
    addresses(&mut table);
    violated(&mut table);
    other_forms(&mut table);
    table
}

fn accepted(table: &mut Table) {
    let mut add = |name: &str, path: Path, note: &str| {
        table.accept(name, &["TLS-049"], &path, note);
    };
    let names: Names = &[Dns(SERVER_NAME)];
    add(
        "permitted",
        server(&[Dns(b"example.com")], &[], names),
        "The name is below the permitted one.",
    );
    add(
        "permitted-itself",
        server(&[Dns(SERVER_NAME)], &[], names),
        "The name is the permitted one.",
    );
    add(
        "permitted-in-capitals",
        server(&[Dns(b"EXAMPLE.com")], &[], names),
        "The permitted name is written in another case.",
    );
    add(
        "permitted-one-of-two",
        server(&[Dns(b"example.net"), Dns(b"example.com")], &[], names),
        "One of two permitted names suffices.",
    );
    add("not-excluded", server(&[], &[Dns(b"example.net")], names), "Another name is excluded.");
    add(
        "excluded-looks-alike",
        server(&[], &[Dns(b"voice.example.com")], names),
        "The excluded name ends alike, but not at a label.",
    );
    add(
        "wildcard-permitted",
        server(&[Dns(b"example.com")], &[], &[Dns(b"*.example.com")]),
        "A wildcard below the permitted name.",
    );
    add(
        "dot-permitted",
        server(&[Dns(b".example.com")], &[], names),
        "A permitted name that begins with a dot covers what is below it.",
    );
    add(
        "dot-excluded-itself",
        server(&[], &[Dns(b".invoice.example.com")], names),
        "An excluded name that begins with a dot does not cover the name itself.",
    );
    let mut anchor = Path::good(Peer::Server);
    anchor.anchor().set(name_constraints(&[Dns(b"example.com")], &[]));
    add("anchor-permitted", anchor, "The anchor's constraints are met.");
    let mut client = Path::good(Peer::Client);
    client.intermediate().set(name_constraints(&[Dns(b"example.com")], &[]));
    add("client-without-such-names", client, "Constraints on DNS names do not concern a URI.");
}

fn addresses(table: &mut Table) {
    let of = |permitted: Names, excluded: Names| {
        let mut path = server(permitted, excluded, &[Ip(IPV4)]);
        path.name = b"192.0.2.7".to_vec();
        path
    };
    let rules = &["TLS-049"];
    table.accept(
        "address-permitted",
        rules,
        &of(&[Ip(NET)], &[]),
        "The address is in the permitted network.",
    );
    table.accept(
        "address-not-excluded",
        rules,
        &of(&[], &[Ip(OTHER_NET)]),
        "Another network is excluded.",
    );
    table.accept(
        "address-dns-permitted",
        rules,
        &of(&[Dns(b"example.com")], &[]),
        "Constraints on DNS names do not concern an address.",
    );
    let mut add = |name: &str, flaw: &str, path: Path| {
        table.reject(name, "address-permitted", rules, "name_constraint", flaw, &path);
    };
    add(
        "address-not-permitted",
        "the address is outside the permitted network",
        of(&[Ip(OTHER_NET)], &[]),
    );
    add("address-excluded", "the address is in the excluded network", of(&[], &[Ip(NET)]));
    add(
        "address-permitted-and-excluded",
        "the address is permitted, and excluded",
        of(&[Ip(NET)], &[Ip(&[192, 0, 2, 7, 255, 255, 255, 255])]),
    );
}

fn violated(table: &mut Table) {
    let rules = &["TLS-049"];
    let names: Names = &[Dns(SERVER_NAME)];
    let mut add = |name: &str, flaw: &str, path: &Path| {
        let base =
            if path.peer == Peer::Server { "permitted" } else { "client-without-such-names" };
        table.reject(name, base, rules, "name_constraint", flaw, path);
    };
    add(
        "not-permitted",
        "the name is not below the permitted one",
        &server(&[Dns(b"example.net")], &[], names),
    );
    add(
        "permitted-looks-alike",
        "the name ends like the permitted one, but not at a label",
        &server(&[Dns(b"voice.example.com")], &[], names),
    );
    add(
        "permitted-is-longer",
        "the permitted name is below the leaf's",
        &server(&[Dns(b"a.invoice.example.com")], &[], names),
    );
    add(
        "excluded",
        "the name is below the excluded one",
        &server(&[], &[Dns(b"example.com")], names),
    );
    add(
        "excluded-itself",
        "the name is the excluded one",
        &server(&[], &[Dns(SERVER_NAME)], names),
    );
    add(
        "excluded-in-capitals",
        "the name is below the excluded one, which is written in another case",
        &server(&[], &[Dns(b"EXAMPLE.COM")], names),
    );
    add(
        "permitted-and-excluded",
        "the name is permitted, and excluded",
        &server(&[Dns(b"example.com")], &[Dns(b"invoice.example.com")], names),
    );
    add(
        "second-name",
        "a second name of the leaf is not below the permitted one",
        &server(&[Dns(b"example.com")], &[], &[Dns(SERVER_NAME), Dns(b"www.example.net")]),
    );
    add(
        "wildcard-not-permitted",
        "a wildcard of the leaf is not below the permitted name",
        &server(&[Dns(b"example.com")], &[], &[Dns(SERVER_NAME), Dns(b"*.example.net")]),
    );
    add(
        "dot-permitted-itself",
        "the permitted name begins with a dot, and the name is what follows it",
        &server(&[Dns(b".invoice.example.com")], &[], names),
    );
    add(
        "dot-excluded",
        "the name is below the excluded one, which begins with a dot",
        &server(&[], &[Dns(b".example.com")], names),
    );
    add(
        "wildcard-excluded",
        "a wildcard of the leaf matches the excluded name",
        &server(&[], &[Dns(b"www.example.com")], &[Dns(SERVER_NAME), Dns(b"*.example.com")]),
    );
    let mut not_critical = server(&[], &[], names);
    let constraints = name_constraints(&[Dns(b"example.net")], &[]);
    not_critical.intermediate().set(Extension { flag: Vec::new(), ..constraints });
    add(
        "not-critical",
        "the name is not below the permitted one, and the extension is not critical",
        &not_critical,
    );
    let mut anchor = Path::good(Peer::Server);
    anchor.anchor().set(name_constraints(&[Dns(b"example.net")], &[]));
    add("anchor-not-permitted", "the name is not below the one that the anchor permits", &anchor);
    let mut upper = Path::with_intermediates(Peer::Server, 2);
    upper.links[2].certificate.set(name_constraints(&[Dns(b"example.net")], &[]));
    add(
        "upper-not-permitted",
        "the name is not below the one that the second intermediate CA permits",
        &upper,
    );
    let mut middle = Path::good(Peer::Server);
    middle.anchor().set(name_constraints(&[Dns(b"example.com")], &[]));
    middle.intermediate().set(alt_names(&[Dns(b"ca.example.net")]));
    add(
        "intermediate-name",
        "a name of the intermediate certificate is not below the one that the anchor permits",
        &middle,
    );
    let mut client = Path::good(Peer::Client);
    client.intermediate().set(name_constraints(&[Dns(b"example.com")], &[]));
    set_names(&mut client, &[Uri(b"secure-tunnel:alice"), Dns(b"alice.example.net")]);
    add("client-not-permitted", "a DNS name of the client is not below the permitted one", &client);
}

/// Forms other than DNS names and addresses are not worked out, but refused where they would apply.
fn other_forms(table: &mut Table) {
    let rules = &["TLS-050"];
    let organisation = name(&[(ORGANISATION, UTF8, b"tunnelproof tests")]);
    let mut client = Path::good(Peer::Client);
    client.intermediate().set(name_constraints(&[Mail(b"example.com")], &[]));
    table.accept(
        "mail-without-mail",
        rules,
        &client,
        "Constraints on mail addresses, and no mail address.",
    );
    set_names(&mut client, &[Uri(b"secure-tunnel:alice"), Mail(b"alice@example.com")]);
    table.reject(
        "mail",
        "mail-without-mail",
        rules,
        "name_constraint",
        "there are constraints on mail addresses, and a mail address",
        &client,
    );
    let mut client = Path::good(Peer::Client);
    client.intermediate().set(name_constraints(&[Uri(b"example.com")], &[]));
    table.reject(
        "uri",
        "client",
        rules,
        "name_constraint",
        "there are constraints on URIs, and a URI",
        &client,
    );
    let mut excluded = Path::good(Peer::Client);
    excluded.intermediate().set(name_constraints(&[], &[Uri(b"example.com")]));
    table.reject(
        "uri-excluded",
        "client",
        rules,
        "name_constraint",
        "URIs are excluded, and there is a URI",
        &excluded,
    );
    let mut server = Path::good(Peer::Server);
    server.intermediate().set(name_constraints(&[Directory(&organisation)], &[]));
    let flaw = "there are constraints on subjects, and a subject";
    table.reject("directory", "server", rules, "name_constraint", flaw, &server);
    server.leaf().subject = name(&[]);
    // RFC 5280 wants it so where the subject is empty.
    server.leaf().set(alt_names(&[Dns(SERVER_NAME)]).critical());
    let flaw = "there are constraints on subjects, and an empty subject";
    table.reject("directory-empty", "server", rules, "name_constraint", flaw, &server);
    let common = name(&[(COMMON_NAME, UTF8, b"bob")]);
    let mut excluded = Path::good(Peer::Client);
    excluded.intermediate().set(name_constraints(&[], &[Directory(&common)]));
    table.reject(
        "directory-excluded",
        "client",
        rules,
        "name_constraint",
        "a subject is excluded, and there is a subject",
        &excluded,
    );
}
