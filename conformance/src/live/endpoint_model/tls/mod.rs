//! TLS around the model: spec/live-protocol.md, section 8, in both roles.
//!
//! ```text
//! socket --> rustls, set up by Server or Client --> Stream --> Transport, with the tunnel inside
//!                 |                                       \--> alone::run, without one
//!                 v
//!           Check: `tls.verify` and `tls.context` of the model
//! ```
//!
//! Each decision that chapter 7 asks for is made here or in the model, so that each can be wrong: rustls gives TLS alone, and no
//! more of `secure-tunnel-tls` is used than its pure functions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::version::{TLS12, TLS13};

pub mod alone;
mod check;
pub mod client;
mod handshake;
mod peer;
pub mod server;
mod settings;
mod store;
mod stream;
mod verifiers;

use super::Flaw;
use super::connection::End;
pub use peer::Peer;
pub use stream::Stream;

/// The protocol that ALPN selects.
const ALPN: &[u8] = b"secure-tunnel/1";

/// How long the TLS handshake may take (TLS-007).
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A code of the registry, area tls.
pub type Code = &'static str;

/// A connection whose peer is admitted.
pub struct Secured {
    pub stream: Stream,
    pub peer: Peer,
    /// E, where the tunnel is to be bound to it.
    pub exporter: Option<[u8; 32]>,
    /// When the deadlines of the tunnel begin (TLS-007).
    pub begun: Instant,
}

impl Secured {
    /// E of TLS-082 for the policy `tls-exporter`.
    fn new(
        stream: Stream,
        peer: Peer,
        is_bound: bool,
        (opened, flaw): (Instant, Option<Flaw>),
    ) -> Self {
        let label: &[u8] = match flaw {
            Some(Flaw::ExporterLabelWrong) => b"EXPORTER-secure-tunnel",
            _ => b"EXPORTER-Channel-Binding",
        };
        let is_bound = is_bound && flaw != Some(Flaw::ExporterIgnored);
        let exporter = is_bound.then(|| stream.exporter(label)).flatten();
        let begun = match flaw {
            Some(Flaw::TunnelDeadlineEarly) => opened,
            _ => Instant::now(),
        };
        Self { stream, peer, exporter, begun }
    }
}

/// A connection that TLS refused.
pub fn refused(code: Code) -> End {
    End { clean: false, code: Some(code), failed: true }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

/// TLS-001 to TLS-004.
fn versions(tls12: bool, flaw: Option<Flaw>) -> Vec<&'static SupportedProtocolVersion> {
    let tls12 = tls12 || flaw == Some(Flaw::Tls12Allowed);
    [&TLS13].into_iter().chain(tls12.then_some(&TLS12)).collect()
}
