//! What a client sees whose certificate is refused: the same alert, whatever the reason (TLS-026).

use tunnelproof_vectors::build::live::{Issued, PrivateKey};

use super::super::case::Case;
use super::super::hello::{Hello, Versions};
use super::super::link::Seen;
use super::super::material::{Material, SERVER};
use super::super::records::{ACCESS_DENIED, describe_alert};
use super::super::setup::{List, ServerSetup};
use super::super::stage::Stage;
use crate::live::case::Fault;
use crate::live::stage::now;

const DAY: u64 = 86_400;

/// A reason to refuse: its code, which is the name of the case, and who comes under which configuration.
type Reason = (&'static str, &'static str, fn(&Material) -> ServerSetup, fn(&Material) -> Issued);

pub fn cases() -> Vec<Case> {
    let alice = |material: &Material| material.client("alice");
    let reasons: [Reason; 7] = [
        ("untrusted", "a CA that is no anchor", ServerSetup::usual, |material| {
            material.stranger.client("alice", PrivateKey::p256("stranger"))
        }),
        ("expired", "a certificate that has expired", ServerSetup::usual, |material| {
            let valid = (now() - 2 * DAY, now() - DAY);
            material.client_ca.client_valid("alice", PrivateKey::p256("alice"), valid)
        }),
        (
            "usage",
            "a server's certificate",
            |material| {
                let usual = ServerSetup::usual(material);
                let anchors =
                    [usual.anchors.clone(), vec![material.server_root.der().to_vec()]].concat();
                ServerSetup { anchors, ..usual }
            },
            |material| material.server(&[SERVER]),
        ),
        (
            "identity",
            "a certificate that names an empty identity",
            ServerSetup::usual,
            |material| material.client_ca.client("", PrivateKey::p256("nobody")),
        ),
        (
            "revoked",
            "a certificate on a CRL",
            |material| {
                let serial = material.client("alice").serial;
                ServerSetup {
                    crls: Some(material.crls(&[&serial])),
                    ..ServerSetup::usual(material)
                }
            },
            alice,
        ),
        (
            "denied",
            "a client on the deny list",
            |material| ServerSetup {
                deny: Some(List::of(&["alice"])),
                ..ServerSetup::usual(material)
            },
            alice,
        ),
        (
            "not-allowed",
            "a client that is not on the allow list",
            |material| ServerSetup {
                allow: Some(List::of(&["honest"])),
                ..ServerSetup::usual(material)
            },
            alice,
        ),
    ];
    let mut cases = Vec::new();
    for (code, who, setup, own) in reasons {
        for (suffix, versions) in [("", Versions::Only13), ("-tls12", Versions::Only12)] {
            let setup = move |material: &Material| match versions {
                Versions::Only12 => setup(material).policy("tls12"),
                _ => setup(material),
            };
            let about = format!("the alert for {who} is access_denied");
            let case = Case::server(
                &format!("alert/{code}{suffix}"),
                &["TLS-026"],
                about,
                setup,
                move |stage| {
                    access_denied(
                        stage,
                        &Hello::new(SERVER, own(stage.material)).speaking(versions),
                    )
                },
            );
            cases.push(case.refuses(&[&code.replace('-', "_")]).should());
        }
    }
    cases
}

/// Nothing is sent after the handshake, so that nothing hides the alert.
fn access_denied(stage: &Stage<'_>, hello: &Hello) -> Result<(), Fault> {
    let mut link = stage.greet(hello)?;
    let deadline = stage.deadline();
    let mut seen = link.handshake(deadline).err().flatten();
    loop {
        match seen.take().map_or_else(|| link.next(deadline), Ok) {
            Ok(Seen::Alert(ACCESS_DENIED)) => break,
            Ok(Seen::Alert(other)) => {
                let expected = describe_alert(ACCESS_DENIED);
                return Err(Fault::wrong_output("the alert", &expected, describe_alert(other)));
            }
            Ok(Seen::Octets(_)) => {
                return Err(Fault::wrong_accept(
                    "what comes then",
                    "an alert",
                    "octets of the application",
                ));
            }
            Ok(Seen::Broken(_) | Seen::Record(_)) => {}
            Ok(seen) => return Err(Fault::wrong_output("the alert", "an alert", seen.describe())),
            Err(_) => {
                stage.never_open(&link)?;
                return Err(stage.late("no alert came"));
            }
        }
    }
    stage.refused(link)
}
