//! One connection of TLS, and how it comes about.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use secure_tunnel_tls::{
    CertificateInfo, ClientTls, PeerInfo, Policies, ServerTls, TlsError, exporter,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Secured;
use crate::error::Failure;
use crate::places::Place;
use crate::transport::{self, BoxRead, BoxWrite};

/// How long the handshake of TLS may take.
// spec: TLS-007
const HANDSHAKE: Duration = Duration::from_secs(10);
const LATE: Failure = Failure::Tls(TlsError::Timeout { limit_ms: 10_000 });

/// What TLS runs on.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Io for T {}

/// A TLS connection whose peer has been admitted, for octets in both directions.
///
/// Reading gives 0 octets at the peer's close_notify, and an error when the connection was cut off before it:
/// [`Self::failure`] tells them apart. Shutting the writing side down sends close_notify.
pub struct TlsStream {
    /// It is large, and moved often.
    io: Box<tokio_rustls::TlsStream<Box<dyn Io>>>,
    peer: Arc<PeerInfo>,
    binding: Option<[u8; 32]>,
    any_id: bool,
    /// Held as long as the connection lives.
    _place: Option<Place>,
}

impl TlsStream {
    /// What TLS knows of the other side.
    #[must_use]
    pub fn peer(&self) -> &Arc<PeerInfo> {
        &self.peer
    }

    /// What an error of reading or writing means: a fault of TLS, such as the alert of a peer that refuses, or an end
    /// without close_notify.
    // spec: TLS-010, TLS-011
    #[must_use]
    pub fn failure(error: &io::Error) -> Failure {
        Failure::of_tls(error).unwrap_or(Failure::TlsTruncated)
    }

    /// Sends close_notify, ends the transport and waits a second for the peer to do so.
    // spec: TLS-009
    pub async fn finish(mut self) {
        transport::end(&mut self.io).await;
    }

    fn new(
        io: Box<tokio_rustls::TlsStream<Box<dyn Io>>>,
        peer: PeerInfo,
        binding: Option<[u8; 32]>,
        policies: Policies,
    ) -> Self {
        Self { io, peer: Arc::new(peer), binding, any_id: policies.any_id, _place: None }
    }

    pub(super) fn holding(self, place: Place) -> Self {
        Self { _place: Some(place), ..self }
    }

    /// For the tunnel inside.
    pub(crate) fn split(self) -> (BoxRead, BoxWrite, Secured) {
        let Self { io, peer, binding, any_id, .. } = self;
        let (reader, writer) = tokio::io::split(io);
        (Box::new(reader), Box::new(writer), Secured { peer, binding, any_id })
    }
}

/// The server's side, to the client's admission. What is refused has been ended.
pub(crate) async fn accept(tls: &ServerTls, io: Box<dyn Io>) -> Result<TlsStream, Failure> {
    let accept = tls.accept();
    let handshake = TlsAcceptor::from(accept.config()).accept(io).into_fallible();
    let stream = match timeout(HANDSHAKE, handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err((error, mut io))) => {
            transport::end(&mut io).await; // so that the alert arrives
            let reason = fault(&error, |error| accept.reason(error));
            return Err(Failure::of_client(reason, accept.presented().map(Arc::new)));
        }
        Err(_) => return Err(LATE),
    };
    let policies = tls.policies();
    let connection = stream.get_ref().1;
    let admitted = tls.admit(connection).and_then(|peer| {
        Ok((peer, policies.tls_exporter.then(|| exporter(connection)).transpose()?))
    });
    let admitted = admitted.map_err(|error| {
        let leaf = connection.peer_certificates().and_then(<[_]>::first);
        let shown = leaf.and_then(|leaf| CertificateInfo::of(leaf).ok());
        Failure::of_client(error, shown.map(Arc::new))
    });
    conclude(Box::new(stream.into()), admitted, policies).await
}

/// The client's side, likewise.
pub(super) async fn connect(
    tls: &ClientTls,
    name: &ServerName<'static>,
    io: Box<dyn Io>,
) -> Result<TlsStream, Failure> {
    let handshake = TlsConnector::from(tls.config()).connect(name.clone(), io).into_fallible();
    let stream = match timeout(HANDSHAKE, handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err((error, mut io))) => {
            transport::end(&mut io).await;
            return Err(Failure::Tls(fault(&error, TlsError::of)));
        }
        Err(_) => return Err(LATE),
    };
    let policies = tls.policies();
    let connection = stream.get_ref().1;
    let admitted = tls.admit(name, connection).and_then(|peer| {
        Ok((peer, policies.tls_exporter.then(|| exporter(connection)).transpose()?))
    });
    conclude(Box::new(stream.into()), admitted.map_err(Failure::Tls), policies).await
}

async fn conclude(
    mut io: Box<tokio_rustls::TlsStream<Box<dyn Io>>>,
    admitted: Result<(PeerInfo, Option<[u8; 32]>), Failure>,
    policies: Policies,
) -> Result<TlsStream, Failure> {
    match admitted {
        Ok((peer, binding)) => Ok(TlsStream::new(io, peer, binding, policies)),
        Err(failure) => {
            transport::end(&mut io).await;
            Err(failure)
        }
    }
}

/// Why a handshake failed.
// spec: TLS-011
fn fault(error: &io::Error, reason: impl FnOnce(&rustls::Error) -> TlsError) -> TlsError {
    match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        Some(error) => reason(error),
        None => TlsError::Handshake { what: format!("the connection ended during it: {error}") },
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    // spec: TLS-009
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("peer", &self.peer).finish_non_exhaustive()
    }
}
