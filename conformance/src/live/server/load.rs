//! Many connections at once: stalled ones must not keep honest ones from being served.

use std::thread;

use super::accept;
use crate::live::case::{Case, Fault};
use crate::live::peer::Peer;
use crate::live::stage::Stage;
use crate::live::wire::Request;

/// Half of 200.
const HALF: usize = 100;
/// Honest clients at the same time.
const AT_ONCE: usize = 10;

pub fn cases() -> Vec<Case> {
    vec![
        accept(
            "load/half-stall",
            &["HS-062", "HS-066"],
            "200 connections, of which half stall after M1: the others are served",
            |stage| {
                let stalled: Vec<Peer<'_>> = (0..HALF)
                    .map(|_| stage.greeted().map(|(peer, _)| peer))
                    .collect::<Result<_, _>>()?;
                side_by_side(AT_ONCE, |_| {
                    (0..HALF / AT_ONCE).try_for_each(|_| stage.established()?.close())
                })?;
                drop(stalled);
                Ok(())
            },
        ),
        accept(
            "load/half-stall-after-m3",
            &["HS-062", "HS-067"],
            "60 connections, of which half stall after M3: the others are served",
            |stage| {
                let stalled: Vec<_> = (0..30).map(|_| stage.replied()).collect::<Result<_, _>>()?;
                side_by_side(AT_ONCE, |_| (0..3).try_for_each(|_| stage.established()?.close()))?;
                drop(stalled);
                Ok(())
            },
        ),
        accept(
            "load/same-id",
            &["HS-038", "HS-066"],
            "eight connections of the same id at once, each with its own echoes",
            |stage| {
                let links: Result<Vec<_>, Fault> = (0..8).map(|_| stage.established()).collect();
                let mut links = links?;
                for round in 0..4 {
                    for (n, link) in links.iter_mut().enumerate() {
                        link.send(format!("client {n}, round {round}").as_bytes());
                    }
                    for (n, link) in links.iter_mut().enumerate().rev() {
                        link.expect(format!("client {n}, round {round}").as_bytes())?;
                    }
                }
                links.into_iter().try_for_each(super::Link::close)
            },
        ),
        accept(
            "load/connect-and-vanish",
            &["HS-073"],
            "200 clients that are gone at once",
            |stage| {
                for _ in 0..2 * HALF {
                    stage.dial()?.vanish();
                }
                stage.established()?.close()
            },
        ),
        accept(
            "load/refusals",
            &["HS-042", "OBS-001"],
            "40 wrong passwords side by side, and an honest client among them",
            |stage| {
                side_by_side(AT_ONCE, |n| {
                    if n == 0 {
                        return stage.established()?.close();
                    }
                    (0..4).try_for_each(|_| wrong_password(stage))
                })
            },
        ),
        accept(
            "load/late-reader",
            &["CHAN-020", "CHAN-014"],
            "the client sends 1 MiB and reads the echoes only then",
            |stage| {
                let mut link = stage.established()?;
                let payload = vec![0x33; 16 * 1024];
                (0..64).for_each(|_| link.send(&payload));
                (0..64).try_for_each(|_| link.expect(&payload))?;
                link.close()
            },
        ),
    ]
}

fn wrong_password(stage: &Stage<'_>) -> Result<(), Fault> {
    let (mut peer, request) = stage.greeted()?;
    let request = Request { client_password: vec![b'0'; 18], ..request };
    peer.send("M2", &request.m2());
    stage.refused_with(peer, &["wrong_password"])
}

/// Runs it so many times at once; the first fault counts.
fn side_by_side(
    count: usize,
    run: impl Fn(usize) -> Result<(), Fault> + Sync,
) -> Result<(), Fault> {
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..count).map(|n| scope.spawn(move || run(n))).collect();
        let mut result = Ok(());
        for thread in threads {
            // A panic is a fault of the harness, and is passed on.
            let one = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result = result.and(one);
        }
        result
    })
}
