//! `secure-tunnel connect`.

use std::sync::Arc;
use std::time::Duration;

use secure_tunnel_net::{Backoff, Client, Endpoint, Failure, Keys, Tunnel};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout_at};

use crate::args::ConnectArgs;
use crate::fault::Fault;
use crate::{files, log, pump};

pub async fn run(args: ConnectArgs) -> Result<(), Fault> {
    let key = files::client_key(&args.key)?;
    let keys = match &args.test_rsa_key {
        None => Keys::ahead(args.keys_ahead),
        Some(path) => {
            let (_, der) = files::rsa_key(path)?;
            Keys::fixed_for_tests(&der).map_err(|e| Fault::Input(e.to_string()))?
        }
    };
    if args.pin.is_none() && !args.server.is_loopback() {
        let remedy = "Put TLS or SSH around it, or use --pin.";
        log::warn_unauthenticated(&args.server, remedy);
    }
    let client = Client::new(&key, args.pin, keys);
    drop(key);
    match args.listen {
        Some(address) => {
            let patience = Duration::from_secs(args.retry.unwrap_or(30));
            let socket = TcpListener::bind(address).await;
            let socket = socket.map_err(|e| Fault::Network(format!("--listen {address}: {e}")))?;
            listen(Arc::new(client), socket, args.server, patience).await
        }
        None => {
            let patience = Duration::from_secs(args.retry.unwrap_or(0));
            standard(&client, &args.server, patience, args.reconnect).await
        }
    }
}

/// Tunnels for standard input and output: one, or one after the other.
async fn standard(
    client: &Client,
    to: &Endpoint,
    patience: Duration,
    reconnect: bool,
) -> Result<(), Fault> {
    let mut input = tokio::io::stdin();
    loop {
        let tunnel = connect(client, to, patience).await?;
        log::line(format_args!("connected to {to}"));
        match pump::run(tunnel, &mut input, tokio::io::stdout()).await {
            Ok(()) => return Ok(()),
            Err(failure) if reconnect => {
                log::line(format_args!("{to}: cut off: {failure}; connecting again"));
            }
            Err(failure) => return Err(Fault::CutOff(format!("{to}: cut off: {failure}"))),
        }
    }
}

/// A tunnel for each local connection.
async fn listen(
    client: Arc<Client>,
    socket: TcpListener,
    to: Endpoint,
    patience: Duration,
) -> Result<(), Fault> {
    let address = socket.local_addr().map_err(|e| Fault::Network(e.to_string()))?;
    log::line(format_args!("listening on {address} for {to}"));
    loop {
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                log::line(format_args!("{address}: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (client, to) = (Arc::clone(&client), to.clone());
        tokio::spawn(async move {
            match one(&client, stream, &to, patience).await {
                Ok(()) => log::of(peer, "closed"),
                Err(fault) => log::of(peer, fault),
            }
        });
    }
}

async fn one(
    client: &Client,
    stream: TcpStream,
    to: &Endpoint,
    patience: Duration,
) -> Result<(), Fault> {
    let _ = stream.set_nodelay(true); // only slower
    let (reader, writer) = stream.into_split();
    let tunnel = connect(client, to, patience).await?;
    let outcome = pump::run(tunnel, reader, writer).await;
    outcome.map_err(|failure| Fault::CutOff(format!("{to}: cut off: {failure}")))
}

/// Connects, again and again while there is patience. Gives the last failure then.
async fn connect(client: &Client, to: &Endpoint, patience: Duration) -> Result<Tunnel, Fault> {
    let until = Instant::now() + patience;
    if patience.is_zero() {
        return client.connect(to).await.map_err(|failure| Fault::connecting(to, &failure));
    }
    let mut last = None;
    let failed = |failure: &Failure, wait: Duration| {
        let fault = Fault::connecting(to, failure);
        log::line(format_args!("{fault}; next attempt in {} ms", wait.as_millis()));
        last = Some(fault);
    };
    let mut backoff = Backoff::default();
    match timeout_at(until, client.connect_again(to, &mut backoff, failed)).await {
        Ok(tunnel) => Ok(tunnel),
        Err(_) => Err(last.unwrap_or(Fault::Network(format!("{to}: no answer in time")))),
    }
}
