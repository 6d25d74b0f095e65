//! The shape of `tunnelproof fuzz`; the doc comments are its help.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::args::{positive, seconds};
use super::run_args::ShimOptions;

/// Search for differences between a shim and the reference with generated cases.
///
/// Cases are made from a seed: valid inputs of every operation of the shim protocol, most of them with a flaw
/// or two. What the built-in reference answers is what the shim has to answer. A difference is shrunk and
/// printed as a vector that is ready to be committed. The same seed makes the same cases in the same order,
/// whatever else is chosen.
#[derive(Debug, Args)]
#[command(after_help = FUZZ_EXAMPLES)]
pub struct FuzzArgs {
    /// The seed of the cases [default: another each time; it is printed].
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,

    /// End after so many cases.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub cases: Option<u64>,

    /// End after so long [default: 30, or no bound with --cases].
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub seconds: Option<Duration>,

    /// Only the case of this number: how a finding is made again.
    #[arg(long, value_name = "N", conflicts_with_all = ["cases", "area", "op"], requires = "seed")]
    pub case: Option<u64>,

    /// Only the vectors of this file, which --save wrote or which was printed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "cases", "seconds", "case", "area", "op"])]
    pub replay: Option<PathBuf>,

    /// Only these areas (cred, hs, chan, frame, tok).
    #[arg(long, short, value_name = "AREA", value_delimiter = ',')]
    pub area: Vec<String>,

    /// Only these operations, as in tok.verify.
    #[arg(long, value_name = "OP", value_delimiter = ',')]
    pub op: Vec<String>,

    /// End after so many kinds of differences. Those of one operation with the same verdict, expectation and
    /// answer are of one kind.
    #[arg(long, value_name = "K", default_value = "1", value_parser = positive)]
    pub max_findings: usize,

    /// How often the shim is asked, at most, to shrink a finding.
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub shrink: usize,

    /// Write the vector of each finding to a file in DIR.
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,

    /// What to write.
    #[arg(long, value_enum, default_value = "human")]
    pub format: FuzzFormat,

    /// Write it to FILE; the human report still goes to standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub shim: ShimOptions,

    /// The shim and its arguments [default: the built-in reference, which can't differ from itself].
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// How a search is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FuzzFormat {
    /// Findings with their vectors, a conclusion.
    Human,
    /// One JSON object a line: what runs, the findings, a summary.
    Json,
}

const FUZZ_EXAMPLES: &str = "\
Examples:
  tunnelproof fuzz -- ./my-shim                        half a minute with a new seed
  tunnelproof fuzz --seed 1 --cases 20000 -- ./my-shim the same 20,000 cases each time, for CI
  tunnelproof fuzz --area tok --max-findings 10 --save found -- ./my-shim
  tunnelproof fuzz --seed 1 --case 4711 -- ./my-shim   a finding again
  tunnelproof fuzz --replay found/tok.json -- ./my-shim
  tunnelproof fuzz -- tunnelproof shim --mutant id-limit-254   what a finding looks like

Exit codes: 0 no difference, 1 a difference, 2 usage, 3 the shim can't be started, 4 nothing ran.";
