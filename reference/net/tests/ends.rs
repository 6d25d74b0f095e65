//! How connections end, and what each side is told of it: over octets in memory, on both transports.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod common;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use common::*;
use secure_tunnel::channel::Opened;
use secure_tunnel_net::{Failure, Sender, Transport};
use tokio::io::{AsyncRead, AsyncWriteExt, DuplexStream, ReadBuf, ReadHalf, duplex, join, split};

#[tokio::test]
async fn the_end_of_the_transport_in_a_handshake_is_out_of_order() {
    for transport in BOTH {
        for at in 0..4 {
            let (accepting, mut raw) = raw(transport).await;
            if at > 0 {
                let (_, m2) = raw.request(CLIENT_KEY).await;
                if at > 1 {
                    raw.send(&m2).await;
                    raw.receive().await;
                }
                if at > 2 && transport == Transport::WebSocket {
                    raw.io.write_all(&frame(0x88, &1000u16.to_be_bytes())).await.unwrap();
                    assert_eq!(raw.rest().await, raw.ending(), "no code, whatever the peer's");
                }
            }
            drop(raw);
            let named = named(&accepting.await.unwrap().unwrap_err());
            assert_eq!(named, ("state", "order", "HS-073"), "{transport} {at}");
        }
    }
}

#[tokio::test]
async fn an_end_without_close_is_truncated_and_one_inside_a_message_early() {
    for transport in BOTH {
        for (part, expected) in [(0, "truncated"), (3, "early_end"), (9, "early_end")] {
            let (mut server, mut raw, mut channel) = established(transport).await;
            let mut record = Vec::new();
            channel.seal(b"cut", &mut record).unwrap();
            let octets = raw.framed(&record);
            raw.io.write_all(&octets[..part]).await.unwrap();
            raw.io.shutdown().await.unwrap();
            assert_eq!(server.recv().await, None);
            assert_eq!(raw.rest().await, raw.ending());
            assert_eq!(code(&server.send("x").await), "dead");
            let early = if transport == Transport::Tcp { expected } else { "truncated" };
            assert_eq!(code(&server.finish().await), early, "{transport} {part}");
        }
    }
}

#[tokio::test]
async fn a_close_record_is_answered_and_what_follows_it_is_refused() {
    for transport in BOTH {
        let (mut server, mut raw, mut channel) = established(transport).await;
        server.send("before").await.unwrap();
        let mut close = Vec::new();
        channel.close(&mut close).unwrap();
        raw.send(&close).await;
        assert_eq!(server.recv().await, None);
        let finishing = tokio::spawn(server.finish());
        assert_eq!(channel.open(&mut raw.receive().await).unwrap(), Opened::Data(b"before"));
        assert_eq!(channel.open(&mut raw.receive().await).unwrap(), Opened::Close);
        assert_eq!(raw.rest().await, raw.ending());
        drop(raw);
        finishing.await.unwrap().unwrap();

        let (mut server, mut raw, mut channel) = established(transport).await;
        let mut close = Vec::new();
        channel.close(&mut close).unwrap();
        let both = [raw.framed(&close), raw.framed(&[0; 17])].concat();
        raw.io.write_all(&both).await.unwrap();
        assert_eq!(server.recv().await, None);
        assert_eq!(raw.rest().await, raw.ending());
        drop(raw);
        assert_eq!(code(&server.finish().await), "after_close", "{transport}");
    }
}

#[tokio::test]
async fn a_record_that_fails_ends_the_connection_without_an_answer() {
    for transport in BOTH {
        let (mut server, mut raw, _) = established(transport).await;
        raw.send(&[0; 17]).await;
        assert_eq!(server.recv().await, None);
        assert_eq!(raw.rest().await, raw.ending());
        drop(raw);
        assert_eq!(code(&server.finish().await), "open_failed");
    }
}

/// What has arrived is not opened any more, and that is no fault of the record's.
#[tokio::test]
async fn an_end_that_sending_finds_first_is_truncated_too() {
    for transport in BOTH {
        let (mut server, mut raw, mut channel) = established(transport).await;
        let mut record = Vec::new();
        channel.seal(b"unread", &mut record).unwrap();
        raw.send(&record).await;
        drop(raw);
        server.send("nobody is there").await.unwrap();
        server.sender().ended().await;
        assert_eq!(server.recv().await, None);
        assert_eq!(named(&server.finish().await.unwrap_err()), ("state", "truncated", "CHAN-038"));
    }
}

/// A payload that was taken is sent, although another handle closes while it waits for room.
#[tokio::test(start_paused = true)]
async fn a_close_does_not_overtake_what_waits_to_be_sent() {
    for transport in BOTH {
        let (server, mut client) = pair(transport).await;
        let mut taken = 0;
        let waiting = loop {
            let sender = server.sender();
            let mut sending = tokio::spawn(async move { sender.send(vec![1; 10_000]).await });
            match tokio::time::timeout(Duration::from_secs(1), &mut sending).await {
                Ok(sent) => sent.unwrap().unwrap(),
                Err(_) => break sending,
            }
            taken += 1;
            assert!(taken < 1_000, "it takes and takes");
        };
        let closer = server.sender();
        let closing = tokio::spawn(async move { closer.close().await });
        tokio::task::yield_now().await;
        let mut received = 0;
        while client.recv().await.is_some() {
            received += 1;
        }
        waiting.await.unwrap().unwrap();
        closing.await.unwrap();
        assert_eq!(received, taken + 1, "{transport}");
        assert_eq!(code(&server.send("late").await), "closed");
    }
}

#[tokio::test]
async fn what_is_dropped_or_aborted_is_truncated_for_the_peer() {
    for transport in BOTH {
        let (server, mut client) = pair(transport).await;
        drop(server);
        assert_eq!(client.recv().await, None);
        assert_eq!(code(&client.finish().await), "truncated");

        let (mut server, mut client) = pair(transport).await;
        let handle = server.sender();
        handle.abort();
        handle.ended().await;
        assert_eq!(server.recv().await, None);
        assert!(matches!(server.finish().await, Err(Failure::Aborted)));
        assert_eq!(client.recv().await, None);
        assert_eq!(code(&client.finish().await), "truncated");
    }
}

/// In whose reading this side ends the connection: after its reader has looked whether it was to stop.
struct StopsWhileRead {
    io: ReadHalf<DuplexStream>,
    sender: Arc<OnceLock<Sender>>,
}

impl AsyncRead for StopsWhileRead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if read.is_ready()
            && let Some(sender) = self.sender.get()
        {
            sender.abort();
        }
        read
    }
}

/// On several threads the peer's answer to an abort may be there before the notice of the abort.
#[tokio::test]
async fn what_this_side_ends_is_ended_by_this_side_however_fast_the_peer_follows() {
    for transport in BOTH {
        let (near, far) = duplex(64 * 1024);
        let (io, writer) = split(near);
        let sender = Arc::new(OnceLock::new());
        let near = join(StopsWhileRead { io, sender: Arc::clone(&sender) }, writer);
        let (server, client, to) = (server(), client(), to(transport));
        let (server, client) = tokio::join!(server.accept(near, transport), client.over(far, &to));
        let mut server = server.unwrap();
        sender.set(server.sender()).unwrap();
        drop(client.unwrap());
        assert_eq!(server.recv().await, None);
        let outcome = server.finish().await;
        assert!(matches!(outcome, Err(Failure::Aborted)), "{transport} {outcome:?}");
    }
}
