//! What a connection is joined to.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use secure_tunnel::credentials::Id;
use secure_tunnel_net::{Failure, TlsStream, Tunnel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::args::Application;
use crate::pump::{self, within};

/// The local end, but for echo.
enum Local {
    Stream(TcpStream),
    Command(Box<Started>),
}

struct Started {
    child: tokio::process::Child,
    reader: tokio::process::ChildStdout,
    writer: tokio::process::ChildStdin,
}

/// Joins a tunnel to the application, to the end of either.
pub async fn tunnel(
    tunnel: Tunnel,
    to: &Application,
    id: &Id,
    peer: &str,
    told: impl FnOnce(String),
) -> Result<(), Failure> {
    match local(to, Some(id), peer).await {
        Ok(None) => echo(tunnel).await,
        Ok(Some(Local::Stream(stream))) => {
            let (reader, writer) = stream.into_split();
            pump::run(tunnel, reader, writer).await
        }
        Ok(Some(Local::Command(started))) => {
            let Started { mut child, reader, writer } = *started;
            let outcome = pump::run(tunnel, reader, writer).await;
            end(&mut child).await;
            outcome
        }
        Err(fault) => {
            told(fault);
            tunnel.sender().abort();
            tunnel.finish().await
        }
    }
}

/// Joins a TLS connection to the application, likewise. The stream is still to be finished.
pub async fn plain(
    stream: &mut TlsStream,
    to: &Application,
    peer: &str,
    idle: Option<Duration>,
    told: impl FnOnce(String),
) -> Result<(), Failure> {
    let identity = stream.peer().identity.clone();
    match local(to, identity.as_ref(), peer).await {
        Ok(None) => echo_plain(stream, idle).await,
        Ok(Some(Local::Stream(local))) => {
            let (reader, writer) = local.into_split();
            pump::plain(stream, reader, writer, idle).await
        }
        Ok(Some(Local::Command(started))) => {
            let Started { mut child, reader, writer } = *started;
            let outcome = pump::plain(stream, reader, writer, idle).await;
            end(&mut child).await;
            outcome
        }
        Err(fault) => {
            told(fault);
            Err(Failure::Aborted)
        }
    }
}

/// `None` is echo.
async fn local(to: &Application, id: Option<&Id>, peer: &str) -> Result<Option<Local>, String> {
    if let Some(address) = &to.forward {
        let stream = TcpStream::connect(address.as_str()).await;
        let stream = stream.map_err(|error| format!("--forward {address}: {error}"))?;
        let _ = stream.set_nodelay(true); // only slower
        return Ok(Some(Local::Stream(stream)));
    }
    match &to.exec {
        Some(command) => {
            let started = start(command, id, peer).map_err(|error| format!("--exec: {error}"))?;
            Ok(Some(Local::Command(Box::new(started))))
        }
        None => Ok(None),
    }
}

async fn echo(mut tunnel: Tunnel) -> Result<(), Failure> {
    while let Some(payload) = tunnel.recv().await {
        if tunnel.send(payload).await.is_err() {
            break; // closed by this side
        }
    }
    tunnel.finish().await
}

async fn echo_plain(stream: &mut TlsStream, idle: Option<Duration>) -> Result<(), Failure> {
    let failure = |error| TlsStream::failure(&error);
    let mut chunk = vec![0; pump::CHUNK];
    loop {
        match within(idle, stream.read(&mut chunk)).await?.map_err(failure)? {
            0 => return Ok(()),
            read => {
                let sending = async {
                    stream.write_all(&chunk[..read]).await?;
                    stream.flush().await
                };
                within(idle, sending).await?.map_err(failure)?;
            }
        }
    }
}

async fn end(child: &mut tokio::process::Child) {
    let _ = child.start_kill(); // unless it has ended
    let _ = child.wait().await;
}

fn start(command: &OsString, id: Option<&Id>, peer: &str) -> std::io::Result<Started> {
    let mut shell = Command::new("sh");
    match id {
        Some(id) => shell.env("SECURE_TUNNEL_ID", id.as_str()),
        None => shell.env_remove("SECURE_TUNNEL_ID"),
    };
    let mut child = shell
        .arg("-c")
        .arg(command)
        .env("SECURE_TUNNEL_PEER", peer)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let missing = || std::io::Error::other("no pipe to the command");
    let reader = child.stdout.take().ok_or_else(missing)?;
    let writer = child.stdin.take().ok_or_else(missing)?;
    Ok(Started { child, reader, writer })
}
