//! Handshakes that a server has to accept.

use super::accept;
use crate::live::case::Case;

pub fn cases() -> Vec<Case> {
    vec![accept(
        "handshake/echo-and-close",
        &["HS-065", "CHAN-020", "CHAN-035", "CHAN-036", "CHAN-037"],
        "a handshake, an echo, a close: everything as it should be",
        |stage| stage.established()?.close(),
    )]
}
