//! Checks of a server. The harness is its client.

mod close;
mod control;
mod deadline;
mod handshake;
pub mod like;
mod load;
mod order;
mod records;
mod request;
mod spki;
mod tcp;
mod ws;

use serde_json::{Value, json};
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::rsa::PrivateKey;

use super::case::{Case, Fault};
use super::honest;
use super::peer::{Peer, Seen};
use super::stage::{Clients, Stage, now};
use super::wire::{CLOSE, Channel, Credentials, DATA, OPEN, Request, public_key};
use super::{Role, Transport};

/// The groups of spec/observability.md that a server can show.
pub const GROUPS: &[&str] = &["request", "request-secret", "open", "record", "closing"];

/// All cases, by family.
pub fn cases() -> Vec<Case> {
    [
        handshake::cases(),
        request::cases(),
        spki::cases(),
        order::cases(),
        records::cases(),
        close::cases(),
        control::cases(),
        tcp::cases(),
        ws::cases(),
        load::cases(),
        deadline::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whom a started server knows.
pub fn clients() -> Clients {
    let long = [b'x'; 255];
    let ids: [&[u8]; 5] = [b"bob", b"a", &long, "\u{1f511} \u{202e}key".as_bytes(), b"alice2"];
    Clients {
        honest: Credentials::made(b"alice@example.org", "honest"),
        others: ids.iter().map(|id| Credentials::made(id, "other")).collect(),
    }
}

/// An honest visit.
///
/// # Errors
/// What failed, in a sentence.
pub fn visit(stage: &Stage<'_>) -> Result<(), String> {
    let Some(address) = stage.endpoint.address else { return Err("it has no address".into()) };
    let who = &stage.clients.honest;
    honest::visit(address, stage.transport, who, &stage.fresh(), stage.patience)
}

/// The pairs that the server is told.
pub fn known<'a>(clients: impl IntoIterator<Item = &'a Credentials>) -> Vec<Value> {
    let pair = |client: &Credentials| {
        let server_key = client.server_key.as_ref()?;
        Some(json!({ "id": hex::encode(&client.id), "server_key": hex::encode(server_key) }))
    };
    clients.into_iter().filter_map(pair).collect()
}

/// The first line for a server.
pub fn start_line(transport: Transport, clients: &Clients) -> Value {
    json!({
        "v": 1,
        "role": "server",
        "transport": transport.name(),
        "host": "127.0.0.1",
        "credentials": known([&clients.honest].into_iter().chain(&clients.others)),
        "rsa_key": hex::encode(&keys::k4552_a().pkcs8),
        "release_ms": null,
    })
}

/// An established connection, seen from the client.
pub struct Link<'s> {
    pub peer: Peer<'s>,
    pub channel: Channel,
    /// K of M3.
    pub k: Vec<u8>,
    /// The last record that came.
    pub last: Vec<u8>,
}

impl<'a> Stage<'a> {
    /// Connects, and does the opening handshake of WebSocket.
    ///
    /// # Errors
    /// If the server does not let it.
    pub fn connect(&self) -> Result<Peer<'_>, Fault> {
        let mut peer = self.dial()?;
        peer.upgrade("/", self.deadline()).map_err(|why| {
            if self.endpoint.over().is_some() {
                return self.late("the opening handshake failed");
            }
            Fault::wrong_reject("the opening handshake of WebSocket", "accepted", why)
        })?;
        Ok(peer)
    }

    /// Connects, without the opening handshake of WebSocket.
    ///
    /// # Errors
    /// If the server does not let it.
    pub fn dial(&self) -> Result<Peer<'_>, Fault> {
        let Some(address) = self.endpoint.address else {
            return Err(self.late("the server has no address"));
        };
        Peer::dial(self, address).map_err(|e| match self.endpoint.over() {
            Some(over) => Fault::of(over.verdict),
            None => Fault::wrong_reject("the connection", "accepted", e.to_string()),
        })
    }

    /// Connects and reads M1: the honest client's request is ready to be changed and sent.
    ///
    /// # Errors
    /// If M1 does not come or is no key.
    pub fn greeted(&self) -> Result<(Peer<'_>, Request), Fault> {
        self.greeted_by(&self.clients.honest, keys::k4552_b())
    }

    /// As [`Stage::greeted`], for another client with another RSA key.
    ///
    /// # Errors
    /// If M1 does not come or is no key.
    pub fn greeted_by(
        &self,
        who: &Credentials,
        key: &'static PrivateKey,
    ) -> Result<(Peer<'_>, Request), Fault> {
        let mut peer = self.connect()?;
        let m1 = self.message(&mut peer, "M1")?;
        let Some(server) = public_key(&m1) else {
            return Err(Fault::wrong_output("M1", "the SPKI of an RSA key", "something else"));
        };
        self.trace.octets(peer.port, "that message: M1", &m1);
        let request = Request::new(&m1, &server, key, who, now(), &self.fresh());
        Ok((peer, request))
    }

    /// Reads M3 as the answer to this M2, and makes the keys. The open record is not sent.
    ///
    /// # Errors
    /// If M3 does not come or is wrong.
    pub fn answered<'p>(
        &self,
        mut peer: Peer<'p>,
        request: &Request,
        m2: &[u8],
    ) -> Result<Link<'p>, Fault> {
        let m3 = self.message(&mut peer, "M3")?;
        let wrong = |what: &str, found: &str| Err(Fault::wrong_output("M3", what, found));
        let Some(p3) = request.client.open(&m3) else {
            return wrong("an encryption under the client's key", "does not decrypt");
        };
        let [password, k, t, nonce] = [0..8, 8..56, 56..64, 64..94].map(|part| p3.get(part));
        let (Some(password), Some(k), Some(t), Some(nonce), 94) = (password, k, t, nonce, p3.len())
        else {
            return wrong("a plaintext of 94 octets", &format!("{} octets", p3.len()));
        };
        let digest = tunnelproof_vectors::build::primitives::server_digest(&request.id, password);
        let is_known = |client: &&Credentials| client.id == request.id;
        let clients = [&self.clients.honest].into_iter().chain(&self.clients.others);
        if clients.filter(is_known).any(|client| client.server_digest != digest) {
            return wrong("the server's password", "another one");
        }
        let t = u64::from_be_bytes(t.try_into().unwrap_or_default());
        if t.abs_diff(now()) > 10 {
            return wrong("the time of the server", &format!("{t}"));
        }
        if nonce != request.nonce {
            return wrong("the client's nonce", "another one");
        }
        let channel = Channel::new(&request.m1, m2, &m3, k, true);
        Ok(Link { peer, channel, k: k.to_vec(), last: Vec::new() })
    }

    /// An honest handshake up to M3; the open record is not sent.
    ///
    /// # Errors
    /// If the server does not play along.
    pub fn replied(&self) -> Result<Link<'_>, Fault> {
        self.replied_to(&self.clients.honest)
    }

    /// As [`Stage::replied`], for another client.
    ///
    /// # Errors
    /// If the server does not play along.
    pub fn replied_to(&self, who: &Credentials) -> Result<Link<'_>, Fault> {
        let (mut peer, request) = self.greeted_by(who, keys::k4552_b())?;
        let m2 = request.m2();
        peer.send("M2", &m2);
        self.answered(peer, &request, &m2)
    }

    /// An honest handshake, and the echo of a payload, so that the server is established.
    ///
    /// # Errors
    /// If the server does not play along.
    pub fn established(&self) -> Result<Link<'_>, Fault> {
        let mut link = self.replied()?;
        link.open();
        link.echo(b"established")?;
        Ok(link)
    }
}

impl Link<'_> {
    /// Sends the open record.
    pub fn open(&mut self) {
        let record = self.channel.sends.seal(OPEN, b"");
        self.peer.may_be_open = true;
        self.peer.send("record 0, open", &record);
    }

    /// Sends a payload.
    pub fn send(&mut self, payload: &[u8]) {
        let record = self.channel.sends.seal(DATA, payload);
        self.peer.send("record, data", &record);
    }

    /// The next record.
    ///
    /// # Errors
    /// If none comes, or it does not open.
    pub fn receive(&mut self, what: &str) -> Result<(u8, Vec<u8>), Fault> {
        let stage = self.peer.stage;
        let record = stage.message(&mut self.peer, what)?;
        self.last.clone_from(&record);
        self.channel.receives.open(&record).ok_or_else(|| {
            Fault::wrong_output(what, "a record", format!("{} octets", record.len()))
        })
    }

    /// The next record has to be this payload.
    ///
    /// # Errors
    /// If it is not.
    pub fn expect(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let (kind, found) = self.receive("the echo of a payload")?;
        if (kind, found.as_slice()) == (DATA, payload) {
            return Ok(());
        }
        let expected = format!("{} octets of data", payload.len());
        let found = format!("{} octets in a record of type {kind}", found.len());
        Err(Fault::wrong_output("the echo", &expected, found))
    }

    /// Sends a payload and waits for its echo.
    ///
    /// # Errors
    /// If it does not come back.
    pub fn echo(&mut self, payload: &[u8]) -> Result<(), Fault> {
        self.send(payload);
        self.expect(payload)
    }

    /// The next record has to be a close record.
    ///
    /// # Errors
    /// If it is not.
    pub fn expect_close(&mut self) -> Result<(), Fault> {
        match self.receive("a close record")? {
            (CLOSE, payload) if payload.is_empty() => Ok(()),
            (kind, payload) => {
                let found = format!("{} octets in a record of type {kind}", payload.len());
                Err(Fault::wrong_output("the record", "a close record", found))
            }
        }
    }

    /// Sends a close record; the server has to answer with its own and end the connection, cleanly.
    ///
    /// # Errors
    /// If it does not.
    pub fn close(mut self) -> Result<(), Fault> {
        self.send_close();
        self.expect_close()?;
        let stage = self.peer.stage;
        stage.ends_cleanly(self.peer)
    }

    pub fn send_close(&mut self) {
        let record = self.channel.sends.seal(CLOSE, b"");
        self.peer.send("record, close", &record);
    }

    /// Whatever is next has to be one thing.
    ///
    /// # Errors
    /// If it is something else, or nothing.
    pub fn sees(&mut self, what: &str, is_right: impl Fn(&Seen) -> bool) -> Result<(), Fault> {
        let stage = self.peer.stage;
        match self.peer.next(stage.deadline()) {
            Ok(seen) if is_right(&seen) => Ok(()),
            Ok(seen) => Err(stage.broke_off(&self.peer, what, &seen)),
            Err(_) => Err(stage.late(&format!("{what} did not come"))),
        }
    }
}

/// The states of a connection that a fault can come in.
#[derive(Clone, Copy)]
enum State {
    M2,
    Open,
    Established,
}

impl State {
    const ALL: [(State, &'static str); 3] =
        [(State::M2, "for-m2"), (State::Open, "for-open"), (State::Established, "for-data")];

    /// A connection in this state.
    fn peer<'s>(self, stage: &'s Stage<'_>) -> Result<Peer<'s>, Fault> {
        Ok(match self {
            State::M2 => stage.greeted()?.0,
            State::Open => stage.replied()?.peer,
            State::Established => stage.established()?.peer,
        })
    }
}

/// The start of an accepting case.
fn accept(
    name: &str,
    rules: &[&'static str],
    about: impl Into<String>,
    script: impl Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync + 'static,
) -> Case {
    Case::accept(Role::Server, name, rules, about, script)
}

/// The start of a refusing case.
fn refuse(
    name: &str,
    rules: &[&'static str],
    codes: &'static [&'static str],
    about: impl Into<String>,
    script: impl Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync + 'static,
) -> Case {
    Case::refuse(Role::Server, name, rules, codes, about, script)
}
