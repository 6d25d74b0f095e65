//! The client: dials when it is told to, and tells what arrives.

use secure_tunnel::credentials::ClientKey;
use secure_tunnel_net::{Client, Endpoint, Failure, Keys};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::GRACE;
use super::drive::Open;
use super::lines::{Dial, Event, Lines, Octets, Of, Out, Output, Payload};

pub async fn run(mut lines: Lines, output: &Output) -> Result<(), String> {
    output.put(Out::ready(None)).await;
    let open = Open::default();
    let mut running = JoinSet::new();
    let mut pool = None;
    loop {
        tokio::select! {
            line = lines.next() => match line? {
                None => break,
                Some(line) if line.has("dial") => {
                    let dial: Dial = line.parse()?;
                    let keys = match &dial.rsa_key {
                        Some(Octets(der)) => {
                            Keys::fixed_for_tests(der).map_err(|e| format!("field rsa_key: {e}"))?
                        }
                        // Made only if a dial asks for it.
                        None => pool.get_or_insert_with(|| Keys::ahead(1)).clone(),
                    };
                    running.spawn(connection(dial, keys, open.clone(), output.lines()));
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

async fn connection(dial: Dial, keys: Keys, open: Open, lines: mpsc::Sender<Out>) {
    let of = Of::Dial(dial.dial);
    let outcome = tunnel(dial, keys, &open, &lines).await;
    let _ = lines.send(Out::Event { of, event: Event::end(&outcome) }).await;
}

async fn tunnel(
    dial: Dial,
    keys: Keys,
    open: &Open,
    lines: &mpsc::Sender<Out>,
) -> Result<(), Failure> {
    let Dial { dial, transport, host, port, client_key, pin, send, .. } = dial;
    let key = ClientKey::parse(&client_key.0)
        .map_err(|_| Failure::Internal("field client_key: not a clientKey"))?;
    let pin = match pin {
        None => None,
        Some(Octets(pin)) => {
            Some(pin.try_into().map_err(|_| Failure::Internal("field pin: not 32 octets"))?)
        }
    };
    let to = Endpoint { transport: transport.into(), host, port, path: "/".to_owned() };
    let tunnel = Client::new(&key, pin, keys).connect(&to).await?;

    let of = Of::Dial(dial);
    let (sender, mut receiver) = tunnel.split();
    let (all_sent, sent) = oneshot::channel::<()>();
    let entry = open.enter(dial, sender.clone(), async {
        let _ = sent.await; // in either case nothing of it is to be sent any more
    });
    let _ = lines.send(Out::Event { of, event: Event::Open { id: None } }).await;
    // Beside receiving: the server may not read before it has sent.
    let sending = async {
        for Octets(payload) in send {
            if sender.send(payload).await.is_err() {
                break; // it has ended
            }
        }
        drop(all_sent);
    };
    let receiving = async {
        while let Some(payload) = receiver.recv().await {
            let event = Event::Message { payload: Payload::of(&payload) };
            let _ = lines.send(Out::Event { of, event }).await;
        }
    };
    tokio::join!(sending, receiving);
    drop(entry);
    receiver.finish().await
}
