//! The server: echo, and an event for each connection that opens or ends.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, PoisonError, RwLock};

use secure_tunnel::credentials::Id;
use secure_tunnel::handshake::server::{Answer, Policy};
use secure_tunnel::{RsaPrivate, fresh};
use secure_tunnel_net::{
    Accepted, Failure, Limits, Listener, Server, ServerRsa, TlsServer, TlsStream, Tunnel,
};
use secure_tunnel_tls::{PeerInfo, ServerTls};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::GRACE;
use super::drive::{Entry, Open, Sink};
use super::lines::{Credentials, Event, Lines, Octets, Of, Out, Output, Pair, Scheme, StartServer};
use super::tls::lines::{ChangeLine, Told};
use super::tls::server::Configured;
use super::tls::{Fault, stream};

/// The octets of each serverKey by the octets of its id.
type Store = Arc<RwLock<HashMap<Vec<u8>, Vec<u8>>>>;

/// What lines can change.
struct Changeable {
    store: Store,
    tls: Option<Configured>,
}

/// What a connection needs.
#[derive(Clone)]
struct Shared {
    open: Open,
    lines: mpsc::Sender<Out>,
    tls: Option<Arc<ServerTls>>,
}

pub async fn run(start: StartServer, lines: Lines, output: &Output) -> Result<(), String> {
    let StartServer { transport, host, credentials, rsa_key, release_ms, tls } = start;
    if tls.is_some() && transport != Scheme::Tcp {
        return Err("field transport: TLS runs around tcp here".to_owned());
    }
    let tunnel = tls.as_ref().is_none_or(|tls| tls.tunnel);
    let tls = match tls.map(Configured::new).transpose() {
        Ok(tls) => tls,
        Err(Fault::Unsupported(what)) => {
            output.put(Out::unsupported(what)).await;
            return Ok(());
        }
        Err(Fault::Caller(error)) => return Err(format!("field tls: {error}")),
    };
    let secured = tls.as_ref().map(|tls| Arc::clone(tls.tls()));
    let store: Store = Arc::default();
    let changeable = Changeable { store: Arc::clone(&store), tls };
    let shared = Shared { open: Open::default(), lines: output.lines(), tls: secured.clone() };

    let listening = TcpListener::bind((host.as_str(), 0)).await;
    let listening = listening.map_err(|e| format!("field host: {host}: {e}"))?;
    let port = listening.local_addr().map_err(|e| e.to_string())?.port();
    let open = shared.open.clone();
    if let (false, Some(tls)) = (tunnel, &secured) {
        let listener = TlsServer::new(Arc::clone(tls), Limits::default()).listen(listening);
        output.put(Out::ready(Some(port))).await;
        let with = move |accepted| plain(accepted, shared.clone());
        return serve(listener, changeable, open, lines, output, with).await;
    }
    let credentials = credentials.ok_or("the first line lacks the field credentials")?;
    *store.write().unwrap_or_else(PoisonError::into_inner) = pairs(credentials);
    let look_up = move |id: Id| {
        let found = read(&store, &id);
        async move { found }
    };
    let key = match &rsa_key {
        Some(Octets(der)) => {
            let key = RsaPrivate::from_pkcs8(der).map_err(|e| format!("field rsa_key: {e}"))?;
            ServerRsa::Pinned(key)
        }
        None => ServerRsa::Hourly(fresh::rsa_keypair().map_err(|e| e.to_string())?),
    };
    let policy = match release_ms {
        None => Policy::default(),
        Some(delay) => Policy::with_release_delay(delay)
            .ok_or(format!("field release_ms: {delay} is not 1 to 9999"))?,
    };
    let mut server = Server::new(look_up, key, policy, Limits::default());
    if let Some(tls) = secured {
        server = server.with_tls(tls);
    }
    let listener = server.listen(listening, transport.into());
    output.put(Out::ready(Some(port))).await;
    let with = move |accepted| connection(accepted, shared.clone());
    serve(listener, changeable, open, lines, output, with).await
}

/// Serves what is accepted until standard input ends.
async fn serve<T, F>(
    mut listener: Listener<T>,
    mut changeable: Changeable,
    open: Open,
    mut lines: Lines,
    output: &Output,
    with: impl Fn(Accepted<T>) -> F,
) -> Result<(), String>
where
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            line = lines.next() => match line? {
                None => break,
                Some(line) if line.has("credentials") => {
                    let Credentials { credentials } = line.parse()?;
                    let pairs = pairs(credentials);
                    let count = pairs.len();
                    let store = &changeable.store;
                    *store.write().unwrap_or_else(PoisonError::into_inner) = pairs;
                    output.put(Out::Credentials { credentials: count }).await;
                }
                Some(line) if line.has("tls") => {
                    let ChangeLine { tls: change } = line.parse()?;
                    let Some(configured) = &mut changeable.tls else { return line.unknown() };
                    configured.change(change);
                    open.recheck(configured.tls());
                    output.put(Out::Tls { tls: true }).await;
                }
                Some(line) => open.take(&line).await?,
            },
            accepted = listener.next() => match accepted {
                None => return Err("the listening socket is gone".to_owned()),
                Some(accepted) => { running.spawn(with(accepted)); }
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

async fn connection(accepted: Accepted, shared: Shared) {
    let port = accepted.peer.port();
    let outcome = match accepted.outcome {
        Err(failure) => Err(failure),
        Ok(tunnel) => {
            let id = tunnel.peer().map(|id| hex::encode(id.as_str()));
            let entry = shared.enter(port, Sink::Tunnel(tunnel.sender()), tunnel.tls());
            shared.opened(port, &entry, id, tunnel.tls()).await;
            let outcome = echo(tunnel).await;
            entry.ended(outcome)
        }
    };
    shared.event(port, Event::end(&outcome)).await;
}

/// Without a tunnel inside.
async fn plain(accepted: Accepted<TlsStream>, shared: Shared) {
    let port = accepted.peer.port();
    let outcome = match accepted.outcome {
        Err(failure) => Err(failure),
        Ok(tls) => {
            let peer = Arc::clone(tls.peer());
            let (sender, commands) = stream::queue();
            let entry = shared.enter(port, Sink::Stream(sender.clone()), Some(&peer));
            shared.opened(port, &entry, None, Some(&peer)).await;
            let echo = |octets| {
                let sender = sender.clone();
                async move {
                    sender.send(octets).await; // closed by a line: what still arrives is dropped
                }
            };
            let outcome = stream::run(tls, commands, echo).await;
            entry.ended(outcome)
        }
    };
    shared.event(port, Event::end(&outcome)).await;
}

impl Shared {
    fn enter(&self, port: u16, sink: Sink, peer: Option<&Arc<PeerInfo>>) -> Entry {
        self.open.enter(port.into(), sink, peer.cloned(), ready(()))
    }

    /// Tells of a connection that is established, unless a change has refused its client in this moment.
    async fn opened(
        &self,
        port: u16,
        entry: &Entry,
        id: Option<String>,
        peer: Option<&Arc<PeerInfo>>,
    ) {
        if self.tls.as_ref().is_none_or(|tls| entry.recheck(tls)) {
            let tls = peer.map(|peer| Told::of(peer));
            self.event(port, Event::Open { id, tls }).await;
        }
    }

    async fn event(&self, port: u16, event: Event) {
        let _ = self.lines.send(Out::Event { of: Of::Peer(port), event }).await;
    }
}

async fn echo(tunnel: Tunnel) -> Result<(), Failure> {
    let (sender, mut receiver) = tunnel.split();
    while let Some(payload) = receiver.recv().await {
        if sender.send(payload).await.is_err() {
            break; // closed by a line, or at its end: what still arrives is dropped
        }
    }
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
