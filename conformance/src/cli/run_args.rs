//! The shape of `tunnelproof run`, and what other commands take too; the doc comments are their help.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::args::{FilterArgs, OutputArgs, positive, seconds};

/// Run vectors against a shim and report (the default).
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunArgs {
    #[command(flatten)]
    pub filter: FilterArgs,

    #[command(flatten)]
    pub report: OutputArgs,

    #[command(flatten)]
    pub shim: ShimOptions,

    #[command(flatten)]
    pub end: EndOptions,

    /// Start the shim anew for every request.
    #[arg(long)]
    pub oneshot: bool,

    /// Write what fails now as a file of known failures.
    #[arg(long, value_name = "FILE")]
    pub write_known_failures: Option<PathBuf>,

    /// Use the vectors of this directory instead of the built-in ones.
    #[arg(long, value_name = "DIR")]
    pub vectors: Option<PathBuf>,

    /// The shim and its arguments [default: the built-in reference].
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

const RUN_EXAMPLES: &str = "\
Examples:
  tunnelproof run -- node shim.mjs
  tunnelproof run 'tok/*' --fail-fast -- ./shim
  tunnelproof run --requirement HS-036 -- ./shim
  tunnelproof run --shard 2/4 --format junit --output results.xml -- ./shim
  tunnelproof run --write-known-failures known.toml -- ./shim   once, then in CI:
  tunnelproof run --known-failures known.toml -- ./shim";

/// How a shim is run.
#[derive(Debug, Args)]
pub struct ShimOptions {
    /// How many shim processes run side by side [default: one for each core, at most 8].
    #[arg(long, short, value_name = "N", value_parser = positive)]
    pub jobs: Option<usize>,

    /// Requests that a shim is given at once, if it offers to take so many; 1 is lock-step.
    #[arg(long, value_name = "N", default_value = "256", value_parser = positive)]
    pub max_inflight: usize,

    /// Seconds until a case counts as timed out.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,

    /// Seconds until the shim has to have said hello.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub start_timeout: Duration,
}

/// What ends a run, and what counts as a failure.
#[derive(Debug, Args)]
pub struct EndOptions {
    /// Seconds until the whole run is ended.
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    pub time_limit: Duration,

    /// End the run at the first failure.
    #[arg(long)]
    pub fail_fast: bool,

    /// Do not run failing cases a second time to find out whether they are flaky.
    #[arg(long)]
    pub no_rerun: bool,

    /// Cases that are expected to fail: TOML, [[known]] with pattern and reason.
    #[arg(long, value_name = "FILE")]
    pub known_failures: Option<PathBuf>,
}
