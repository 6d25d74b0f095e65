//! What the lines make an established connection do, in their order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use secure_tunnel_net::{Failure, Sender};
use secure_tunnel_tls::{PeerInfo, ServerTls, TlsError};
use tokio::sync::mpsc;

use super::lines::{Close, Line, Octets, Send};
use super::tls::stream::StreamSender;

/// The established connections: a server's by the port of their peer, a client's by the number of their dial.
#[derive(Clone, Default)]
pub struct Open(Arc<Mutex<HashMap<u64, One>>>);

#[derive(Clone)]
struct One {
    orders: mpsc::Sender<Order>,
    sink: Sink,
    /// What TLS knows of the peer.
    tls: Option<Arc<PeerInfo>>,
    /// Why the peer is not let in any more.
    refusal: Arc<OnceLock<TlsError>>,
}

/// Where a connection's payloads go, or with TLS alone its octets.
#[derive(Clone)]
pub enum Sink {
    Tunnel(Sender),
    Stream(StreamSender),
}

enum Order {
    Send { payload: Vec<u8>, times: u64 },
    Close,
}

/// Leaves [`Open`] when dropped.
pub struct Entry {
    open: Open,
    number: u64,
    one: One,
}

impl Sink {
    /// Whether it could be queued.
    pub async fn send(&self, payload: Vec<u8>) -> bool {
        match self {
            Self::Tunnel(sender) => sender.send(payload).await.is_ok(),
            Self::Stream(sender) => sender.send(payload).await,
        }
    }

    async fn close(&self) {
        match self {
            Self::Tunnel(sender) => sender.close().await,
            Self::Stream(sender) => sender.close().await,
        }
    }

    fn abort(&self) {
        match self {
            Self::Tunnel(sender) => sender.abort(),
            Self::Stream(sender) => sender.abort(),
        }
    }
}

impl Open {
    /// To be called before the connection is told of: a line for it may follow at once. What the lines want is done
    /// when `first` is.
    pub fn enter(
        &self,
        number: u64,
        sink: Sink,
        tls: Option<Arc<PeerInfo>>,
        first: impl Future<Output = ()> + core::marker::Send + 'static,
    ) -> Entry {
        // So many lines wait for a connection whose peer does not read; then the harness does.
        let (orders, mut queue) = mpsc::channel(1024);
        let to = sink.clone();
        tokio::spawn(async move {
            first.await;
            while let Some(order) = queue.recv().await {
                match order {
                    Order::Close => to.close().await,
                    Order::Send { payload, times } => {
                        for _ in 0..times {
                            if !to.send(payload.clone()).await {
                                break; // closed or over: nothing is sent any more
                            }
                        }
                    }
                }
            }
        });
        let one = One { orders, sink, tls, refusal: Arc::default() };
        self.lock().insert(number, one.clone());
        Entry { open: self.clone(), number, one }
    }

    /// Takes a line with `close` or `send`. One for a connection that is over is of no effect.
    pub async fn take(&self, line: &Line) -> Result<(), String> {
        let (number, order) = if line.has("close") {
            let Close { close } = line.parse()?;
            (close, Order::Close)
        } else if line.has("send") {
            let Send { send, payload: Octets(payload), times } = line.parse()?;
            (send, Order::Send { payload, times })
        } else {
            return line.unknown();
        };
        let orders = self.lock().get(&number).map(|one| one.orders.clone());
        if let Some(orders) = orders {
            let _ = orders.send(order).await;
        }
        Ok(())
    }

    /// Closes all channels.
    pub fn close(&self) {
        for one in self.lock().values() {
            let orders = one.orders.clone();
            tokio::spawn(async move { orders.send(Order::Close).await });
        }
    }

    /// Cuts off the connections of clients that `tls` refuses now.
    // spec: TLS-077
    pub fn recheck(&self, tls: &ServerTls) {
        // Each check takes a while, during which nobody else has to wait.
        let open: Vec<One> = self.lock().values().cloned().collect();
        open.iter().for_each(|one| one.recheck(tls));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, One>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl One {
    fn recheck(&self, tls: &ServerTls) {
        let Some(peer) = &self.tls else { return };
        if let Err(error) = tls.recheck(peer) {
            let _ = self.refusal.set(error); // the first reason stays
            self.sink.abort();
        }
    }
}

impl Entry {
    /// Cuts the connection off if its client has been refused since TLS let it in; tells whether it goes on.
    // spec: TLS-077
    pub fn recheck(&self, tls: &ServerTls) -> bool {
        self.one.recheck(tls);
        self.one.refusal.get().is_none()
    }

    /// How the connection ended, given how it looked from inside.
    pub fn ended(self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        match (outcome, self.one.refusal.get()) {
            (Err(_), Some(refusal)) => Err(Failure::Tls(refusal.clone())),
            (outcome, _) => outcome,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.open.lock().remove(&self.number);
    }
}
