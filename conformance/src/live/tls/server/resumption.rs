//! Resumption: a session of an earlier connection is checked as a full handshake is (section 7.11).

use std::time::{Duration, Instant};

use rustls::HandshakeKind;
use serde_json::json;
use tunnelproof_vectors::build::live::PrivateKey;

use super::super::case::{Case, Need};
use super::super::hello::{Hello, Sessions, Versions};
use super::super::material::{Material, SERVER};
use super::super::setup::{List, ServerSetup, octets};
use super::super::stage::{Stage, told};
use super::lists::changed;
use super::{alice, ladder};
use crate::live::case::Fault;
use crate::live::stage::now;

pub fn cases() -> Vec<Case> {
    [("", Versions::Only13), ("-tls12", Versions::Only12)]
        .into_iter()
        .flat_map(|(suffix, versions)| of_version(suffix, versions))
        .collect()
}

fn of_version(suffix: &str, versions: Versions) -> Vec<Case> {
    let with_policy = move |setup: ServerSetup| match versions {
        Versions::Only12 => setup.policy("tls12"),
        _ => setup,
    };
    let usual = move |material: &Material| with_policy(ServerSetup::usual(material));
    let mut cases = vec![Case::server(
        &format!("resumption/served{suffix}"),
        &["TLS-079", "TLS-029"],
        "a session is resumed: the client is served, and the application told the same of it",
        usual,
        move |stage| {
            let sessions = begun(stage, &alice(stage).speaking(versions))?;
            let mut link = stage.greet(&alice(stage).speaking(versions).resuming(&sessions))?;
            stage.shaken(&mut link)?;
            let kind = link.tls.as_ref().and_then(|tls| tls.handshake_kind());
            let tls = stage.served(link)?;
            told(&tls, "resumed", kind == Some(HandshakeKind::Resumed))?;
            ladder::is_alice(stage, &tls)
        },
    )];
    let mut after = |name: &str,
                     rule: &'static str,
                     code: &'static str,
                     about: &str,
                     before: fn(&Material) -> ServerSetup,
                     change: fn(&Material) -> serde_json::Value| {
        let case = Case::server(
            &format!("resumption/{name}{suffix}"),
            &["TLS-079", rule],
            about,
            move |material: &Material| with_policy(before(material)),
            move |stage| {
                let sessions = begun(stage, &alice(stage).speaking(versions))?;
                changed(stage, &change(stage.material))?;
                stage.refused(stage.greet(&alice(stage).speaking(versions).resuming(&sessions))?)
            },
        );
        cases.push(case.refuses(&[code]).needs(Need::Reload).slow().alone());
    };
    after(
        "denied",
        "TLS-073",
        "denied",
        "the client is put on the deny list after the session began",
        |material| ServerSetup { deny: Some(List::default()), ..ServerSetup::usual(material) },
        |_| json!({"deny": List::of(&["alice"]).json()}),
    );
    after(
        "not-allowed",
        "TLS-074",
        "not_allowed",
        "the client is taken off the allow list after the session began",
        |material| ServerSetup {
            allow: Some(List::of(&["alice", "honest"])),
            ..ServerSetup::usual(material)
        },
        |_| json!({"allow": List::of(&["honest"]).json()}),
    );
    after(
        "revoked",
        "TLS-068",
        "revoked",
        "the client's certificate is revoked after the session began",
        |material| ServerSetup { crls: Some(material.crls(&[])), ..ServerSetup::usual(material) },
        |material| {
            let serial = material.client("alice").serial;
            json!({"crls": octets(&material.crls(&[&serial]))})
        },
    );
    after(
        "anchor-gone",
        "TLS-033",
        "untrusted",
        "the CA of the client is taken off the anchors after the session began",
        ServerSetup::usual,
        |material| json!({"anchors": octets(&[material.honest_root.der().to_vec()])}),
    );
    cases.push(
        Case::server(
            &format!("resumption/expired{suffix}"),
            &["TLS-079", "TLS-037"],
            "the client's certificate expires after the session began",
            usual,
            move |stage| expired(stage, versions),
        )
        .refuses(&["expired"])
        .slow(),
    );
    cases
}

/// A session that the server lets be resumed.
fn begun(stage: &Stage<'_>, hello: &Hello) -> Result<Sessions, Fault> {
    let sessions = Sessions::default();
    stage.served(stage.greet(&hello.clone().resuming(&sessions))?)?;
    sessions.needed()?;
    Ok(sessions)
}

fn expired(stage: &Stage<'_>, versions: Versions) -> Result<(), Fault> {
    // Long enough for one handshake on a busy machine.
    const VALID: u64 = 8;
    let until = now() + VALID;
    let own = stage.material.client_ca.client_valid(
        "alice",
        PrivateKey::p256("alice"),
        (until - 86_400, until),
    );
    let sessions = begun(stage, &Hello::new(SERVER, own.clone()).speaking(versions))?;
    // After the last second of the validity.
    stage.pause_until(Instant::now() + Duration::from_secs((until + 2).saturating_sub(now())));
    stage.refused(stage.greet(&Hello::new(SERVER, own).speaking(versions).resuming(&sessions))?)
}
