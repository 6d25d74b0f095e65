//! Cases of servers.

mod chain;
mod handshake;

use super::case::Case;
use super::stage::Stage;
use crate::live::case::Fault;

/// All of them, in the order of their families.
pub fn cases() -> Vec<Case> {
    [handshake::cases(), chain::cases()].into_iter().flatten().collect()
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
    stage.served(link).map(drop)
}
