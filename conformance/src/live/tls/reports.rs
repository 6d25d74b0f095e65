//! What the endpoint reports: its `open` and `end` events, and what has to be in them.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::case::class;
use super::link::{Link, Seen};
use super::stage::Stage;
use crate::live::case::Fault;
use crate::live::lines::{Event, Happened};

/// What an end event has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending<'a> {
    Clean,
    /// Not clean, with one of these codes where there is a code.
    Codes(&'a [&'a str]),
}

impl Stage<'_> {
    /// Waits for `open`, where there are events, and returns what it tells of the peer.
    ///
    /// # Errors
    /// If it does not come.
    pub fn opened(&self, link: &Link<'_>) -> Result<Map<String, Value>, Fault> {
        if !self.endpoint.events {
            return Ok(Map::new());
        }
        let is_open = |event: &Event| event.name() != "message";
        self.endpoint.wait_for_one(link.mark, link.key, self.deadline(), is_open);
        let events = self.endpoint.events(link.mark, link.key);
        match events.first().map(|event| &event.what) {
            Some(Happened::Open { tls, .. }) => Ok(tls.clone().unwrap_or_default()),
            Some(_) => {
                let found = events.first().map_or_else(String::new, describe_end);
                Err(Fault::wrong_reject("the events", "an open event", found))
            }
            None => Err(self.late("no open event")),
        }
    }

    /// The endpoint has to report the end, exactly once.
    ///
    /// # Errors
    /// What it reports instead.
    pub fn ended(&self, link: &Link<'_>, ending: Ending<'_>) -> Result<(), Fault> {
        self.ended_of(link.mark, link.key, ending)
    }

    /// As [`Stage::ended`], of a connection that is gone.
    ///
    /// # Errors
    /// What it reports instead.
    pub fn ended_of(&self, mark: usize, key: u64, ending: Ending<'_>) -> Result<(), Fault> {
        // Of an endpoint that reports no `open`, `end` is not asked for either, but believed.
        if !self.endpoint.events {
            return self.over().map_or(Ok(()), Err);
        }
        let is_end = |event: &Event| event.name() == "end";
        let is_told = self.endpoint.wait_for_one(mark, key, self.deadline(), is_end);
        let events = self.endpoint.events(mark, key);
        let ends: Vec<&Event> = events.iter().filter(|event| event.name() == "end").collect();
        match ends[..] {
            [end] => judge(end, ending),
            [] if is_told => Ok(()),
            [] => Err(self.late("no end event")),
            _ => Err(Fault::wrong_output("the events", "one end event", format!("{}", ends.len()))),
        }
    }

    /// No `open` may be reported.
    ///
    /// # Errors
    /// If it is.
    pub fn never_open(&self, link: &Link<'_>) -> Result<(), Fault> {
        if self.endpoint.events(link.mark, link.key).iter().any(|event| event.name() == "open") {
            return Err(Fault::wrong_accept("the events", "no open event", "an open event"));
        }
        Ok(())
    }

    /// The endpoint ended, or garbled, a connection that has to live.
    pub fn broke_off(&self, link: &Link<'_>, at: &str, expected: &str, seen: &Seen) -> Fault {
        if matches!(seen, Seen::Octets(_)) {
            return Fault::wrong_output(at, expected, seen.describe());
        }
        // Its reason is worth a short wait.
        let soon = Instant::now() + Duration::from_secs(1);
        self.endpoint.wait_for_one(link.mark, link.key, soon, |event| event.name() == "end");
        if let Some(fault) = self.over() {
            return fault;
        }
        let events = self.endpoint.events(link.mark, link.key);
        let code = events.iter().find(|event| event.name() == "end").map(describe_end);
        let code = code.map(|code| format!(", and {code}")).unwrap_or_default();
        Fault::wrong_reject(at, expected, format!("{}{code}", seen.describe()))
    }
}

/// What `open` tells of a field has to be this, if it tells it at all.
///
/// # Errors
/// What it tells instead.
pub fn told(
    tls: &Map<String, Value>,
    field: &str,
    expected: impl Into<Value>,
) -> Result<(), Fault> {
    let expected = expected.into();
    match tls.get(field) {
        None => Ok(()),
        Some(found) if *found == expected => Ok(()),
        Some(found) => {
            let at = format!("tls.{field} of the open event");
            Err(Fault::wrong_output(&at, &expected.to_string(), found.to_string()))
        }
    }
}

/// An end event in words.
pub(super) fn describe_end(event: &Event) -> String {
    match &event.what {
        Happened::End { clean: true, .. } => "a clean end is reported".into(),
        Happened::End { code, class, .. } => {
            let code = code.as_deref().or(class.as_deref()).unwrap_or("no reason");
            format!("it is reported as {code}")
        }
        _ => format!("{} is reported", event.name()),
    }
}

/// What an end event says has to be this.
///
/// # Errors
/// What it says instead.
pub fn judge(end: &Event, ending: Ending<'_>) -> Result<(), Fault> {
    let Happened::End { clean, class: reported, code } = &end.what else { return Ok(()) };
    match ending {
        Ending::Clean if *clean => Ok(()),
        Ending::Clean => Err(Fault::wrong_output("the end event", "clean", describe_end(end))),
        Ending::Codes(_) if *clean => {
            Err(Fault::wrong_accept("the end event", "a refusal", "a clean end is reported"))
        }
        Ending::Codes(codes) => {
            let is_right = match (code, reported) {
                (Some(code), _) => codes.contains(&code.as_str()),
                (None, Some(name)) => codes.iter().any(|code| class(code) == name),
                (None, None) => true,
            };
            let expected = codes.join(" or ");
            if is_right {
                return Ok(());
            }
            Err(Fault::wrong_class("the end event", &expected, describe_end(end)))
        }
    }
}
