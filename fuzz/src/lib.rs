//! Bodies of the fuzz targets: each takes arbitrary octets, asserts properties and gives a verdict.
//!
//! ```text
//! octets --> input --> reference  --+
//!                 \--> model        +--> assertions --> verdict, a function of the octets alone
//!                  \-> own encoder --+
//! ```
//!
//! A property that fails is a panic. The verdict, what was accepted or why not, lets two builds of the
//! reference be compared over a corpus.

#![forbid(unsafe_code)]

mod agree;
mod channel;
mod client;
mod credentials;
mod frames;
mod hostile;
mod known_failures;
mod lines;
mod login;
mod m2;
mod operation;
mod plaintext;
mod protocol;
mod record;
mod rsa_keys;
mod server;
mod service;
mod spki;
mod token;
mod vector_file;

pub use protocol::{CLIENT_SEED, NOW, SERVER_SEED};

/// What became of an input, the same for the same octets in every build.
pub type Verdict = String;

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Name of the target, of its corpus and of its file in `fuzz_targets/`.
    pub name: &'static str,
    /// Asserts its properties; a panic is a finding.
    pub run: fn(&[u8]) -> Verdict,
    /// The longest input that is of use, in octets.
    pub max_len: usize,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "client_key", run: credentials::client_key, max_len: 300 },
    Target { name: "server_key", run: credentials::server_key, max_len: 64 },
    Target { name: "spki", run: spki::run, max_len: 1100 },
    Target { name: "m2", run: m2::run, max_len: 2200 },
    Target { name: "p1", run: plaintext::p1, max_len: 340 },
    Target { name: "p3", run: plaintext::p3, max_len: 128 },
    Target { name: "record", run: record::run, max_len: 512 },
    Target { name: "frame_stream", run: frames::run, max_len: 8192 },
    Target { name: "token_body", run: token::body, max_len: 96 },
    Target { name: "signed_challenge", run: token::signed_challenge, max_len: 512 },
    Target { name: "token", run: token::token, max_len: 256 },
    Target { name: "vector_file", run: vector_file::run, max_len: 4096 },
    Target { name: "shim_line", run: lines::run, max_len: 2048 },
    Target { name: "known_failures", run: known_failures::run, max_len: 2048 },
    Target { name: "operation", run: operation::run, max_len: 4096 },
    Target { name: "client", run: client::run, max_len: 256 },
    Target { name: "server", run: server::run, max_len: 256 },
    Target { name: "channel", run: channel::run, max_len: 1024 },
    Target { name: "login", run: login::run, max_len: 128 },
    Target { name: "service", run: service::run, max_len: 512 },
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Runs the target `name` on `octets`.
///
/// # Panics
/// If a property does not hold, or there is no such target.
pub fn run(name: &str, octets: &[u8]) -> Verdict {
    let target = target(name).unwrap_or_else(|| panic!("no target {name}"));
    (target.run)(octets)
}
