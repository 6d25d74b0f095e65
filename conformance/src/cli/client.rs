//! `tunnelproof client` and `tunnelproof endpoint`.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Args;

use super::Failure;
use super::args::LiveArgs;
use super::live::{Words, check, transports};
use crate::live::{self, Role, Target, endpoint_model, mutants};
use crate::shim::Program;

/// Check a client with real sockets against a server that misbehaves on purpose.
///
/// The client is started for the checks and driven over its standard input and output
/// (spec/live-protocol.md): it is told where to dial, and dials a listener of the harness. All of it stays on
/// the loopback interface. Selecting a group (live/client/group/...) runs its members too.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ClientArgs {
    #[command(flatten)]
    pub live: LiveArgs,

    /// The client and its arguments.
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  tunnelproof client -- ./my-tunnel under-test
  tunnelproof client 'live/client/m3/*' --transport tcp -- ./my-tunnel under-test
  tunnelproof client --requirement HS-056 -- ./my-tunnel under-test
  tunnelproof client --list";

/// Serve the live protocol on standard input and output: the second implementation as a server or client
/// with real sockets, on which the live checks are tested.
#[derive(Debug, Args)]
pub struct EndpointArgs {
    /// With one bug.
    #[arg(long, value_name = "NAME")]
    pub mutant: Option<String>,

    /// List the mutants: name, rules that it breaks, what it does.
    #[arg(long, conflicts_with = "mutant")]
    pub list: bool,
}

/// Checks a client.
pub fn client(args: &ClientArgs) -> Result<u8, Failure> {
    if args.command.is_empty() && !args.live.list {
        return Err(Failure::Usage(
            "give the client and its arguments after `--`, as in: tunnelproof client -- ./my-tunnel \
             under-test"
                .into(),
        ));
    }
    let target = Target::Command(Program { command: args.command.clone() });
    let clients = live::server::clients();
    let command = args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let words = Words { command, options: Vec::new() };
    let transports = transports(&args.live.transport);
    check(&args.live, Role::Client, &target, &clients, &transports, words)
}

/// Serves the model as an endpoint.
pub fn endpoint(args: &EndpointArgs) -> Result<u8, Failure> {
    if args.list {
        let mut output = io::stdout().lock();
        for mutant in mutants::all() {
            writeln!(output, "{:<32} {:<17} {}", mutant.name, mutant.breaks, mutant.about)?;
        }
        return Ok(0);
    }
    let wrong = match &args.mutant {
        None => endpoint_model::Wrong::default(),
        Some(name) => mutants::find(name)
            .ok_or_else(|| {
                let list = "`tunnelproof endpoint --list` names those that there are";
                Failure::Usage(format!("there is no mutant {name:?}; {list}"))
            })?
            .wrong(),
    };
    match endpoint_model::serve(wrong) {
        Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(Failure::Usage(e.to_string())),
        served => Ok(served.map(|()| 0)?),
    }
}
