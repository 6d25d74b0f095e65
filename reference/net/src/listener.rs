//! Connections that are accepted, and their handshakes side by side.

use core::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::error::Failure;
use crate::half_open::HalfOpen;
use crate::places::{Place, Places};
use crate::server::Limits;
use crate::tunnel::Tunnel;

/// Who may come in, and who is on the way.
pub(crate) struct Gate {
    pub(crate) limits: Limits,
    pub(crate) half_open: HalfOpen,
    places: Places,
}

impl Gate {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            half_open: HalfOpen::new(limits.half_open),
            places: Places::new(limits.connections, limits.per_address),
        })
    }
}

/// Connections as they come out of their handshakes. Dropped, it accepts no more; those that are established live on.
#[derive(Debug)]
pub struct Listener<T = Tunnel> {
    accepted: mpsc::Receiver<Accepted<T>>,
    tasks: Vec<JoinHandle<()>>,
}

/// One connection after its handshake.
#[derive(Debug)]
pub struct Accepted<T = Tunnel> {
    /// The other side.
    pub peer: SocketAddr,
    /// The established connection, or why there is none.
    pub outcome: Result<T, Failure>,
}

impl<T: Send + 'static> Listener<T> {
    /// Accepts in the background; `take` makes of a connection what is established.
    pub(crate) fn start<F>(
        gate: Arc<Gate>,
        socket: TcpListener,
        take: impl Fn(TcpStream, Place) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        // As many as may wait for the application; handshakes that are done wait to get in.
        let (found, accepted) = mpsc::channel(64);
        Self { accepted, tasks: vec![tokio::spawn(accept(gate, socket, take, found))] }
    }

    /// Ends `task` too when no more are accepted.
    pub(crate) fn with(mut self, task: JoinHandle<()>) -> Self {
        self.tasks.push(task);
        self
    }

    /// The next connection that was established or refused. `None` only if the listening socket is gone for good.
    /// Safe to cancel.
    pub async fn next(&mut self) -> Option<Accepted<T>> {
        self.accepted.recv().await
    }
}

impl<T> Drop for Listener<T> {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn accept<T, F>(
    gate: Arc<Gate>,
    socket: TcpListener,
    take: impl Fn(TcpStream, Place) -> F,
    found: mpsc::Sender<Accepted<T>>,
) where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    loop {
        let Some(permit) = gate.places.room().await else { return };
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Of the one connection, or for want of descriptors: in either case others can go on.
                if !is_of_connection(&error) {
                    sleep(Duration::from_millis(100)).await;
                }
                continue;
            }
        };
        let found = found.clone();
        let Some(place) = gate.places.take(permit, peer.ip()) else {
            // Told only if the application keeps up: what is refused must not pile up.
            let _ = found.try_send(Accepted { peer, outcome: Err(Failure::TooManyFromAddress) });
            continue;
        };
        // Small records must not wait for each other; where it can't be set they do.
        let _ = stream.set_nodelay(true);
        let taking = take(stream, place);
        tokio::spawn(async move {
            let outcome = taking.await;
            let _ = found.send(Accepted { peer, outcome }).await; // nobody listens any more
        });
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
