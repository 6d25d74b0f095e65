//! Framing on a byte stream, seen from a client (section 6.2).

use tunnelproof_vectors::build::keys;

use super::{Dial, accept, refuse};
use crate::live::Transport;
use crate::live::case::Case;
use crate::live::peer::tcp;
use crate::live::wire::{CLOSE, DATA};

type Row = (&'static str, &'static str, &'static [&'static str], &'static str, &'static [u8]);

/// Octets after which nothing may be accepted, and whether the stream ends then.
const FAULTS: &[Row] = &[
    ("zero-length", "FRAME-007", &["zero_length"], "a length of 0", &[0, 0, 0, 0]),
    ("longest-length", "FRAME-008", &["too_long"], "the length 2^32 - 1", &[0xff; 4]),
    ("sign-of-length", "FRAME-008", &["too_long"], "the length 2^31", &[0x80, 0, 0, 0]),
    ("end-in-length", "FRAME-010", &["early_end"], "an end within a length", &[0, 0]),
    (
        "end-in-message",
        "FRAME-010",
        &["early_end"],
        "an end within a message",
        &[0, 0, 0, 20, 1, 2],
    ),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for state in ["m1", "m3", "record"] {
        for (name, rule, codes, about, octets) in FAULTS {
            let about = format!("{about}, where {state} is expected");
            let case =
                refuse(&format!("tcp/{state}-{name}"), &[rule], codes, about, move |stage| {
                    let mut peer = match state {
                        "m1" => stage.dialled(&Dial::default())?,
                        "m3" => stage.asked(&Dial::default())?.peer,
                        _ => stage.linked(&Dial::default())?.peer,
                    };
                    peer.send_octets("octets", octets);
                    if name.starts_with("end") {
                        peer.finish();
                    }
                    stage.refused(peer)
                });
            cases.push(case.in_group("closing"));
        }
    }
    for (state, limit) in [("m3", 4097_u32), ("record", (1 << 24) + 1)] {
        let about = format!("the length {limit} alone, where {state} is expected");
        let name = format!("tcp/{state}-length-above-limit");
        cases.push(refuse(
            &name,
            &["FRAME-008", "FRAME-011"],
            &["too_long"],
            about,
            move |stage| {
                let mut peer = match state {
                    "m3" => stage.asked(&Dial::default())?.peer,
                    _ => stage.linked(&Dial::default())?.peer,
                };
                peer.send_octets("a length", &limit.to_be_bytes());
                stage.refused(peer)
            },
        ));
    }
    cases.push(accept(
        "tcp/octet-by-octet",
        &["FRAME-009"],
        "all in writes of one octet",
        |stage| {
            let mut peer = stage.dialled(&Dial::default())?;
            for octet in tcp::frame(&keys::k4552_a().public.spki()) {
                peer.send_octets("an octet of M1", &[octet]);
            }
            let mut asked = stage.request(peer, keys::k4552_a())?;
            let m3 = asked.m3();
            for octet in tcp::frame(&m3) {
                asked.peer.send_octets("an octet of M3", &[octet]);
            }
            let mut link = asked.opened(&m3)?;
            for octet in tcp::frame(&link.channel.sends.seal(DATA, b"hello")) {
                link.peer.send_octets("an octet of a record", &[octet]);
            }
            link.delivered(b"hello")?;
            link.close()
        },
    ));
    cases.push(accept(
        "tcp/records-cut-at-each-octet",
        &["FRAME-009"],
        "two records in two writes, cut at each place that there is",
        |stage| {
            let mut link = stage.linked(&Dial::default())?;
            let length = 2 * tcp::frame(&[0; "one at 000".len() + 17]).len();
            for at in 1..length {
                let payloads = ["one", "two"].map(|name| format!("{name} at {at:03}").into_bytes());
                let records =
                    payloads.each_ref().map(|payload| link.channel.sends.seal(DATA, payload));
                let octets = records.map(|record| tcp::frame(&record)).concat();
                let (one, two) = octets.split_at(at);
                link.peer.send_octets("up to the cut", one);
                stage.pause(std::time::Duration::from_millis(3));
                link.peer.send_octets("from the cut on", two);
                for payload in &payloads {
                    link.delivered(payload)?;
                }
            }
            link.close()
        },
    ));
    cases.push(accept(
        "tcp/data-with-m3",
        &["HS-071", "FRAME-013"],
        "data and close in one write with M3",
        |stage| {
            let mut asked = stage.asked(&Dial::default())?;
            let m3 = asked.m3();
            let mut channel =
                crate::live::wire::Channel::new(&asked.m1, &asked.m2, &m3, &asked.reply.k, false);
            let data = channel.sends.seal(DATA, &[0x61; 5000]);
            let close = channel.sends.seal(CLOSE, b"");
            let octets = [tcp::frame(&m3), tcp::frame(&data), tcp::frame(&close)].concat();
            asked.peer.send_octets("M3, data, close", &octets);
            let mut link = asked.opened(&m3)?;
            link.delivered(&[0x61; 5000])?;
            link.expect(CLOSE, b"")?;
            stage.ends_cleanly(link.peer)
        },
    ));
    for (name, at) in [("in-length", 2_usize), ("after-length", 4), ("in-message", 300)] {
        let about = format!("M1 and M3 cut after octet {at}");
        cases.push(accept(&format!("tcp/cut-{name}"), &["FRAME-009"], about, move |stage| {
            let mut peer = stage.dialled(&Dial::default())?;
            let m1 = tcp::frame(&keys::k4552_a().public.spki());
            peer.send_octets("the start of M1", &m1[..at]);
            stage.pause(std::time::Duration::from_millis(150));
            peer.send_octets("the rest of M1", &m1[at..]);
            let mut asked = stage.request(peer, keys::k4552_a())?;
            let m3 = asked.m3();
            let octets = tcp::frame(&m3);
            asked.peer.send_octets("the start of M3", &octets[..at]);
            stage.pause(std::time::Duration::from_millis(150));
            asked.peer.send_octets("the rest of M3", &octets[at..]);
            asked.opened(&m3)?.close()
        }));
    }
    cases.into_iter().map(|case| case.only(Transport::Tcp)).collect()
}
