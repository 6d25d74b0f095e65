//! A live case of TLS: how the endpoint is configured, what a misbehaving peer does, what the endpoint has to do then.

use serde_json::Map;
use tunnelproof_vectors::{Expect, Level, Reject, Vector};

use super::material::Material;
use super::setup::ServerSetup;
use super::stage::Stage;
use crate::live::Role;
use crate::live::case::{self, Fault};

/// One case. Its id, `live/<role>/tls/<family>/<name>`, stays for good.
pub struct Case {
    pub id: String,
    pub role: Role,
    /// The rules that it tests, the most important first.
    pub requirements: Vec<String>,
    /// SHOULD where what it tests is one.
    pub level: Level,
    /// The codes that the endpoint may report; empty where nothing is to be refused.
    pub codes: Vec<String>,
    /// What happens, in a sentence.
    pub about: String,
    pub needs: Vec<Need>,
    /// It waits for something: it runs beside all others.
    pub slow: bool,
    /// It changes the endpoint, or has it end: the endpoint serves no other case.
    pub own: bool,
    /// The configuration of a server; clients have theirs with each dial.
    pub setup: Option<Box<MakeSetup>>,
    pub play: Box<Play>,
}

/// Makes the configuration of a server.
pub type MakeSetup = dyn Fn(&Material) -> Result<ServerSetup, String> + Send + Sync;
/// The peer's part, which returns when the case is over.
pub type Play = dyn Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync;

/// What a case can't do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `open` and `end`, `close` and `send`.
    Events,
    /// `tls` lines.
    Reload,
}

impl Need {
    /// The feature of that name.
    pub fn name(self) -> &'static str {
        match self {
            Need::Events => "events",
            Need::Reload => "reload",
        }
    }

    /// Why a case is skipped that has this need.
    pub fn reason(self) -> &'static str {
        match self {
            Need::Events => "needs an endpoint that reports events",
            Need::Reload => "needs an endpoint whose lists and CRLs can be changed",
        }
    }
}

impl Case {
    /// A case of a server in which everything has to be accepted.
    pub fn server(
        name: &str,
        requirements: &[&str],
        about: impl Into<String>,
        setup: impl Fn(&Material) -> ServerSetup + Send + Sync + 'static,
        play: impl Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> Case {
        let setup: Box<MakeSetup> = Box::new(move |material| Ok(setup(material)));
        Case { setup: Some(setup), ..Case::new(Role::Server, name, requirements, about, play) }
    }

    /// A case of a client in which everything has to be accepted.
    pub fn client(
        name: &str,
        requirements: &[&str],
        about: impl Into<String>,
        play: impl Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> Case {
        Case::new(Role::Client, name, requirements, about, play)
    }

    fn new(
        role: Role,
        name: &str,
        requirements: &[&str],
        about: impl Into<String>,
        play: impl Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> Case {
        Case {
            id: format!("live/{}/tls/{name}", role.name()),
            role,
            requirements: requirements.iter().map(|id| (*id).to_owned()).collect(),
            level: Level::Must,
            codes: Vec::new(),
            about: about.into(),
            needs: Vec::new(),
            slow: false,
            own: false,
            setup: None,
            play: Box::new(play),
        }
    }

    /// Whether it is about what ALPN negotiates.
    pub fn is_about_alpn(&self) -> bool {
        let rules = ["TLS-012", "TLS-013", "TLS-014"];
        self.requirements.iter().any(|own| rules.contains(&own.as_str()))
    }

    /// The endpoint has to refuse, with one of these codes where it reports codes.
    pub fn refuses(mut self, codes: &[&str]) -> Case {
        self.codes = codes.iter().map(|code| (*code).to_owned()).collect();
        self
    }

    pub fn should(self) -> Case {
        Case { level: Level::Should, ..self }
    }

    pub fn needs(mut self, need: Need) -> Case {
        self.needs.push(need);
        self
    }

    /// Waits for something.
    pub fn slow(self) -> Case {
        Case { slow: true, ..self }
    }

    /// On an endpoint of its own.
    pub fn alone(self) -> Case {
        Case { own: true, ..self }
    }

    /// The case as the commands and reports for vectors take it.
    pub fn to_vector(&self) -> Vector {
        let expect = match self.codes.first() {
            None => Expect::Accept(Map::new()),
            Some(code) => Expect::Reject(Reject {
                class: class(code).to_owned(),
                codes: self.codes.clone(),
                status: None,
                out: None,
            }),
        };
        Vector {
            id: self.id.clone(),
            since: "1.1.0".into(),
            requirements: self.requirements.clone(),
            level: self.level,
            op: format!("live.{}.tls", self.role.name()),
            requires: self.needs.iter().map(|need| need.name().to_owned()).collect(),
            input: Map::new(),
            expect,
            base: None,
            flaw: None,
            group: None,
            severity: None,
            note: self.about.clone(),
            bug: None,
        }
    }
}

/// The class of a code in the registry, where an area has codes of the same name: here they are those of TLS.
pub fn class(code: &str) -> &'static str {
    match code {
        "timeout" | "truncated" | "open_failed" | "unknown_id" | "wrong_password" | "order"
        | "malformed" | "decrypt" | "early_end" | "stale" => case::class(code),
        _ => "tls",
    }
}
