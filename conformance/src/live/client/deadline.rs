//! The 10 seconds that M1 and M3 may take, for real (section 3.7). These cases wait, all at the same time.

use std::time::{Duration, Instant};

use tunnelproof_vectors::build::keys;

use super::{Dial, refuse};
use crate::live::case::{Case, Fault};
use crate::live::peer::Peer;
use crate::live::stage::Stage;

const TIMEOUT: &[&str] = &["timeout"];
const DEADLINE: Duration = Duration::from_secs(10);
/// How far from the deadline the end may be: clocks are read at both ends of a socket.
const EARLY: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_secs(6);

/// Name, rule, and what the peer does.
type Row = (&'static str, &'static str, fn(&Stage<'_>) -> Result<(), Fault>);

pub fn cases() -> Vec<Case> {
    let rows: [Row; 6] = [
        ("m1-never", "HS-060", |stage| {
            let begun = Instant::now();
            times_out(stage, stage.dialled(&Dial::default())?, begun)
        }),
        ("m1-half", "HS-060", |stage| {
            let begun = Instant::now();
            let mut peer = stage.dialled(&Dial::default())?;
            let octets = peer.framed(&keys::k4552_a().public.spki());
            peer.send_octets("half of M1", &octets[..300]);
            times_out(stage, peer, begun)
        }),
        ("m1-by-the-second", "HS-060", |stage| {
            let begun = Instant::now();
            let mut peer = stage.dialled(&Dial::default())?;
            let octets = peer.framed(&keys::k4552_a().public.spki());
            trickle(stage, &mut peer, &octets);
            times_out(stage, peer, begun)
        }),
        ("m3-never", "HS-061", |stage| {
            let begun = Instant::now();
            let peer = stage.asked(&Dial::default())?.peer;
            times_out(stage, peer, begun)
        }),
        ("m3-half", "HS-061", |stage| {
            let begun = Instant::now();
            let mut asked = stage.asked(&Dial::default())?;
            let octets = asked.peer.framed(&asked.m3());
            asked.peer.send_octets("half of M3", &octets[..300]);
            times_out(stage, asked.peer, begun)
        }),
        ("m3-by-the-second", "HS-061", |stage| {
            let begun = Instant::now();
            let mut asked = stage.asked(&Dial::default())?;
            let octets = asked.peer.framed(&asked.m3());
            trickle(stage, &mut asked.peer, &octets);
            times_out(stage, asked.peer, begun)
        }),
    ];
    rows.into_iter()
        .map(|(name, rule, script)| {
            let about = format!("{}: the client gives up after 10 s", name.replace('-', " "));
            refuse(&format!("deadline/{name}"), &[rule, "HS-064"], TIMEOUT, about, script).slow()
        })
        .collect()
}

/// An octet a second, for 8 seconds.
fn trickle(stage: &Stage<'_>, peer: &mut Peer<'_>, octets: &[u8]) {
    for octet in &octets[..8] {
        peer.send_octets("an octet", &[*octet]);
        stage.pause(Duration::from_secs(1));
    }
}

/// `begun` is before the client can have begun to wait, so that a slow harness does not make it look early.
fn times_out(stage: &Stage<'_>, peer: Peer<'_>, begun: Instant) -> Result<(), Fault> {
    stage.refused_by(peer, begun + DEADLINE + LATE)?;
    let took = begun.elapsed();
    if took < DEADLINE - EARLY {
        let found = format!("{:.1} s", took.as_secs_f64());
        return Err(Fault::wrong_reject("the deadline", "10 s", found));
    }
    Ok(())
}
