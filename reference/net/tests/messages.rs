//! What arrives, in whatever shape: over octets in memory, on both transports.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod common;

use common::*;
use secure_tunnel::handshake::server::{Answer, Policy};
use secure_tunnel::time::Tick;
use secure_tunnel_net::{Failure, Limits, Transport, Tunnel};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

#[tokio::test]
async fn messages_go_both_ways_and_both_sides_end_cleanly() {
    for transport in BOTH {
        let (mut server, mut client) = pair(transport).await;
        assert_eq!(server.peer().unwrap().as_str(), ID);
        let (mut ours, mut theirs) = ([0; 32], [0; 32]);
        server.export(b"label", b"context", &mut ours).unwrap();
        client.export(b"label", b"context", &mut theirs).unwrap();
        assert_eq!(ours, theirs);
        for payload in [&b"hello"[..], b"", &[7; 100_000]] {
            client.send(payload).await.unwrap();
            assert_eq!(server.recv().await.unwrap(), payload);
            server.send(payload).await.unwrap();
            assert_eq!(client.recv().await.unwrap(), payload);
        }
        client.close().await;
        assert_eq!(code(&client.send("late").await), "closed");
        assert_eq!(server.recv().await, None, "the client has closed");
        server.send("last").await.unwrap();
        let (server, ()) = tokio::join!(server.finish(), async {
            assert_eq!(client.recv().await.unwrap(), b"last");
            assert_eq!(client.recv().await, None);
        });
        server.unwrap();
        client.finish().await.unwrap();
    }
}

/// The largest that is received is tested where the limits are: here its cost would be ten seconds of unoptimised AES.
#[tokio::test]
async fn a_payload_larger_than_all_buffers_passes_and_one_too_large_is_the_callers_error() {
    for transport in BOTH {
        let (mut server, client) = pair(transport).await;
        assert_eq!(code(&client.send(vec![5; (1 << 24) - 16]).await), "payload_too_long");
        let large = vec![5; 1 << 20];
        let (sent, received) = tokio::join!(client.send(large.clone()), server.recv());
        sent.unwrap();
        assert!(received.unwrap() == large, "{transport}");
    }
}

/// Each sends far more than all buffers hold, before it reads the end of what the other sends.
#[tokio::test]
async fn floods_in_both_directions_do_not_lock_up() {
    const MESSAGES: usize = 60;
    for transport in BOTH {
        let (server, client) = pair(transport).await;
        let flood = |tunnel: Tunnel| async move {
            let (sender, mut receiver) = tunnel.split();
            let sending = async {
                for _ in 0..MESSAGES {
                    sender.send(vec![1; 10_000]).await.unwrap();
                }
                sender.close().await;
            };
            let receiving = async {
                let mut count = 0;
                while receiver.recv().await.is_some() {
                    count += 1;
                }
                count
            };
            let ((), count) = tokio::join!(sending, receiving);
            assert_eq!(count, MESSAGES);
            receiver.finish().await.unwrap();
        };
        tokio::join!(flood(server), flood(client));
    }
}

/// What is not read stays with whoever sends it: queues are bounded. The clock moves only when nothing else can.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_holds_its_peer_back() {
    let (server, mut client) = pair(Transport::Tcp).await;
    let mut taken = 0;
    loop {
        let sending = server.send(vec![1; 10_000]);
        match tokio::time::timeout(std::time::Duration::from_secs(1), sending).await {
            Ok(sent) => sent.unwrap(),
            Err(_) => break,
        }
        taken += 10_000;
        assert!(taken < 2_000_000, "it takes and takes");
    }
    for _ in 0..taken / 10_000 {
        assert_eq!(client.recv().await.unwrap().len(), 10_000);
    }
    server.send("and on").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), b"and on");
}

#[tokio::test]
async fn refusals_differ_for_this_side_and_not_for_the_peer() {
    let mut refused = 0;
    for transport in BOTH {
        let unknown = CLIENT_KEY.replace("alice", "bob");
        let wrong = CLIENT_KEY.replace("bufn", "bufN");
        for (what, expected) in [
            ("short", "malformed"),
            ("key", "bad_key"),
            ("ciphertext", "decrypt"),
            (unknown.as_str(), "unknown_id"),
            (wrong.as_str(), "wrong_password"),
            ("empty", if transport == Transport::Tcp { "zero_length" } else { "malformed" }),
            ("long", "too_long"),
        ] {
            let (accepting, mut raw) = raw(transport).await;
            let key = if what.contains("@") { what } else { CLIENT_KEY };
            let (_, mut m2) = raw.request(key).await;
            match what {
                "short" => m2.truncate(1_000),
                "key" => m2[0] = 0x31,
                "ciphertext" => *m2.last_mut().unwrap() ^= 1,
                "empty" => m2.clear(),
                "long" => m2.resize(4_097, 0),
                _ => {}
            }
            raw.send(&m2).await;
            assert_eq!(raw.rest().await, raw.ending(), "{transport} {expected}");
            drop(raw);
            assert_eq!(code(&accepting.await.unwrap()), expected, "{transport}");
            refused += 1;
        }
    }
    assert_eq!(refused, 14);
}

#[tokio::test]
async fn lengths_are_refused_before_the_message_comes() {
    let (accepting, mut raw) = raw(Transport::Tcp).await;
    raw.receive().await;
    raw.io.write_all(&4_097u32.to_be_bytes()).await.unwrap();
    assert_eq!(raw.rest().await, b"");
    assert_eq!(named(&accepting.await.unwrap().unwrap_err()).2, "FRAME-011");

    let (accepting, mut raw) = common::raw(Transport::WebSocket).await;
    raw.receive().await;
    // The header alone, of a message in two frames.
    let first = frame(0x02, &[0; 4_000]);
    raw.io.write_all(&first).await.unwrap();
    raw.io.write_all(&frame(0x80, &[0; 97])[..6]).await.unwrap();
    assert_eq!(raw.rest().await, raw.ending());
    assert_eq!(named(&accepting.await.unwrap().unwrap_err()).2, "FRAME-011");
}

#[tokio::test]
async fn a_text_message_is_refused_however_long_it_is() {
    for length in [0u64, 5, 1 << 40] {
        let (accepting, mut raw) = raw(Transport::WebSocket).await;
        raw.receive().await;
        let header = [&[0x81, 0x80 | 127][..], &length.to_be_bytes(), &[0; 4]].concat();
        raw.io.write_all(&header).await.unwrap();
        assert_eq!(raw.rest().await, raw.ending());
        assert_eq!(named(&accepting.await.unwrap().unwrap_err()).2, "FRAME-002");
    }
}

#[tokio::test]
async fn frames_pings_and_reads_make_no_difference() {
    let (mut server, mut raw, mut channel) = established(Transport::WebSocket).await;
    let mut record = Vec::new();
    channel.seal(b"in parts", &mut record).unwrap();
    let (first, rest) = record.split_at(7);
    let frames = [
        frame(0x02, first),
        frame(0x89, b"ping"),
        frame(0x00, &[]),
        frame(0x8a, b"a pong that nobody asked for"),
        frame(0x80, rest),
    ];
    for octet in frames.concat() {
        raw.io.write_all(&[octet]).await.unwrap();
    }
    assert_eq!(server.recv().await.unwrap(), b"in parts");
    let mut pong = [0; 6];
    raw.io.read_exact(&mut pong).await.unwrap();
    assert_eq!(pong, *b"\x8a\x04ping");
}

#[tokio::test]
async fn faults_of_websocket_end_the_connection_like_any_other() {
    let masked = |first| [first, 0x80, 0, 0, 0, 0];
    for (octets, expected) in [
        (&[0x82, 0x00][..], "without a mask"),
        (&masked(0xc2), "reserved bit"),
        (&masked(0x83), "opcode"),
        (&masked(0x8b), "opcode"),
        (&masked(0x80), "continuation of no message"),
        (&masked(0x09), "control frame"),
        (&[0x89, 0xfe, 0, 126, 0, 0, 0, 0], "control frame"),
        (&[masked(0x02), masked(0x82)].concat(), "new message inside"),
    ] {
        let (mut server, mut raw, _) = established(Transport::WebSocket).await;
        raw.io.write_all(octets).await.unwrap();
        assert_eq!(server.recv().await, None);
        assert_eq!(raw.rest().await, raw.ending());
        drop(raw);
        let failure = server.finish().await.unwrap_err();
        assert!(failure.to_string().contains(expected), "{failure}");
    }
}

/// Over a message transport what comes too early is refused; over a byte stream it is not even looked at.
#[tokio::test]
async fn messages_out_of_turn() {
    for transport in BOTH {
        let (accepting, mut raw) = raw(transport).await;
        let (_, m2) = raw.request(CLIENT_KEY).await;
        let both = [raw.framed(&m2), raw.framed(&[0; 17])].concat();
        raw.io.write_all(&both).await.unwrap();
        let outcome = match transport {
            Transport::WebSocket => {
                assert_eq!(raw.rest().await, raw.ending());
                ("state", "order", "HS-070")
            }
            Transport::Tcp => {
                assert_eq!(raw.receive().await.len(), 569, "M3 all the same");
                ("auth", "open_failed", "CHAN-021")
            }
        };
        assert_eq!(named(&accepting.await.unwrap().unwrap_err()), outcome);
    }
}

#[tokio::test]
async fn a_look_up_that_panics_is_one_that_failed() {
    async fn panics() -> Answer {
        panic!("a bug of the application")
    }
    let server = server_with(|_| panics(), Policy::default(), Limits::default());
    let (near, far) = duplex(64 * 1024);
    let accepting = tokio::spawn(async move { server.accept(near, Transport::Tcp).await });
    let mut raw = Raw::open(far, Transport::Tcp).await;
    let (_, m2) = raw.request(CLIENT_KEY).await;
    raw.send(&m2).await;
    assert_eq!(raw.rest().await, b"");
    assert_eq!(code(&accepting.await.unwrap()), "lookup_failed");
}

#[tokio::test]
async fn a_client_refuses_another_key_than_the_pinned_one() {
    let keys = || secure_tunnel_net::Keys::fixed_for_tests(&client_rsa_der()).unwrap();
    for (pin, expected) in [(server_rsa().public().pin(), "none"), ([0; 32], "pin")] {
        let client = secure_tunnel_net::Client::new(&client_key(CLIENT_KEY), Some(pin), keys());
        let (near, far) = duplex(64 * 1024);
        let (server, to) = (server(), to(Transport::Tcp));
        assert_eq!(server.pin(), server_rsa().public().pin());
        let accepting = tokio::spawn(async move { server.accept(near, Transport::Tcp).await });
        assert_eq!(code(&client.over(far, &to).await), expected);
        let _ = accepting.await.unwrap(); // established, or ended by the client
    }
}

#[tokio::test]
async fn the_upgrade_is_for_websocket_and_of_bounded_size() {
    for (request, answered) in [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), true),
        ("POST / HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), true),
        (format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(20_000)), true),
        ("\u{0}\u{0}\u{2}\u{5f}0".to_owned(), true),
        ("GET / HTTP/1.1\r\n".to_owned(), false),
    ] {
        let (near, mut far) = duplex(64 * 1024);
        let server = server();
        let accepting =
            tokio::spawn(async move { server.accept(near, Transport::WebSocket).await });
        far.write_all(request.as_bytes()).await.unwrap();
        if answered {
            let mut answer = String::new();
            far.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        }
        drop(far);
        assert!(matches!(accepting.await.unwrap(), Err(Failure::Upgrade(_))));
    }
}

/// A client under test: a server that sends a second message after M3, and one that ends there.
#[tokio::test]
async fn a_client_takes_one_message_at_a_time_over_a_stream() {
    let (mut near, far) = duplex(64 * 1024);
    let (client, to) = (client(), to(Transport::Tcp));
    let connecting = tokio::spawn(async move { client.over(far, &to).await });
    let (state, m1) = greet();
    let framed =
        |message: &[u8]| [&u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat();
    near.write_all(&framed(&m1)).await.unwrap();
    let mut m2 = vec![0; near.read_u32().await.unwrap() as usize];
    near.read_exact(&mut m2).await.unwrap();
    let lookup = state.receive(&m2, Tick(0)).unwrap();
    let drawn = secure_tunnel::fresh::server().unwrap();
    let (_, m3) = lookup.decide(found(), drawn, now(), Tick(0)).unwrap();
    near.write_all(&[framed(&m3), framed(&[0; 17])].concat()).await.unwrap();
    let mut tunnel = connecting.await.unwrap().unwrap();
    assert_eq!(tunnel.recv().await, None);
    drop(near);
    assert_eq!(code(&tunnel.finish().await), "open_failed");
}
