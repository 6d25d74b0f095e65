//! The server: handshakes on accepted connections, within limits.

use core::fmt;
use core::future::Future;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secure_tunnel::credentials::Id;
use secure_tunnel::handshake::SharedKey;
use secure_tunnel::handshake::server::{Answer, Policy};
use secure_tunnel::{RsaPrivate, fresh};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, sleep_until, timeout};

use crate::clock::Clock;
use crate::error::Failure;
use crate::handshake::{self, ServerSide};
use crate::places::{Place, Places};
use crate::transport::{BoxRead, BoxWrite, Role, Transport, Wire};
use crate::tunnel::Tunnel;

/// How long a client may take for its HTTP request.
const UPGRADE: Duration = Duration::from_secs(10);

/// The store of serverKeys: `getCredentials`. A function from an [`Id`] to a future of an [`Answer`] is one.
///
/// It may be slow; an answer that does not come in time, and a panic, count as [`Answer::Failed`].
pub trait Credentials: Send + Sync + 'static {
    /// Looks up the serverKey of `id`, which is only *claimed*: nothing may be told or done but the look-up.
    fn look_up(&self, id: Id) -> impl Future<Output = Answer> + Send;
}

impl<F, A> Credentials for F
where
    F: Fn(Id) -> A + Send + Sync + 'static,
    A: Future<Output = Answer> + Send,
{
    fn look_up(&self, id: Id) -> impl Future<Output = Answer> + Send {
        self(id)
    }
}

/// The RSA key that a server shares among its handshakes.
#[derive(Debug)]
pub enum ServerRsa {
    /// For clients that do not pin it: replaced each hour while a [`Listener`] lives (HS-078).
    Hourly(RsaPrivate),
    /// For clients that were given its pin: kept.
    Pinned(RsaPrivate),
}

/// What a server allows. The default suits a machine that does little else.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// RSA private operations at the same time, each 10 to 14 ms of a core; by default one for each core.
    pub rsa_operations: usize,
    /// Connections in their handshake. One more, and the one that has waited longest is ended; 1,024 by default.
    pub half_open: usize,
    /// Connections, established or not. With so many, no more are accepted until one ends; 10,000 by default.
    pub connections: usize,
    /// Connections from one address (of IPv6 the first 64 bits), established or not; one more is ended at once. By default
    /// 1,000, and as many as come from the loopback interface, where a proxy may stand for all; a number counts there too.
    pub per_address: Option<usize>,
    /// An established connection ends when nothing has arrived, or nothing could be sent, for so long; by default never.
    pub idle: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            rsa_operations: cores,
            half_open: 1_024,
            connections: 10_000,
            per_address: None,
            idle: None,
        }
    }
}

/// A server. Clones share everything.
pub struct Server<C> {
    inner: Arc<Inner<C>>,
}

struct Inner<C> {
    credentials: C,
    key: Mutex<SharedKey>,
    hourly: bool,
    policy: Policy,
    limits: Limits,
    rsa: Arc<Semaphore>,
    half_open: HalfOpen,
    places: Places,
    clock: Clock,
}

impl<C: Credentials> Server<C> {
    /// A server with a store and an RSA key. To be called within a tokio runtime.
    #[must_use]
    pub fn new(credentials: C, key: ServerRsa, policy: Policy, limits: Limits) -> Self {
        let clock = Clock::start();
        let (key, hourly) = match key {
            ServerRsa::Hourly(key) => (key, true),
            ServerRsa::Pinned(key) => (key, false),
        };
        let inner = Inner {
            credentials,
            key: Mutex::new(SharedKey::new(key, clock.tick())),
            hourly,
            policy,
            limits,
            rsa: Arc::new(Semaphore::new(limits.rsa_operations.max(1))),
            half_open: HalfOpen::new(limits.half_open.max(1)),
            places: Places::new(limits.connections, limits.per_address),
            clock,
        };
        Self { inner: Arc::new(inner) }
    }

    /// SHA-256 of M1, for clients that are to pin it; of use where the key is [`ServerRsa::Pinned`].
    #[must_use]
    pub fn pin(&self) -> [u8; 32] {
        self.inner.key().current().public().pin()
    }

    /// The store.
    #[must_use]
    pub fn credentials(&self) -> &C {
        &self.inner.credentials
    }

    /// Runs the handshake on one connection, such as a TLS stream that was accepted elsewhere. After a failure it has
    /// ended the connection too.
    ///
    /// # Errors
    /// Why the client was refused; for the local log only.
    pub async fn accept(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
        transport: Transport,
    ) -> Result<Tunnel, Failure> {
        let (reader, writer) = tokio::io::split(stream);
        self.inner.handshake(Box::new(reader), Box::new(writer), transport, None).await
    }

    /// Accepts connections in the background and runs their handshakes side by side.
    #[must_use]
    pub fn listen(&self, listener: TcpListener, transport: Transport) -> Listener {
        // As many as may wait for the application; handshakes that are done wait to get in.
        let (found, accepted) = mpsc::channel(64);
        let inner = Arc::clone(&self.inner);
        let mut tasks = vec![tokio::spawn(accept(Arc::clone(&inner), listener, transport, found))];
        if inner.hourly {
            tasks.push(tokio::spawn(rotate(inner)));
        }
        Listener { accepted, tasks }
    }
}

/// Connections as they come out of their handshakes. Dropped, it accepts no more; those that are established live on.
#[derive(Debug)]
pub struct Listener {
    accepted: mpsc::Receiver<Accepted>,
    tasks: Vec<JoinHandle<()>>,
}

/// One connection after its handshake.
#[derive(Debug)]
pub struct Accepted {
    /// The other side.
    pub peer: SocketAddr,
    /// The established connection, or why there is none.
    pub outcome: Result<Tunnel, Failure>,
}

impl Listener {
    /// The next connection that was established or refused. `None` only if the listening socket is gone for good.
    /// Safe to cancel.
    pub async fn next(&mut self) -> Option<Accepted> {
        self.accepted.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn accept<C: Credentials>(
    inner: Arc<Inner<C>>,
    listener: TcpListener,
    transport: Transport,
    found: mpsc::Sender<Accepted>,
) {
    loop {
        let Some(permit) = inner.places.room().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Of the one connection, or for want of descriptors: in either case others can go on.
                if !is_of_connection(&error) {
                    sleep(Duration::from_millis(100)).await;
                }
                continue;
            }
        };
        let (inner, found) = (Arc::clone(&inner), found.clone());
        let Some(place) = inner.places.take(permit, peer.ip()) else {
            // Told only if the application keeps up: what is refused must not pile up.
            let _ = found.try_send(Accepted { peer, outcome: Err(Failure::TooManyFromAddress) });
            continue;
        };
        tokio::spawn(async move {
            let outcome = inner.take(stream, transport, place).await;
            let _ = found.send(Accepted { peer, outcome }).await; // nobody listens any more
        });
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Replaces the RSA key each hour.
// spec: HS-078, HS-079
async fn rotate<C: Credentials>(inner: Arc<Inner<C>>) {
    loop {
        sleep(Duration::from_millis(SharedKey::LIFE_MS / 60)).await;
        // Made ahead of the hour's end: it takes seconds.
        let due = inner.clock.tick().after(SharedKey::LIFE_MS / 60 + 30_000);
        if inner.key().due(due)
            && let Ok(Ok(key)) = spawn_blocking(fresh::rsa_keypair).await
        {
            inner.key().replace(key, inner.clock.tick());
        }
    }
}

impl<C: Credentials> Inner<C> {
    fn key(&self) -> MutexGuard<'_, SharedKey> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(
        self: &Arc<Self>,
        stream: TcpStream,
        transport: Transport,
        place: Place,
    ) -> Result<Tunnel, Failure> {
        // Small records must not wait for each other; where it can't be set they do.
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        self.handshake(Box::new(reader), Box::new(writer), transport, Some(place)).await
    }

    async fn handshake(
        self: &Arc<Self>,
        reader: BoxRead,
        writer: BoxWrite,
        transport: Transport,
        place: Option<Place>,
    ) -> Result<Tunnel, Failure> {
        let (entry, mut evicted) = self.half_open.enter();
        let opening = Wire::open(reader, writer, transport, Role::Server, ("", ""));
        let mut wire = tokio::select! {
            biased;
            _ = &mut evicted => return Err(Failure::Crowded),
            wire = timeout(UPGRADE, opening) => match wire {
                Ok(wire) => wire?,
                Err(_) => return Err(Failure::Upgrade("the client took too long".to_owned())),
            },
        };
        let side = ServerSide {
            clock: self.clock,
            key: self.key().current(),
            policy: self.policy,
            rsa: &self.rsa,
        };
        let store = Arc::clone(self);
        let look_up = move |id| async move { store.credentials.look_up(id).await };
        let outcome = tokio::select! {
            biased;
            _ = &mut evicted => Err(handshake::Refused {
                failure: Failure::Crowded,
                release: self.clock.tick(),
            }),
            outcome = handshake::serve(&mut wire, side, look_up) => outcome,
        };
        drop(entry);
        match outcome {
            Ok((channel, id)) => {
                Ok(Tunnel::start(wire, channel, Some(id), self.limits.idle, place))
            }
            Err(refused) => {
                // spec: OBS-005
                sleep_until(self.clock.instant(refused.release)).await;
                wire.end().await;
                Err(refused.failure)
            }
        }
    }
}

/// The connections in their handshake, oldest first. A new one pushes the oldest out when there are too many, so that
/// peers that connect and wait can't keep others out for longer than it takes to connect.
struct HalfOpen {
    limit: usize,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    by_age: BTreeMap<u64, oneshot::Sender<()>>,
}

/// Leaves when dropped.
struct Entry {
    number: u64,
    waiting: Arc<Mutex<Waiting>>,
}

impl HalfOpen {
    fn new(limit: usize) -> Self {
        Self { limit, waiting: Arc::default() }
    }

    /// The receiver is told when this one has to go.
    fn enter(&self) -> (Entry, oneshot::Receiver<()>) {
        let (tell, evicted) = oneshot::channel();
        let mut waiting = lock(&self.waiting);
        let number = waiting.next;
        waiting.next += 1;
        while waiting.by_age.len() >= self.limit {
            if let Some((_, oldest)) = waiting.by_age.pop_first() {
                let _ = oldest.send(()); // it is going already
            }
        }
        waiting.by_age.insert(number, tell);
        (Entry { number, waiting: Arc::clone(&self.waiting) }, evicted)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.waiting).by_age.remove(&self.number);
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C> Clone for Server<C> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<C> fmt::Debug for Server<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("limits", &self.inner.limits).finish_non_exhaustive()
    }
}
