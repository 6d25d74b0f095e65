//! Ends of TLS alone: close_notify, and what its absence is (TLS-009, TLS-010).

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::case::{Case, Need};
use super::super::hello::Versions;
use super::super::link::{Link, Seen};
use super::super::setup::ServerSetup;
use super::super::stage::{Ending, Stage};
use super::{alice, with_tls12};
use crate::live::case::Fault;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (suffix, versions) in [("", Versions::Only13), ("-tls12", Versions::Only12)] {
        let setup = move |material: &_| match versions {
            Versions::Only12 => with_tls12(material),
            _ => ServerSetup::usual(material),
        };
        cases.push(Case::server(
            &format!("end/close-notify{suffix}"),
            &["TLS-009"],
            "the client says close_notify: the server answers with its own before it ends the transport",
            setup,
            move |stage| stage.closes(opened(stage, versions)?),
        ));
        let truncated = Case::server(
            &format!("end/truncated{suffix}"),
            &["TLS-010"],
            "the client ends the transport without close_notify",
            setup,
            move |stage| {
                let mut link = opened(stage, versions)?;
                link.finish();
                goes(stage, link)
            },
        );
        cases.push(truncated.refuses(&["truncated"]).needs(Need::Events));
        let cut = Case::server(
            &format!("end/cut-record{suffix}"),
            &["TLS-010"],
            "the stream ends within a record",
            setup,
            move |stage| {
                let mut link = opened(stage, versions)?;
                link.altering(|record| record.truncate(record.len() / 2));
                link.write(b"a record that is cut in two");
                link.finish();
                goes(stage, link)
            },
        );
        cases.push(cut.refuses(&["truncated"]).needs(Need::Events));
    }
    let reset = Case::server(
        "end/reset",
        &["TLS-010"],
        "the client resets the connection",
        ServerSetup::usual,
        |stage| {
            let link = opened(stage, Versions::Only13)?;
            let (mark, key) = (link.mark, link.key);
            link.reset();
            stage.ended_of(mark, key, Ending::Codes(&["truncated"]))
        },
    );
    cases.push(reset.refuses(&["truncated"]).needs(Need::Events));
    cases.push(
        Case::server(
            "end/close-by-server",
            &["TLS-009"],
            "the server is told to close: it says close_notify before it ends the transport",
            ServerSetup::usual,
            |stage| {
                let mut link = opened(stage, Versions::Only13)?;
                stage.endpoint.tell(&json!({"close": link.key}));
                says_goodbye(stage, &mut link)?;
                link.close();
                ends(stage, &mut link)?;
                stage.ended(&link, Ending::Clean)
            },
        )
        .needs(Need::Events),
    );
    cases.push(
        Case::server(
            "end/close-by-server-unanswered",
            &["TLS-009"],
            "the server is told to close, and the client goes on sending and never says close_notify",
            ServerSetup::usual,
            goes_on,
        )
        .needs(Need::Events)
        .slow(),
    );
    cases.push(
        Case::server(
            "end/send-by-server",
            &["TLS-008"],
            "octets that the server is told to send come, unasked",
            ServerSetup::usual,
            |stage| {
                let mut link = opened(stage, Versions::Only13)?;
                let octets = stage.fresh().into_bytes();
                stage.endpoint.tell(&json!({"send": link.key, "payload": hex::encode(&octets)}));
                stage.receives(&mut link, &octets)?;
                stage.closes(link)
            },
        )
        .needs(Need::Events),
    );
    cases
}

/// An open connection of alice.
fn opened<'s>(stage: &'s Stage<'_>, versions: Versions) -> Result<Link<'s>, Fault> {
    let mut link = stage.greet(&alice(stage).speaking(versions))?;
    stage.shaken(&mut link)?;
    stage.answers(&mut link)?;
    stage.opened(&link)?;
    Ok(link)
}

/// The end comes, and is not reported as clean.
fn goes(stage: &Stage<'_>, mut link: Link<'_>) -> Result<(), Fault> {
    ends(stage, &mut link)?;
    stage.ended(&link, Ending::Codes(&["truncated"]))
}

fn ends(stage: &Stage<'_>, link: &mut Link<'_>) -> Result<(), Fault> {
    let deadline = stage.deadline();
    loop {
        match link.next(deadline) {
            Ok(Seen::End(_)) => return Ok(()),
            Ok(Seen::Octets(_)) => {
                return Err(Fault::wrong_output(
                    "what comes then",
                    "the end",
                    "octets of the application",
                ));
            }
            Ok(_) => {}
            Err(_) => return Err(stage.late("the connection did not end")),
        }
    }
}

fn says_goodbye(stage: &Stage<'_>, link: &mut Link<'_>) -> Result<(), Fault> {
    match link.next(stage.deadline()) {
        Ok(Seen::CloseNotify) => Ok(()),
        Ok(seen) => Err(Fault::wrong_output("what comes then", "close_notify", seen.describe())),
        Err(_) => Err(stage.late("close_notify did not come")),
    }
}

/// The server has to end the transport some time, whatever the client does.
fn goes_on(stage: &Stage<'_>) -> Result<(), Fault> {
    let mut link = opened(stage, Versions::Only13)?;
    stage.endpoint.tell(&json!({"close": link.key}));
    says_goodbye(stage, &mut link)?;
    let deadline = stage.deadline();
    while Instant::now() < deadline {
        link.write(b"and on");
        match link.next(Instant::now() + Duration::from_millis(200)) {
            Ok(Seen::End(_)) => return Ok(()),
            Ok(Seen::Octets(_)) => {
                return Err(Fault::wrong_output(
                    "after close_notify",
                    "the end",
                    "octets of the application",
                ));
            }
            Ok(_) | Err(_) => {}
        }
    }
    Err(stage.late("the connection did not end"))
}
