//! WebSocket: fragments and pings must not matter, text is refused, and what RFC 6455 forbids ends the
//! connection, as the library likes (section 6.1).

use super::{State, accept, refuse};
use crate::live::Transport;
use crate::live::case::{Case, Fault};
use crate::live::peer::Peer;
use crate::live::peer::ws::{BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, TEXT};
use crate::live::wire::DATA;

pub fn cases() -> Vec<Case> {
    let cases = [fragments(), messages(), forbidden(), openings()].into_iter().flatten();
    cases.map(|case| case.only(Transport::Ws)).collect()
}

/// Sends a message in fragments of these lengths, with the rest in the last; a ping before each if wanted.
fn send_fragments(peer: &mut Peer<'_>, message: &[u8], lengths: &[usize], pings: bool) {
    let mut rest = message;
    let mut opcode = BINARY;
    for length in lengths.iter().copied().chain([usize::MAX]) {
        let (part, after) = rest.split_at(length.min(rest.len()));
        rest = after;
        if pings {
            let ping = peer.frame(PING, b"ping").octets();
            peer.send_octets("ping", &ping);
        }
        let frame = Frame { fin: length == usize::MAX, ..peer.frame(opcode, part) };
        peer.send_frame("fragment", &frame);
        opcode = CONTINUATION;
    }
}

fn fragments() -> Vec<Case> {
    let m2 = |name: &str, about: &str, lengths: fn(usize) -> Vec<usize>, pings: bool| {
        accept(&format!("ws/m2-{name}"), &["FRAME-004"], about, move |stage| {
            let (mut peer, request) = stage.greeted()?;
            let m2 = request.m2();
            send_fragments(&mut peer, &m2, &lengths(m2.len()), pings);
            let mut link = stage.answered(peer, &request, &m2)?;
            link.open();
            link.close()
        })
    };
    vec![
        m2("two-fragments", "M2 in two fragments", |n| vec![n / 2], false),
        m2(
            "empty-fragments",
            "M2 in four fragments, of which three are empty",
            |n| vec![0, n, 0],
            false,
        ),
        m2("fragments-of-one-octet", "M2 in fragments of one octet", |n| vec![1; n - 1], false),
        m2(
            "fragments-and-pings",
            "M2 in five fragments with a ping before each",
            |n| vec![n / 5; 4],
            true,
        ),
        accept(
            "ws/records-in-fragments",
            &["FRAME-004"],
            "open and data in fragments of one octet",
            |stage| {
                let mut link = stage.replied()?;
                for (kind, payload) in [(crate::live::wire::OPEN, &b""[..]), (DATA, b"hello")] {
                    let record = link.channel.sends.seal(kind, payload);
                    send_fragments(&mut link.peer, &record, &vec![1; record.len() - 1], false);
                }
                link.expect(b"hello")?;
                link.close()
            },
        ),
        accept(
            "ws/records-joined",
            &["FRAME-004", "FRAME-013"],
            "open, ten data records and close in one write",
            |stage| {
                let mut link = stage.replied()?;
                let mut octets = Vec::new();
                let records = [(crate::live::wire::OPEN, &b""[..])].into_iter();
                let records = records.chain([(DATA, &b"hello"[..]); 10]);
                for (kind, payload) in records.chain([(crate::live::wire::CLOSE, &b""[..])]) {
                    let record = link.channel.sends.seal(kind, payload);
                    octets.extend(link.peer.framed(&record));
                }
                link.peer.send_octets("records", &octets);
                (0..10).try_for_each(|_| link.expect(b"hello"))?;
                link.expect_close()?;
                stage.ends_cleanly(link.peer)
            },
        ),
        accept(
            "ws/octet-by-octet",
            &["FRAME-004"],
            "the frame of M2 in writes of one octet",
            |stage| {
                let (mut peer, request) = stage.greeted()?;
                let m2 = request.m2();
                for octet in peer.framed(&m2) {
                    peer.send_octets("an octet", &[octet]);
                }
                let mut link = stage.answered(peer, &request, &m2)?;
                link.open();
                link.close()
            },
        ),
        accept(
            "ws/pings",
            &["FRAME-001"],
            "pings and pongs before M2, before open and among data",
            |stage| {
                let control = |peer: &mut Peer<'_>| {
                    for (opcode, payload) in [(PING, &b"x"[..]), (PONG, b""), (PING, &[7; 125])] {
                        let frame = peer.frame(opcode, payload);
                        peer.send_frame("ping or pong", &frame);
                    }
                };
                let (mut peer, request) = stage.greeted()?;
                control(&mut peer);
                let m2 = request.m2();
                peer.send("M2", &m2);
                let mut link = stage.answered(peer, &request, &m2)?;
                control(&mut link.peer);
                link.open();
                control(&mut link.peer);
                link.echo(b"hello")?;
                link.close()
            },
        ),
    ]
}

/// Messages that reach the server and are none of the tunnel.
fn messages() -> Vec<Case> {
    let mut cases = Vec::new();
    for (state, name) in State::ALL {
        for (kind, text) in
            [("empty-text", &b""[..]), ("text", b"hello"), ("text-like-a-record", &[0x20; 17])]
        {
            let about = format!("a text message of {} octets", text.len());
            let name = format!("ws/{kind}-{name}");
            cases.push(refuse(&name, &["FRAME-002"], &["text_message"], about, move |stage| {
                let mut peer = state.peer(stage)?;
                let frame = peer.frame(TEXT, text).octets();
                peer.send_octets("text message", &frame);
                stage.refused(peer)
            }));
        }
    }
    let empty = refuse(
        "ws/empty-for-m2",
        &["FRAME-005", "HS-028"],
        &["malformed"],
        "an empty message in the place of M2",
        |stage| {
            let (mut peer, _) = stage.greeted()?;
            peer.send("empty", b"");
            stage.refused(peer)
        },
    );
    cases.push(empty.in_group("request"));
    for (name, length, state) in [
        ("4097-for-m2", 4097, State::M2),
        ("65536-for-m2", 65_536, State::M2),
        ("1-mib-for-m2", 1 << 20, State::M2),
        ("1-mib-for-open", 1 << 20, State::Open),
    ] {
        let about = format!("a message of {length} octets before the server is established");
        let rules = &["FRAME-011", "FRAME-016"];
        cases.push(refuse(&format!("ws/{name}"), rules, &["too_long"], about, move |stage| {
            let mut peer = state.peer(stage)?;
            peer.send("too long", &vec![0x30; length]);
            stage.refused_after_closing(peer)
        }));
    }
    let about = "a message of 2^24 + 1 octets in two fragments";
    cases.push(refuse("ws/2-24-plus-1-for-data", &["FRAME-012"], &["too_long"], about, |stage| {
        let mut link = stage.established()?;
        send_fragments(&mut link.peer, &vec![0; (1 << 24) + 1], &[1 << 23], false);
        stage.refused_by_library(link.peer)
    }));
    cases
}

type Make = fn(Frame<'static>) -> Vec<u8>;

/// Frames that RFC 6455 forbids, made from a right binary frame; in each state.
const FORBIDDEN: &[(&str, &str, Make)] = &[
    ("continuation", "a continuation of nothing", |f| Frame { opcode: CONTINUATION, ..f }.octets()),
    ("nested", "a new message within a fragmented one", |f| {
        [Frame { fin: false, ..f.clone() }.octets(), f.octets()].concat()
    }),
    ("unmasked", "a frame without a mask", |f| Frame { mask: None, ..f }.octets()),
    ("rsv1", "the first reserved bit: compressed, though that was not agreed", |f| {
        Frame { rsv: 4, ..f }.octets()
    }),
    ("rsv2", "the second reserved bit", |f| Frame { rsv: 2, ..f }.octets()),
    ("rsv3", "the third reserved bit", |f| Frame { rsv: 1, ..f }.octets()),
    ("opcode-3", "the reserved opcode 3", |f| Frame { opcode: 3, ..f }.octets()),
    ("opcode-7", "the reserved opcode 7", |f| Frame { opcode: 7, ..f }.octets()),
    ("opcode-11", "the reserved control opcode 11", |f| Frame { opcode: 11, ..f }.octets()),
    ("opcode-15", "the reserved control opcode 15", |f| Frame { opcode: 15, ..f }.octets()),
    ("ping-fragmented", "a fragmented ping", |f| Frame { opcode: PING, fin: false, ..f }.octets()),
    ("ping-126", "a ping of 126 octets", |f| {
        Frame { opcode: PING, payload: &[1; 126], ..f }.octets()
    }),
    ("close-one-octet", "a close frame with one octet", |f| {
        Frame { opcode: CLOSE, payload: &[3], ..f }.octets()
    }),
    ("length-2-63", "a frame of 2^63 octets", |f| {
        Frame { length: Some(1 << 63), length_octets: 8, ..f }.octets()
    }),
    ("length-2-24-plus-1", "a frame that states 2^24 + 1 octets", |f| {
        Frame { length: Some((1 << 24) + 1), length_octets: 8, ..f }.octets()
    }),
];

fn forbidden() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, about, make) in FORBIDDEN {
        for (state, place) in [State::ALL[0], State::ALL[2]] {
            let name = format!("ws/{name}-{place}");
            // The rule that is left: whatever it is, it is no message of the tunnel, and nothing is sent.
            cases.push(refuse(
                &name,
                &["OBS-003", "FRAME-001"],
                &["order"],
                *about,
                move |stage| {
                    let mut peer = state.peer(stage)?;
                    let octets = make(peer.frame(BINARY, b"forbidden frame"));
                    peer.send_octets("forbidden", &octets);
                    stage.refused_by_library(peer)
                },
            ));
        }
    }
    let about = "an honest record in a frame without a mask";
    cases.push(refuse("ws/unmasked-record", &["FRAME-001"], &["order"], about, |stage| {
        let mut link = stage.established()?;
        let record = link.channel.sends.seal(DATA, b"not masked");
        let octets = Frame { mask: None, ..link.peer.frame(BINARY, &record) }.octets();
        link.peer.send_octets("record, without a mask", &octets);
        stage.refused_by_library(link.peer)
    }));
    let about = "the stream ends in the middle of a frame";
    cases.push(refuse("ws/end-in-a-frame", &["HS-073"], &["order", "early_end"], about, |stage| {
        let (mut peer, request) = stage.greeted()?;
        let octets = peer.framed(&request.m2());
        peer.send_octets("half of M2", &octets[..octets.len() / 2]);
        peer.finish();
        stage.refused_by_library(peer)
    }));
    let about = "a close frame in the middle of a fragmented message";
    cases.push(refuse("ws/close-in-fragments", &["HS-073"], &["order"], about, |stage| {
        let (mut peer, request) = stage.greeted()?;
        let m2 = request.m2();
        let frame = Frame { fin: false, ..peer.frame(BINARY, &m2[..500]) };
        peer.send_frame("first fragment of M2", &frame);
        let close = peer.frame(CLOSE, b"").octets();
        peer.send_octets("close frame", &close);
        stage.refused_after_closing(peer)
    }));
    cases
}

/// Opening handshakes that are none: the connection ends or is answered by HTTP, and never is open.
fn openings() -> Vec<Case> {
    const OPENINGS: &[(&str, &str, &[u8])] = &[
        ("garbage", "octets that are no HTTP", &[0xff; 64]),
        ("m2", "the start of an M2, as for a byte stream", b"\0\0\x04\x98\x30\x82\x02\x5b\x30\x0d\r\n\r\n"),
        ("plain-get", "a request that asks for no WebSocket", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("post", "a POST", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
        (
            "no-key",
            "a request without Sec-WebSocket-Key",
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
        ),
        (
            "unknown-version",
            "a request for version 99 of WebSocket",
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 99\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        ),
    ];
    let row = |(name, about, octets): &'static (&str, &str, &[u8])| {
        accept(&format!("ws/opening-{name}"), &["HS-066", "FRAME-001"], *about, |stage| {
            let mut peer = stage.dial()?;
            peer.send_octets("opening handshake", octets);
            peer.finish();
            let answer = peer.raw_until(stage.deadline(), |_| false);
            let head = String::from_utf8_lossy(&answer[..answer.len().min(64)]).into_owned();
            if head.starts_with("HTTP/1.1 101") {
                return Err(Fault::wrong_accept("the opening handshake", "refused", head));
            }
            if answer.is_empty() || head.starts_with("HTTP/") {
                return Ok(());
            }
            Err(Fault::leak("the answer", "nothing, or a response of HTTP", format!("{head:?}")))
        })
    };
    OPENINGS.iter().map(row).collect()
}
