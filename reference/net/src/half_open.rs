//! Connections in their handshake, within a number.

use core::future::Future;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::error::Failure;

/// The connections in their handshake, oldest first. A new one pushes the oldest out when there are too many, so that
/// peers that connect and wait can't keep others out for longer than it takes to connect.
pub(crate) struct HalfOpen {
    limit: usize,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    by_age: BTreeMap<u64, oneshot::Sender<()>>,
}

/// Leaves when dropped.
pub(crate) struct Entry {
    number: u64,
    /// Told when this one has to go.
    evicted: oneshot::Receiver<()>,
    waiting: Arc<Mutex<Waiting>>,
}

impl HalfOpen {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), waiting: Arc::default() }
    }

    pub(crate) fn enter(&self) -> Entry {
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
        Entry { number, evicted, waiting: Arc::clone(&self.waiting) }
    }
}

impl Entry {
    /// What comes of a part of the handshake, unless the connection has to go before.
    pub(crate) async fn unless_evicted<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            _ = &mut self.evicted => Err(Failure::Crowded),
            done = work => Ok(done),
        }
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
