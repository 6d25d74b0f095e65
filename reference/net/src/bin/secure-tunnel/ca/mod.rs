//! `secure-tunnel ca`: a private certificate authority.

pub mod args;
mod authority;
mod issued;
mod keys;
mod names;
mod profile;
mod show;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};

use secure_tunnel::credentials::Id;
use time::OffsetDateTime;

use self::args::{CaArgs, CaCommand, IssueCommand, LeafArgs};
use self::authority::Authority;
use self::issued::{Entry, Serial};
use self::names::Host;
use self::profile::Validity;
use crate::fault::Fault;
use crate::{files, log};

/// Labels of PEM (RFC 7468).
const CERTIFICATE: &str = "CERTIFICATE";
const CRL: &str = "X509 CRL";

pub fn run(args: CaArgs) -> Result<(), Fault> {
    let (dir, now) = (args.dir, profile::now());
    match args.command {
        CaCommand::Init { name, days, key } => {
            let params = profile::authority(&name, Validity::of(days, now)?)?;
            tell(&authority::create(&dir, &*keys::generate(key)?, &params)?)
        }
        CaCommand::Issue { command: IssueCommand::Server { name, ip, leaf } } => {
            let hosts = hosts(&name, &ip)?;
            let first = hosts.first().map(Host::to_string).unwrap_or_default();
            issue(&dir, &first, &leaf, now, |validity| profile::server(&hosts, validity))
        }
        CaCommand::Issue { command: IssueCommand::Client { id, leaf } } => {
            let id = Id::new(id.as_bytes()).map_err(|e| Fault::Input(format!("--id: {e}")))?;
            issue(&dir, id.as_str(), &leaf, now, |validity| profile::client(&id, validity))
        }
        CaCommand::Revoke { certificate, id, crl } => {
            let mut authority = Authority::open(&dir)?;
            match (certificate, id) {
                (Some(certificate), _) => revoke(&mut authority, &certificate, now)?,
                (None, id) => revoke_client(&mut authority, &id.unwrap_or_default(), now)?,
            }
            tell(&[authority.write_crl(crl.days, now)?])
        }
        CaCommand::Crl(crl) => tell(&[Authority::open(&dir)?.write_crl(crl.days, now)?]),
        CaCommand::Show { file } => {
            say(&file.map_or_else(|| show::directory(&dir), |file| show::path(&file))?)
        }
    }
}

/// All of them, each once.
fn hosts(names: &[String], addresses: &[std::net::IpAddr]) -> Result<Vec<Host>, Fault> {
    let named = names.iter().map(|name| {
        let fault = |e| Fault::Input(format!("--name {}: {e}", text::escaped(name)));
        name.parse::<Host>().map_err(fault)
    });
    let mut hosts = Vec::new();
    for host in named.chain(addresses.iter().copied().map(|address| Ok(Host::Ip(address)))) {
        let host = host?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    Ok(hosts)
}

fn issue(
    dir: &Path,
    name: &str,
    leaf: &LeafArgs,
    now: OffsetDateTime,
    params: impl FnOnce(Validity) -> Result<rcgen::CertificateParams, Fault>,
) -> Result<(), Fault> {
    let validity = Validity::of(leaf.days, now)?;
    let at = leaf_files(leaf.out.as_deref(), name);
    let mut authority = Authority::open(dir)?;
    let params = params(validity.within(leaf.days, authority.end, now)?)?;
    authority.issue(&params, &*keys::generate(leaf.key)?, &at)?;
    tell(&at)
}

/// Where the key and the certificate go.
fn leaf_files(out: Option<&Path>, name: &str) -> [PathBuf; 2] {
    let endings = ["key.pem", "cert.pem"];
    match out {
        Some(prefix)
            if !prefix.is_dir() && !prefix.as_os_str().as_encoded_bytes().ends_with(b"/") =>
        {
            endings.map(|ending| {
                let mut path = prefix.as_os_str().to_owned();
                path.push(".");
                path.push(ending);
                PathBuf::from(path)
            })
        }
        dir => {
            endings.map(|ending| dir.unwrap_or(Path::new("")).join(files::name_of(name, ending)))
        }
    }
}

/// Revokes the certificate with this serial number or in this file.
fn revoke(authority: &mut Authority, which: &Path, now: OffsetDateTime) -> Result<(), Fault> {
    let shown = which.display();
    let serial = match which.is_file() {
        true => {
            let entry =
                in_file(authority, which).map_err(|e| Fault::Input(format!("{shown}: {e}")))?;
            let serial = entry.serial.clone();
            // One that was lost from issued.toml is known again.
            if authority.issued.find(&serial).is_none() {
                authority.issued.certificate.push(entry);
            }
            serial
        }
        false => {
            let serial = Serial::try_from(which.to_string_lossy().into_owned());
            serial.map_err(|e| Fault::Input(format!("{shown}: no such file, and {e}")))?
        }
    };
    match authority.issued.find(&serial) {
        Some(entry) => {
            mark(entry, now);
            Ok(())
        }
        None => Err(Fault::Input(format!(
            "{serial}: this authority has issued no certificate with this serial number; see `secure-tunnel ca show`"
        ))),
    }
}

fn in_file(authority: &Authority, path: &Path) -> Result<Entry, String> {
    let octets = files::octets(path).map_err(|_| "cannot be read".to_owned())?;
    match pem_rfc7468::decode_vec(&octets) {
        Ok((CERTIFICATE, der)) => authority.check(&der),
        Ok((label, _)) => Err(format!("a {label}, not a CERTIFICATE")),
        Err(error) => Err(format!("not a certificate in PEM: {error}")),
    }
}

/// Revokes what a client of this id has.
fn revoke_client(authority: &mut Authority, id: &str, now: OffsetDateTime) -> Result<(), Fault> {
    let mut of_client =
        authority.issued.certificate.iter_mut().filter(|entry| entry.is_of(id)).peekable();
    if of_client.peek().is_none() {
        return Err(Fault::Input(format!(
            "--id {id:?}: this authority has issued no certificate for a client of this id; see `secure-tunnel ca show`"
        )));
    }
    of_client.for_each(|entry| mark(entry, now));
    Ok(())
}

/// Doing it twice does no harm: whoever automates revocations may not know of the first.
fn mark(entry: &mut Entry, now: OffsetDateTime) {
    let (kind, serial) = (entry.kind.name(), entry.serial.to_string());
    match entry.revoked_at {
        Some(at) => log::line(format_args!(
            "{kind} {entry}, serial number {serial}: was revoked already on {}",
            profile::shown(at)
        )),
        None => {
            entry.revoked_at = Some(now);
            log::line(format_args!("{kind} {entry}, serial number {serial}: revoked"));
        }
    }
}

/// The text of a file.
fn pem(label: &str, der: &[u8]) -> Result<String, Fault> {
    let text = pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, der);
    text.map_err(|error| Fault::Local(format!("no PEM was made: {error}")))
}

fn tell(written: &[PathBuf]) -> Result<(), Fault> {
    let lines = written.iter().map(|path| format!("{}\n", path.display()));
    say(&lines.collect::<String>())
}

/// On standard output, whose reader may have gone.
fn say(text: &str) -> Result<(), Fault> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Fault::Local(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
