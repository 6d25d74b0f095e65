//! A handshake bound to the TLS connection around it (chapter 7): E enters on both sides, or nothing goes through.

#![allow(clippy::unwrap_used)] // in the helper; a test that cannot go on panics

mod common;

use std::sync::Arc;

use common::{NOW, a4552, b4552, client_fresh, decide, ours, pair};
use secure_tunnel::error::Diagnostic;
use secure_tunnel::handshake::client::Client;
use secure_tunnel::handshake::server::{Policy, Server};
use secure_tunnel::time::Tick;

/// E of two TLS connections.
const ONE: Option<[u8; 32]> = Some([0xe1; 32]);
const OTHER: Option<[u8; 32]> = Some([0xe2; 32]);

/// What both sides export if the server takes the first record of the client, all else being the same each time; or the
/// code with which it refuses that record.
fn exported(
    client_e: Option<[u8; 32]>,
    server_e: Option<[u8; 32]>,
) -> Result<[u8; 32], &'static str> {
    let (mut server, m1) = Server::greet(Arc::new(ours(a4552())), Policy::default(), Tick(0));
    if let Some(e) = server_e {
        server = server.bound_to(e);
    }
    let mut client = Client::connect(pair().0, None, Tick(0));
    if let Some(e) = client_e {
        client = client.bound_to(e);
    }
    let request = client.receive(&m1, Tick(0)).unwrap();
    let (client, m2) = request.request(client_fresh(b4552()), NOW, Tick(0)).unwrap();
    let (server, m3) = decide(server.receive(&m2, Tick(0)).unwrap());
    let (mut client, mut open) = client.receive(&m3, Tick(0)).unwrap();
    let (mut server, _) =
        server.receive(&mut open, Tick(0)).map_err(|failure| failure.error.code())?;
    let (mut ours, mut theirs) = ([0; 32], [1; 32]);
    client.export(b"label", b"", &mut ours).unwrap();
    server.export(b"label", b"", &mut theirs).unwrap();
    assert_eq!(ours, theirs);
    Ok(ours)
}

#[test]
fn both_sides_of_one_connection_agree() {
    let channels = [exported(None, None), exported(ONE, ONE), exported(OTHER, OTHER)];
    let [Ok(unbound), Ok(one), Ok(other)] = channels else {
        panic!("all three are established: {channels:?}")
    };
    assert!(unbound != one && unbound != other && one != other, "E is in what is derived");
}

#[test]
fn a_proxy_between_two_connections_is_found_out() {
    for (client, server) in [(ONE, OTHER), (ONE, None), (None, ONE)] {
        assert_eq!(
            exported(client, server),
            Err("open_failed"),
            "{client:?} at the client, {server:?} at the server"
        );
    }
}
