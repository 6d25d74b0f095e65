//! The 30 seconds that a handshake may take, for real (section 3.7). These cases wait, all at the same time.

use std::time::{Duration, Instant};

use super::{accept, refuse};
use crate::live::Transport;
use crate::live::case::{Case, Fault};
use crate::live::peer::Peer;
use crate::live::peer::ws::{BINARY, CONTINUATION, Frame, PING};
use crate::live::stage::{Stage, now};
use crate::live::wire::DATA;

const TIMEOUT: &[&str] = &["timeout"];
const SECOND: Duration = Duration::from_secs(1);
/// The server's deadline, and how far from it the end may be: clocks are read at both ends of a socket.
const DEADLINE: Duration = Duration::from_secs(30);
const EARLY: Duration = Duration::from_secs(2);
/// For how long slow senders go on.
const TRICKLE: u64 = 26;

pub fn cases() -> Vec<Case> {
    let rules = &["HS-062", "HS-064"];
    let mut cases = vec![
        refuse("deadline/silent", rules, TIMEOUT, "the client says nothing after M1", |stage| {
            let begun = Instant::now();
            let (peer, _) = stage.greeted()?;
            times_out(stage, peer, begun)
        }),
        refuse(
            "deadline/silent-after-m3",
            rules,
            TIMEOUT,
            "the client says nothing after M3",
            |stage| {
                let begun = Instant::now();
                times_out(stage, stage.replied()?.peer, begun)
            },
        ),
        refuse(
            "deadline/replayed-and-silent",
            &["HS-062", "HS-065"],
            TIMEOUT,
            "M2 of another connection again, and nothing after M3",
            |stage| {
                let (mut peer, request) = stage.greeted()?;
                let m2 = request.m2();
                peer.send("M2", &m2);
                let first = stage.answered(peer, &request, &m2)?;
                let begun = Instant::now();
                let (mut peer, now) = stage.greeted()?;
                peer.send("M2, replayed", &m2);
                if now.m1 != request.m1 {
                    return stage.refused_with(peer, &["decrypt", "binding"]);
                }
                let link = stage.answered(peer, &request, &m2)?;
                drop(first);
                times_out(stage, link.peer, begun)
            },
        ),
        refuse("deadline/half-m2", rules, TIMEOUT, "half of M2, then nothing", |stage| {
            let begun = Instant::now();
            let (mut peer, request) = stage.greeted()?;
            let octets = peer.framed(&request.m2());
            peer.send_octets("half of M2", &octets[..octets.len() / 2]);
            times_out(stage, peer, begun)
        }),
        refuse("deadline/m2-by-the-second", rules, TIMEOUT, "one octet of M2 a second", |stage| {
            let begun = Instant::now();
            let (mut peer, request) = stage.greeted()?;
            let octets = peer.framed(&request.m2());
            trickle(stage, &mut peer, &octets);
            times_out(stage, peer, begun)
        }),
        refuse(
            "deadline/open-by-the-second",
            rules,
            TIMEOUT,
            "the open record without its end, one octet a second",
            |stage| {
                let begun = Instant::now();
                let mut link = stage.replied()?;
                let record = link.channel.sends.seal(crate::live::wire::OPEN, b"");
                let octets = link.peer.framed(&record);
                trickle(stage, &mut link.peer, &octets[..octets.len() - 1]);
                times_out(stage, link.peer, begun)
            },
        ),
        accept(
            "deadline/m2-in-time",
            &["HS-062"],
            "M2 comes 20 seconds after M1: that is in time",
            |stage| {
                let (mut peer, request) = stage.greeted()?;
                stage.pause(20 * SECOND);
                let request = crate::live::wire::Request { t: now(), ..request };
                let m2 = request.m2();
                peer.send("M2", &m2);
                let mut link = stage.answered(peer, &request, &m2)?;
                link.open();
                link.echo(b"in time")?;
                link.close()
            },
        ),
        accept(
            "deadline/open-in-time",
            &["HS-062"],
            "the open record comes 20 seconds after M3: that is in time",
            |stage| {
                let mut link = stage.replied()?;
                stage.pause(20 * SECOND);
                link.open();
                link.echo(b"in time")?;
                link.close()
            },
        ),
        accept(
            "deadline/established-and-silent",
            &["HS-062"],
            "an established connection is silent for 33 seconds and lives on",
            |stage| {
                let mut link = stage.established()?;
                stage.pause(33 * SECOND);
                link.echo(b"still here")?;
                link.close()
            },
        ),
        accept(
            "deadline/established-and-slow",
            &["HS-062", "FRAME-009"],
            "a record on an established connection takes 33 seconds to arrive",
            |stage| {
                let mut link = stage.established()?;
                let record = link.channel.sends.seal(DATA, b"slow");
                let octets = link.peer.framed(&record);
                let (first, rest) = octets.split_at(octets.len() / 2);
                link.peer.send_octets("half a record", first);
                stage.pause(33 * SECOND);
                link.peer.send_octets("the rest", rest);
                link.expect(b"slow")?;
                link.close()
            },
        ),
    ];
    cases.push(
        refuse("deadline/ws-pings", rules, TIMEOUT, "a ping every second, and no M2", |stage| {
            let begun = Instant::now();
            let (mut peer, _) = stage.greeted()?;
            for _ in 0..TRICKLE {
                let ping = peer.frame(PING, b"").octets();
                peer.send_octets("ping", &ping);
                stage.pause(SECOND);
            }
            times_out(stage, peer, begun)
        })
        .only(Transport::Ws),
    );
    cases.push(
        refuse(
            "deadline/ws-fragments",
            rules,
            TIMEOUT,
            "a fragment of M2 every second, without an end",
            |stage| {
                let begun = Instant::now();
                let (mut peer, request) = stage.greeted()?;
                let m2 = request.m2();
                for (n, part) in (0..TRICKLE).zip(m2.chunks(8)) {
                    let opcode = if n == 0 { BINARY } else { CONTINUATION };
                    let frame = Frame { fin: false, ..peer.frame(opcode, part) };
                    peer.send_frame("fragment", &frame);
                    stage.pause(SECOND);
                }
                times_out(stage, peer, begun)
            },
        )
        .only(Transport::Ws),
    );
    cases.into_iter().map(Case::slow).collect()
}

/// The connection has to end at the server's deadline: neither before nor much later. `begun` is before the server
/// can have sent M1, so that a slow harness does not make it look early.
fn times_out(stage: &Stage<'_>, peer: Peer<'_>, begun: Instant) -> Result<(), Fault> {
    stage.refused_by(peer, begun + DEADLINE + stage.patience)?;
    let took = begun.elapsed();
    if took + EARLY < DEADLINE {
        let found = format!("after {:.1} s", took.as_secs_f64());
        return Err(Fault::wrong_reject("the end", "30 s after M1", found));
    }
    Ok(())
}

/// One octet a second, well short of the deadline.
fn trickle(stage: &Stage<'_>, peer: &mut Peer<'_>, octets: &[u8]) {
    for octet in octets.iter().take(usize::try_from(TRICKLE).unwrap_or(0)) {
        peer.send_octets("an octet", &[*octet]);
        stage.pause(SECOND);
    }
}
