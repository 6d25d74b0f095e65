//! The same without sockets: one handshake or one record at a time, here and by rustls alone, in turns.

use std::io::{Read, Write};
use std::ops::DerefMut;
use std::sync::Arc;
use std::time::Instant;

use rustls::client::Resumption;
use rustls::time_provider::DefaultTimeProvider;
use rustls::{ClientConfig, ClientConnection, ConnectionCommon, ServerConfig, ServerConnection};
use secure_tunnel_tls::{Alpn, ClientSettings, ClientTls, ServerTls, server_name};

use crate::{
    CHUNK, Outcome, World, client_config, localhost, own, plain_config, report, tls, trust,
};

/// Handshakes of each kind, and records.
const COUNT: usize = 2000;

/// Both ends of a connection.
type Pair = (ClientConnection, ServerConnection);

pub fn measure(world: &World) -> Outcome<()> {
    for known in [false, true] {
        let who = if known { "known" } else { "unknown" };
        let client = ClientTls::new(ClientSettings {
            trust: trust(world)?,
            certificate: Some(own(&world.client)?),
            alpn: Alpn::LeftOut,
            time: Arc::new(DefaultTimeProvider),
        })?;
        let here = Here { servers: [tls(world)?, tls(world)?], client };
        // Each side has to verify the other's chain: what it has found so far goes with the old trust.
        let forget = || {
            if !known {
                for server in &here.servers {
                    server.replace_trust(trust(world)?);
                }
                here.client.replace_trust(trust(world)?);
            }
            Ok(())
        };
        let client = client_config(world, Resumption::in_memory_sessions(256))?;
        let there = There { servers: [plain_config(world)?, plain_config(world)?], client };
        // Each time the ticket is one of the other server: nothing is resumed.
        let (mut at, mut there_at) = ([0, 1].into_iter().cycle(), [0, 1].into_iter().cycle());
        compare(
            &format!("full handshakes, {who}"),
            forget,
            || here.connect(at.next().unwrap_or(0), false),
            || there.connect(there_at.next().unwrap_or(0), false),
        )?;
        here.connect(0, false)?;
        there.connect(0, false)?;
        compare(
            &format!("resumed handshakes, {who}"),
            forget,
            || here.connect(0, true),
            || there.connect(0, true),
        )?;
        if known {
            let (mut ours, mut plain) = (here.connect(0, true)?, there.connect(0, true)?);
            let turns = in_turns(|| Ok(()), || echo(&mut ours), || echo(&mut plain))?;
            turns.report("MB a second echoed", 2.0 * CHUNK as f64 / 1e6);
        }
    }
    Ok(())
}

/// What this crate adds, on both sides.
struct Here {
    servers: [ServerTls; 2],
    client: ClientTls,
}

struct There {
    servers: [Arc<ServerConfig>; 2],
    client: Arc<ClientConfig>,
}

impl Here {
    fn connect(&self, server: usize, resumed: bool) -> Outcome<Pair> {
        let name = server_name(b"localhost")?;
        let tls = &self.servers[server];
        let accept = tls.accept();
        let pair = handshake(self.client.connection(&name)?, accept.connection()?)?;
        let (server, client) = (self.client.admit(&name, &pair.0)?, tls.admit(&pair.1)?);
        assert!(client.identity.is_some() && server.resumed == resumed);
        Ok(pair)
    }
}

impl There {
    fn connect(&self, server: usize, resumed: bool) -> Outcome<Pair> {
        let client = ClientConnection::new(Arc::clone(&self.client), localhost()?)?;
        let server = ServerConnection::new(Arc::clone(&self.servers[server]))?;
        let pair = handshake(client, server)?;
        assert_eq!(pair.0.handshake_kind() == Some(rustls::HandshakeKind::Resumed), resumed);
        Ok(pair)
    }
}

fn compare(
    what: &str,
    before: impl Fn() -> Outcome<()>,
    here: impl FnMut() -> Outcome<Pair>,
    there: impl FnMut() -> Outcome<Pair>,
) -> Outcome<()> {
    in_turns(before, here, there)?.report(what, 1.0);
    Ok(())
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
    before: impl Fn() -> Outcome<()>,
    mut here: impl FnMut() -> Outcome<T>,
    mut there: impl FnMut() -> Outcome<T>,
) -> Outcome<Turns> {
    let mut turns = Turns { here: Vec::with_capacity(COUNT), there: Vec::with_capacity(COUNT) };
    for _ in 0..COUNT {
        // Before both, so that neither finds warmer caches than the other.
        before()?;
        let started = Instant::now();
        let ours = here()?;
        turns.here.push(started.elapsed().as_secs_f64());
        drop(ours);
        before()?;
        let started = Instant::now();
        let plain = there()?;
        turns.there.push(started.elapsed().as_secs_f64());
        drop(plain);
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
