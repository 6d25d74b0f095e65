//! Messages out of their order, replays, and connections that end before they are established.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{accept, refuse};
use crate::live::Transport;
use crate::live::case::{Case, Fault, Need};
use crate::live::peer::{Seen, ws};
use crate::live::stage::Stage;
use crate::live::wire::{DATA, OPEN, Request};

const ORDER: &[&str] = &["order"];

pub fn cases() -> Vec<Case> {
    vec![
        refuse(
            "order/end-before-m2",
            &["HS-073"],
            ORDER,
            "the client ends its side of the stream after M1",
            |stage| {
                let (mut peer, _) = stage.greeted()?;
                peer.finish();
                stage.refused_after_closing(peer)
            },
        ),
        refuse(
            "order/end-before-open",
            &["HS-073"],
            ORDER,
            "the client ends its side of the stream after M3",
            |stage| {
                let mut link = stage.replied()?;
                link.peer.finish();
                stage.refused_after_closing(link.peer)
            },
        ),
        refuse(
            "order/reset-after-m1",
            &["HS-073"],
            ORDER,
            "the client is gone, with M1 unread",
            |stage| {
                let peer = stage.connect()?;
                peer.await_octets(stage.deadline());
                let (mark, port) = (peer.mark, u64::from(peer.port));
                peer.vanish();
                stage.end_reported(mark, port)
            },
        )
        .needs(Need::Events),
        refuse(
            "order/reset-after-m2",
            &["HS-073"],
            ORDER,
            "the client is gone while the server answers",
            |stage| {
                let (mut peer, request) = stage.greeted()?;
                peer.send("M2", &request.m2());
                let (mark, port) = (peer.mark, u64::from(peer.port));
                peer.vanish();
                stage.end_reported(mark, port)
            },
        )
        .needs(Need::Events),
        refuse(
            "order/m2-twice",
            &["HS-070", "HS-071"],
            &["order", "open_failed"],
            "M2 twice at once: over WebSocket the second may not be queued, over TCP it is no open record",
            |stage| {
                let (mut peer, request) = stage.greeted()?;
                let m2 = request.m2();
                let octets = [peer.framed(&m2), peer.framed(&m2)].concat();
                peer.send_octets("M2 twice", &octets);
                if stage.transport == Transport::Tcp {
                    // It has to be left unread until M2 is answered.
                    return stage.refused(stage.answered(peer, &request, &m2)?.peer);
                }
                peer.skip_message(stage.deadline());
                stage.refused(peer)
            },
        ),
        refuse(
            "order/m2-and-another-m2",
            &["HS-070", "HS-071"],
            &["order", "open_failed"],
            "two requests of two clients at once: only the first can be answered",
            |stage| {
                let (mut peer, request) = stage.greeted()?;
                let other = Request { id: b"nobody".to_vec(), ..request.clone() };
                let octets = [peer.framed(&request.m2()), peer.framed(&other.m2())].concat();
                peer.send_octets("M2 and another M2", &octets);
                peer.skip_message(stage.deadline());
                stage.refused(peer)
            },
        ),
        refuse(
            "order/m2-after-a-refused-one",
            &["HS-072", "OBS-001"],
            &["wrong_password", "order"],
            "a request with a wrong password and an honest one behind it: nothing comes any more but the end",
            |stage| {
                let (mut peer, request) = stage.greeted()?;
                let wrong = Request { client_password: vec![b'0'; 18], ..request.clone() };
                let octets = [peer.framed(&wrong.m2()), peer.framed(&request.m2())].concat();
                peer.send_octets("M2 with a wrong password, and M2", &octets);
                stage.refused(peer)
            },
        ),
        refuse(
            "order/record-before-m2",
            &["HS-028", "HS-066"],
            &["malformed"],
            "a data record of an established connection in the place of M2",
            |stage| {
                let mut other = stage.established()?;
                let record = other.channel.sends.seal(DATA, b"before the handshake");
                let (mut peer, _) = stage.greeted()?;
                peer.send("record, data", &record);
                stage.refused(peer)
            },
        )
        .in_group("request"),
        replay(
            "order/replay",
            "M2 of another connection again: M3 comes, but no open record can follow",
            |stage, m2, request, open| {
                let (mut peer, now) = stage.greeted()?;
                peer.send("M2, replayed", m2);
                if now.m1 != request.m1 {
                    return stage.refused_with(peer, &["decrypt", "binding"]);
                }
                let mut link = stage.answered(peer, request, m2)?;
                link.peer.send("record 0, captured", open);
                stage.refused(link.peer)
            },
        ),
        replay(
            "order/replay-after-a-good-one",
            "M2 again while the connection that it is from lives",
            |stage, m2, request, open| {
                let alive = stage.established()?;
                let (mut peer, now) = stage.greeted()?;
                peer.send("M2, replayed", m2);
                if now.m1 != request.m1 {
                    return stage.refused_with(peer, &["decrypt", "binding"]);
                }
                let mut link = stage.answered(peer, request, m2)?;
                link.peer.send("record 0, captured", open);
                stage.refused(link.peer)?;
                alive.close()
            },
        ),
        accept(
            "order/replay-another-k",
            &["HS-049"],
            "M2 again is answered with another K",
            |stage| {
                let (mut peer, request) = stage.greeted()?;
                let m2 = request.m2();
                peer.send("M2", &m2);
                let first = stage.answered(peer, &request, &m2)?;
                let (mut peer, now) = stage.greeted()?;
                if now.m1 != request.m1 {
                    return Ok(()); // a key for each connection: M2 can't be replayed at all
                }
                peer.send("M2, replayed", &m2);
                let second = stage.answered(peer, &request, &m2)?;
                if first.k == second.k {
                    return Err(Fault::leak("K of both answers", "different", "the same"));
                }
                Ok(())
            },
        ),
        accept(
            "order/nothing-before-open",
            &["HS-067", "HS-066"],
            "the application sends before the open record came: nothing may go out",
            |stage| {
                let mut link = stage.replied()?;
                let line = json!({ "send": link.peer.port, "payload": "73656372657432" });
                stage.endpoint.tell(&line);
                match link.peer.next(Instant::now() + Duration::from_secs(1)) {
                    Err(_) => Ok(()),
                    // A server may as well give the connection up.
                    Ok(Seen::End(_) | Seen::Close(_)) => Ok(()),
                    Ok(seen) => {
                        let found = crate::live::stage::describe(&seen);
                        Err(Fault::leak("what comes before the open record", "nothing", found))
                    }
                }
            },
        )
        .needs(Need::Control),
        refuse(
            "order/ws-close-before-m2",
            &["HS-073"],
            ORDER,
            "a close frame in the place of M2",
            |stage| {
                let (mut peer, _) = stage.greeted()?;
                let close = peer.frame(ws::CLOSE, &[0x03, 0xe8]).octets();
                peer.send_octets("close frame", &close);
                stage.refused_after_closing(peer)
            },
        )
        .only(Transport::Ws),
        refuse(
            "order/ws-close-before-open",
            &["HS-073"],
            ORDER,
            "a close frame in the place of the open record",
            |stage| {
                let mut link = stage.replied()?;
                let close = link.peer.frame(ws::CLOSE, b"").octets();
                link.peer.send_octets("close frame", &close);
                stage.refused_after_closing(link.peer)
            },
        )
        .only(Transport::Ws),
    ]
}

/// What is done with an M2, what it was made of, and the open record after it.
type Replay = fn(&Stage<'_>, &[u8], &Request, &[u8]) -> Result<(), Fault>;

/// A case with an M2 that was answered once, and the open record that followed it.
fn replay(name: &str, about: &str, script: Replay) -> Case {
    refuse(name, &["HS-065", "HS-066"], &["open_failed"], about, move |stage| {
        let (mut peer, request) = stage.greeted()?;
        let m2 = request.m2();
        peer.send("M2", &m2);
        let mut link = stage.answered(peer, &request, &m2)?;
        let open = link.channel.sends.seal(OPEN, b"");
        link.peer.send("record 0, open", &open);
        link.echo(b"captured")?;
        link.close()?;
        script(stage, &m2, &request, &open)
    })
}
