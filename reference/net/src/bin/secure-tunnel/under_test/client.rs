//! The client: dials when it is told to, and tells what arrives.

use std::sync::Arc;

use secure_tunnel::credentials::ClientKey;
use secure_tunnel_net::{Client, Endpoint, Failure, Keys, TlsClient, TlsStream, Tunnel};
use secure_tunnel_tls::PeerInfo;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::GRACE;
use super::drive::{Entry, Open, Sink};
use super::lines::{Dial, Event, Lines, Octets, Of, Out, Output, Payload, Scheme};
use super::tls::client::Sessions;
use super::tls::lines::Told;
use super::tls::{Fault, stream};

/// What a connection is made with.
struct With {
    /// For a tunnel.
    keys: Option<Keys>,
    tls: Option<TlsClient>,
}

pub async fn run(mut lines: Lines, output: &Output) -> Result<(), String> {
    output.put(Out::ready(None)).await;
    let open = Open::default();
    let mut running = JoinSet::new();
    let mut pool = None;
    let mut sessions = Sessions::default();
    loop {
        tokio::select! {
            line = lines.next() => match line? {
                None => break,
                Some(line) if line.has("dial") => {
                    let mut dial: Dial = line.parse()?;
                    let of = Of::Dial(dial.dial);
                    let tls = dial.tls.take();
                    let tunnel = tls.as_ref().is_none_or(|tls| tls.tunnel);
                    let keys = match &dial.rsa_key {
                        _ if !tunnel => None,
                        Some(Octets(der)) => {
                            Some(Keys::fixed_for_tests(der).map_err(|e| format!("field rsa_key: {e}"))?)
                        }
                        // Made only if a dial asks for it.
                        None => Some(pool.get_or_insert_with(|| Keys::ahead(1)).clone()),
                    };
                    if tls.is_some() && dial.transport != Scheme::Tcp {
                        return Err("field transport: TLS runs around tcp here".to_owned());
                    }
                    match tls.map(|tls| sessions.client(tls, &dial.host)).transpose() {
                        Ok(tls) => {
                            let with = With { keys, tls };
                            running.spawn(connection(dial, with, open.clone(), output.lines()));
                        }
                        Err(Fault::Unsupported(what)) => {
                            output.put(Out::Event { of, event: Event::Unsupported { what } }).await;
                        }
                        Err(Fault::Caller(error)) => {
                            let event = Event::end(&Err(Failure::Tls(error)));
                            output.put(Out::Event { of, event }).await;
                        }
                    }
                }
                Some(line) => open.take(&line).await?,
            },
            Some(_) = running.join_next() => {}
        }
    }
    open.close();
    let all = async { while running.join_next().await.is_some() {} };
    let _ = timeout(GRACE, all).await; // those that did not close are cut off
    Ok(())
}

async fn connection(dial: Dial, with: With, open: Open, lines: mpsc::Sender<Out>) {
    let of = Of::Dial(dial.dial);
    let to = Endpoint {
        transport: dial.transport.into(),
        host: dial.host.clone(),
        port: dial.port,
        path: "/".to_owned(),
    };
    let told = Lived { of, open, lines: lines.clone() };
    let outcome = match with {
        With { keys: Some(keys), tls } => match connect(&dial, &to, keys, tls).await {
            Ok(connection) => tunnel(connection, dial.send, &told).await,
            Err(failure) => Err(failure),
        },
        With { keys: None, tls: Some(tls) } => match tls.connect(&to).await {
            Ok(connection) => plain(connection, dial.send, &told).await,
            Err(failure) => Err(failure),
        },
        With { keys: None, tls: None } => Err(Failure::Internal("neither a tunnel nor TLS")),
    };
    let _ = lines.send(Out::Event { of, event: Event::end(&outcome) }).await;
}

async fn connect(
    dial: &Dial,
    to: &Endpoint,
    keys: Keys,
    tls: Option<TlsClient>,
) -> Result<Tunnel, Failure> {
    let Some(Octets(key)) = &dial.client_key else {
        return Err(Failure::Internal("the dial lacks the field client_key"));
    };
    let key = ClientKey::parse(key)
        .map_err(|_| Failure::Internal("field client_key: not a clientKey"))?;
    let pin = match &dial.pin {
        None => None,
        Some(Octets(pin)) => Some(
            (pin.as_slice().try_into())
                .map_err(|_| Failure::Internal("field pin: not 32 octets"))?,
        ),
    };
    let client = Client::new(&key, pin, keys);
    match tls {
        Some(tls) => client.with_tls(tls).connect(to).await,
        None => client.connect(to).await,
    }
}

async fn tunnel(tunnel: Tunnel, send: Vec<Octets>, told: &Lived) -> Result<(), Failure> {
    let tls = tunnel.tls().cloned();
    let (sender, mut receiver) = tunnel.split();
    let (entry, sending) = told.opened(Sink::Tunnel(sender), tls, send).await;
    let receiving = async {
        while let Some(payload) = receiver.recv().await {
            told.message(&payload).await;
        }
    };
    // Beside receiving: the server may not read before it has sent.
    tokio::join!(sending, receiving);
    drop(entry);
    receiver.finish().await
}

/// Without a tunnel inside.
async fn plain(tls: TlsStream, send: Vec<Octets>, told: &Lived) -> Result<(), Failure> {
    let (sender, commands) = stream::queue();
    let peer = Some(Arc::clone(tls.peer()));
    let (entry, sending) = told.opened(Sink::Stream(sender), peer, send).await;
    let running = stream::run(tls, commands, |octets| async move { told.message(&octets).await });
    let ((), outcome) = tokio::join!(sending, running);
    drop(entry);
    outcome
}

/// A connection that is established, and who is told of it.
struct Lived {
    of: Of,
    open: Open,
    lines: mpsc::Sender<Out>,
}

impl Lived {
    /// Tells that it is open. The future sends what is to be sent first, before what lines want.
    async fn opened(
        &self,
        sink: Sink,
        tls: Option<Arc<PeerInfo>>,
        send: Vec<Octets>,
    ) -> (Entry, impl Future<Output = ()> + use<>) {
        let (all_sent, sent) = oneshot::channel::<()>();
        let first = async {
            let _ = sent.await; // in either case nothing of it is to be sent any more
        };
        let number = match self.of {
            Of::Dial(number) => number,
            Of::Peer(port) => port.into(),
        };
        let entry = self.open.enter(number, sink.clone(), tls.clone(), first);
        let tls = tls.as_deref().map(Told::of);
        self.event(Event::Open { id: None, tls }).await;
        let sending = async move {
            for Octets(payload) in send {
                if !sink.send(payload).await {
                    break; // it has ended
                }
            }
            drop(all_sent);
        };
        (entry, sending)
    }

    async fn message(&self, payload: &[u8]) {
        self.event(Event::Message { payload: Payload::of(payload) }).await;
    }

    async fn event(&self, event: Event) {
        let _ = self.lines.send(Out::Event { of: self.of, event }).await;
    }
}
