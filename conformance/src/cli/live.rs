//! `tunnelproof server` and what it shares with `client`: from arguments to an exit code.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tunnelproof_vectors::{Suite, Vector};

use super::Failure;
use super::inspect::list_cases;
use super::live_args::{LiveArgs, ProfileArg, ServerArgs, TransportArg};
use super::run::reports;
use crate::known::KnownFailures;
use crate::live::case::Case;
use crate::live::runner::{self, Plan};
use crate::live::stage::Clients;
use crate::live::wire::Credentials;
use crate::live::{self, Role, Target, Transport};
use crate::recorder::{About, Recorder};
use crate::shim::{Limits, Program};
use crate::stop::Stop;

/// Checks a server.
pub fn server(args: &ServerArgs) -> Result<u8, Failure> {
    if let (Some(url), ProfileArg::Tls) = (&args.connect, args.live.profile) {
        return super::live_tls::running(args, url);
    }
    if args.material.is_some() {
        return Err(Failure::Usage("--material goes with --profile tls".into()));
    }
    let mut options = Vec::new();
    let (target, clients, transports) = match (&args.connect, &args.credentials) {
        (Some(url), Some(file)) => {
            let (transport, address) = parse_url(url).map_err(Failure::Usage)?;
            if !args.live.transport.is_empty() && transports(&args.live.transport) != [transport] {
                let name = transport.name();
                return Err(Failure::Usage(format!("{url} is {name}: leave --transport out")));
            }
            options.extend(["--connect".to_owned(), url.clone()]);
            options.extend(["--credentials".to_owned(), file.display().to_string()]);
            let clients = read_clients(file).map_err(Failure::Usage)?;
            (Target::Running(address), clients, vec![transport])
        }
        (Some(_), None) => {
            let why =
                "--connect also needs --credentials, a file with the clients that the server knows";
            return Err(Failure::Usage(why.into()));
        }
        _ if args.live.command.is_empty() && !args.live.list => {
            return Err(Failure::Usage(
                "give the server and its arguments after `--`, as in: tunnelproof server -- ./my-tunnel \
                 under-test; or the address of one that runs, with --connect and --credentials"
                    .into(),
            ));
        }
        _ => {
            let program = Program { command: args.live.command.clone() };
            (Target::Command(program), live::server::clients(), transports(&args.live.transport))
        }
    };
    check(&args.live, Role::Server, &target, &clients, &transports, options)
}

/// Runs the checks of a role. `options` are those of the command line that chose the target.
pub(super) fn check(
    args: &LiveArgs,
    role: Role,
    target: &Target,
    clients: &Clients,
    transports: &[Transport],
    mut options: Vec<String>,
) -> Result<u8, Failure> {
    if args.profile == ProfileArg::Tls {
        return super::live_tls::check(args, role, target, options);
    }
    if args.no_alpn {
        return Err(Failure::Usage("--no-alpn goes with --profile tls".into()));
    }
    let mut cases = live::cases(role);
    // What makes no sense over the transports that were chosen is not in the suite at all.
    cases.retain(|case| case.over.iter().any(|over| transports.contains(over)));
    let suite = live::suite(&cases).map_err(Failure::Usage)?;
    let filter = args.filter.filter();
    let selected = filter.select(&suite).map_err(Failure::Usage)?;
    if args.list {
        return list_cases(&selected, false);
    }
    let known = match &args.end.known_failures {
        Some(path) => KnownFailures::read(path).map_err(Failure::Usage)?,
        None => KnownFailures::default(),
    };
    let traces = args.traces.clone().unwrap_or_else(default_traces);
    if let [transport] = transports
        && matches!(target, Target::Command(_))
    {
        options.extend(["--transport".to_owned(), transport.name().to_owned()]);
    }
    let about = About {
        subcommand: role.name(),
        suite: &suite,
        cases: &selected,
        selection: filter.describe(),
        command: args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        options,
    };
    let mut recorder = Recorder::new(about, &known, reports(&args.report, &suite, selected.len())?);
    let salt = salt();
    let plan = Plan {
        role,
        cases: &cases,
        selected: indices(&cases, &suite, &selected),
        target,
        transports: transports.to_vec(),
        clients,
        jobs: args.jobs,
        limits: Limits { hello: args.start_timeout, case: args.timeout },
        time_limit: args.end.time_limit,
        ends: &|vector, verdict| {
            args.end.fail_fast && known.apply(&vector.id, verdict.clone()).is_red()
        },
        rerun: !args.end.no_rerun,
        timing: args.timing,
        traces: &traces,
        salt: &salt,
    };
    let stop = Stop::on_signals()?;
    recorder.record(&stop, |tell| runner::run(&plan, &stop, tell))?;
    Ok(recorder.finish(&stop)?.1.exit)
}

/// The selected vectors with the indices of their cases; both lists have the same order.
fn indices<'a>(cases: &[Case], suite: &'a Suite, selected: &[&Vector]) -> Vec<(usize, &'a Vector)> {
    let is_selected = |id: &str| selected.iter().any(|vector| vector.id == id);
    let pairs = cases.iter().zip(&suite.vectors).enumerate();
    pairs
        .filter(|(_, (case, _))| is_selected(&case.id))
        .map(|(index, (_, vector))| (index, vector))
        .collect()
}

/// The transports that an option chooses: all, if it is not given.
pub(super) fn transports(chosen: &[TransportArg]) -> Vec<Transport> {
    let is_chosen = |transport: &Transport| {
        let arg = match transport {
            Transport::Tcp => TransportArg::Tcp,
            Transport::Ws => TransportArg::Ws,
        };
        chosen.is_empty() || chosen.contains(&arg)
    };
    Transport::ALL.into_iter().filter(is_chosen).collect()
}

/// 128 random bits: nothing that has to be fresh repeats in the next run.
pub(super) fn salt() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

pub(super) fn default_traces() -> PathBuf {
    std::env::temp_dir().join(format!("tunnelproof-traces-{}", std::process::id()))
}

/// Transport and address of `tcp://HOST:PORT` or `ws://HOST:PORT`, on the loopback interface.
fn parse_url(url: &str) -> Result<(Transport, SocketAddr), String> {
    let form =
        || format!("{url:?} is no address: give tcp://127.0.0.1:PORT or ws://127.0.0.1:PORT");
    let (scheme, rest) = url.split_once("://").ok_or_else(form)?;
    let transport = Transport::ALL.into_iter().find(|t| t.name() == scheme).ok_or_else(form)?;
    Ok((transport, loopback(rest).map_err(|why| format!("{url:?}: {why}"))?))
}

/// The address of HOST:PORT, on the loopback interface.
pub(super) fn loopback(rest: &str) -> Result<SocketAddr, String> {
    let host = rest.strip_suffix('/').unwrap_or(rest);
    let form = "is no address: give HOST:PORT, as in 127.0.0.1:4433";
    let mut addresses = host.to_socket_addrs().map_err(|e| format!("{form}: {e}"))?;
    addresses.find(|address| address.ip().is_loopback()).ok_or_else(|| {
        "not on this machine: live checks attack a server, and only on loopback".to_owned()
    })
}

/// The clients of a file.
fn read_clients(path: &Path) -> Result<Clients, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        client: Vec<Client>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Client {
        client_key: String,
    }
    let place = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| format!("can't read {place}: {e}"))?;
    let file: File = toml::from_str(&text).map_err(|e| format!("{place}: {e}"))?;
    let mut clients = Vec::new();
    for (index, client) in file.client.iter().enumerate() {
        let read = Credentials::of_client_key(&client.client_key).ok_or_else(|| {
            format!(
                "{place}: the client_key of client {} is none: an id, then 26 digits and letters",
                index + 1
            )
        })?;
        clients.push(read);
    }
    if clients.is_empty() {
        return Err(format!("{place}: no [[client]]; the first one is the honest one"));
    }
    let honest = clients.remove(0);
    Ok(Clients { honest, others: clients })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_taken() {
        let (transport, address) = parse_url("ws://127.0.0.1:80/").expect("is an address");
        assert_eq!((transport, address.port()), (Transport::Ws, 80));
        for (url, part) in [
            ("127.0.0.1:80", "is no address"),
            ("http://127.0.0.1:80", "is no address"),
            ("tcp://127.0.0.1", "is no address"),
            ("tcp://192.0.2.1:80", "not on this machine"),
        ] {
            let message = parse_url(url).expect_err("is refused");
            assert!(message.contains(part), "{message}");
        }
    }
}
