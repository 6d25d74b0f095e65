//! How much a server takes, on the loopback interface and within a minute: `scripts/load`.
//!
//! The server is a process of its own, started by this program, with a published test key; the clients, in this process,
//! all use another one (against HS-074, since making one takes seconds). Each measurement is bounded in count or time.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant, SystemTime};

use secure_tunnel::credentials::{ClientKey, Id};
use secure_tunnel::handshake::client;
use secure_tunnel::handshake::server::{self, Answer, Policy};
use secure_tunnel::time::{Tick, UnixTime};
use secure_tunnel::{RsaPrivate, fresh};
use secure_tunnel_net::{
    Client, Endpoint, Failure, Keys, Limits, Server, ServerRsa, Transport, Tunnel,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const CLIENT_KEY: &str = "alice@example.orgbufnVvnNLGk4De8jl1mshoPIOP";
const SERVER_KEY: &str = "M37jldKyKT1VDcekWyuqJ3lgZ1";
const SERVER_RSA: &str = include_str!("../../../vectors/keys/test-rsa-4552-a.pem");
const CLIENT_RSA: &str = include_str!("../../../vectors/keys/test-rsa-4552-b.pem");

/// How long a measurement of a rate lasts.
const SPAN: Duration = Duration::from_secs(3);
const SIZES: [usize; 4] = [64, 1_024, 16_384, 262_144];
const IDLE: usize = 1_000;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    match std::env::args().nth(1).as_deref() {
        Some("server") => runtime.block_on(serve()),
        _ => runtime.block_on(measure()),
    }
}

fn der(pem: &str) -> Outcome<Vec<u8>> {
    Ok(pem_rfc7468::decode_vec(pem.as_bytes()).map_err(|e| e.to_string())?.1)
}

/// Tells two ports, of the tunnel and of plain TCP, and echoes on both.
async fn serve() -> Outcome<()> {
    let look_up = |_: Id| async { Answer::from_stored(SERVER_KEY.as_bytes()) };
    let key = ServerRsa::Pinned(RsaPrivate::from_pkcs8(&der(SERVER_RSA)?)?);
    let server = Server::new(look_up, key, Policy::default(), Limits::default());
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let plain = TcpListener::bind("127.0.0.1:0").await?;
    println!("{} {}", socket.local_addr()?.port(), plain.local_addr()?.port());
    let mut listener = server.listen(socket, Transport::Tcp);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            tokio::spawn(async move {
                stream.set_nodelay(true)?;
                let (mut reader, mut writer) = stream.split();
                tokio::io::copy(&mut reader, &mut writer).await
            });
        }
    });
    while let Some(accepted) = listener.next().await {
        let Ok(mut tunnel) = accepted.outcome else { continue };
        tokio::spawn(async move {
            while let Some(payload) = tunnel.recv().await {
                if tunnel.send(payload).await.is_err() {
                    break;
                }
            }
            tunnel.finish().await
        });
    }
    Ok(())
}

async fn measure() -> Outcome<()> {
    let mut child =
        Command::new(std::env::current_exe()?).arg("server").stdout(Stdio::piped()).spawn()?;
    let outcome = measure_with(&mut child).await;
    child.kill()?;
    child.wait()?;
    outcome
}

async fn measure_with(child: &mut Child) -> Outcome<()> {
    let mut ports = String::new();
    BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut ports)?;
    let (tunnel, plain) = ports.trim().split_once(' ').ok_or("the server told no ports")?;
    let to: Endpoint = format!("tcp://127.0.0.1:{tunnel}").parse()?;
    let plain: u16 = plain.parse()?;
    let key = ClientKey::parse(CLIENT_KEY.as_bytes())?;
    let client = Arc::new(Client::new(&key, None, Keys::fixed_for_tests(&der(CLIENT_RSA)?)?));

    println!("{} cores, load average {}", cores(), load_average());
    let operations = tokio::task::spawn_blocking(rsa_operations).await??;
    println!("\nRSA private operations, all cores at once {operations:9.1} /s");
    let handshakes = handshakes(&client, &to).await?;
    println!("handshakes, both sides on the same cores  {handshakes:9.1} /s");
    println!(
        "  with one such operation on each side: {:.0} % of what they allow",
        100.0 * handshakes * 2.0 / operations
    );

    println!("\npayloads echoed, one TCP connection, pipelined, {} s each", SPAN.as_secs());
    println!("  octets    tunnel /s     MB/s    plain /s     MB/s    ratio");
    for size in SIZES {
        let (ours, theirs) = (echo(&client, &to, size).await?, plain_echo(plain, size).await?);
        let mb = |rate: f64| rate * size as f64 / 1e6;
        let (our_mb, their_mb, ratio) = (mb(ours), mb(theirs), ours / theirs);
        println!("{size:8} {ours:12.0} {our_mb:8.1} {theirs:11.0} {their_mb:8.1} {ratio:8.2}");
    }

    idle(&client, &to, child.id()).await?;
    println!("\nload average {}", load_average());
    Ok(())
}

/// M2s opened a second, by as many threads as there are cores.
fn rsa_operations() -> Outcome<f64> {
    let key = Arc::new(RsaPrivate::from_pkcs8(&der(SERVER_RSA)?)?);
    let greet = move || server::Server::greet(Arc::clone(&key), Policy::default(), Tick(0));
    let state = client::Client::connect(ClientKey::parse(CLIENT_KEY.as_bytes())?, None, Tick(0));
    let drawn = fresh::client(RsaPrivate::from_pkcs8(&der(CLIENT_RSA)?)?)?;
    let (_, m2) = state.receive(&greet().1, Tick(0))?.request(drawn, now(), Tick(0))?;
    let count = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                while started.elapsed() < SPAN && greet().0.receive(&m2, Tick(0)).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    Ok(count.into_inner() as f64 / started.elapsed().as_secs_f64())
}

/// Connections established and ended a second, twice as many at a time as there are cores.
async fn handshakes(client: &Arc<Client>, to: &Endpoint) -> Outcome<f64> {
    let started = Instant::now();
    let dial = |_| {
        let (client, to) = (Arc::clone(client), to.clone());
        tokio::spawn(async move {
            let mut count = 0;
            while started.elapsed() < SPAN {
                drop(client.connect(&to).await?);
                count += 1;
            }
            Ok::<_, Failure>(count)
        })
    };
    let mut count = 0;
    for task in (0..2 * cores()).map(dial).collect::<Vec<_>>() {
        count += task.await??;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}

/// Payloads of `size` that come back a second.
async fn echo(client: &Client, to: &Endpoint, size: usize) -> Outcome<f64> {
    let (sender, mut receiver) = client.connect(to).await?.split();
    let started = Instant::now();
    let sending = tokio::spawn(async move {
        while started.elapsed() < SPAN {
            sender.send(vec![7; size]).await?;
        }
        sender.close().await;
        Ok::<_, Failure>(())
    });
    let mut count = 0u64;
    while receiver.recv().await.is_some() {
        count += 1;
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    sending.await??;
    receiver.finish().await?;
    Ok(rate)
}

/// The same octets over a plain connection.
async fn plain_echo(port: u16, size: usize) -> Outcome<f64> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = stream.into_split();
    let started = Instant::now();
    let sending = tokio::spawn(async move {
        while started.elapsed() < SPAN {
            writer.write_all(&vec![7; size]).await?;
        }
        writer.shutdown().await
    });
    let (mut octets, mut buffer) = (0, vec![0; 64 * 1024]);
    loop {
        match reader.read(&mut buffer).await? {
            0 => break,
            read => octets += read,
        }
    }
    let rate = octets as f64 / size as f64 / started.elapsed().as_secs_f64();
    sending.await??;
    Ok(rate)
}

/// Memory of connections that say nothing, on each side.
async fn idle(client: &Arc<Client>, to: &Endpoint, server: u32) -> Outcome<()> {
    let server = server.to_string();
    let before = (resident(&server), resident("self"));
    let mut open: Vec<Tunnel> = Vec::new();
    let started = Instant::now();
    while open.len() < IDLE {
        let dial = |_| {
            let (client, to) = (Arc::clone(client), to.clone());
            tokio::spawn(async move { client.connect(&to).await })
        };
        let many = (IDLE - open.len()).min(2 * cores());
        for task in (0..many).map(dial).collect::<Vec<_>>() {
            open.push(task.await??);
        }
    }
    println!("\n{} idle connections, made in {:.1} s", open.len(), started.elapsed().as_secs_f64());
    for (side, before, after) in
        [("server", before.0, resident(&server)), ("clients", before.1, resident("self"))]
    {
        let (Some(before), Some(after)) = (before, after) else { continue };
        let each = after.saturating_sub(before) / open.len() as u64;
        let (before, after) = (before / 1024, after / 1024);
        println!("  {side:8} {before:6} KiB before, {after:6} KiB after: {each} octets each");
    }
    Ok(())
}

/// Octets of memory of a process, where the system tells.
fn resident(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg");
    text.map_or("unknown".to_owned(), |text| text.trim().to_owned())
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}
