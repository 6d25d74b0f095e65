//! The options of TLS; the doc comments are their help.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgGroup, Args, ValueEnum};
use secure_tunnel_tls::ContextName;

const HEADING: &str = "Mutual TLS (tcp:// only)";

/// Of `serve`.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
#[group(skip)]
#[command(group = ArgGroup::new("server-certificate").multiple(true).args(["tls_cert", "tls_context"]))]
pub struct ServerTlsArgs {
    /// The server's certificate and those between it and the CA, PEM. With it every connection is TLS. Read again when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert, PEM, not encrypted.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Another certificate, for clients that ask for NAME (SNI), a DNS name or `*.` and one; --tls-cert is for the others.
    #[arg(long, value_name = "NAME=CERT,KEY")]
    pub tls_context: Vec<Context>,

    /// Certificates of the CAs of clients, PEM; only clients with a certificate of one of them are let in.
    #[arg(long, value_name = "FILE", requires = "server-certificate")]
    pub client_ca: Vec<PathBuf>,

    /// Whether clients without an acceptable certificate are refused, or let in as not authorized [default: require].
    #[arg(long, value_name = "HOW", requires = "client_ca")]
    pub client_certificates: Option<Certificates>,

    /// CRL of a client CA, PEM or DER; with any, each CA of a client's path needs one. Read again when it changes.
    #[arg(long, value_name = "FILE", requires = "client_ca")]
    pub crl: Vec<PathBuf>,

    /// Only clients of this list are let in: lines `identity NAME` or `sha256 HEX`. Read again when it changes.
    #[arg(long, value_name = "FILE", requires = "client_ca")]
    pub allow: Option<PathBuf>,

    /// Clients of this list are refused, and their open connections are cut off. Read again when it changes.
    #[arg(long, value_name = "FILE", requires = "client_ca")]
    pub deny: Option<PathBuf>,

    /// A policy of section 7.13 of the specification, such as tls12, any-id or tls-exporter.
    #[arg(long, value_name = "NAME", requires = "server-certificate")]
    pub tls_policy: Vec<String>,

    /// No tunnel inside: whoever TLS lets in is served.
    #[arg(
        long,
        requires = "server-certificate",
        conflicts_with_all = ["credentials", "rsa_key", "release_delay"]
    )]
    pub plain_tls: bool,

    /// With --plain-tls: only for clients that offer secure-tunnel/1 by ALPN.
    #[arg(long, requires = "plain_tls")]
    pub alpn: bool,
}

/// Of `connect`.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
#[group(skip)]
#[command(group = ArgGroup::new("server-check").args(["server_ca", "encrypt_only"]))]
pub struct ClientTlsArgs {
    /// Certificate of the server's CA, PEM. With it the connection is TLS, and the server is checked.
    #[arg(long, value_name = "FILE")]
    pub server_ca: Vec<PathBuf>,

    /// The name or address that the server's certificate has to have [default: the host of the URL].
    #[arg(long, value_name = "NAME", requires = "server-check")]
    pub server_name: Option<String>,

    /// The client's certificate and those between it and the CA, PEM.
    #[arg(long, value_name = "FILE", requires_all = ["tls_key", "server-check"])]
    pub tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert, PEM, not encrypted.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// CRL of the server's CA, PEM or DER; with any, each CA of the server's path needs one. Read again when it changes.
    #[arg(long, value_name = "FILE", requires = "server_ca")]
    pub crl: Vec<PathBuf>,

    /// A policy of section 7.13 of the specification, such as tls12 or tls-exporter.
    #[arg(long, value_name = "NAME", requires = "server-check")]
    pub tls_policy: Vec<String>,

    /// TLS that checks nothing: whoever stands between the two reads and changes everything. Warns at each connection.
    #[arg(long)]
    pub encrypt_only: bool,

    /// No tunnel inside: TLS alone.
    #[arg(long, requires = "server-check", conflicts_with_all = ["key", "pin"])]
    pub plain_tls: bool,

    /// With --plain-tls: only with a server that selects secure-tunnel/1 by ALPN.
    #[arg(long, requires = "plain_tls")]
    pub alpn: bool,
}

/// How clients are asked for certificates.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Certificates {
    /// Refuse clients without an acceptable certificate.
    Require,
    /// Let them in, as not authorized.
    Ask,
}

/// A certificate for one name.
#[derive(Debug, Clone)]
pub struct Context {
    pub name: ContextName,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl FromStr for Context {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(name, files)| {
            files.split_once(',').map(|(certificate, key)| (name, certificate, key))
        });
        let (name, certificate, key) = parts.ok_or("expected NAME=CERT,KEY")?;
        let name = ContextName::new(name.as_bytes()).map_err(|e| e.to_string())?;
        Ok(Self { name, certificate: certificate.into(), key: key.into() })
    }
}
