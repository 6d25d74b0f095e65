//! One shim process in a process group of its own, with its three pipes polled by one thread.
//!
//! Nothing here blocks for longer than its deadline and nothing grows with what a shim writes: its
//! output is read only when a line is wanted, a line is at most 1 MiB, and of standard error the last
//! part is kept. Dropping a [`Process`] kills the whole group.

#[cfg(not(unix))]
compile_error!("the harness needs process groups and poll(2); build it on a Unix, or in WSL");

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::protocol::MAX_LINE;
use crate::stop::Stop;

/// The command that starts a shim.
#[derive(Debug, Clone)]
pub struct Program {
    pub command: Vec<OsString>,
}

/// How long a shim may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the start of the process to its `hello`.
    pub hello: Duration,
    /// From a request, or the answer before, to the answer.
    pub case: Duration,
}

/// Why no line came.
#[derive(Debug, PartialEq, Eq)]
pub enum Broken {
    /// The deadline has passed.
    Deadline,
    /// The shim exited or closed a pipe.
    Closed {
        how: String,
        /// It exited with status 0, after a whole line.
        cleanly: bool,
    },
    /// A line has grown beyond [`MAX_LINE`].
    TooLong,
    /// The run is being stopped.
    Stopped,
}

/// How much of standard error is kept.
const TAIL: usize = 4 * 1024;
const CHUNK: usize = 64 * 1024;
/// How long a shim that closed a pipe, or was told `bye`, is given to exit.
const GRACE: Duration = Duration::from_millis(200);

/// A running shim.
pub struct Process {
    child: Child,
    group: Pid,
    stdin: Option<ChildStdin>,
    stdin_broken: bool,
    stdout: ChildStdout,
    stdout_ended: bool,
    stderr: Option<ChildStderr>,
    unsent: Vec<u8>,
    received: Vec<u8>,
    /// What a read goes to: room for it is not made anew each time.
    chunk: Vec<u8>,
    /// Octets of `received` that are already handed out.
    taken: usize,
    /// Octets of `received` that are known to hold no LF.
    scanned: usize,
    tail: Vec<u8>,
    reaped: bool,
}

impl Process {
    /// Starts `program` as the leader of a new process group.
    ///
    /// # Errors
    /// Those of the operating system: no such program, not executable, too many processes.
    pub fn start(program: &Program) -> io::Result<Process> {
        let [name, arguments @ ..] = program.command.as_slice() else {
            return Err(io::Error::new(ErrorKind::InvalidInput, "no command is given"));
        };
        let mut child = Command::new(name)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take().expect("standard input is piped");
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        set_nonblocking(&stdin)?;
        set_nonblocking(&stdout)?;
        set_nonblocking(&stderr)?;
        Ok(Process {
            group: Pid::from_child(&child),
            child,
            stdin: Some(stdin),
            stdin_broken: false,
            stdout,
            stdout_ended: false,
            stderr: Some(stderr),
            unsent: Vec::new(),
            received: Vec::new(),
            chunk: vec![0; CHUNK],
            taken: 0,
            scanned: 0,
            tail: Vec::new(),
            reaped: false,
        })
    }

    /// Queues octets for standard input; they are written while waiting for a line.
    pub fn send(&mut self, octets: &[u8]) {
        self.unsent.extend_from_slice(octets);
    }

    /// Octets queued and not yet taken by the shim.
    pub fn backlog(&self) -> usize {
        self.unsent.len()
    }

    /// Closes standard input once everything queued is written.
    pub fn end_input(&mut self, stop: &Stop) {
        let deadline = Instant::now() + GRACE;
        self.write_some();
        while !self.unsent.is_empty() && Instant::now() < deadline && !stop.is_set() {
            self.wait(deadline, false);
        }
        self.stdin = None;
    }

    /// The next line of standard output, without its LF.
    ///
    /// # Errors
    /// See [`Broken`].
    pub fn next_line(&mut self, deadline: Instant, stop: &Stop) -> Result<Vec<u8>, Broken> {
        let mut deadline = deadline;
        loop {
            if let Some(line) = self.take_line()? {
                return Ok(line);
            }
            self.write_some();
            if self.stdout_ended {
                return Err(self.how_it_ended());
            }
            if stop.is_set() {
                return Err(Broken::Stopped);
            }
            let now = Instant::now();
            if now >= deadline {
                return Err(if self.stdin_broken {
                    Broken::Closed { how: "closed its standard input".into(), cleanly: false }
                } else {
                    Broken::Deadline
                });
            }
            if self.stdin_broken {
                // An answer may still be under way, but not for long.
                deadline = deadline.min(now + GRACE);
            }
            // A shim that has exited answers no more, even if a child of it still holds the pipe.
            if !self.wait(deadline, true) && self.has_exited() {
                self.stdout_ended = !self.read_stdout();
            }
        }
    }

    /// The last part of standard error, as text.
    pub fn stderr_tail(&mut self) -> String {
        self.read_stderr();
        String::from_utf8_lossy(&self.tail).trim_end().to_owned()
    }

    /// Forgets what standard error held so far, so that a tail belongs to one case.
    pub fn forget_stderr(&mut self) {
        self.read_stderr();
        self.tail.clear();
    }

    fn take_line(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        match self.received[self.scanned..].iter().position(|&octet| octet == b'\n') {
            Some(at) if self.scanned + at - self.taken <= MAX_LINE => {
                let end = self.scanned + at;
                let line = self.received[self.taken..end].to_vec();
                self.taken = end + 1;
                self.scanned = self.taken;
                if self.taken == self.received.len() {
                    self.received.clear();
                    (self.taken, self.scanned) = (0, 0);
                }
                Ok(Some(line))
            }
            Some(_) => Err(Broken::TooLong),
            None if self.received.len() - self.taken > MAX_LINE => Err(Broken::TooLong),
            None => {
                self.scanned = self.received.len();
                Ok(None)
            }
        }
    }

    /// Blocks until a pipe is ready, the deadline or a short while has passed, then moves octets.
    /// Whether standard output gave any.
    fn wait(&mut self, deadline: Instant, read_stdout: bool) -> bool {
        // Short, so that an interrupt is seen soon.
        let left = deadline.saturating_duration_since(Instant::now());
        let left = left.min(Duration::from_millis(50));
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
        let mut fds = Vec::with_capacity(3);
        if let Some(stdin) = &self.stdin
            && !self.unsent.is_empty()
        {
            fds.push(PollFd::new(stdin, PollFlags::OUT));
        }
        if read_stdout && !self.stdout_ended {
            fds.push(PollFd::new(&self.stdout, PollFlags::IN));
        }
        if let Some(stderr) = &self.stderr {
            fds.push(PollFd::new(stderr, PollFlags::IN));
        }
        // An error (EINTR) only means that nothing is ready; all pipes are non-blocking.
        let _ = poll(&mut fds, Some(&timeout));
        self.write_some();
        self.read_stderr();
        read_stdout && self.read_stdout()
    }

    fn write_some(&mut self) {
        let Some(stdin) = &mut self.stdin else {
            self.unsent.clear();
            return;
        };
        while !self.unsent.is_empty() {
            match stdin.write(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.stdin = None;
                    self.stdin_broken = true;
                    self.unsent.clear();
                    return;
                }
            }
        }
    }

    /// Reads one chunk; called only when `received` holds no whole line, so it stays bounded. Whether
    /// there was anything.
    fn read_stdout(&mut self) -> bool {
        if self.stdout_ended {
            return false;
        }
        self.received.drain(..self.taken);
        self.scanned -= self.taken;
        self.taken = 0;
        match self.stdout.read(&mut self.chunk) {
            Ok(0) => self.stdout_ended = true,
            Ok(got) => {
                self.received.extend_from_slice(&self.chunk[..got]);
                return true;
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.stdout_ended = true,
        }
        false
    }

    /// Reads up to one chunk, however much there is: a flood must not keep us here.
    fn read_stderr(&mut self) {
        let Some(stderr) = &mut self.stderr else { return };
        let mut chunk = [0; 4 * TAIL];
        match stderr.read(&mut chunk) {
            Ok(0) => self.stderr = None,
            Ok(got) => {
                self.tail.extend_from_slice(&chunk[..got]);
                let excess = self.tail.len().saturating_sub(TAIL);
                self.tail.drain(..excess);
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.stderr = None,
        }
    }

    /// How a shim whose output has ended came to its end.
    fn how_it_ended(&mut self) -> Broken {
        let deadline = Instant::now() + GRACE;
        while !self.has_exited() && Instant::now() < deadline {
            self.wait(Instant::now() + Duration::from_millis(5), false);
        }
        let whole = self.received.len() == self.taken;
        let status = if self.has_exited() { self.kill() } else { None };
        let mut how = match status {
            Some(status) => describe(status),
            None => "closed its standard output".into(),
        };
        if !whole {
            how.push_str(" in the middle of a line");
        }
        Broken::Closed { how, cleanly: whole && status.is_some_and(|s| s.success()) }
    }

    /// Whether the group's leader has exited, without reaping it: until it is reaped, its id, which
    /// is also the id of its group, cannot be given to another process.
    fn has_exited(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.reaped || matches!(waitid(WaitId::Pid(self.group), options), Ok(Some(_)) | Err(_))
    }

    /// Kills the whole group, then reaps its leader.
    fn kill(&mut self) -> Option<ExitStatus> {
        if self.reaped {
            return None;
        }
        // Fails only if every member has gone already.
        let _ = kill_process_group(self.group, Signal::KILL);
        self.reaped = true;
        self.child.wait().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn set_nonblocking(pipe: &impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(pipe)?;
    Ok(fcntl_setfl(pipe, flags | OFlags::NONBLOCK)?)
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => {
            let name = Signal::from_named_raw(signal).map(|s| format!("{s:?}"));
            format!(
                "was killed by signal {signal}{}",
                name.map(|n| format!(" ({n})")).unwrap_or_default()
            )
        }
        (None, None) => "exited".into(),
    }
}
