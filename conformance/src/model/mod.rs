//! A second implementation of every operation, small and permissive, that can have any one bug of a list.
//!
//! It is written from the text of the specification, apart from the reference and from the generator of the
//! vectors, on bare primitives: hashes, AES-GCM, curve arithmetic, long integers; only the certificates of chapter 7 go to
//! the reference. Each check and each choice
//! that a known bug concerns asks `Model::bug` first; a model without a bug is a plain implementation.
//!
//! It is deterministic: the seed of an OAEP encryption comes from what is encrypted. With a bug that an
//! operation did not ask about, that operation answers what it answers without a bug.

use std::cell::Cell;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::shim_server::{ALL_OPS, Hello, Implementation, Input, Outcome, Rejection};

mod bug;
mod channel;
mod client;
mod credentials;
mod der;
mod digest;
mod ed25519;
mod framing;
mod handshake;
mod keygen;
mod oaep;
mod party;
mod refusal;
mod rsa;
mod server;
mod session;
mod spki;
mod text;
mod tls;
mod tokens;

pub use bug::{Bug, BugSet};
pub use keygen::generate;
pub use party::{Failure, Party, Received, Wish};
pub(crate) use refusal::class;
pub use rsa::Cache;

use refusal::Result;

/// The switchable implementation.
pub struct Model {
    bug: Option<Bug>,
    /// The bugs that were asked about since [`Model::take_reached`].
    reached: Cell<BugSet>,
    cache: Arc<Cache>,
}

impl Model {
    /// A model with this bug, or with none. Models that share a cache share results of RSA operations,
    /// which no bug changes.
    #[must_use]
    pub fn new(bug: Option<Bug>, cache: Arc<Cache>) -> Self {
        Self { bug, reached: Cell::new(BugSet::default()), cache }
    }

    /// The bugs that operations asked about since the last call.
    pub fn take_reached(&self) -> BugSet {
        self.reached.take()
    }

    /// Whether this model has `bug`.
    fn bug(&self, bug: Bug) -> bool {
        let mut reached = self.reached.get();
        reached.insert(bug);
        self.reached.set(reached);
        self.bug == Some(bug)
    }

    fn dispatch(&self, op: &str, input: Input<'_>) -> Result<Map<String, Value>> {
        match op {
            "cred.make" => self.cred_make(input),
            "cred.client_key" => self.cred_client_key(input),
            "cred.server_key" => self.cred_server_key(input),
            "hs.spki" => self.hs_spki(input),
            "hs.nonce" => self.hs_nonce(input),
            "hs.request" => self.hs_request(input),
            "hs.reply" => self.hs_reply(input),
            "hs.oaep" => self.hs_oaep(input),
            "hs.client" => self.hs_client(input),
            "hs.server" => self.hs_server(input),
            "chan.schedule" => self.chan_schedule(input),
            "chan.generation" => self.chan_generation(input),
            "chan.seal" => self.chan_seal(input),
            "chan.open" => self.chan_open(input),
            "chan.export" => self.chan_export(input),
            "chan.session" => self.chan_session(input),
            "frame.stream" => self.frame_stream(input),
            "frame.websocket" => self.frame_websocket(input),
            "frame.encode" => self.frame_encode(input),
            "tok.challenge" => self.tok_challenge(input),
            "tok.sign" => self.tok_sign(input),
            "tok.issue" => self.tok_issue(input),
            "tok.verify" => self.tok_verify(input),
            "tls.context" => self.tls_context(input),
            _ => Err(refusal::fault(format!("no operation {op}"))),
        }
    }
}

impl Implementation for Model {
    fn hello(&self) -> Hello {
        Hello {
            name: match self.bug {
                None => "tunnelproof model".to_owned(),
                Some(bug) => format!("tunnelproof model with the bug {bug:?}"),
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            language: "Rust".to_owned(),
            url: String::new(),
            ops: ALL_OPS.to_vec(),
            profiles: vec!["tunnel", "tokens", "mtls"],
            features: vec!["large", "release-delay", "tls-exporter"],
            error_detail: "code",
            max_inflight: 64,
        }
    }

    fn run(&mut self, op: &str, input: &Map<String, Value>) -> Outcome {
        let result = match op {
            "tls.verify" => self.tls_verify(input),
            _ => self.dispatch(op, Input::from(input)),
        };
        match result {
            Ok(out) => Outcome::Ok(out),
            Err(refusal) => match refusal.into() {
                // `expired` is a code of tokens, too.
                Outcome::Reject(rejection) if op.starts_with("tls.") => {
                    Outcome::Reject(Rejection { class: "tls", ..rejection })
                }
                outcome => outcome,
            },
        }
    }

    fn reset(&mut self) {
        self.cache = Arc::default();
    }
}

/// The `out` of an answer.
fn out<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
