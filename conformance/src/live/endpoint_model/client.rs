//! The model as a client that dials when it is told to.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::json;

use super::connection::{Connection, End, Inbox, Surroundings};
use super::transport::Transport;
use super::{Flaw, Shared, bad, emit, fresh, invalid, lock, payload};
use crate::model::{Model, Party, generate};
use crate::shim_server::{Input, octets_of};

/// How long a connection and its WebSocket may take to open: as long as M1 may (HS-060).
const OPENING: Duration = Duration::from_secs(10);

pub struct Client {
    shared: Arc<Shared>,
    /// For [`Flaw::KeyPairReused`].
    key: OnceLock<Vec<u8>>,
    /// Keys are made one after the other: each takes all of a processor.
    making: Mutex<()>,
}

/// What a `dial` line says.
#[derive(Clone)]
struct Dial {
    number: u64,
    is_ws: bool,
    to: SocketAddr,
    client_key: Vec<u8>,
    pin: Option<Vec<u8>>,
    rsa_key: Option<Vec<u8>>,
    send: Vec<Vec<u8>>,
}

impl Client {
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), key: OnceLock::new(), making: Mutex::default() }
    }

    /// Dials, in a thread of its own.
    pub fn dial(self: &Arc<Self>, input: Input<'_>) -> io::Result<()> {
        let dial = Dial::read(input)?;
        let inbox = self.shared.connect(dial.number)?;
        let client = Arc::clone(self);
        self.shared.spawn(move || {
            let number = dial.number;
            if let Err(e) = client.connect(dial, inbox) {
                eprintln!("dial {number}: {e}");
                let code = (e.kind() == io::ErrorKind::TimedOut).then_some("timeout");
                client.shared.ended("dial", number, End { clean: false, code, failed: true });
            }
        });
        Ok(())
    }

    fn connect(&self, dial: Dial, inbox: Inbox) -> io::Result<()> {
        let shared = &self.shared;
        let flaw = shared.wrong.flaw;
        let doomed = shared.is_poisoned();
        let rsa_key = match &dial.rsa_key {
            Some(key) => key.clone(),
            None => self.make_key()?,
        };
        let transport = dial.open(flaw)?;
        let model = Model::new(shared.wrong.bug, Arc::clone(&shared.cache));
        let r: [u8; 14] = if flaw == Some(Flaw::RandomReused) { [0x72; 14] } else { fresh()? };
        let party = Party::client(&model, &dial.client_key, dial.pin.as_deref(), &rsa_key, &r)
            .map_err(|_| invalid("client_key or rsa_key can't be read".into()))?;
        let since = Instant::now();
        let side = Side { shared: Arc::clone(shared), dial: dial.number, since, doomed };
        let mut connection = Connection::new(party, transport, inbox, side, flaw);
        connection.send_first(dial.send.clone());
        let end = connection.run();
        shared.ended("dial", dial.number, end);
        connection.finish(end);
        if flaw == Some(Flaw::DialsAgain) && end.failed {
            dial.open(flaw)?;
        }
        Ok(())
    }

    fn make_key(&self) -> io::Result<Vec<u8>> {
        let _one_at_a_time = lock(&self.making);
        if let Some(key) = self.key.get() {
            return Ok(key.clone());
        }
        let key = generate().map_err(io::Error::other)?;
        if self.shared.wrong.flaw == Some(Flaw::KeyPairReused) {
            return Ok(self.key.get_or_init(|| key).clone());
        }
        Ok(key)
    }
}

impl Dial {
    fn read(input: Input<'_>) -> io::Result<Self> {
        let optional = |name| {
            let there = input.value(name).is_ok_and(|value| !value.is_null());
            there.then(|| input.octets(name)).transpose().map_err(bad)
        };
        let host = input.word("host").map_err(bad)?.parse().map_err(|_| invalid("host".into()))?;
        let port = u16::try_from(input.integer("port").map_err(bad)?);
        let send: Result<_, _> =
            input.list("send").unwrap_or_default().iter().map(octets_of).collect();
        Ok(Self {
            number: input.integer("dial").map_err(bad)?,
            is_ws: input.word("transport").map_err(bad)? == "ws",
            to: SocketAddr::new(host, port.map_err(|_| invalid("port".into()))?),
            client_key: input.octets("client_key").map_err(bad)?,
            pin: optional("pin")?,
            rsa_key: optional("rsa_key")?,
            send: send.map_err(bad)?,
        })
    }

    fn open(&self, flaw: Option<Flaw>) -> io::Result<Transport> {
        let deadline = Instant::now() + OPENING;
        let stream = TcpStream::connect_timeout(&self.to, OPENING)?;
        if self.is_ws {
            Transport::ws_client(stream, self.to, flaw, deadline)
        } else {
            Transport::tcp(stream, flaw)
        }
    }
}

/// A connection's view of the client.
struct Side {
    shared: Arc<Shared>,
    dial: u64,
    since: Instant,
    doomed: bool,
}

impl Surroundings for Side {
    fn opened(&mut self, _: &[u8]) {
        emit(&json!({"dial": self.dial, "event": "open"}));
    }

    fn delivered(&mut self, octets: Vec<u8>) -> Vec<Vec<u8>> {
        emit(&json!({"dial": self.dial, "event": "message", "payload": payload(&octets)}));
        Vec::new()
    }

    fn look_up(&mut self, _: &[u8]) -> Option<Vec<u8>> {
        None // a client is never asked
    }

    fn is_doomed(&self) -> bool {
        self.doomed || self.shared.is_doomed(self.since)
    }
}
