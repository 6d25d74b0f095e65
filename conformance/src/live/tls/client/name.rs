//! Section 7.7: the server's name.

use tunnelproof_vectors::build::live::{Issued, PrivateKey};

use super::super::case::Case;
use super::super::hello::Serving;
use super::super::material::{Material, SERVER};
use super::super::setup::Dial;
use super::super::stage::told;
use super::chain::refused;
use super::honest;

pub fn cases() -> Vec<Case> {
    vec![
        other(
            "other",
            &["TLS-053", "TLS-021"],
            "the certificate has another name",
            SERVER,
            |material| material.server(&["other.example.com"]),
        ),
        other(
            "longer",
            &["TLS-053", "TLS-055"],
            "the certificate's name ends with the one asked for",
            SERVER,
            |material| material.server(&["a.invoice.example.com", "xinvoice.example.com"]),
        ),
        other(
            "common-name-alone",
            &["TLS-054"],
            "the name is the subject's commonName, and there is no subjectAltName",
            SERVER,
            |material| material.server_ca.server_by_common_name(SERVER, &[], key()),
        ),
        other(
            "common-name-beside",
            &["TLS-054"],
            "the name is the subject's commonName, and the subjectAltName has another",
            SERVER,
            |material| {
                material.server_ca.server_by_common_name(SERVER, &["other.example.com"], key())
            },
        ),
        other(
            "wildcard-for-two-labels",
            &["TLS-056"],
            "the asterisk would stand for two labels",
            "a.invoice.example.com",
            |material| material.server(&["*.example.com"]),
        ),
        other(
            "wildcard-for-none",
            &["TLS-056"],
            "the asterisk would stand for no label",
            "example.com",
            |material| material.server(&["*.example.com"]),
        ),
        other(
            "wildcard-below-one-label",
            &["TLS-056", "TLS-057"],
            "one label alone follows the asterisk",
            "example.com",
            |material| material.server(&["*.com"]),
        ),
        other(
            "asterisk-in-a-label",
            &["TLS-057"],
            "the asterisk is a part of a label",
            SERVER,
            |material| material.server(&["inv*.example.com"]),
        ),
        other(
            "asterisk-in-second-label",
            &["TLS-057"],
            "the asterisk is the second label",
            SERVER,
            |material| material.server(&["invoice.*.com"]),
        ),
        other(
            "address-as-dns-name",
            &["TLS-058"],
            "the IP address is a dNSName",
            "127.0.0.1",
            |material| material.server_ca.server_by_dns_names(&["127.0.0.1", "*.0.0.1"], key()),
        ),
        other("other-address", &["TLS-058"], "another IP address", "127.0.0.1", |material| {
            material.server(&["127.0.0.2", "::ffff:127.0.0.1", "localhost"])
        }),
        same("wildcard", &["TLS-056"], "a wildcard for one label", SERVER, |material| {
            material.server(&["*.example.com"])
        }),
        same(
            "case",
            &["TLS-055"],
            "the name in other cases of letters",
            "InVoice.EXAMPLE.com",
            |material| material.server(&["iNVOICE.example.COM"]),
        ),
        same("address", &["TLS-058"], "an IP address", "127.0.0.1", |material| {
            material.server(&["127.0.0.1"])
        }),
        same(
            "address-v6",
            &["TLS-058"],
            "an IPv6 address, written out",
            "0:0:0:0:0:0:0:1",
            |material| material.server(&["::1"]),
        ),
        same("last-of-many", &["TLS-053"], "the last name of many", SERVER, |material| {
            let others: Vec<String> = (0..40).map(|n| format!("host{n}.example.com")).collect();
            let mut names: Vec<&str> = others.iter().map(String::as_str).collect();
            names.extend(["10.0.0.1", SERVER]);
            material.server(&names)
        }),
        bad("empty-label", "invoice..example.com"),
        bad("final-dot", "invoice.example.com."),
        bad("port", "invoice.example.com:443"),
        bad("brackets", "[::1]"),
        bad("wildcard", "*.example.com"),
        bad("empty", ""),
        bad("not-ascii", "b\u{fc}cher.example.com"),
    ]
}

fn key() -> PrivateKey {
    PrivateKey::p256("a server with another kind of name")
}

fn dial(material: &Material, name: &str) -> Dial {
    Dial { server_name: name.to_owned(), ..Dial::usual(material) }
}

fn other(
    name: &str,
    rules: &[&str],
    about: &str,
    asked: &'static str,
    issued: impl Fn(&Material) -> Issued + Send + Sync + 'static,
) -> Case {
    Case::client(&format!("name/{name}"), rules, about, move |stage| {
        let issued = issued(stage.material);
        refused(stage, &dial(stage.material, asked), &Serving::new(issued))
    })
    .refuses(&["server_name"])
}

fn same(
    name: &str,
    rules: &[&str],
    about: &str,
    asked: &'static str,
    issued: impl Fn(&Material) -> Issued + Send + Sync + 'static,
) -> Case {
    Case::client(&format!("name/{name}"), rules, about, move |stage| {
        let issued = issued(stage.material);
        let tls = stage.accepted(&dial(stage.material, asked), &Serving::new(issued))?;
        told(&tls, "authorized", true)
    })
}

/// A name that can't be compared with anything.
fn bad(name: &str, asked: &'static str) -> Case {
    let about = format!("the name to check is {asked:?}");
    Case::client(&format!("name/bad-{name}"), &["TLS-060"], about, move |stage| {
        stage.dial_refused(&dial(stage.material, asked), &honest(stage.material))
    })
    .refuses(&["bad_name"])
}
