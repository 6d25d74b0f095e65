//! What the lines make an established connection do, in their order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secure_tunnel_net::Sender;
use tokio::sync::mpsc;

use super::lines::{Close, Line, Octets, Send};

/// The established connections: a server's by the port of their peer, a client's by the number of their dial.
#[derive(Clone, Default)]
pub struct Open(Arc<Mutex<HashMap<u64, mpsc::Sender<Order>>>>);

enum Order {
    Send { payload: Vec<u8>, times: u64 },
    Close,
}

/// Leaves [`Open`] when dropped.
pub struct Entry {
    open: Open,
    number: u64,
}

impl Open {
    /// To be called before the connection is told of: a line for it may follow at once. What the lines want is done
    /// when `first` is.
    pub fn enter(
        &self,
        number: u64,
        sender: Sender,
        first: impl Future<Output = ()> + core::marker::Send + 'static,
    ) -> Entry {
        // So many lines wait for a connection whose peer does not read; then the harness does.
        let (orders, mut queue) = mpsc::channel(1024);
        tokio::spawn(async move {
            first.await;
            while let Some(order) = queue.recv().await {
                match order {
                    Order::Close => sender.close().await,
                    Order::Send { payload, times } => {
                        for _ in 0..times {
                            if sender.send(payload.as_slice()).await.is_err() {
                                break; // closed or over: nothing is sent any more
                            }
                        }
                    }
                }
            }
        });
        self.lock().insert(number, orders);
        Entry { open: self.clone(), number }
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
        let orders = self.lock().get(&number).cloned();
        if let Some(orders) = orders {
            let _ = orders.send(order).await;
        }
        Ok(())
    }

    /// Closes all channels.
    pub fn close(&self) {
        for orders in self.lock().values() {
            let orders = orders.clone();
            tokio::spawn(async move { orders.send(Order::Close).await });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, mpsc::Sender<Order>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.open.lock().remove(&self.number);
    }
}
