//! What the end-to-end tests share: the program, its controls, its result log.

#![allow(dead_code)] // each test binary uses a part

pub mod live;

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program under test.
pub const TUNNELPROOF: &str = env!("CARGO_BIN_EXE_tunnelproof");

/// Patterns of a few vectors that take no time: such that are accepted and such that are refused.
pub const ACCEPTED: &str = "cred/server-key/all-*";
pub const REFUSED: &str = "cred/server-key/bad-at-0*";

/// The program with arguments.
pub fn tunnelproof<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(TUNNELPROOF);
    command.args(arguments).env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Runs the program with arguments.
pub fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Finished {
    let begun = Instant::now();
    let output = tunnelproof(arguments).output().expect("the program starts");
    Finished { output, took: begun.elapsed() }
}

/// Runs a control with options before the `--`.
pub fn run_control(control: &str, options: &[&str]) -> Finished {
    let shim = ["--", TUNNELPROOF, "shim", "--control", control];
    run(["run"].into_iter().chain(options.iter().copied()).chain(shim))
}

/// What the program did.
pub struct Finished {
    pub output: Output,
    pub took: Duration,
}

impl Finished {
    pub fn code(&self) -> i32 {
        self.output.status.code().expect("the program exits by itself")
    }

    pub fn stdout(&self) -> &str {
        std::str::from_utf8(&self.output.stdout).expect("the output is UTF-8")
    }

    pub fn stderr(&self) -> &str {
        std::str::from_utf8(&self.output.stderr).expect("the output is UTF-8")
    }

    /// The entries of a result log on standard output.
    pub fn log(&self) -> Vec<Value> {
        self.stdout()
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    /// The last verdict of each case, with the fail's kind in its place.
    pub fn verdicts(&self) -> Vec<(String, String)> {
        let mut verdicts: Vec<(String, String)> = Vec::new();
        for entry in self.log().iter().filter(|entry| entry["type"] == "case") {
            let case = entry["case"].as_str().expect("a case").to_owned();
            let verdict = entry["kind"].as_str().or(entry["verdict"].as_str()).expect("a verdict");
            match verdicts.iter_mut().find(|(known, _)| *known == case) {
                Some(known) => known.1 = verdict.to_owned(),
                None => verdicts.push((case, verdict.to_owned())),
            }
        }
        verdicts
    }

    pub fn summary(&self) -> Value {
        self.log().pop().filter(|entry| entry["type"] == "summary").expect("a summary comes last")
    }
}

/// Whether the process still runs; a zombie does not.
pub fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
}

/// Says so where everybody sees it: the test harness hides what `eprintln!` writes.
pub fn skipped(reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
}

/// Whether a command can be run here, and does well.
pub fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
