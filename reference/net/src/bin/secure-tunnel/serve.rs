//! `secure-tunnel serve`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secure_tunnel::credentials::Id;
use secure_tunnel::fresh;
use secure_tunnel::handshake::server::Policy;
use secure_tunnel_net::{Accepted, Failure, Limits, Sender, Server, ServerRsa, Tunnel};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use crate::args::{Application, ServeArgs};
use crate::fault::Fault;
use crate::store::{Change, Store, Watcher};
use crate::{files, log, pump};

/// How long connections may take to close when the server ends.
const GRACE: Duration = Duration::from_secs(5);
/// How often the credentials are looked at.
const POLL: Duration = Duration::from_secs(1);

/// The established connections, so that they can be ended.
#[derive(Clone, Default)]
struct Open(Arc<Mutex<Connections>>);

#[derive(Default)]
struct Connections {
    next: u64,
    by_number: HashMap<u64, (Id, Sender)>,
}

pub async fn run(args: ServeArgs) -> Result<(), Fault> {
    let mut watcher = Watcher::new(args.credentials.clone()).map_err(Fault::Input)?;
    let store = watcher.store();
    let policy = match args.release_delay {
        None => Policy::default(),
        Some(delay) => Policy::with_release_delay(delay).ok_or_else(|| {
            Fault::Input(format!("--release-delay: {delay} is not 1 to 9999 milliseconds"))
        })?,
    };
    let key = match &args.rsa_key {
        Some(path) => ServerRsa::Pinned(files::rsa_key(path)?.0),
        None => ServerRsa::Hourly(fresh::rsa_keypair().map_err(|e| Fault::Local(e.to_string()))?),
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
    let unheard = |e| Fault::Network(format!("{transport}://{host}:{}: {e}", args.listen.port));
    let socket = TcpListener::bind((host, args.listen.port)).await.map_err(unheard)?;
    let address = socket.local_addr().map_err(unheard)?;
    if !address.ip().is_loopback() && !pinned {
        let remedy = "Put TLS or SSH around it, or use --rsa-key here and --pin on the clients.";
        log::warn_unauthenticated(address, remedy);
    }
    let look_up = {
        let store = store.clone();
        move |id: Id| core::future::ready(store.look_up(&id))
    };
    let server = Server::new(look_up, key, policy, limits);
    if pinned {
        log::line(format_args!("pin for the clients: {}", hex::encode(server.pin())));
    }
    let mut listener = server.listen(socket, transport);
    log::line(format_args!("listening on {transport}://{address}"));

    let application = Arc::new(args.application);
    let open = Open::default();
    let mut running = JoinSet::new();
    let (mut int, mut term) = signals()?;
    let mut poll = interval(POLL);
    loop {
        tokio::select! {
            accepted = listener.next() => match accepted {
                None => return Err(Fault::Network("the listening socket is gone".to_owned())),
                Some(accepted) => {
                    let (application, open) = (Arc::clone(&application), open.clone());
                    running.spawn(connection(accepted, application, open, store.clone()));
                }
            },
            _ = poll.tick() => {
                // Files are read beside the connections.
                let reading = tokio::task::spawn_blocking(move || {
                    let change = watcher.update();
                    (watcher, change)
                });
                let change;
                (watcher, change) = reading.await.map_err(|e| Fault::Local(e.to_string()))?;
                open.follow(&change);
            }
            Some(_) = running.join_next() => {}
            _ = int.recv() => break,
            _ = term.recv() => break,
        }
    }
    drop(listener);
    log::line(format_args!("closing {} connections", running.len()));
    for (_, sender) in open.lock().by_number.values() {
        let sender = sender.clone();
        tokio::spawn(async move { sender.close().await });
    }
    let all = async { while running.join_next().await.is_some() {} };
    let _ = timeout(GRACE, all).await; // those that did not close are cut off
    Ok(())
}

type Signal = tokio::signal::unix::Signal;

fn signals() -> Result<(Signal, Signal), Fault> {
    let of = |kind| signal(kind).map_err(|e| Fault::Local(format!("signals: {e}")));
    Ok((of(SignalKind::interrupt())?, of(SignalKind::terminate())?))
}

async fn connection(
    Accepted { peer, outcome }: Accepted,
    application: Arc<Application>,
    open: Open,
    store: Store,
) {
    let tunnel = match outcome {
        Ok(tunnel) => tunnel,
        Err(failure) => return log::of(peer, format_args!("refused: {failure}")),
    };
    let Some(id) = tunnel.peer().cloned() else { return };
    log::of(peer, format_args!("connected as {id}"));
    let number = open.enter(id.clone(), tunnel.sender());
    if !store.knows(&id) {
        tunnel.sender().abort(); // revoked in this moment
    }
    let outcome = serve(tunnel, &application, &id, &peer.to_string()).await;
    open.lock().by_number.remove(&number);
    match outcome {
        Ok(()) => log::of(peer, format_args!("({id}) closed")),
        Err(failure) => log::of(peer, format_args!("({id}) ended: {failure}")),
    }
}

async fn serve(tunnel: Tunnel, to: &Application, id: &Id, peer: &str) -> Result<(), Failure> {
    if let Some(address) = &to.forward {
        match TcpStream::connect(address.as_str()).await {
            Ok(stream) => {
                let _ = stream.set_nodelay(true); // only slower
                let (reader, writer) = stream.into_split();
                return pump::run(tunnel, reader, writer).await;
            }
            Err(error) => log::of(peer, format_args!("({id}) --forward {address}: {error}")),
        }
    } else if let Some(command) = &to.exec {
        match start(command, id, peer) {
            Ok((mut child, reader, writer)) => {
                let outcome = pump::run(tunnel, reader, writer).await;
                let _ = child.start_kill(); // unless it has ended
                let _ = child.wait().await;
                return outcome;
            }
            Err(error) => log::of(peer, format_args!("({id}) --exec: {error}")),
        }
    } else {
        return echo(tunnel).await;
    }
    tunnel.sender().abort();
    tunnel.finish().await
}

async fn echo(mut tunnel: Tunnel) -> Result<(), Failure> {
    while let Some(payload) = tunnel.recv().await {
        if tunnel.send(payload).await.is_err() {
            break; // closed by this side
        }
    }
    tunnel.finish().await
}

type Child = (tokio::process::Child, tokio::process::ChildStdout, tokio::process::ChildStdin);

fn start(command: &OsString, id: &Id, peer: &str) -> std::io::Result<Child> {
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(command)
        .env("SECURE_TUNNEL_ID", id.as_str())
        .env("SECURE_TUNNEL_PEER", peer)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let missing = || std::io::Error::other("no pipe to the command");
    let reader = child.stdout.take().ok_or_else(missing)?;
    let writer = child.stdin.take().ok_or_else(missing)?;
    Ok((child, reader, writer))
}

impl Open {
    fn enter(&self, id: Id, sender: Sender) -> u64 {
        let mut open = self.lock();
        let number = open.next;
        open.next += 1;
        open.by_number.insert(number, (id, sender));
        number
    }

    /// Tells of a change, and ends the connections of the clients that were revoked.
    fn follow(&self, change: &Change) {
        for fault in &change.faults {
            log::line(format_args!("{fault}; what it held before stays in force"));
        }
        if let Some(clients) = change.clients {
            log::line(format_args!("credentials of {clients} clients are in force"));
        }
        for (id, sender) in self.lock().by_number.values() {
            if change.revoked.contains(id) {
                log::line(format_args!("{id} is revoked: its connection is cut off"));
                sender.abort();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
