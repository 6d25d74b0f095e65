//! What tests of the command share.

#![allow(dead_code, clippy::unwrap_used)] // each test file uses a part; in the helpers: a test that cannot go on panics

pub mod driven;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_secure-tunnel");

/// The file of a published test key.
pub fn key(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../vectors/keys")
        .join(format!("test-rsa-{name}.pem"))
}

/// Ends a process that outlives every reasonable wait, so that whoever waits for it fails and does not hang.
pub struct Watchdog {
    _called_off: mpsc::Sender<()>,
}

impl Watchdog {
    pub fn of(child: &Child) -> Self {
        let id = child.id().to_string();
        let (_called_off, bark) = mpsc::channel();
        std::thread::spawn(move || {
            if bark.recv_timeout(Duration::from_secs(300)) == Err(RecvTimeoutError::Timeout) {
                let _ = Command::new("kill").args(["-KILL", &id]).status();
            }
        });
        Self { _called_off }
    }
}

/// A directory with the credentials of alice.
pub fn with_alice() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    assert!(run(directory.path(), &["keygen", "--id", "alice"]).status.success());
    directory
}

pub fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.current_dir(directory).args(arguments).stdin(Stdio::null());
    command
}

pub fn run(directory: &Path, arguments: &[&str]) -> Output {
    command(directory, arguments).output().unwrap()
}

pub fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A command that says on standard error what happens; ended when dropped.
pub struct Running {
    _watchdog: Watchdog,
    pub child: Child,
    pub log: BufReader<ChildStderr>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { _watchdog: Watchdog::of(&child), child, log }
    }

    pub fn serve(directory: &Path, url: &str, arguments: &[&str]) -> (Self, String) {
        let key = key("4552-a");
        let fixed = ["serve", url, "--credentials", ".", "--rsa-key", key.to_str().unwrap()];
        let mut running = Self::start(&mut command(directory, &[&fixed[..], arguments].concat()));
        let line = running.wait_for("listening on ");
        let url = line.split("listening on ").nth(1).unwrap().trim().to_owned();
        (running, url)
    }

    /// The next line with `text` in it. A log that ends without it fails the test.
    pub fn wait_for(&mut self, text: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "no {text:?} in:\n{seen}");
            if line.contains(text) {
                return line;
            }
            seen.push_str(&line);
        }
    }

    /// As an operator does with SIGTERM; gives the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // unless it has ended
        let _ = self.child.wait();
    }
}

/// A client as a user runs it, but for the RSA key.
pub fn connect(directory: &Path, url: &str, more: &[&str]) -> Command {
    let key = key("4552-b");
    let fixed = ["connect", url, "--key", "alice.client.toml", "--test-rsa-key"];
    command(directory, &[&fixed[..], &[key.to_str().unwrap()], more].concat())
}

/// Sends `input` and gives what comes back.
pub fn exchange(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _watchdog = Watchdog::of(&child);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(input.as_bytes()); // the client may have ended
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}
