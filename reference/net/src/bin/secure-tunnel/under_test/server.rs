//! The server: echo, and an event for each connection that opens or ends.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, PoisonError, RwLock};

use secure_tunnel::credentials::Id;
use secure_tunnel::handshake::server::{Answer, Policy};
use secure_tunnel::{RsaPrivate, fresh};
use secure_tunnel_net::{Accepted, Failure, Limits, Server, ServerRsa, Tunnel};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::GRACE;
use super::drive::{Entry, Open};
use super::lines::{Credentials, Event, Lines, Octets, Of, Out, Output, Pair, StartServer};

/// The octets of each serverKey by the octets of its id.
type Store = Arc<RwLock<HashMap<Vec<u8>, Vec<u8>>>>;

pub async fn run(start: StartServer, mut lines: Lines, output: &Output) -> Result<(), String> {
    let store: Store = Arc::new(RwLock::new(pairs(start.credentials)));
    let looked_up = Arc::clone(&store);
    let look_up = move |id: Id| {
        let found = read(&looked_up, &id);
        async move { found }
    };
    let key = match &start.rsa_key {
        Some(Octets(der)) => {
            let key = RsaPrivate::from_pkcs8(der).map_err(|e| format!("field rsa_key: {e}"))?;
            ServerRsa::Pinned(key)
        }
        None => ServerRsa::Hourly(fresh::rsa_keypair().map_err(|e| e.to_string())?),
    };
    let policy = match start.release_ms {
        None => Policy::default(),
        Some(delay) => Policy::with_release_delay(delay)
            .ok_or(format!("field release_ms: {delay} is not 1 to 9999"))?,
    };
    let listening = TcpListener::bind((start.host.as_str(), 0)).await;
    let listening = listening.map_err(|e| format!("field host: {}: {e}", start.host))?;
    let port = listening.local_addr().map_err(|e| e.to_string())?.port();
    let server = Server::new(look_up, key, policy, Limits::default());
    let mut listener = server.listen(listening, start.transport.into());
    output.put(Out::ready(Some(port))).await;

    let open = Open::default();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            line = lines.next() => match line? {
                None => break,
                Some(line) if line.has("credentials") => {
                    let Credentials { credentials } = line.parse()?;
                    let pairs = pairs(credentials);
                    let count = pairs.len();
                    *store.write().unwrap_or_else(PoisonError::into_inner) = pairs;
                    output.put(Out::Credentials { credentials: count }).await;
                }
                Some(line) => open.take(&line).await?,
            },
            accepted = listener.next() => match accepted {
                None => return Err("the listening socket is gone".to_owned()),
                Some(accepted) => {
                    running.spawn(connection(accepted, open.clone(), output.lines()));
                }
            },
            Some(_) = running.join_next() => {}
        }
    }
    drop(listener);
    open.close();
    let all = async { while running.join_next().await.is_some() {} };
    let _ = timeout(GRACE, all).await; // those that did not close are cut off
    Ok(())
}

async fn connection(accepted: Accepted, open: Open, lines: mpsc::Sender<Out>) {
    let port = accepted.peer.port();
    let of = Of::Peer(port);
    let outcome = match accepted.outcome {
        Err(failure) => Err(failure),
        Ok(tunnel) => {
            let id = tunnel.peer().map(|id| hex::encode(id.as_str()));
            let entry = open.enter(port.into(), tunnel.sender(), ready(()));
            let _ = lines.send(Out::Event { of, event: Event::Open { id } }).await;
            echo(tunnel, entry).await
        }
    };
    let _ = lines.send(Out::Event { of, event: Event::end(&outcome) }).await;
}

async fn echo(tunnel: Tunnel, entry: Entry) -> Result<(), Failure> {
    let (sender, mut receiver) = tunnel.split();
    while let Some(payload) = receiver.recv().await {
        if sender.send(payload).await.is_err() {
            break; // closed by a line, or at its end: what still arrives is dropped
        }
    }
    drop(entry);
    receiver.finish().await
}

fn pairs(credentials: Vec<Pair>) -> HashMap<Vec<u8>, Vec<u8>> {
    credentials.into_iter().map(|pair| (pair.id.0, pair.server_key.0)).collect()
}

fn read(store: &Store, id: &Id) -> Answer {
    let store = store.read().unwrap_or_else(PoisonError::into_inner);
    match store.get(id.as_str().as_bytes()) {
        Some(key) => Answer::from_stored(key),
        None => Answer::Unknown,
    }
}
