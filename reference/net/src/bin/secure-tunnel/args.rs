//! The command line's shape; the doc comments are its help.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use secure_tunnel_net::{Endpoint, Transport};

use crate::ca::args::CaArgs;
use crate::tls::args::{ClientTlsArgs, ServerTlsArgs};

const EXAMPLES: &str = "\
Examples, on one machine:
  secure-tunnel keygen --id alice                                    two files, each for one side
  secure-tunnel serve tcp://127.0.0.1:7000 --credentials alice.server.toml --echo
  echo hello | secure-tunnel connect tcp://127.0.0.1:7000 --key alice.client.toml

Exit codes: 0 done, 1 something on this machine failed, 2 usage, 3 a file or value is not acceptable,
4 no connection, 5 handshake or token refused, 6 a connection was cut off.";

/// A credentialed tunnel over TCP or WebSocket, and stateless login tokens.
///
/// Version 1 needs a channel that authenticates the server (mutual TLS, which `ca`, `serve` and `connect` make; SSH; the
/// loopback interface), or --pin on the client: see spec/security.md.
#[derive(Debug, Parser)]
#[command(name = "secure-tunnel", version, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Keygen(KeygenArgs),
    Serve(Box<ServeArgs>),
    Connect(Box<ConnectArgs>),
    Token(TokenArgs),
    Ca(CaArgs),
    /// Speak the live protocol of spec/live-protocol.md on standard input and output, for the harness.
    UnderTest,
}

/// Make the credentials of one client: a file for the client and a file for the server.
///
/// Both are written with mode 0600 and never over a file that exists. Give ID.client.toml to the client over a safe
/// channel and ID.server.toml to the server; then delete what does not belong on this machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  secure-tunnel keygen --id alice --out /etc/secure-tunnel/clients")]
pub struct KeygenArgs {
    /// The client's name, 1 to 255 octets without control characters; the server sees it.
    #[arg(long, value_name = "NAME")]
    pub id: String,

    /// Directory for the two files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
}

/// Accept clients and connect each to an application: echo, a command or a local TCP port.
///
/// Credentials are read again when their files change: put a file into the directory to add a client, delete it to
/// revoke the client and cut off its connections. SIGINT or SIGTERM closes all connections and ends the server.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secure-tunnel serve ws://127.0.0.1:7000 --credentials clients/ --forward 127.0.0.1:5432
  secure-tunnel serve tcp://127.0.0.1:7000 --credentials clients/ --exec 'tee -a /var/log/$SECURE_TUNNEL_ID'

Mutual TLS, with the files of `secure-tunnel ca`, around the tunnel or in place of it:
  secure-tunnel serve tcp://0.0.0.0:7000 --credentials clients/ --echo --tls-cert localhost.cert.pem \\
    --tls-key localhost.key.pem --client-ca ca/ca.cert.pem --allow allowed.txt
  secure-tunnel serve tcp://0.0.0.0:3100 --plain-tls --forward 127.0.0.1:80 --tls-cert localhost.cert.pem \\
    --tls-key localhost.key.pem --client-ca ca/ca.cert.pem

Pinned, without TLS around it: make a key once, and give the pin that `serve` prints to the clients:
  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4552 -out server-rsa.pem
  secure-tunnel serve tcp://0.0.0.0:7000 --credentials clients/ --rsa-key server-rsa.pem --echo")]
pub struct ServeArgs {
    /// Where to listen: tcp://ADDRESS:PORT or ws://ADDRESS:PORT; port 0 lets the system choose.
    #[arg(value_name = "URL")]
    pub listen: ListenAt,

    /// A directory with *.server.toml files, or one file with `id` and `server_key`, alone or in `client` tables.
    #[arg(long, value_name = "PATH", required_unless_present = "plain_tls")]
    pub credentials: Option<PathBuf>,

    #[command(flatten)]
    pub application: Application,

    /// RSA private key to keep, PKCS#8 in PEM or DER, for clients that pin it [default: a new one each hour].
    #[arg(long, value_name = "FILE")]
    pub rsa_key: Option<PathBuf>,

    /// Tell nobody by the time of a refusal why it was: end refused connections so many milliseconds after their request,
    /// 1 to 9999.
    #[arg(long, value_name = "MS")]
    pub release_delay: Option<u64>,

    /// End a connection when nothing has arrived for so many seconds [default: never].
    #[arg(long, value_name = "SECONDS")]
    pub idle: Option<u64>,

    /// Connections at a time, in all.
    #[arg(long, value_name = "N", default_value = "10000")]
    pub max_connections: usize,

    /// Connections from one address (of IPv6 the first 64 bits) [default: 1000; without limit from this machine].
    #[arg(long, value_name = "N")]
    pub max_per_address: Option<usize>,

    #[command(flatten)]
    pub tls: ServerTlsArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Application {
    /// Send every message back.
    #[arg(long)]
    pub echo: bool,

    /// Run a shell command for each connection, on its standard input and output; SECURE_TUNNEL_ID is the client's id.
    #[arg(long, value_name = "CMD")]
    pub exec: Option<OsString>,

    /// Connect each client to this TCP address.
    #[arg(long, value_name = "HOST:PORT")]
    pub forward: Option<String>,
}

/// Connect standard input and output, or local TCP connections, to a server.
///
/// Every tunnel has a handshake and an RSA key pair of its own; making one takes seconds. With --plain-tls there is none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  secure-tunnel connect ws://127.0.0.1:7000/ --key alice.client.toml < request > answer
  secure-tunnel connect tcp://127.0.0.1:7000 --key alice.client.toml --listen 127.0.0.1:5432
  ssh -NL 7000:127.0.0.1:7000 server &      # a channel that authenticates the server

Mutual TLS, with the files of `secure-tunnel ca`, around the tunnel or in place of it:
  secure-tunnel connect tcp://localhost:7000 --key alice.client.toml --server-ca ca/ca.cert.pem \\
    --tls-cert alice.cert.pem --tls-key alice.key.pem
  secure-tunnel connect tcp://localhost:3100 --plain-tls --server-ca ca/ca.cert.pem \\
    --tls-cert mail-server.cert.pem --tls-key mail-server.key.pem")]
pub struct ConnectArgs {
    /// The server: tcp://HOST:PORT or ws://HOST:PORT/PATH.
    #[arg(value_name = "URL")]
    pub server: Endpoint,

    /// The client's file from `keygen`.
    #[arg(long, value_name = "FILE", required_unless_present = "plain_tls")]
    pub key: Option<PathBuf>,

    /// SHA-256 of the server's RSA key, 64 hexadecimal digits, as `serve --rsa-key` prints it; any other is refused.
    #[arg(long, value_name = "HEX", value_parser = pin)]
    pub pin: Option<[u8; 32]>,

    /// Listen here, and make a tunnel for each connection that is accepted.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,

    /// Go on trying to connect for so many seconds, with growing pauses [default: 0; 30 with --listen].
    #[arg(long, value_name = "SECONDS")]
    pub retry: Option<u64>,

    /// When a tunnel for standard input was cut off, make another and go on; what was on its way is lost.
    #[arg(long, conflicts_with = "listen")]
    pub reconnect: bool,

    /// Key pairs to keep ready for tunnels to come.
    #[arg(long, value_name = "N", default_value = "2")]
    pub keys_ahead: usize,

    /// PKCS#8 of a published key, for every connection: for tests alone.
    #[arg(long, value_name = "FILE", hide = true)]
    pub test_rsa_key: Option<PathBuf>,

    #[command(flatten)]
    pub tls: ClientTlsArgs,
}

/// Log in with challenge tokens: keygen, challenge, sign, issue, verify.
///
/// Challenges and tokens are hexadecimal, on the command line or, given as `-`, on standard input.
#[derive(Debug, Args)]
#[command(after_help = "\
Example, both sides on one machine:
  secure-tunnel token keygen --out server.toml        # prints the public key
  secure-tunnel token keygen --out client.toml
  C=$(secure-tunnel token challenge --key server.toml --client PUBLIC)
  S=$(secure-tunnel token sign --key client.toml --server-id tokens.example $C)
  T=$(secure-tunnel token issue --key server.toml --server-id tokens.example --client PUBLIC $S)
  secure-tunnel token verify --key server.toml $T     # prints the client's public key")]
pub struct TokenArgs {
    #[command(subcommand)]
    pub command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a signing key, of a client or of a server: a file, and its public key on standard output.
    Keygen {
        /// The file, written with mode 0600 and never over one that exists.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Server: make the challenge for a client.
    Challenge {
        /// The server's signing key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The client's public key.
        #[arg(long, value_name = "HEX", value_parser = octets)]
        client: Octets,
    },
    /// Client: sign a challenge.
    Sign {
        /// The client's signing key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The server that the client means; without it any server that it logs in to can pass the answer on.
        #[arg(long, value_name = "TEXT")]
        server_id: Option<String>,
        /// What `challenge` gave, or `-`.
        challenge: String,
    },
    /// Server: exchange a signed challenge for a token.
    Issue {
        /// The server's signing key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The client's public key.
        #[arg(long, value_name = "HEX", value_parser = octets)]
        client: Octets,
        /// This server's id.
        #[arg(long, value_name = "TEXT")]
        server_id: Option<String>,
        /// Seconds for which a challenge can be exchanged.
        #[arg(long, value_name = "SECONDS", default_value = "60")]
        challenge_ttl: u64,
        /// What `sign` gave, or `-`.
        signed: String,
    },
    /// Server, or whoever knows its public key: verify a token and print the client's public key.
    #[command(group = clap::ArgGroup::new("server-key").required(true).args(["key", "server"]))]
    Verify {
        /// The server's signing key.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// The server's public key.
        #[arg(long, value_name = "HEX", value_parser = octets)]
        server: Option<Octets>,
        /// Seconds for which a token is valid.
        #[arg(long, value_name = "SECONDS", default_value = "86400")]
        ttl: u64,
        /// What `issue` gave, or `-`.
        token: String,
    },
}

/// Octets given as hexadecimal.
#[derive(Debug, Clone)]
pub struct Octets(pub Vec<u8>);

/// A URL to listen at.
#[derive(Debug, Clone)]
pub struct ListenAt {
    pub transport: Transport,
    pub host: String,
    pub port: u16,
}

impl FromStr for ListenAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Endpoint { transport, host, port, path } = text.parse()?;
        if path != "/" {
            return Err("a path: the server takes any; expected ws://ADDRESS:PORT".to_owned());
        }
        Ok(Self { transport, host, port })
    }
}

fn octets(text: &str) -> Result<Octets, String> {
    hex::decode(text).map(Octets).map_err(|e| e.to_string())
}

fn pin(text: &str) -> Result<[u8; 32], String> {
    let mut pin = [0; 32];
    hex::decode_to_slice(text, &mut pin)
        .map_err(|_| "expected 64 hexadecimal digits".to_owned())?;
    Ok(pin)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_server_has_exactly_one_application() {
        let parse = |more: &[&str]| {
            let fixed = ["secure-tunnel", "serve", "tcp://[::1]:0", "--credentials", "x"];
            Arguments::try_parse_from(fixed.iter().chain(more)).map_err(|e| e.kind())
        };
        use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument};
        assert!(parse(&["--echo"]).is_ok());
        assert_eq!(parse(&[]).unwrap_err(), MissingRequiredArgument);
        assert_eq!(parse(&["--echo", "--exec", "cat"]).unwrap_err(), ArgumentConflict);
    }
}
