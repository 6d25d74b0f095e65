//! The command line.

mod args;
mod check;
mod client;
mod fuzz;
mod fuzz_args;
mod inspect;
mod live;
mod live_args;
mod live_selftest;
mod live_tls;
mod pair;
mod run;
mod run_args;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use tunnelproof_vectors::Suite;

use args::{Arguments, Command};

/// Exit code of a mistake on the command line.
const USAGE: u8 = 2;

/// Why a command ends without its result.
enum Failure {
    /// A mistake of the user: a sentence that says what to do.
    Usage(String),
    /// The output can't be written.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// Runs the command line; the result is the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse_from(with_default_command(std::env::args_os().collect()));
    let code = match dispatch(arguments.command) {
        Ok(code) => code,
        // Whoever read the output has gone, which is their right.
        Err(Failure::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => 141,
        Err(Failure::Output(e)) => complain(&format!("can't write the output: {e}")),
        Err(Failure::Usage(message)) => complain(&message),
    };
    ExitCode::from(code)
}

fn dispatch(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Run(args) => run::run(&args),
        Command::Server(args) => live::server(&args),
        Command::Client(args) => client::client(&args),
        Command::Fuzz(args) => fuzz::fuzz(&args),
        Command::List(args) => inspect::list(&args),
        Command::Show(args) => inspect::show(&args),
        Command::Explain(args) => inspect::explain(&args),
        Command::Trace(args) => inspect::trace(&args),
        Command::Report(args) => run::report_log(&args),
        Command::Selftest(args) => check::selftest(&args),
        Command::Vectors(args) => check::vectors(&args.command),
        Command::Shim(args) => check::shim(&args),
        Command::Pair(args) => pair::pair(&args),
        Command::Endpoint(args) => client::endpoint(&args),
    }
}

/// `tunnelproof` and `tunnelproof -- CMD` mean `tunnelproof run …`.
fn with_default_command(mut words: Vec<OsString>) -> Vec<OsString> {
    let global = ["-h", "--help", "-V", "--version"];
    let is_option = |word: &OsString| {
        let word = word.to_string_lossy();
        word.starts_with('-') && !global.contains(&&*word)
    };
    if words.get(1).is_none_or(is_option) {
        words.insert(words.len().min(1), "run".into());
    }
    words
}

fn complain(message: &str) -> u8 {
    // Nothing is left to do if that fails too.
    let _ = writeln!(io::stderr(), "error: {message}");
    USAGE
}

/// The vectors that are compiled in.
fn suite() -> Result<Suite, Failure> {
    Suite::embedded().map_err(|e| Failure::Usage(format!("the built-in vectors are damaged: {e}")))
}

/// The vectors, and the live cases after them.
fn with_live(mut suite: Suite) -> Result<Suite, Failure> {
    suite.vectors.extend(crate::live::all().map_err(Failure::Usage)?.vectors);
    Ok(suite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn run_is_the_default() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        for (given, meant) in [
            (&["t"][..], &["t", "run"][..]),
            (&["t", "--", "x"], &["t", "run", "--", "x"]),
            (&["t", "--jobs", "2"], &["t", "run", "--jobs", "2"]),
            (&["t", "--help"], &["t", "--help"]),
            (&["t", "list"], &["t", "list"]),
        ] {
            assert_eq!(with_default_command(words(given)), words(meant));
        }
    }
}
