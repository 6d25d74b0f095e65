//! The client: connections to a server, key pairs made ahead of time, and connecting again.

use core::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secure_tunnel::credentials::ClientKey;
use secure_tunnel::handshake::KeyPool;
use secure_tunnel::secret::Zeroizing;
use secure_tunnel::{RsaPrivate, fresh};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use crate::error::Failure;
use crate::handshake;
use crate::transport::{BoxRead, BoxWrite, Role, Transport, Wire};
use crate::tunnel::Tunnel;

/// How long connecting, and then the HTTP upgrade, may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Where a server is: `tcp://HOST:PORT` or `ws://HOST:PORT/PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// How messages travel.
    pub transport: Transport,
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Path and query of the WebSocket, `/` at least.
    pub path: String,
}

/// Key pairs for handshakes, each for one connection, made in the background. Clones share them.
#[derive(Clone)]
pub struct Keys {
    source: Source,
}

#[derive(Clone)]
enum Source {
    Pool(Arc<Filler>),
    /// PKCS#8 DER of one key for every connection.
    Fixed(Arc<Zeroizing<Vec<u8>>>),
}

struct Pool {
    ahead: usize,
    keys: Mutex<KeyPool>,
    /// A key was put into the pool.
    filled: Notify,
    /// A key was taken out of it.
    taken: Notify,
}

/// The pool and the task that fills it, as long as anyone takes from it.
struct Filler {
    pool: Arc<Pool>,
    task: JoinHandle<()>,
}

/// A client: its credentials and its key pairs.
pub struct Client {
    key: Zeroizing<Vec<u8>>,
    pin: Option<[u8; 32]>,
    keys: Keys,
    idle: Option<Duration>,
}

impl Client {
    /// A client with `key`, which accepts only the server of `pin` (SHA-256 of M1) if one is given.
    ///
    /// Without a pin the connection has to authenticate the server: TLS that ends where the server is, or the
    /// loopback interface.
    #[must_use]
    pub fn new(key: &ClientKey, pin: Option<[u8; 32]>, keys: Keys) -> Self {
        Self { key: key.expose(), pin, keys, idle: None }
    }

    /// Ends established connections when nothing has arrived, or nothing could be sent, for so long.
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Connects over TCP and runs the handshake.
    ///
    /// # Errors
    /// Why there is no connection. The server tells nothing: what it found is in its own log.
    pub async fn connect(&self, to: &Endpoint) -> Result<Tunnel, Failure> {
        // Before connecting, so that the server need not wait for it.
        self.keys.ready().await;
        let connecting = TcpStream::connect((to.host.as_str(), to.port));
        let stream = match timeout(CONNECT, connecting).await {
            Ok(stream) => stream.map_err(Failure::Connect)?,
            Err(elapsed) => return Err(Failure::Connect(elapsed.into())),
        };
        let _ = stream.set_nodelay(true); // small records wait for each other then
        let (reader, writer) = stream.into_split();
        self.handshake(Box::new(reader), Box::new(writer), to).await
    }

    /// Runs the handshake on a connection that exists, such as a TLS stream. `to` gives the transport and, for
    /// WebSocket, host and path of the upgrade.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn over(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
        to: &Endpoint,
    ) -> Result<Tunnel, Failure> {
        let (reader, writer) = tokio::io::split(stream);
        self.handshake(Box::new(reader), Box::new(writer), to).await
    }

    async fn handshake(
        &self,
        reader: BoxRead,
        writer: BoxWrite,
        to: &Endpoint,
    ) -> Result<Tunnel, Failure> {
        let key =
            ClientKey::parse(&self.key).map_err(|_| Failure::Internal("clientKey was changed"))?;
        let authority = to.authority();
        let names = (authority.as_str(), to.path.as_str());
        let opening = Wire::open(reader, writer, to.transport, Role::Client, names);
        let mut wire = match timeout(CONNECT, opening).await {
            Ok(wire) => wire?,
            Err(_) => return Err(Failure::Upgrade("the server took too long".to_owned())),
        };
        match handshake::connect(&mut wire, key, self.pin, self.keys.take()).await {
            Ok(channel) => Ok(Tunnel::start(wire, channel, None, self.idle, None)),
            Err(failure) => {
                wire.end().await;
                Err(failure)
            }
        }
    }
}

impl Endpoint {
    fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Whether the host is this machine by its address or the name `localhost`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.transport == Transport::Tcp { "" } else { &self.path };
        write!(f, "{}://{}{path}", self.transport, self.authority())
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            |what: &str| Err(format!("{what}; expected tcp://HOST:PORT or ws://HOST:PORT/PATH"));
        let (scheme, rest) = match text.split_once("://") {
            Some(("tcp", rest)) => (Transport::Tcp, rest),
            Some(("ws", rest)) => (Transport::WebSocket, rest),
            Some((scheme, _)) => return expected(&format!("unknown scheme {scheme:?}")),
            None => return expected("no scheme"),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        if scheme == Transport::Tcp && path != "/" {
            return expected("a path after tcp://");
        }
        let Some((host, port)) = authority.rsplit_once(':') else { return expected("no port") };
        let Ok(port) = port.parse() else { return expected(&format!("{port:?} is no port")) };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(bare) => bare,
            None if host.contains(':') => return expected("an IPv6 address without brackets"),
            None => host,
        };
        if host.is_empty() {
            return expected("no host");
        }
        Ok(Self { transport: scheme, host: host.to_owned(), port, path: path.to_owned() })
    }
}

impl Keys {
    /// Keeps `ahead` key pairs, 1 or more, ready for connections to come. Each takes seconds of a core to make, from
    /// now on in the background. To be called within a tokio runtime.
    #[must_use]
    pub fn ahead(ahead: usize) -> Self {
        let ahead = ahead.max(1);
        let pool = Arc::new(Pool {
            ahead,
            keys: Mutex::new(KeyPool::new(ahead)),
            filled: Notify::new(),
            taken: Notify::new(),
        });
        let task = tokio::spawn(fill(Arc::clone(&pool)));
        Self { source: Source::Pool(Arc::new(Filler { pool, task })) }
    }

    /// One key for every connection, against HS-074: for tests alone, since making one takes seconds.
    #[doc(hidden)]
    pub fn fixed_for_tests(pkcs8_der: &[u8]) -> Result<Self, Failure> {
        RsaPrivate::from_pkcs8(pkcs8_der).map_err(|_| Failure::Internal("not an RSA key"))?;
        Ok(Self { source: Source::Fixed(Arc::new(Zeroizing::new(pkcs8_der.to_vec()))) })
    }

    /// Waits until a key pair is there.
    async fn ready(&self) {
        if let Source::Pool(filler) = &self.source {
            let pool = &filler.pool;
            pool.when_filled(|keys| (keys.missing() < pool.ahead).then_some(())).await;
        }
    }

    /// Takes a key pair out, once there is one.
    // spec: HS-074
    async fn take(&self) -> Result<RsaPrivate, Failure> {
        match &self.source {
            Source::Pool(filler) => {
                let key = filler.pool.when_filled(KeyPool::take).await;
                filler.pool.taken.notify_one();
                Ok(key)
            }
            Source::Fixed(der) => {
                RsaPrivate::from_pkcs8(der).map_err(|_| Failure::Internal("not an RSA key"))
            }
        }
    }
}

impl Pool {
    async fn when_filled<T>(&self, mut take: impl FnMut(&mut KeyPool) -> Option<T>) -> T {
        loop {
            let filled = self.filled.notified();
            if let Some(taken) = take(&mut self.lock()) {
                return taken;
            }
            filled.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, KeyPool> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the pool full, one key pair after the other.
async fn fill(pool: Arc<Pool>) {
    loop {
        if pool.lock().missing() == 0 {
            pool.taken.notified().await;
        }
        match spawn_blocking(fresh::rsa_keypair).await {
            Ok(Ok(key)) => {
                pool.lock().put(key);
                pool.filled.notify_waiters();
            }
            // The generator of the operating system has nothing now.
            _ => sleep(Duration::from_secs(1)).await,
        }
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits between attempts to connect: from half a second, doubled each time, to half a minute, less a random part of
/// up to a half so that clients do not come back all at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    first: Duration,
    most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(500), Duration::from_secs(30))
    }
}

impl Backoff {
    /// Waits from `first` to `most`.
    #[must_use]
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { next: first, first, most }
    }

    /// Begins anew, after a success.
    pub fn reset(&mut self) {
        self.next = self.first;
    }

    /// How long to wait before the next attempt.
    pub fn advance(&mut self) -> Duration {
        let wait = self.next;
        self.next = (self.next * 2).min(self.most);
        let mut random = [0; 1];
        // Without randomness the wait is the full one.
        let _ = getrandom::fill(&mut random);
        wait - wait / 512 * u32::from(random[0])
    }
}

impl Client {
    /// Connects, and tries again after a wait for as long as it takes: each time with a fresh handshake and a fresh key
    /// pair. `failed` is told of each attempt that failed, and of the wait that follows.
    pub async fn connect_again(
        &self,
        to: &Endpoint,
        backoff: &mut Backoff,
        mut failed: impl FnMut(&Failure, Duration),
    ) -> Tunnel {
        loop {
            match self.connect(to).await {
                Ok(tunnel) => {
                    backoff.reset();
                    return tunnel;
                }
                Err(failure) => {
                    let wait = backoff.advance();
                    failed(&failure, wait);
                    sleep(wait).await;
                }
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("pinned", &self.pin.is_some()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_they_are_written() {
        for text in [
            "tcp://127.0.0.1:7000",
            "ws://example.org:80/",
            "ws://[::1]:9/a/b?c",
            "tcp://[fe80::1]:1",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        let bare: Endpoint = "ws://h:1".parse().unwrap();
        assert_eq!((bare.host.as_str(), bare.port, bare.path.as_str()), ("h", 1, "/"));
        for (text, fault) in [
            ("h:1", "no scheme"),
            ("wss://h:1", "unknown scheme \"wss\""),
            ("tcp://h", "no port"),
            ("tcp://h:x", "\"x\" is no port"),
            ("tcp://h:65536", "is no port"),
            ("tcp://::1:1", "without brackets"),
            ("tcp://:1", "no host"),
            ("tcp://h:1/p", "a path after tcp://"),
        ] {
            let found = text.parse::<Endpoint>().unwrap_err();
            assert!(found.contains(fault), "{text}: {found}");
        }
    }

    #[test]
    fn loopback_is_known_by_address_or_name() {
        for (host, expected) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("localhost", true),
            ("0.0.0.0", false),
            ("localhost.example", false),
        ] {
            let to: Endpoint = format!("tcp://{host}:1").parse().unwrap();
            assert_eq!(to.is_loopback(), expected, "{host}");
        }
    }

    #[test]
    fn waits_double_up_to_the_most_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        for _ in 0..2 {
            for full in [100, 200, 350, 350] {
                let wait = backoff.advance();
                let full = Duration::from_millis(full);
                assert!(wait <= full && wait >= full / 2, "{wait:?} of {full:?}");
            }
            backoff.reset();
        }
    }

    #[tokio::test]
    async fn a_key_pair_is_given_once() {
        let pool = Arc::new(Pool {
            ahead: 2,
            keys: Mutex::new(KeyPool::new(2)),
            filled: Notify::new(),
            taken: Notify::new(),
        });
        let pem = include_str!("../../../vectors/keys/test-rsa-4425.pem");
        let der = pem_rfc7468::decode_vec(pem.as_bytes()).unwrap().1;
        let put = || {
            pool.lock().put(RsaPrivate::from_pkcs8(&der).unwrap());
            pool.filled.notify_waiters();
        };
        put();
        pool.when_filled(KeyPool::take).await;
        let waiting = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.when_filled(KeyPool::take).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the pool is empty");
        put();
        waiting.await.unwrap();
        assert_eq!(pool.lock().missing(), 2);
    }
}
