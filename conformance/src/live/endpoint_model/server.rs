//! The model as a server that echoes.

use std::collections::HashMap;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::connection::{Connection, End, Surroundings};
use super::transport::Transport;
use super::{Flaw, Shared, bad, emit, fresh, implementation, invalid, lock};
use crate::model::{Model, Party, generate};
use crate::shim_server::Input;

/// How long the opening handshake of a WebSocket may take.
const OPENING: Duration = Duration::from_secs(30);

pub struct Server {
    shared: Arc<Shared>,
    is_ws: bool,
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
        let rsa_key = match given.map_err(bad)? {
            Some(key) => key,
            None => generate().map_err(io::Error::other)?,
        };
        let release = present(input, "release_ms").then(|| input.integer("release_ms")).transpose();
        let listener = TcpListener::bind((input.word("host").map_err(bad)?, 0))?;
        let server = Arc::new(Self {
            shared: Arc::clone(shared),
            is_ws,
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
        let transport = if self.is_ws {
            Transport::ws_server(stream, flaw, Instant::now() + OPENING)?
        } else {
            Transport::tcp(stream, flaw)?
        };
        let model = Model::new(shared.wrong.bug, Arc::clone(&shared.cache));
        let k: [u8; 48] = if flaw == Some(Flaw::SessionKeyReused) { [0x4b; 48] } else { fresh()? };
        let party = Party::server(&model, &self.rsa_key, &k, self.release)
            .map_err(|_| invalid("rsa_key is no PKCS#8 key".into()))?;
        let inbox = shared.connect(peer)?;
        let side = Side { server: Arc::clone(self), peer, since: Instant::now(), poisoned };
        let mut connection = Connection::new(party, transport, inbox, side, flaw);
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
}

impl Surroundings for Side {
    fn opened(&mut self, id: &[u8]) {
        emit(&json!({"event": "open", "peer": self.peer, "id": hex::encode(id)}));
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

    fn is_doomed(&self) -> bool {
        self.poisoned || self.server.shared.is_doomed(self.since)
    }
}

fn present(input: Input<'_>, name: &str) -> bool {
    input.value(name).is_ok_and(|value| !value.is_null())
}

fn credentials(input: Input<'_>) -> io::Result<HashMap<Vec<u8>, Vec<u8>>> {
    let pairs = input.objects("credentials").map_err(bad)?;
    let pair = |pair: Input<'_>| Ok((pair.octets("id")?, pair.octets("server_key")?));
    pairs.into_iter().map(pair).collect::<Result<_, _>>().map_err(bad)
}
