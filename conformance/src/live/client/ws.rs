//! WebSocket, seen from a client (section 6.1).

use tunnelproof_vectors::build::keys;

use super::{Dial, accept, refuse};
use crate::live::Transport;
use crate::live::case::Case;
use crate::live::peer::Peer;
use crate::live::peer::ws::{BINARY, CONTINUATION, Frame, PING, PONG, TEXT};
use crate::live::wire::DATA;

const STATES: [&str; 3] = ["m1", "m3", "record"];

/// Name, what it is, and its octets.
type BadFrame = (&'static str, &'static str, fn(&Peer<'_>) -> Vec<u8>);

/// Frames that RFC 6455 forbids; a library finds them by itself (OBS-003).
const FORBIDDEN: &[BadFrame] = &[
    ("masked", "a masked frame of a server", |_| Frame::new(BINARY, b"x").octets()),
    ("reserved-bit", "a frame with a reserved bit, as of permessage-deflate", |peer| {
        Frame { rsv: 4, ..peer.frame(BINARY, b"x") }.octets()
    }),
    ("reserved-opcode", "a frame with the opcode 3", |peer| peer.frame(3, b"x").octets()),
    ("continuation-of-nothing", "a continuation of nothing", |peer| {
        peer.frame(CONTINUATION, b"x").octets()
    }),
    ("message-within-a-message", "a message within a fragmented one", |peer| {
        let first = Frame { fin: false, ..peer.frame(BINARY, b"x") };
        [first.octets(), peer.frame(BINARY, b"y").octets()].concat()
    }),
    ("fragmented-ping", "a ping in fragments", |peer| {
        Frame { fin: false, ..peer.frame(PING, b"x") }.octets()
    }),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for state in STATES {
        let text = format!("a text message, where {state} is expected");
        let name = format!("ws/{state}-text");
        let case = refuse(&name, &["FRAME-002"], &["text_message"], text, move |stage| {
            let mut peer = match state {
                "m1" => stage.dialled(&Dial::default())?,
                "m3" => stage.asked(&Dial::default())?.peer,
                _ => stage.linked(&Dial::default())?.peer,
            };
            let text = peer.frame(TEXT, b"hello").octets();
            peer.send_octets("a text message", &text);
            stage.refused(peer)
        });
        cases.push(case);
    }
    for (name, about, octets) in FORBIDDEN {
        let name = format!("ws/{name}");
        cases.push(refuse(&name, &["FRAME-001", "OBS-001"], &[], *about, move |stage| {
            let mut link = stage.linked(&Dial::default())?;
            let octets = octets(&link.peer);
            link.peer.send_octets("frames", &octets);
            stage.refused_by_library(link.peer)
        }));
    }
    for (name, pings) in [("fragments", false), ("fragments-and-pings", true)] {
        let about = format!("M1, M3 and data in {}", name.replace('-', " "));
        cases.push(accept(&format!("ws/{name}"), &["FRAME-004"], about, move |stage| {
            let mut peer = stage.dialled(&Dial::default())?;
            in_fragments(&mut peer, &keys::k4552_a().public.spki(), pings);
            let mut asked = stage.request(peer, keys::k4552_a())?;
            let m3 = asked.m3();
            in_fragments(&mut asked.peer, &m3, pings);
            let mut link = asked.opened(&m3)?;
            let record = link.channel.sends.seal(DATA, b"hello");
            in_fragments(&mut link.peer, &record, pings);
            link.delivered(b"hello")?;
            link.close()
        }));
    }
    cases.push(accept("ws/pongs", &["FRAME-004"], "pongs that nobody asked for", |stage| {
        let mut link = stage.linked(&Dial::default())?;
        let pong = link.peer.frame(PONG, b"x").octets();
        link.peer.send_octets("pong", &pong);
        link.send(b"hello");
        link.delivered(b"hello")?;
        link.close()
    }));
    cases.into_iter().map(|case| case.only(Transport::Ws)).collect()
}

/// A message in fragments of ten octets, with pings between them if wanted.
fn in_fragments(peer: &mut Peer<'_>, message: &[u8], pings: bool) {
    let count = message.chunks(10).count();
    for (index, part) in message.chunks(10).enumerate() {
        let opcode = if index == 0 { BINARY } else { CONTINUATION };
        let frame = Frame { fin: index + 1 == count, ..peer.frame(opcode, part) };
        peer.send_frame("fragment", &frame);
        if pings && index % 20 == 5 {
            let ping = peer.frame(PING, b"x").octets();
            peer.send_octets("ping", &ping);
        }
    }
}
