//! How connections end: close_notify, and what is truncated.

use serde_json::json;

use super::super::case::{Case, Need};
use super::super::link::{End, Late, Link, Seen};
use super::super::records::{ALERT, APPLICATION_DATA, record};
use super::super::setup::Dial;
use super::super::stage::{Ending, Stage};
use super::greeting::TLS12;
use super::honest;
use crate::live::case::Fault;

pub fn cases() -> Vec<Case> {
    vec![
        Case::client(
            "end/own",
            &["TLS-009"],
            "the application closes: the client says close_notify before it ends the transport",
            |stage| {
                let mut link = heard(stage)?;
                stage.endpoint.tell(&json!({"close": link.key}));
                let deadline = stage.deadline();
                match link.next(deadline) {
                    Ok(Seen::CloseNotify) => {}
                    Ok(seen) => {
                        let found = seen.describe();
                        return Err(Fault::wrong_output("the end", "close_notify", found));
                    }
                    Err(Late) => return Err(stage.late("no close_notify came")),
                }
                link.close();
                match link.next(deadline) {
                    Ok(Seen::End(End::Stream)) => {}
                    Ok(seen) => {
                        return Err(Fault::wrong_output("then", "the end", seen.describe()));
                    }
                    Err(Late) => return Err(stage.late("the connection did not end")),
                }
                stage.ended(&link, Ending::Clean)
            },
        )
        .needs(Need::Events),
        Case::client(
            "end/octets-before-close-notify",
            &["TLS-009", "TLS-010"],
            "the server says close_notify right behind many octets",
            |stage| {
                let mut link = heard(stage)?;
                let chunk = [b'o'; 10_000];
                (0..20).for_each(|_| link.write(&chunk));
                link.close();
                stage.ended(&link, Ending::Clean)?;
                all(stage, &link, 20 * chunk.len())
            },
        )
        .needs(Need::Events),
        truncated("cut", "the server ends the stream without close_notify", |link| link.finish()),
        truncated("cut-after-octets", "the server sends octets, and ends the stream", |link| {
            link.write(b"a part");
            link.finish();
        }),
        truncated("half-a-record", "the server ends the stream within a record", |link| {
            link.send_raw("a part of a record", &record(APPLICATION_DATA, TLS12, &[7; 40])[..30]);
            link.finish();
        }),
        truncated("reset", "the server resets the connection", |_| {}),
        truncated(
            "close-notify-in-clear",
            "a close_notify comes that is not sealed, and the end of the stream",
            |link| {
                link.send_raw("close_notify in clear", &record(ALERT, TLS12, &[1, 0]));
                link.finish();
            },
        ),
        Case::client(
            "end/alert",
            &["TLS-010", "TLS-011"],
            "the server sends the alert internal_error",
            |stage| {
                let mut link = heard(stage)?;
                let mut sealer = link
                    .seal_by_hand()
                    .ok_or_else(|| stage.impossible("no records can be sealed by hand"))?;
                let alert = sealer.seal(ALERT, &[2, 80]).unwrap_or_default();
                link.send_raw("internal_error", &alert);
                link.finish();
                stage.ended(&link, Ending::Codes(&["handshake", "truncated"]))
            },
        )
        .refuses(&["handshake", "truncated"])
        .needs(Need::Events),
    ]
}

/// A connection whose client has been heard.
pub fn heard<'s>(stage: &'s Stage<'_>) -> Result<Link<'s>, Fault> {
    let dial = Dial::usual(stage.material);
    let mut link = stage.dial(&dial)?;
    stage.serve(&mut link, &honest(stage.material))?;
    stage.shaken(&mut link)?;
    stage.opened(&link)?;
    stage.receives(&mut link, &dial.send.concat())?;
    Ok(link)
}

/// What the server does then leaves it open whether that was all.
fn truncated(
    name: &'static str,
    about: &str,
    end: impl Fn(&mut Link<'_>) + Send + Sync + 'static,
) -> Case {
    Case::client(&format!("end/{name}"), &["TLS-010"], about, move |stage| {
        let mut link = heard(stage)?;
        end(&mut link);
        let (mark, key) = (link.mark, link.key);
        if name == "reset" {
            link.reset();
        }
        // What follows something that is not sealed may be reported for that.
        stage.ended_of(mark, key, Ending::Codes(&["truncated", "handshake"][..codes(name)]))
    })
    .refuses(&["truncated", "handshake"][..codes(name)])
    .needs(Need::Events)
}

fn codes(name: &str) -> usize {
    if name == "close-notify-in-clear" { 2 } else { 1 }
}

/// So many octets have been delivered, in any pieces.
fn all(stage: &Stage<'_>, link: &Link<'_>, expected: usize) -> Result<(), Fault> {
    use crate::live::lines::Happened;
    let events = stage.endpoint.events(link.mark, link.key);
    let length = |what: &Happened| match what {
        Happened::Message { payload: Some(payload), .. } => payload.len() as u64,
        Happened::Message { length: Some(length), .. } => *length,
        _ => 0,
    };
    let found: u64 = events.iter().map(|event| length(&event.what)).sum();
    if found == expected as u64 {
        return Ok(());
    }
    let (expected, found) = (format!("{expected} octets"), format!("{found} octets"));
    Err(Fault::wrong_output("the message events", &expected, found))
}
