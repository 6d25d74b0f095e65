//! `--profile tls` of `tunnelproof server` and `tunnelproof client`: from arguments to an exit code.

use std::io::{self, Write};

use tunnelproof_vectors::{Suite, Vector};

use super::Failure;
use super::inspect::list_cases;
use super::live::{default_traces, loopback, salt};
use super::live_args::{LiveArgs, ServerArgs};
use super::run::reports;
use crate::known::KnownFailures;
use crate::live::tls::case::Case;
use crate::live::tls::material::Material;
use crate::live::tls::playable::candidates;
use crate::live::tls::runner::{self, Plan};
use crate::live::tls::running::Stored;
use crate::live::{Role, Target, tls};
use crate::recorder::{About, Recorder};
use crate::shim::Limits;
use crate::stop::Stop;

/// Checks a server that runs already, or writes what it has to be configured with.
pub(super) fn running(args: &ServerArgs, url: &str) -> Result<u8, Failure> {
    let usage = |why: String| Failure::Usage(why);
    let Some(rest) = url.strip_prefix("tls://") else {
        return Err(usage(format!(
            "{url:?} is no address for --profile tls: give tls://127.0.0.1:PORT"
        )));
    };
    let address = loopback(rest).map_err(|why| usage(format!("{url:?}: {why}")))?;
    let Some(directory) = &args.material else {
        let why = "tls:// also needs --material, a directory for the certificates of the checks";
        return Err(usage(why.into()));
    };
    let Some(stored) = Stored::read(directory).map_err(usage)? else {
        let text = Stored::write(directory, &Material::new()).map_err(usage)?;
        writeln!(io::stdout().lock(), "{text}")?;
        return Ok(0);
    };
    let options =
        ["--connect", url, "--material", &directory.display().to_string()].map(str::to_owned);
    let target = Target::Running(address);
    checked(&args.live, Role::Server, &target, options.into(), stored)
}

/// Runs the checks of a role.
pub(super) fn check(
    args: &LiveArgs,
    role: Role,
    target: &Target,
    options: Vec<String>,
) -> Result<u8, Failure> {
    let stored = Stored { material: Material::new(), probe: None };
    checked(args, role, target, options, stored)
}

fn checked(
    args: &LiveArgs,
    role: Role,
    target: &Target,
    mut options: Vec<String>,
    Stored { material, probe }: Stored,
) -> Result<u8, Failure> {
    if !args.transport.is_empty() {
        let why = "--transport goes with --profile tunnel: TLS is checked over TCP";
        return Err(Failure::Usage(why.into()));
    }
    if args.timing > 0 {
        let why = "--timing goes with --profile tunnel: it is about the request of the tunnel";
        return Err(Failure::Usage(why.into()));
    }
    let cases = tls::cases(role);
    let suite = tls::suite(&cases).map_err(Failure::Usage)?;
    let filter = args.filter.filter();
    let selected = filter.select(&suite).map_err(Failure::Usage)?;
    if args.list {
        let listed = list_cases(&selected, false)?;
        if filter.describe().is_none() {
            list_unplayable(role)?;
        }
        return Ok(listed);
    }
    let known = match &args.end.known_failures {
        Some(path) => KnownFailures::read(path).map_err(Failure::Usage)?,
        None => KnownFailures::default(),
    };
    let traces = args.traces.clone().unwrap_or_else(default_traces);
    options.extend(["--profile".to_owned(), "tls".to_owned()]);
    if args.no_alpn {
        options.push("--no-alpn".to_owned());
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
    let (salt, material) = (salt(), material.with_alpn(!args.no_alpn));
    let plan = Plan {
        role,
        cases: &cases,
        selected: indices(&cases, &suite, &selected),
        target,
        material: &material,
        probe,
        jobs: args.jobs,
        limits: Limits { hello: args.start_timeout, case: args.timeout },
        time_limit: args.end.time_limit,
        ends: &|vector, verdict| {
            args.end.fail_fast && known.apply(&vector.id, verdict.clone()).is_red()
        },
        rerun: !args.end.no_rerun,
        traces: &traces,
        salt: &salt,
    };
    let stop = Stop::on_signals()?;
    recorder.record(&stop, |tell| runner::run(&plan, &stop, tell))?;
    Ok(recorder.finish(&stop)?.1.exit)
}

/// The vectors that no case plays, and why.
fn list_unplayable(role: Role) -> io::Result<()> {
    let peer = match role {
        Role::Server => "client",
        Role::Client => "server",
    };
    let mut output = io::stdout().lock();
    for candidate in candidates(peer) {
        let is_played = role == Role::Client && tls::client::plays(candidate);
        if let Some(obstacle) = candidate.obstacle.filter(|_| !is_played) {
            writeln!(output, "# {} is not played: {obstacle}", candidate.vector.id)?;
        }
    }
    Ok(())
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
