//! `tunnelproof pair`.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use super::live::transports;
use super::live_args::TransportArg;
use crate::pair::{Outcome, Pair};
use crate::stop::Stop;

/// Let a server and a client under test talk with each other, also through a network that delays, cuts and ends.
///
/// Both are programs that speak the live protocol (spec/live-protocol.md). Whatever the network does, what was
/// received has to be a prefix of what was sent, every connection has to end, and no end may be clean unless all was
/// delivered.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PairArgs {
    /// The server and its arguments, in one word, divided by spaces.
    #[arg(long, value_name = "CMD")]
    pub server: String,

    /// The client and its arguments.
    #[arg(long, value_name = "CMD")]
    pub client: String,

    /// Only over these transports [default: both].
    #[arg(long, value_enum, value_name = "TRANSPORT", value_delimiter = ',')]
    pub transport: Vec<TransportArg>,

    /// Connections through a disturbed network; some undisturbed ones come before and after.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub runs: u64,

    /// The first connection's seed; the same seed is the same disturbance.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,

    /// Also stop a direction for good during the handshake, and wait for the deadlines of section 3.7.
    #[arg(long)]
    pub slow: bool,

    /// Connections side by side.
    #[arg(long, short, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,
}

const EXAMPLES: &str = "\
Examples:
  tunnelproof pair --server './my-server' --client 'node conformance/peers/node/endpoint.mjs'
  tunnelproof pair --server ./mine --client ./mine --transport ws --runs 500
  tunnelproof pair --server ./mine --client ./mine --seed 17 --runs 1     what seed 17 did, again

Exit codes: 0 all is well, 1 not, 2 usage, 3 one of them can't be started.";

/// Exit code of an endpoint that can't be started.
const BROKEN: u8 = 3;

pub fn pair(args: &PairArgs) -> Result<u8, Failure> {
    let stop = Stop::on_signals()?;
    let mut right = true;
    for transport in transports(&args.transport) {
        let pair = Pair {
            server: words(&args.server),
            client: words(&args.client),
            transport: transport.name(),
            runs: args.runs,
            seed: args.seed,
            slow: args.slow,
            jobs: args.jobs.into(),
        };
        let bar = bar(args.runs);
        let outcome = pair.run(&stop, &|done| bar.set_position(done));
        bar.finish_and_clear();
        if stop.is_set() {
            // What was cut short by us is nobody's fault.
            writeln!(io::stderr(), "interrupted")?;
            return Ok(130);
        }
        match outcome {
            Ok(outcome) => {
                report(transport.name(), &outcome)?;
                right &= outcome.faults.is_empty();
            }
            Err(problem) => {
                writeln!(io::stderr(), "error: {problem}")?;
                return Ok(BROKEN);
            }
        }
    }
    Ok(u8::from(!right))
}

fn report(transport: &str, outcome: &Outcome) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let [server, client] = &outcome.names;
    let verdict = if outcome.faults.is_empty() { "ok" } else { "FAILED" };
    writeln!(
        out,
        "{verdict}: {server} <- {client} over {transport}; disturbed: {} clean, {} broken off",
        outcome.clean, outcome.broken_off
    )?;
    for fault in &outcome.faults {
        writeln!(out, "  {fault}")?;
    }
    out.flush()
}

/// A command's words; there is no quoting.
fn words(command: &str) -> Vec<OsString> {
    command.split_whitespace().map(OsString::from).collect()
}

/// Drawn on a terminal only.
fn bar(runs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{pos}/{len} connections {wide_bar} {elapsed}");
    let bar = ProgressBar::new(runs);
    style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)
}
