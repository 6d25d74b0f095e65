//! What a client sends and when, and messages out of their order (sections 3.5 and 3.8).

use std::time::{Duration, Instant};

use tunnelproof_vectors::build::keys;

use super::{Dial, accept, quiet, refuse};
use crate::live::Transport;
use crate::live::case::{Case, Fault};

const ORDER: &[&str] = &["order"];

pub fn cases() -> Vec<Case> {
    let mut cases = honest();
    cases.extend(ends());
    cases.extend(vec![
        accept(
            "order/others-go-on",
            &["CHAN-027", "CHAN-020"],
            "a connection that fails leaves another one alone",
            |stage| {
                let mut one = stage.linked(&Dial::default())?;
                let mut failing = stage.linked(&Dial::default())?;
                failing.peer.send("record, bad", &[1; 40]);
                stage.refused_with(failing.peer, &["open_failed"])?;
                one.send(b"still here");
                one.delivered(b"still here")?;
                one.close()
            },
        ),
        refuse(
            "order/second-m1",
            &["HS-070"],
            &["order", "malformed"],
            "a second M1 with the first",
            |stage| {
                let mut peer = stage.dialled(&Dial::default())?;
                let m1 = peer.framed(&keys::k4552_a().public.spki());
                peer.send_octets("M1 twice", &m1.repeat(2));
                peer.skip_message(stage.deadline()); // M2, if it was sent already
                stage.refused(peer)
            },
        )
        .only(Transport::Ws),
        refuse(
            "order/second-m3",
            &["CHAN-021"],
            &["open_failed"],
            "M3 once more in the place of a record",
            |stage| {
                let asked = stage.asked(&Dial::default())?;
                let m3 = asked.m3();
                let mut link = asked.answer()?;
                link.peer.send("M3 again", &m3);
                stage.refused(link.peer)
            },
        ),
        refuse(
            "order/reply-of-another-connection",
            &["HS-057", "HS-053"],
            &["nonce", "decrypt", "malformed"],
            "the honest M3 of another connection",
            |stage| {
                let other = stage.asked(&Dial::default())?;
                let mut asked = stage.asked(&Dial::default())?;
                asked.peer.send("M3 of another connection", &other.m3());
                stage.refused(asked.peer)
            },
        )
        .in_group("reply"),
        refuse(
            "order/dials-once",
            &["HS-072"],
            &["malformed"],
            "after a refusal the client does not dial again by itself",
            |stage| {
                let (mut peer, listener) = stage.dialled_raw(&Dial::default())?;
                stage.upgraded(&mut peer)?;
                peer.send("M1", &keys::k4552_a().public.spki());
                let mut asked = stage.request(peer, keys::k4552_a())?;
                asked.peer.send("M3, one octet", &[1]);
                stage.refused(asked.peer)?;
                if stage.calls(&listener, Instant::now() + Duration::from_millis(1500)) {
                    let expected = "no second connection";
                    return Err(Fault::wrong_output("the listener", expected, "another one"));
                }
                Ok(())
            },
        ),
    ]);
    cases
}

/// What an honest server sees of a client.
fn honest() -> Vec<Case> {
    vec![
        accept(
            "request/honest",
            &["HS-023", "HS-024", "HS-025", "HS-027"],
            "every part of M2",
            |stage| stage.linked(&Dial::default())?.close(),
        ),
        accept("request/silent-before-m1", &["HS-019"], "nothing comes before M1", |stage| {
            let mut peer =
                stage.dialled(&Dial { send: vec![b"early".to_vec()], ..Dial::default() })?;
            quiet(stage, &mut peer, "HS-019", 700)?;
            peer.send("M1", &keys::k4552_a().public.spki());
            let mut link = stage.request(peer, keys::k4552_a())?.answer()?;
            link.expect(0, b"early")?;
            link.close()
        }),
        accept(
            "request/silent-after-m2",
            &["HS-069"],
            "nothing comes between M2 and M3",
            |stage| {
                let mut asked =
                    stage.asked(&Dial { send: vec![b"early".to_vec()], ..Dial::default() })?;
                quiet(stage, &mut asked.peer, "HS-069", 700)?;
                let mut link = asked.answer()?;
                link.expect(0, b"early")?;
                link.close()
            },
        ),
        accept(
            "request/fresh",
            &["HS-026", "HS-013"],
            "two requests have nothing fresh in common",
            |stage| {
                let first = stage.asked(&Dial::default())?;
                let second = stage.asked(&Dial::default())?;
                if first.nonce[..14] == second.nonce[..14] {
                    return Err(Fault::leak("r of two requests", "two values", "the same"));
                }
                if first.m2 == second.m2 {
                    return Err(Fault::leak("M2 of two connections", "two messages", "the same"));
                }
                first.answer()?.close()?;
                second.answer()?.close()
            },
        ),
        accept(
            "request/key-of-its-own",
            &["HS-074"],
            "two dials without rsa_key have two keys",
            |stage| {
                let dial = Dial { with_key: false, ..Dial::default() };
                let mut seen = Vec::new();
                for _ in 0..2 {
                    let mut peer = stage.dialled(&dial)?;
                    peer.send("M1", &keys::k4552_a().public.spki());
                    // Making a key takes seconds.
                    peer.has_message(Instant::now() + super::KEY);
                    let asked = stage.request(peer, keys::k4552_a())?;
                    seen.push(asked.key.n.clone());
                    asked.answer()?.close()?;
                }
                if seen[0] == seen[1] {
                    return Err(Fault::leak("SPKI_c of two connections", "two keys", "the same"));
                }
                Ok(())
            },
        )
        .slow(),
    ]
}

/// The server ends the transport in the handshake.
fn ends() -> Vec<Case> {
    let after = [
        ("before-m1", "the server ends the transport before M1"),
        ("after-m1", "the server ends the transport after M1"),
        ("after-m2", "the server ends the transport after M2"),
    ];
    let mut cases = Vec::new();
    for (step, (name, about)) in after.into_iter().enumerate() {
        cases.push(refuse(&format!("end/{name}"), &["HS-073"], ORDER, about, move |stage| {
            let mut peer = match step {
                0 => stage.dialled(&Dial::default())?,
                1 => {
                    let mut peer = stage.dialled(&Dial::default())?;
                    peer.send("M1", &keys::k4552_a().public.spki());
                    peer
                }
                _ => stage.asked(&Dial::default())?.peer,
            };
            peer.finish();
            if step == 1 {
                peer.skip_message(stage.deadline()); // M2 may be under way
            }
            stage.refused_after_closing(peer)
        }));
    }
    cases
}
