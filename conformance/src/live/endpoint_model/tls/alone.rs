//! A connection of TLS without a tunnel inside: octets in both directions.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};

use super::Stream;
use crate::live::endpoint_model::Flaw;
use crate::live::endpoint_model::connection::{Command, End, Inbox};
use crate::live::endpoint_model::transport::{ByteStream, end, is_blocked};

/// How long the peer's close_notify is waited for after our own.
const GOODBYE: Duration = Duration::from_secs(5);

/// While so many octets are still to be sent, nothing more is read.
const MOST_BACKLOG: usize = 1 << 20;

/// What the endpoint makes of what happens on the connection.
pub trait Application {
    /// Octets have arrived; returns what is to be sent back.
    fn received(&mut self, octets: &[u8]) -> Vec<u8>;
    /// How the connection has to end at once, if it has to.
    fn ends_now(&mut self) -> Option<End>;
}

/// Serves the connection up to its end; `report` is told it before the transport is ended.
pub fn run(
    stream: Stream,
    inbox: &Inbox,
    application: &mut impl Application,
    first: Vec<u8>,
    flaw: Option<Flaw>,
    report: impl FnOnce(End),
) {
    let mut alone = Alone { stream, to_send: first.into(), closing: None, ending: None, flaw };
    let end_of_it = loop {
        if let Some(end) = alone.turn(inbox, application) {
            break end;
        }
    };
    report(end_of_it);
    alone.stream.farewell();
    end(alone.stream.socket());
}

struct Alone {
    stream: Stream,
    to_send: VecDeque<u8>,
    /// Until when the peer's close_notify is waited for.
    closing: Option<Closing>,
    /// The peer's close_notify has come; until when the rest is sent.
    ending: Option<Instant>,
    flaw: Option<Flaw>,
}

#[derive(Clone, Copy)]
enum Closing {
    /// What is still to be sent comes first.
    Wanted,
    /// Our close_notify is sent; the peer's is waited for.
    Until(Instant),
}

impl Alone {
    fn turn(&mut self, inbox: &Inbox, application: &mut impl Application) -> Option<End> {
        if let Some(end) = application.ends_now() {
            return Some(end);
        }
        self.take_commands(inbox);
        self.send();
        if let Some(Closing::Until(ends)) = self.closing
            && Instant::now() >= ends
        {
            return Some(self.truncated());
        }
        if let Some(ends) = self.ending
            && (!self.is_behind() || Instant::now() >= ends)
        {
            return Some(End { clean: true, code: None, failed: false });
        }
        if self.to_send.len() >= MOST_BACKLOG || self.ending.is_some() {
            self.wait(inbox);
            return None;
        }
        let mut octets = [0; 1 << 14];
        match self.stream.read(&mut octets) {
            Ok(0) => self.ending = Some(Instant::now() + GOODBYE),
            Ok(read) => {
                let answer = application.received(&octets[..read]);
                if self.closing.is_none() {
                    self.to_send.extend(answer);
                }
            }
            Err(e) if is_blocked(&e) => self.wait(inbox),
            Err(e) if e.kind() == ErrorKind::InvalidData => {
                let code = Some("handshake"); // TLS-011
                return Some(End { clean: false, code, failed: true });
            }
            Err(_) => return Some(self.truncated()), // TLS-010
        }
        None
    }

    fn truncated(&self) -> End {
        let clean = self.flaw == Some(Flaw::TruncationClean);
        End { clean, code: (!clean).then_some("truncated"), failed: false }
    }

    fn take_commands(&mut self, inbox: &Inbox) {
        loop {
            match inbox.commands.try_recv() {
                Ok(Command::Send { payload, times }) if self.closing.is_none() => {
                    for _ in 0..times {
                        self.to_send.extend(&payload);
                    }
                }
                Ok(Command::Send { .. }) => {}
                Ok(Command::Close) => self.closing = self.closing.or(Some(Closing::Wanted)),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    fn send(&mut self) {
        while !self.to_send.is_empty() {
            let (front, _) = self.to_send.as_slices();
            match self.stream.write(front) {
                Ok(sent) if sent > 0 => drop(self.to_send.drain(..sent)),
                // That the peer has gone is found out, and judged, by reading.
                _ => return,
            }
        }
        let _ = self.stream.flush();
        if matches!(self.closing, Some(Closing::Wanted)) {
            self.stream.farewell();
            let _ = self.stream.socket().shutdown(Shutdown::Write);
            self.closing = Some(Closing::Until(Instant::now() + GOODBYE));
        }
    }

    fn wait(&self, inbox: &Inbox) {
        let reads = self.to_send.len() < MOST_BACKLOG && self.ending.is_none();
        inbox.wait(self.stream.socket().as_fd(), reads, self.is_behind());
    }

    fn is_behind(&self) -> bool {
        !self.to_send.is_empty() || self.stream.is_behind()
    }
}
