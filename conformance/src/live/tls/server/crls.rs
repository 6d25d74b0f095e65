//! Section 7.9, beyond the vectors: there the honest client needs a CRL beside those of the vector.

use super::super::case::Case;
use super::super::setup::ServerSetup;

pub fn cases() -> Vec<Case> {
    vec![
        Case::server(
            "crls/none-of-anybody",
            &["TLS-070"],
            "CRLs are configured, but there is none: nobody is accepted",
            |material| ServerSetup {
                crls: Some(Vec::new()),
                honest: None,
                ..ServerSetup::usual(material)
            },
            |stage| stage.refused(stage.greet(&stage.material.hello("alice"))?),
        )
        .refuses(&["crl"]),
    ]
}
