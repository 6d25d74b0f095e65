//! `secure-tunnel serve`.

mod application;
mod open;

use std::sync::Arc;
use std::time::Duration;

use secure_tunnel::credentials::Id;
use secure_tunnel::fresh;
use secure_tunnel::handshake::server::Policy;
use secure_tunnel_net::{
    Accepted, Failure, Limits, Listener, Server, ServerRsa, TlsServer, TlsStream,
};
use secure_tunnel_tls::ServerTls;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use crate::args::{Application, ServeArgs};
use crate::fault::Fault;
use crate::store::{Store, Watcher};
use crate::tls::{self, Guard};
use crate::{files, log};
use open::{End, One, Open};

/// How long connections may take to close when the server ends.
const GRACE: Duration = Duration::from_secs(5);
/// How often credentials, lists and CRLs are looked at.
// spec: TLS-076
const POLL: Duration = Duration::from_secs(1);

/// What connections share.
#[derive(Clone)]
struct Shared {
    application: Arc<Application>,
    open: Open,
    tls: Option<Arc<ServerTls>>,
    idle: Option<Duration>,
}

/// The files that are read again when they change.
struct Watching {
    credentials: Option<Watcher>,
    tls: Option<Guard>,
}

pub async fn run(args: ServeArgs) -> Result<(), Fault> {
    let credentials = match args.credentials.clone() {
        Some(path) => Some(Watcher::new(path).map_err(Fault::Input)?),
        None => None, // --plain-tls
    };
    let policy = match args.release_delay {
        None => Policy::default(),
        Some(delay) => Policy::with_release_delay(delay).ok_or_else(|| {
            Fault::Input(format!("--release-delay: {delay} is not 1 to 9999 milliseconds"))
        })?,
    };
    let key = match &args.rsa_key {
        Some(path) => Some(ServerRsa::Pinned(files::rsa_key(path)?.0)),
        None if credentials.is_none() => None,
        None => {
            let key = fresh::rsa_keypair().map_err(|e| Fault::Local(e.to_string()))?;
            Some(ServerRsa::Hourly(key))
        }
    };
    let pinned = args.rsa_key.is_some();
    let idle = args.idle.map(Duration::from_secs);
    let limits = Limits {
        idle,
        connections: args.max_connections,
        per_address: args.max_per_address,
        ..Limits::default()
    };
    let (host, transport) = (args.listen.host.as_str(), args.listen.transport);
    let guard = tls::server(&args.tls, transport)?;
    let tls = guard.as_ref().map(|guard| Arc::clone(guard.tls()));

    let unheard = |e| Fault::Network(format!("{transport}://{host}:{}: {e}", args.listen.port));
    let socket = TcpListener::bind((host, args.listen.port)).await.map_err(unheard)?;
    let address = socket.local_addr().map_err(unheard)?;
    if !address.ip().is_loopback() && !pinned && tls.is_none() {
        let remedy = "Use --tls-cert here and --server-ca on the clients, put SSH around it, or use --rsa-key here and \
                      --pin on the clients.";
        log::warn_unauthenticated(address, remedy);
    }
    let application = Arc::new(args.application);
    let shared = Shared { application, open: Open::default(), tls: tls.clone(), idle };
    let store = credentials.as_ref().map(Watcher::store);
    let watching = Watching { credentials, tls: guard };
    let heard = || log::line(format_args!("listening on {transport}://{address}"));
    match (store, key, tls) {
        (Some(store), Some(key), tls) => {
            let known = store.clone();
            let look_up = move |id: Id| core::future::ready(known.look_up(&id));
            let mut server = Server::new(look_up, key, policy, limits);
            if pinned {
                log::line(format_args!("pin for the clients: {}", hex::encode(server.pin())));
            }
            if let Some(tls) = tls {
                server = server.with_tls(tls);
            }
            let listener = server.listen(socket, transport);
            heard();
            let open = shared.open.clone();
            let with = move |accepted| tunnel(accepted, shared.clone(), store.clone());
            serve(listener, watching, open, with).await
        }
        (_, _, Some(tls)) => {
            let listener = TlsServer::new(tls, limits).listen(socket);
            heard();
            let open = shared.open.clone();
            serve(listener, watching, open, move |accepted| plain(accepted, shared.clone())).await
        }
        _ => Err(Fault::Input("neither credentials nor TLS".to_owned())), // refused by the arguments
    }
}

/// Serves what is accepted until a signal.
async fn serve<T, F>(
    mut listener: Listener<T>,
    mut watching: Watching,
    open: Open,
    with: impl Fn(Accepted<T>) -> F,
) -> Result<(), Fault>
where
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    let (mut int, mut term) = signals()?;
    let mut poll = interval(POLL);
    loop {
        tokio::select! {
            accepted = listener.next() => match accepted {
                None => return Err(Fault::Network("the listening socket is gone".to_owned())),
                Some(accepted) => { running.spawn(with(accepted)); }
            },
            _ = poll.tick() => {
                // Files are read, and certificates checked again, beside the connections.
                let open = open.clone();
                let reading = tokio::task::spawn_blocking(move || watching.follow(&open));
                watching = reading.await.map_err(|e| Fault::Local(e.to_string()))?;
            }
            Some(_) = running.join_next() => {}
            _ = int.recv() => break,
            _ = term.recv() => break,
        }
    }
    drop(listener);
    log::line(format_args!("closing {} connections", running.len()));
    open.close();
    let all = async { while running.join_next().await.is_some() {} };
    let _ = timeout(GRACE, all).await; // those that did not close are cut off
    Ok(())
}

fn signals() -> Result<(Signal, Signal), Fault> {
    let of = |kind| signal(kind).map_err(|e| Fault::Local(format!("signals: {e}")));
    Ok((of(SignalKind::interrupt())?, of(SignalKind::terminate())?))
}

impl Watching {
    fn follow(mut self, open: &Open) -> Self {
        if let Some(credentials) = &mut self.credentials {
            open.follow(&credentials.update());
        }
        if let Some(guard) = &mut self.tls {
            let change = guard.update();
            open.follow_tls(&change, guard.tls());
        }
        self
    }
}

async fn tunnel(Accepted { peer, outcome }: Accepted, shared: Shared, store: Store) {
    let tunnel = match outcome {
        Ok(tunnel) => tunnel,
        Err(failure) => return log::of(peer, format_args!("refused: {failure}")),
    };
    let Some(id) = tunnel.peer().cloned() else { return };
    let tls = tunnel.tls().cloned();
    match &tls {
        Some(tls) => log::of(peer, format_args!("connected as {id}: {}", tls::described(tls))),
        None => log::of(peer, format_args!("connected as {id}")),
    }
    let end = End::Tunnel(tunnel.sender());
    let number = shared.enter(One { id: Some(id.clone()), tls, end });
    if !store.knows(&id) {
        tunnel.sender().abort(); // revoked in this moment
    }
    let told = |fault| log::of(peer, format_args!("({id}) {fault}"));
    let outcome =
        application::tunnel(tunnel, &shared.application, &id, &peer.to_string(), told).await;
    shared.open.leave(number);
    match outcome {
        Ok(()) => log::of(peer, format_args!("({id}) closed")),
        Err(failure) => log::of(peer, format_args!("({id}) ended: {failure}")),
    }
}

async fn plain(Accepted { peer, outcome }: Accepted<TlsStream>, shared: Shared) {
    let mut stream = match outcome {
        Ok(stream) => stream,
        Err(failure) => return log::of(peer, format_args!("refused: {failure}")),
    };
    let tls = Arc::clone(stream.peer());
    log::of(peer, format_args!("connected: {}", tls::described(&tls)));
    let ended = Arc::new(Notify::new());
    let end = End::Plain(Arc::clone(&ended));
    let number = shared.enter(One { id: None, tls: Some(Arc::clone(&tls)), end });
    let who = tls.identity.as_ref().map(|identity| format!("({identity}) ")).unwrap_or_default();
    let told = |fault| log::of(peer, format_args!("{who}{fault}"));
    let name = peer.to_string();
    let outcome = tokio::select! {
        outcome = application::plain(&mut stream, &shared.application, &name, shared.idle, told) => outcome,
        () = ended.notified() => Err(Failure::Aborted),
    };
    stream.finish().await;
    shared.open.leave(number);
    match outcome {
        Ok(()) => log::of(peer, format_args!("{who}closed")),
        Err(failure) => log::of(peer, format_args!("{who}ended: {failure}")),
    }
}

impl Shared {
    /// Notes a connection, and cuts it off if its client has been refused since TLS let it in.
    // spec: TLS-077
    fn enter(&self, one: One) -> u64 {
        let (tls, end) = (one.tls.clone(), one.end.clone());
        let number = self.open.enter(one);
        if let Some(server) = &self.tls
            && let Some(refusal) = open::refused(server, tls.as_deref())
        {
            log::line(format_args!("{refusal}: its connection is cut off"));
            end.cut();
        }
        number
    }
}
