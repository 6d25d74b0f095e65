//! One connection in memory, told step by step: `cargo run -p secure-tunnel --example exchange`.
//!
//! Where this passes octets from one variable to another, a program has a transport; where it says
//! `Tick` and `UnixTime`, it reads its clocks.

use std::error::Error;
use std::sync::Arc;

use secure_tunnel::channel::{Ending, Opened};
use secure_tunnel::credentials::Id;
use secure_tunnel::fresh;
use secure_tunnel::handshake::client::Client;
use secure_tunnel::handshake::server::{Answer, Policy, Server};
use secure_tunnel::time::{Tick, UnixTime};

fn main() -> Result<(), Box<dyn Error>> {
    // Once, before the two ever connect.
    let id = Id::new("caf\u{e9} 7".as_bytes())?;
    let (client_key, server_key) = fresh::credentials(&id)?;
    println!("made      a clientKey for {id}, {} octets", client_key.expose().len());
    println!("          and its serverKey, {} octets", server_key.expose().len());
    let store = |asked: &Id| match *asked == id {
        true => Answer::from_stored(&server_key.expose()),
        false => Answer::Unknown,
    };

    // The server makes an RSA key an hour, the client one for each connection.
    println!("making    two RSA key pairs ...");
    let servers_key = Arc::new(fresh::rsa_keypair()?);
    let clients_key = fresh::rsa_keypair()?;

    let (server, m1) = Server::greet(servers_key, Policy::default(), Tick(0));
    println!("server    M1, its RSA key, {} octets", m1.len());

    // Without a pin the transport has to authenticate the server: nothing in M1 does.
    let client = Client::connect(client_key, None, Tick(0)).receive(&m1, Tick(20))?;
    let fresh_values = fresh::client(clients_key)?;
    let (client, m2) = client.request(fresh_values, UnixTime(1_700_000_000), Tick(30))?;
    println!("client    M2, its RSA key and its request, {} octets", m2.len());

    let lookup = server.receive(&m2, Tick(50))?;
    let answer = store(lookup.claimed_id());
    println!("server    looks up {}", lookup.claimed_id());
    let (server, m3) =
        lookup.decide(answer, fresh::server()?, UnixTime(1_700_000_001), Tick(60))?;
    println!("server    M3, its reply, {} octets", m3.len());

    let (mut client, mut open) = client.receive(&m3, Tick(80))?;
    println!("client    connected; its open record, {} octets", open.len());
    let (mut server, connected) = server.receive(&mut open, Tick(100))?;
    println!("server    connected with {connected}");

    let mut record = Vec::new();
    client.seal(b"Good morning.", &mut record)?;
    println!("client    a record of {} octets", record.len());
    if let Opened::Data(message) = server.open(&mut record)? {
        println!("server    reads {:?}", String::from_utf8_lossy(message));
    }

    let (mut last, mut answer) = (Vec::new(), Vec::new());
    client.close(&mut last)?;
    server.open(&mut last)?;
    server.close(&mut answer)?;
    client.open(&mut answer)?;
    assert_eq!((client.end(), server.end()), (Ending::Clean, Ending::Clean));
    println!("both      closed, and nothing is missing");
    Ok(())
}
