//! The shape of `secure-tunnel ca`; the doc comments are its help.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};

/// Days that a certificate or a CRL can be valid for: nobody can have meant more.
const MAX_DAYS: u64 = 36_500;

/// A private certificate authority for mutual TLS: certificates for servers and clients, and their revocation.
///
/// Whoever trusts DIR/ca.cert.pem trusts every certificate issued here, and nothing of any other authority. Keep the
/// directory where nobody else reads it, best on a machine of its own: with ca.key.pem anyone can be anyone. To the
/// servers and clients go ca.cert.pem, ca.crl.pem and their own two files.
#[derive(Debug, Args)]
#[command(after_help = "\
Three commands for a server and a client that know each other:
  secure-tunnel ca init --name 'ABC Inc.'
  secure-tunnel ca issue server --name localhost --out invoice-server/
  secure-tunnel ca issue client --id mail-server --out mail-server/

When a client's key is lost or its owner gone; give the new ca.crl.pem to the servers:
  secure-tunnel ca revoke --id mail-server

Files of the authority, in DIR:
  ca.cert.pem    its certificate, for everyone
  ca.key.pem     its private key, PKCS#8, mode 0600
  ca.crl.pem     what is revoked, for the servers and clients
  issued.toml    what has been issued and revoked, and the number of the last CRL: keep it with the key")]
pub struct CaArgs {
    /// Directory of the authority.
    #[arg(long, value_name = "DIR", default_value = "ca", global = true)]
    pub dir: PathBuf,

    #[command(subcommand)]
    pub command: CaCommand,
}

#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Make an authority: its key and its certificate.
    ///
    /// Nothing that exists is overwritten. The certificate can sign certificates of servers and clients, and CRLs, but
    /// no further authorities.
    #[command(after_help = "\
Example:
  secure-tunnel ca init --name 'ABC Inc.' --days 1825")]
    Init {
        /// Who runs it, 1 to 64 characters; the organization in its certificate.
        #[arg(long, value_name = "NAME", default_value = "secure-tunnel private CA")]
        name: String,
        /// Days from now for which its certificate is valid; it begins five minutes ago, for clocks that are behind.
        #[arg(long, value_name = "N", default_value = "3650", value_parser = days())]
        days: u64,
        /// Its key.
        #[arg(long, default_value = "p256")]
        key: KeyKind,
    },
    /// Make the key and the certificate of a server or of a client.
    Issue {
        #[command(subcommand)]
        command: IssueCommand,
    },
    /// Revoke certificates and write the CRL anew.
    ///
    /// The revocation takes effect where the new DIR/ca.crl.pem is in force. It cannot be taken back.
    #[command(after_help = "\
Examples:
  secure-tunnel ca revoke --id mail-server              every certificate of this client
  secure-tunnel ca revoke mail-server/mail-server.cert.pem
  secure-tunnel ca revoke 5f0c6ad1b6e84f0f9d2b7a31c0e4d815")]
    #[command(group = clap::ArgGroup::new("which").required(true).args(["certificate", "id"]))]
    Revoke {
        /// The serial number, hexadecimal as `ca show` and openssl print it, or the certificate's file.
        #[arg(value_name = "SERIAL|FILE")]
        certificate: Option<PathBuf>,
        /// All certificates of the client of this id.
        #[arg(long, value_name = "NAME")]
        id: Option<String>,
        #[command(flatten)]
        crl: CrlArgs,
    },
    /// Write DIR/ca.crl.pem anew, before the last one ends.
    ///
    /// A CRL says which certificates are revoked, and until when that is to be believed: a server that checks it accepts
    /// nobody after that time, so write and distribute one well before.
    #[command(after_help = "\
Example, weekly from cron:
  secure-tunnel ca crl --dir /etc/abc-ca --days 30")]
    Crl(CrlArgs),
    /// Show what a certificate or CRL says, or what an authority has issued.
    ///
    /// Nothing is verified. Times are UTC.
    #[command(after_help = "\
Examples:
  secure-tunnel ca show                                 the authority and its certificates
  secure-tunnel ca show mail-server/mail-server.cert.pem
  secure-tunnel ca show ca/ca.crl.pem")]
    Show {
        /// Certificates or CRLs, in PEM or DER, or the directory of an authority [default: DIR].
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum IssueCommand {
    /// For a server that clients reach under the given names.
    ///
    /// Clients compare the name that they connect to with the names given here, and with nothing else. The common name in
    /// the certificate is the first of them, as a label.
    #[command(after_help = "\
Examples:
  secure-tunnel ca issue server --name localhost --name 127.0.0.1 --out invoice-server/
  secure-tunnel ca issue server --name invoice.example --name '*.invoice.example' --days 90")]
    #[command(group = clap::ArgGroup::new("names").required(true).multiple(true).args(["name", "ip"]))]
    Server {
        /// DNS name or IP address; again for more. A wildcard is a whole label, the first, with two or more after it;
        /// an internationalised name is written in A-labels (xn--...).
        #[arg(long, value_name = "HOST")]
        name: Vec<String>,
        /// IP address; again for more.
        #[arg(long, value_name = "ADDRESS")]
        ip: Vec<std::net::IpAddr>,
        #[command(flatten)]
        leaf: LeafArgs,
    },
    /// For a client, whose id servers read from it.
    ///
    /// The id is in the certificate as the URI secure-tunnel:NAME, and if it has 64 characters of ASCII or less also as
    /// the common name, for servers that read that.
    #[command(after_help = "\
Example:
  secure-tunnel ca issue client --id mail-server --out mail-server/")]
    Client {
        /// The client's name, 1 to 255 octets without control characters.
        #[arg(long, value_name = "NAME")]
        id: String,
        #[command(flatten)]
        leaf: LeafArgs,
    },
}

#[derive(Debug, Args)]
pub struct LeafArgs {
    /// Days from now for which it is valid, not beyond the authority's own end; it begins five minutes ago.
    #[arg(long, value_name = "N", default_value = "365", value_parser = days())]
    pub days: u64,

    /// Its key.
    #[arg(long, default_value = "p256")]
    pub key: KeyKind,

    /// DIR/ for the two files, or DIR/PREFIX for PREFIX.key.pem and PREFIX.cert.pem; a directory that is not there is
    /// made [default: named after the first name or id, here].
    #[arg(long, value_name = "PREFIX")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CrlArgs {
    /// Days from now until which the CRL is to be believed.
    #[arg(long = "days", value_name = "N", default_value = "30", value_parser = days())]
    pub days: u64,
}

/// A kind of key pair, and with it of the signatures made with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyKind {
    /// ECDSA on the curve P-256, with SHA-256.
    P256,
    /// RSA of 2048 bits, PKCS #1 v1.5 with SHA-256, for peers that have nothing newer.
    Rsa2048,
}

fn days() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=MAX_DAYS)
}
