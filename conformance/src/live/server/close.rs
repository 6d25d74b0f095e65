//! How connections end: close records on either side, and ends without one.

use std::thread;

use serde_json::json;

use super::{Link, accept, refuse};
use crate::live::Transport;
use crate::live::case::{Case, Fault, Need};
use crate::live::peer::{Seen, ws};
use crate::live::stage::Stage;
use crate::live::wire::{CLOSE, DATA, OPEN};

const TRUNCATED: &[&str] = &["truncated"];
/// A text message is refused before anybody asks where it stands.
const AFTER: &[&str] = &["after_close", "text_message"];

pub fn cases() -> Vec<Case> {
    [by_client(), by_server(), without_record(), after_close()].into_iter().flatten().collect()
}

fn by_client() -> Vec<Case> {
    vec![
        accept(
            "close/after-echoes",
            &["CHAN-035", "CHAN-020"],
            "50 payloads and close at once: all echoes come before the server's close",
            |stage| {
                let mut link = stage.established()?;
                let mut octets = Vec::new();
                let payload = |number: usize| format!("pending {number}").into_bytes();
                for number in 0..50 {
                    let record = link.channel.sends.seal(DATA, &payload(number));
                    octets.extend(link.peer.framed(&record));
                }
                let record = link.channel.sends.seal(CLOSE, b"");
                octets.extend(link.peer.framed(&record));
                link.peer.send_octets("50 records and close", &octets);
                (0..50).try_for_each(|number| link.expect(&payload(number)))?;
                link.expect_close()?;
                stage.ends_cleanly(link.peer)
            },
        ),
        accept(
            "close/open-and-close-at-once",
            &["CHAN-035", "CHAN-037"],
            "open and close in one write",
            |stage| {
                let mut link = stage.replied()?;
                let (open, close) =
                    (link.channel.sends.seal(OPEN, b""), link.channel.sends.seal(CLOSE, b""));
                let octets = [link.peer.framed(&open), link.peer.framed(&close)].concat();
                link.peer.send_octets("open and close", &octets);
                link.expect_close()?;
                stage.ends_cleanly(link.peer)
            },
        ),
        accept(
            "close/and-end-of-stream",
            &["CHAN-037"],
            "the client ends its side of the stream right after its close record",
            |stage| {
                let mut link = stage.established()?;
                link.send_close();
                link.peer.finish();
                link.expect_close()?;
                stage.ends_cleanly(link.peer)
            },
        )
        .only(Transport::Tcp),
    ]
}

/// Closes that the server's application begins.
fn by_server() -> Vec<Case> {
    let cases = vec![
        accept(
            "close/by-server",
            &["CHAN-032", "CHAN-036"],
            "the server closes, and the client after it",
            |stage| {
                let mut link = stage.established()?;
                tell_close(&link);
                link.expect_close()?;
                link.send_close();
                stage.ends_cleanly(link.peer)
            },
        ),
        accept(
            "close/sends-before-it-closes",
            &["CHAN-035", "CHAN-020"],
            "the server is told to send ten payloads and to close: they come before its close",
            |stage| {
                let mut link = stage.established()?;
                for number in 0..10u8 {
                    let payload = hex::encode([number]);
                    stage.endpoint.tell(&json!({ "send": link.peer.port, "payload": payload }));
                }
                tell_close(&link);
                (0..10u8).try_for_each(|number| link.expect(&[number]))?;
                link.expect_close()?;
                link.send_close();
                stage.ends_cleanly(link.peer)
            },
        ),
        accept(
            "close/by-server-and-data",
            &["CHAN-033", "CHAN-032"],
            "after the server's close the client still sends data",
            |stage| {
                let mut link = stage.established()?;
                tell_close(&link);
                link.expect_close()?;
                (0..3).for_each(|_| link.send(b"still here"));
                link.send_close();
                stage.ends_cleanly(link.peer)
            },
        ),
        accept(
            "close/both-at-once",
            &["CHAN-036", "CHAN-037"],
            "both sides close at the same time",
            |stage| {
                let mut link = stage.established()?;
                tell_close(&link);
                link.send_close();
                link.expect_close()?;
                stage.ends_cleanly(link.peer)
            },
        ),
        refuse(
            "close/by-server-then-end",
            &["CHAN-038"],
            TRUNCATED,
            "after the server's close the client ends the stream without its own",
            |stage| {
                let mut link = stage.established()?;
                tell_close(&link);
                link.expect_close()?;
                link.peer.finish();
                stage.refused_after_closing(link.peer)
            },
        ),
        refuse(
            "close/by-server-then-bad-record",
            &["CHAN-033", "CHAN-021"],
            &["open_failed"],
            "after the server's close a record comes that does not open",
            |stage| {
                let mut link = stage.established()?;
                tell_close(&link);
                link.expect_close()?;
                link.peer.send("record, bad", &[1; 40]);
                stage.refused(link.peer)
            },
        ),
        accept(
            "close/end-of-input",
            &["CHAN-035", "CHAN-036"],
            "at the end of its standard input the server closes its channels and exits",
            |stage| {
                let (one, two) = (stage.established()?, stage.established()?);
                thread::scope(|scope| {
                    let ended = scope.spawn(|| stage.endpoint.end_input());
                    for mut link in [one, two] {
                        link.expect_close()?;
                        link.send_close();
                        link.sees("the end", |seen| matches!(seen, Seen::End(_) | Seen::Close(_)))?;
                    }
                    exited(stage, ended.join().ok().flatten().is_some_and(|over| over.cleanly))
                })
            },
        ),
        accept(
            "close/end-of-input-silent-peer",
            &["CHAN-030"],
            "a client that does not answer the close keeps the server from exiting for 5 seconds at most",
            |stage| {
                let _silent = stage.established()?;
                let over = stage.endpoint.end_input();
                exited(stage, over.is_some_and(|over| over.cleanly))
            },
        ),
    ];
    cases.into_iter().map(|case| case.needs(Need::Control)).collect()
}

/// Ends of the transport without a close record.
fn without_record() -> Vec<Case> {
    vec![
        refuse(
            "close/missing",
            &["CHAN-038", "CHAN-044"],
            TRUNCATED,
            "the stream ends without a close record",
            |stage| {
                let mut link = stage.established()?;
                link.peer.finish();
                stage.refused_after_closing(link.peer)
            },
        ),
        refuse(
            "close/reset",
            &["CHAN-038"],
            TRUNCATED,
            "the client is gone, with an echo unread",
            |stage| {
                let mut link = stage.established()?;
                link.send(b"unread");
                link.peer.await_octets(stage.deadline());
                let (mark, port) = (link.peer.mark, u64::from(link.peer.port));
                link.peer.vanish();
                stage.end_reported(mark, port)
            },
        )
        .needs(Need::Events),
        refuse(
            "close/in-a-record",
            &["FRAME-010", "CHAN-038"],
            &["early_end", "truncated"],
            "the stream ends in the middle of a record",
            |stage| {
                let mut link = stage.established()?;
                let record = link.channel.sends.seal(DATA, b"cut off");
                let octets = link.peer.framed(&record);
                link.peer.send_octets("half a record", &octets[..octets.len() / 2]);
                link.peer.finish();
                stage.refused_after_closing(link.peer)
            },
        ),
        close_frame("close/ws-frame", &[], "a close frame of WebSocket without a close record"),
        close_frame(
            "close/ws-frame-1000",
            &[0x03, 0xe8],
            "a close frame with the status code 1000, without a close record",
        ),
        close_frame(
            "close/ws-frame-1011",
            &[0x03, 0xf3],
            "a close frame with the status code 1011, without a close record",
        ),
    ]
}

fn close_frame(name: &str, payload: &'static [u8], about: &str) -> Case {
    refuse(name, &["CHAN-038"], TRUNCATED, about, move |stage| {
        let mut link = stage.established()?;
        let frame = link.peer.frame(ws::CLOSE, payload).octets();
        link.peer.send_octets("close frame", &frame);
        stage.refused_after_closing(link.peer)
    })
    .only(Transport::Ws)
}

/// What comes after the client's close record. The server may have ended the connection before it reads
/// that; if it reads it, it is a failure. It never is data.
fn after_close() -> Vec<Case> {
    let about = |what: &str| format!("{what} after the close record, in one write");
    let rules = &["CHAN-034"];
    let case = |name: &str, what: &str, make: fn(&mut Link<'_>) -> Vec<u8>| {
        refuse(&format!("close/then-{name}"), rules, AFTER, about(what), move |stage| {
            let mut link = stage.established()?;
            let close = link.channel.sends.seal(CLOSE, b"");
            let more = make(&mut link);
            let octets = [link.peer.framed(&close), more].concat();
            link.peer.send_octets("close and more", &octets);
            close_may_come(&mut link)?;
            stage.ends_either_way(link.peer)
        })
    };
    vec![
        case("data", "data", |link| {
            let record = link.channel.sends.seal(DATA, b"too late");
            link.peer.framed(&record)
        }),
        case("close", "a second close record", |link| {
            let record = link.channel.sends.seal(CLOSE, b"");
            link.peer.framed(&record)
        }),
        case("bad-record", "a record that does not open", |link| link.peer.framed(&[5; 30])),
        case("half-a-record", "half a record", |link| {
            let record = link.channel.sends.seal(DATA, b"too late");
            let octets = link.peer.framed(&record);
            octets[..octets.len() / 2].to_vec()
        }),
        case("empty-message", "an empty message", |link| link.peer.framed(b"")).only(Transport::Ws),
        case("text-message", "a text message", |link| link.peer.frame(ws::TEXT, b"hi").octets())
            .only(Transport::Ws),
    ]
}

/// The server's close record may come, and nothing else but the end.
fn close_may_come(link: &mut Link<'_>) -> Result<(), Fault> {
    if !link.peer.has_message(link.peer.stage.deadline()) {
        return Ok(());
    }
    link.expect_close()
}

fn tell_close(link: &Link<'_>) {
    link.peer.stage.endpoint.tell(&json!({ "close": link.peer.port }));
}

fn exited(stage: &Stage<'_>, cleanly: bool) -> Result<(), Fault> {
    if cleanly {
        return Ok(());
    }
    let found = match stage.endpoint.over() {
        Some(over) => over.verdict.sentence(),
        None => "still running".into(),
    };
    Err(Fault::wrong_output("the process", "exited with status 0", found))
}
