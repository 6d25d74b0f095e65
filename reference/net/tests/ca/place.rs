//! What the tests share.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A directory to run commands in.
pub struct Place(pub TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With an authority in `ca`.
    pub fn with_authority() -> Self {
        let place = Self::new();
        place.ok(&["init", "--name", "ABC Inc."]);
        place
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_secure-tunnel"));
        command.current_dir(self.0.path()).arg("ca").args(arguments).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        told(&self.command(arguments).output().unwrap())
    }

    /// What a command that succeeds writes to standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", told(&output).1);
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command that is refused writes to standard error.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let (code, text) = self.run(arguments);
        assert_eq!(code, Some(3), "{arguments:?}: {text}");
        text
    }

    /// A field of what `show` writes of a file.
    pub fn field(&self, path: &str, label: &str) -> String {
        let text = self.ok(&["show", path]);
        let line = text.lines().find(|line| line.trim_start().starts_with(label));
        line.unwrap_or_else(|| panic!("{label}: {text}")).trim_start()[label.len()..].trim().into()
    }
}

pub fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
