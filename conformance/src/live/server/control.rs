//! Clients that are added and removed while the server runs, by lines on its standard input.

use serde_json::{Value, json};
use tunnelproof_vectors::build::keys;

use super::{accept, known, refuse};
use crate::live::case::{Case, Fault, Need};
use crate::live::stage::Stage;
use crate::live::wire::Credentials;
use crate::verdict::Verdict;

const UNKNOWN: &[&str] = &["unknown_id"];

pub fn cases() -> Vec<Case> {
    let cases = vec![
        accept("clients/added", &["HS-038"], "a client that is added is served", |stage| {
            let carol = Credentials::made(b"carol", "added");
            with(stage, known([&stage.clients.honest, &carol]), || visit(stage, &carol))
        }),
        accept(
            "clients/a-thousand",
            &["HS-038"],
            "a thousand clients; the last one is served",
            |stage| {
                let made = |n: usize| Credentials::made(format!("client {n}").as_bytes(), "many");
                let all: Vec<Credentials> = (0..1000).map(made).collect();
                with(stage, known(&all), || visit(stage, &all[999]))
            },
        ),
        refuse("clients/removed", &["HS-043"], UNKNOWN, "a client that was removed", |stage| {
            let bob = &stage.clients.others[0];
            visit(stage, bob)?;
            with(stage, known([&stage.clients.honest]), || refused(stage, bob))
        })
        .in_group("request-secret"),
        refuse("clients/none", &["HS-043"], UNKNOWN, "the server knows nobody any more", |stage| {
            with(stage, Vec::new(), || refused(stage, &stage.clients.honest))
        }),
        refuse(
            "clients/other-password",
            &["HS-042"],
            &["wrong_password"],
            "a client was given another password: the old one is refused, the new one is not",
            |stage| {
                let new = Credentials::made(&stage.clients.others[0].id, "new password");
                with(stage, known([&stage.clients.honest, &new]), || {
                    refused(stage, &stage.clients.others[0])?;
                    let (mut peer, request) = stage.greeted_by(&new, keys::k4552_b())?;
                    peer.send("M2", &request.m2());
                    stage.message(&mut peer, "M3").map(|_| ())
                })
            },
        ),
        accept(
            "clients/removed-while-connected",
            &["HS-066"],
            "a client is removed while it is connected: it may go on or be closed, and others are served",
            |stage| {
                let mut link = stage.replied_to(&stage.clients.others[0])?;
                link.open();
                link.echo(b"before")?;
                with(stage, known([&stage.clients.honest]), || {
                    let lives = link.echo(b"after").is_ok();
                    stage.trace.note(0, format!("the removed client lives on: {lives}"));
                    stage.established()?.close()
                })
            },
        ),
        accept(
            "clients/removed-during-handshake",
            &["HS-041"],
            "a client is removed between M3 and its open record: it may go on or not, and others are served",
            |stage| {
                let mut link = stage.replied_to(&stage.clients.others[0])?;
                with(stage, known([&stage.clients.honest]), || {
                    link.open();
                    let lives = link.echo(b"after").is_ok();
                    stage.trace.note(0, format!("the removed client is established: {lives}"));
                    stage.established()?.close()
                })
            },
        ),
        refuse(
            "clients/malformed-key",
            &["HS-040", "HS-039"],
            &["lookup_failed"],
            "the serverKey that is stored for the client is one digit too short",
            |stage| {
                let bob = &stage.clients.others[0];
                let mut all = known([&stage.clients.honest]);
                let key = bob.server_key.clone().unwrap_or_default();
                all.push(
                    json!({ "id": hex::encode(&bob.id), "server_key": hex::encode(&key[..25]) }),
                );
                with(stage, all, || refused(stage, bob))
            },
        )
        .in_group("request-secret"),
    ];
    cases.into_iter().map(|case| case.needs(Need::Control)).collect()
}

/// Replaces the credentials while something runs.
fn with(
    stage: &Stage<'_>,
    credentials: Vec<Value>,
    run: impl FnOnce() -> Result<(), Fault>,
) -> Result<(), Fault> {
    replace(stage, &credentials)?;
    let result = run();
    // An endpoint that is over does not answer any more, and then the result says why.
    let all = known([&stage.clients.honest].into_iter().chain(&stage.clients.others));
    let restored = replace(stage, &all);
    result.and(restored)
}

fn replace(stage: &Stage<'_>, credentials: &[Value]) -> Result<(), Fault> {
    stage.trace.note(0, format!("{} credentials", credentials.len()));
    if stage.endpoint.replace_credentials(credentials, stage.deadline()) {
        return Ok(());
    }
    if let Some(over) = stage.endpoint.over() {
        return Err(Fault::of(over.verdict));
    }
    let what = format!("no answer {{\"credentials\":{}}} to new credentials", credentials.len());
    Err(Fault::of(Verdict::ShimError { what }))
}

/// A handshake, an echo, a close.
fn visit(stage: &Stage<'_>, who: &Credentials) -> Result<(), Fault> {
    let mut link = stage.replied_to(who)?;
    link.open();
    link.echo(b"hello")?;
    link.close()
}

/// An honest M2 of a client that is to be refused.
fn refused(stage: &Stage<'_>, who: &Credentials) -> Result<(), Fault> {
    let (mut peer, request) = stage.greeted_by(who, keys::k4552_b())?;
    peer.send("M2", &request.m2());
    stage.refused(peer)
}
