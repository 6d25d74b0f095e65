//! `secure-tunnel connect`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secure_tunnel_net::{Backoff, Client, Endpoint, Failure, Keys, TlsClient, TlsStream, Tunnel};
use secure_tunnel_tls::PeerInfo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout_at};

use crate::args::ConnectArgs;
use crate::fault::Fault;
use crate::tls::ClientGuard;
use crate::{files, log, pump, tls};

/// Connections to one server.
struct Caller {
    to: Endpoint,
    how: How,
    /// Nothing is checked, which is said each time.
    encrypt_only: bool,
    /// Keeps CAs and CRLs as their files are.
    guard: Option<Mutex<ClientGuard>>,
}

enum How {
    Tunnel(Client),
    /// TLS without a tunnel inside.
    Plain(TlsClient),
}

/// One of them.
enum Connection {
    Tunnel(Box<Tunnel>),
    Plain(Box<TlsStream>),
}

pub async fn run(args: ConnectArgs) -> Result<(), Fault> {
    let (tls, guard) = tls::client(&args.tls, &args.server)?.unzip();
    let encrypt_only = args.tls.encrypt_only;
    let authenticated = tls.is_some() && !encrypt_only;
    let how = match (&args.key, tls) {
        (None, Some(tls)) => How::Plain(tls),
        (None, None) => return Err(Fault::Input("neither --key nor TLS".to_owned())), // refused by the arguments
        (Some(path), tls) => {
            let key = files::client_key(path)?;
            let keys = match &args.test_rsa_key {
                None => Keys::ahead(args.keys_ahead),
                Some(path) => {
                    let (_, der) = files::rsa_key(path)?;
                    Keys::fixed_for_tests(&der).map_err(|e| Fault::Input(e.to_string()))?
                }
            };
            if args.pin.is_none() && !args.server.is_loopback() && !authenticated {
                let remedy = "Use --server-ca, put SSH around it, or use --pin.";
                log::warn_unauthenticated(&args.server, remedy);
            }
            let client = Client::new(&key, args.pin, keys);
            How::Tunnel(match tls {
                Some(tls) => client.with_tls(tls),
                None => client,
            })
        }
    };
    let caller = Caller { to: args.server, how, encrypt_only, guard: guard.map(Mutex::new) };
    match args.listen {
        Some(address) => {
            let patience = Duration::from_secs(args.retry.unwrap_or(30));
            let socket = TcpListener::bind(address).await;
            let socket = socket.map_err(|e| Fault::Network(format!("--listen {address}: {e}")))?;
            listen(Arc::new(caller), socket, patience).await
        }
        None => {
            let patience = Duration::from_secs(args.retry.unwrap_or(0));
            standard(&caller, patience, args.reconnect).await
        }
    }
}

/// Connections for standard input and output: one, or one after the other.
async fn standard(caller: &Caller, patience: Duration, reconnect: bool) -> Result<(), Fault> {
    let to = &caller.to;
    let mut input = tokio::io::stdin();
    loop {
        let connection = caller.connect(patience).await?;
        match connection.tls() {
            Some(tls) => log::line(format_args!("connected to {to}: {}", tls::described(tls))),
            None => log::line(format_args!("connected to {to}")),
        }
        match connection.join(&mut input, tokio::io::stdout()).await {
            Ok(()) => return Ok(()),
            Err(failure) if reconnect => {
                log::line(format_args!("{}; connecting again", Fault::ending(to, &failure)));
            }
            Err(failure) => return Err(Fault::ending(to, &failure)),
        }
    }
}

/// A connection for each local one.
async fn listen(caller: Arc<Caller>, socket: TcpListener, patience: Duration) -> Result<(), Fault> {
    let address = socket.local_addr().map_err(|e| Fault::Network(e.to_string()))?;
    log::line(format_args!("listening on {address} for {}", caller.to));
    loop {
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                log::line(format_args!("{address}: {error}"));
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let caller = Arc::clone(&caller);
        tokio::spawn(async move {
            match one(&caller, stream, patience).await {
                Ok(()) => log::of(peer, "closed"),
                Err(fault) => log::of(peer, fault),
            }
        });
    }
}

async fn one(caller: &Caller, stream: TcpStream, patience: Duration) -> Result<(), Fault> {
    let _ = stream.set_nodelay(true); // only slower
    let (reader, writer) = stream.into_split();
    let connection = caller.connect(patience).await?;
    let outcome = connection.join(reader, writer).await;
    outcome.map_err(|failure| Fault::ending(&caller.to, &failure))
}

impl Caller {
    /// Connects, again and again while there is patience. Gives the last failure then.
    async fn connect(&self, patience: Duration) -> Result<Connection, Fault> {
        let to = &self.to;
        if patience.is_zero() {
            return self.once().await.map_err(|failure| Fault::connecting(to, &failure));
        }
        let mut last = None;
        let mut backoff = Backoff::default();
        let trying = async {
            loop {
                let failure = match self.once().await {
                    Ok(connection) => return connection,
                    Err(failure) => failure,
                };
                let wait = backoff.advance();
                let fault = Fault::connecting(to, &failure);
                log::line(format_args!("{fault}; next attempt in {} ms", wait.as_millis()));
                last = Some(fault);
                sleep(wait).await;
            }
        };
        match timeout_at(Instant::now() + patience, trying).await {
            Ok(connection) => Ok(connection),
            Err(_) => Err(last.unwrap_or(Fault::Network(format!("{to}: no answer in time")))),
        }
    }

    async fn once(&self) -> Result<Connection, Failure> {
        if self.encrypt_only {
            tls::warn_encrypt_only(&self.to);
        }
        if let Some(guard) = &self.guard {
            guard.lock().unwrap_or_else(PoisonError::into_inner).update().log();
        }
        match &self.how {
            How::Tunnel(client) => {
                Ok(Connection::Tunnel(Box::new(client.connect(&self.to).await?)))
            }
            How::Plain(tls) => Ok(Connection::Plain(Box::new(tls.connect(&self.to).await?))),
        }
    }
}

impl Connection {
    fn tls(&self) -> Option<&PeerInfo> {
        match self {
            Self::Tunnel(tunnel) => tunnel.tls().map(|tls| &**tls),
            Self::Plain(stream) => Some(stream.peer()),
        }
    }

    /// Joins it to a local byte stream, to the end of both directions.
    async fn join(
        self,
        reader: impl AsyncRead + Unpin,
        writer: impl AsyncWrite + Unpin,
    ) -> Result<(), Failure> {
        match self {
            Self::Tunnel(tunnel) => pump::run(*tunnel, reader, writer).await,
            Self::Plain(mut stream) => {
                let outcome = pump::plain(&mut stream, reader, writer, None).await;
                stream.finish().await;
                outcome
            }
        }
    }
}
