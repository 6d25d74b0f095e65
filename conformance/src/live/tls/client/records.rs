//! Records after the handshake.

use rustls::Connection;

use super::super::case::Case;
use super::super::hello::Versions;
use super::super::link::{Late, Link, Seen};
use super::super::records::{ALERT, APPLICATION_DATA, HANDSHAKE, Sealer, record};
use super::super::setup::Dial;
use super::super::stage::{Ending, Stage};
use super::greeting::{TLS12, message};
use super::honest;
use crate::live::case::Fault;
use crate::live::lines::{Event, Happened};

pub fn cases() -> Vec<Case> {
    vec![
        row("bad-tag", "a record with one bit changed", |sealer| {
            let mut octets = sealed(sealer, APPLICATION_DATA, b"forged");
            if let Some(last) = octets.last_mut() {
                *last ^= 1;
            }
            octets
        }),
        row("left-out", "a record is left out before this one", |sealer| {
            sealed(sealer, APPLICATION_DATA, b"lost");
            sealed(sealer, APPLICATION_DATA, b"forged")
        }),
        row("too-long", "a record with 16,385 octets of the application", |sealer| {
            sealed(sealer, APPLICATION_DATA, &[b'f'; (1 << 14) + 1])
        }),
        row("far-too-long", "a record of 16,641 octets", |sealer| {
            sealed(sealer, APPLICATION_DATA, &[b'f'; (1 << 14) + 256 - 16])
        }),
        row("in-clear", "a record that is not sealed", |_| {
            record(APPLICATION_DATA, TLS12, b"forged")
        }),
        row("handshake-in-clear", "a message of the handshake that is not sealed", |_| {
            record(HANDSHAKE, TLS12, &message(0, b""))
        }),
        row("unknown-type", "a sealed record of a type that there is not", |sealer| {
            sealed(sealer, 99, b"forged")
        }),
        row("hello-request", "the request of a renegotiation, which TLS 1.3 has not", |sealer| {
            sealed(sealer, HANDSHAKE, &message(0, b""))
        }),
        row("second-server-hello", "another ServerHello", |sealer| {
            sealed(sealer, HANDSHAKE, &message(2, &[3; 90]))
        }),
        row("finished-again", "another Finished", |sealer| {
            sealed(sealer, HANDSHAKE, &message(20, &[3; 48]))
        }),
        row(
            "late-certificate-request",
            "a request for a certificate, which was not offered",
            |sealer| sealed(sealer, HANDSHAKE, &message(13, &[0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3])),
        ),
        Case::client("records/replayed", &["TLS-011"], "a record comes twice", |stage| {
            let (link, mut sealer) = established(stage, Versions::Only13)?;
            let octets = sealed(&mut sealer, APPLICATION_DATA, b"once");
            let mut link = link;
            link.send_raw("a record", &octets);
            stage.message(&link, b"once")?;
            link.send_raw("the same record", &octets);
            broken(stage, link, b"once")
        })
        .refuses(&["handshake"]),
        Case::client(
            "records/key-update",
            &["TLS-001"],
            "the server changes its keys and asks the client to do so",
            |stage| {
                let dial = Dial::usual(stage.material);
                let mut link = stage.dial(&dial)?;
                stage.serve(&mut link, &honest(stage.material))?;
                stage.shaken(&mut link)?;
                stage.receives(&mut link, &dial.send.concat())?;
                let updated = link.tls.as_mut().map(Connection::refresh_traffic_keys);
                if !matches!(updated, Some(Ok(()))) {
                    return Err(stage.impossible("rustls does not change keys"));
                }
                link.write(b"under other keys");
                stage.message(&link, b"under other keys")?;
                stage.closes(link)
            },
        ),
        Case::client(
            "tls12/renegotiation",
            &["TLS-005"],
            "the server asks for a renegotiation by HelloRequest",
            |stage| {
                let (mut link, mut sealer) = established(stage, Versions::Only12)?;
                link.send_raw("HelloRequest", &sealed(&mut sealer, HANDSHAKE, &message(0, b"")));
                link.send_raw("a record", &sealed(&mut sealer, APPLICATION_DATA, b"after it"));
                // It may go on, or end.
                let (mark, key) = (link.mark, link.key);
                let is_over = |event: &Event| matches!(event.name(), "message" | "end");
                let deadline = stage.deadline();
                stage.endpoint.wait_for_one(mark, key, deadline, is_over);
                link.send_raw("close_notify", &sealed(&mut sealer, ALERT, &[1, 0]));
                link.finish();
                loop {
                    match link.next(deadline) {
                        Ok(Seen::Record(octets)) if octets.first() == Some(&HANDSHAKE) => {
                            let expected = "no handshake";
                            let found = "a record of a handshake";
                            return Err(Fault::wrong_accept("what comes then", expected, found));
                        }
                        Ok(Seen::End(_)) => return Ok(()),
                        Ok(_) => {}
                        Err(Late) => return Err(stage.late("the connection did not end")),
                    }
                }
            },
        ),
    ]
}

/// After the handshake comes this in place of a record in order: the client has to end, and delivers nothing of it.
fn row(
    name: &str,
    about: &str,
    octets: impl Fn(&mut Sealer) -> Vec<u8> + Send + Sync + 'static,
) -> Case {
    Case::client(&format!("records/{name}"), &["TLS-011"], about, move |stage| {
        let (mut link, mut sealer) = established(stage, Versions::Only13)?;
        link.send_raw("what is out of order", &octets(&mut sealer));
        broken(stage, link, b"")
    })
    .refuses(&["handshake"])
}

/// A connection whose client has been heard; records are made by hand from now on.
fn established<'s>(stage: &'s Stage<'_>, versions: Versions) -> Result<(Link<'s>, Sealer), Fault> {
    let mut dial = Dial::usual(stage.material);
    if versions == Versions::Only12 {
        dial = dial.policy("tls12");
    }
    let mut link = stage.dial(&dial)?;
    stage.serve(&mut link, &honest(stage.material).speaking(versions))?;
    stage.shaken(&mut link)?;
    stage.opened(&link)?;
    stage.receives(&mut link, &dial.send.concat())?;
    let sealer = link.seal_by_hand();
    let sealer = sealer.ok_or_else(|| stage.impossible("no records can be sealed by hand"))?;
    Ok((link, sealer))
}

fn sealed(sealer: &mut Sealer, kind: u8, contents: &[u8]) -> Vec<u8> {
    sealer.seal(kind, contents).unwrap_or_default()
}

/// The client has to end the connection by itself, not cleanly, and may have delivered these octets alone.
fn broken(stage: &Stage<'_>, mut link: Link<'_>, delivered: &[u8]) -> Result<(), Fault> {
    let deadline = stage.deadline();
    loop {
        match link.next(deadline) {
            Ok(Seen::End(_)) => break,
            // It has its alert out, as any peer takes it then.
            Ok(_) => link.finish(),
            Err(Late) => return Err(stage.late("the connection did not end")),
        }
    }
    let codes: Vec<&str> = stage.case.codes.iter().map(String::as_str).collect();
    stage.ended(&link, Ending::Codes(&codes))?;
    let events = stage.endpoint.events(link.mark, link.key);
    let octets: Vec<u8> = (events.iter())
        .flat_map(|event| match &event.what {
            Happened::Message { payload: Some(payload), .. } => payload.clone(),
            // So many that they are not written out: more than any case here sends in order.
            Happened::Message { .. } => vec![0],
            _ => Vec::new(),
        })
        .collect();
    if octets != delivered {
        let found = format!("{} octets", octets.len());
        let expected = format!("{} octets", delivered.len());
        return Err(Fault::wrong_accept("the message events", &expected, found));
    }
    Ok(())
}
