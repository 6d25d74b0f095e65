//! TLS alone: octets in both directions.

use std::sync::Arc;
use std::time::Duration;

use secure_tunnel_net::{Failure, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

/// Octets of a message, so many that all of them are written out.
const CHUNK: usize = 4_096;
/// How long the peer may take for its close_notify after ours.
const CLOSE_WAIT: Duration = Duration::from_secs(5);
/// How long it may take to read what is still to be sent after its own.
const FLUSH_WAIT: Duration = Duration::from_secs(10);

/// Sends on one connection; clones do so on the same one.
#[derive(Clone)]
pub struct StreamSender {
    commands: mpsc::Sender<Command>,
    cut: Arc<Notify>,
}

/// What is to be done on a connection, for [`run`].
pub struct Commands {
    queue: mpsc::Receiver<Command>,
    sender: StreamSender,
}

enum Command {
    Octets(Vec<u8>),
    Close,
}

/// Both ends of a queue that is short, so that a peer that does not read slows its sender down.
pub fn queue() -> (StreamSender, Commands) {
    let (commands, queue) = mpsc::channel(32);
    let sender = StreamSender { commands, cut: Arc::default() };
    (sender.clone(), Commands { queue, sender })
}

impl StreamSender {
    /// Whether it could be queued.
    pub async fn send(&self, octets: Vec<u8>) -> bool {
        self.commands.send(Command::Octets(octets)).await.is_ok()
    }

    /// Sends close_notify after what is queued; nothing is sent any more then.
    pub async fn close(&self) {
        let _ = self.commands.send(Command::Close).await; // it is closed already
    }

    /// Ends the connection at once.
    pub fn abort(&self) {
        self.cut.notify_one();
    }
}

/// Runs a connection to its end, with what arrives for `received`.
///
/// # Errors
/// `truncated` if the peer's close_notify did not come; else why the connection failed.
pub async fn run<F: Future<Output = ()>>(
    mut stream: TlsStream,
    commands: Commands,
    mut received: impl FnMut(Vec<u8>) -> F,
) -> Result<(), Failure> {
    let Commands { mut queue, sender } = commands;
    let outcome = {
        let (mut incoming, mut outgoing) = split(&mut stream);
        let sending = async move {
            while let Some(Command::Octets(octets)) = queue.recv().await {
                let sent = async {
                    outgoing.write_all(&octets).await?;
                    outgoing.flush().await
                };
                if sent.await.is_err() {
                    return; // why is what the other direction finds
                }
            }
            let _ = outgoing.shutdown().await; // as above
        };
        // spec: TLS-010
        let receiving = async {
            let mut chunk = vec![0; CHUNK];
            loop {
                let read = incoming.read(&mut chunk).await;
                match read.map_err(|error| TlsStream::failure(&error))? {
                    0 => break,
                    read => received(chunk[..read].to_vec()).await,
                }
            }
            sender.close().await;
            Ok(())
        };
        let both = async {
            tokio::pin!(sending, receiving);
            tokio::select! {
                outcome = &mut receiving => {
                    if outcome.is_ok() {
                        let _ = timeout(FLUSH_WAIT, sending).await; // what is left then is cut off
                    }
                    outcome
                }
                () = &mut sending => {
                    timeout(CLOSE_WAIT, receiving).await.unwrap_or(Err(Failure::TlsTruncated))
                }
            }
        };
        tokio::select! {
            outcome = both => outcome,
            () = sender.cut.notified() => Err(Failure::Aborted),
        }
    };
    stream.finish().await;
    outcome
}
