//! Live checks: an endpoint with real sockets against a peer that misbehaves on purpose
//! (spec/live-protocol.md). Loopback only.
//!
//! ```text
//! cases(role) --select--> runner: workers, each with an endpoint of its own
//!     Case.script(&Stage) --Peer (tcp, ws)--> endpoint;  --Endpoint (lines)--> its process
//!     Ok or Fault --> verdict --> result log, by the recorder and the reports of `run`
//! ```
//!
//! # How a case is written
//!
//! A case is a row: [`Case::refuse`] where the endpoint has to refuse, with the codes of the registry that it
//! may report, [`Case::accept`] where everything has to go well; then `.in_group(group)`,
//! `.only(transport)`, `.needs(need)`, `.slow()` as they apply. Its script gets a [`Stage`] and returns a
//! [`Fault`] or nothing:
//!
//! ```text
//! Case::refuse(Role::Server, "request/unknown-id", &["HS-043"], &["unknown_id"], "an id that nobody has",
//!     |stage| {
//!         let (mut peer, mut request) = stage.greeted()?;        // connected, M1 read, an honest M2 ready
//!         request.id = b"nobody".to_vec();                       // the one fault
//!         peer.send("M2", &request.m2());
//!         stage.refused(peer)                                    // ends, silent, in time, not open, code
//!     })
//! ```
//!
//! Scripts run side by side with others and may be run twice, so they keep nothing. They wait with
//! [`Stage::deadline`], never for ever, and sleep only where the passing of time is the check. What every
//! case has in common is done by the runner: a healthy connection afterwards (`poisoned`), crashes, traces,
//! groups, the second run of a failure.
//!
//! Families are files below `server/` and `client/`, each a function that returns its cases, listed in
//! [`cases`]; `server/like.rs` says which vector has the same fault. Helpers of one role are `impl Stage` blocks there.

pub mod case;
pub mod client;
pub mod endpoint;
pub mod endpoint_model;
pub mod groups;
pub mod honest;
pub mod lines;
pub mod mutants;
pub mod peer;
pub mod runner;
pub mod selftest;
pub mod server;
pub mod stage;
pub mod timing;
pub mod tls;
pub mod trace;
mod until;
pub mod wire;
pub mod worker;

use tunnelproof_vectors::{Suite, Vector};

use crate::shim::process::Program;
use case::Case;
use stage::Clients;

/// Which side is under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Server,
    Client,
}

/// What the tunnel goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    Tcp,
    Ws,
}

/// What is checked.
pub enum Target {
    /// A command, with the live protocol on its standard input and output.
    Command(Program),
    /// A server that runs already.
    Running(std::net::SocketAddr),
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::Server => "server",
            Role::Client => "client",
        }
    }

    /// The groups that are compared, with the rules that demand it.
    pub fn groups(self) -> &'static [&'static str] {
        match self {
            Role::Server => server::GROUPS,
            Role::Client => client::GROUPS,
        }
    }

    /// Cases, without `live/<role>/`, that have the same fault as a vector, and the ids of the vectors.
    fn like(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Role::Server => server::like::LIKE,
            Role::Client => client::like::LIKE,
        }
    }

    /// The vector with the same fault as the case of this id, if there is one.
    fn vector_like(self, id: &str) -> Option<&'static str> {
        let name = id.strip_prefix("live/")?.strip_prefix(self.name())?.strip_prefix('/')?;
        self.like().iter().find(|(own, _)| *own == name).map(|(_, vector)| *vector)
    }

    /// An honest connection from beginning to end.
    ///
    /// # Errors
    /// What failed, in a sentence.
    pub fn visit(self, stage: &stage::Stage<'_>) -> Result<(), String> {
        match self {
            Role::Server => server::visit(stage),
            Role::Client => client::visit(stage),
        }
    }

    /// The first line for an endpoint.
    pub fn start_line(self, transport: Transport, clients: &Clients) -> serde_json::Value {
        match self {
            Role::Server => server::start_line(transport, clients),
            Role::Client => serde_json::json!({"v": 1, "role": "client"}),
        }
    }
}

impl Transport {
    pub const ALL: [Transport; 2] = [Transport::Tcp, Transport::Ws];

    /// As in the live protocol.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Tcp => "tcp",
            Transport::Ws => "ws",
        }
    }
}

/// All cases of a role, in the order of their families; the groups come last.
pub fn cases(role: Role) -> Vec<Case> {
    let mut cases = match role {
        Role::Server => server::cases(),
        Role::Client => client::cases(),
    };
    for case in &mut cases {
        case.vector = role.vector_like(&case.id);
    }
    cases.extend(role.groups().iter().map(|group| Case::comparison(role, group)));
    cases
}

/// All cases of all roles.
pub fn all_cases() -> Vec<Case> {
    [Role::Server, Role::Client].into_iter().flat_map(cases).collect()
}

/// All live cases of both roles and both profiles, as vectors, beside version and hash of the embedded suite.
///
/// # Errors
/// If the embedded vectors are damaged.
pub fn all() -> Result<Suite, String> {
    let mut suite = suite(&all_cases())?;
    suite.vectors.extend(tls::suite(&tls::all_cases())?.vectors);
    Ok(suite)
}

/// The cases as the filters and reports for vectors take them.
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
    fn cases_name_rules_and_vectors_that_exist_and_have_ids_of_their_own() {
        let spec = Spec::embedded();
        let suite = Suite::embedded().expect("the vectors load");
        let ids: BTreeSet<&str> = suite.vectors.iter().map(|vector| vector.id.as_str()).collect();
        let mut seen = BTreeSet::new();
        for case in all_cases() {
            assert!(seen.insert(case.id.clone()), "{} is there twice", case.id);
            assert!(!case.requirements.is_empty(), "{} has no rule", case.id);
            for rule in &case.requirements {
                assert!(spec.rule(rule).is_some(), "{}: {rule} is no rule", case.id);
            }
            if let Some(vector) = case.vector {
                assert!(ids.contains(vector), "{}: there is no vector {vector}", case.id);
            }
            let in_order =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-/".contains(c);
            assert!(case.id.chars().all(in_order), "{}", case.id);
        }
    }

    #[test]
    fn every_vector_that_is_named_belongs_to_one_case() {
        for (role, least) in [(Role::Server, 150), (Role::Client, 80)] {
            let cases = cases(role);
            for (name, vector) in role.like() {
                let id = format!("live/{}/{name}", role.name());
                assert!(cases.iter().any(|case| case.id == id), "{id}, for {vector}, is no case");
            }
            let named = cases.iter().filter(|case| case.vector.is_some()).count();
            assert_eq!(named, role.like().len(), "a case is in the table of {role:?} twice");
            assert!(cases.len() >= least, "{role:?} has {} cases", cases.len());
        }
    }
}
