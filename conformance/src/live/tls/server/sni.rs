//! Several names on one server: TLS-018 to TLS-020, and that sessions stay in their contexts (TLS-081).

use rustls::HandshakeKind;
use serde_json::Value;

use super::super::case::Case;
use super::super::hello::{Sessions, Versions};
use super::super::material::{Material, SERVER};
use super::super::setup::{ServerSetup, context};
use super::super::stage::{Stage, told};
use super::alice;
use crate::live::case::Fault;

/// A context by the name of its certificate.
type Which = fn(&Material) -> Vec<u8>;
/// Name of the case, rules, what happens, the indicated name, and which certificate it has to be.
type Presented = (&'static str, &'static [&'static str], &'static str, Option<&'static str>, Which);

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let presented: [Presented; 9] = [
        ("exact", &["TLS-018"], "a name that a context has", Some("a.example.com"), exact),
        ("case", &["TLS-018"], "the same in another case of letters", Some("A.EXAMPLE.Com"), exact),
        (
            "exact-over-wildcard",
            &["TLS-018", "TLS-019"],
            "a context has the name, and a wildcard would fit",
            Some("b.example.com"),
            beside,
        ),
        (
            "wildcard",
            &["TLS-019"],
            "a name that a wildcard stands for",
            Some("c.example.com"),
            wildcard,
        ),
        (
            "wildcard-case",
            &["TLS-019", "TLS-018"],
            "the same in another case of letters",
            Some("C.Example.COM"),
            wildcard,
        ),
        (
            "two-labels",
            &["TLS-019", "TLS-020"],
            "two labels below a wildcard are not its own",
            Some("a.b.example.com"),
            default,
        ),
        (
            "apex",
            &["TLS-019", "TLS-020"],
            "the name that a wildcard is below is not its own",
            Some("example.com"),
            default,
        ),
        (
            "unknown",
            &["TLS-020"],
            "no context fits the name: the default",
            Some("elsewhere.example.org"),
            default,
        ),
        ("none", &["TLS-020"], "no name is indicated: the default", None, default),
    ];
    for (name, rules, about, indicated, which) in presented {
        let rules = [rules, &["TLS-028"]].concat();
        cases.push(Case::server(&format!("sni/{name}"), &rules, about, several, move |stage| {
            presents(stage, indicated, which)
        }));
    }
    let refused = [
        (
            "unknown-without-default",
            "no context fits the name, and there is no default",
            Some("elsewhere.example.org"),
        ),
        ("none-without-default", "no name is indicated, and there is no default", None),
        (
            "two-labels-without-default",
            "two labels below a wildcard, and there is no default",
            Some("a.b.example.com"),
        ),
        (
            "apex-without-default",
            "the name that a wildcard is below, and there is no default",
            Some("example.com"),
        ),
        ("suffix-without-default", "a name that ends like a context's", Some("xa.example.org")),
    ];
    for (name, about, indicated) in refused {
        let setup = |material: &Material| ServerSetup {
            default: None,
            honest: Some(material.honest().named(Some("a.example.com"))),
            contexts: [
                several(material).contexts,
                vec![context("a.example.org", material.server(&["a.example.org"]))],
            ]
            .concat(),
            ..several(material)
        };
        let case = Case::server(&format!("sni/{name}"), &["TLS-020"], about, setup, move |stage| {
            stage.refused(stage.greet(&alice(stage).named(indicated))?)
        });
        cases.push(case.refuses(&["sni"]));
    }
    for (suffix, versions) in [("", Versions::Only13), ("-tls12", Versions::Only12)] {
        let setup = move |material: &Material| match versions {
            Versions::Only12 => several(material).policy("tls12"),
            _ => several(material),
        };
        cases.push(Case::server(
            &format!("sni/resumed-elsewhere{suffix}"),
            &["TLS-081"],
            "a session that began in one context is offered in another: there it is a new one",
            setup,
            move |stage| resumed_elsewhere(stage, versions),
        ));
    }
    cases
}

/// Two exact names, a wildcard and a default, each with a certificate of its own.
fn several(material: &Material) -> ServerSetup {
    ServerSetup {
        contexts: vec![
            context("*.example.com", material.server(&["*.example.com"])),
            context("a.example.com", material.server(&["a.example.com"])),
            context("b.example.com", material.server(&["b.example.com"])),
        ],
        ..ServerSetup::usual(material)
    }
}

fn exact(material: &Material) -> Vec<u8> {
    material.server(&["a.example.com"]).chain[0].clone()
}

fn beside(material: &Material) -> Vec<u8> {
    material.server(&["b.example.com"]).chain[0].clone()
}

fn wildcard(material: &Material) -> Vec<u8> {
    material.server(&["*.example.com"]).chain[0].clone()
}

fn default(material: &Material) -> Vec<u8> {
    material.server(&[SERVER]).chain[0].clone()
}

/// The server has to present this certificate, and to serve the client.
fn presents(stage: &Stage<'_>, indicated: Option<&str>, which: Which) -> Result<(), Fault> {
    let mut link = stage.greet(&alice(stage).named(indicated))?;
    stage.shaken(&mut link)?;
    let certificates = link.tls.as_ref().and_then(|tls| tls.peer_certificates());
    let leaf = certificates.and_then(<[_]>::first).map(|leaf| leaf.to_vec());
    if leaf.is_none_or(|leaf| leaf != which(stage.material)) {
        return Err(Fault::wrong_output(
            "the server's certificate",
            "that of the right context",
            "another",
        ));
    }
    stage.answers(&mut link)?;
    let tls = stage.opened(&link)?;
    let name = indicated.map(str::to_ascii_lowercase);
    let as_told = tls.get("server_name").and_then(Value::as_str).map(str::to_ascii_lowercase);
    if tls.contains_key("server_name") && as_told != name {
        told(&tls, "server_name", name)?;
    }
    stage.closes(link)
}

fn resumed_elsewhere(stage: &Stage<'_>, versions: Versions) -> Result<(), Fault> {
    let sessions = Sessions::default();
    let hello = alice(stage).speaking(versions).resuming(&sessions);
    stage.served(stage.greet(&hello.clone().named(Some("a.example.com")))?)?;
    sessions.needed()?;
    let mut link = stage.greet(&hello.named(Some("b.example.com")))?;
    stage.shaken(&mut link)?;
    let kind = link.tls.as_ref().and_then(|tls| tls.handshake_kind());
    if kind == Some(HandshakeKind::Resumed) {
        return Err(Fault::wrong_accept(
            "the handshake",
            "a full one",
            "the session of another context resumed",
        ));
    }
    let tls = stage.served(link)?;
    told(&tls, "resumed", false)
}
