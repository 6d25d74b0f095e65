//! The model as a client that dials when it is told to.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::json;

use super::connection::{Connection, End, Inbox, Surroundings};
use super::tls::{self, alone};
use super::transport::Transport;
use super::{Flaw, Shared, Wrong, bad, emit, fresh, invalid, lock, payload};
use crate::model::{Failure, Model, Party, generate};
use crate::shim_server::{Input, octets_of};

/// How long a connection and its WebSocket may take to open: as long as M1 may (HS-060).
const OPENING: Duration = Duration::from_secs(10);

pub struct Client {
    shared: Arc<Shared>,
    /// For [`Flaw::KeyPairReused`].
    key: OnceLock<Vec<u8>>,
    /// Keys are made one after the other: each takes all of a processor.
    making: Mutex<()>,
    sessions: tls::client::Sessions,
}

/// What a `dial` line says.
#[derive(Clone)]
struct Dial {
    number: u64,
    is_ws: bool,
    to: SocketAddr,
    tls: Option<tls::client::Dial>,
    client_key: Vec<u8>,
    pin: Option<Vec<u8>>,
    rsa_key: Option<Vec<u8>>,
    send: Vec<Vec<u8>>,
}

impl Client {
    pub fn new(shared: &Arc<Shared>) -> Self {
        let (key, making, sessions) = Default::default();
        Self { shared: Arc::clone(shared), key, making, sessions }
    }

    /// Dials, in a thread of its own.
    pub fn dial(self: &Arc<Self>, input: Input<'_>) -> io::Result<()> {
        let dial = Dial::read(input, self.shared.wrong)?;
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
        let rsa_key = match (&dial.rsa_key, &dial.tls) {
            (Some(key), _) => key.clone(),
            (None, Some(tls)) if !tls.tunnel => Vec::new(),
            (None, _) => self.make_key()?,
        };
        let since = Instant::now();
        let mut side =
            Side { shared: Arc::clone(shared), dial: dial.number, since, doomed, tls: None };
        let (transport, bound) = match &dial.tls {
            None => (dial.open(flaw)?, None),
            Some(tls) => {
                let secured = match self.secure(&dial, tls) {
                    Ok(secured) => secured,
                    Err(code) => {
                        if flaw == Some(Flaw::OpenBeforeAdmission) {
                            side.report();
                        }
                        shared.ended("dial", dial.number, tls::refused(code));
                        return Ok(());
                    }
                };
                side.tls = Some(secured.peer);
                if !tls.tunnel {
                    side.report();
                    let report = |end| shared.ended("dial", dial.number, end);
                    alone::run(secured.stream, &inbox, &mut side, dial.send.concat(), flaw, report);
                    return Ok(());
                }
                (
                    Transport::stream(Box::new(secured.stream), flaw),
                    Some((secured.exporter, secured.begun)),
                )
            }
        };
        let model = Model::new(shared.wrong.bug, Arc::clone(&shared.cache));
        let r: [u8; 14] = if flaw == Some(Flaw::RandomReused) { [0x72; 14] } else { fresh()? };
        let mut party = Party::client(&model, &dial.client_key, dial.pin.as_deref(), &rsa_key, &r)
            .map_err(|_| invalid("client_key or rsa_key can't be read".into()))?;
        if let Some((Some(exporter), _)) = bound {
            party.bind(exporter);
        }
        let mut connection = Connection::new(party, transport, inbox, side, flaw);
        if let Some((_, begun)) = bound {
            connection.begun(begun);
        }
        connection.send_first(dial.send.clone());
        let end = connection.run();
        shared.ended("dial", dial.number, end);
        connection.finish(end);
        if flaw == Some(Flaw::DialsAgain) && end.failed {
            dial.open(flaw)?;
        }
        Ok(())
    }

    /// Connects and runs the handshake of TLS.
    fn secure(&self, dial: &Dial, tls: &tls::client::Dial) -> Result<tls::Secured, tls::Code> {
        let flaw = self.shared.wrong.flaw;
        tls.server_name()?; // before anything is sent
        let connect = || {
            TcpStream::connect_timeout(&dial.to, OPENING).map_err(|e| match e.kind() {
                io::ErrorKind::TimedOut => "timeout",
                _ => "handshake",
            })
        };
        let secured = self.sessions.connect(tls, connect()?);
        if secured.is_err() && flaw == Some(Flaw::FallsBack) {
            return self.sessions.connect(&tls.with_tls12(), connect()?);
        }
        secured
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
    fn read(input: Input<'_>, wrong: Wrong) -> io::Result<Self> {
        let tls = input.value("tls").ok().and_then(|tls| tls.as_object()).map(Input::from);
        let tls = tls.map(|tls| tls::client::Dial::read(tls, wrong)).transpose()?;
        let has_tunnel = tls.as_ref().is_none_or(|tls| tls.tunnel);
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
            tls,
            client_key: if has_tunnel {
                input.octets("client_key").map_err(bad)?
            } else {
                Vec::new()
            },
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
    tls: Option<tls::Peer>,
}

impl Side {
    fn report(&self) {
        let mut line = json!({"dial": self.dial, "event": "open"});
        if let Some(peer) = &self.tls {
            line["tls"] = peer.to_json(self.shared.wrong.flaw);
        }
        emit(&line);
    }
}

impl Surroundings for Side {
    fn opened(&mut self, _: &[u8]) -> Result<(), Failure> {
        self.report();
        Ok(())
    }

    fn delivered(&mut self, octets: Vec<u8>) -> Vec<Vec<u8>> {
        emit(&json!({"dial": self.dial, "event": "message", "payload": payload(&octets)}));
        Vec::new()
    }

    fn look_up(&mut self, _: &[u8]) -> Option<Vec<u8>> {
        None // a client is never asked
    }

    fn ends_now(&mut self) -> Option<End> {
        let is_doomed = self.doomed || self.shared.is_doomed(self.since);
        is_doomed.then_some(End { clean: false, code: None, failed: false })
    }
}

impl alone::Application for Side {
    fn received(&mut self, octets: &[u8]) -> Vec<u8> {
        emit(&json!({"dial": self.dial, "event": "message", "payload": payload(octets)}));
        Vec::new()
    }

    fn ends_now(&mut self) -> Option<End> {
        Surroundings::ends_now(self)
    }
}
