//! TLS around or in place of the tunnel, from the command line: chapter 7 of the specification.

pub mod args;
mod files;
mod guard;
mod watched;

use core::fmt;
use std::sync::Arc;

use rustls::ProtocolVersion;
use rustls::time_provider::DefaultTimeProvider;
use secure_tunnel_net::{Endpoint, Failure, TlsClient, Transport};
use secure_tunnel_tls::{
    Alpn, ClientCertificates, ClientSettings, ClientTls, OwnCertificate, PeerInfo, Policies,
    ServerSettings, ServerTls, server_name,
};

pub use guard::{ClientGuard, Guard};
pub use watched::Change;

use crate::fault::Fault;
use crate::log;
use args::{ClientTlsArgs, ServerTlsArgs};
use watched::Trusted;

/// The TLS that `serve` was asked for, if it was: the server's side, and who keeps its lists and CRLs as their files are.
pub fn server(args: &ServerTlsArgs, transport: Transport) -> Result<Option<Guard>, Fault> {
    if args.tls_cert.is_none() && args.tls_context.is_empty() {
        return Ok(None);
    }
    only_tcp(transport)?;
    let policies = policies(&args.tls_policy)?;
    let clients = match args.client_certificates {
        _ if args.client_ca.is_empty() => ClientCertificates::NotAsked,
        Some(args::Certificates::Ask) => ClientCertificates::Asked,
        Some(args::Certificates::Require) | None => ClientCertificates::Required,
    };
    let files = guard::Files::read(args, policies).map_err(Fault::Input)?;
    let settings = ServerSettings {
        contexts: files.contexts(),
        default: files.default(),
        clients,
        trust: files.trust().map_err(Fault::Input)?,
        lists: files.lists(),
        alpn: alpn(args.plain_tls, args.alpn),
        time: Arc::new(DefaultTimeProvider),
    };
    let tls = ServerTls::new(settings).map_err(|e| Fault::Input(e.to_string()))?;
    Ok(Some(Guard::new(Arc::new(tls), files)))
}

/// The TLS that `connect` was asked for, if it was: the client's side, and who keeps its CAs and CRLs as their files are.
pub fn client(
    args: &ClientTlsArgs,
    to: &Endpoint,
) -> Result<Option<(TlsClient, ClientGuard)>, Fault> {
    if args.server_ca.is_empty() && !args.encrypt_only {
        return Ok(None);
    }
    only_tcp(to.transport)?;
    let policies = policies(&args.tls_policy)?;
    let trusted = Trusted::read(&args.server_ca, &args.crl, policies).map_err(Fault::Input)?;
    let name = args.server_name.as_deref().unwrap_or(&to.host);
    let name = server_name(name.as_bytes()).map_err(|error| {
        let option = if args.server_name.is_some() { "--server-name" } else { "the URL's host" };
        Fault::Input(format!("{option}: {error}"))
    })?;
    let settings = ClientSettings {
        trust: trusted.trust().map_err(Fault::Input)?,
        certificate: own(args.tls_cert.as_deref(), args.tls_key.as_deref())?,
        alpn: alpn(args.plain_tls, args.alpn),
        time: Arc::new(DefaultTimeProvider),
    };
    // spec: TLS-021
    let make = if args.encrypt_only { ClientTls::encrypted_only } else { ClientTls::new };
    let tls = Arc::new(make(settings).map_err(|e| Fault::Input(e.to_string()))?);
    let guard = ClientGuard::new(Arc::clone(&tls), trusted);
    Ok(Some((TlsClient::new(tls, name), guard)))
}

/// What the log says of a peer: whether it is authorized, and everything an entry of a list needs.
// spec: TLS-027, TLS-028, TLS-029
pub fn described(peer: &PeerInfo) -> impl fmt::Display {
    fmt::from_fn(|f| {
        match peer.version {
            Some(ProtocolVersion::TLSv1_3) => f.write_str("TLS 1.3")?,
            Some(ProtocolVersion::TLSv1_2) => f.write_str("TLS 1.2")?,
            other => write!(f, "{other:?}")?,
        }
        if peer.resumed {
            f.write_str(", resumed")?;
        }
        match &peer.alpn {
            Some(protocol) => write!(f, ", ALPN {}", protocol.escape_ascii())?,
            None => f.write_str(", no ALPN")?,
        }
        if let Some(name) = &peer.server_name {
            write!(f, ", for {name}")?;
        }
        if let Some(identity) = &peer.identity {
            write!(f, ", identity {identity}")?;
        }
        match &peer.certificate {
            Some(certificate) => write!(f, ", sha256 {}", hex::encode(certificate.fingerprint))?,
            None => f.write_str(", no certificate")?,
        }
        match &peer.authorized {
            Err(error) => write!(f, ", NOT AUTHORIZED: {}", Failure::Tls(error.clone())),
            Ok(()) => Ok(()),
        }
    })
}

/// Said before each connection of which nothing is checked.
// spec: TLS-022
pub fn warn_encrypt_only(to: &Endpoint) {
    log::line(format_args!(
        "WARNING: --encrypt-only: {to} is not checked at all. Whoever stands between here and there can\n\
         secure-tunnel: WARNING: pose as the server, read everything and change everything. Use --server-ca."
    ));
}

fn own(
    certificate: Option<&std::path::Path>,
    key: Option<&std::path::Path>,
) -> Result<Option<OwnCertificate>, Fault> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            files::own(certificate, key).map(Some).map_err(Fault::Input)
        }
        _ => Ok(None), // the command line has both or neither
    }
}

// spec: TLS-015
fn alpn(plain: bool, wanted: bool) -> Alpn {
    if plain && !wanted { Alpn::LeftOut } else { Alpn::Required }
}

fn policies(names: &[String]) -> Result<Policies, Fault> {
    let named = Policies::named(names.iter().map(String::as_str));
    named.map_err(|e| Fault::Input(format!("--tls-policy: {e}")))
}

// spec: TLS-008
fn only_tcp(transport: Transport) -> Result<(), Fault> {
    match transport {
        Transport::Tcp => Ok(()),
        Transport::WebSocket => Err(Fault::Input(
            "TLS runs around tcp:// here; for ws:// put a TLS proxy before the server".to_owned(),
        )),
    }
}
