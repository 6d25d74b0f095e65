//! Where a case plays: the endpoint, what it is configured with, the certificates of the run, and what every case checks.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::Connection;
use serde_json::{Map, Value};

use super::case::Case;
use super::hello::{Hello, Serving};
use super::link::{Late, Link, Seen};
use super::material::Material;
pub use super::reports::{Ending, told};
use super::reports::{describe_end, judge};
use super::setup::{Dial, ServerSetup};
use crate::live::case::Fault;
use crate::live::endpoint::Endpoint;
use crate::live::lines::{Event, Happened};
use crate::live::trace::Trace;
use crate::stop::Stop;
use crate::verdict::Verdict;

/// What a script is given.
pub struct Stage<'a> {
    pub case: &'a Case,
    pub endpoint: &'a Endpoint,
    /// Of a server; a client is configured by each dial.
    pub setup: Option<&'a ServerSetup>,
    pub material: &'a Material,
    /// How long the endpoint may take for anything that has no deadline of its own.
    pub patience: Duration,
    pub stop: &'a Stop,
    pub trace: Trace,
    /// Makes what has to be fresh differ between runs, cases and connections.
    pub salt: &'a str,
    count: AtomicU64,
}

/// Numbers of dials, new for each in this process.
static DIALS: AtomicU64 = AtomicU64::new(1);

impl<'a> Stage<'a> {
    pub fn new(
        case: &'a Case,
        endpoint: &'a Endpoint,
        setup: Option<&'a ServerSetup>,
        material: &'a Material,
        (patience, stop, salt): (Duration, &'a Stop, &'a str),
    ) -> Stage<'a> {
        let (trace, count) = (Trace::new(), AtomicU64::new(0));
        Stage { case, endpoint, setup, material, patience, stop, trace, salt, count }
    }

    /// When something that begins now has to be done.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// A label that nothing else in this run has.
    pub fn fresh(&self) -> String {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{} {} {n}", self.salt, self.case.id)
    }

    /// A pause; short when the run is being stopped.
    pub fn pause_until(&self, until: Instant) {
        while Instant::now() < until && !self.stop.is_set() && self.endpoint.over().is_none() {
            let left = until.saturating_duration_since(Instant::now());
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
    }

    /// Connects to a server, without TLS yet.
    ///
    /// # Errors
    /// If it does not let it.
    pub fn connect(&self) -> Result<Link<'_>, Fault> {
        let Some(address) = self.endpoint.address else {
            return Err(self.late("the server has no address"));
        };
        let mark = self.endpoint.mark();
        let stream = TcpStream::connect_timeout(&address, self.patience).map_err(|e| {
            self.over()
                .unwrap_or_else(|| Fault::wrong_reject("the connection", "accepted", e.to_string()))
        })?;
        Ok(Link::new(self, stream, None, mark))
    }

    /// Connects to a server and greets it; the handshake has not gone on yet.
    ///
    /// # Errors
    /// If it does not let it.
    pub fn greet(&self, hello: &Hello) -> Result<Link<'_>, Fault> {
        let mut link = self.connect()?;
        let has_alpn = self.setup.is_none_or(|setup| setup.alpn);
        let made =
            if has_alpn { hello.connection() } else { hello.clone().offering(&[]).connection() };
        link.begin(self.connection(made)?);
        Ok(link)
    }

    /// Has a client dial a listener of the harness; its connection is accepted, without TLS yet.
    ///
    /// # Errors
    /// If it does not come, or says that it can't do what is asked.
    pub fn dial(&self, dial: &Dial) -> Result<Link<'_>, Fault> {
        self.dial_or_end(dial)?
            .map_err(|end| Fault::wrong_reject("the dial", "a connection", describe_end(&end)))
    }

    /// The connection of a dial, or the event with which it ends before there is one.
    fn dial_or_end(&self, dial: &Dial) -> Result<Result<Link<'_>, Event>, Fault> {
        let broken =
            |e: std::io::Error| Fault::of(Verdict::ShimError { what: format!("nothing: {e}") });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(broken)?;
        let port = listener.local_addr().map_err(broken)?.port();
        listener.set_nonblocking(true).map_err(broken)?;
        let number = DIALS.fetch_add(1, Ordering::Relaxed);
        let (mark, deadline) = (self.endpoint.mark(), self.deadline());
        self.trace.note(0, format!("dial {number} to port {port}"));
        self.endpoint.tell(&dial.line(number, port));
        loop {
            if let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(false).map_err(broken)?;
                return Ok(Ok(Link::new(self, stream, Some(number), mark)));
            }
            let events = self.endpoint.events(mark, number);
            if let Some(Happened::Unsupported { what }) = events.first().map(|event| &event.what) {
                let reason = format!("the client does not support {}", what.join(", "));
                return Err(Fault::of(Verdict::Skip { reason, issue: None }));
            }
            if let Some(end) = events.iter().find(|event| event.name() == "end") {
                return Ok(Err(end.clone()));
            }
            if Instant::now() >= deadline || self.stop.is_set() || self.endpoint.over().is_some() {
                return Err(self.late("the client did not connect"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A dial that is the caller's error: it has to end with one of the codes of the case, before there is a connection, or
    /// else before this server is accepted.
    ///
    /// # Errors
    /// What it did instead.
    pub fn dial_refused(&self, dial: &Dial, serving: &Serving) -> Result<(), Fault> {
        match self.dial_or_end(dial)? {
            Ok(mut link) => {
                self.serve(&mut link, serving)?;
                self.refused(link)
            }
            Err(end) => {
                let codes: Vec<&str> = self.case.codes.iter().map(String::as_str).collect();
                judge(&end, Ending::Codes(&codes))
            }
        }
    }

    /// Lets the harness's server take a dial.
    ///
    /// # Errors
    /// If rustls does not take the configuration.
    pub fn serve(&self, link: &mut Link<'_>, serving: &Serving) -> Result<(), Fault> {
        link.begin(self.connection(serving.connection())?);
        Ok(())
    }

    /// A connection of rustls; that it can't be made is a fault of the case.
    ///
    /// # Errors
    /// As a shim error, which names it.
    pub fn connection(&self, made: Result<Connection, rustls::Error>) -> Result<Connection, Fault> {
        made.map_err(|e| self.impossible(&format!("rustls takes no such configuration: {e}")))
    }

    /// The case itself can't be played.
    pub fn impossible(&self, what: &str) -> Fault {
        self.trace.note(0, what.to_owned());
        Fault::of(Verdict::ShimError { what: format!("nothing yet; {what}") })
    }

    /// The handshake has to succeed on this side.
    ///
    /// # Errors
    /// What came in its place.
    pub fn shaken(&self, link: &mut Link<'_>) -> Result<(), Fault> {
        link.handshake(self.deadline()).map_err(|seen| match seen {
            Some(seen) => self.broke_off(link, "the handshake of TLS", "completed", &seen),
            None => self.late("the handshake of TLS is not complete"),
        })
    }

    /// The connection has to be refused, with one of the codes of the case: it ends in time, no octet of the
    /// application comes, and it is never open.
    ///
    /// # Errors
    /// What the endpoint did instead.
    pub fn refused(&self, link: Link<'_>) -> Result<(), Fault> {
        self.refused_by(link, self.deadline()).map(drop)
    }

    /// As [`Stage::refused`], where the end may take until then; returns the alerts that came.
    ///
    /// # Errors
    /// What the endpoint did instead.
    pub fn refused_by(&self, mut link: Link<'_>, deadline: Instant) -> Result<Vec<u8>, Fault> {
        let mut alerts = Vec::new();
        let mut answer = Vec::new();
        if link.tls.is_some() {
            match link.handshake(deadline) {
                // A server may refuse the client's certificate now: it must not get to what follows.
                Ok(()) if self.setup.is_some() => {
                    let probe = self.probe();
                    link.write(&probe.0);
                }
                Err(Some(Seen::Alert(alert))) => {
                    alerts.push(alert);
                    link.finish();
                }
                Ok(()) | Err(_) => {}
            }
        }
        loop {
            match link.next(deadline) {
                Ok(Seen::Octets(octets)) => {
                    answer.extend_from_slice(&octets);
                    if self.is_of_application(&answer) {
                        let found = format!("{} octets of the application", answer.len());
                        return Err(Fault::wrong_accept("what comes then", "the end alone", found));
                    }
                }
                Ok(Seen::End(_)) => break,
                // As any peer does then: some endpoints have ended only their side, and wait for ours.
                Ok(Seen::Alert(alert)) => {
                    alerts.push(alert);
                    link.finish();
                }
                Ok(Seen::CloseNotify) => link.finish(),
                Ok(Seen::Broken(_) | Seen::Record(_)) => {}
                Err(Late) => {
                    self.never_open(&link)?;
                    return Err(self.late("the connection did not end"));
                }
            }
        }
        self.never_open(&link)?;
        let codes: Vec<&str> = self.case.codes.iter().map(String::as_str).collect();
        self.ended(&link, Ending::Codes(&codes))?;
        self.never_open(&link)?;
        Ok(alerts)
    }

    /// The connection has to be served: the handshake succeeds, the application answers, both sides say close_notify,
    /// and the endpoint reports what happened. Returns what `open` tells of the peer, if there are events.
    ///
    /// # Errors
    /// What the endpoint did instead.
    pub fn served(&self, mut link: Link<'_>) -> Result<Map<String, Value>, Fault> {
        self.shaken(&mut link)?;
        self.answers(&mut link)?;
        let told = self.opened(&link)?;
        self.closes(link)?;
        Ok(told)
    }

    /// The application of a server has to answer; the handshake is complete.
    ///
    /// # Errors
    /// What came instead.
    pub fn answers(&self, link: &mut Link<'_>) -> Result<(), Fault> {
        let (send, expect) = self.probe();
        link.write(&send);
        if self.endpoint.probe.is_none() {
            return self.receives(link, &expect);
        }
        // The rest of an earlier answer may come before.
        let mut answer = Vec::new();
        while !self.is_of_application(&answer) {
            match link.read(1, self.deadline()) {
                Ok(octets) => answer.extend(octets),
                Err(Some(seen)) => {
                    return Err(self.broke_off(link, "what comes then", "the application", &seen));
                }
                Err(None) => return Err(self.late("the octets of the application did not come")),
            }
        }
        Ok(())
    }

    /// These octets of the application have to come.
    ///
    /// # Errors
    /// What came instead.
    pub fn receives(&self, link: &mut Link<'_>, expect: &[u8]) -> Result<(), Fault> {
        let expected = || format!("{} octets of the application", expect.len());
        match link.read(expect.len(), self.deadline()) {
            Ok(octets) if octets == expect => Ok(()),
            Ok(_) => Err(Fault::wrong_output("what comes then", &expected(), "other octets")),
            Err(Some(seen)) => Err(self.broke_off(link, "what comes then", &expected(), &seen)),
            Err(None) => Err(self.late("the octets of the application did not come")),
        }
    }

    /// What is sent to find out whether the application is reached, and what it begins to answer.
    fn probe(&self) -> (Vec<u8>, Vec<u8>) {
        match &self.endpoint.probe {
            Some(probe) => (probe.send.clone(), probe.expect.clone()),
            None => {
                let label = self.fresh().into_bytes();
                (label.clone(), label)
            }
        }
    }

    /// Whether these octets show that the application is reached. With a probe, there may be the rest of an answer, and
    /// a refusal in words that are not those of the probe (HTTP has status codes).
    pub fn is_of_application(&self, octets: &[u8]) -> bool {
        self.endpoint.probe.as_ref().is_none_or(|probe| {
            octets.windows(probe.expect.len().max(1)).any(|part| part == probe.expect)
        })
    }

    /// Says close_notify; the endpoint has to end the transport, with a close_notify of its own where the case tests
    /// TLS-009, and report a clean end.
    ///
    /// # Errors
    /// What it did instead.
    pub fn closes(&self, mut link: Link<'_>) -> Result<(), Fault> {
        link.close();
        let deadline = self.deadline();
        let mut has_answered = false;
        loop {
            match link.next(deadline) {
                Ok(Seen::CloseNotify) => has_answered = true,
                Ok(Seen::End(_)) if has_answered || !self.tests("TLS-009") => break,
                // Before it has read the close_notify, an application may still send, say the rest of a page.
                Ok(Seen::Octets(_)) if !has_answered && self.endpoint.probe.is_some() => {}
                Ok(seen) => {
                    let expected = if has_answered { "the end" } else { "close_notify" };
                    return Err(Fault::wrong_output(
                        "after close_notify",
                        expected,
                        seen.describe(),
                    ));
                }
                Err(Late) => return Err(self.late("the connection did not end after close_notify")),
            }
        }
        self.ended(&link, Ending::Clean)
    }

    fn tests(&self, rule: &str) -> bool {
        self.case.requirements.iter().any(|own| own == rule)
    }

    /// The endpoint let a deadline pass.
    pub fn late(&self, what: &str) -> Fault {
        if let Some(fault) = self.over() {
            return fault;
        }
        self.trace.note(0, what.to_owned());
        let after_ms = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
        Fault::of(Verdict::Timeout { after_ms })
    }

    pub(super) fn over(&self) -> Option<Fault> {
        self.endpoint.over().map(|over| Fault::of(over.verdict))
    }
}
