//! The server: handshakes on accepted connections, within limits.

use core::fmt;
use core::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secure_tunnel::credentials::Id;
use secure_tunnel::handshake::SharedKey;
use secure_tunnel::handshake::server::{Answer, Policy};
use secure_tunnel::{RsaPrivate, fresh};
use secure_tunnel_tls::{ServerTls, TlsError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, sleep_until, timeout};

use crate::clock::Clock;
use crate::error::Failure;
use crate::half_open::Entry;
use crate::handshake::{self, ServerSide};
use crate::listener::{Gate, Listener};
use crate::places::Place;
use crate::tls::{self, Io, Secured};
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
    tls: Option<Arc<ServerTls>>,
}

struct Inner<C> {
    credentials: C,
    key: Mutex<SharedKey>,
    hourly: bool,
    policy: Policy,
    rsa: Arc<Semaphore>,
    gate: Arc<Gate>,
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
            rsa: Arc::new(Semaphore::new(limits.rsa_operations.max(1))),
            gate: Gate::new(limits),
            clock,
        };
        Self { inner: Arc::new(inner), tls: None }
    }

    /// Runs TLS on each connection first, by chapter 7, and the tunnel inside it. For [`Transport::Tcp`].
    ///
    /// After [`ServerTls::replace_lists`] or [`ServerTls::replace_trust`], call [`ServerTls::recheck`] for the
    /// [`Tunnel::tls`] of each open connection, and [`Sender::abort`](crate::Sender::abort) for those that it refuses.
    // spec: TLS-008
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<ServerTls>) -> Self {
        self.tls = Some(tls);
        self
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

    /// Runs the handshake on one connection, such as a TLS stream that was accepted elsewhere; with
    /// [`Self::with_tls`], that of TLS before it. After a failure it has ended the connection too.
    ///
    /// # Errors
    /// Why the client was refused; for the local log only.
    pub async fn accept(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
        transport: Transport,
    ) -> Result<Tunnel, Failure> {
        match &self.tls {
            Some(tls) => self.inner.secured(tls, Box::new(stream), transport, None).await,
            None => {
                let (reader, writer) = tokio::io::split(stream);
                self.inner.plain(Box::new(reader), Box::new(writer), transport, None).await
            }
        }
    }

    /// Accepts connections in the background and runs their handshakes side by side.
    #[must_use]
    pub fn listen(&self, socket: TcpListener, transport: Transport) -> Listener {
        let server = self.clone();
        let take = move |stream, place| server.clone().take(stream, transport, place);
        let listener = Listener::start(Arc::clone(&self.inner.gate), socket, take);
        match self.inner.hourly {
            true => listener.with(tokio::spawn(rotate(Arc::clone(&self.inner)))),
            false => listener,
        }
    }

    async fn take(
        self,
        stream: TcpStream,
        transport: Transport,
        place: Place,
    ) -> Result<Tunnel, Failure> {
        match &self.tls {
            Some(tls) => self.inner.secured(tls, Box::new(stream), transport, Some(place)).await,
            None => {
                let (reader, writer) = stream.into_split();
                self.inner.plain(Box::new(reader), Box::new(writer), transport, Some(place)).await
            }
        }
    }
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

    async fn plain(
        self: &Arc<Self>,
        reader: BoxRead,
        writer: BoxWrite,
        transport: Transport,
        place: Option<Place>,
    ) -> Result<Tunnel, Failure> {
        let entry = self.gate.half_open.enter();
        self.handshake(reader, writer, transport, entry, place, None).await
    }

    /// TLS, and the tunnel inside it.
    async fn secured(
        self: &Arc<Self>,
        tls: &ServerTls,
        io: Box<dyn Io>,
        transport: Transport,
        place: Option<Place>,
    ) -> Result<Tunnel, Failure> {
        if transport != Transport::Tcp {
            return Err(tls::NO_WEBSOCKET);
        }
        let mut entry = self.gate.half_open.enter();
        let stream = entry.unless_evicted(tls::accept(tls, io)).await??;
        let (reader, writer, secured) = stream.split();
        self.handshake(reader, writer, transport, entry, place, Some(secured)).await
    }

    async fn handshake(
        self: &Arc<Self>,
        reader: BoxRead,
        writer: BoxWrite,
        transport: Transport,
        mut entry: Entry,
        place: Option<Place>,
        secured: Option<Secured>,
    ) -> Result<Tunnel, Failure> {
        let opening = Wire::open(reader, writer, transport, Role::Server, ("", ""));
        let mut wire = match entry.unless_evicted(timeout(UPGRADE, opening)).await? {
            Ok(wire) => wire?,
            Err(_) => return Err(Failure::Upgrade("the client took too long".to_owned())),
        };
        let side = ServerSide {
            clock: self.clock,
            key: self.key().current(),
            policy: self.policy,
            rsa: &self.rsa,
            binding: secured.as_ref().and_then(|secured| secured.binding),
        };
        let store = Arc::clone(self);
        let look_up = move |id| async move { store.credentials.look_up(id).await };
        let serving = handshake::serve(&mut wire, side, look_up);
        let outcome = entry.unless_evicted(serving).await.unwrap_or_else(|failure| {
            Err(handshake::Refused { failure, release: self.clock.tick() })
        });
        drop(entry);
        match outcome {
            Ok((channel, id)) => {
                // spec: TLS-067
                if let Some(secured) = secured.as_ref().filter(|secured| !secured.admits(&id)) {
                    wire.end().await;
                    let certificate = secured.peer.certificate.clone();
                    return Err(Failure::of_client(TlsError::IdMismatch, certificate));
                }
                let idle = self.gate.limits.idle;
                let tls = secured.map(|secured| secured.peer);
                Ok(Tunnel::start(wire, channel, Some(id), idle, place, tls))
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

impl<C> Clone for Server<C> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), tls: self.tls.clone() }
    }
}

impl<C> fmt::Debug for Server<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("limits", &self.inner.gate.limits).finish_non_exhaustive()
    }
}
