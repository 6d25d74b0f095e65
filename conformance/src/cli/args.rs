//! The command line's shape; the doc comments are its help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::client::EndpointArgs;
use super::fuzz_args::FuzzArgs;
use super::live_args::{ClientArgs, ProfileArg, ServerArgs};
use super::pair::PairArgs;
use super::run_args::RunArgs;
use crate::select::{Filter, Shard};

const EXAMPLES: &str = "\
Examples:
  tunnelproof                                   check the built-in reference
  tunnelproof run -- python3 my_shim.py         check your implementation behind its shim
  tunnelproof run 'cred/*' -- ./my-shim         only the credentials
  tunnelproof server -- ./my-server             check a server with real sockets
  tunnelproof client -- ./my-client             check a client with real sockets
  tunnelproof show cred/server-key/bad-at-00    what one vector gives and expects
  tunnelproof explain HS-014                    a rule, its reason, its vectors

Exit codes: 0 conformant (or all of a selection passed, or all failures are known), 1 not,
2 usage, 3 the shim can't be started, 4 nothing or too little has run.";

/// Checks any implementation of the tunnel, in any language, against the conformance vectors.
///
/// An implementation is put behind a shim: a program that reads requests as JSON lines on standard input
/// and writes answers on standard output (spec/shim-protocol.md; conformance/README.md writes one in ten
/// minutes).
#[derive(Debug, Parser)]
#[command(name = "tunnelproof", version, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Run(Box<RunArgs>),
    Fuzz(Box<FuzzArgs>),
    Server(Box<ServerArgs>),
    Client(Box<ClientArgs>),
    List(ListArgs),
    Show(ShowArgs),
    Explain(ExplainArgs),
    Trace(TraceArgs),
    Report(ReportArgs),
    Selftest(SelftestArgs),
    Vectors(VectorsArgs),
    Shim(ShimArgs),
    Pair(PairArgs),
    Endpoint(EndpointArgs),
}

/// How a run is reported, and where to.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// What to write.
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,

    /// Write it to FILE; the human report still goes to standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Write the conformance statement, a JSON object, to FILE.
    #[arg(long, value_name = "FILE")]
    pub statement: Option<PathBuf>,

    /// How many failures the human report shows in full.
    #[arg(long, value_name = "N", default_value_t = 25)]
    pub failures: usize,
}

/// Which vectors.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// Patterns of vector ids, such as 'hs/server/*'; a vector has to match one.
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,

    /// Only these areas (cred, hs, chan, frame, tok, tls).
    #[arg(long, short, value_name = "AREA", value_delimiter = ',')]
    pub area: Vec<String>,

    /// Only vectors that test one of these requirements, as in HS-014.
    #[arg(long, short, value_name = "ID", value_delimiter = ',')]
    pub requirement: Vec<String>,

    /// Only part I of N parts.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
}

impl FilterArgs {
    pub fn filter(&self) -> Filter {
        Filter {
            patterns: self.patterns.clone(),
            areas: self.area.clone(),
            requirements: self.requirement.clone(),
            shard: self.shard,
        }
    }
}

/// How a run is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table, the failures, a conclusion.
    Human,
    /// The result log: one JSON object a line, as the results come.
    Json,
    /// JUnit XML.
    Junit,
}

/// List vectors: id, level, requirements.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Only the ids.
    #[arg(long)]
    pub ids: bool,
}

/// Explain a rule: its sentence, its reason, its vectors.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The rule's id, as in HS-014.
    pub id: String,
}

/// Show a vector: what it gives, field by field, what it expects, and what it differs in from its base.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Ids of vectors, as in cred/server-key/bad-at-00.
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,

    /// As JSON, constants resolved.
    #[arg(long)]
    pub json: bool,
}

/// List every rule with the code that cites it and the vectors that test it.
///
/// Code is listed when the command runs within a checkout of the project.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Make a report from a result log that was written with --format json.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The result log.
    pub log: PathBuf,

    /// What to make.
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,

    /// How many failures the human report shows in full.
    #[arg(long, value_name = "N", default_value_t = 25)]
    pub failures: usize,
}

/// Check the harness itself: shims that are wrong on purpose have to be found out.
#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// Also run the mutants: implementations with one realistic bug each, which the vectors have to catch.
    #[arg(long, group = "table")]
    pub mutants: bool,

    /// Run the mutants with sockets instead: endpoints with one bug each, which the live checks have to
    /// catch, and the one without a bug, which has to pass. Takes some minutes.
    #[arg(long, group = "table", conflicts_with = "mutants")]
    pub live: bool,

    /// With --live: only the mutants of this profile [default: of both].
    #[arg(long, value_enum, value_name = "PROFILE", requires = "live")]
    pub profile: Option<ProfileArg>,

    /// Let the fuzzer search for the mutants, without the vectors.
    #[arg(long, requires = "mutants")]
    pub by_fuzz: bool,

    /// With --by-fuzz: the seed of the cases.
    #[arg(long, value_name = "S", default_value_t = 1, requires = "by_fuzz")]
    pub seed: u64,

    /// With --by-fuzz: how long, for all mutants together.
    #[arg(long, value_name = "S", default_value = "120", value_parser = seconds, requires = "by_fuzz")]
    pub seconds: Duration,

    /// Print nothing but the table of the mutants and of what catches each.
    #[arg(long, value_enum, requires = "table")]
    pub format: Option<TableFormat>,
}

/// How the table of mutants is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// Markdown.
    Md,
}

/// Check or rebuild the vectors of a checkout.
#[derive(Debug, Args)]
pub struct VectorsArgs {
    #[command(subcommand)]
    pub command: VectorsCommand,
}

#[derive(Debug, Subcommand)]
pub enum VectorsCommand {
    /// Check ids, bases, requirements, hexadecimal, order and schema.
    Lint {
        /// The directory with the vector files [default: vectors/data of the checkout].
        #[arg(value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Generate all vector files, and the examples in the specification, again.
    Build,
    /// Check that generating them again changes nothing.
    Check,
}

/// Serve the shim protocol on standard input and output.
///
/// Without options this is the built-in reference.
#[derive(Debug, Args)]
pub struct ShimArgs {
    /// A shim that is wrong on purpose; `tunnelproof selftest` lists them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["mutant", "model"])]
    pub control: Option<String>,

    /// The second implementation with one bug; `tunnelproof selftest --mutants --format md` lists them.
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    pub mutant: Option<String>,

    /// The second implementation.
    #[arg(long)]
    pub model: bool,
}

pub fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a number of seconds, as in 10 or 0.5");
    let number: f64 = text.parse().map_err(|_| wrong())?;
    match Duration::try_from_secs_f64(number) {
        Ok(duration) if duration >= Duration::from_millis(1) && number <= 1e6 => Ok(duration),
        Ok(_) => Err("give at least 0.001 and at most 1000000 seconds".into()),
        Err(_) => Err(wrong()),
    }
}

pub fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=256) => Ok(number),
        _ => Err("give a number from 1 to 256".into()),
    }
}
