//! Handshakes and traffic that a server has to accept.

use std::time::{Duration, Instant};

use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::rsa::{Oaep, PrivateKey};
use tunnelproof_vectors::build::primitives::stream;

use super::accept;
use crate::live::Transport;
use crate::live::case::{Case, Fault, Need};
use crate::live::stage::{Stage, now};
use crate::live::wire::{DATA, OPEN, Request};

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        accept(
            "handshake/echo-and-close",
            &["HS-065", "CHAN-020", "CHAN-035", "CHAN-036", "CHAN-037"],
            "a handshake, an echo, a close: everything as it should be",
            |stage| stage.established()?.close(),
        )
        .in_group("closing"),
        accept(
            "handshake/no-data",
            &["CHAN-035", "CHAN-037"],
            "nothing but a handshake and a close",
            |stage| {
                let mut link = stage.replied()?;
                link.open();
                link.close()
            },
        ),
        accept(
            "handshake/m1-at-once",
            &["HS-018", "HS-003"],
            "M1 comes unasked, and is the one encoding of a key",
            |stage| {
                let (_, request) = stage.greeted()?;
                let bits = request.server.n.bits();
                if (4425..=8192).contains(&bits) && request.server.n.bit(0) {
                    return Ok(());
                }
                Err(Fault::wrong_output(
                    "the modulus of M1",
                    "odd, of 4425 to 8192 bits",
                    format!("{bits} bits"),
                ))
            },
        ),
        accept("handshake/fresh-k", &["HS-049"], "two connections have two keys K", |stage| {
            let (one, two) = (stage.replied()?, stage.replied()?);
            if one.k == two.k {
                return Err(Fault::leak("K of two connections", "different", "the same"));
            }
            Ok(())
        }),
        accept(
            "handshake/c1-leading-zero",
            &["HS-014", "HS-029"],
            "C1's first octet is 00 and is there",
            |stage| {
                // On a busy machine the search for it can outlast the server: then another connection is greeted.
                const LONGEST: Duration = Duration::from_secs(4);
                for turn in 0..8 {
                    let (mut peer, request) = stage.greeted()?;
                    let begun = Instant::now();
                    let found = (0..)
                        .take_while(|_| begun.elapsed() < LONGEST)
                        .map(|i| {
                            let seed = stream(&format!("{turn} {i} {}", stage.salt), 20);
                            let request = Request { seed, t: now(), ..request.clone() };
                            (request.m2(), request)
                        })
                        .find(|(m2, request)| m2[request.spki().len()] == 0);
                    if let Some((m2, request)) = found {
                        peer.send("M2", &m2);
                        return stage.answered(peer, &request, &m2).map(|_| ());
                    }
                }
                Err(stage.late("no C1 that begins with 00 was found"))
            },
        ),
        accept(
            "handshake/many-payloads",
            &["CHAN-020", "CHAN-014"],
            "300 payloads come back in their order",
            |stage| {
                let mut link = stage.established()?;
                let payloads: Vec<Vec<u8>> =
                    (0..300).map(|n| stream(&format!("many {n}"), n)).collect();
                for payload in &payloads {
                    link.send(payload);
                }
                payloads.iter().try_for_each(|payload| link.expect(payload))?;
                link.close()
            },
        ),
        accept(
            "handshake/server-sends",
            &["CHAN-012"],
            "the server sends a payload of its own",
            |stage| {
                let mut link = stage.established()?;
                let port = link.peer.port;
                stage.endpoint.tell(&serde_json::json!({ "send": port, "payload": "00ff" }));
                link.expect(&[0, 0xff])?;
                link.close()
            },
        )
        .needs(Need::Control),
    ];
    cases.extend(KEYS.iter().map(|(name, key)| {
        let name = format!("handshake/client-key-{name}");
        let about = "the client has a key of another size";
        accept(&name, &["HS-004", "HS-051"], about, |stage| {
            handshake(stage, key(), |request| request)
        })
    }));
    cases.extend([("past", -7), ("future", 7)].map(|(name, by)| {
        let about = format!("t is 7 seconds in the {name}");
        accept(&format!("handshake/time-{name}-7"), &["HS-045"], about, move |stage| {
            let t = now().saturating_add_signed(by);
            handshake(stage, keys::k4552_b(), |request| Request { t, ..request })
        })
    }));
    cases.extend([("one-octet", 1), ("255-octets", 2), ("utf8", 3)].map(|(name, at)| {
        let about = "an id at a limit of what ids may be";
        accept(
            &format!("handshake/id-{name}"),
            &["CRED-001", "CRED-004", "HS-038"],
            about,
            move |stage| {
                let mut link = stage.replied_to(&stage.clients.others[at])?;
                link.open();
                link.echo(b"hello")?;
                link.close()
            },
        )
        .needs(Need::Control)
    }));
    cases.extend([0, 1, 125, 126, 4096, 65_535, 65_536, (1 << 24) - 17].map(|length| {
        let about = format!("a payload of {length} octets comes back");
        let rules = &["CHAN-020", "FRAME-012", "CHAN-018"];
        accept(&format!("handshake/echo-{length}"), rules, about, move |stage| {
            let mut link = stage.established()?;
            link.echo(&vec![0x5a; length])?;
            link.close()
        })
    }));
    cases.push(
        accept(
            "handshake/path",
            &["FRAME-001"],
            "WebSocket on another path, with a query",
            |stage| {
                let mut peer = stage.dial()?;
                let opened = peer.upgrade("/some/where?x=1", stage.deadline());
                opened
                    .map_err(|why| Fault::wrong_reject("the opening handshake", "accepted", why))?;
                stage.message(&mut peer, "M1").map(|_| ())
            },
        )
        .only(Transport::Ws),
    );
    cases.push(
        accept("handshake/no-compression", &["FRAME-003"], "permessage-deflate is offered, and not taken", |stage| {
            let mut peer = stage.dial()?;
            let offer = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
            peer.send_octets("an opening handshake with an extension", offer);
            let head = peer.raw_until(stage.deadline(), |octets| {
                octets.windows(4).any(|four| four == b"\r\n\r\n")
            });
            let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
            if head.contains("sec-websocket-extensions") {
                let found = "Sec-WebSocket-Extensions";
                return Err(Fault::wrong_output("the response", "no extension", found));
            }
            if head.starts_with("http/1.1 101") {
                return Ok(());
            }
            let found = head.lines().next().unwrap_or("no response").to_owned();
            Err(Fault::wrong_reject("the response", "101 Switching Protocols", found))
        })
        .only(Transport::Ws),
    );
    cases.extend(generations());
    cases
}

type Key = fn() -> &'static PrivateKey;

const KEYS: &[(&str, Key)] =
    &[("4425", keys::k4425), ("4432", keys::k4432), ("4480", keys::k4480_a), ("8192", keys::k8192)];

/// A handshake with a request that differs a little, an echo, a close.
fn handshake(
    stage: &Stage<'_>,
    key: &'static PrivateKey,
    change: impl Fn(Request) -> Request,
) -> Result<(), Fault> {
    let (mut peer, request) = stage.greeted_by(&stage.clients.honest, key)?;
    let request = change(request);
    let m2 = request.m2_padded(&Oaep::new(&request.seed), &request.p1());
    peer.send("M2", &m2);
    let mut link = stage.answered(peer, &request, &m2)?;
    link.open();
    link.echo(b"hello")?;
    link.close()
}

/// What happens around record number 65,536.
fn generations() -> Vec<Case> {
    const LAST: u64 = 65_536;
    let about = "65,540 records in both directions: the next generation of keys follows";
    let rules = &["CHAN-007", "CHAN-008", "CHAN-011"];
    let boundary = accept("generation/boundary", rules, about, |stage| {
        let mut link = stage.established()?;
        run_up_to(&mut link, LAST + 4)?;
        link.close()
    });
    let about = "the first record after 65,536 is sealed with the keys before";
    let old = super::refuse(
        "generation/old-key",
        &["CHAN-008", "CHAN-021"],
        &["open_failed"],
        about,
        |stage| {
            let mut link = stage.established()?;
            run_up_to(&mut link, LAST - 1)?;
            let old = link.channel.sends.clone();
            link.echo(b"last")?;
            let record = old.seal_as(LAST, &[DATA, 1]);
            link.peer.send("record, old key", &record);
            stage.refused(link.peer)
        },
    );
    let about = "the record number starts again with the generation";
    let rules = &["CHAN-011", "CHAN-021"];
    let restart =
        super::refuse("generation/number-restarts", rules, &["open_failed"], about, |stage| {
            let mut link = stage.established()?;
            run_up_to(&mut link, LAST)?;
            let record = link.channel.sends.seal_as(0, &[DATA, 1]);
            link.peer.send("record, number 0", &record);
            stage.refused(link.peer)
        });
    let about = "the open record again, as the first of the next generation";
    let rules = &["CHAN-025"];
    let open = super::refuse("generation/open", rules, &["unexpected_open"], about, |stage| {
        let mut link = stage.established()?;
        run_up_to(&mut link, LAST)?;
        let record = link.channel.sends.seal(OPEN, b"");
        link.peer.send("record, open", &record);
        stage.refused(link.peer)
    });
    vec![boundary, old, restart, open]
}

/// Sends payloads and reads their echoes until `n` is the number of the next record of the client.
fn run_up_to(link: &mut super::Link<'_>, n: u64) -> Result<(), Fault> {
    while link.channel.sends.n < n {
        let batch = (n - link.channel.sends.n).min(256);
        let mut octets = Vec::new();
        for _ in 0..batch {
            let record = link.channel.sends.seal(DATA, b"x");
            octets.extend(link.peer.framed(&record));
        }
        link.peer.send_octets("records", &octets);
        (0..batch).try_for_each(|_| link.expect(b"x"))?;
        if link.peer.stage.stop.is_set() {
            return Err(link.peer.stage.late("stopped"));
        }
    }
    Ok(())
}
