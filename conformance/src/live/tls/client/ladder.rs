//! Sections 7.4 and 7.5: whether the server is checked, the client's certificate, and what the application is told.

use rustls::Connection;
use serde_json::Value;
use tunnelproof_vectors::build::live::{Issued, PrivateKey};

use super::super::case::Case;
use super::super::hello::Serving;
use super::super::material::{Material, SERVER};
use super::super::setup::{Dial, fingerprint};
use super::super::stage::{Stage, told};
use super::chain::refused;
use super::honest;
use crate::live::case::Fault;

/// A chain of a server, made from the material.
type Issue = fn(&Material) -> Issued;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let faults: [(&str, &[&str], &str, &str, Issue); 5] = [
        (
            "other-ca",
            &["TLS-033", "TLS-030"],
            "of a CA that is no anchor",
            "untrusted",
            |material| material.stranger.server(&[SERVER], key()),
        ),
        ("other-name", &["TLS-053"], "for another name", "server_name", |material| {
            material.server(&["other.example.com"])
        }),
        ("expired", &["TLS-037"], "valid until a minute ago", "expired", |material| {
            let valid = (material.now - 3_600, material.now - 60);
            material.server_ca.server_valid(&[SERVER], key(), valid)
        }),
        (
            "not-yet-valid",
            &["TLS-037"],
            "valid from the next hour on",
            "not_yet_valid",
            |material| {
                let valid = (material.now + 7_200, material.now + 9_000);
                material.server_ca.server_valid(&[SERVER], key(), valid)
            },
        ),
        ("of-a-client", &["TLS-044"], "for a client", "usage", |material| {
            material.server_ca.client(SERVER, key())
        }),
    ];
    for (name, rules, about, code, issue) in faults {
        let rules = [&["TLS-021"], rules].concat();
        cases.push(
            Case::client(
                &format!("ladder/checked-{name}"),
                &rules,
                format!("the server's certificate is {about}"),
                move |stage| {
                    let serving = Serving::new(issue(stage.material));
                    refused(stage, &Dial::usual(stage.material), &serving)
                },
            )
            .refuses(&[code]),
        );
        cases.push(Case::client(
            &format!("ladder/unchecked-{name}"),
            &[&["TLS-021", "TLS-027"], &rules[1..]].concat(),
            format!("encryption only: the server's certificate is {about}"),
            move |stage| {
                let dial = Dial { check: false, ..Dial::usual(stage.material) };
                let tls = stage.accepted(&dial, &Serving::new(issue(stage.material)))?;
                told(&tls, "authorized", false)
            },
        ));
    }
    cases.extend([
        Case::client(
            "ladder/no-anchor",
            &["TLS-030", "TLS-021"],
            "the client has no anchor at all, and no system's store stands in",
            |stage| {
                let dial = Dial { anchors: Vec::new(), ..Dial::usual(stage.material) };
                refused(stage, &dial, &honest(stage.material))
            },
        )
        .refuses(&["untrusted"]),
        Case::client(
            "ladder/anchor-of-peer",
            &["TLS-030"],
            "the server sends the root of another CA too",
            |stage| {
                let mut issued = stage.material.stranger.server(&[SERVER], key());
                issued.chain.push(stage.material.stranger.der().to_vec());
                refused(stage, &Dial::usual(stage.material), &Serving::new(issued))
            },
        )
        .refuses(&["untrusted"]),
        Case::client(
            "ladder/certificate-asked",
            &["TLS-023"],
            "the server asks for a certificate, and the client has one",
            |stage| asked(stage, true, Dial::usual(stage.material)),
        ),
        Case::client(
            "ladder/certificate-none",
            &["TLS-024"],
            "the server asks for a certificate, and the client has none",
            |stage| {
                let dial = Dial { own: None, ..Dial::usual(stage.material) };
                asked(stage, true, dial)
            },
        ),
        Case::client(
            "ladder/certificate-not-asked",
            &["TLS-021"],
            "the server does not ask for a certificate",
            |stage| asked(stage, false, Dial::usual(stage.material)),
        ),
        Case::client(
            "ladder/told",
            &["TLS-027", "TLS-028", "TLS-029"],
            "what the application is told of the server",
            |stage| {
                let now = stage.material.now;
                let valid = (now - 1_234, now + 56_789);
                let issued = stage.material.server_ca.server_valid(&[SERVER], key(), valid);
                let (print, serial) = (fingerprint(&issued.chain[0]), hex::encode(&issued.serial));
                let tls = stage.accepted(&Dial::usual(stage.material), &Serving::new(issued))?;
                told(&tls, "authorized", true)?;
                told(&tls, "reason", Value::Null)?;
                told(&tls, "identity", Value::Null)?;
                told(&tls, "fingerprint", hex::encode(print))?;
                told(&tls, "serial", serial)?;
                told(&tls, "not_before", valid.0)?;
                told(&tls, "not_after", valid.1)?;
                told(&tls, "alpn", "secure-tunnel/1")?;
                told(&tls, "version", "1.3")?;
                told(&tls, "resumed", false)?;
                for field in ["subject", "issuer"] {
                    // In any usual form.
                    let is_right = |text: &Value| {
                        text.as_str().is_some_and(|text| text.contains("tunnelproof live"))
                    };
                    if let Some(text) = tls.get(field).filter(|text| !is_right(text)) {
                        let at = format!("tls.{field} of the open event");
                        let expected = "the name with \"tunnelproof live\"";
                        return Err(Fault::wrong_output(&at, expected, text.to_string()));
                    }
                }
                Ok(())
            },
        ),
    ]);
    cases
}

fn key() -> PrivateKey {
    PrivateKey::p256("a server of the ladder")
}

/// The client is served, and has sent its own chain if it was asked and has one.
fn asked(stage: &Stage<'_>, asks: bool, dial: Dial) -> Result<(), Fault> {
    let mut serving = honest(stage.material);
    serving.asks = asks;
    let mut link = stage.dial(&dial)?;
    stage.serve(&mut link, &serving)?;
    stage.shaken(&mut link)?;
    let found = match &link.tls {
        Some(Connection::Server(server)) => server.peer_certificates().unwrap_or_default(),
        _ => &[],
    };
    let found: Vec<&[u8]> = found.iter().map(AsRef::as_ref).collect();
    let own = dial.own.as_ref().filter(|_| asks).map(|own| own.chain.clone()).unwrap_or_default();
    // A client may leave out what is above its own.
    if found.first().copied() != own.first().map(Vec::as_slice) {
        let expected = if own.is_empty() { "no certificate" } else { "the client's own" };
        let found = format!("{} certificates", found.len());
        return Err(Fault::wrong_output("the client's certificate", expected, found));
    }
    stage.opened(&link)?;
    stage.receives(&mut link, &dial.send.concat())?;
    stage.closes(link)
}
