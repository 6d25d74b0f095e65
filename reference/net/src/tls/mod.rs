//! TLS around connections: chapter 7 of the specification, on the streams of tokio.

mod stream;

use core::fmt;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use secure_tunnel::credentials::Id;
use secure_tunnel_tls::{ClientTls, PeerInfo, ServerTls};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

pub use stream::TlsStream;
pub(crate) use stream::{Io, accept};

use crate::client::{Endpoint, dial};
use crate::error::Failure;
use crate::listener::{Gate, Listener};
use crate::server::Limits;

/// A WebSocket inside TLS would need another ALPN.
// spec: TLS-008
pub(crate) const NO_WEBSOCKET: Failure =
    Failure::Internal("TLS runs around byte streams here (TLS-008): use tcp, not ws");

/// What a handshake knows of the TLS around it.
pub(crate) struct Secured {
    pub(crate) peer: Arc<PeerInfo>,
    /// E, under the policy `tls-exporter`.
    // spec: TLS-082, TLS-083
    pub(crate) binding: Option<[u8; 32]>,
    any_id: bool,
}

impl Secured {
    /// Whether the client of the certificate may be the one of this tunnel. A connection whose client has shown no
    /// certificate that counts leaves it to the tunnel to say who it is.
    // spec: TLS-067
    pub(crate) fn admits(&self, id: &Id) -> bool {
        self.any_id || self.peer.identity.as_ref().is_none_or(|identity| identity == id)
    }
}

/// Connections to one server by TLS: with a tunnel inside by [`Client::with_tls`](crate::Client::with_tls), or without.
#[derive(Clone)]
pub struct TlsClient {
    tls: Arc<ClientTls>,
    name: ServerName<'static>,
}

impl TlsClient {
    /// Checks that the server is `name`, which [`server_name`](secure_tunnel_tls::server_name()) reads.
    #[must_use]
    pub fn new(tls: Arc<ClientTls>, name: ServerName<'static>) -> Self {
        Self { tls, name }
    }

    /// Connects over TCP. There is no tunnel inside.
    ///
    /// # Errors
    /// Why there is no connection, or why the server is refused. With TLS 1.3 a server that refuses the client's
    /// certificate does so after this has returned: the first read tells.
    pub async fn connect(&self, to: &Endpoint) -> Result<TlsStream, Failure> {
        self.over(dial(to).await?).await
    }

    /// Runs TLS on a connection that exists. There is no tunnel inside.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn over(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
    ) -> Result<TlsStream, Failure> {
        stream::connect(&self.tls, &self.name, Box::new(stream)).await
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A server of TLS without a tunnel inside. Clones share everything.
#[derive(Clone)]
pub struct TlsServer {
    tls: Arc<ServerTls>,
    gate: Arc<Gate>,
}

impl TlsServer {
    /// A server within `limits`, of which [`Limits::idle`] is left to whoever reads the streams.
    #[must_use]
    pub fn new(tls: Arc<ServerTls>, limits: Limits) -> Self {
        Self { tls, gate: Gate::new(limits) }
    }

    /// Runs TLS on one connection. After a failure it has ended the connection too.
    ///
    /// # Errors
    /// Why the client was refused; for the local log only.
    pub async fn accept(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
    ) -> Result<TlsStream, Failure> {
        let mut entry = self.gate.half_open.enter();
        // On the heap: whoever spawns this would move it.
        entry.unless_evicted(Box::pin(accept(&self.tls, Box::new(stream)))).await?
    }

    /// Accepts connections in the background and runs their handshakes side by side.
    #[must_use]
    pub fn listen(&self, socket: TcpListener) -> Listener<TlsStream> {
        let server = self.clone();
        let take = move |stream, place| {
            let server = server.clone();
            async move { Ok(server.accept(stream).await?.holding(place)) }
        };
        Listener::start(Arc::clone(&self.gate), socket, take)
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsServer").field("tls", &self.tls).finish_non_exhaustive()
    }
}
