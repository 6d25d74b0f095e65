//! Close records and ends of the transport (section 4.7).

use serde_json::json;

use super::{Dial, accept, refuse};
use crate::live::case::Case;
use crate::live::wire::{CLOSE, DATA};

const TRUNCATED: &[&str] = &["truncated"];

pub fn cases() -> Vec<Case> {
    vec![
        accept(
            "close/answered",
            &["CHAN-035", "CHAN-036", "CHAN-037"],
            "the server closes",
            |stage| stage.linked(&Dial::default())?.close(),
        )
        .in_group("closing"),
        accept(
            "close/after-data",
            &["CHAN-020", "CHAN-037"],
            "data, then close, at once",
            |stage| {
                let mut link = stage.linked(&Dial::default())?;
                link.send(b"first");
                link.send(b"second");
                link.send_close();
                link.delivered(b"first")?;
                link.delivered(b"second")?;
                link.expect(CLOSE, b"")?;
                stage.ends_cleanly(link.peer)
            },
        ),
        accept(
            "close/by-the-client",
            &["CHAN-032", "CHAN-036"],
            "the client is told to close",
            |stage| {
                let mut link = stage.linked(&Dial::default())?;
                link.tell("close", &[]);
                link.expect(CLOSE, b"")?;
                link.send_close();
                stage.ends_cleanly(link.peer)
            },
        ),
        accept(
            "close/data-after-the-clients-close",
            &["CHAN-033"],
            "data after the client's close",
            |stage| {
                let mut link = stage.linked(&Dial::default())?;
                link.tell("close", &[]);
                link.expect(CLOSE, b"")?;
                link.send(b"late");
                link.delivered(b"late")?;
                link.send_close();
                stage.ends_cleanly(link.peer)
            },
        ),
        accept(
            "close/sends-before-it-closes",
            &["CHAN-035"],
            "the client is told to send and to close",
            |stage| {
                let mut link = stage.linked(&Dial::default())?;
                link.tell("send", &[("payload", json!("0a")), ("times", json!(300))]);
                link.tell("close", &[]);
                for _ in 0..300 {
                    link.expect(DATA, &[0x0a])?;
                }
                link.expect(CLOSE, b"")?;
                link.send_close();
                stage.ends_cleanly(link.peer)
            },
        ),
        accept("close/simultaneous", &["CHAN-036", "CHAN-037"], "both close at once", |stage| {
            let mut link = stage.linked(&Dial::default())?;
            link.tell("close", &[]);
            link.send_close();
            link.expect(CLOSE, b"")?;
            stage.ends_cleanly(link.peer)
        }),
        refuse(
            "end/truncated",
            &["CHAN-038", "CHAN-044"],
            TRUNCATED,
            "an end without close",
            |stage| {
                let mut link = stage.linked(&Dial::default())?;
                link.send(b"data");
                link.delivered(b"data")?;
                link.peer.finish();
                stage.refused_after_closing(link.peer)
            },
        ),
        refuse(
            "end/truncated-after-its-own-close",
            &["CHAN-038"],
            TRUNCATED,
            "the client has closed, the server ends without close",
            |stage| {
                let mut link = stage.linked(&Dial::default())?;
                link.tell("close", &[]);
                link.expect(CLOSE, b"")?;
                link.peer.finish();
                stage.refused_after_closing(link.peer)
            },
        ),
        refuse(
            "close/data-after-close",
            &["CHAN-034"],
            &["after_close"],
            "data with the close record, in one write",
            |stage| {
                let mut link = stage.linked(&Dial::default())?;
                let close = link.channel.sends.seal(CLOSE, b"");
                let data = link.channel.sends.seal(DATA, b"after");
                let octets = [link.peer.framed(&close), link.peer.framed(&data)].concat();
                link.peer.send_octets("close and data", &octets);
                link.peer.skip_message(stage.deadline());
                stage.ends_either_way(link.peer)
            },
        ),
    ]
}
