//! `under-test`, driven by lines.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{BINARY, Watchdog};

pub struct Driven {
    _watchdog: Watchdog,
    pub child: Child,
    lines: BufReader<ChildStdout>,
}

impl Driven {
    pub fn start(first: &str) -> Self {
        let mut child = Command::new(BINARY)
            .arg("under-test")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut driven = Self { _watchdog: Watchdog::of(&child), child, lines };
        driven.write(first);
        driven
    }

    pub fn write(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub fn read(&mut self) -> serde_json::Value {
        let mut line = String::new();
        assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "it has ended");
        serde_json::from_str(&line).unwrap()
    }

    pub fn end(&mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        let _ = self.child.kill(); // unless it has ended
        let _ = self.child.wait();
    }
}
