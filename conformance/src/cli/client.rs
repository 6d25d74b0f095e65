//! `tunnelproof client` and `tunnelproof endpoint`.

use std::io::{self, Write};

use clap::Args;

use super::Failure;
use super::live::{check, transports};
use super::live_args::ClientArgs;
use crate::live::{self, Role, Target, endpoint_model, mutants};
use crate::shim::Program;

/// Serve the live protocol on standard input and output: the second implementation as a server or client
/// with real sockets, with and without TLS, on which the live checks are tested.
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
    if args.live.command.is_empty() && !args.live.list {
        return Err(Failure::Usage(
            "give the client and its arguments after `--`, as in: tunnelproof client -- ./my-tunnel \
             under-test"
                .into(),
        ));
    }
    let target = Target::Command(Program { command: args.live.command.clone() });
    let clients = live::server::clients();
    let transports = transports(&args.live.transport);
    check(&args.live, Role::Client, &target, &clients, &transports, Vec::new())
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
