//! The same without sockets: one handshake or one record at a time, here and by rustls alone, in turns.

use std::io::{Read, Write};
use std::ops::DerefMut;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
            let (here, there) = fastest(|| Ok(()), || echo(&mut ours), || echo(&mut plain))?;
            let speed = |time: Duration| 2.0 * CHUNK as f64 / 1e6 / time.as_secs_f64();
            report("MB a second echoed", speed(here), speed(there));
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
    let (here, there) = fastest(before, here, there)?;
    report(what, 1.0 / here.as_secs_f64(), 1.0 / there.as_secs_f64());
    Ok(())
}

/// The fifth percentile of what each takes: whatever else the machine does only adds time.
fn fastest<T>(
    before: impl Fn() -> Outcome<()>,
    mut here: impl FnMut() -> Outcome<T>,
    mut there: impl FnMut() -> Outcome<T>,
) -> Outcome<(Duration, Duration)> {
    let mut times = [Vec::with_capacity(COUNT), Vec::with_capacity(COUNT)];
    for _ in 0..COUNT {
        before()?;
        let started = Instant::now();
        let ours = here()?;
        let between = Instant::now();
        let plain = there()?;
        times[0].push(between - started);
        times[1].push(between.elapsed());
        drop((ours, plain));
    }
    let [here, there] = times.map(|mut times| {
        times.sort_unstable();
        times[COUNT / 20]
    });
    Ok((here, there))
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
