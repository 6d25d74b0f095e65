//! Framing on a byte stream: how it is cut must not matter, and wrong lengths are refused (section 6.2).

use super::{Link, State, accept, refuse};
use crate::live::Transport;
use crate::live::case::{Case, Fault};
use crate::live::peer::tcp;
use crate::live::stage::Stage;
use crate::live::wire::{CLOSE, DATA, OPEN};

pub fn cases() -> Vec<Case> {
    let cases = [cuts(), lengths(), early_ends()].into_iter().flatten();
    cases.map(|case| case.only(Transport::Tcp)).collect()
}

/// Right octets in unusual writes.
fn cuts() -> Vec<Case> {
    let rules = &["FRAME-009"];
    let mut cases = vec![
        accept("tcp/m2-octet-by-octet", rules, "M2 in writes of one octet", |stage| {
            let (mut peer, request) = stage.greeted()?;
            let m2 = request.m2();
            for octet in tcp::frame(&m2) {
                peer.send_octets("an octet of M2", &[octet]);
            }
            let mut link = stage.answered(peer, &request, &m2)?;
            link.open();
            link.close()
        }),
        accept(
            "tcp/records-octet-by-octet",
            rules,
            "open, data and close in writes of one octet",
            |stage| {
                let mut link = stage.replied()?;
                for (kind, payload) in [(OPEN, &b""[..]), (DATA, b"hello"), (CLOSE, b"")] {
                    let record = link.channel.sends.seal(kind, payload);
                    for octet in tcp::frame(&record) {
                        link.peer.send_octets("an octet of a record", &[octet]);
                    }
                }
                link.expect(b"hello")?;
                link.expect_close()?;
                stage.ends_cleanly(link.peer)
            },
        ),
        accept(
            "tcp/records-cut-at-each-octet",
            rules,
            "two records in two writes, cut at each place that there is",
            |stage| {
                let mut link = stage.established()?;
                let length = 2 * tcp::frame(&[0; 3 + 17]).len();
                for at in 1..length {
                    let records =
                        [b"one", b"two"].map(|payload| link.channel.sends.seal(DATA, payload));
                    let octets = records.map(|record| tcp::frame(&record)).concat();
                    let (one, two) = octets.split_at(at);
                    link.peer.send_octets("up to the cut", one);
                    stage.pause(std::time::Duration::from_millis(3));
                    link.peer.send_octets("from the cut on", two);
                    link.expect(b"one")?;
                    link.expect(b"two")?;
                }
                link.close()
            },
        ),
        accept("tcp/open-and-data-joined", rules, "open and data in one write", |stage| {
            let mut link = stage.replied()?;
            joined(&mut link, &[(OPEN, b""), (DATA, b"hello")]);
            link.expect(b"hello")?;
            link.close()
        }),
        accept(
            "tcp/session-joined",
            rules,
            "open, 20 data records and close in one write",
            |stage| {
                let mut link = stage.replied()?;
                let records =
                    [&[(OPEN, &b""[..])][..], &[(DATA, &b"hello"[..]); 20], &[(CLOSE, b"")]]
                        .concat();
                joined(&mut link, &records);
                (0..20).try_for_each(|_| link.expect(b"hello"))?;
                link.expect_close()?;
                stage.ends_cleanly(link.peer)
            },
        ),
        accept(
            "tcp/m2-and-half-a-length",
            &["HS-071", "FRAME-009"],
            "M2 and the first half of the next length in one write",
            |stage| {
                let (mut peer, request) = stage.greeted()?;
                let m2 = request.m2();
                // The open record will have 17 octets: 00 00 comes first.
                peer.send_octets("M2 and half a length", &[tcp::frame(&m2), vec![0, 0]].concat());
                let mut link = stage.answered(peer, &request, &m2)?;
                let open = link.channel.sends.seal(OPEN, b"");
                link.peer.send_octets("the rest of the open record", &tcp::frame(&open)[2..]);
                link.echo(b"hello")?;
                link.close()
            },
        ),
        refuse(
            "tcp/m2-and-a-record-joined",
            &["HS-071", "CHAN-021"],
            &["open_failed"],
            "M2 and 17 octets in one write: these are the open record, and it does not open",
            |stage| {
                let (mut peer, request) = stage.greeted()?;
                let m2 = request.m2();
                peer.send_octets(
                    "M2 and 17 octets",
                    &[tcp::frame(&m2), tcp::frame(&[9; 17])].concat(),
                );
                stage.refused(stage.answered(peer, &request, &m2)?.peer)
            },
        )
        .in_group("open"),
    ];
    cases.extend(CUTS.iter().map(|(name, what, at)| {
        accept(&format!("tcp/m2-cut-{name}"), rules, format!("M2 is cut in two, {what}"), |stage| {
            let (mut peer, request) = stage.greeted()?;
            let m2 = request.m2();
            let octets = tcp::frame(&m2);
            let (one, two) =
                octets.split_at(if *at < 0 { octets.len() - 1 } else { at.unsigned_abs() });
            peer.send_octets("the first part of M2", one);
            stage.pause(std::time::Duration::from_millis(50));
            peer.send_octets("the rest of M2", two);
            let mut link = stage.answered(peer, &request, &m2)?;
            link.open();
            link.close()
        })
    }));
    cases
}

const CUTS: &[(&str, &str, isize)] = &[
    ("in-length", "within its length", 2),
    ("after-length", "after its length", 4),
    ("after-spki", "between SPKI and C1", 4 + 607),
    ("before-last", "before its last octet", -1),
];

/// Several records in one write.
fn joined(link: &mut Link<'_>, records: &[(u8, &[u8])]) {
    let mut octets = Vec::new();
    for (kind, payload) in records {
        let record = link.channel.sends.seal(*kind, payload);
        octets.extend(tcp::frame(&record));
    }
    link.peer.send_octets("records", &octets);
}

/// Octets go out in this state, and then nothing or the end of the stream.
fn refused(state: State, stage: &Stage<'_>, octets: &[u8], end: bool) -> Result<(), Fault> {
    let mut peer = state.peer(stage)?;
    peer.send_octets("raw octets", octets);
    if end {
        peer.finish();
    }
    stage.refused(peer)
}

fn lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    for (state, name) in State::ALL {
        let limit: u32 = if matches!(state, State::Established) { 1 << 24 } else { 4096 };
        let mut add = |kind: &str, rule, code, about: String, octets: Vec<u8>| {
            let name = format!("tcp/{kind}-{name}");
            cases.push(refuse(&name, &[rule], code, about, move |stage| {
                refused(state, stage, &octets, false)
            }));
        };
        add("zero", "FRAME-007", &["zero_length"], "the length 0".into(), vec![0; 4]);
        let about = format!("the length {}, and nothing more: it is refused at once", limit + 1);
        add("limit-plus-1", "FRAME-008", &["too_long"], about, (limit + 1).to_be_bytes().to_vec());
        let about = "the length 2^32 - 1, and nothing more".to_owned();
        add("largest", "FRAME-008", &["too_long"], about, vec![0xff; 4]);
    }
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 506]].concat();
    for (name, what, octets) in [
        ("http", "an HTTP request", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("tls", "a ClientHello of TLS", hello),
        ("ssh", "the banner of SSH", b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
    ] {
        let about =
            format!("{what} instead of M2: its first four octets are a length that is too long");
        // The rest is never read, so how the operating system ends the connection is left open.
        let case =
            refuse(&format!("tcp/{name}"), &["FRAME-008"], &["too_long"], about, move |stage| {
                refused(State::M2, stage, &octets, false)
            });
        cases.push(case);
    }
    cases
}

fn early_ends() -> Vec<Case> {
    let mut cases = Vec::new();
    for (state, name) in State::ALL {
        for (kind, what, octets) in [
            ("in-length", "after three octets of a length", vec![0, 0, 2]),
            ("after-length", "after a length", vec![0, 0, 0, 40]),
            ("in-message", "in the middle of a message", [&[0, 0, 0, 40][..], &[1; 20]].concat()),
        ] {
            let name = format!("tcp/end-{kind}-{name}");
            let about = format!("the stream ends {what}");
            cases.push(refuse(&name, &["FRAME-010"], &["early_end"], about, move |stage| {
                refused(state, stage, &octets, true)
            }));
        }
    }
    cases
}
