//! A connection joined to a local byte stream, both ways.

use std::time::Duration;

use secure_tunnel_net::{Failure, TlsStream, Tunnel};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Octets of the largest payload that is made of a local stream.
pub const CHUNK: usize = 16 * 1024;

/// Copies until both directions are closed. What the peer sends goes to `writer`, which is shut down after the last of
/// it; what `reader` gives goes to the peer, and its end closes that direction.
///
/// # Errors
/// Those of [`Receiver::finish`](secure_tunnel_net::Receiver::finish).
pub async fn run(
    tunnel: Tunnel,
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
) -> Result<(), Failure> {
    let (sender, mut receiver) = tunnel.split();
    let outward = async {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = tokio::select! {
                () = sender.ended() => return,
                read = reader.read(&mut chunk) => read,
            };
            match read {
                Ok(0) => return sender.close().await,
                // What was sent until then is not all there was: no close record.
                Err(_) => return sender.abort(),
                Ok(read) => {
                    if sender.send(&chunk[..read]).await.is_err() {
                        return;
                    }
                }
            }
        }
    };
    let receiving = &mut receiver;
    let inward = async move {
        let mut taken = true;
        while let Some(payload) = receiving.recv().await {
            // A local side that takes no more may still have something to say.
            taken = taken && writer.write_all(&payload).await.is_ok();
            taken = taken && writer.flush().await.is_ok();
        }
        let _ = writer.shutdown().await; // it may be gone already
        drop(writer); // of a pipe this is the end
    };
    tokio::join!(outward, inward);
    receiver.finish().await
}

/// The same for TLS without a tunnel inside; ends when nothing has arrived, or nothing could be sent, for `idle`. The
/// stream is still to be finished.
///
/// # Errors
/// `truncated` if the peer did not close its side; else why the connection failed.
pub async fn plain(
    stream: &mut TlsStream,
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    idle: Option<Duration>,
) -> Result<(), Failure> {
    let (mut incoming, mut outgoing) = tokio::io::split(stream);
    let outward = async {
        let mut chunk = vec![0; CHUNK];
        loop {
            match reader.read(&mut chunk).await {
                Ok(0) | Err(_) => break,
                // Why it can't be sent is what the other direction finds.
                Ok(read) => match within(idle, send(&mut outgoing, &chunk[..read])).await? {
                    Ok(()) => {}
                    Err(_) => return Ok(()),
                },
            }
        }
        let _ = outgoing.shutdown().await; // as above
        Ok(())
    };
    let inward = async {
        let mut chunk = vec![0; CHUNK];
        let mut taken = true;
        loop {
            let read = within(idle, incoming.read(&mut chunk)).await?;
            match read.map_err(|error| TlsStream::failure(&error))? {
                0 => break,
                // A local side that takes no more may still have something to say.
                read => taken = taken && send(&mut writer, &chunk[..read]).await.is_ok(),
            }
        }
        let _ = writer.shutdown().await; // it may be gone already
        drop(writer); // of a pipe this is the end
        Ok(())
    };
    // A peer that is gone ends both directions, and one that has only closed its own ends that.
    tokio::try_join!(outward, inward).map(|((), ())| ())
}

async fn send(to: &mut (impl AsyncWrite + Unpin), octets: &[u8]) -> std::io::Result<()> {
    to.write_all(octets).await?;
    to.flush().await
}

/// Waits no longer than `idle` for `work`.
pub async fn within<T>(
    idle: Option<Duration>,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    match idle {
        None => Ok(work.await),
        Some(idle) => timeout(idle, work).await.map_err(|_| Failure::Idle),
    }
}
