//! The HTTP upgrade to WebSocket (RFC 6455, section 4), on any path.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tungstenite::handshake::client::{Response, generate_key, generate_request};
use tungstenite::handshake::derive_accept_key;
use tungstenite::handshake::machine::TryParse;
use tungstenite::handshake::server::{Request, create_response, write_response};
use tungstenite::http::{self, HeaderMap, StatusCode};

use crate::error::Failure;

/// A request or response has at most so many octets.
const MAX_HEAD: usize = 8 * 1024;

/// Answers the request of a client. Gives what it sent after that.
pub(crate) async fn accept(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
) -> Result<Vec<u8>, Failure> {
    let taken = head::<Request>(reader).await;
    // spec: FRAME-003 (the answer names no extension, whatever was offered)
    let answer = taken.and_then(|(request, rest)| {
        create_response(&request).map(|answer| (answer, rest)).map_err(|e| fault(&e))
    });
    let mut out = Vec::new();
    match answer {
        Ok((answer, rest)) => {
            write_response(&mut out, &answer).map_err(|e| fault(&e))?;
            writer.write_all(&out).await.map_err(|e| fault(&e))?;
            Ok(rest)
        }
        Err(error) => {
            let refusal =
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            let _ = writer.write_all(refusal).await; // the failure stands, whether it is heard or not
            Err(error)
        }
    }
}

/// Asks the server for a WebSocket at `path`. Gives what it sent after its answer.
pub(crate) async fn request(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    authority: &str,
    path: &str,
) -> Result<Vec<u8>, Failure> {
    let request = http::Request::get(path)
        .header("Host", authority)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key())
        .body(())
        .map_err(|e| fault(&e))?;
    let (octets, key) = generate_request(request).map_err(|e| fault(&e))?;
    writer.write_all(&octets).await.map_err(|e| fault(&e))?;
    let (response, rest) = head::<Response>(reader).await?;
    verify(&response, &key)?;
    Ok(rest)
}

fn verify(response: &Response, key: &str) -> Result<(), Failure> {
    let wrong = |what: &str| Err(Failure::Upgrade(format!("the server's answer has {what}")));
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return wrong(&format!("status {} instead of 101", response.status()));
    }
    let headers = response.headers();
    if !has(headers, "upgrade", "websocket") || !has(headers, "connection", "upgrade") {
        return wrong("no upgrade to websocket");
    }
    if !has(headers, "sec-websocket-accept", &derive_accept_key(key.as_bytes())) {
        return wrong("a wrong Sec-WebSocket-Accept");
    }
    // spec: FRAME-003
    for name in ["sec-websocket-extensions", "sec-websocket-protocol"] {
        if headers.contains_key(name) {
            return wrong(&format!("a {name} that was not asked for"));
        }
    }
    Ok(())
}

fn has(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).and_then(|found| found.to_str().ok()).is_some_and(|found| {
        if name == "sec-websocket-accept" {
            found == value
        } else {
            found.eq_ignore_ascii_case(value)
        }
    })
}

/// Reads one head, and what came with it.
async fn head<T: TryParse>(reader: &mut (impl AsyncRead + Unpin)) -> Result<(T, Vec<u8>), Failure> {
    let mut octets = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let read = reader.read(&mut chunk).await.map_err(|e| fault(&e))?;
        if read == 0 {
            return Err(Failure::Upgrade("the peer ended the connection".to_owned()));
        }
        octets.extend_from_slice(&chunk[..read]);
        if let Some((used, parsed)) = T::try_parse(&octets).map_err(|e| fault(&e))? {
            octets.drain(..used);
            return Ok((parsed, octets));
        }
        if octets.len() > MAX_HEAD {
            return Err(Failure::Upgrade(format!("no end of the head in {MAX_HEAD} octets")));
        }
    }
}

fn fault(error: &dyn core::error::Error) -> Failure {
    Failure::Upgrade(error.to_string())
}
