//! Live checks of TLS, chapter 7: `--profile tls`. The endpoint speaks TLS over TCP, alone or with the tunnel inside,
//! and the harness is a peer that can do anything TLS forbids.
//!
//! ```text
//! runner -- configuration --> endpoint::Endpoint      lines: start with `tls`, events, `tls` lines
//!        -- case.play(stage)  link::Link              one connection: socket, rustls without I/O, every record
//!                             hello::{Hello, Serving} how the harness greets: name, ALPN, certificate, versions
//!                             records                 records by hand, also inside an established connection
//!        -- honest visit      poisoned?
//! ```
//!
//! A case is data and a script. A server's case names its configuration, a [`setup::ServerSetup`] made from the
//! certificates of the run ([`material::Material`]); cases with the same configuration share an endpoint. A client is
//! configured by each [`setup::Dial`]:
//!
//! ```text
//! Case::server("ladder/require-none", &["TLS-023"], "the client sends no certificate", ServerSetup::usual,
//!     |stage| stage.refused(stage.greet(&Hello::anonymous(SERVER))?))
//!     .refuses(&["no_certificate"])
//!
//! Case::client("ladder/checked-other-ca", &["TLS-033"], "a certificate of a CA that is no anchor", |stage| {
//!     let mut link = stage.dial(&Dial::usual(stage.material))?;
//!     stage.serve(&mut link, &Serving::new(stranger))?;
//!     stage.refused(link)
//! }).refuses(&["untrusted"])
//! ```
//!
//! Acceptance and refusal are judged by what the peer can see, and by events where the endpoint reports them.

pub mod case;
pub mod client;
pub mod client_hello;
pub mod hello;
pub mod keys;
pub mod link;
pub mod material;
pub mod playable;
pub mod records;
pub mod reports;
pub mod runner;
pub mod running;
pub mod server;
pub mod sessions;
pub mod setup;
pub mod stage;
pub mod tunnel;
mod worker;

use tunnelproof_vectors::{Suite, Vector};

use super::Role;
use case::Case;

/// All cases of a role, in the order of their families.
pub fn cases(role: Role) -> Vec<Case> {
    match role {
        Role::Server => server::cases(),
        Role::Client => client::cases(),
    }
}

/// All cases of both roles.
pub fn all_cases() -> Vec<Case> {
    [Role::Server, Role::Client].into_iter().flat_map(cases).collect()
}

/// The cases as the filters and reports for vectors take them.
///
/// # Errors
/// If the embedded vectors are damaged.
pub fn suite<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Result<Suite, String> {
    let embedded = Suite::embedded().map_err(|e| e.to_string())?;
    let vectors: Vec<Vector> = cases.into_iter().map(Case::to_vector).collect();
    Ok(Suite { vectors, ..embedded })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Spec;
    use std::collections::BTreeSet;

    #[test]
    fn cases_name_rules_that_exist_and_have_ids_of_their_own() {
        let spec = Spec::embedded();
        let mut seen = BTreeSet::new();
        for case in all_cases() {
            assert!(seen.insert(case.id.clone()), "{} is there twice", case.id);
            assert!(!case.requirements.is_empty(), "{} has no rule", case.id);
            for rule in &case.requirements {
                assert!(spec.rule(rule).is_some(), "{}: {rule} is no rule", case.id);
            }
            assert_eq!(case.setup.is_some(), case.role == Role::Server, "{}", case.id);
            let in_order =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-/".contains(c);
            assert!(case.id.chars().all(in_order), "{}", case.id);
        }
    }
}
