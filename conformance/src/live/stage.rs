//! Where a case plays: the endpoint, the transport, who the clients are, and what every case checks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::Transport;
use super::case::{Case, Fault, class};
use super::endpoint::Endpoint;
use super::groups::View;
use super::lines::{Event, Happened};
use super::peer::{End, Peer, Seen, describe_close};
use super::trace::Trace;
use super::wire::Credentials;
use crate::stop::Stop;
use crate::verdict::Verdict;

/// What a script is given.
pub struct Stage<'a> {
    pub case: &'a Case,
    pub endpoint: &'a Endpoint,
    pub transport: Transport,
    pub clients: &'a Clients,
    /// How long the endpoint may take for anything that has no deadline of its own.
    pub patience: Duration,
    pub stop: &'a Stop,
    pub trace: Trace,
    /// Makes what has to be fresh differ between runs, cases and connections.
    pub salt: &'a str,
    count: AtomicU64,
    /// What the peer saw of the refusal, for the groups, and how long it took.
    view: Mutex<Option<(View, Duration)>>,
}

/// Who may connect to a server.
pub struct Clients {
    pub honest: Credentials,
    /// Others that a started server knows; empty for one that runs already.
    pub others: Vec<Credentials>,
}

/// What an end event has to say.
enum Expected<'a> {
    Clean,
    /// One of these codes, or nothing.
    Codes(&'a [&'a str]),
    /// Not clean, whatever the reason is called.
    Any,
    /// Clean, or one of these codes: where it depends on what the endpoint has read by then.
    CleanOr(&'a [&'a str]),
}

/// How the transport has to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// As at any other end (OBS-002).
    Usual,
    /// As the endpoint's library does it (OBS-003), or in answer to the harness's own close frame.
    Library,
}

impl<'a> Stage<'a> {
    #[allow(clippy::too_many_arguments)] // a plain list of what belongs together only here
    pub fn new(
        case: &'a Case,
        endpoint: &'a Endpoint,
        transport: Transport,
        clients: &'a Clients,
        patience: Duration,
        stop: &'a Stop,
        salt: &'a str,
    ) -> Stage<'a> {
        Stage {
            case,
            endpoint,
            transport,
            clients,
            patience,
            stop,
            trace: Trace::new(),
            salt,
            count: AtomicU64::new(0),
            view: Mutex::default(),
        }
    }

    /// When something that begins now has to be done.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// A label that nothing else in this run has.
    pub fn fresh(&self) -> String {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{} {} {:?} {n}", self.salt, self.case.id, self.transport)
    }

    /// A pause; short when the run is being stopped.
    pub fn pause(&self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until && !self.stop.is_set() && self.endpoint.over().is_none() {
            let left = until.saturating_duration_since(Instant::now());
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
    }

    /// What the peer saw of the refusal.
    pub fn take_view(&self) -> Option<(View, Duration)> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The connection has to be refused, with one of the codes of the case: it ends in time, with no octet
    /// more; it is never open if it was not before; and its closing tells nothing.
    ///
    /// # Errors
    /// What the endpoint did instead.
    pub fn refused(&self, peer: Peer<'_>) -> Result<(), Fault> {
        self.refused_with(peer, self.case.codes)
    }

    /// As [`Stage::refused`], with other codes.
    ///
    /// # Errors
    /// What the endpoint did instead.
    pub fn refused_with(&self, peer: Peer<'_>, codes: &[&str]) -> Result<(), Fault> {
        let was_open = peer.may_be_open;
        self.ends(peer, &Expected::Codes(codes), was_open, Closing::Usual)
    }

    /// As [`Stage::refused`], where the harness itself has begun to close the transport: a library answers
    /// a close frame with its status code.
    ///
    /// # Errors
    /// What the endpoint did instead.
    pub fn refused_after_closing(&self, peer: Peer<'_>) -> Result<(), Fault> {
        let was_open = peer.may_be_open;
        self.ends(peer, &Expected::Codes(self.case.codes), was_open, Closing::Library)
    }

    /// The connection has to end, cleanly or with one of the codes of the case.
    ///
    /// # Errors
    /// What the endpoint did instead.
    pub fn ends_either_way(&self, peer: Peer<'_>) -> Result<(), Fault> {
        self.ends(peer, &Expected::CleanOr(self.case.codes), true, Closing::Usual)
    }

    /// The connection is gone; the endpoint has to report its end with one of the codes of the case.
    ///
    /// # Errors
    /// What the endpoint did instead.
    pub fn end_reported(&self, mark: usize, key: u64) -> Result<(), Fault> {
        self.end_event(mark, key, &Expected::Codes(self.case.codes)).map(|_| ())
    }

    /// As [`Stage::refused`], where a WebSocket library may find the fault by itself: its status code is
    /// its own (OBS-003), and so is its name for the fault.
    ///
    /// # Errors
    /// What the endpoint did instead.
    pub fn refused_by_library(&self, peer: Peer<'_>) -> Result<(), Fault> {
        let was_open = peer.may_be_open;
        self.ends(peer, &Expected::Any, was_open, Closing::Library)
    }

    /// The connection has to end, cleanly: nothing more comes but the end.
    ///
    /// # Errors
    /// What the endpoint did instead.
    pub fn ends_cleanly(&self, peer: Peer<'_>) -> Result<(), Fault> {
        self.ends(peer, &Expected::Clean, true, Closing::Usual)
    }

    /// Whether the endpoint has reported this connection as open.
    fn is_open(&self, peer: &Peer<'_>) -> bool {
        let events = self.endpoint.events(peer.mark, self.key(peer));
        events.iter().any(|event| event.name() == "open")
    }

    /// What names the connection in events.
    fn key(&self, peer: &Peer<'_>) -> u64 {
        peer.key.unwrap_or(u64::from(peer.port))
    }

    /// As [`Stage::refused`], where the end may take until then.
    ///
    /// # Errors
    /// What the endpoint did instead.
    pub fn refused_by(&self, peer: Peer<'_>, deadline: Instant) -> Result<(), Fault> {
        let was_open = peer.may_be_open;
        self.ends_by(peer, deadline, &Expected::Codes(self.case.codes), was_open, Closing::Usual)
    }

    fn ends(
        &self,
        peer: Peer<'_>,
        expected: &Expected<'_>,
        may_be_open: bool,
        how: Closing,
    ) -> Result<(), Fault> {
        self.ends_by(peer, self.deadline(), expected, may_be_open, how)
    }

    fn ends_by(
        &self,
        mut peer: Peer<'_>,
        deadline: Instant,
        expected: &Expected<'_>,
        may_be_open: bool,
        how: Closing,
    ) -> Result<(), Fault> {
        let begun = Instant::now();
        let mut closing = Vec::new();
        let end = loop {
            match peer.next(deadline) {
                Ok(Seen::End(end)) => break end,
                // Without end is no end.
                Ok(Seen::Pong(_) | Seen::Close(_)) if Instant::now() >= deadline => {
                    return Err(self.late("the connection did not end"));
                }
                // A library may answer a ping that came before the fault.
                Ok(Seen::Pong(_)) => {}
                Ok(Seen::Close(code)) => {
                    if how == Closing::Usual && code.is_some() {
                        let expected = "a close frame without a status code (OBS-002)";
                        return Err(Fault::leak("the closing", expected, describe_close(code)));
                    }
                    closing.push(describe_close(code));
                    let answer = peer.frame(super::peer::ws::CLOSE, b"");
                    peer.send_frame("close", &answer);
                    if peer.key.is_some() {
                        peer.finish(); // a WebSocket client waits for the server's end of stream
                    }
                }
                Ok(seen) => {
                    let found = describe(&seen);
                    self.open_is_right(&peer, may_be_open)?;
                    return Err(Fault::leak("what comes then", "the end of the connection", found));
                }
                Err(_) => {
                    self.open_is_right(&peer, may_be_open)?;
                    return Err(self.late("the connection did not end"));
                }
            }
        };
        let took = begun.elapsed();
        closing.push(end.describe().to_owned());
        // As any peer does that has seen the end: some libraries have ended only their side, and wait for ours.
        peer.finish();
        let events = self.end_event(peer.mark, self.key(&peer), expected)?;
        self.open_is_right(&peer, may_be_open)?;
        let events = events.iter().map(|event| event.name()).collect();
        let view = View { closing, events };
        *self.view.lock().unwrap_or_else(PoisonError::into_inner) = Some((view, took));
        Ok(())
    }

    /// Waits for the end event and judges it. Without events there is nothing to judge.
    fn end_event(
        &self,
        mark: usize,
        key: u64,
        expected: &Expected<'_>,
    ) -> Result<Vec<Event>, Fault> {
        if !self.endpoint.is_started() {
            return Ok(Vec::new());
        }
        let is_end = |event: &Event| event.name() == "end";
        if !self.endpoint.wait_for_one(mark, key, self.deadline(), is_end) {
            return Err(self.late("the connection ended, but no end event came"));
        }
        let events = self.endpoint.events(mark, key);
        for event in events.iter().filter(|event| event.name() != "message") {
            self.trace.note(0, format!("event of {key}: {:?}", event.what));
        }
        if events.iter().filter(|event| is_end(event)).count() > 1 {
            return Err(Fault::of(Verdict::ShimError {
                what: format!("two end events for the connection {key}"),
            }));
        }
        let Some(Happened::End { clean, class: found_class, code }) = events
            .iter()
            .map(|event| &event.what)
            .find(|what| matches!(what, Happened::End { .. }))
        else {
            return Ok(events);
        };
        let at = |name: &str| format!("{name} of the end event");
        let found = || {
            let name = code.as_deref().or(found_class.as_deref());
            name.map_or_else(|| "an unnamed failure".to_owned(), str::to_owned)
        };
        match expected {
            Expected::Clean if !clean => {
                Err(Fault::wrong_reject(&at("clean"), "true", format!("false: {}", found())))
            }
            Expected::Clean => Ok(events),
            Expected::CleanOr(_) if *clean => Ok(events),
            _ if *clean => Err(Fault::wrong_accept(&at("clean"), "false", "true")),
            Expected::Any => Ok(events),
            Expected::Codes(codes) | Expected::CleanOr(codes) => {
                let classes: Vec<&str> = codes.iter().map(|code| class(code)).collect();
                if code.as_deref().is_some_and(|code| !codes.contains(&code)) {
                    return Err(Fault::wrong_class(&at("code"), &codes.join(" or "), found()));
                }
                if found_class.as_deref().is_some_and(|class| !classes.contains(&class)) {
                    let found = found_class.clone().unwrap_or_default();
                    return Err(Fault::wrong_class(&at("class"), &classes.join(" or "), found));
                }
                Ok(events)
            }
        }
    }

    /// What has to be refused before it is established may not be reported as open.
    fn open_is_right(&self, peer: &Peer<'_>, may_be_open: bool) -> Result<(), Fault> {
        if !may_be_open && self.is_open(peer) {
            return Err(Fault::wrong_accept("the events", "no open event", "an open event"));
        }
        Ok(())
    }

    /// The endpoint let a deadline pass.
    pub fn late(&self, what: &str) -> Fault {
        if let Some(over) = self.endpoint.over() {
            return Fault::of(over.verdict);
        }
        self.trace.note(0, what.to_owned());
        let after_ms = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
        Fault::of(Verdict::Timeout { after_ms })
    }

    /// The endpoint ended, or garbled, a connection that has to live.
    pub fn broke_off(&self, peer: &Peer<'_>, expected: &str, seen: &Seen) -> Fault {
        match seen {
            Seen::End(_) | Seen::Close(_) => {
                // Its reason is worth a short wait.
                let key = self.key(peer);
                let soon = Instant::now() + Duration::from_secs(1);
                self.endpoint.wait_for_one(peer.mark, key, soon, |event| event.name() == "end");
                if let Some(over) = self.endpoint.over() {
                    return Fault::of(over.verdict);
                }
                let events = self.endpoint.events(peer.mark, key);
                let code = events.iter().find_map(|event| match &event.what {
                    Happened::End { code, class, .. } => code.clone().or(class.clone()),
                    _ => None,
                });
                let code = code.map(|code| format!(", reported as {code}")).unwrap_or_default();
                let found = format!("{}{code}", describe(seen));
                Fault::wrong_reject("what comes then", expected, found)
            }
            seen => Fault::wrong_output("what comes then", expected, describe(seen)),
        }
    }

    /// The next message, which has to come.
    ///
    /// # Errors
    /// What came instead.
    pub fn message(&self, peer: &mut Peer<'_>, what: &str) -> Result<Vec<u8>, Fault> {
        let deadline = self.deadline();
        loop {
            match peer.next(deadline) {
                Ok(Seen::Message(message)) => return Ok(message),
                Ok(Seen::Ping(_) | Seen::Pong(_)) if Instant::now() >= deadline => {
                    return Err(self.late(&format!("{what} did not come")));
                }
                Ok(Seen::Ping(payload)) => {
                    let pong = peer.frame(super::peer::ws::PONG, &payload).octets();
                    peer.send_octets("pong", &pong);
                }
                Ok(Seen::Pong(_)) => {}
                Ok(seen) => return Err(self.broke_off(peer, what, &seen)),
                Err(_) => return Err(self.late(&format!("{what} did not come"))),
            }
        }
    }
}

/// Seconds since the Unix epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// What came, in words.
pub fn describe(seen: &Seen) -> String {
    match seen {
        Seen::Message(octets) => format!("a message of {} octets", octets.len()),
        Seen::Text(octets) => format!("a text message of {} octets", octets.len()),
        Seen::Ping(_) => "a ping".into(),
        Seen::Pong(_) => "a pong".into(),
        Seen::Close(code) => describe_close(*code),
        Seen::Garbage(what) => what.clone(),
        Seen::End(End::Stream) => "the end of the stream".into(),
        Seen::End(End::Reset) => "a reset of the connection".into(),
    }
}
