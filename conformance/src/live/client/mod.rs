//! Checks of a client. The harness listens, tells the client to dial, and is its server.

mod close;
mod deadline;
mod key;
pub mod like;
mod order;
mod records;
mod reply;
mod tcp;
mod ws;

use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::rsa::{Oaep, PrivateKey, PublicKey};
use tunnelproof_vectors::build::primitives::stream;
use tunnelproof_vectors::build::protocol;

use super::Role;
use super::case::{Case, Fault};
use super::lines::{Event, Happened};
use super::peer::{Peer, Seen};
use super::stage::{Stage, now};
use super::wire::{CLOSE, Channel, DATA, OPEN, public_key};

/// The groups of spec/observability.md that a client can show.
pub const GROUPS: &[&str] = &["reply", "record", "closing"];

/// All cases, by family.
pub fn cases() -> Vec<Case> {
    [
        key::cases(),
        reply::cases(),
        order::cases(),
        records::cases(),
        close::cases(),
        tcp::cases(),
        ws::cases(),
        deadline::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How long making an RSA key may take.
const KEY: Duration = Duration::from_secs(120);

/// What a `dial` line gives beside the address.
#[derive(Clone)]
pub struct Dial {
    pub pin: Option<[u8; 32]>,
    pub send: Vec<Vec<u8>>,
    /// Whether it names the RSA key to use.
    pub with_key: bool,
}

impl Default for Dial {
    fn default() -> Self {
        Dial { pin: None, send: Vec::new(), with_key: true }
    }
}

/// A client that has sent M2, opened.
pub struct Asked<'s> {
    pub peer: Peer<'s>,
    pub m1: Vec<u8>,
    pub m2: Vec<u8>,
    /// Of the client.
    pub key: PublicKey,
    pub t: u64,
    pub nonce: Vec<u8>,
    /// What the honest P3 is made of.
    pub reply: Reply,
}

/// P3 and its padding.
#[derive(Clone)]
pub struct Reply {
    pub password: Vec<u8>,
    pub k: Vec<u8>,
    pub t: u64,
    pub nonce: Vec<u8>,
    pub seed: Vec<u8>,
}

impl Reply {
    pub fn p3(&self) -> Vec<u8> {
        protocol::p3(&self.password, &self.k, self.t, &self.nonce)
    }

    pub fn oaep(&self) -> Oaep {
        Oaep::new(&self.seed)
    }
}

/// An established connection, seen from the server.
pub struct Link<'s> {
    pub peer: Peer<'s>,
    pub channel: Channel,
}

/// An honest connection: a payload to the client, then a close that the client answers.
///
/// # Errors
/// What failed, in a sentence.
pub fn visit(stage: &Stage<'_>) -> Result<(), String> {
    let play = || {
        let mut link = stage.linked(&Dial::default())?;
        link.send(b"visit");
        link.delivered(b"visit")?;
        link.close()
    };
    play().map_err(|fault| fault.verdict.sentence())
}

/// Numbers of dials are never used twice.
fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl<'a> Stage<'a> {
    /// Tells the client to dial a listener, and returns the listener, the number and the mark.
    fn told(&self, dial: &Dial) -> Result<(TcpListener, u64, usize), Fault> {
        let broken =
            |e: std::io::Error| Fault::wrong_output("the harness", "a socket", e.to_string());
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(broken)?;
        let port = listener.local_addr().map_err(broken)?.port();
        let (number, mark) = (number(), self.endpoint.mark());
        let send: Vec<String> = dial.send.iter().map(hex::encode).collect();
        self.endpoint.tell(&json!({
            "dial": number, "transport": self.transport.name(), "host": "127.0.0.1", "port": port,
            "client_key": hex::encode(self.clients.honest.client_key()),
            "pin": dial.pin.map(hex::encode),
            "rsa_key": dial.with_key.then(|| hex::encode(&keys::k4552_b().pkcs8)),
            "send": send,
        }));
        Ok((listener, number, mark))
    }

    /// Waits for a connection to the listener.
    fn calls(&self, listener: &TcpListener, deadline: Instant) -> bool {
        while Instant::now() < deadline && !self.stop.is_set() && self.endpoint.over().is_none() {
            let mut fds = [PollFd::new(listener, PollFlags::IN)];
            let turn = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
            if poll(&mut fds, Some(&turn)).is_ok_and(|ready| ready > 0) {
                return true;
            }
        }
        false
    }

    /// Has the client dial, without the opening handshake of WebSocket; with the listener, to see whether it
    /// dials again.
    fn dialled_raw(&self, dial: &Dial) -> Result<(Peer<'_>, TcpListener), Fault> {
        let (listener, number, mark) = self.told(dial)?;
        // A client may make its key first, which takes seconds.
        let more = if dial.with_key { Duration::ZERO } else { KEY };
        if !self.calls(&listener, self.deadline() + more) {
            return Err(self.late("the client did not dial"));
        }
        let peer = listener.accept().and_then(|(s, _)| Peer::accepted(self, s, number, mark));
        let failed =
            |e: std::io::Error| Fault::wrong_reject("the connection", "made", e.to_string());
        Ok((peer.map_err(failed)?, listener))
    }

    /// Has the client dial.
    fn dialled(&self, dial: &Dial) -> Result<Peer<'_>, Fault> {
        let (mut peer, _) = self.dialled_raw(dial)?;
        self.upgraded(&mut peer)?;
        Ok(peer)
    }

    fn upgraded(&self, peer: &mut Peer<'_>) -> Result<(), Fault> {
        peer.upgrade("/", self.deadline())
            .map_err(|why| Fault::wrong_output("the opening handshake", "one of RFC 6455", why))
    }

    /// Has the client dial and sends M1; M2 is opened and checked.
    fn asked(&self, dial: &Dial) -> Result<Asked<'_>, Fault> {
        let mut peer = self.dialled(dial)?;
        let server = keys::k4552_a();
        peer.send("M1", &server.public.spki());
        self.request(peer, server)
    }

    /// Takes M2, which has to be in order in every part (HS-023 to HS-027).
    fn request<'p>(&self, mut peer: Peer<'p>, server: &PrivateKey) -> Result<Asked<'p>, Fault> {
        let m1 = server.public.spki();
        let m2 = self.message(&mut peer, "M2")?;
        let received = now(); // what follows may take seconds on a busy machine
        self.trace.octets(peer.port, "that message: M2", &m2);
        let wrong =
            |what: &str, expected: &str| Fault::wrong_output(what, expected, "something else");
        let parts =
            m2.len().checked_sub(server.public.size()).and_then(|at| m2.split_at_checked(at));
        let (spki, c1) = parts.ok_or_else(|| wrong("M2", "an SPKI and k octets"))?;
        let key = public_key(spki).ok_or_else(|| wrong("SPKI_c", "the SPKI of an RSA key"))?;
        let p1 = server.open(c1).ok_or_else(|| wrong("C1", "an encryption under the key of M1"))?;
        let who = &self.clients.honest;
        let head = [&[who.id.len() as u8][..], &who.id, &who.client_password].concat();
        let rest = p1.strip_prefix(head.as_slice());
        let rest = rest.ok_or_else(|| wrong("P1", "the id and the client password"))?;
        let (Some(t), Some(nonce), 38) = (rest.first_chunk::<8>(), rest.get(8..), rest.len())
        else {
            return Err(wrong("P1", "time and nonce, 38 octets"));
        };
        let t = u64::from_be_bytes(*t);
        if t.abs_diff(received) > 5 {
            return Err(Fault::wrong_output(
                "the time in P1",
                "the client's clock",
                format!("{t}"),
            ));
        }
        if nonce != protocol::nonce(&m1, spki, &nonce[..14]) {
            return Err(wrong("the nonce", "bound to M1 and SPKI_c"));
        }
        let label = self.fresh();
        let reply = Reply {
            password: who.server_key.as_ref().map_or(Vec::new(), |key| key[..8].to_vec()),
            k: stream(&format!("live K: {label}"), 48),
            t: now(),
            nonce: nonce.to_vec(),
            seed: stream(&format!("live seed: {label}"), 20),
        };
        let nonce = nonce.to_vec();
        Ok(Asked { peer, m1, key, t, nonce, reply, m2 })
    }

    /// An honest handshake; the open record has come.
    fn linked(&self, dial: &Dial) -> Result<Link<'_>, Fault> {
        self.asked(dial)?.answer()
    }

    /// The client has to report an event like this.
    fn reports(
        &self,
        peer: &Peer<'_>,
        what: &str,
        is_it: impl Fn(&Event) -> bool,
    ) -> Result<(), Fault> {
        let key = peer.key.unwrap_or_default();
        if self.endpoint.wait_for_one(peer.mark, key, self.deadline(), is_it) {
            return Ok(());
        }
        Err(self.late(&format!("no event: {what}")))
    }
}

impl<'s> Asked<'s> {
    pub fn m3(&self) -> Vec<u8> {
        self.key.encrypt(&self.reply.oaep(), &self.reply.p3())
    }

    /// Sends the honest M3; the open record has to follow, as record 0.
    pub fn answer(mut self) -> Result<Link<'s>, Fault> {
        let m3 = self.m3();
        self.peer.send("M3", &m3);
        self.opened(&m3)
    }

    /// The open record has to come after this M3.
    pub fn opened(self, m3: &[u8]) -> Result<Link<'s>, Fault> {
        let channel = Channel::new(&self.m1, &self.m2, m3, &self.reply.k, false);
        let mut link = Link { peer: self.peer, channel };
        link.peer.may_be_open = true;
        match link.receive("the open record")? {
            (OPEN, payload) if payload.is_empty() => {}
            (kind, _) => {
                let found = format!("a record of type {kind}");
                return Err(Fault::wrong_output("record 0", "an open record", found));
            }
        }
        link.peer.stage.reports(&link.peer, "open", |event| event.name() == "open")?;
        Ok(link)
    }
}

impl Link<'_> {
    pub fn send(&mut self, payload: &[u8]) {
        let record = self.channel.sends.seal(DATA, payload);
        self.peer.send("record, data", &record);
    }

    pub fn send_close(&mut self) {
        let record = self.channel.sends.seal(CLOSE, b"");
        self.peer.send("record, close", &record);
    }

    /// Type and payload of the next record.
    pub fn receive(&mut self, what: &str) -> Result<(u8, Vec<u8>), Fault> {
        let record = self.peer.stage.message(&mut self.peer, what)?;
        self.channel.receives.open(&record).ok_or_else(|| {
            let found = format!("{} octets that do not open", record.len());
            Fault::wrong_output(what, "the next record", found)
        })
    }

    /// The next record has to be this.
    pub fn expect(&mut self, kind: u8, payload: &[u8]) -> Result<(), Fault> {
        let (found, octets) = self.receive("a record")?;
        if (found, octets.as_slice()) == (kind, payload) {
            return Ok(());
        }
        let expected = format!("{} octets in a record of type {kind}", payload.len());
        let found = format!("{} octets in a record of type {found}", octets.len());
        Err(Fault::wrong_output("the record", &expected, found))
    }

    /// The client has to report this payload, after whatever it reported before.
    pub fn delivered(&self, octets: &[u8]) -> Result<(), Fault> {
        self.peer.stage.reports(&self.peer, "message", |event| match &event.what {
            Happened::Message { payload: Some(payload), .. } => payload == octets,
            Happened::Message { length: Some(length), .. } => *length == octets.len() as u64,
            _ => false,
        })
    }

    /// Closes; the client has to answer and to end, cleanly.
    pub fn close(mut self) -> Result<(), Fault> {
        self.send_close();
        self.expect(CLOSE, b"")?;
        self.peer.stage.ends_cleanly(self.peer)
    }

    /// The client is told something about this connection.
    pub fn tell(&self, name: &str, more: &[(&str, serde_json::Value)]) {
        let mut line = serde_json::Map::new();
        line.insert(name.to_owned(), self.peer.key.into());
        line.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.peer.stage.endpoint.tell(&line.into());
    }
}

/// Nothing may come for a while.
fn quiet(stage: &Stage<'_>, peer: &mut Peer<'_>, rule: &str, ms: u64) -> Result<(), Fault> {
    let until = Instant::now() + Duration::from_millis(ms);
    match peer.next(until) {
        Err(_) => Ok(()),
        Ok(seen @ (Seen::End(_) | Seen::Close(_))) => Err(stage.broke_off(peer, "nothing", &seen)),
        Ok(seen) => {
            let expected = format!("nothing ({rule})");
            Err(Fault::leak("what comes then", &expected, super::stage::describe(&seen)))
        }
    }
}

/// The start of an accepting case.
fn accept(
    name: &str,
    rules: &[&'static str],
    about: impl Into<String>,
    script: impl Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync + 'static,
) -> Case {
    Case::accept(Role::Client, name, rules, about, script)
}

/// The start of a refusing case.
fn refuse(
    name: &str,
    rules: &[&'static str],
    codes: &'static [&'static str],
    about: impl Into<String>,
    script: impl Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync + 'static,
) -> Case {
    Case::refuse(Role::Client, name, rules, codes, about, script)
}
