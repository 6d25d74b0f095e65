//! The task that seals what is queued and sends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use secure_tunnel::channel::Sealer;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::{Command, Shared, until};
use crate::transport::{Encoder, Outgoing};

/// So many octets are sent at a time, if so many wait.
const BATCH: usize = 64 * 1024;

/// The sending half with its keys.
pub(super) struct Writer {
    outgoing: Outgoing,
    encoder: Encoder,
    sealer: Sealer,
    record: Vec<u8>,
    out: Vec<u8>,
    stopped: watch::Receiver<bool>,
    idle: Option<Duration>,
}

impl Writer {
    pub(super) fn new(
        outgoing: Outgoing,
        sealer: Sealer,
        stopped: watch::Receiver<bool>,
        idle: Option<Duration>,
    ) -> Self {
        let encoder = outgoing.encoder();
        Self { outgoing, encoder, sealer, record: Vec::new(), out: Vec::new(), stopped, idle }
    }

    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Command>, shared: Arc<Shared>) {
        loop {
            let mut finish = false;
            tokio::select! {
                biased;
                () = until(&mut self.stopped) => break,
                () = shared.pinged.notified() => {
                    if let Some(payload) = shared.ping().take() {
                        // A pong that can't be made is none.
                        let _ = self.encoder.pong(&payload, &mut self.out);
                    }
                }
                command = queue.recv() => {
                    let mut next = command;
                    while let Some(command) = next {
                        finish = self.take(command);
                        if finish || self.out.len() >= BATCH {
                            break;
                        }
                        next = queue.try_recv().ok();
                    }
                    finish |= self.out.is_empty() && queue.is_closed();
                }
            }
            if !self.flush(&shared).await || finish {
                break;
            }
        }
        queue.close();
        shared.room.close();
        self.outgoing.end().await;
    }

    /// Seals what was queued; tells if it is the last. A record that can't be sealed is of a dead channel.
    fn take(&mut self, command: Command) -> bool {
        self.record.clear();
        let sealed = match command {
            Command::Data { payload, .. } => self.sealer.seal(&payload, &mut self.record),
            Command::Close => self.sealer.close(&mut self.record),
            Command::Finish => return true,
        };
        if sealed.is_ok() && self.encoder.message(&self.record, &mut self.out).is_err() {
            self.sealer.transport_failed();
        }
        self.record.shrink_to(BATCH);
        false
    }

    /// Sends what was sealed. False if that failed or the connection was stopped.
    // spec: CHAN-030
    async fn flush(&mut self, shared: &Shared) -> bool {
        if self.out.is_empty() {
            return true;
        }
        let write = self.outgoing.write(&self.out);
        let limit = self.idle.unwrap_or(Duration::from_hours(24 * 365));
        let sent = tokio::select! {
            biased;
            () = until(&mut self.stopped) => false,
            written = timeout(limit, write) => {
                shared.stalled.store(written.is_err(), Ordering::Release);
                matches!(written, Ok(Ok(())))
            }
        };
        if !sent {
            self.sealer.transport_failed();
        }
        self.out.clear();
        self.out.shrink_to(BATCH);
        sent
    }
}
