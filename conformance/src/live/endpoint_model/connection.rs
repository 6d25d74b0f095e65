//! One connection of the model endpoint: a loop over its socket and what it is told.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Flaw;
use super::transport::{Incoming, Transport};
use crate::model::{Failure, Party, Received, Wish};

/// While messages of this many octets are still to be sent, nothing more is read or sealed.
const MOST_BACKLOG: usize = 32 << 20;

/// Records are sealed ahead of the socket up to this many octets.
const SEALED_AHEAD: usize = 1 << 18;

/// What deadlines are looked at after.
pub const TURN: Duration = Duration::from_millis(50);

/// What a connection is told to do.
pub enum Command {
    Send { payload: Vec<u8>, times: u64 },
    Close,
}

/// How it was told, and how it is woken up for that.
pub struct Inbox {
    pub commands: Receiver<Command>,
    pub wake: UnixStream,
}

impl Inbox {
    /// Waits for the socket, for a command, or for a turn to pass.
    pub fn wait(&self, socket: BorrowedFd<'_>, reads: bool, writes: bool) {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, reads);
        flags.set(PollFlags::OUT, writes);
        let mut fds = [
            PollFd::from_borrowed_fd(socket, flags),
            PollFd::from_borrowed_fd(self.wake.as_fd(), PollFlags::IN),
        ];
        let turn = Timespec { tv_sec: 0, tv_nsec: i64::from(TURN.subsec_nanos()) };
        // Whatever it returns, the next turn looks at everything.
        let _ = poll(&mut fds, Some(&turn));
        if !fds[1].revents().is_empty() {
            let mut waste = [0; 64];
            let _ = std::io::Read::read(&mut &self.wake, &mut waste);
        }
    }
}

/// What the endpoint makes of what happens on the connection.
pub trait Surroundings {
    /// It is established.
    ///
    /// # Errors
    /// If this client may not be on this connection.
    fn opened(&mut self, id: &[u8]) -> Result<(), Failure>;
    /// A payload has arrived; returns what is to be sent back.
    fn delivered(&mut self, payload: Vec<u8>) -> Vec<Vec<u8>>;
    /// The serverKey of an id.
    fn look_up(&mut self, id: &[u8]) -> Option<Vec<u8>>;
    /// How something else wants the connection to end at once, if it does.
    fn ends_now(&mut self) -> Option<End>;
}

/// How a connection ended.
#[derive(Debug, Clone, Copy)]
pub struct End {
    pub clean: bool,
    pub code: Option<&'static str>,
    /// The party found something wrong, so it had to end the transport itself.
    pub failed: bool,
}

/// A connection and all that it keeps.
pub struct Connection<'m, S> {
    party: Party<'m>,
    transport: Transport,
    inbox: Inbox,
    surroundings: S,
    flaw: Option<Flaw>,
    started: Instant,
    /// Not yet sealed.
    to_send: VecDeque<(Vec<u8>, u64)>,
    close_wanted: bool,
    reported: bool,
    /// When it was last told something.
    last_command: Option<Instant>,
    /// How many payloads have arrived.
    payloads: u64,
    /// When the second payload arrived.
    second_payload: Option<Instant>,
    request_sent: bool,
}

impl<'m, S: Surroundings> Connection<'m, S> {
    pub fn new(
        party: Party<'m>,
        transport: Transport,
        inbox: Inbox,
        surroundings: S,
        flaw: Option<Flaw>,
    ) -> Self {
        Self {
            party,
            transport,
            inbox,
            surroundings,
            flaw,
            started: Instant::now(),
            to_send: VecDeque::new(),
            close_wanted: false,
            reported: false,
            last_command: None,
            payloads: 0,
            second_payload: None,
            request_sent: false,
        }
    }

    /// Its deadlines have begun before now.
    pub fn begun(&mut self, at: Instant) {
        self.started = at;
    }

    /// Payloads to send when it is established.
    pub fn send_first(&mut self, payloads: Vec<Vec<u8>>) {
        self.to_send.extend(payloads.into_iter().map(|payload| (payload, 1)));
    }

    /// Serves the connection up to its end; the transport is still to be ended by [`Connection::finish`].
    pub fn run(&mut self) -> End {
        if self.flaw == Some(Flaw::SpeaksFirst) {
            self.transport.queue(b"hello".to_vec());
        }
        loop {
            match self.turn() {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                Err(_) if self.flaw == Some(Flaw::FailureSurvived) && self.reported => {}
                Err(failure) => return self.fail(failure),
            }
        }
    }

    /// Ends the transport, in the same way after everything.
    pub fn finish(mut self, end: End) -> S {
        let status = match self.flaw {
            Some(Flaw::StatusForWrongPassword) if end.code == Some("wrong_password") => {
                Some("wrong password")
            }
            _ => None,
        };
        if self.flaw == Some(Flaw::LingersAfterFailure) && end.failed {
            thread::sleep(Duration::from_secs(20));
        }
        if self.flaw == Some(Flaw::ResetOnFailure)
            && matches!(end.code, Some("wrong_password" | "open_failed"))
        {
            self.transport.reset();
        } else {
            self.transport.close(status);
        }
        self.surroundings
    }

    fn turn(&mut self) -> Result<Option<End>, Failure> {
        let before = self.party.is_established();
        let at = self.now();
        self.party.tick(at)?;
        if let Some(end) = self.surroundings.ends_now() {
            return Ok(Some(end));
        }
        self.take_commands();
        self.send();
        if let Some(end) = self.ended() {
            return Ok(Some(end));
        }
        let incoming = match self.transport.backlog() {
            0..MOST_BACKLOG => self.transport.receive(before),
            _ => Incoming::Nothing,
        };
        match incoming {
            Incoming::Message(message) => {
                self.take(&message)?;
                self.send();
            }
            Incoming::Refused(code) => return Err(Failure { code }),
            Incoming::End => {
                let at = self.now();
                let clean = self.party.end(at)?;
                return Ok(Some(End {
                    clean,
                    code: (!clean).then_some("truncated"),
                    failed: false,
                }));
            }
            Incoming::Nothing => self.wait(),
        }
        Ok(None)
    }

    /// Both sides are closed, and everything is sent (CHAN-036).
    fn ended(&mut self) -> Option<End> {
        let over = self.party.closed() == (true, true)
            && self.transport.backlog() == 0
            && self.flaw != Some(Flaw::TransportKeptAfterClose);
        let unanswered = self.party.closed().1 && self.flaw == Some(Flaw::CloseNotAnswered);
        (over || unanswered).then_some(End { clean: true, code: None, failed: false })
    }

    fn take(&mut self, message: &[u8]) -> Result<(), Failure> {
        let at = self.now();
        let received = self.party.receive(at, message)?;
        match self.party.wish() {
            Wish::Nothing => {}
            Wish::Clock => {
                let at = self.now();
                self.party.request(at, self.clock())?;
            }
            Wish::LookUp(id) => {
                let found = self.surroundings.look_up(&id);
                let at = self.now();
                self.party.answer(at, self.clock(), found.as_deref())?;
                if self.flaw == Some(Flaw::OpenReportedEarly) {
                    self.report()?;
                }
            }
        }
        for message in self.party.take_sent() {
            if self.flaw == Some(Flaw::RequestSentTwice) && !self.request_sent {
                self.transport.queue(message.clone());
            }
            self.request_sent = true;
            self.transport.queue(message);
        }
        if self.party.is_established() {
            self.report()?;
        }
        match received {
            Received::Handshake => {}
            Received::Data(payload) => self.deliver(payload),
            Received::Close => self.close_wanted |= self.flaw != Some(Flaw::CloseNotAnswered),
        }
        Ok(())
    }

    fn deliver(&mut self, payload: Vec<u8>) {
        self.payloads += 1;
        if self.payloads == 2 {
            self.second_payload = Some(Instant::now());
        }
        if payload.is_empty() && self.flaw == Some(Flaw::EmptyMessagesDropped) {
            return;
        }
        for answer in self.surroundings.delivered(payload) {
            if self.flaw == Some(Flaw::EchoReordered) && !self.to_send.is_empty() {
                self.to_send.push_front((answer, 1));
            } else {
                self.to_send.push_back((answer, 1));
            }
        }
    }

    fn report(&mut self) -> Result<(), Failure> {
        if !self.reported {
            self.surroundings.opened(self.party.id().unwrap_or_default())?;
            self.reported = true;
        }
        Ok(())
    }

    fn take_commands(&mut self) {
        loop {
            match self.inbox.commands.try_recv() {
                Ok(Command::Send { payload, times }) => {
                    self.last_command = Some(Instant::now());
                    self.to_send.push_back((payload, times));
                }
                Ok(Command::Close) => self.close_wanted = true,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    /// Seals what there is room for, and gives the socket what it takes.
    fn send(&mut self) {
        for message in self.party.take_sent() {
            self.transport.queue(message); // M1
        }
        if self.flaw == Some(Flaw::LastMessageLost) && self.close_wanted {
            self.to_send.clear();
        }
        while self.party.is_established() && self.transport.backlog() < SEALED_AHEAD {
            let Some((payload, times)) = self.to_send.pop_front() else { break };
            if self.is_held_back() {
                self.to_send.push_front((payload, times));
                break;
            }
            if let Ok(record) = self.party.seal(&payload) {
                self.transport.queue(record);
            }
            if times > 1 {
                self.to_send.push_front((payload, times - 1));
            }
        }
        if self.close_wanted
            && self.to_send.is_empty()
            && !self.party.closed().0
            && let Ok(record) = self.party.close()
        {
            self.transport.queue(record);
        }
        // That the peer has gone is found out, and judged, by reading.
        let _ = self.transport.flush();
    }

    /// [`Flaw::EchoReordered`]: the second payload waits a little for the next to overtake it. The first
    /// is often alone. [`Flaw::LastMessageLost`]: what it is told to send waits a little too.
    fn is_held_back(&self) -> bool {
        let is_recent = |last: Instant| last.elapsed() < Duration::from_millis(100);
        let may_be_lost =
            self.flaw == Some(Flaw::LastMessageLost) && self.last_command.is_some_and(is_recent);
        let may_be_overtaken = self.flaw == Some(Flaw::EchoReordered)
            && self
                .second_payload
                .is_some_and(|second| second.elapsed() < Duration::from_millis(400));
        self.to_send.is_empty() && (may_be_lost || may_be_overtaken)
    }

    fn fail(&mut self, failure: Failure) -> End {
        let at = self.now();
        let release = self.party.release(at);
        thread::sleep(Duration::from_millis(release - at));
        if self.flaw == Some(Flaw::ErrorSent) {
            self.transport.queue(failure.code.unwrap_or("error").as_bytes().to_vec());
        }
        if self.flaw == Some(Flaw::CloseSentOnFailure)
            && let Ok(record) = self.party.close()
        {
            self.transport.queue(record);
        }
        let _ = self.transport.flush();
        let clean = self.flaw == Some(Flaw::FailureReportedClean);
        End { clean, code: failure.code, failed: true }
    }

    fn wait(&self) {
        let backlog = self.transport.backlog();
        self.inbox.wait(self.transport.fd(), backlog < MOST_BACKLOG, backlog > 0);
    }

    /// Milliseconds since the start.
    fn now(&self) -> u64 {
        let from = match self.flaw {
            Some(Flaw::DeadlineRestarts) => self.transport.last_octets,
            _ => self.started,
        };
        u64::try_from(from.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Seconds since the Unix epoch.
    fn clock(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if self.flaw == Some(Flaw::ClockBehind) { now.saturating_sub(60) } else { now }
    }
}
