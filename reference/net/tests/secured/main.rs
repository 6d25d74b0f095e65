//! TLS around the tunnel, and without one, over octets in memory.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod certificates;
#[path = "../common/mod.rs"]
mod common;

use std::time::Duration;

use certificates::Authority;
use common::*;
use secure_tunnel::handshake::server::Policy;
use secure_tunnel_net::{Failure, Limits, TlsServer, TlsStream, Transport, Tunnel};
use secure_tunnel_tls::{Alpn, List, Lists};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

/// A pair with a tunnel in TLS, under these policies of the server and of the client; the certificate is for `identity`.
async fn secured(
    identity: &str,
    here: &[&str],
    there: &[&str],
) -> (Result<Tunnel, Failure>, Result<Tunnel, Failure>) {
    let authority = Authority::new();
    let server = server().with_tls(authority.server(Alpn::Required, here));
    let client = client().with_tls(authority.client(identity, Alpn::Required, there));
    let (near, far) = duplex(64 * 1024);
    let to = to(Transport::Tcp);
    tokio::join!(server.accept(near, Transport::Tcp), client.over(far, &to))
}

/// A pair without a tunnel.
async fn bare() -> (TlsStream, TlsStream) {
    let authority = Authority::new();
    let server = TlsServer::new(authority.server(Alpn::LeftOut, &[]), Limits::default());
    let client = authority.client("mail-server", Alpn::LeftOut, &[]);
    let (near, far) = duplex(64 * 1024);
    let (server, client) = tokio::join!(server.accept(near), client.over(far));
    (server.unwrap(), client.unwrap())
}

#[tokio::test]
async fn a_tunnel_knows_the_tls_around_it() {
    for policies in [&[][..], &["tls-exporter"]] {
        let (server, client) = secured(ID, policies, policies).await;
        let (mut server, client) = (server.unwrap(), client.unwrap());
        let peer = server.tls().unwrap();
        assert_eq!(peer.identity.as_ref().unwrap().as_str(), ID);
        assert_eq!(peer.server_name.as_deref(), Some("localhost"));
        assert!(peer.authorized.is_ok() && peer.certificate.is_some());
        let peer = client.tls().unwrap();
        assert!(peer.authorized.is_ok() && peer.identity.is_none());
        assert_eq!(peer.alpn.as_deref(), Some(&b"secure-tunnel/1"[..]));

        client.send("a message").await.unwrap();
        assert_eq!(server.recv().await.as_deref(), Some(&b"a message"[..]));
        let (server, client) = tokio::join!(server.finish(), client.finish());
        server.unwrap();
        client.unwrap();
    }
}

#[tokio::test]
async fn the_two_ids_are_equal_or_the_client_is_never_there() {
    let (server, client) = secured("mallory", &[], &[]).await;
    assert_eq!(named(&server.unwrap_err()), ("tls", "id_mismatch", "TLS-067"));
    let mut client = client.unwrap(); // it has done its part
    assert_eq!(client.recv().await, None);
    assert_eq!(code(&client.finish().await), "truncated");

    let (server, _client) = secured("mallory", &["any-id"], &[]).await;
    assert_eq!(server.unwrap().peer().unwrap().as_str(), ID);
}

#[tokio::test]
async fn both_bind_the_tunnel_or_it_does_not_open() {
    for (here, there) in [(&[][..], &["tls-exporter"][..]), (&["tls-exporter"], &[])] {
        let (server, _) = secured(ID, here, there).await;
        assert_eq!(code(&server), "open_failed");
    }
}

/// A proxy that ends TLS with a certificate of the same authority and passes on what is inside.
#[tokio::test]
async fn a_proxy_that_ends_tls_is_found_out() {
    for (policies, expected) in [(&[][..], "none"), (&["tls-exporter"], "open_failed")] {
        let authority = Authority::new();
        let server = server().with_tls(authority.server(Alpn::Required, policies));
        let client = client().with_tls(authority.client(ID, Alpn::Required, policies));
        let front = TlsServer::new(authority.server(Alpn::Required, &[]), Limits::default());
        let back = authority.client(ID, Alpn::Required, &[]);
        let ((near, far), (inner_near, inner_far)) = (duplex(64 * 1024), duplex(64 * 1024));
        let proxy = tokio::spawn(async move {
            let (mut front, mut back) =
                tokio::try_join!(front.accept(near), back.over(inner_far)).unwrap();
            let _ = tokio::io::copy_bidirectional(&mut front, &mut back).await; // as far as it gets
        });
        let to = to(Transport::Tcp);
        let (outcome, _client) =
            tokio::join!(server.accept(inner_near, Transport::Tcp), client.over(far, &to));
        assert_eq!(code(&outcome), expected);
        proxy.abort();
    }
}

#[tokio::test]
async fn an_end_without_close_notify_is_truncated() {
    // Of one side, or of the other.
    for swap in [false, true] {
        let (server, client) = bare().await;
        let (mut near, mut far) = if swap { (client, server) } else { (server, client) };
        far.write_all(b"all of it").await.unwrap();
        far.flush().await.unwrap();
        let ending = tokio::spawn(far.finish());
        let mut received = Vec::new();
        near.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"all of it");
        near.finish().await;
        ending.await.unwrap();

        let (server, client) = bare().await;
        let (mut near, mut far) = if swap { (client, server) } else { (server, client) };
        far.write_all(b"a part").await.unwrap();
        far.flush().await.unwrap();
        drop(far);
        let error = near.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(named(&TlsStream::failure(&error)), ("state", "truncated", "TLS-010"));
    }
}

#[tokio::test]
async fn a_client_that_is_refused_is_not_told_why() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let nobody = ours.server(Alpn::LeftOut, &[]);
    nobody.replace_lists(Lists { allow: Some(List::default()), ..Lists::default() });
    let mut told = Vec::new();
    for (server, client, expected) in [
        (ours.server(Alpn::LeftOut, &[]), theirs.client_of(&ours, "alice"), "untrusted"),
        (nobody, ours.client_of(&ours, "alice"), "not_allowed"),
    ] {
        let server = TlsServer::new(server, Limits::default());
        let (near, far) = duplex(64 * 1024);
        let refused = async {
            let mut stream = client.over(far).await.unwrap(); // its own part is done
            TlsStream::failure(&stream.read_u8().await.unwrap_err())
        };
        let (outcome, failure) = tokio::join!(server.accept(near), refused);
        assert_eq!(code(&outcome), expected);
        assert_eq!(named(&failure), ("tls", "handshake", "TLS-011"));
        told.push(failure.to_string());
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test(start_paused = true)]
async fn tls_takes_10_seconds_and_not_longer() {
    let authority = Authority::new();
    let started = Instant::now();
    let (near, far) = duplex(64 * 1024);
    let server = server().with_tls(authority.server(Alpn::Required, &[]));
    let outcome = server.accept(near, Transport::Tcp).await;
    assert_eq!(named(&outcome.unwrap_err()), ("freshness", "timeout", "TLS-007"));
    assert_eq!(started.elapsed(), Duration::from_secs(10));
    drop(far);

    let (near, far) = duplex(64 * 1024);
    let client = client().with_tls(authority.client(ID, Alpn::Required, &[]));
    let outcome = client.over(near, &to(Transport::Tcp)).await;
    assert_eq!(named(&outcome.unwrap_err()), ("freshness", "timeout", "TLS-007"));
    assert_eq!(started.elapsed(), Duration::from_secs(20));
    drop(far);
}

/// The deadlines of the tunnel begin after those of TLS: a client that waits inside TLS has the server's 30 seconds.
#[tokio::test(start_paused = true)]
async fn the_deadlines_inside_begin_when_tls_is_complete() {
    let authority = Authority::new();
    let server = server().with_tls(authority.server(Alpn::Required, &[]));
    let client = authority.client(ID, Alpn::Required, &[]);
    let (near, far) = duplex(64 * 1024);
    let accepting = tokio::spawn(async move {
        let outcome = server.accept(near, Transport::Tcp).await.map(drop);
        (outcome, Instant::now())
    });
    let slow = async {
        tokio::time::sleep(Duration::from_secs(9)).await;
        client.over(far).await.unwrap()
    };
    let mut stream = slow.await;
    let complete = Instant::now();
    stream.read_to_end(&mut Vec::new()).await.unwrap(); // M1, and then a clean end of TLS
    stream.finish().await;
    let (outcome, ended) = accepting.await.unwrap();
    assert_eq!(named(&outcome.unwrap_err()), ("freshness", "timeout", "HS-062"));
    assert_eq!(ended.duration_since(complete).as_secs(), 30);
}

#[tokio::test]
async fn handshakes_of_tls_count_as_those_of_the_tunnel() {
    let authority = Authority::new();
    let limits = Limits { half_open: 1, ..Limits::default() };
    let server = server_with(look_up, Policy::default(), limits);
    let server = server.with_tls(authority.server(Alpn::Required, &[]));
    let (near, _silent) = duplex(64 * 1024);
    let first = {
        let server = server.clone();
        tokio::spawn(async move { server.accept(near, Transport::Tcp).await.map(drop) })
    };
    tokio::task::yield_now().await; // it has begun
    let (near, far): (DuplexStream, DuplexStream) = duplex(64 * 1024);
    let client = client().with_tls(authority.client(ID, Alpn::Required, &[]));
    let to = to(Transport::Tcp);
    let (second, connected) =
        tokio::join!(server.accept(near, Transport::Tcp), client.over(far, &to));
    assert!(second.is_ok() && connected.is_ok());
    assert!(matches!(first.await.unwrap(), Err(Failure::Crowded)));
}

#[tokio::test]
async fn there_is_no_websocket_inside() {
    let authority = Authority::new();
    let (near, far) = duplex(64 * 1024);
    let server = server().with_tls(authority.server(Alpn::Required, &[]));
    let client = client().with_tls(authority.client(ID, Alpn::Required, &[]));
    let outcome = server.accept(near, Transport::WebSocket).await;
    assert!(outcome.unwrap_err().to_string().contains("TLS-008"));
    let outcome = client.over(far, &to(Transport::WebSocket)).await;
    assert!(outcome.unwrap_err().to_string().contains("TLS-008"));
}
