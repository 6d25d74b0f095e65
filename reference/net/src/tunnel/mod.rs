//! An established connection, for the application.
//!
//! ```text
//!  application                      tasks                                socket
//!  Sender::send ---> queue, bounded ---> writer: seal, frame ----------> sending half
//!  Receiver::recv <------------------------------- unframe, open <------ receiving half
//! ```
//!
//! The receiving half is read only while the application asks for a message, so one that is slow slows its peer
//! down and holds no memory for it.

mod writer;

use core::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secure_tunnel::channel::{Channel, Exporter, MAX_PAYLOAD, Opened, Opener};
use secure_tunnel::credentials::Id;
use secure_tunnel::error::ChannelError;
use secure_tunnel_tls::PeerInfo;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::error::Failure;
use crate::places::Place;
use crate::transport::{Incoming, Item, Wire};
use writer::Writer;

/// Payloads that wait to be sent: at most so many, and so many octets of them (or one longer payload).
const QUEUE: usize = 32;
const QUEUE_OCTETS: usize = 256 * 1024;
/// How long [`Receiver::finish`] waits for the peer's close record.
const CLOSE_WAIT: Duration = Duration::from_secs(5);
/// How long it waits for what is queued to go out.
const FLUSH_WAIT: Duration = Duration::from_secs(10);

/// Both ends of an established connection: what arrives, and what is sent.
#[derive(Debug)]
pub struct Tunnel {
    sender: Sender,
    receiver: Receiver,
    exporter: Exporter,
}

/// Sends. Clones send on the same connection.
///
/// When the [`Receiver`] and every clone are dropped without [`Receiver::finish`], the connection is ended as it is
/// after a failure, and the peer reports it as truncated.
#[derive(Clone)]
pub struct Sender {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

/// Receives, and knows how the connection ended.
pub struct Receiver {
    incoming: Incoming,
    /// `None` once nothing more will be opened.
    opener: Option<Opener>,
    /// How the peer's side ended, once it has.
    ending: Option<Result<(), Failure>>,
    sender: Sender,
    stopped: watch::Receiver<bool>,
    writer: JoinHandle<()>,
    idle: Option<Duration>,
}

enum Command {
    Data {
        payload: Vec<u8>,
        /// What it takes of the queue's room, given back when it is sealed.
        _room: OwnedSemaphorePermit,
    },
    Close,
    /// Send what waits, and end the transport.
    Finish,
}

struct Shared {
    peer: Option<Id>,
    tls: Option<Arc<PeerInfo>>,
    /// Octets that may wait to be sent.
    room: Arc<Semaphore>,
    /// Whether a close record was queued. Who queues anything holds it, so that nothing that is to be sent comes
    /// behind the close record.
    closed: AsyncMutex<bool>,
    /// Nothing could be sent for the idle time.
    stalled: AtomicBool,
    /// The transport is to be ended at once.
    stop: watch::Sender<bool>,
    /// The last ping that was not answered.
    ping: Mutex<Option<Vec<u8>>>,
    pinged: Notify,
    /// Held as long as the connection lives.
    _place: Option<Place>,
}

impl Tunnel {
    pub(crate) fn start(
        wire: Wire,
        channel: Channel,
        peer: Option<Id>,
        idle: Option<Duration>,
        place: Option<Place>,
        tls: Option<Arc<PeerInfo>>,
    ) -> Self {
        let (sealer, opener, exporter) = channel.split();
        let Wire { incoming, outgoing, .. } = wire;
        let (stop, stopped) = watch::channel(false);
        let (commands, queue) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            peer,
            tls,
            room: Arc::new(Semaphore::new(QUEUE_OCTETS)),
            closed: AsyncMutex::new(false),
            stalled: AtomicBool::new(false),
            stop,
            ping: Mutex::new(None),
            pinged: Notify::new(),
            _place: place,
        });
        let writer = Writer::new(outgoing, sealer, stopped.clone(), idle);
        let writer = tokio::spawn(writer.run(queue, Arc::clone(&shared)));
        let sender = Sender { commands, shared };
        let receiver = Receiver {
            incoming,
            opener: Some(opener),
            ending: None,
            sender: sender.clone(),
            stopped,
            writer,
            idle,
        };
        Self { sender, receiver, exporter }
    }

    /// The id of the client, on a server; the client has proved that it holds the credentials for it.
    #[must_use]
    pub fn peer(&self) -> Option<&Id> {
        self.sender.peer()
    }

    /// What TLS knows of the other side, where it runs around this tunnel by [`Server::with_tls`](crate::Server::with_tls)
    /// or [`Client::with_tls`](crate::Client::with_tls).
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<PeerInfo>> {
        self.sender.shared.tls.as_ref()
    }

    /// See [`Sender::send`].
    ///
    /// # Errors
    /// Those of [`Sender::send`].
    pub async fn send(&self, payload: impl Into<Vec<u8>>) -> Result<(), Failure> {
        self.sender.send(payload).await
    }

    /// See [`Receiver::recv`].
    pub async fn recv(&mut self) -> Option<Vec<u8>> {
        self.receiver.recv().await
    }

    /// See [`Sender::close`].
    pub async fn close(&self) {
        self.sender.close().await;
    }

    /// See [`Receiver::finish`].
    ///
    /// # Errors
    /// Those of [`Receiver::finish`].
    pub async fn finish(self) -> Result<(), Failure> {
        self.receiver.finish().await
    }

    /// Octets that both parties, and nobody else, can compute: see
    /// [`Exporter::export`](secure_tunnel::channel::Exporter::export).
    ///
    /// # Errors
    /// `dead`, `label_length`, `output_length`.
    pub fn export(&mut self, label: &[u8], context: &[u8], out: &mut [u8]) -> Result<(), Failure> {
        Ok(self.exporter.export(label, context, out)?)
    }

    /// Calls `on_message` with each payload that arrives, in order, and after the last of them ends the connection as
    /// [`Receiver::finish`] does. Gives what that gives, for whoever wants to be told of the close.
    ///
    /// # Errors
    /// Those of [`Receiver::finish`].
    pub async fn for_each<F: Future<Output = ()>>(
        mut self,
        mut on_message: impl FnMut(Vec<u8>) -> F,
    ) -> Result<(), Failure> {
        while let Some(payload) = self.recv().await {
            on_message(payload).await;
        }
        self.finish().await
    }

    /// One more handle to send with, or to end the connection from elsewhere.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// The two directions, for different tasks.
    #[must_use]
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }
}

impl Sender {
    /// The id of the client, on a server.
    #[must_use]
    pub fn peer(&self) -> Option<&Id> {
        self.shared.peer.as_ref()
    }

    /// Queues one payload, 0 to 2^24 - 17 octets, which the peer receives as one message. Waits while the queue is
    /// full. Safe to cancel: the payload is then not sent. `Ok` means queued: it goes out unless the connection fails.
    ///
    /// # Errors
    /// `payload_too_long`; `closed` after [`Self::close`]; `dead` once the connection has ended.
    pub async fn send(&self, payload: impl Into<Vec<u8>>) -> Result<(), Failure> {
        let payload = payload.into();
        if payload.len() > MAX_PAYLOAD {
            return Err(ChannelError::PayloadTooLong { found: payload.len() }.into());
        }
        let closed = self.shared.closed.lock().await;
        if *closed {
            return Err(ChannelError::Closed.into());
        }
        let takes = u32::try_from(payload.len().clamp(1, QUEUE_OCTETS)).unwrap_or(1);
        let dead = || Failure::from(ChannelError::Dead);
        let room = Arc::clone(&self.shared.room);
        let room = room.acquire_many_owned(takes).await.map_err(|_| dead())?;
        self.commands.send(Command::Data { payload, _room: room }).await.map_err(|_| dead())
    }

    /// Closes this direction after what is queued, and after what waits to be. The peer can still send until it closes too.
    /// Safe to cancel: it is then not closed.
    pub async fn close(&self) {
        let mut closed = self.shared.closed.lock().await;
        // Without a writer there is no direction to close any more.
        if !*closed && self.commands.send(Command::Close).await.is_ok() {
            *closed = true;
        }
    }

    /// Waits until nothing can be sent any more, for failure or end.
    pub async fn ended(&self) {
        self.commands.closed().await;
    }

    /// Ends the connection at once, as after a failure.
    pub fn abort(&self) {
        self.shared.stop();
    }
}

impl Receiver {
    /// The next payload of the peer. `None` when nothing more will come: the peer has closed, or the connection has
    /// failed. [`Self::finish`] tells which. Safe to cancel.
    pub async fn recv(&mut self) -> Option<Vec<u8>> {
        while self.ending.is_none() {
            match self.try_recv().await {
                Ok(Some(payload)) => return Some(payload),
                Ok(None) => {}
                Err(failure) => self.fail(failure),
            }
        }
        None
    }

    /// Ends the connection and tells how it ended: `Ok` if all that the peer sent was received. What still
    /// arrives is dropped; a peer that does not close its side within 5 seconds is cut off.
    ///
    /// # Errors
    /// `truncated` if the peer did not close its side; else why the connection failed.
    pub async fn finish(mut self) -> Result<(), Failure> {
        let sender = self.sender.clone();
        let receiving = async { while self.recv().await.is_some() {} };
        // Side by side: a peer may not read before it has sent.
        let closing = async { tokio::join!(sender.close(), receiving) };
        if timeout(CLOSE_WAIT, closing).await.is_err() && self.ending.is_none() {
            self.fail(ChannelError::Truncated.into());
        }
        // spec: CHAN-036
        let finished = async {
            sender.close().await; // if there was no room for it before
            let _ = sender.commands.send(Command::Finish).await; // a writer that is gone has finished
            (&mut self.writer).await
        };
        if timeout(FLUSH_WAIT, finished).await.is_err() {
            self.sender.shared.stop();
            let _ = (&mut self.writer).await; // it has 1 second to end
        }
        self.incoming.linger().await;
        self.ending.take().unwrap_or(Ok(()))
    }

    /// `None` at the peer's close.
    async fn try_recv(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let item = {
            let next = next_item(&mut self.incoming, self.idle);
            tokio::select! {
                biased;
                () = until(&mut self.stopped) => return Err(Failure::Aborted),
                item = next => item,
            }
        };
        // What the peer answers to an abort can be here before the notice of it.
        if *self.stopped.borrow() {
            return Err(Failure::Aborted);
        }
        let mut record = match item? {
            Item::Message(record) => record,
            Item::Ping(payload) => {
                *self.sender.shared.ping() = Some(payload);
                self.sender.shared.pinged.notify_one();
                return Ok(None);
            }
            // spec: CHAN-038
            Item::End => return Err(ChannelError::Truncated.into()),
        };
        let Some(opener) = &mut self.opener else { return Err(ChannelError::Dead.into()) };
        match opener.open(&mut record) {
            Ok(Opened::Data(payload)) => Ok(Some(payload.to_vec())),
            // The writer was the first to find that the transport is broken: what is left unopened is cut off.
            // spec: CHAN-038
            Err(ChannelError::Dead) if self.sender.shared.stalled.load(Ordering::Acquire) => {
                Err(Failure::Idle)
            }
            Err(ChannelError::Dead) => Err(ChannelError::Truncated.into()),
            Err(error) => Err(error.into()),
            Ok(_) => {
                // spec: CHAN-034 (what is there; what comes later is not read any more)
                if self.incoming.trails().await {
                    return Err(ChannelError::AfterClose.into());
                }
                self.ending = Some(Ok(()));
                Ok(None)
            }
        }
    }

    // spec: CHAN-027, CHAN-044
    fn fail(&mut self, failure: Failure) {
        if let Some(opener) = self.opener.take() {
            let _ = opener.transport_ended(); // kills the channel unless its end was clean
        }
        self.ending = Some(Err(failure));
        self.sender.shared.stop();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if !self.writer.is_finished() {
            self.sender.shared.stop();
        }
    }
}

/// Waits until the connection is stopped.
async fn until(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await; // an error: nobody is left who could stop it
}

async fn next_item(incoming: &mut Incoming, idle: Option<Duration>) -> Result<Item, Failure> {
    match idle {
        None => incoming.next().await,
        Some(idle) => timeout(idle, incoming.next()).await.unwrap_or(Err(Failure::Idle)),
    }
}

impl Shared {
    fn stop(&self) {
        self.room.close();
        self.stop.send_replace(true);
    }

    fn ping(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        self.ping.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("peer", &self.peer()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("ending", &self.ending).finish_non_exhaustive()
    }
}
