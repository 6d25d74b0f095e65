//! A live case: what a misbehaving peer does, and what the endpoint has to do then.

use serde_json::Map;
use tunnelproof_vectors::{Expect, Level, Reject, Vector};

use super::stage::Stage;
use super::{Role, Transport};
use crate::model;
use crate::verdict::{FailKind, Verdict};

/// One case. Its id, `live/<role>/<family>/<name>`, stays for good.
pub struct Case {
    pub id: String,
    pub role: Role,
    /// The rules that it tests, the most important first.
    pub requirements: Vec<&'static str>,
    /// The codes that the endpoint may report; empty where nothing is to be refused.
    pub codes: &'static [&'static str],
    /// What happens, in a sentence.
    pub about: String,
    /// The vector with the same fault.
    pub vector: Option<&'static str>,
    /// Its groups: those of spec/observability.md, and "closing" for OBS-002.
    pub groups: Vec<&'static str>,
    /// The transports that it makes sense on.
    pub over: &'static [Transport],
    pub needs: Vec<Need>,
    /// It waits for a deadline: it runs beside all others, in a process that it shares with its like.
    pub slow: bool,
    pub script: Script,
}

/// The peer's part, which returns when the case is over.
pub type Play = dyn Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync;

/// What a case does.
pub enum Script {
    /// Plays a peer.
    Play(Box<Play>),
    /// Compares what the peer saw of the members of this group.
    Compare(&'static str),
}

/// What a case can't do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The event lines of the endpoint.
    Events,
    /// Lines written to the endpoint: credentials, `close`, `send`.
    Control,
}

/// Why a case did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub verdict: Verdict,
    /// Marked *security* although its kind alone is not.
    pub security: bool,
}

impl Case {
    /// A case in which everything has to be accepted.
    pub fn accept(
        role: Role,
        name: &str,
        requirements: &[&'static str],
        about: impl Into<String>,
        script: impl Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> Case {
        Case {
            id: format!("live/{}/{name}", role.name()),
            role,
            requirements: requirements.to_vec(),
            codes: &[],
            about: about.into(),
            vector: None,
            groups: Vec::new(),
            over: &Transport::ALL,
            needs: Vec::new(),
            slow: false,
            script: Script::Play(Box::new(script)),
        }
    }

    /// A case in which the endpoint has to refuse, with one of these codes where it reports codes.
    pub fn refuse(
        role: Role,
        name: &str,
        requirements: &[&'static str],
        codes: &'static [&'static str],
        about: impl Into<String>,
        script: impl Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> Case {
        Case { codes, ..Case::accept(role, name, requirements, about, script) }
    }

    /// The comparison of a group.
    pub fn comparison(role: Role, group: &'static str) -> Case {
        let about = format!("no member of the group {group:?} looks different to the peer");
        let rules = &["OBS-002", "OBS-001", "OBS-004"];
        let name = format!("group/{group}");
        let case = Case::accept(role, &name, rules, about, |_| Ok(()));
        Case { script: Script::Compare(group), ..case }
    }

    /// Whether it belongs to a group; what is in "request-secret" is in "request" too.
    pub fn is_member(&self, group: &str) -> bool {
        self.groups
            .iter()
            .any(|own| *own == group || (*own == "request-secret" && group == "request"))
    }

    /// Has to look to the peer like the others of this group.
    pub fn in_group(mut self, group: &'static str) -> Case {
        self.groups.push(group);
        self
    }

    /// Runs over one transport only.
    pub fn only(self, transport: Transport) -> Case {
        let over: &[Transport] = match transport {
            Transport::Tcp => &[Transport::Tcp],
            Transport::Ws => &[Transport::Ws],
        };
        Case { over, ..self }
    }

    pub fn needs(mut self, need: Need) -> Case {
        self.needs.push(need);
        self
    }

    /// Waits for a deadline.
    pub fn slow(self) -> Case {
        Case { slow: true, ..self }
    }

    /// The case as the commands and reports for vectors take it.
    pub fn to_vector(&self) -> Vector {
        let expect = match self.codes.first() {
            None => Expect::Accept(Map::new()),
            Some(code) => Expect::Reject(Reject {
                class: class(code).to_owned(),
                codes: self.codes.iter().map(|code| (*code).to_owned()).collect(),
                status: None,
                out: None,
            }),
        };
        Vector {
            id: self.id.clone(),
            since: "1.0.0".into(),
            requirements: self.requirements.iter().map(|id| (*id).to_owned()).collect(),
            level: Level::Must,
            op: format!("live.{}", self.role.name()),
            requires: self.needs.iter().map(|need| need.name().to_owned()).collect(),
            input: Map::new(),
            expect,
            base: None,
            flaw: None,
            group: self.groups.first().map(|group| (*group).to_owned()),
            severity: None,
            note: self.about.clone(),
            bug: None,
        }
    }
}

impl Need {
    /// The feature of that name; a server that somebody else started has neither.
    pub fn name(self) -> &'static str {
        match self {
            Need::Events => "events",
            Need::Control => "control",
        }
    }
}

impl Fault {
    pub fn of(verdict: Verdict) -> Fault {
        Fault { verdict, security: false }
    }

    /// What had to be refused was accepted.
    pub fn wrong_accept(at: &str, expected: &str, found: impl Into<String>) -> Fault {
        Fault::fail(FailKind::WrongAccept, at, expected, found)
    }

    /// What had to be accepted was refused.
    pub fn wrong_reject(at: &str, expected: &str, found: impl Into<String>) -> Fault {
        Fault::fail(FailKind::WrongReject, at, expected, found)
    }

    /// Something else was sent or reported than what had to be.
    pub fn wrong_output(at: &str, expected: &str, found: impl Into<String>) -> Fault {
        Fault::fail(FailKind::WrongOutput, at, expected, found)
    }

    /// Octets where OBS-001 or HS-067 forbids any.
    pub fn leak(at: &str, expected: &str, found: impl Into<String>) -> Fault {
        Fault { security: true, ..Fault::wrong_output(at, expected, found) }
    }

    /// Refused, for another reason.
    pub fn wrong_class(at: &str, expected: &str, found: impl Into<String>) -> Fault {
        Fault::fail(FailKind::WrongClass, at, expected, found)
    }

    fn fail(kind: FailKind, at: &str, expected: &str, found: impl Into<String>) -> Fault {
        Fault::of(Verdict::Fail {
            kind,
            at: at.into(),
            expected: expected.into(),
            found: found.into(),
        })
    }
}

/// The class of a code in the registry.
pub fn class(code: &str) -> &'static str {
    // `truncated` is how a channel ends, and no answer to a message.
    if code == "truncated" { "state" } else { model::class(code) }
}
