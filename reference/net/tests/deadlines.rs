//! Deadlines, delays and limits on a clock that only the tests move: no test here waits for real.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod common;

use std::time::Duration;

use common::*;
use secure_tunnel::fresh;
use secure_tunnel::handshake::server::{Answer, Policy};
use secure_tunnel::time::Tick;
use secure_tunnel_net::{Failure, Limits, Server, ServerRsa, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_server_waits_30_seconds_however_its_client_dawdles() {
    for transport in BOTH {
        for trickle in [false, true] {
            let (near, far) = duplex(64 * 1024);
            let server = server();
            let accepting = tokio::spawn(async move { server.accept(near, transport).await });
            let mut raw = Raw::open(far, transport).await;
            let started = Instant::now();
            raw.receive().await;
            let begun = raw.framed(&[0x30; 1_176]);
            for octet in if trickle { &begun[..29] } else { &[] } {
                raw.io.write_all(&[*octet]).await.unwrap();
                sleep(seconds(1)).await;
            }
            assert_eq!(raw.rest().await, raw.ending());
            assert_eq!(started.elapsed().as_secs(), 30, "{transport} {trickle}");
            let outcome = accepting.await.unwrap();
            assert_eq!(named(&outcome.unwrap_err()), ("freshness", "timeout", "HS-062"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_record_at_30_seconds_is_late() {
    for (wait, expected) in [(29_000, "none"), (30_000, "timeout")] {
        let (near, far) = duplex(64 * 1024);
        let server = server();
        let accepting =
            tokio::spawn(async move { server.accept(near, Transport::Tcp).await.map(drop) });
        let mut raw = Raw::open(far, Transport::Tcp).await;
        let started = Instant::now();
        let (state, m2) = raw.request(CLIENT_KEY).await;
        raw.send(&m2).await;
        let m3 = raw.receive().await;
        let (_, open) = state.receive(&m3, Tick(0)).unwrap();
        tokio::time::sleep_until(started + Duration::from_millis(wait)).await;
        raw.send(&open).await;
        assert_eq!(code(&accepting.await.unwrap()), expected, "{wait}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_waits_10_seconds_for_each_message() {
    for transport in BOTH {
        for (m1_after, m3_after, expected) in
            [(10_000, 0, "HS-060"), (9_000, 10_000, "HS-061"), (9_000, 9_000, "")]
        {
            let (near, far) = duplex(64 * 1024);
            let (client, to) = (client(), to(transport));
            let connecting = tokio::spawn(async move { client.over(far, &to).await.map(drop) });
            let peer = async move {
                let mut io = near;
                if transport == Transport::WebSocket {
                    upgrade(&mut io).await;
                }
                let (state, m1) = greet();
                sleep(Duration::from_millis(m1_after)).await;
                send(&mut io, transport, &m1).await;
                let Some(m2) = receive(&mut io, transport).await else { return };
                let lookup = state.receive(&m2, Tick(0)).unwrap();
                let drawn = fresh::server().unwrap();
                let (_, m3) = lookup.decide(found(), drawn, now(), Tick(0)).unwrap();
                sleep(Duration::from_millis(m3_after)).await;
                send(&mut io, transport, &m3).await;
                receive(&mut io, transport).await;
            };
            let (outcome, ()) = tokio::join!(connecting, peer);
            let requirement =
                outcome.unwrap().err().map(|f| f.requirement().unwrap()).unwrap_or_default();
            assert_eq!(requirement, expected, "{transport} {m1_after} {m3_after}");
        }
    }
}

/// With the delay, no time tells why a request was refused: not the look-up's, not the password's.
#[tokio::test(start_paused = true)]
async fn refusals_that_depend_on_secrets_are_released_together() {
    let wrong = CLIENT_KEY.replace("bufn", "bufN");
    let unknown = CLIENT_KEY.replace("alice", "bob");
    let policy = Policy::with_release_delay(3_000).unwrap();
    for transport in BOTH {
        for (key, look_up_takes, expected) in [
            (wrong.as_str(), 0, "wrong_password"),
            (wrong.as_str(), 2_999, "wrong_password"),
            (unknown.as_str(), 0, "unknown_id"),
            (CLIENT_KEY, 3_000, "lookup_failed"),
            (CLIENT_KEY, 1_000_000, "lookup_failed"),
        ] {
            let slow = move |id| async move {
                sleep(Duration::from_millis(look_up_takes)).await;
                look_up(id).await
            };
            let server = server_with(slow, policy, Limits::default());
            let (near, far) = duplex(64 * 1024);
            let accepting = tokio::spawn(async move { server.accept(near, transport).await });
            let mut raw = Raw::open(far, transport).await;
            let (_, m2) = raw.request(key).await;
            let sent = Instant::now();
            raw.send(&m2).await;
            assert_eq!(raw.rest().await, raw.ending());
            assert_eq!(sent.elapsed().as_secs(), 3, "{transport} {expected}");
            assert_eq!(code(&accepting.await.unwrap()), expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_that_tell_nothing_are_not_delayed() {
    let policy = Policy::with_release_delay(3_000).unwrap();
    let server = server_with(look_up, policy, Limits::default());
    let (near, far) = duplex(64 * 1024);
    let accepting = tokio::spawn(async move { server.accept(near, Transport::Tcp).await });
    let mut raw = Raw::open(far, Transport::Tcp).await;
    raw.receive().await;
    let sent = Instant::now();
    raw.send(&[7; 100]).await;
    assert_eq!(raw.rest().await, b"");
    assert_eq!(sent.elapsed(), Duration::ZERO);
    assert_eq!(code(&accepting.await.unwrap()), "malformed");
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_never_answers_ends_with_the_handshake() {
    let server =
        server_with(|_| core::future::pending::<Answer>(), Policy::default(), Limits::default());
    let (near, far) = duplex(64 * 1024);
    let accepting = tokio::spawn(async move { server.accept(near, Transport::Tcp).await });
    let mut raw = Raw::open(far, Transport::Tcp).await;
    let started = Instant::now();
    let (_, m2) = raw.request(CLIENT_KEY).await;
    raw.send(&m2).await;
    assert_eq!(raw.rest().await, b"");
    assert_eq!(started.elapsed().as_secs(), 30);
    assert_eq!(code(&accepting.await.unwrap()), "timeout");
}

/// However many connect and say nothing, the newest gets its turn, and RSA is for those that have spoken.
#[tokio::test(start_paused = true)]
async fn stalled_peers_do_not_keep_an_honest_one_out() {
    let limits = Limits { half_open: 4, rsa_operations: 1, ..Limits::default() };
    let server = server_with(look_up, Policy::default(), limits);
    let mut stalled = Vec::new();
    for _ in 0..50 {
        let (near, far) = duplex(64 * 1024);
        let server = server.clone();
        let accepting = tokio::spawn(async move { server.accept(near, Transport::Tcp).await });
        let mut raw = Raw::open(far, Transport::Tcp).await;
        raw.receive().await;
        stalled.push((accepting, raw));
    }
    let started = Instant::now();
    let (near, far) = duplex(64 * 1024);
    let (client, to) = (client(), to(Transport::Tcp));
    let (server, client) = tokio::join!(server.accept(near, Transport::Tcp), client.over(far, &to));
    assert!(server.is_ok() && client.is_ok());
    assert_eq!(started.elapsed(), Duration::ZERO);
    let mut crowded = 0;
    for (accepting, mut raw) in stalled {
        assert_eq!(raw.rest().await, b"");
        match accepting.await.unwrap().unwrap_err() {
            Failure::Crowded => crowded += 1,
            other => assert_eq!(other.code(), Some("timeout")),
        }
    }
    assert_eq!(crowded, 47, "all but the last three and the honest one");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_only_if_that_was_asked_for() {
    let limits = Limits { idle: Some(seconds(60)), ..Limits::default() };
    let server = server_with(look_up, Policy::default(), limits);
    let (near, far) = duplex(64 * 1024);
    let (client, to) = (client(), to(Transport::Tcp));
    let (server, client) = tokio::join!(server.accept(near, Transport::Tcp), client.over(far, &to));
    let (mut server, mut client) = (server.unwrap(), client.unwrap());
    sleep(seconds(50)).await;
    client.send("still here").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), b"still here");
    let started = Instant::now();
    assert_eq!(server.recv().await, None);
    assert_eq!(started.elapsed().as_secs(), 60);
    let (server, received) = tokio::join!(server.finish(), client.recv());
    assert!(matches!(server, Err(Failure::Idle)));
    assert_eq!(received, None);
    assert_eq!(code(&client.finish().await), "truncated");
}

/// A peer that never closes its side is cut off, and its end is not clean.
#[tokio::test(start_paused = true)]
async fn finish_waits_5_seconds_for_the_peer() {
    let (server, client) = pair(Transport::WebSocket).await;
    let started = Instant::now();
    assert_eq!(code(&server.finish().await), "truncated");
    assert!((5..=7).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    drop(client);
}

/// New handshakes begin with a new key after an hour, if nobody has pinned the old one.
#[tokio::test(start_paused = true)]
async fn an_hourly_key_is_replaced_within_the_hour_and_a_pinned_one_is_not() {
    for hourly in [true, false] {
        let key = server_rsa();
        let first = key.public().pin();
        let key = if hourly { ServerRsa::Hourly(key) } else { ServerRsa::Pinned(key) };
        let server = Server::new(look_up, key, Policy::default(), Limits::default());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = server.listen(socket, Transport::Tcp);
        sleep(seconds(50 * 60)).await;
        assert_eq!(server.pin(), first);
        sleep(seconds(10 * 60)).await;
        assert_eq!(server.pin() != first, hourly);
        drop(listener);
    }
}

async fn upgrade(io: &mut tokio::io::DuplexStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    io.write_all(answer.as_bytes()).await.unwrap();
}

/// Sends as a server does; a client that has gone does not read it.
async fn send(io: &mut tokio::io::DuplexStream, transport: Transport, message: &[u8]) {
    let length = u16::try_from(message.len()).unwrap();
    let head = match transport {
        Transport::Tcp => u32::from(length).to_be_bytes().to_vec(),
        Transport::WebSocket => [&[0x82, 126][..], &length.to_be_bytes()].concat(),
    };
    let _ = io.write_all(&[&head[..], message].concat()).await;
}

/// Receives one message of a client.
async fn receive(io: &mut tokio::io::DuplexStream, transport: Transport) -> Option<Vec<u8>> {
    let (length, mask) = match transport {
        Transport::Tcp => (io.read_u32().await.ok()? as usize, [0; 4]),
        Transport::WebSocket => {
            if io.read_u8().await.ok()? != 0x82 {
                return None;
            }
            let length = match io.read_u8().await.ok()? & 0x7f {
                126 => io.read_u16().await.ok()?.into(),
                short => short.into(),
            };
            (length, io.read_u32().await.ok()?.to_be_bytes())
        }
    };
    let mut message = vec![0; length];
    io.read_exact(&mut message).await.ok()?;
    for (octet, mask) in message.iter_mut().zip(mask.iter().cycle()) {
        *octet ^= mask;
    }
    Some(message)
}
