//! The client: connections to a server, key pairs made ahead of time, and connecting again.

mod backoff;
mod endpoint;
mod keys;

use core::fmt;
use std::time::Duration;

use secure_tunnel::credentials::ClientKey;
use secure_tunnel::secret::Zeroizing;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

pub use backoff::Backoff;
pub use endpoint::Endpoint;
pub use keys::Keys;

use crate::error::Failure;
use crate::handshake;
use crate::tls::{self, Secured, TlsClient};
use crate::transport::{BoxRead, BoxWrite, Role, Transport, Wire};
use crate::tunnel::Tunnel;

/// How long connecting, and then the HTTP upgrade, may take.
const CONNECT: Duration = Duration::from_secs(10);

/// A client: its credentials and its key pairs.
pub struct Client {
    key: Zeroizing<Vec<u8>>,
    pin: Option<[u8; 32]>,
    keys: Keys,
    idle: Option<Duration>,
    tls: Option<TlsClient>,
}

impl Client {
    /// A client with `key`, which accepts only the server of `pin` (SHA-256 of M1) if one is given.
    ///
    /// Without a pin the connection has to authenticate the server: TLS that ends where the server is, or the
    /// loopback interface.
    #[must_use]
    pub fn new(key: &ClientKey, pin: Option<[u8; 32]>, keys: Keys) -> Self {
        Self { key: key.expose(), pin, keys, idle: None, tls: None }
    }

    /// Ends established connections when nothing has arrived, or nothing could be sent, for so long.
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Runs TLS on each connection first, by chapter 7, and the tunnel inside it. For [`Transport::Tcp`].
    // spec: TLS-008
    #[must_use]
    pub fn with_tls(mut self, tls: TlsClient) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Connects over TCP and runs the handshake.
    ///
    /// # Errors
    /// Why there is no connection. The server tells nothing: what it found is in its own log.
    pub async fn connect(&self, to: &Endpoint) -> Result<Tunnel, Failure> {
        // Before connecting, so that the server need not wait for it.
        self.keys.ready().await;
        let stream = dial(to).await?;
        if self.tls.is_some() {
            return self.over(stream, to).await;
        }
        let (reader, writer) = stream.into_split();
        self.handshake(Box::new(reader), Box::new(writer), to, None).await
    }

    /// Runs the handshake on a connection that exists, such as a TLS stream; with [`Self::with_tls`], that of TLS
    /// before it. `to` gives the transport and, for WebSocket, host and path of the upgrade.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn over(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
        to: &Endpoint,
    ) -> Result<Tunnel, Failure> {
        if let Some(tls) = &self.tls {
            if to.transport != Transport::Tcp {
                return Err(tls::NO_WEBSOCKET);
            }
            let (reader, writer, secured) = tls.over(stream).await?.split();
            return self.handshake(reader, writer, to, Some(secured)).await;
        }
        let (reader, writer) = tokio::io::split(stream);
        self.handshake(Box::new(reader), Box::new(writer), to, None).await
    }

    async fn handshake(
        &self,
        reader: BoxRead,
        writer: BoxWrite,
        to: &Endpoint,
        secured: Option<Secured>,
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
        let binding = secured.as_ref().and_then(|secured| secured.binding);
        match handshake::connect(&mut wire, key, self.pin, self.keys.take(), binding).await {
            Ok(channel) => {
                let tls = secured.map(|secured| secured.peer);
                Ok(Tunnel::start(wire, channel, None, self.idle, None, tls))
            }
            Err(failure) => {
                wire.end().await;
                Err(failure)
            }
        }
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

/// A TCP connection.
pub(crate) async fn dial(to: &Endpoint) -> Result<TcpStream, Failure> {
    let connecting = TcpStream::connect((to.host.as_str(), to.port));
    let stream = match timeout(CONNECT, connecting).await {
        Ok(stream) => stream.map_err(Failure::Connect)?,
        Err(elapsed) => return Err(Failure::Connect(elapsed.into())),
    };
    let _ = stream.set_nodelay(true); // small records wait for each other then
    Ok(stream)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("pinned", &self.pin.is_some()).finish_non_exhaustive()
    }
}
