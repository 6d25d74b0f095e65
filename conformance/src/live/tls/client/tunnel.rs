//! The tunnel inside TLS, with the harness as the server: sections 7.2 and 7.12.

use std::time::{Duration, Instant};

use rustls::Connection;
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::rsa::Oaep;
use tunnelproof_vectors::build::primitives::stream;
use tunnelproof_vectors::build::protocol;

use super::super::case::{Case, Need};
use super::super::link::{Late, Link, Seen};
use super::super::setup::Dial;
use super::super::stage::{Ending, Stage};
use super::super::tunnel::{Tunnel, exporter};
use super::chain::refused;
use super::honest;
use crate::live::case::Fault;
use crate::live::stage::now;
use crate::live::wire::{CLOSE, Channel, DATA, OPEN, public_key};

/// HS-060.
const FOR_M1: Duration = Duration::from_secs(10);

pub fn cases() -> Vec<Case> {
    vec![
        Case::client(
            "tunnel/honest",
            &["TLS-008", "TLS-009"],
            "an honest tunnel inside",
            |stage| whole(stage, &inside(stage), unbound_to),
        ),
        Case::client(
            "tunnel/exporter",
            &["TLS-082", "TLS-083"],
            "a tunnel that both sides bind to TLS",
            |stage| whole(stage, &inside(stage).policy("tls-exporter"), bound_to),
        ),
        Case::client(
            "tunnel/exporter-tls12",
            &["TLS-082", "TLS-083", "TLS-003"],
            "a tunnel that both sides bind to TLS 1.2",
            |stage| {
                let dial = inside(stage).policy("tls-exporter").policy("tls12");
                whole_over(stage, &dial, super::super::hello::Versions::Only12, bound_to)
            },
        ),
        unbound(
            "proxy",
            true,
            "a proxy ends TLS: the server is bound to another connection",
            behind_proxy,
        ),
        unbound(
            "exporter-client-alone",
            true,
            "the client alone binds the tunnel to TLS",
            unbound_to,
        ),
        unbound(
            "exporter-server-alone",
            false,
            "the server alone binds the tunnel to TLS",
            bound_to,
        ),
        Case::client(
            "tunnel/alpn-none",
            &["TLS-014"],
            "with a tunnel inside, the server selects no protocol",
            |stage| {
                let mut serving = honest(stage.material);
                serving.alpn.clear();
                refused(stage, &inside(stage), &serving)
            },
        )
        .refuses(&["alpn"]),
        Case::client(
            "tunnel/cut-after-close",
            &["TLS-010", "CHAN-037"],
            "after the close records the server ends the stream without close_notify",
            |stage| {
                let mut tunnel = stage.tunnel_server(&inside(stage), unbound_to)?;
                stage.closes_record(&mut tunnel)?;
                tunnel.link.finish();
                stage.ended(&tunnel.link, Ending::Clean)
            },
        )
        .needs(Need::Events),
        truncated("close-notify-alone", "close_notify comes without a close record", |link| {
            link.close();
        }),
        truncated("cut", "the stream ends without a close record", |link| link.finish()),
        Case::client(
            "tunnel/time-for-m1",
            &["TLS-007", "HS-060"],
            "TLS takes 6 seconds, and M1 comes 6 seconds later",
            |stage| {
                let dial = inside(stage);
                let begun = Instant::now();
                let mut link = stage.dial(&dial)?;
                stage.pause_until(begun + Duration::from_secs(6));
                stage.serve(&mut link, &honest(stage.material))?;
                stage.shaken(&mut link)?;
                stage.pause_until(begun + Duration::from_secs(12));
                let tunnel = stage.tunnel_answers(link, &dial, None)?;
                stage.tunnel_through(tunnel, &dial)
            },
        )
        .slow(),
        Case::client(
            "tunnel/no-m1",
            &["HS-060", "TLS-007"],
            "TLS takes 4 seconds, and M1 does not come",
            |stage| {
                let begun = Instant::now();
                let mut link = stage.dial(&inside(stage))?;
                stage.pause_until(begun + Duration::from_secs(4));
                stage.serve(&mut link, &honest(stage.material))?;
                stage.shaken(&mut link)?;
                let complete = Instant::now();
                stage.refused_by(link, complete + FOR_M1 + stage.patience)?;
                let took = complete.elapsed();
                if took < FOR_M1 - Duration::from_secs(1) {
                    let found = format!("after {} ms", took.as_millis());
                    return Err(Fault::wrong_reject("the end", "10 seconds after TLS", found));
                }
                Ok(())
            },
        )
        .refuses(&["timeout"])
        .slow(),
    ]
}

/// E of the server's end of a connection, or what stands for it.
type Binding = fn(&Stage<'_>, &Connection) -> Option<[u8; 32]>;

fn unbound_to(_: &Stage<'_>, _: &Connection) -> Option<[u8; 32]> {
    None
}

fn bound_to(_: &Stage<'_>, tls: &Connection) -> Option<[u8; 32]> {
    exporter(tls)
}

/// E of another connection, on which a proxy passes on what it has decrypted.
fn behind_proxy(stage: &Stage<'_>, _: &Connection) -> Option<[u8; 32]> {
    let mut proxy = stage.material.hello("alice").connection().ok()?;
    let mut server = honest(stage.material).connection().ok()?;
    // A handshake of TLS 1.3 takes two turns.
    for _ in 0..4 {
        carry(&mut proxy, &mut server)?;
        carry(&mut server, &mut proxy)?;
    }
    exporter(&server).filter(|_| !server.is_handshaking())
}

fn carry(from: &mut Connection, to: &mut Connection) -> Option<()> {
    let mut octets = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut octets).ok()?;
    }
    let mut rest = octets.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).ok()?;
        to.process_new_packets().ok()?;
    }
    Some(())
}

fn inside(stage: &Stage<'_>) -> Dial {
    Dial { tunnel: true, ..Dial::usual(stage.material) }
}

fn whole(stage: &Stage<'_>, dial: &Dial, binding: Binding) -> Result<(), Fault> {
    whole_over(stage, dial, super::super::hello::Versions::Only13, binding)
}

fn whole_over(
    stage: &Stage<'_>,
    dial: &Dial,
    versions: super::super::hello::Versions,
    binding: Binding,
) -> Result<(), Fault> {
    let mut link = stage.dial(dial)?;
    stage.serve(&mut link, &honest(stage.material).speaking(versions))?;
    stage.shaken(&mut link)?;
    let e = link.tls.as_ref().and_then(|tls| binding(stage, tls));
    let tunnel = stage.tunnel_answers(link, dial, e)?;
    stage.tunnel_through(tunnel, dial)
}

/// The two sides do not bind the tunnel to the same: the first record of the server does not open.
fn unbound(name: &str, policy: bool, about: &str, binding: Binding) -> Case {
    Case::client(&format!("tunnel/{name}"), &["TLS-083", "TLS-082"], about, move |stage| {
        let dial = inside(stage);
        let dial = if policy { dial.policy("tls-exporter") } else { dial };
        let mut link = stage.dial(&dial)?;
        stage.serve(&mut link, &honest(stage.material))?;
        stage.shaken(&mut link)?;
        let e = link.tls.as_ref().and_then(|tls| binding(stage, tls));
        let Tunnel { mut link, mut channel } = stage.tunnel_unopened(link, &dial, e)?;
        let open = stage.tunnel_message(&mut link, "the open record")?;
        if channel.receives.open(&open).is_some() {
            let found = "the open record opens";
            return Err(Fault::wrong_accept("record 0", "another transcript", found));
        }
        let record = channel.sends.seal(DATA, b"of another connection");
        stage.tunnel_send(&mut link, &record);
        let deadline = stage.deadline();
        loop {
            match link.next(deadline) {
                Ok(Seen::End(_)) => break,
                // The payloads that it was told to send.
                Ok(Seen::Octets(_) | Seen::CloseNotify) => {}
                Ok(seen) => {
                    return Err(Fault::wrong_output("then", "the end", seen.describe()));
                }
                Err(Late) => return Err(stage.late("the connection did not end")),
            }
        }
        link.finish();
        stage.ended(&link, Ending::Codes(&["open_failed"]))?;
        let events = stage.endpoint.events(link.mark, link.key);
        if events.iter().any(|event| event.name() == "message") {
            let found = "a message of another connection";
            return Err(Fault::wrong_accept("the events", "no message", found));
        }
        Ok(())
    })
    .refuses(&["open_failed"])
}

/// The end of an established tunnel that may not be all.
fn truncated(name: &str, about: &str, end: fn(&mut Link<'_>)) -> Case {
    Case::client(&format!("tunnel/{name}"), &["TLS-010", "CHAN-038"], about, move |stage| {
        let mut tunnel = stage.tunnel_server(&inside(stage), unbound_to)?;
        end(&mut tunnel.link);
        stage.ended(&tunnel.link, Ending::Codes(&["truncated"]))
    })
    .refuses(&["truncated"])
    .needs(Need::Events)
}

impl Stage<'_> {
    /// A client with an established tunnel whose payloads have come.
    fn tunnel_server<'s>(&'s self, dial: &Dial, binding: Binding) -> Result<Tunnel<'s>, Fault> {
        let mut link = self.dial(dial)?;
        self.serve(&mut link, &honest(self.material))?;
        self.shaken(&mut link)?;
        let e = link.tls.as_ref().and_then(|tls| binding(self, tls));
        let mut tunnel = self.tunnel_answers(link, dial, e)?;
        self.tunnel_payloads(&mut tunnel, dial)?;
        Ok(tunnel)
    }

    /// M1 to M3, without fault, bound to TLS by `e` if it is given. The open record has not been looked at.
    fn tunnel_unopened<'l>(
        &self,
        mut link: Link<'l>,
        dial: &Dial,
        e: Option<[u8; 32]>,
    ) -> Result<Tunnel<'l>, Fault> {
        let server = keys::k4552_a();
        let m1 = server.public.spki();
        self.tunnel_send(&mut link, &m1);
        let m2 = self.tunnel_message(&mut link, "M2")?;
        let wrong = |what: &str| Fault::wrong_output("M2", "an honest one", what);
        let parts = m2.len().checked_sub(server.public.size());
        let (spki, c1) = parts.map(|at| m2.split_at(at)).ok_or_else(|| wrong("a short one"))?;
        let key = public_key(spki).ok_or_else(|| wrong("no SPKI of an RSA key"))?;
        let p1 = server.open(c1).ok_or_else(|| wrong("what does not decrypt"))?;
        let who = &dial.who;
        let head =
            [&[u8::try_from(who.id.len()).unwrap_or(u8::MAX)], &*who.id, &who.client_password];
        let rest = p1.strip_prefix(&*head.concat()).ok_or_else(|| wrong("other credentials"))?;
        let nonce = rest.get(8..38).ok_or_else(|| wrong("a short P1"))?;
        let label = self.fresh();
        let k = stream(&format!("live K: {label}"), 48);
        let password = who.server_key.as_ref().map_or(&[][..], |key| &key[..8]);
        let p3 = protocol::p3(password, &k, now(), nonce);
        let m3 = key.encrypt(&Oaep::new(&stream(&format!("live seed: {label}"), 20)), &p3);
        self.tunnel_send(&mut link, &m3);
        let mut parts: Vec<&[u8]> = vec![&m1, &m2, &m3];
        parts.extend(e.as_ref().map(|e| &e[..]));
        let channel = Channel::of(&parts, &k, false);
        Ok(Tunnel { link, channel })
    }

    /// The same, and the open record has to be one under the same transcript.
    fn tunnel_answers<'l>(
        &self,
        link: Link<'l>,
        dial: &Dial,
        e: Option<[u8; 32]>,
    ) -> Result<Tunnel<'l>, Fault> {
        let mut tunnel = self.tunnel_unopened(link, dial, e)?;
        self.tunnel_record(&mut tunnel, "the open record", OPEN, b"")?;
        self.opened(&tunnel.link)?;
        Ok(tunnel)
    }

    /// The next record has to be this.
    fn tunnel_record(
        &self,
        tunnel: &mut Tunnel<'_>,
        what: &str,
        kind: u8,
        payload: &[u8],
    ) -> Result<(), Fault> {
        let record = self.tunnel_message(&mut tunnel.link, what)?;
        match tunnel.channel.receives.open(&record) {
            Some((found, octets)) if found == kind && octets == payload => Ok(()),
            Some((found, octets)) => {
                let found = format!("{} octets in a record of type {found}", octets.len());
                Err(Fault::wrong_output(what, "the next record", found))
            }
            None => Err(Fault::wrong_output(what, "the next record", "what does not open")),
        }
    }

    fn tunnel_payloads(&self, tunnel: &mut Tunnel<'_>, dial: &Dial) -> Result<(), Fault> {
        dial.send
            .iter()
            .try_for_each(|payload| self.tunnel_record(tunnel, "a payload", DATA, payload))
    }

    /// Sends a close record, which the client has to answer.
    fn closes_record(&self, tunnel: &mut Tunnel<'_>) -> Result<(), Fault> {
        let close = tunnel.channel.sends.seal(CLOSE, b"");
        self.tunnel_send(&mut tunnel.link, &close);
        self.tunnel_record(tunnel, "the close record", CLOSE, b"")
    }

    /// The client's payloads, one to it, close records, close_notify and the end.
    fn tunnel_through(&self, mut tunnel: Tunnel<'_>, dial: &Dial) -> Result<(), Fault> {
        self.tunnel_payloads(&mut tunnel, dial)?;
        let payload = self.fresh().into_bytes();
        let record = tunnel.channel.sends.seal(DATA, &payload);
        self.tunnel_send(&mut tunnel.link, &record);
        self.message(&tunnel.link, &payload)?;
        self.closes_record(&mut tunnel)?;
        self.closes(tunnel.link)
    }
}
