//! Cases of clients. The harness listens, tells the client to dial, and is its server.

mod alpn;
mod by_hand;
mod by_hand12;
mod chain;
mod ending;
mod greeting;
mod handshake;
mod ladder;
mod name;
mod records;
mod resumption;
mod tunnel;
mod versions;

pub use chain::plays;
use serde_json::{Map, Value};

use super::case::Case;
use super::hello::Serving;
use super::link::Link;
use super::material::{Material, SERVER};
use super::setup::Dial;
use super::stage::{Stage, told};
use crate::live::case::Fault;
use crate::live::lines::{Event, Happened};
use crate::verdict::Verdict;

/// All of them, in the order of their families.
pub fn cases() -> Vec<Case> {
    let first = vec![Case::client(
        "handshake/tls13",
        &["TLS-001", "TLS-009"],
        "an honest server with TLS 1.3 is accepted",
        |stage| {
            let dial = Dial::usual(stage.material);
            let tls = stage.accepted(&dial, &honest(stage.material))?;
            told(&tls, "version", "1.3")?;
            told(&tls, "authorized", true)
        },
    )];
    [
        first,
        versions::cases(),
        handshake::cases(),
        records::cases(),
        alpn::cases(),
        ladder::cases(),
        name::cases(),
        ending::cases(),
        resumption::cases(),
        tunnel::cases(),
        chain::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An honest server for [`Dial::usual`].
pub fn honest(material: &Material) -> Serving {
    Serving::new(material.server(&[SERVER]))
}

impl Stage<'_> {
    /// A client dials, and has to accept this server: what it is told to send comes, is answered, and both ends say
    /// close_notify. Returns what `open` tells of the server.
    ///
    /// # Errors
    /// What it did instead.
    pub fn accepted(&self, dial: &Dial, serving: &Serving) -> Result<Map<String, Value>, Fault> {
        let mut link = self.dial(dial)?;
        self.serve(&mut link, serving)?;
        self.shaken(&mut link)?;
        self.goes_through(link, dial)
    }

    /// The same, once the handshake is complete.
    ///
    /// # Errors
    /// What it did instead.
    pub fn goes_through(
        &self,
        mut link: Link<'_>,
        dial: &Dial,
    ) -> Result<Map<String, Value>, Fault> {
        let tls = self.opened(&link)?;
        self.receives(&mut link, &dial.send.concat())?;
        let answer = self.fresh().into_bytes();
        link.write(&answer);
        self.message(&link, &answer)?;
        self.closes(link)?;
        Ok(tls)
    }

    /// The client has to report these octets, in any pieces.
    ///
    /// # Errors
    /// If it does not.
    pub fn message(&self, link: &Link<'_>, expect: &[u8]) -> Result<(), Fault> {
        if !self.endpoint.events {
            return Ok(());
        }
        let octets = |events: &[Event]| -> Vec<u8> {
            let payload = |event: &Event| match &event.what {
                Happened::Message { payload: Some(payload), .. } => payload.clone(),
                _ => Vec::new(),
            };
            events.iter().flat_map(payload).collect()
        };
        let deadline = self.deadline();
        let is_there = |events: &[Event]| octets(events).len() >= expect.len();
        if self.endpoint.wait_for(link.mark, link.key, deadline, is_there)
            && octets(&self.endpoint.events(link.mark, link.key)) == expect
        {
            return Ok(());
        }
        Err(self.late("the octets are not reported as a message"))
    }

    /// The case can't be played with this client, which is no fault of it.
    pub fn skips(&self, reason: &str) -> Fault {
        Fault::of(Verdict::Skip { reason: reason.to_owned(), issue: None })
    }
}

/// An honest connection from beginning to end.
///
/// # Errors
/// What failed.
pub fn visit(stage: &Stage<'_>) -> Result<(), Fault> {
    stage.accepted(&Dial::usual(stage.material), &honest(stage.material)).map(drop)
}
