//! What tests of the command share.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

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
