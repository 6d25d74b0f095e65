//! Allow list, deny list and CRLs, also while the server runs (sections 7.9 and 7.10).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::case::{Case, Need};
use super::super::hello::Hello;
use super::super::link::{Link, Seen};
use super::super::material::Material;
use super::super::setup::{Clients, List, ServerSetup, octets};
use super::super::stage::Stage;
use super::alice;
use crate::live::case::Fault;

/// TLS-076: how soon a change is in force for new connections.
pub const NEW: Duration = Duration::from_secs(2);
/// TLS-077: how soon open connections of a client that is refused now are ended.
const OPEN: Duration = Duration::from_secs(5);

pub fn cases() -> Vec<Case> {
    [from_the_start(), while_it_runs()].into_iter().flatten().collect()
}

type Lists = fn(&Material) -> (Option<List>, Option<List>);

fn from_the_start() -> Vec<Case> {
    let accepted: [(&str, &[&str], &str, Lists); 5] = [
        ("allowed-identity", &["TLS-074"], "the identity is on the allow list", |_| {
            (Some(List::of(&["bob", "alice", "honest"])), None)
        }),
        ("allowed-fingerprint", &["TLS-074"], "the fingerprint is on the allow list", |material| {
            (Some(List::of(&["honest"]).and_certificate(&leaf(material))), None)
        }),
        ("others-denied", &["TLS-073"], "others are on the deny list", |_| {
            (None, Some(List::of(&["bob"])))
        }),
        (
            "denied-in-other-case",
            &["TLS-075", "TLS-073"],
            "a name that differs in case is on the deny list",
            |_| (None, Some(List::of(&["Alice", "alice ", "alic"]))),
        ),
        (
            "deny-empty",
            &["TLS-073", "TLS-074"],
            "the deny list is empty, and there is no allow list",
            |_| (None, Some(List::default())),
        ),
    ];
    let refused: [(&str, &[&str], &str, &str, Lists); 9] = [
        ("not-allowed", &["TLS-074"], "not_allowed", "others are on the allow list", |_| {
            (Some(List::of(&["bob", "honest"])), None)
        }),
        (
            "allowed-in-other-case",
            &["TLS-075", "TLS-074"],
            "not_allowed",
            "the name on the allow list differs in case",
            |_| (Some(List::of(&["Alice", "alice ", "alic", "honest"])), None),
        ),
        ("allow-empty", &["TLS-074"], "not_allowed", "the allow list is empty", |_| {
            (Some(List::default()), None)
        }),
        ("denied-identity", &["TLS-073"], "denied", "the identity is on the deny list", |_| {
            (None, Some(List::of(&["bob", "alice"])))
        }),
        (
            "denied-fingerprint",
            &["TLS-073"],
            "denied",
            "the fingerprint is on the deny list",
            |material| (None, Some(List::default().and_certificate(&leaf(material)))),
        ),
        ("denied-and-allowed", &["TLS-073"], "denied", "the identity is on both lists", |_| {
            (Some(List::of(&["alice", "honest"])), Some(List::of(&["alice"])))
        }),
        (
            "denied-fingerprint-allowed",
            &["TLS-073"],
            "denied",
            "the identity is denied, the fingerprint allowed",
            |material| {
                (
                    Some(List::of(&["honest"]).and_certificate(&leaf(material))),
                    Some(List::of(&["alice"])),
                )
            },
        ),
        (
            "allowed-identity-denied-fingerprint",
            &["TLS-073"],
            "denied",
            "the fingerprint is denied, the identity allowed",
            |material| {
                (
                    Some(List::of(&["alice", "honest"])),
                    Some(List::default().and_certificate(&leaf(material))),
                )
            },
        ),
        (
            "allowed-ca",
            &["TLS-074"],
            "not_allowed",
            "the fingerprint on the allow list is that of the issuer",
            |material| {
                (Some(List::of(&["honest"]).and_certificate(material.client_ca.der())), None)
            },
        ),
    ];
    let setup = |lists: Lists| {
        move |material: &Material| {
            let (allow, deny) = lists(material);
            let usual = ServerSetup::usual(material);
            let is_empty = |list: &List| list.identities.is_empty() && list.fingerprints.is_empty();
            let honest = usual.honest.clone().filter(|_| !allow.as_ref().is_some_and(is_empty));
            ServerSetup { allow, deny, honest, ..usual }
        }
    };
    let mut cases = Vec::new();
    for (name, rules, about, lists) in accepted {
        cases.push(Case::server(&format!("lists/{name}"), rules, about, setup(lists), |stage| {
            super::ladder::is_alice(stage, &stage.served(stage.greet(&alice(stage))?)?)
        }));
    }
    for (name, rules, code, about, lists) in refused {
        let case = Case::server(&format!("lists/{name}"), rules, about, setup(lists), |stage| {
            stage.refused(stage.greet(&alice(stage))?)
        });
        cases.push(case.refuses(&[code]));
    }
    cases
}

/// What an operator changes, from the beginning to the change.
struct Change {
    name: &'static str,
    rule: &'static str,
    code: &'static str,
    about: &'static str,
    before: fn(&Material) -> ServerSetup,
    change: fn(&Material) -> Value,
}

fn changes() -> [Change; 5] {
    [
        Change {
            name: "denied",
            rule: "TLS-073",
            code: "denied",
            about: "the client is put on the deny list",
            before: |material| ServerSetup {
                deny: Some(List::default()),
                ..ServerSetup::usual(material)
            },
            change: |_| json!({"deny": List::of(&["alice"]).json()}),
        },
        Change {
            name: "fingerprint-denied",
            rule: "TLS-073",
            code: "denied",
            about: "the client's certificate is put on the deny list",
            before: |material| ServerSetup {
                deny: Some(List::of(&["bob"])),
                ..ServerSetup::usual(material)
            },
            change: |material| json!({"deny": List::of(&["bob"]).and_certificate(&leaf(material)).json()}),
        },
        Change {
            name: "not-allowed",
            rule: "TLS-074",
            code: "not_allowed",
            about: "the client is taken off the allow list",
            before: |material| ServerSetup {
                allow: Some(List::of(&["alice", "carol", "honest"])),
                ..ServerSetup::usual(material)
            },
            change: |_| json!({"allow": List::of(&["carol", "honest"]).json()}),
        },
        Change {
            name: "revoked",
            rule: "TLS-068",
            code: "revoked",
            about: "the client's certificate is put on the CRL",
            before: |material| ServerSetup {
                crls: Some(material.crls(&[])),
                ..ServerSetup::usual(material)
            },
            change: |material| {
                let serial = material.client("alice").serial;
                json!({"crls": octets(&material.crls(&[&serial]))})
            },
        },
        Change {
            name: "anchor-gone",
            rule: "TLS-033",
            code: "untrusted",
            about: "the CA of the client is taken off the anchors, and the client's CA of the others stays",
            before: |material| {
                let usual = ServerSetup::usual(material);
                let anchors =
                    [usual.anchors.clone(), vec![material.stranger.der().to_vec()]].concat();
                ServerSetup { anchors, ..usual }
            },
            change: |material| json!({"anchors": octets(&[material.stranger.der().to_vec(), material.honest_root.der().to_vec()])}),
        },
    ]
}

fn while_it_runs() -> Vec<Case> {
    let mut cases = Vec::new();
    for Change { name, rule, code, about, before, change } in changes() {
        let case = Case::server(
            &format!("lists/new-{name}"),
            &["TLS-076", rule],
            format!("{about}: new connections are refused 2 seconds later"),
            before,
            move |stage| {
                stage.served(stage.greet(&alice(stage))?)?;
                changed(stage, &change(stage.material))?;
                stage.refused(stage.greet(&alice(stage))?)
            },
        );
        cases.push(case.refuses(&[code]).needs(Need::Reload).slow().alone());
        let case = Case::server(
            &format!("lists/open-{name}"),
            &["TLS-077", rule],
            format!(
                "{about}: its open connection is ended within 5 seconds, and another's goes on"
            ),
            before,
            move |stage| open_ends(stage, &change(stage.material)),
        );
        cases.push(case.refuses(&[code]).needs(Need::Reload).slow().alone());
    }
    let asked = Case::server(
        "lists/open-denied-asked",
        &["TLS-077", "TLS-073"],
        "certificates are only asked for, and a client is put on the deny list: its open connection is ended within 5 seconds",
        |material| ServerSetup { clients: Clients::Ask, ..ServerSetup::usual(material) },
        |stage| open_ends(stage, &json!({"deny": List::of(&["alice"]).json()})),
    );
    cases.push(asked.refuses(&["denied"]).needs(Need::Reload).slow().alone());
    let back = Case::server(
        "lists/new-admitted",
        &["TLS-076", "TLS-073"],
        "a client is taken off the deny list: new connections are served 2 seconds later",
        |material| ServerSetup { deny: Some(List::of(&["alice"])), ..ServerSetup::usual(material) },
        |stage| {
            stage.refused(stage.greet(&alice(stage))?)?;
            changed(stage, &json!({"deny": List::default().json()}))?;
            stage.served(stage.greet(&alice(stage))?).map(drop)
        },
    );
    cases.push(back.refuses(&["denied"]).needs(Need::Reload).slow().alone());
    let allowed = Case::server(
        "lists/new-allowed",
        &["TLS-076", "TLS-074"],
        "a client is put on the allow list: new connections are served 2 seconds later",
        |material| ServerSetup {
            allow: Some(List::of(&["honest"])),
            ..ServerSetup::usual(material)
        },
        |stage| {
            stage.refused(stage.greet(&alice(stage))?)?;
            changed(stage, &json!({"allow": List::of(&["honest", "alice"]).json()}))?;
            stage.served(stage.greet(&alice(stage))?).map(drop)
        },
    );
    cases.push(allowed.refuses(&["not_allowed"]).needs(Need::Reload).slow().alone());
    cases
}

/// The leaf of alice.
fn leaf(material: &Material) -> Vec<u8> {
    material.client("alice").chain[0].clone()
}

/// Changes what is configured, and waits until it has to be in force.
pub fn changed(stage: &Stage<'_>, change: &Value) -> Result<(), Fault> {
    stage
        .trace
        .note(0, format!("a change: {}", change.to_string().chars().take(160).collect::<String>()));
    if !stage.endpoint.change_tls(change, stage.deadline()) {
        return Err(stage.late("the endpoint did not answer to the change"));
    }
    stage.pause_until(Instant::now() + NEW);
    Ok(())
}

/// The connection of alice has to end in time, that of the honest client has to go on.
fn open_ends(stage: &Stage<'_>, change: &Value) -> Result<(), Fault> {
    let open = |hello: &Hello| -> Result<Link<'_>, Fault> {
        let mut link = stage.greet(hello)?;
        stage.shaken(&mut link)?;
        stage.answers(&mut link)?;
        stage.opened(&link)?;
        Ok(link)
    };
    let mut alice = open(&alice(stage))?;
    let mut other = open(&stage.material.honest())?;
    if !stage.endpoint.change_tls(change, stage.deadline()) {
        return Err(stage.late("the endpoint did not answer to the change"));
    }
    // What two clocks and a busy machine differ by.
    let until = Instant::now() + OPEN + Duration::from_secs(1);
    loop {
        match alice.next(until) {
            Ok(Seen::End(_)) => break,
            Ok(Seen::Octets(octets)) if stage.is_of_application(&octets) => {
                return Err(Fault::wrong_output(
                    "what comes then",
                    "the end",
                    "octets of the application",
                ));
            }
            Ok(_) => {}
            Err(_) => {
                return Err(Fault::wrong_accept(
                    "the open connection of a client that is refused now",
                    "ended within 5 s",
                    "still open",
                ));
            }
        }
    }
    let codes: Vec<&str> = stage.case.codes.iter().map(String::as_str).collect();
    stage.ended(&alice, super::super::stage::Ending::Codes(&codes))?;
    stage.answers(&mut other)?;
    stage.closes(other)
}
