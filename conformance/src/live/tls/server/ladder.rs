//! The ladder, and what the application is told (sections 7.4 and 7.5).

use serde_json::{Map, Value};
use tunnelproof_vectors::build::live::{Issued, PrivateKey};

use super::super::case::Case;
use super::super::hello::Hello;
use super::super::material::{Material, SERVER};
use super::super::setup::{Clients, List, ServerSetup, fingerprint};
use super::super::stage::{Stage, told};
use super::alice;
use crate::live::case::Fault;
use crate::live::stage::now;

const DAY: u64 = 86_400;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let ask =
        |material: &Material| ServerSetup { clients: Clients::Ask, ..ServerSetup::usual(material) };
    let none = |material: &Material| ServerSetup {
        clients: Clients::None,
        ..ServerSetup::usual(material)
    };

    cases.push(
        Case::server(
            "ladder/require-none",
            &["TLS-023"],
            "a certificate is required, and the client sends none",
            ServerSetup::usual,
            |stage| stage.refused(stage.greet(&Hello::anonymous(SERVER))?),
        )
        .refuses(&["no_certificate"]),
    );
    cases.push(
        Case::server(
            "ladder/require-none-tls12",
            &["TLS-023", "TLS-003"],
            "the same with TLS 1.2 under its policy",
            super::with_tls12,
            |stage| {
                let hello =
                    Hello::anonymous(SERVER).speaking(super::super::hello::Versions::Only12);
                stage.refused(stage.greet(&hello)?)
            },
        )
        .refuses(&["no_certificate"]),
    );
    cases.push(
        Case::server(
            "ladder/require-stranger",
            &["TLS-023", "TLS-033", "TLS-030"],
            "a certificate is required, and that of the client is of another CA",
            ServerSetup::usual,
            |stage| stage.refused(stage.greet(&Hello::new(SERVER, stranger(stage.material)))?),
        )
        .refuses(&["untrusted"]),
    );
    cases.push(
        Case::server(
            "ladder/require-not-yet-valid",
            &["TLS-037"],
            "the certificate of the client is valid from tomorrow on",
            ServerSetup::usual,
            |stage| {
                let valid = (now() + DAY, now() + 2 * DAY);
                let tomorrow = stage.material.client_ca.client_valid(
                    "alice",
                    PrivateKey::p256("alice"),
                    valid,
                );
                stage.refused(stage.greet(&Hello::new(SERVER, tomorrow))?)
            },
        )
        .refuses(&["not_yet_valid"]),
    );
    cases.push(
        Case::server(
            "ladder/require-expired",
            &["TLS-037"],
            "the certificate of the client was valid until yesterday",
            ServerSetup::usual,
            |stage| {
                let valid = (now() - 2 * DAY, now() - DAY);
                let yesterday = stage.material.client_ca.client_valid(
                    "alice",
                    PrivateKey::p256("alice"),
                    valid,
                );
                stage.refused(stage.greet(&Hello::new(SERVER, yesterday))?)
            },
        )
        .refuses(&["expired"]),
    );
    cases.push(
        Case::server(
            "ladder/require-servers-certificate",
            &["TLS-044"],
            "a client has got hold of a server's certificate, of a CA that is an anchor here",
            |material| {
                let usual = ServerSetup::usual(material);
                let anchors =
                    [usual.anchors.clone(), vec![material.server_root.der().to_vec()]].concat();
                ServerSetup { anchors, ..usual }
            },
            |stage| {
                stage.refused(stage.greet(&Hello::new(SERVER, stage.material.server(&[SERVER])))?)
            },
        )
        .refuses(&["usage"]),
    );
    cases.push(Case::server(
        "ladder/require-good",
        &["TLS-029", "TLS-027", "TLS-028", "TLS-061"],
        "a certificate is required, and the client's is good: the application is told what it says",
        ServerSetup::usual,
        |stage| {
            let own = stage.material.client("alice");
            let tls = stage.served(stage.greet(&alice(stage))?)?;
            authorized(&tls, &own, "alice")?;
            told(&tls, "alpn", "secure-tunnel/1")?;
            told(&tls, "server_name", SERVER)
        },
    ));
    cases.push(Case::server(
        "ladder/require-common-name",
        &["TLS-062", "TLS-029"],
        "only the commonName names the client",
        ServerSetup::usual,
        |stage| {
            let own = stage
                .material
                .client_ca
                .client_by_common_name("Carol X", PrivateKey::p256("carol"));
            let tls = stage.served(stage.greet(&Hello::new(SERVER, own.clone()))?)?;
            authorized(&tls, &own, "Carol X")
        },
    ));
    cases.push(Case::server(
        "ladder/ask-none",
        &["TLS-024", "TLS-027"],
        "a certificate is asked for, and the client sends none: it is served, and not authorized",
        ask,
        |stage| {
            let tls = stage.served(stage.greet(&Hello::anonymous(SERVER))?)?;
            not_authorized(&tls, &["no_certificate"])?;
            told(&tls, "fingerprint", Value::Null)
        },
    ));
    cases.push(Case::server(
        "ladder/ask-good",
        &["TLS-027", "TLS-029"],
        "a certificate is asked for, and the client's is good",
        ask,
        |stage| {
            let own = stage.material.client("alice");
            authorized(&stage.served(stage.greet(&alice(stage))?)?, &own, "alice")
        },
    ));
    cases.push(Case::server(
        "ladder/ask-stranger",
        &["TLS-025", "TLS-027", "TLS-029"],
        "a certificate is asked for, and the client's is of another CA: it is served, and not authorized",
        ask,
        |stage| {
            let own = stranger(stage.material);
            let tls = stage.served(stage.greet(&Hello::new(SERVER, own.clone()))?)?;
            not_authorized(&tls, &["untrusted"])?;
            certificate(&tls, &own)
        },
    ));
    cases.push(Case::server(
        "ladder/ask-expired",
        &["TLS-025", "TLS-027", "TLS-037"],
        "a certificate is asked for, and the client's has expired: it is served, and not authorized",
        ask,
        |stage| {
            let valid = (now() - 2 * DAY, now() - DAY);
            let own = stage.material.client_ca.client_valid("alice", PrivateKey::p256("alice"), valid);
            let tls = stage.served(stage.greet(&Hello::new(SERVER, own.clone()))?)?;
            not_authorized(&tls, &["expired"])?;
            certificate(&tls, &own)?;
            told(&tls, "not_before", valid.0)?;
            told(&tls, "not_after", valid.1)
        },
    ));
    cases.push(Case::server(
        "ladder/ask-denied",
        &["TLS-025", "TLS-027", "TLS-073"],
        "a certificate is asked for, and the client is on the deny list: it is served, and not authorized",
        move |material| ServerSetup { deny: Some(List::of(&["alice"])), ..ask(material) },
        |stage| not_authorized(&stage.served(stage.greet(&alice(stage))?)?, &["denied"]),
    ));
    cases.push(Case::server(
        "ladder/none-none",
        &["TLS-024", "TLS-027"],
        "no certificate is asked for, and the client has none",
        none,
        |stage| {
            told(
                &stage.served(stage.greet(&Hello::anonymous(SERVER))?)?,
                "fingerprint",
                Value::Null,
            )
        },
    ));
    cases.push(Case::server(
        "ladder/none-good",
        &["TLS-027", "TLS-029"],
        "no certificate is asked for, and the client has one: it is not sent",
        none,
        |stage| {
            let tls = stage.served(stage.greet(&alice(stage))?)?;
            told(&tls, "fingerprint", Value::Null)?;
            told(&tls, "identity", Value::Null)
        },
    ));
    cases
}

fn stranger(material: &Material) -> Issued {
    material.stranger.client("alice", PrivateKey::p256("stranger"))
}

fn authorized(tls: &Map<String, Value>, own: &Issued, identity: &str) -> Result<(), Fault> {
    told(tls, "authorized", true)?;
    told(tls, "reason", Value::Null)?;
    told(tls, "identity", hex::encode(identity))?;
    certificate(tls, own)
}

fn not_authorized(tls: &Map<String, Value>, reasons: &[&str]) -> Result<(), Fault> {
    told(tls, "authorized", false)?;
    told(tls, "identity", Value::Null)?;
    match tls.get("reason") {
        Some(Value::String(reason)) if reasons.contains(&reason.as_str()) => Ok(()),
        Some(_) => told(tls, "reason", reasons[0]),
        None => Ok(()),
    }
}

/// What TLS-029 names. Subject and issuer are in any usual form: what they hold has to be there.
fn certificate(tls: &Map<String, Value>, own: &Issued) -> Result<(), Fault> {
    told(tls, "fingerprint", hex::encode(fingerprint(&own.chain[0])))?;
    told(tls, "serial", hex::encode(&own.serial))?;
    for field in ["subject", "issuer"] {
        let is_there = |text: &str| text.contains("tunnelproof live");
        match tls.get(field) {
            Some(found) if !found.as_str().is_some_and(is_there) => {
                told(tls, field, "a name with \"tunnelproof live\"")?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is told of a client while its connection is open, for cases of other files.
pub fn is_alice(stage: &Stage<'_>, tls: &Map<String, Value>) -> Result<(), Fault> {
    authorized(tls, &stage.material.client("alice"), "alice")
}
