//! Records that a server has to refuse: in the place of the open record, and on an established connection.

use super::{Link, refuse};
use crate::live::Transport;
use crate::live::case::{Case, Fault};
use crate::live::wire::{CLOSE, DATA, OPEN};

pub fn cases() -> Vec<Case> {
    let first = FIRST.iter().map(|(name, rule, codes, about, make)| {
        let case = refuse(&format!("open/{name}"), &[rule, "HS-065"], codes, *about, |stage| {
            let mut link = stage.replied()?;
            let message = make(&mut link)?;
            link.peer.send("record 0", &message);
            stage.refused(link.peer)
        });
        place(case, name, codes, "open")
    });
    let later = LATER.iter().map(|(name, rule, codes, about, make)| {
        let case = refuse(
            &format!("record/{name}"),
            &[rule, "CHAN-027", "CHAN-038"],
            codes,
            *about,
            |stage| {
                let mut link = stage.established()?;
                let message = make(&mut link)?;
                link.peer.send("record", &message);
                stage.refused(link.peer)
            },
        );
        place(case, name, codes, "record")
    });
    first.chain(later).collect()
}

type Make = fn(&mut Link<'_>) -> Result<Vec<u8>, Fault>;
type Row = (&'static str, &'static str, &'static [&'static str], &'static str, Make);

/// Group and transports: an empty message exists over WebSocket alone, and one that is too long is refused
/// by framing.
fn place(case: Case, name: &str, codes: &[&str], group: &'static str) -> Case {
    match codes {
        ["too_long"] => case,
        _ if name == "empty" => case.in_group(group).only(Transport::Ws),
        _ => case.in_group(group).in_group("closing"),
    }
}

const FAILED: &[&str] = &["open_failed"];
const LENGTH: &[&str] = &["record_length"];

static FIRST: &[Row] = &[
    ("data", "CHAN-024", &["missing_open"], "data in the place of open", |l| {
        Ok(l.channel.sends.seal(DATA, b"x"))
    }),
    ("data-empty", "CHAN-024", &["missing_open"], "empty data in the place of open", |l| {
        Ok(l.channel.sends.seal(DATA, b""))
    }),
    ("close", "CHAN-024", &["missing_open"], "close in the place of open", |l| {
        Ok(l.channel.sends.seal(CLOSE, b""))
    }),
    ("with-payload", "CHAN-026", &["control_payload"], "an open record with a payload", |l| {
        Ok(l.channel.sends.seal(OPEN, b"x"))
    }),
    (
        "close-with-payload",
        "CHAN-026",
        &["control_payload"],
        "a close record with a payload in the place of open",
        |l| Ok(l.channel.sends.seal(CLOSE, b"x")),
    ),
    ("type-3", "CHAN-022", &["unknown_type"], "a record of type 3", |l| {
        Ok(l.channel.sends.seal(3, b""))
    }),
    ("type-255", "CHAN-022", &["unknown_type"], "a record of type 255", |l| {
        Ok(l.channel.sends.seal(255, b""))
    }),
    ("no-type", "CHAN-018", LENGTH, "a sealed record without a type: 16 octets", |l| {
        Ok(l.channel.sends.seal_as(0, b""))
    }),
    ("one-octet", "CHAN-018", LENGTH, "one octet", |_| Ok(vec![2])),
    ("empty", "FRAME-005", LENGTH, "an empty message", |_| Ok(Vec::new())),
    ("number-1", "CHAN-014", FAILED, "open with the record number 1", |l| {
        Ok(l.channel.sends.seal_as(1, &[OPEN]))
    }),
    ("number-last", "CHAN-014", FAILED, "open with the record number 2^64 - 1", |l| {
        Ok(l.channel.sends.seal_as(u64::MAX, &[OPEN]))
    }),
    (
        "other-direction",
        "CHAN-012",
        FAILED,
        "open sealed with the keys of the server's direction",
        |l| Ok(l.channel.receives.seal_as(0, &[OPEN])),
    ),
    ("flipped-type", "CHAN-021", FAILED, "one bit of the sealed type is another", |l| {
        flipped(l.channel.sends.seal(OPEN, b""), 0)
    }),
    ("flipped-tag", "CHAN-021", FAILED, "one bit of the tag is another", |l| {
        flipped(l.channel.sends.seal(OPEN, b""), 16)
    }),
    ("longer", "CHAN-021", FAILED, "an open record with one octet more", |l| {
        Ok([l.channel.sends.seal(OPEN, b""), vec![0]].concat())
    }),
    ("zeros", "CHAN-021", FAILED, "17 zeros", |_| Ok(vec![0; 17])),
    ("plaintext", "CHAN-021", FAILED, "an open record that is not sealed", |_| {
        Ok([&[OPEN][..], &[0; 16]].concat())
    }),
    ("of-another-connection", "CHAN-021", FAILED, "the open record of another connection", |l| {
        Ok(l.peer.stage.replied()?.channel.sends.seal(OPEN, b""))
    }),
    ("m1-back", "CHAN-021", FAILED, "M1 in the place of the open record", |l| {
        let (_, request) = l.peer.stage.greeted()?;
        Ok(request.m1)
    }),
    ("m2-again", "CHAN-021", FAILED, "a second M2 after M3", |l| {
        Ok(l.peer.stage.greeted()?.1.m2())
    }),
    ("4096-octets", "FRAME-011", FAILED, "4,096 octets, the longest message allowed here", |_| {
        Ok(vec![7; 4096])
    }),
    (
        "4097-octets",
        "FRAME-011",
        &["too_long"],
        "4,097 octets: the server is not established",
        |_| Ok(vec![7; 4097]),
    ),
];

static LATER: &[Row] = &[
    ("flipped-type", "CHAN-021", FAILED, "one bit of the sealed type is another", |l| {
        flipped(l.channel.sends.seal(DATA, b"data"), 0)
    }),
    ("flipped-payload", "CHAN-021", FAILED, "one bit of the sealed payload is another", |l| {
        flipped(l.channel.sends.seal(DATA, b"data"), 3)
    }),
    ("flipped-tag", "CHAN-021", FAILED, "one bit of the tag is another", |l| {
        flipped(l.channel.sends.seal(DATA, b"data"), 20)
    }),
    ("cut", "CHAN-021", FAILED, "a record without its last octet", |l| {
        let record = l.channel.sends.seal(DATA, b"data");
        Ok(record[..record.len() - 1].to_vec())
    }),
    ("longer", "CHAN-021", FAILED, "a record with one octet more", |l| {
        Ok([l.channel.sends.seal(DATA, b"data"), vec![0]].concat())
    }),
    ("repeated", "CHAN-014", FAILED, "a record twice", |l| {
        let record = l.channel.sends.seal(DATA, b"data");
        l.peer.send("record", &record);
        l.expect(b"data")?;
        Ok(record)
    }),
    ("open-repeated", "CHAN-014", FAILED, "the open record again, as it was", |l| {
        Ok(l.channel.sends.seal_as(0, &[OPEN]))
    }),
    ("swapped", "CHAN-014", FAILED, "the record after the next one comes first", |l| {
        let n = l.channel.sends.n;
        Ok(l.channel.sends.seal_as(n + 1, &[DATA, 1]))
    }),
    ("skipped-generation", "CHAN-014", FAILED, "a record whose number is 65,536 too high", |l| {
        let n = l.channel.sends.n;
        Ok(l.channel.sends.seal_as(n + 65_536, &[DATA, 1]))
    }),
    ("number-back", "CHAN-014", FAILED, "a record with the number before", |l| {
        let n = l.channel.sends.n;
        Ok(l.channel.sends.seal_as(n - 1, &[DATA, 1]))
    }),
    ("reflected", "CHAN-012", FAILED, "the server's own record, back", |l| Ok(l.last.clone())),
    (
        "other-direction",
        "CHAN-012",
        FAILED,
        "a record sealed with the keys of the server's direction",
        |l| {
            let n = l.channel.sends.n;
            Ok(l.channel.receives.seal_as(n, &[DATA, 1]))
        },
    ),
    (
        "of-another-connection",
        "CHAN-021",
        FAILED,
        "a record of another connection with the same number",
        |l| {
            let other = l.peer.stage.established()?;
            let record = other.channel.sends.seal_as(other.channel.sends.n, &[DATA, 1]);
            other.close()?;
            Ok(record)
        },
    ),
    ("m2-again", "CHAN-021", FAILED, "M2 on an established connection", |l| {
        Ok(l.peer.stage.greeted()?.1.m2())
    }),
    ("plaintext", "CHAN-021", FAILED, "data that are not sealed", |_| {
        Ok([&[DATA][..], &[0x61; 30]].concat())
    }),
    ("zeros", "CHAN-021", FAILED, "17 zeros", |_| Ok(vec![0; 17])),
    ("type-3", "CHAN-022", &["unknown_type"], "a record of type 3", |l| {
        Ok(l.channel.sends.seal(3, b"x"))
    }),
    ("type-255", "CHAN-022", &["unknown_type"], "a record of type 255", |l| {
        Ok(l.channel.sends.seal(255, b""))
    }),
    (
        "open-again",
        "CHAN-025",
        &["unexpected_open"],
        "a second open record, sealed for its place",
        |l| Ok(l.channel.sends.seal(OPEN, b"")),
    ),
    (
        "open-again-with-payload",
        "CHAN-026",
        &["control_payload"],
        "a second open record, with a payload",
        |l| Ok(l.channel.sends.seal(OPEN, b"x")),
    ),
    (
        "close-with-payload",
        "CHAN-026",
        &["control_payload"],
        "a close record with a payload",
        |l| Ok(l.channel.sends.seal(CLOSE, b"bye")),
    ),
    ("no-type", "CHAN-018", LENGTH, "a sealed record without a type: 16 octets", |l| {
        let n = l.channel.sends.n;
        Ok(l.channel.sends.seal_as(n, b""))
    }),
    ("one-octet", "CHAN-018", LENGTH, "one octet", |_| Ok(vec![0])),
    ("empty", "FRAME-005", LENGTH, "an empty message", |_| Ok(Vec::new())),
];

fn flipped(mut record: Vec<u8>, at: usize) -> Result<Vec<u8>, Fault> {
    record[at] ^= 0x40;
    Ok(record)
}
