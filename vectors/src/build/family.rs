//! A family of vectors while it is made.

use std::cell::RefCell;

use serde_json::{Map, Value, json};

use crate::vector::Severity;

/// The version of the suite.
pub(crate) const SUITE: &str = "1.1.0";
/// The version that brought the vectors of a family that does not say another.
const FIRST: &str = "1.0.0";

/// One file of vectors.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    about: &'static str,
    op: &'static str,
    since: &'static str,
    vectors: Vec<Draft>,
    bases: Vec<(&'static str, Base)>,
    constants: Vec<(&'static str, Value)>,
}

/// A valid vector of another family, from which vectors of this one differ.
#[derive(Clone)]
pub(crate) struct Base {
    id: String,
    op: &'static str,
    input: Map<String, Value>,
}

/// One vector; the methods add what not every vector has.
pub(crate) struct Draft {
    name: String,
    requirements: Vec<&'static str>,
    level: &'static str,
    op: &'static str,
    requires: Vec<&'static str>,
    input: Map<String, Value>,
    expect: Value,
    base: Option<String>,
    flaw: Option<String>,
    group: Option<&'static str>,
    severity: Option<Severity>,
    note: String,
    bug: Option<Value>,
}

impl Family {
    /// `name` is `<area>/<family>`; `op` is what its vectors run.
    pub(crate) fn new(name: &'static str, op: &'static str, about: &'static str) -> Self {
        let (vectors, bases, constants) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, about, op, since: FIRST, vectors, bases, constants }
    }

    /// The suite's version that brought the family.
    pub(crate) fn since(self, since: &'static str) -> Self {
        Self { since, ..self }
    }

    /// Lets the family's vectors differ from `base` under the name `valid`.
    pub(crate) fn with_base(self, base: Base) -> Self {
        self.with_bases([("valid", base)])
    }

    /// Lets the family's vectors differ from vectors of other families, under these names.
    pub(crate) fn with_bases<const N: usize>(self, bases: [(&'static str, Base); N]) -> Self {
        Self { bases: bases.into(), ..self }
    }

    /// Names values for the file's `constants`; those that no vector has are left out.
    pub(crate) fn with_constants(self, constants: Vec<(&'static str, Value)>) -> Self {
        Self { constants, ..self }
    }

    /// A vector made before, for [`Family::with_base`].
    pub(crate) fn base(&self, name: &str) -> Base {
        let draft = self.draft(name);
        Base { id: format!("{}/{name}", self.name), op: draft.op, input: draft.input.clone() }
    }

    /// A vector that is accepted with `out`.
    pub(crate) fn accept(
        &mut self,
        name: impl Into<String>,
        requirements: &[&'static str],
        input: Value,
        out: Value,
        note: impl Into<String>,
    ) -> &mut Draft {
        self.push(Draft {
            name: name.into(),
            requirements: requirements.to_vec(),
            level: "MUST",
            op: self.op,
            requires: Vec::new(),
            input: object(input),
            expect: json!({ "accept": out }),
            base: None,
            flaw: None,
            group: None,
            severity: None,
            note: note.into(),
            bug: None,
        })
    }

    /// A vector that differs from `base` by `change` and is refused with `code`.
    pub(crate) fn reject(
        &mut self,
        name: impl Into<String>,
        base: &str,
        requirements: &[&'static str],
        code: &'static str,
        flaw: impl Into<String>,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> &mut Draft {
        let area = self.name.split('/').next().unwrap_or_default();
        let expect = json!({ "reject": { "class": class(area, code), "codes": [code] } });
        self.negative(name, base, requirements, expect, flaw, change)
    }

    /// As [`Family::reject`] with any expectation, for sessions.
    pub(crate) fn negative(
        &mut self,
        name: impl Into<String>,
        base: &str,
        requirements: &[&'static str],
        expect: Value,
        flaw: impl Into<String>,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> &mut Draft {
        let name = name.into();
        let other = self.bases.iter().find(|(name, _)| *name == base);
        let base = other.map_or_else(|| self.base(base), |(_, other)| other.clone());
        let mut input = base.input.clone();
        change(&mut input);
        assert!(input != base.input, "{}/{name}: no difference from its base", self.name);
        let flaw = flaw.into();
        self.push(Draft {
            name,
            requirements: requirements.to_vec(),
            level: "MUST",
            op: base.op,
            requires: Vec::new(),
            input,
            expect,
            base: Some(base.id),
            note: format!("{}.", capital(&flaw)),
            flaw: Some(flaw),
            group: None,
            severity: Some(Severity::Interop),
            bug: None,
        })
    }

    /// The input of a vector made before.
    pub(crate) fn input(&self, name: &str) -> Map<String, Value> {
        self.draft(name).input.clone()
    }

    fn draft(&self, name: &str) -> &Draft {
        let draft = self.vectors.iter().find(|draft| draft.name == name && draft.base.is_none());
        draft.unwrap_or_else(|| panic!("{}/{name} is made before, and is valid", self.name))
    }

    fn push(&mut self, draft: Draft) -> &mut Draft {
        assert!(
            self.vectors.iter().all(|other| other.name != draft.name),
            "{}/{} twice",
            self.name,
            draft.name
        );
        self.vectors.push(draft);
        self.vectors.last_mut().unwrap_or_else(|| unreachable!("just pushed"))
    }

    /// The file's document, vectors in the order of their ids; `name_of` names the values that are
    /// constants.
    pub(crate) fn document(mut self, name_of: &dyn Fn(&Value) -> Option<String>) -> Value {
        self.vectors.sort_by(|a, b| a.name.cmp(&b.name));
        let used = RefCell::new(Map::new());
        let own_first = |value: &Value| match self.constants.iter().find(|(_, own)| own == value) {
            Some((name, own)) => {
                used.borrow_mut().insert((*name).to_owned(), own.clone());
                Some((*name).to_owned())
            }
            None => name_of(value),
        };
        let (name, since) = (self.name, self.since);
        let vectors: Vec<Value> =
            self.vectors.into_iter().map(|draft| draft.value(name, since, &own_first)).collect();
        json!({
            "format": 1,
            "family": self.name,
            "about": self.about,
            "constants": used.into_inner(),
            "vectors": vectors,
        })
    }
}

impl Draft {
    /// What is lost when it is accepted: a secret or an authentication.
    pub(crate) fn security(&mut self) -> &mut Self {
        self.severity = Some(Severity::Security);
        self
    }

    /// What is lost when it is accepted: availability, or the clear report of a fault.
    pub(crate) fn robustness(&mut self) -> &mut Self {
        self.severity = Some(Severity::Robustness);
        self
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) -> &mut Self {
        self.note = note.into();
        self
    }

    pub(crate) fn group(&mut self, group: &'static str) -> &mut Self {
        self.group = Some(group);
        self
    }

    pub(crate) fn requires(&mut self, feature: &'static str) -> &mut Self {
        self.requires.push(feature);
        self
    }

    pub(crate) fn should(&mut self) -> &mut Self {
        self.level = "SHOULD";
        self
    }

    pub(crate) fn bug(&mut self, kind: &str) -> &mut Self {
        self.bug = Some(json!({ "type": kind }));
        self
    }

    /// The codes of which a refusal may have any, where several faults necessarily overlap.
    pub(crate) fn codes(&mut self, codes: &[&str]) -> &mut Self {
        self.expect["reject"]["codes"] = json!(codes);
        self
    }

    /// The status that a refusal must have; `None` is a caller error.
    pub(crate) fn status(&mut self, status: Option<u16>) -> &mut Self {
        self.expect["reject"]["status"] = json!(status);
        self
    }

    /// The fields of `out` that a refusal must have.
    pub(crate) fn out(&mut self, out: Value) -> &mut Self {
        self.expect["reject"]["out"] = out;
        self
    }

    fn value(self, family: &str, since: &str, name_of: &dyn Fn(&Value) -> Option<String>) -> Value {
        let mut value = json!({
            "id": format!("{family}/{}", self.name),
            "since": since,
            "requirements": self.requirements,
            "level": self.level,
            "op": self.op,
            "in": with_names(Value::Object(self.input), name_of),
            "expect": with_names(self.expect, name_of),
            "note": self.note,
        });
        let optional = [
            ("base", self.base.map(Value::from)),
            ("flaw", self.flaw.map(Value::from)),
            ("group", self.group.map(Value::from)),
            ("severity", self.severity.map(|severity| severity.name().into())),
            ("bug", self.bug),
            ("requires", (!self.requires.is_empty()).then(|| json!(self.requires))),
        ];
        for (key, field) in optional {
            if let Some(field) = field {
                value[key] = field;
            }
        }
        value
    }
}

/// The document of a family in which every value stands where it is used.
pub(crate) fn with_constants_left_out(family: Family) -> Value {
    Family { constants: Vec::new(), ..family }.document(&|_| None)
}

/// Octets as vectors write them.
pub(crate) fn hex(octets: &[u8]) -> Value {
    Value::String(hex::encode(octets))
}

/// A u64 as vectors write it.
pub(crate) fn u64_(value: u64) -> Value {
    Value::String(value.to_string())
}

/// The class of a code (registry).
pub(crate) fn class(area: &str, code: &str) -> &'static str {
    match (area, code) {
        ("cred" | "hs", "malformed")
        | ("chan", "unknown_type" | "control_payload")
        | ("frame", "early_end" | "text_message")
        | ("tok", "server_id_encoding" | "challenge_length" | "body_length" | "body_time") => {
            "encoding"
        }
        ("hs", "bad_key") | ("tok", "public_key_length" | "key_mismatch") => "key",
        ("hs", "decrypt" | "unknown_id" | "wrong_password" | "pin")
        | ("chan", "open_failed")
        | ("tok", "client_signature" | "server_signature") => "auth",
        ("hs", "stale" | "timeout") | ("tok", "future" | "expired") => "freshness",
        ("hs", "binding" | "nonce")
        | ("tok", "challenge_type" | "challenge_key" | "wrong_type" | "public_key_mismatch") => {
            "binding"
        }
        ("hs", "order")
        | (
            "chan",
            "missing_open" | "unexpected_open" | "after_close" | "dead" | "closed"
            | "not_established",
        ) => "state",
        (
            "chan",
            "record_length" | "exhausted" | "payload_too_long" | "label_length" | "output_length",
        )
        | ("frame", "zero_length" | "too_long")
        | ("tok", "invalid_time" | "invalid_ttl") => "limit",
        ("hs", "lookup_failed") => "internal",
        (
            "tls",
            "no_certificate" | "certificate_form" | "untrusted" | "not_yet_valid" | "expired"
            | "ca_constraints" | "usage" | "critical_extension" | "name_constraint" | "weak"
            | "revoked" | "crl" | "crl_form" | "server_name" | "bad_name" | "identity" | "denied"
            | "not_allowed" | "sni",
        ) => "tls",
        _ => panic!("no code {area} {code} in the registry"),
    }
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

fn with_names(value: Value, name_of: &dyn Fn(&Value) -> Option<String>) -> Value {
    match value {
        Value::Object(object) => Value::Object(
            object.into_iter().map(|(key, value)| (key, with_names(value, name_of))).collect(),
        ),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| with_names(item, name_of)).collect())
        }
        other => match name_of(&other) {
            Some(name) => json!({ "const": name }),
            None => other,
        },
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
