//! The model as a server that echoes.

use std::collections::HashMap;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::connection::{Connection, End, Surroundings};
use super::tls::{self, alone};
use super::transport::Transport;
use super::{Flaw, Shared, bad, emit, fresh, implementation, invalid, lock};
use crate::model::{Failure, Model, Party, generate};
use crate::shim_server::Input;

/// How long the opening handshake of a WebSocket may take.
const OPENING: Duration = Duration::from_secs(30);

pub struct Server {
    shared: Arc<Shared>,
    is_ws: bool,
    tls: Option<Arc<tls::server::Server>>,
    rsa_key: Vec<u8>,
    release: Option<u64>,
    /// serverKeys by id.
    keys: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    /// For [`Flaw::LookUpCached`].
    cached: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    /// For [`Flaw::OneAtATime`].
    turn: Mutex<()>,
}

impl Server {
    /// Listens and says so.
    pub fn start(shared: &Arc<Shared>, input: Input<'_>) -> io::Result<Arc<Self>> {
        let is_ws = match input.word("transport").map_err(bad)? {
            "ws" => true,
            "tcp" => false,
            other => return Err(invalid(format!("no transport {other}"))),
        };
        let given = present(input, "rsa_key").then(|| input.octets("rsa_key")).transpose();
        let tls = present(input, "tls").then(|| input.value("tls")).transpose().map_err(bad)?;
        let tls = tls.and_then(|tls| tls.as_object()).map(Input::from);
        let tls = tls.map(|tls| tls::server::Server::read(tls, shared.wrong)).transpose()?;
        let rsa_key = match given.map_err(bad)? {
            Some(key) => key,
            None if tls.as_ref().is_some_and(|tls| !tls.tunnel) => Vec::new(),
            None => generate().map_err(io::Error::other)?,
        };
        let release = present(input, "release_ms").then(|| input.integer("release_ms")).transpose();
        let listener = TcpListener::bind((input.word("host").map_err(bad)?, 0))?;
        let server = Arc::new(Self {
            shared: Arc::clone(shared),
            is_ws,
            tls: tls.map(Arc::new),
            rsa_key,
            release: release.map_err(bad)?,
            keys: Mutex::new(credentials(input)?),
            cached: Mutex::default(),
            turn: Mutex::default(),
        });
        let port = listener.local_addr()?.port();
        let for_thread = Arc::clone(&server);
        thread::spawn(move || for_thread.listen(&listener));
        emit(&json!({"ready": true, "port": port, "implementation": implementation()}));
        Ok(server)
    }

    /// Replaces what the look-up knows.
    pub fn replace(&self, input: Input<'_>) -> io::Result<()> {
        let keys = credentials(input)?;
        let count = keys.len();
        *lock(&self.keys) = keys;
        emit(&json!({ "credentials": count }));
        Ok(())
    }

    /// Takes a line with `tls`.
    pub fn change(&self, input: Input<'_>) -> io::Result<()> {
        let change = input.value("tls").map_err(bad)?.as_object();
        match (&self.tls, change) {
            (Some(tls), Some(change)) => tls.change(Input::from(change))?,
            _ => return Err(invalid("a change of tls that can't be made".into())),
        }
        emit(&json!({"tls": true}));
        Ok(())
    }

    fn listen(self: Arc<Self>, listener: &TcpListener) {
        loop {
            let Ok((stream, peer)) = listener.accept() else { continue };
            let server = Arc::clone(&self);
            self.shared.spawn(move || {
                let one = server.shared.wrong.flaw == Some(Flaw::OneAtATime);
                let _turn = one.then(|| lock(&server.turn));
                let key = u64::from(peer.port());
                // Without a WebSocket there is no connection yet that could have ended.
                if let Err(e) = server.serve(stream, key) {
                    eprintln!("peer {key}: {e}");
                    server.shared.ended(
                        "peer",
                        key,
                        End { clean: false, code: None, failed: true },
                    );
                }
            });
        }
    }

    fn serve(self: &Arc<Self>, stream: TcpStream, peer: u64) -> io::Result<()> {
        let shared = &self.shared;
        let flaw = shared.wrong.flaw;
        let poisoned = shared.is_poisoned();
        let mut side =
            Side { server: Arc::clone(self), peer, since: Instant::now(), poisoned, tls: None };
        let (transport, bound) = match &self.tls {
            None if self.is_ws => {
                (Transport::ws_server(stream, flaw, Instant::now() + OPENING)?, None)
            }
            None => (Transport::tcp(stream, flaw)?, None),
            Some(tls) => {
                let secured = match tls.accept(stream) {
                    Ok(secured) => secured,
                    Err(code) => {
                        if flaw == Some(Flaw::OpenBeforeAdmission) {
                            emit(&json!({"event": "open", "peer": peer}));
                        }
                        shared.ended("peer", peer, tls::refused(code));
                        return Ok(());
                    }
                };
                side.tls = Some((secured.peer, tls.changes()));
                if !tls.tunnel {
                    let inbox = shared.connect(peer)?;
                    side.report(None);
                    let report = |end| shared.ended("peer", peer, end);
                    alone::run(secured.stream, &inbox, &mut side, Vec::new(), flaw, report);
                    return Ok(());
                }
                (
                    Transport::stream(Box::new(secured.stream), flaw),
                    Some((secured.exporter, secured.begun)),
                )
            }
        };
        let model = Model::new(shared.wrong.bug, Arc::clone(&shared.cache));
        let k: [u8; 48] = if flaw == Some(Flaw::SessionKeyReused) { [0x4b; 48] } else { fresh()? };
        let mut party = Party::server(&model, &self.rsa_key, &k, self.release)
            .map_err(|_| invalid("rsa_key is no PKCS#8 key".into()))?;
        if let Some((Some(exporter), _)) = bound {
            party.bind(exporter);
        }
        let inbox = shared.connect(peer)?;
        let mut connection = Connection::new(party, transport, inbox, side, flaw);
        if let Some((_, begun)) = bound {
            connection.begun(begun);
        }
        let end = connection.run();
        shared.ended("peer", peer, end);
        connection.finish(end);
        Ok(())
    }
}

/// A connection's view of the server.
struct Side {
    server: Arc<Server>,
    peer: u64,
    since: Instant,
    poisoned: bool,
    /// The client that TLS knows, and the change of the configuration under which it was last looked at.
    tls: Option<(tls::Peer, u64)>,
}

impl Side {
    fn report(&self, id: Option<&[u8]>) {
        let mut line = json!({"event": "open", "peer": self.peer});
        if let Some(id) = id {
            line["id"] = hex::encode(id).into();
        }
        if let Some((peer, _)) = &self.tls {
            line["tls"] = peer.to_json(self.server.shared.wrong.flaw);
        }
        emit(&line);
    }

    /// Why TLS wants the connection to end.
    fn refused_now(&mut self) -> Option<tls::Code> {
        let (tls, (peer, seen)) = (self.server.tls.as_ref()?, self.tls.as_mut()?);
        let changes = tls.changes();
        if changes == *seen {
            return None;
        }
        *seen = changes;
        tls.recheck(peer)
    }
}

impl Surroundings for Side {
    fn opened(&mut self, id: &[u8]) -> Result<(), Failure> {
        if let (Some(tls), Some((peer, _))) = (&self.server.tls, &self.tls)
            && !tls.admits(peer, id)
        {
            return Err(Failure::of("id_mismatch"));
        }
        self.report(Some(id));
        Ok(())
    }

    fn delivered(&mut self, payload: Vec<u8>) -> Vec<Vec<u8>> {
        vec![payload]
    }

    fn look_up(&mut self, id: &[u8]) -> Option<Vec<u8>> {
        let found = lock(&self.server.keys).get(id).cloned();
        if self.server.shared.wrong.flaw != Some(Flaw::LookUpCached) {
            return found;
        }
        let mut cached = lock(&self.server.cached);
        if let Some(found) = found {
            cached.entry(id.to_vec()).or_insert(found);
        }
        cached.get(id).cloned()
    }

    fn ends_now(&mut self) -> Option<End> {
        if self.poisoned || self.server.shared.is_doomed(self.since) {
            return Some(End { clean: false, code: None, failed: false });
        }
        self.refused_now().map(tls::refused)
    }
}

impl alone::Application for Side {
    fn received(&mut self, octets: &[u8]) -> Vec<u8> {
        octets.to_vec()
    }

    fn ends_now(&mut self) -> Option<End> {
        Surroundings::ends_now(self)
    }
}

fn present(input: Input<'_>, name: &str) -> bool {
    input.value(name).is_ok_and(|value| !value.is_null())
}

fn credentials(input: Input<'_>) -> io::Result<HashMap<Vec<u8>, Vec<u8>>> {
    if !present(input, "credentials") {
        return Ok(HashMap::new()); // with TLS alone
    }
    let pairs = input.objects("credentials").map_err(bad)?;
    let pair = |pair: Input<'_>| Ok((pair.octets("id")?, pair.octets("server_key")?));
    pairs.into_iter().map(pair).collect::<Result<_, _>>().map_err(bad)
}
