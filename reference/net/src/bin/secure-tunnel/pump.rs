//! A tunnel joined to a local byte stream, both ways.

use secure_tunnel_net::{Failure, Tunnel};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Octets of the largest payload that is made of a local stream.
const CHUNK: usize = 16 * 1024;

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
