//! The same without sockets: one handshake or one record at a time, here and by rustls alone, in turns.

use std::io::{Read, Write};
use std::ops::DerefMut;
use std::sync::Arc;
use std::time::Instant;

use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection, ConnectionCommon, ServerConfig, ServerConnection};
use secure_tunnel_tls::{ClientTls, ServerTls, server_name};

use crate::{
    CHUNK, COUNT, Outcome, World, client, client_config, client_tls, localhost, plain_config,
    report, server, tls, trust,
};

/// Connections that octets are echoed by.
const CONNECTIONS: usize = 50;

/// Both ends of a connection.
type Pair = (ClientConnection, ServerConnection);

pub fn measure(world: &World) -> Outcome<()> {
    // A client comes once, to a server that goes on: neither has seen the other's certificate before.
    Parties::new(world, COUNT, 1)?.compare("full handshakes, strangers", |n| (n, 0))?;
    // The same with so many servers and clients that each pair meets once, which all share the caches of a processor.
    let many = COUNT.isqrt() + 1;
    Parties::new(world, many, many)?
        .compare("the same, 45 servers", |n| (n % many, (n + n / many) % many))?;
    // The same one always, and two servers in turns: each time the ticket is one of the other.
    Parties::new(world, 1, 2)?.compare("full handshakes, known", |n| (0, n % 2))?;

    let known = Parties::new(world, 1, 1)?;
    known.here.connect(0, 0, false)?;
    known.there.connect(0, 0, false)?;
    // Each side has to verify the other's chain: what it has found so far goes with the old trust.
    let forget = || {
        known.here.servers[0].replace_trust(trust(world)?);
        known.here.clients[0].replace_trust(trust(world)?);
        Ok(())
    };
    let (here, there) = (|_| known.here.connect(0, 0, true), |_| known.there.connect(0, 0, true));
    in_turns(COUNT, forget, here, there)?.report("resumed, after other trust", 1.0);
    in_turns(COUNT, || Ok(()), here, there)?.report("resumed handshakes, known", 1.0);
    known.echo()?.report("MB a second echoed", 2.0 * CHUNK as f64 / 1e6);
    Ok(())
}

/// The same parties here and there.
struct Parties {
    here: Here,
    there: There,
}

impl Parties {
    fn new(world: &World, clients: usize, servers: usize) -> Outcome<Self> {
        let mut here = Here { servers: Vec::new(), clients: Vec::new() };
        let mut there = There { servers: Vec::new(), clients: Vec::new() };
        for _ in 0..servers {
            let server = server(&world.issuer)?;
            here.servers.push(tls(world, &server)?);
            there.servers.push(plain_config(world, &server)?);
        }
        for _ in 0..clients {
            let client = client(&world.issuer)?;
            here.clients.push(client_tls(world, &client)?);
            let tickets = Resumption::in_memory_sessions(256);
            there.clients.push(client_config(world, &client, tickets)?);
        }
        Ok(Self { here, there })
    }

    /// Full handshakes; `who` are the client and the server of each turn.
    fn compare(&self, what: &str, who: impl Fn(usize) -> (usize, usize)) -> Outcome<()> {
        let here = |n| {
            let (client, server) = who(n);
            self.here.connect(client, server, false)
        };
        let there = |n| {
            let (client, server) = who(n);
            self.there.connect(client, server, false)
        };
        in_turns(COUNT, || Ok(()), here, there)?.report(what, 1.0);
        Ok(())
    }

    /// Records, by many connections: where the buffers of one happen to lie can cost it a third of its rate.
    fn echo(&self) -> Outcome<Turns> {
        let mut turns = Turns { here: Vec::with_capacity(COUNT), there: Vec::with_capacity(COUNT) };
        let mut older = Vec::new();
        for n in 0..CONNECTIONS {
            let (mut ours, mut plain) = if n % 2 == 0 {
                let ours = self.here.connect(0, 0, true)?;
                (ours, self.there.connect(0, 0, true)?)
            } else {
                let plain = self.there.connect(0, 0, true)?;
                (self.here.connect(0, 0, true)?, plain)
            };
            let here = |_| echo(&mut ours);
            let few = in_turns(COUNT / CONNECTIONS, || Ok(()), here, |_| echo(&mut plain))?;
            turns.here.extend(few.here);
            turns.there.extend(few.there);
            older.push((ours, plain)); // so that the next have other buffers
        }
        Ok(turns)
    }
}

/// What this crate adds, on both sides.
struct Here {
    servers: Vec<ServerTls>,
    clients: Vec<ClientTls>,
}

struct There {
    servers: Vec<Arc<ServerConfig>>,
    clients: Vec<Arc<ClientConfig>>,
}

impl Here {
    fn connect(&self, client: usize, server: usize, resumed: bool) -> Outcome<Pair> {
        let name = server_name(b"localhost")?;
        let (client, tls) = (&self.clients[client], &self.servers[server]);
        let accept = tls.accept();
        let pair = handshake(client.connection(&name)?, accept.connection()?)?;
        let (server, client) = (client.admit(&name, &pair.0)?, tls.admit(&pair.1)?);
        assert!(client.identity.is_some() && server.resumed == resumed);
        Ok(pair)
    }
}

impl There {
    fn connect(&self, client: usize, server: usize, resumed: bool) -> Outcome<Pair> {
        let client = ClientConnection::new(Arc::clone(&self.clients[client]), localhost()?)?;
        let server = ServerConnection::new(Arc::clone(&self.servers[server]))?;
        let pair = handshake(client, server)?;
        assert_eq!(pair.0.handshake_kind() == Some(rustls::HandshakeKind::Resumed), resumed);
        Ok(pair)
    }
}

/// What each turn took, in seconds.
struct Turns {
    here: Vec<f64>,
    there: Vec<f64>,
}

impl Turns {
    /// `amount` was done in each.
    fn report(self, what: &str, amount: f64) {
        let rates = |times: Vec<f64>| times.into_iter().map(|time| amount / time).collect();
        report(what, rates(self.here), rates(self.there));
    }
}

fn in_turns<T>(
    count: usize,
    before: impl Fn() -> Outcome<()>,
    mut here: impl FnMut(usize) -> Outcome<T>,
    mut there: impl FnMut(usize) -> Outcome<T>,
) -> Outcome<Turns> {
    let mut turns = Turns { here: Vec::with_capacity(count), there: Vec::with_capacity(count) };
    for n in 0..count {
        // Who goes first changes: the second finds other caches than the first.
        for is_here in [n % 2 == 0, n % 2 == 1] {
            before()?;
            let started = Instant::now();
            let made = if is_here { here(n)? } else { there(n)? };
            let took = started.elapsed().as_secs_f64();
            drop(made);
            if is_here { &mut turns.here } else { &mut turns.there }.push(took);
        }
    }
    Ok(turns)
}

/// To the end, with the tickets of the server.
fn handshake(mut client: ClientConnection, mut server: ServerConnection) -> Outcome<Pair> {
    while client.is_handshaking() || server.is_handshaking() || server.wants_write() {
        transfer(&mut client, &mut server)?;
        transfer(&mut server, &mut client)?;
    }
    Ok((client, server))
}

/// A record there and back.
fn echo((client, server): &mut Pair) -> Outcome<()> {
    let mut chunk = [7; CHUNK];
    client.writer().write_all(&chunk)?;
    transfer(client, server)?;
    server.reader().read_exact(&mut chunk)?;
    server.writer().write_all(&chunk)?;
    transfer(server, client)?;
    Ok(client.reader().read_exact(&mut chunk)?)
}

fn transfer<A, B>(
    from: &mut impl DerefMut<Target = ConnectionCommon<A>>,
    to: &mut impl DerefMut<Target = ConnectionCommon<B>>,
) -> Outcome<()> {
    let mut flight = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut flight)?;
    }
    let mut flight = &flight[..];
    while !flight.is_empty() {
        to.read_tls(&mut flight)?;
        to.process_new_packets()?;
    }
    Ok(())
}
