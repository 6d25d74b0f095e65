//! Cases of clients.

use super::case::Case;
use super::hello::Serving;
use super::material::{Material, SERVER};
use super::setup::Dial;
use super::stage::{Stage, told};
use crate::live::case::Fault;

/// All of them, in the order of their families.
pub fn cases() -> Vec<Case> {
    vec![
        Case::client(
            "handshake/tls13",
            &["TLS-001", "TLS-009"],
            "an honest server with TLS 1.3 is accepted",
            |stage| {
                let dial = Dial::usual(stage.material);
                let tls = stage.accepted(&dial, &honest(stage.material))?;
                told(&tls, "version", "1.3")?;
                told(&tls, "authorized", true)
            },
        ),
        Case::client(
            "chain/stranger",
            &["TLS-033", "TLS-030"],
            "the server's certificate is of a CA that is no anchor",
            |stage| {
                let stranger =
                    stage.material.stranger.server(&[SERVER], stage.material.server(&[SERVER]).key);
                let mut link = stage.dial(&Dial::usual(stage.material))?;
                stage.serve(&mut link, &Serving::new(stranger))?;
                stage.refused(link)
            },
        )
        .refuses(&["untrusted"]),
    ]
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
    pub fn accepted(
        &self,
        dial: &Dial,
        serving: &Serving,
    ) -> Result<serde_json::Map<String, serde_json::Value>, Fault> {
        let mut link = self.dial(dial)?;
        self.serve(&mut link, serving)?;
        self.shaken(&mut link)?;
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
    pub fn message(&self, link: &super::link::Link<'_>, expect: &[u8]) -> Result<(), Fault> {
        use crate::live::lines::{Event, Happened};
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
        if self
            .endpoint
            .wait_for(link.mark, link.key, deadline, |events| octets(events).len() >= expect.len())
            && octets(&self.endpoint.events(link.mark, link.key)) == expect
        {
            return Ok(());
        }
        Err(self.late("the octets are not reported as a message"))
    }
}

/// An honest connection from beginning to end.
///
/// # Errors
/// What failed.
pub fn visit(stage: &Stage<'_>) -> Result<(), Fault> {
    stage.accepted(&Dial::usual(stage.material), &honest(stage.material)).map(drop)
}
