//! Cases of servers.

mod alert;
mod alpn;
mod chain;
mod crls;
mod deadline;
mod end;
mod handshake;
mod hostile;
mod ladder;
mod lists;
mod resumption;
mod sni;
mod tunnel;
mod versions;

use super::case::Case;
use super::hello::Hello;
use super::link::{Link, Seen};
use super::material::Material;
use super::setup::ServerSetup;
use super::stage::{Ending, Stage};
use crate::live::case::Fault;

/// All of them, in the order of their families.
pub fn cases() -> Vec<Case> {
    [
        handshake::cases(),
        versions::cases(),
        hostile::cases(),
        deadline::cases(),
        alpn::cases(),
        sni::cases(),
        ladder::cases(),
        lists::cases(),
        crls::cases(),
        resumption::cases(),
        alert::cases(),
        end::cases(),
        tunnel::cases(),
        chain::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An honest client, to find out whether the server still serves: where no client can be served, the handshake on this
/// side is what there is to see.
///
/// # Errors
/// What failed.
pub fn visit(stage: &Stage<'_>) -> Result<(), Fault> {
    let Some(setup) = stage.setup else { return Ok(()) };
    let Some(honest) = &setup.honest else {
        let mut link = stage.greet(&stage.material.honest())?;
        return stage.shaken(&mut link);
    };
    let link = stage.greet(honest)?;
    if setup.tunnel {
        return super::tunnel::visit(stage, link);
    }
    stage.served(link).map(drop)
}

/// [`Hello`] of alice.
fn alice(stage: &Stage<'_>) -> Hello {
    stage.material.hello("alice")
}

/// [`ServerSetup::usual`] with policy `tls12`.
fn with_tls12(material: &Material) -> ServerSetup {
    ServerSetup::usual(material).policy("tls12")
}

impl Stage<'_> {
    /// An open connection has to end now, in time, without an octet of the application, and not cleanly; with one of the
    /// codes of the case where it is reported.
    fn cut_off(&self, mut link: Link<'_>) -> Result<(), Fault> {
        let deadline = self.deadline();
        let mut answer = Vec::new();
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
                Ok(_) => {}
                Err(_) => return Err(self.late("the connection did not end")),
            }
        }
        let codes: Vec<&str> = self.case.codes.iter().map(String::as_str).collect();
        self.ended(&link, Ending::Codes(&codes))
    }
}
