//! Records that an established client has to refuse, those of the largest size, and generations.

use serde_json::json;

use super::{Dial, Link, accept, refuse};
use crate::live::Transport;
use crate::live::case::{Case, Fault};
use crate::live::wire::{CLOSE, DATA, GENERATION, OPEN};

type Make = fn(&mut Link<'_>) -> Result<Vec<u8>, Fault>;
type Row = (&'static str, &'static str, &'static [&'static str], &'static str, Make);

const FAILED: &[&str] = &["open_failed"];
const LENGTH: &[&str] = &["record_length"];

pub fn cases() -> Vec<Case> {
    let refused = ROWS.iter().map(|(name, rule, codes, about, make)| {
        let rules = &[rule, "CHAN-027", "CHAN-038"];
        let case = refuse(&format!("record/{name}"), rules, codes, *about, move |stage| {
            let mut link = stage.linked(&Dial::default())?;
            link.send(b"before");
            link.delivered(b"before")?;
            let message = make(&mut link)?;
            link.peer.send("record", &message);
            stage.refused(link.peer)
        });
        match *name {
            "empty" => case.in_group("record").only(Transport::Ws),
            _ => case.in_group("record").in_group("closing"),
        }
    });
    refused.chain(accepted()).chain([open_first()]).collect()
}

/// Where a client's open record would stand.
fn open_first() -> Case {
    let about = "an open record as the first of the server";
    refuse("record/open-first", &["CHAN-025"], &["unexpected_open"], about, |stage| {
        let mut link = stage.linked(&Dial::default())?;
        let record = link.channel.sends.seal(OPEN, b"");
        link.peer.send("record 0, open", &record);
        stage.refused(link.peer)
    })
}

fn accepted() -> Vec<Case> {
    vec![
        accept("record/payloads", &["CHAN-020"], "payloads of many lengths, empty too", |stage| {
            let mut link = stage.linked(&Dial::default())?;
            for length in [0, 1, 15, 16, 17, 4079, 4080, 4096, 5000, 65_536] {
                let payload = vec![0x61; length];
                link.send(&payload);
                link.delivered(&payload)?;
            }
            link.close()
        }),
        accept(
            "record/sent-first",
            &["CHAN-023", "CHAN-020"],
            "what the dial gives to send",
            |stage| {
                let send = vec![b"one".to_vec(), Vec::new(), b"three".to_vec()];
                let mut link = stage.linked(&Dial { send: send.clone(), ..Dial::default() })?;
                for payload in send {
                    link.expect(DATA, &payload)?;
                }
                link.close()
            },
        ),
        accept("record/longest", &["FRAME-012", "CHAN-018"], "a record of 2^24 octets", |stage| {
            let mut link = stage.linked(&Dial::default())?;
            let payload = vec![0x7a; (1 << 24) - 17];
            link.send(&payload);
            link.delivered(&payload)?;
            link.close()
        }),
        refuse("record/too-long", &["FRAME-012"], &["too_long"], "2^24 + 1 octets", |stage| {
            let mut link = stage.linked(&Dial::default())?;
            let record = link.channel.sends.seal(DATA, &vec![0x7a; (1 << 24) - 16]);
            link.peer.send("record", &record);
            stage.refused_by_library(link.peer)
        }),
        accept(
            "generation/to-the-client",
            &["CHAN-007", "CHAN-008"],
            "65,540 records to the client",
            |stage| {
                let mut link = stage.linked(&Dial::default())?;
                for _ in 0..GENERATION + 3 {
                    let record = link.channel.sends.seal(DATA, b"");
                    let octets = link.peer.framed(&record);
                    link.peer.send_octets("record", &octets);
                }
                link.send(b"after");
                link.delivered(b"after")?;
                link.close()
            },
        ),
        accept(
            "generation/from-the-client",
            &["CHAN-007", "CHAN-008", "CHAN-014"],
            "65,540 records from the client",
            |stage| {
                let mut link = stage.linked(&Dial::default())?;
                let count = GENERATION + 4;
                link.tell("send", &[("payload", json!("0b")), ("times", json!(count))]);
                for _ in 0..count {
                    link.expect(DATA, &[0x0b])?;
                }
                link.close()
            },
        ),
    ]
}

static ROWS: &[Row] = &[
    ("empty", "FRAME-005", LENGTH, "an empty message", |_| Ok(Vec::new())),
    ("one-octet", "CHAN-018", LENGTH, "one octet", |_| Ok(vec![0])),
    ("no-type", "CHAN-018", LENGTH, "a sealed record without a type: 16 octets", |l| {
        Ok(l.channel.sends.seal_as(l.channel.sends.n, b""))
    }),
    ("zeros", "CHAN-021", FAILED, "17 zeros", |_| Ok(vec![0; 17])),
    ("plaintext", "CHAN-021", FAILED, "data that is not sealed", |_| Ok(vec![0x61; 40])),
    ("flipped-first-bit", "CHAN-021", FAILED, "the first bit is another", |l| {
        let mut record = l.channel.sends.seal(DATA, b"data");
        record[0] ^= 0x80;
        Ok(record)
    }),
    ("flipped-tag", "CHAN-021", FAILED, "the last bit of the tag is another", |l| {
        let mut record = l.channel.sends.seal(DATA, b"data");
        if let Some(last) = record.last_mut() {
            *last ^= 1;
        }
        Ok(record)
    }),
    ("cut", "CHAN-021", FAILED, "a record without its last octet", |l| {
        let mut record = l.channel.sends.seal(DATA, b"data");
        record.pop();
        Ok(record)
    }),
    ("longer", "CHAN-021", FAILED, "a record with one octet more", |l| {
        Ok([l.channel.sends.seal(DATA, b"data"), vec![0]].concat())
    }),
    ("repeated", "CHAN-014", FAILED, "the record before once more", |l| {
        Ok(l.channel.sends.seal_as(l.channel.sends.n - 1, b"\0before"))
    }),
    ("one-left-out", "CHAN-014", FAILED, "the record after the next", |l| {
        Ok(l.channel.sends.seal_as(l.channel.sends.n + 1, b"\0data"))
    }),
    ("number-last", "CHAN-014", FAILED, "the record number 2^64 - 1", |l| {
        Ok(l.channel.sends.seal_as(u64::MAX, b"\0data"))
    }),
    ("reflected", "CHAN-012", FAILED, "a record of the client's own direction", |l| {
        Ok(l.channel.receives.seal_as(l.channel.sends.n, b"\0data"))
    }),
    ("of-another-connection", "CHAN-001", FAILED, "a record of another connection", |l| {
        let mut other = l.peer.stage.linked(&Dial::default())?;
        other.channel.sends.step();
        Ok(other.channel.sends.seal(DATA, b"data"))
    }),
    ("open", "CHAN-025", &["unexpected_open"], "an open record", |l| {
        Ok(l.channel.sends.seal(OPEN, b""))
    }),
    ("open-with-payload", "CHAN-026", &["control_payload"], "an open record with a payload", |l| {
        Ok(l.channel.sends.seal(OPEN, b"x"))
    }),
    ("close-with-payload", "CHAN-026", &["control_payload"], "a close with a payload", |l| {
        Ok(l.channel.sends.seal(CLOSE, b"x"))
    }),
    ("type-3", "CHAN-022", &["unknown_type"], "a record of type 3", |l| {
        Ok(l.channel.sends.seal(3, b"data"))
    }),
    ("type-255", "CHAN-022", &["unknown_type"], "a record of type 255", |l| {
        Ok(l.channel.sends.seal(255, b""))
    }),
];
