//! The harness's end of one connection: a socket, and TLS on it where the case has begun it. Every record can be seen,
//! changed, held back and cut.
//!
//! Nothing blocks for longer than its deadline. Sending never fails: what can't be sent shows in what is received next,
//! which is the end.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustls::{Connection, Error};

use super::records::{self, CLOSE_NOTIFY, Sealer, describe, describe_alert};
use super::stage::Stage;
use crate::live::peer::ws::is_timeout;
use crate::live::until::Until;

/// A connection to the endpoint, or from it.
pub struct Link<'s> {
    pub stage: &'s Stage<'s>,
    /// The port of the harness's side, which names the connection in a server's events.
    pub port: u16,
    /// What names the connection in events: the port, or the number of a client's dial.
    pub key: u64,
    /// The endpoint's events from here on are about this connection.
    pub mark: usize,
    stream: TcpStream,
    /// TLS, once it has begun.
    pub tls: Option<Connection>,
    /// Is given each record before it is sent, and may change it or make it nothing.
    alter: Option<Alter>,
    /// Octets that are no whole record yet.
    inbox: Vec<u8>,
    /// What rustls made of the records so far, oldest first.
    ready: std::collections::VecDeque<Seen>,
    /// Records in the inbox are left to the case.
    by_hand: bool,
    ended: Option<End>,
    is_broken: bool,
    /// What follows in this direction is sealed (TLS 1.2); for traces.
    sealed: [bool; 2],
}

/// Changes records on their way out.
pub type Alter = Box<dyn FnMut(&mut Vec<u8>) + Send>;

/// What came from the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Octets of the application, as they came.
    Octets(Vec<u8>),
    CloseNotify,
    /// Another alert, by its number.
    Alert(u8),
    /// A record, where the case reads them by hand.
    Record(Vec<u8>),
    /// What TLS does not allow.
    Broken(String),
    End(End),
}

/// How the transport ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// End of stream: FIN.
    Stream,
    /// RST.
    Reset,
}

/// Nothing came by the deadline, or the run is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late;

const CHUNK: usize = 1 << 16;
const TURN: Duration = Duration::from_millis(200);
/// How long an endpoint may leave octets unread before no more are sent.
const WRITE: Duration = Duration::from_secs(20);

impl<'s> Link<'s> {
    /// On an open socket, without TLS yet. `dial` is the number of a client's dial.
    pub fn new(
        stage: &'s Stage<'s>,
        stream: TcpStream,
        dial: Option<u64>,
        mark: usize,
    ) -> Link<'s> {
        // It only costs some time where it fails.
        let _ = stream.set_nodelay(true);
        let port = match dial {
            None => stream.local_addr().map_or(0, |address| address.port()),
            Some(_) => stream.peer_addr().map_or(0, |address| address.port()),
        };
        stage
            .trace
            .note(port, if dial.is_some() { "the client has connected" } else { "connected" });
        Link {
            stage,
            port,
            key: dial.unwrap_or(u64::from(port)),
            mark,
            stream,
            tls: None,
            alter: None,
            inbox: Vec::new(),
            ready: std::collections::VecDeque::new(),
            by_hand: false,
            ended: None,
            is_broken: false,
            sealed: [false; 2],
        }
    }

    /// Begins TLS; nothing is sent yet.
    pub fn begin(&mut self, tls: Connection) {
        self.tls = Some(tls);
    }

    /// Lets each record that rustls makes from now on be changed, or made nothing, before it is sent.
    pub fn altering(&mut self, alter: impl FnMut(&mut Vec<u8>) + Send + 'static) {
        self.alter = Some(Box::new(alter));
    }

    /// Sends what rustls has to send.
    pub fn flush(&mut self) {
        let mut octets = Vec::new();
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                // A Vec takes everything.
                if tls.write_tls(&mut octets).is_err() {
                    break;
                }
            }
        }
        let mut sent = Vec::new();
        while let Some(mut record) = records::take(&mut octets) {
            let what = describe(&record, &mut self.sealed[0]);
            let before = record.clone();
            if let Some(alter) = &mut self.alter {
                alter(&mut record);
            }
            let altered = match before == record {
                true => "",
                false if record.is_empty() => " (kept back)",
                false => " (changed)",
            };
            self.stage.trace.octets(self.port, format!("sent {what}{altered}"), &record);
            sent.extend(record);
        }
        if !sent.is_empty() {
            self.write_to_socket(&sent);
        }
    }

    /// Sends octets as they are.
    pub fn send_raw(&mut self, what: &str, octets: &[u8]) {
        self.stage.trace.octets(self.port, format!("sent {what}"), octets);
        self.write_to_socket(octets);
    }

    /// Sends octets of the application.
    pub fn write(&mut self, octets: &[u8]) {
        self.stage.trace.octets(self.port, "sends inside TLS", octets);
        if let Some(tls) = &mut self.tls {
            // It fails only after close_notify was sent, which a case knows.
            let _ = tls.writer().write_all(octets);
        }
        self.flush();
    }

    /// Sends close_notify.
    pub fn close(&mut self) {
        self.stage.trace.note(self.port, "sends close_notify");
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        self.flush();
    }

    /// Ends the harness's side of the stream; it can still receive.
    pub fn finish(&mut self) {
        self.stage.trace.note(self.port, "ended its side of the stream");
        // It may be gone already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Resets the connection.
    pub fn reset(self) {
        self.stage.trace.note(self.port, "reset");
        // Where the option is not known the end is a usual one.
        let _ = rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
    }

    /// Goes on with the handshake until it is complete on this side.
    ///
    /// # Errors
    /// What came in its place, or `None` if nothing did by the deadline.
    pub fn handshake(&mut self, deadline: Instant) -> Result<(), Option<Seen>> {
        self.flush();
        while self.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) {
            if self.is_broken || self.ended.is_some() {
                // Nothing of the application comes before the handshake is complete.
                return Err(self.next(deadline).ok());
            }
            if self.turn(deadline).is_err() {
                return Err(None);
            }
        }
        self.stage.trace.note(self.port, "the handshake is complete on this side");
        Ok(())
    }

    /// The next thing that comes.
    ///
    /// # Errors
    /// If nothing does by the deadline.
    pub fn next(&mut self, deadline: Instant) -> Result<Seen, Late> {
        loop {
            if let Some(seen) = self.ready.pop_front() {
                return Ok(seen);
            }
            if let Some(end) = self.ended {
                return Ok(Seen::End(end));
            }
            self.turn(deadline)?;
        }
    }

    /// As many octets of the application.
    ///
    /// # Errors
    /// What came in their place, or `None` if they did not come by the deadline.
    pub fn read(&mut self, count: usize, deadline: Instant) -> Result<Vec<u8>, Option<Seen>> {
        let mut octets = Vec::new();
        while octets.len() < count {
            match self.next(deadline) {
                Ok(Seen::Octets(more)) => octets.extend(more),
                Ok(seen) => return Err(Some(seen)),
                Err(Late) => return Err(None),
            }
        }
        let rest = octets.split_off(count);
        if !rest.is_empty() {
            self.ready.push_front(Seen::Octets(rest));
        }
        Ok(octets)
    }

    /// Takes the connection out of rustls's hands: from now on records are sealed by hand, and come as
    /// [`Seen::Record`]. `None` if the handshake is not complete.
    pub fn seal_by_hand(&mut self) -> Option<Sealer> {
        self.flush();
        let tls = self.tls.take()?;
        let version = tls.protocol_version()?;
        self.by_hand = true;
        Sealer::new(version, tls.dangerous_extract_secrets().ok()?)
    }

    /// Reads once, and lets rustls see it.
    fn turn(&mut self, deadline: Instant) -> Result<(), Late> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || self.stage.stop.is_set() {
            return Err(Late);
        }
        let mut chunk = vec![0; CHUNK];
        // Zero is not allowed and would mean for ever.
        let patience = left.min(TURN).max(Duration::from_millis(1));
        if self.stream.set_read_timeout(Some(patience)).is_err() {
            self.end(End::Reset);
            return Ok(());
        }
        match self.stream.read(&mut chunk) {
            Ok(0) => self.end(End::Stream),
            Ok(length) => {
                self.inbox.extend_from_slice(&chunk[..length]);
                self.records();
            }
            Err(e) if is_timeout(&e) => {}
            Err(_) => self.end(End::Reset),
        }
        Ok(())
    }

    fn records(&mut self) {
        while let Some(record) = records::take(&mut self.inbox) {
            let what = describe(&record, &mut self.sealed[1]);
            self.stage.trace.octets(self.port, format!("received {what}"), &record);
            if self.by_hand || self.tls.is_none() {
                self.ready.push_back(match record[..] {
                    [records::ALERT, _, _, 0, 2, _, description] => Seen::Alert(description),
                    _ => Seen::Record(record),
                });
            } else if !self.is_broken {
                self.feed(&record);
            }
        }
    }

    /// Lets rustls read a record, and sends its answer.
    fn feed(&mut self, record: &[u8]) {
        let Some(tls) = &mut self.tls else { return };
        let mut rest = record;
        let mut came = Vec::new();
        let mut trouble = None;
        let mut closed = false;
        while !rest.is_empty() && trouble.is_none() && !closed {
            if let Err(e) = tls.read_tls(&mut rest) {
                trouble = Some(Seen::Broken(e.to_string()));
                break;
            }
            match tls.process_new_packets() {
                Ok(state) => {
                    closed = state.peer_has_closed();
                    let mut octets = vec![0; state.plaintext_bytes_to_read()];
                    if !octets.is_empty() && tls.reader().read_exact(&mut octets).is_ok() {
                        came.extend(octets);
                    }
                }
                Err(Error::AlertReceived(alert)) => trouble = Some(Seen::Alert(u8::from(alert))),
                Err(e) => trouble = Some(Seen::Broken(e.to_string())),
            }
        }
        if !came.is_empty() {
            self.stage.trace.octets(self.port, "received inside TLS", &came);
            self.ready.push_back(Seen::Octets(came));
        }
        if closed {
            self.stage.trace.note(self.port, "received close_notify");
            self.ready.push_back(Seen::CloseNotify);
        }
        if let Some(trouble) = trouble {
            self.is_broken = true;
            self.stage.trace.note(self.port, trouble.describe());
            self.ready.push_back(trouble);
        }
        self.flush();
    }

    fn end(&mut self, end: End) {
        self.stage.trace.note(self.port, Seen::End(end).describe());
        if !self.inbox.is_empty() {
            let rest = std::mem::take(&mut self.inbox);
            self.stage.trace.octets(self.port, "received a part of a record", &rest);
            self.ready.push_back(Seen::Record(rest));
        }
        self.ended = Some(end);
    }

    fn write_to_socket(&mut self, octets: &[u8]) {
        let mut until = Until { stream: &self.stream, deadline: Instant::now() + WRITE };
        if let Err(e) = until.write_all(octets) {
            let why = match e.kind() {
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
                    "the connection has ended".into()
                }
                _ => e.to_string(),
            };
            self.stage.trace.note(self.port, format!("could not send all of that: {why}"));
        }
    }
}

impl Seen {
    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Seen::Octets(octets) => format!("{} octets of the application", octets.len()),
            Seen::CloseNotify => describe_alert(CLOSE_NOTIFY),
            Seen::Alert(description) => describe_alert(*description),
            Seen::Record(octets) => {
                format!("{} of {} octets", describe(octets, &mut false), octets.len())
            }
            Seen::Broken(what) => format!("what TLS does not allow: {what}"),
            Seen::End(End::Stream) => "the end of the stream".into(),
            Seen::End(End::Reset) => "a reset of the connection".into(),
        }
    }
}
