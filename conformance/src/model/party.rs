//! One party of a real connection, from the handshake to the end of the channel: what the operations
//! `hs.client`, `hs.server` and `chan.session` do, one event after the other.

use serde_json::{Map, Value, json};

use super::Model;
use super::channel::Kind;
use super::client::Client;
use super::refusal::{Refusal, Result, class};
use super::server::Server;
use super::session::Session;
use crate::shim_server::Input;

/// A client or server that speaks to one peer. Times are milliseconds since its start.
pub struct Party<'m> {
    side: Side<'m>,
    /// How many messages of the handshake were taken to be sent.
    taken: usize,
}

enum Side<'m> {
    Client(Client<'m>),
    Server(Server<'m>),
}

/// What a message from the peer was.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A message of the handshake, or the open record.
    Handshake,
    /// The payload of a data record.
    Data(Vec<u8>),
    /// The peer's close record.
    Close,
}

/// What the party wants from its surroundings.
#[derive(Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing: it waits for the peer.
    Nothing,
    /// The clock, to make M2: [`Party::request`].
    Clock,
    /// The serverKey of this id: [`Party::answer`].
    LookUp(Vec<u8>),
}

/// Why the connection has to end: code and class of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The code, or None for a failure that no check was meant for.
    pub code: Option<&'static str>,
}

impl Failure {
    /// A check refused.
    #[must_use]
    pub fn of(code: &'static str) -> Self {
        Self { code: Some(code) }
    }

    /// The class of its code.
    #[must_use]
    pub fn class(self) -> Option<&'static str> {
        self.code.map(class)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Check { code, .. } => Self::of(code),
            Refusal::Fault(_) => Self { code: None },
        }
    }
}

impl<'m> Party<'m> {
    /// A client that waits for M1. `r`, 14 octets, has to be fresh; `private_key` is PKCS#8.
    ///
    /// # Errors
    /// If the credential string or the key can't be read.
    pub fn client(
        model: &'m Model,
        client_key: &[u8],
        pin: Option<&[u8]>,
        private_key: &[u8],
        r: &[u8],
    ) -> std::result::Result<Self, Failure> {
        let mut input = json!({
            "client_key": hex::encode(client_key),
            "private_key": hex::encode(private_key),
            "r": hex::encode(r),
        });
        if let Some(pin) = pin {
            input["pin"] = hex::encode(pin).into();
        }
        let side = Side::Client(model.start_client(Input::from(&object(input)))?);
        Ok(Self { side, taken: 0 })
    }

    /// A server whose M1 is to be sent. `k`, 48 octets, has to be fresh; `private_key` is PKCS#8.
    ///
    /// # Errors
    /// If the key can't be read.
    pub fn server(
        model: &'m Model,
        private_key: &[u8],
        k: &[u8],
        release_delay: Option<u64>,
    ) -> std::result::Result<Self, Failure> {
        let mut input = json!({"private_key": hex::encode(private_key), "k": hex::encode(k)});
        if let Some(delay) = release_delay {
            input["release_delay_ms"] = delay.into();
        }
        let side = Side::Server(model.start_server(Input::from(&object(input)))?);
        Ok(Self { side, taken: 0 })
    }

    /// Binds the channel to the TLS connection of this exporter value (TLS-083).
    pub fn bind(&mut self, exporter: [u8; 32]) {
        match &mut self.side {
            Side::Client(client) => client.binding = Some(exporter),
            Side::Server(server) => server.binding = Some(exporter),
        }
    }

    /// The messages of the handshake that are to be sent now.
    pub fn take_sent(&mut self) -> Vec<Vec<u8>> {
        let sent = match &self.side {
            Side::Client(client) => &client.sent,
            Side::Server(server) => &server.sent,
        };
        let new = sent[self.taken..].to_vec();
        self.taken = sent.len();
        new
    }

    /// Whether it counts as established.
    #[must_use]
    pub fn is_established(&self) -> bool {
        match &self.side {
            Side::Client(client) => client.established,
            Side::Server(server) => server.established,
        }
    }

    /// The id of the client that a server looked up.
    #[must_use]
    pub fn id(&self) -> Option<&[u8]> {
        match &self.side {
            Side::Client(_) => None,
            Side::Server(server) => server.looked_up.as_deref(),
        }
    }

    /// What it wants before it can go on.
    #[must_use]
    pub fn wish(&self) -> Wish {
        match &self.side {
            Side::Client(client) if client.is_asked() => Wish::Clock,
            Side::Server(server) if server.is_asking() => {
                Wish::LookUp(server.looked_up.clone().unwrap_or_default())
            }
            _ => Wish::Nothing,
        }
    }

    /// Takes a message of the transport.
    ///
    /// # Errors
    /// If it is refused; then the connection is over.
    pub fn receive(&mut self, at: u64, message: &[u8]) -> std::result::Result<Received, Failure> {
        if let Some(session) = self.session() {
            return Ok(match session.receive(message)? {
                (Kind::Data, payload) => Received::Data(payload),
                (Kind::Close, _) => Received::Close,
                (Kind::Open, _) => Received::Handshake,
            });
        }
        self.event(json!({"at": at, "receive": hex::encode(message)}))?;
        Ok(Received::Handshake)
    }

    /// Makes M2 with this reading of the clock, in seconds.
    ///
    /// # Errors
    /// If the deadline has passed.
    pub fn request(&mut self, at: u64, now: u64) -> std::result::Result<(), Failure> {
        Ok(self.event(json!({"at": at, "request": {"now": now.to_string()}}))?)
    }

    /// Goes on with what the look-up has answered and a reading of the clock, in seconds.
    ///
    /// # Errors
    /// If the request is refused.
    pub fn answer(
        &mut self,
        at: u64,
        now: u64,
        found: Option<&[u8]>,
    ) -> std::result::Result<(), Failure> {
        let answer = match found {
            Some(key) => json!({"found": hex::encode(key)}),
            None => "unknown".into(),
        };
        Ok(self.event(json!({"at": at, "now": now.to_string(), "lookup": answer}))?)
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// If a deadline has passed.
    pub fn tick(&mut self, at: u64) -> std::result::Result<(), Failure> {
        Ok(self.event(json!({ "at": at }))?)
    }

    /// The peer has ended the transport; returns whether that is a clean end.
    ///
    /// # Errors
    /// If the party was not established.
    pub fn end(&mut self, at: u64) -> std::result::Result<bool, Failure> {
        match self.session() {
            Some(session) => Ok(session.ends_clean()),
            None => {
                self.event(json!({"at": at, "end": true}))?;
                Ok(false)
            }
        }
    }

    /// Seals a data record.
    ///
    /// # Errors
    /// If nothing can be sealed now.
    pub fn seal(&mut self, payload: &[u8]) -> std::result::Result<Vec<u8>, Failure> {
        self.seal_as(Kind::Data, payload)
    }

    /// Seals the close record.
    ///
    /// # Errors
    /// If nothing can be sealed now.
    pub fn close(&mut self) -> std::result::Result<Vec<u8>, Failure> {
        self.seal_as(Kind::Close, &[])
    }

    /// Whether this side has sent close, and whether the peer has.
    pub fn closed(&mut self) -> (bool, bool) {
        self.session().map_or((false, false), |session| (session.own.closed, session.peer.closed))
    }

    /// When a failure at this time may be seen by the peer (OBS-005).
    #[must_use]
    pub fn release(&self, at: u64) -> u64 {
        match &self.side {
            Side::Client(_) => at,
            Side::Server(server) => server.release(at),
        }
    }

    fn seal_as(&mut self, kind: Kind, payload: &[u8]) -> std::result::Result<Vec<u8>, Failure> {
        let session = self.session().ok_or_else(|| Failure::of("not_established"))?;
        Ok(session.seal(kind, payload)?)
    }

    fn session(&mut self) -> Option<&mut Session<'m>> {
        match &mut self.side {
            Side::Client(client) => client.session.as_mut(),
            Side::Server(server) => server.session.as_mut(),
        }
    }

    fn event(&mut self, event: Value) -> Result<()> {
        let event = object(event);
        let input = Input::from(&event);
        match &mut self.side {
            Side::Client(client) => client.event(input),
            Side::Server(server) => server.event(input.integer("at")?, input),
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
