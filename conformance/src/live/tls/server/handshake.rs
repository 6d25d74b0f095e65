//! Section 7.2: the TLS layer.

use super::super::case::Case;
use super::super::hello::Hello;
use super::super::material::SERVER;
use super::super::setup::ServerSetup;
use super::super::stage::told;

pub fn cases() -> Vec<Case> {
    vec![
        Case::server(
            "handshake/tls13",
            &["TLS-001", "TLS-009", "TLS-027"],
            "an honest client with TLS 1.3 is served",
            ServerSetup::usual,
            |stage| {
                let tls = stage.served(stage.greet(&stage.material.hello("alice"))?)?;
                told(&tls, "version", "1.3")?;
                told(&tls, "resumed", false)?;
                told(&tls, "authorized", true)
            },
        ),
        Case::server(
            "ladder/require-none",
            &["TLS-023"],
            "the server requires a certificate, and the client sends none",
            ServerSetup::usual,
            |stage| stage.refused(stage.greet(&Hello::anonymous(SERVER))?),
        )
        .refuses(&["no_certificate"]),
    ]
}
