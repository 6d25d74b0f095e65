//! What these crates add to TLS by rustls alone: full and resumed handshakes with certificates on both sides, and octets
//! echoed; first in memory, then on the loopback interface beside tokio-rustls, one connection at a time in one thread. It
//! takes half a minute. Both are measured in turns, since a machine is not the same from one second to the next.
//!
//! ```sh
//! cargo run --release -p secure-tunnel-net --example tls_load
//! ```

mod memory;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::DefaultTimeProvider;
use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig};
use secure_tunnel_net::{Limits, TlsClient, TlsServer};
use secure_tunnel_tls::{
    Alpn, ClientCertificates, ClientSettings, ClientTls, Lists, OwnCertificate, Policies,
    ServerSettings, ServerTls, Trust, server_name,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::{TlsAcceptor, TlsConnector};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Handshakes of each kind, and records in memory.
const COUNT: usize = 2000;
/// How long octets are echoed on the loopback interface, and how often.
const SPAN: Duration = Duration::from_millis(200);
const TURNS: usize = 21;
const CHUNK: usize = 16 * 1024;

/// A certificate with its key.
type Party = (CertificateDer<'static>, PrivatePkcs8KeyDer<'static>);

struct World {
    anchor: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    server: Party,
    client: Party,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    // Each application has some timer, as `secure-tunnel serve` does to look at its files. In a runtime that has none, the
    // deadline of each handshake would wake the driver.
    tokio::spawn(async {
        loop {
            sleep(Duration::from_millis(500)).await;
        }
    });
    let world = world()?;
    println!("handshakes a second, in memory      here     rustls alone   ratio");
    memory::measure(&world)?;
    println!("\nthe same by sockets                 here     tokio-rustls   ratio");
    let (ours, plain) = (serve_ours(&world).await?, serve_plain(&world).await?);
    let listening = serve_listening(&world).await?;
    let full = client_config(&world, &world.client, Resumption::disabled())?;
    for (what, server, kind) in [
        ("full handshakes, known", ours, HandshakeKind::Full),
        ("the same by Listener", listening, HandshakeKind::Full),
        ("resumed handshakes, known", ours, HandshakeKind::Resumed),
        ("the same by Listener", listening, HandshakeKind::Resumed),
    ] {
        // A client for each, since a ticket is for one server.
        let client = || match kind {
            HandshakeKind::Resumed => {
                client_config(&world, &world.client, Resumption::in_memory_sessions(256))
            }
            _ => Ok(Arc::clone(&full)),
        };
        let clients = [client()?, client()?];
        handshake(server, &clients[0], HandshakeKind::Full).await?;
        handshake(plain, &clients[1], HandshakeKind::Full).await?;
        let (mut here, mut there) = (Vec::with_capacity(COUNT), Vec::with_capacity(COUNT));
        for n in 0..COUNT {
            for is_here in [n % 2 == 0, n % 2 == 1] {
                if is_here {
                    here.push(handshake(server, &clients[0], kind).await?);
                } else {
                    there.push(handshake(plain, &clients[1], kind).await?);
                }
            }
        }
        report(what, here, there);
    }

    let tls = client_tls(&world, &world.client)?;
    let client = TlsClient::new(Arc::new(tls), server_name(b"localhost")?);
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        here.push(echo(client.over(dial(ours).await?).await?).await?);
        let connector = TlsConnector::from(Arc::clone(&full));
        let stream = connector.connect(localhost()?, dial(plain).await?).await?;
        there.push(echo(stream).await?);
    }
    report("MB a second echoed", here, there);
    Ok(())
}

/// Medians of what was done a second; that of the ratios of one turn here to the next there is not moved by a processor
/// that gets slower.
fn report(what: &str, here: Vec<f64>, there: Vec<f64>) {
    let ratio = median(here.iter().zip(&there).map(|(here, there)| here / there).collect());
    println!("{what:28} {:9.0} {:15.0} {ratio:7.3}", median(here), median(there));
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// A connection, made and ended, by the same client whatever the server. How many a second that would be.
async fn handshake(port: u16, config: &Arc<ClientConfig>, kind: HandshakeKind) -> Outcome<f64> {
    let started = Instant::now();
    let connector = TlsConnector::from(Arc::clone(config));
    let mut stream = connector.connect(localhost()?, dial(port).await?).await?;
    // An octet each way: the server has let this client in, and its tickets have arrived.
    stream.write_all(b"x").await?;
    stream.flush().await?;
    stream.read_u8().await?;
    stream.shutdown().await?;
    let took = started.elapsed().as_secs_f64();
    assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind));
    Ok(1.0 / took)
}

/// MB a second that come back.
async fn echo(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Outcome<f64> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let started = Instant::now();
    let sending = tokio::spawn(async move {
        let chunk = vec![7; CHUNK];
        while started.elapsed() < SPAN {
            writer.write_all(&chunk).await?;
            writer.flush().await?;
        }
        writer.shutdown().await
    });
    let (mut octets, mut buffer) = (0, vec![0; CHUNK]);
    loop {
        match reader.read(&mut buffer).await? {
            0 => break,
            read => octets += read,
        }
    }
    sending.await??;
    Ok(octets as f64 / 1e6 / started.elapsed().as_secs_f64())
}

/// What both servers do.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match stream.read(&mut chunk).await? {
            0 => return stream.shutdown().await,
            read => {
                stream.write_all(&chunk[..read]).await?;
                stream.flush().await?;
            }
        }
    }
}

fn trust(world: &World) -> Outcome<Trust> {
    Ok(Trust::new(&[&world.anchor], Policies::default())?)
}

fn tls(world: &World, server: &Party) -> Outcome<ServerTls> {
    Ok(ServerTls::new(ServerSettings {
        contexts: Vec::new(),
        default: Some(own(server)?),
        clients: ClientCertificates::Required,
        trust: trust(world)?,
        lists: Lists::default(),
        alpn: Alpn::LeftOut,
        time: Arc::new(DefaultTimeProvider),
    })?)
}

fn client_tls(world: &World, client: &Party) -> Outcome<ClientTls> {
    Ok(ClientTls::new(ClientSettings {
        trust: trust(world)?,
        certificate: Some(own(client)?),
        alpn: Alpn::LeftOut,
        time: Arc::new(DefaultTimeProvider),
    })?)
}

/// As [`serve_plain`] does it.
async fn serve_ours(world: &World) -> Outcome<u16> {
    let server = TlsServer::new(Arc::new(tls(world, &world.server)?), Limits::default());
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let port = socket.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                stream.set_nodelay(true)?;
                answer(server.accept(stream).await.map_err(std::io::Error::other)?).await
            });
        }
    });
    Ok(port)
}

/// With the limits on connections, and each handed from one task to another.
async fn serve_listening(world: &World) -> Outcome<u16> {
    let tls = tls(world, &world.server)?;
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let port = socket.local_addr()?.port();
    let mut listener = TlsServer::new(Arc::new(tls), Limits::default()).listen(socket);
    tokio::spawn(async move {
        while let Some(accepted) = listener.next().await {
            if let Ok(stream) = accepted.outcome {
                tokio::spawn(answer(stream));
            }
        }
    });
    Ok(port)
}

fn plain_config(world: &World, server: &Party) -> Outcome<Arc<ServerConfig>> {
    let (roots, provider) = (roots(world)?, Arc::new(ring::default_provider()));
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier.build()?)
        .with_single_cert(vec![server.0.clone()], key(server))?;
    Ok(Arc::new(config))
}

async fn serve_plain(world: &World) -> Outcome<u16> {
    let acceptor = TlsAcceptor::from(plain_config(world, &world.server)?);
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let port = socket.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                stream.set_nodelay(true)?;
                answer(acceptor.accept(stream).await?).await
            });
        }
    });
    Ok(port)
}

fn client_config(
    world: &World,
    client: &Party,
    resumption: Resumption,
) -> Outcome<Arc<ClientConfig>> {
    let (roots, provider) = (roots(world)?, Arc::new(ring::default_provider()));
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_webpki_verifier(verifier.build()?)
        .with_client_auth_cert(vec![client.0.clone()], key(client))?;
    config.resumption = resumption;
    Ok(Arc::new(config))
}

async fn dial(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn localhost() -> Outcome<ServerName<'static>> {
    Ok(ServerName::try_from("localhost")?)
}

fn roots(world: &World) -> Outcome<Arc<RootCertStore>> {
    let mut roots = RootCertStore::empty();
    roots.add(world.anchor.clone())?;
    Ok(Arc::new(roots))
}

fn key((_, key): &Party) -> PrivateKeyDer<'static> {
    key.clone_key().into()
}

fn own(party: &Party) -> Outcome<OwnCertificate> {
    Ok(OwnCertificate::new(vec![party.0.clone()], key(party))?)
}

fn world() -> Outcome<World> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate()?;
    let anchor = params.self_signed(&key)?.der().clone();
    let issuer = Issuer::new(params, key);
    Ok(World { anchor, server: server(&issuer)?, client: client(&issuer)?, issuer })
}

fn server(issuer: &Issuer<'_, KeyPair>) -> Outcome<Party> {
    issue(issuer, SanType::DnsName("localhost".try_into()?), ExtendedKeyUsagePurpose::ServerAuth)
}

fn client(issuer: &Issuer<'_, KeyPair>) -> Outcome<Party> {
    let name = SanType::URI("secure-tunnel:alice".try_into()?);
    issue(issuer, name, ExtendedKeyUsagePurpose::ClientAuth)
}

fn issue(
    issuer: &Issuer<'_, KeyPair>,
    name: SanType,
    usage: ExtendedKeyUsagePurpose,
) -> Outcome<Party> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![name];
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?.der().clone();
    Ok((certificate, key.serialize_der().into()))
}
