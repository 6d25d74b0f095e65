//! The shim of the reference implementation, the only module that names `secure_tunnel` and `secure_tunnel_tls`.
//!
//! It drives the reference's public interface as an application would, and its `hazmat` parts where an
//! operation asks for a piece of the protocol. Outcomes are those of the reference's own errors.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use secure_tunnel::RsaPrivate;
use secure_tunnel::error::{Diagnostic, TokenError};
use serde_json::{Map, Value};

use crate::shim_server::{
    ALL_OPS, BadInput, Hello, Implementation, Input, Outcome, Rejection, serve,
};

mod channel;
mod client;
mod credentials;
mod framing;
mod handshake;
mod server;
mod session;
mod tls;
mod tokens;

/// The reference implementation, with the RSA keys that it has parsed.
#[derive(Default)]
pub struct Reference {
    keys: HashMap<Vec<u8>, Arc<RsaPrivate>>,
}

/// Serves the reference on standard input and output.
///
/// # Errors
/// Those of [`serve`].
pub fn serve_stdio() -> io::Result<()> {
    serve(&mut Reference::default(), io::stdin(), io::stdout())
}

impl Implementation for Reference {
    fn hello(&self) -> Hello {
        Hello {
            name: "secure-tunnel".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(), // one version for the whole workspace
            language: "Rust".to_owned(),
            url: env!("CARGO_PKG_REPOSITORY").to_owned(),
            ops: ALL_OPS.to_vec(),
            profiles: vec!["tunnel", "tokens", "mtls"],
            features: vec!["large", "release-delay", "tls-exporter"],
            error_detail: "code",
            max_inflight: 64,
        }
    }

    fn run(&mut self, op: &str, input: &Map<String, Value>) -> Outcome {
        match self.dispatch(op, Input::from(input)) {
            Ok(out) => Outcome::Ok(out),
            Err(Stop::Rejected(rejection)) => Outcome::Reject(rejection),
            Err(Stop::Fault(native)) => Outcome::Fault { native },
        }
    }

    fn reset(&mut self) {
        self.keys.clear();
    }
}

impl Reference {
    fn dispatch(&mut self, op: &str, input: Input<'_>) -> Result<Map<String, Value>, Stop> {
        match op {
            "cred.make" => credentials::make(input),
            "cred.client_key" => credentials::client_key(input),
            "cred.server_key" => credentials::server_key(input),
            "hs.spki" => handshake::spki(input),
            "hs.nonce" => handshake::nonce(input),
            "hs.request" => handshake::request(input),
            "hs.reply" => handshake::reply(input),
            "hs.oaep" => handshake::oaep(&*self.private_key(input)?, input),
            "hs.client" => client::run(input),
            "hs.server" => server::run(self.private_key(input)?, input),
            "chan.schedule" => channel::schedule(input),
            "chan.generation" => channel::generation(input),
            "chan.seal" => channel::seal(input),
            "chan.open" => channel::open(input),
            "chan.export" => channel::export(input),
            "chan.session" => session::run(input),
            "frame.stream" => framing::stream(input),
            "frame.websocket" => framing::websocket(input),
            "frame.encode" => framing::encode(input),
            "tok.challenge" => tokens::challenge(input),
            "tok.sign" => tokens::sign(input),
            "tok.issue" => tokens::issue(input),
            "tok.verify" => tokens::verify(input),
            "tls.verify" => tls::verify(input),
            "tls.context" => tls::context(input),
            _ => Err(fault(format!("no operation {op}"))),
        }
    }

    /// The request's `private_key`, parsed once: parsing takes a noticeable part of a private operation.
    fn private_key(&mut self, input: Input<'_>) -> Result<Arc<RsaPrivate>, Stop> {
        let octets = input.octets("private_key")?;
        if let Some(key) = self.keys.get(&octets) {
            return Ok(Arc::clone(key));
        }
        let key = RsaPrivate::from_pkcs8(&octets).map_err(|error| fault(error.to_string()))?;
        let key = Arc::new(key);
        self.keys.insert(octets, Arc::clone(&key));
        Ok(key)
    }
}

/// Why an operation did not succeed.
enum Stop {
    Rejected(Rejection),
    Fault(String),
}

impl Stop {
    /// The same, with what was done before it.
    fn with_out(self, out: Map<String, Value>) -> Self {
        match self {
            Self::Rejected(rejection) => Self::Rejected(Rejection { out: Some(out), ..rejection }),
            Self::Fault(native) => Self::Fault(native),
        }
    }
}

impl From<BadInput> for Stop {
    fn from(bad: BadInput) -> Self {
        Self::Fault(bad.to_string())
    }
}

fn fault(native: impl Into<String>) -> Stop {
    Stop::Fault(native.into())
}

/// An error of the reference, in the words of the registry.
fn rejected(error: &impl Diagnostic) -> Stop {
    Stop::Rejected(Rejection {
        class: error.class().name(),
        code: error.code(),
        status: None,
        native: format!("{error} [{}]", error.requirement()),
        out: None,
    })
}

/// An error of tokens, with its status.
fn token_rejected(error: &TokenError) -> Stop {
    match rejected(error) {
        Stop::Rejected(rejection) => {
            Stop::Rejected(Rejection { status: Some(error.status()), ..rejection })
        }
        fault @ Stop::Fault(_) => fault,
    }
}

/// The `out` of an answer.
fn out<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
