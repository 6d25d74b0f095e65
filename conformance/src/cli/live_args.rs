//! The shape of `tunnelproof server` and `tunnelproof client`; the doc comments are their help.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::args::{FilterArgs, OutputArgs, positive, seconds};
use super::run_args::EndOptions;

/// Check a server with real sockets against a client that misbehaves on purpose.
///
/// The server is started for the checks and driven over its standard input and output
/// (spec/live-protocol.md), or it runs already and only its port is used. Everything stays on the loopback
/// interface. Selecting a group (live/server/group/...) runs its members too.
#[derive(Debug, Args)]
#[command(after_help = SERVER_EXAMPLES)]
pub struct ServerArgs {
    #[command(flatten)]
    pub live: LiveArgs,

    /// Check the server at this address, tcp://HOST:PORT or ws://HOST:PORT, or tls://HOST:PORT with
    /// --profile tls, which runs already. What needs its events, its credentials or another configuration
    /// is skipped.
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    pub connect: Option<String>,

    /// The clients that the server at --connect knows: TOML, [[client]] with client_key; the first is
    /// the honest one.
    #[arg(long, value_name = "FILE", requires = "connect")]
    pub credentials: Option<PathBuf>,

    /// Certificates and keys for the server at tls://HOST:PORT. The first time they are written there, and
    /// the command says what the server has to be configured with; then it checks the server.
    #[arg(long, value_name = "DIR", requires = "connect", conflicts_with = "credentials")]
    pub material: Option<PathBuf>,
}

const SERVER_EXAMPLES: &str = "\
Examples:
  tunnelproof server -- ./my-tunnel under-test
  tunnelproof server 'live/server/request/*' --transport tcp -- ./my-tunnel under-test
  tunnelproof server --requirement HS-045 -- ./my-tunnel under-test
  tunnelproof server --profile tls -- ./my-tunnel under-test
  tunnelproof server --connect tcp://127.0.0.1:4433 --credentials clients.toml
  tunnelproof server --profile tls --connect tls://127.0.0.1:4433 --material certificates
  tunnelproof server --list";

/// Check a client with real sockets against a server that misbehaves on purpose.
///
/// The client is started for the checks and driven over its standard input and output
/// (spec/live-protocol.md): it is told where to dial, and dials a listener of the harness. All of it stays on
/// the loopback interface. Selecting a group (live/client/group/...) runs its members too.
#[derive(Debug, Args)]
#[command(after_help = CLIENT_EXAMPLES)]
pub struct ClientArgs {
    #[command(flatten)]
    pub live: LiveArgs,
}

const CLIENT_EXAMPLES: &str = "\
Examples:
  tunnelproof client -- ./my-tunnel under-test
  tunnelproof client 'live/client/m3/*' --transport tcp -- ./my-tunnel under-test
  tunnelproof client --requirement HS-056 -- ./my-tunnel under-test
  tunnelproof client --profile tls -- ./my-tunnel under-test
  tunnelproof client --list";

/// What the live checks of both roles take.
#[derive(Debug, Args)]
pub struct LiveArgs {
    #[command(flatten)]
    pub filter: FilterArgs,

    /// What is checked: the tunnel on a bare transport, or chapter 7, mutual TLS, alone and with the tunnel
    /// inside.
    #[arg(long, value_enum, value_name = "PROFILE", default_value = "tunnel")]
    pub profile: ProfileArg,

    /// With --profile tls: TLS alone goes without ALPN, as TLS-015 allows. For a server or client that can't be told
    /// which protocol to negotiate.
    #[arg(long)]
    pub no_alpn: bool,

    /// List the selected cases and run nothing.
    #[arg(long)]
    pub list: bool,

    /// Only over these transports [default: both; with --profile tls there is only TCP].
    #[arg(long, value_enum, value_name = "TRANSPORT", value_delimiter = ',')]
    pub transport: Vec<TransportArg>,

    #[command(flatten)]
    pub report: OutputArgs,

    /// How many cases run side by side, each with an endpoint of its own; those that wait for a deadline
    /// run beside them.
    #[arg(long, short, value_name = "N", default_value = "8", value_parser = positive)]
    pub jobs: usize,

    /// Seconds that the endpoint may take for anything that has no deadline of its own.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,

    /// Seconds until the endpoint has to be ready.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub start_timeout: Duration,

    #[command(flatten)]
    pub end: EndOptions,

    /// Write the wire traces of failures into DIR [default: a directory for temporary files].
    #[arg(long, value_name = "DIR")]
    pub traces: Option<PathBuf>,

    /// Play the selected members of the request groups N times each, one after the other, and report how
    /// long they took: statistics, never a verdict.
    #[arg(long, value_name = "N", num_args = 0..=1, default_value = "0", default_missing_value = "30")]
    pub timing: usize,

    /// The server or client, and its arguments.
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// A profile on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProfileArg {
    /// Chapters 2 to 6, over TCP and WebSocket.
    Tunnel,
    /// Chapter 7, over TCP.
    Tls,
}

/// A transport on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TransportArg {
    /// A byte stream (section 6.2).
    Tcp,
    /// WebSocket (section 6.1).
    Ws,
}
