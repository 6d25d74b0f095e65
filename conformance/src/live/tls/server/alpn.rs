//! ALPN: TLS-012 to TLS-015.

use super::super::case::Case;
use super::super::hello::{ALPN, Sessions};
use super::super::setup::ServerSetup;
use super::super::stage::told;
use super::alice;
use serde_json::Value;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let refused: [(&str, &str, &'static [&'static [u8]]); 7] = [
        ("missing", "the client does not use ALPN", &[]),
        ("other", "the client offers another protocol", &[b"h2"]),
        ("others", "the client offers several others", &[b"http/1.1", b"secure-tunnel", b"h2"]),
        ("later-version", "the client offers a version that there is not", &[b"secure-tunnel/2"]),
        ("case", "the name of the protocol in another case", &[b"Secure-Tunnel/1"]),
        ("longer", "the name of the protocol goes on", &[b"secure-tunnel/1.1"]),
        ("nul", "the name of the protocol ends with a NUL", &[b"secure-tunnel/1\0"]),
    ];
    for (name, about, offered) in refused {
        let case = Case::server(
            &format!("alpn/{name}"),
            &["TLS-013"],
            about,
            ServerSetup::usual,
            move |stage| stage.refused(stage.greet(&alice(stage).offering(offered))?),
        );
        cases.push(case.refuses(&["alpn"]));
    }
    let accepted: [(&str, &str, &'static [&'static [u8]]); 4] = [
        ("offered", "the client offers the protocol alone", &[ALPN]),
        ("other-first", "the client offers another protocol first", &[b"h2", ALPN]),
        ("other-last", "the client offers another protocol last", &[ALPN, b"h2"]),
        ("twice", "the client offers the protocol twice", &[ALPN, b"h2", ALPN]),
    ];
    for (name, about, offered) in accepted {
        cases.push(Case::server(
            &format!("alpn/{name}"),
            &["TLS-013", "TLS-028"],
            about,
            ServerSetup::usual,
            move |stage| {
                let tls = stage.served(stage.greet(&alice(stage).offering(offered))?)?;
                told(&tls, "alpn", "secure-tunnel/1")
            },
        ));
    }
    cases.push(Case::server(
        "alpn/left-out",
        &["TLS-015", "TLS-028"],
        "ALPN is used on neither side",
        |material| {
            let usual = ServerSetup::usual(material);
            let honest = usual.honest.clone().map(|hello| hello.offering(&[]));
            ServerSetup { alpn: false, honest, ..usual }
        },
        |stage| {
            let tls = stage.served(stage.greet(&alice(stage).offering(&[]))?)?;
            told(&tls, "alpn", Value::Null)
        },
    ));
    cases.push(
        Case::server(
            "alpn/missing-resumed",
            &["TLS-013", "TLS-079"],
            "a session began with the protocol, and is resumed without ALPN",
            ServerSetup::usual,
            |stage| {
                let sessions = Sessions::default();
                stage.served(stage.greet(&alice(stage).resuming(&sessions))?)?;
                sessions.needed()?;
                stage.refused(stage.greet(&alice(stage).resuming(&sessions).offering(&[]))?)
            },
        )
        .refuses(&["alpn"]),
    );
    cases
}
