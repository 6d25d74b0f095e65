//! One party's channel: records in order, generations, the start at record 0.

use serde_json::{Map, Value, json};

use crate::build::family::{Draft, Family, class, hex, u64_};
use crate::build::protocol::{self, CLOSE, DATA, generation, seal};
use crate::build::world::chain;

pub(crate) fn families() -> Vec<Family> {
    vec![established()]
}

/// A session's events with their results.
#[derive(Clone)]
pub(super) struct Script(Vec<(Value, Value)>);

impl Script {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn then(mut self, event: Value, result: Value) -> Self {
        self.0.push((event, result));
        self
    }

    /// `event` has the caller error or failure `code` as its result.
    pub(super) fn fails(self, event: Value, code: &str) -> Self {
        self.then(event, error(code))
    }

    /// Whatever is tried after a failure: the channel is dead both ways.
    pub(super) fn all_dead(self) -> Self {
        self.fails(send(b"late"), "dead")
            .fails(json!({ "close": true }), "dead")
            .fails(export(), "dead")
            .fails(receive(&[7; 22]), "dead")
    }

    pub(super) fn events(&self) -> Value {
        self.0.iter().map(|(event, _)| event.clone()).collect()
    }

    /// The expectation; `open` is a client's first result, which has no event.
    pub(super) fn expect(&self, open: Option<&[u8]>) -> Value {
        let open = open.map(|record| json!({ "record": hex(record) }));
        let results: Vec<_> =
            open.into_iter().chain(self.0.iter().map(|(_, result)| result.clone())).collect();
        json!({ "results": results })
    }
}

pub(super) fn error(code: &str) -> Value {
    json!({ "error": { "class": class("chan", code), "codes": [code] } })
}

pub(super) fn send(payload: &[u8]) -> Value {
    json!({ "send": hex(payload) })
}

pub(super) fn receive(record: &[u8]) -> Value {
    json!({ "receive": hex(record) })
}

pub(super) fn export() -> Value {
    json!({ "export": { "label": hex(b"label"), "context": "", "length": 32 } })
}

pub(super) fn end() -> Value {
    json!({ "end": true })
}

pub(super) fn ends(how: &str) -> Value {
    json!({ "end": how })
}

pub(super) fn record(record: &[u8]) -> Value {
    json!({ "record": hex(record) })
}

pub(super) fn data(payload: &[u8]) -> Value {
    json!({ "data": hex(payload) })
}

/// An established party with the keys of both directions at hand.
pub(super) struct Party {
    pub(super) role: &'static str,
    pub(super) prk: [u8; 32],
    c2s: ([u8; 32], u64),
    s2c: ([u8; 32], u64),
}

impl Party {
    /// Both directions at record `n`; its generation's chain keys depend on the label.
    pub(super) fn new(role: &'static str, n: u64, label: &str) -> Self {
        Self::at(role, n, n, label)
    }

    pub(super) fn at(role: &'static str, c2s: u64, s2c: u64, label: &str) -> Self {
        Self {
            role,
            prk: chain(&format!("{label} prk")),
            c2s: (chain(&format!("{label} c2s")), c2s),
            s2c: (chain(&format!("{label} s2c")), s2c),
        }
    }

    pub(super) fn input(&self, script: &Script) -> Value {
        let direction =
            |(chain, n): &([u8; 32], u64)| json!({ "chain": hex(chain), "n": u64_(*n) });
        json!({
            "role": self.role,
            "start": {
                "prk": hex(&self.prk),
                "c2s": direction(&self.c2s),
                "s2c": direction(&self.s2c),
            },
            "events": script.events(),
        })
    }

    pub(super) fn exported(&self) -> Value {
        json!({ "octets": hex(&protocol::export(&self.prk, b"label", b"", 32)) })
    }

    /// The `i`th record that this party seals, counted from the start.
    pub(super) fn own(&self, i: u64, kind: u8, payload: &[u8]) -> Vec<u8> {
        sealed(if self.role == "client" { &self.c2s } else { &self.s2c }, i, kind, payload)
    }

    /// The `i`th record that it receives.
    pub(super) fn peers(&self, i: u64, kind: u8, payload: &[u8]) -> Vec<u8> {
        sealed(if self.role == "client" { &self.s2c } else { &self.c2s }, i, kind, payload)
    }

    /// Sends the `i`th record, of data.
    pub(super) fn sends(&self, script: Script, i: u64, payload: &[u8]) -> Script {
        script.then(send(payload), record(&self.own(i, DATA, payload)))
    }

    /// Receives the `i`th record, of data.
    pub(super) fn receives(&self, script: Script, i: u64, payload: &[u8]) -> Script {
        script.then(receive(&self.peers(i, DATA, payload)), data(payload))
    }

    /// Closes with the `i`th record.
    pub(super) fn closes(&self, script: Script, i: u64) -> Script {
        script.then(json!({ "close": true }), record(&self.own(i, CLOSE, b"")))
    }

    /// Receives close as the `i`th record.
    pub(super) fn is_closed(&self, script: Script, i: u64) -> Script {
        script.then(receive(&self.peers(i, CLOSE, b"")), json!({ "close": true }))
    }
}

fn sealed((chain, first): &([u8; 32], u64), i: u64, kind: u8, payload: &[u8]) -> Vec<u8> {
    let n = first + i;
    let mut chain = *chain;
    for _ in first / 65_536..n / 65_536 {
        chain = generation(&chain).next;
    }
    seal(&chain, n, kind, payload)
}

/// Adds a session that goes well.
pub(super) fn accept<'f>(
    family: &'f mut Family,
    name: &str,
    party: &Party,
    rules: &[&'static str],
    note: &str,
    script: &Script,
) -> &'f mut Draft {
    family.accept(name, rules, party.input(script), script.expect(None), note)
}

/// Adds a session in which something is refused or which ends truncated.
pub(super) fn negative<'f>(
    family: &'f mut Family,
    name: &str,
    base: &str,
    party: &Party,
    rules: &[&'static str],
    flaw: &str,
    script: &Script,
) -> &'f mut Draft {
    let expect = json!({ "accept": script.expect(None) });
    let Value::Object(input) = party.input(script) else { unreachable!("an object") };
    family.negative(name, base, rules, expect, flaw, |to: &mut Map<String, Value>| *to = input)
}

fn established() -> Family {
    let mut family =
        Family::new("chan/session", "chan.session", "Established channels: records in order.");
    for role in ["client", "server"] {
        let party = Party::new(role, 5, "session");
        let mut script = Script::new();
        for i in 0..3 {
            script = party.sends(script, i, format!("message {i} there").as_bytes());
            script = party.receives(script, i, format!("message {i} back").as_bytes());
        }
        script = script.then(export(), party.exported());
        let note = "Data both ways, and an export.";
        accept(
            &mut family,
            &format!("valid-{role}"),
            &party,
            &["CHAN-012", "CHAN-014", "CHAN-020", "CHAN-040"],
            note,
            &script,
        );
        let empty = party.receives(party.sends(Script::new(), 0, b""), 0, b"");
        let note = "Empty messages are messages.";
        accept(&mut family, &format!("empty-{role}"), &party, &["CHAN-020"], note, &empty);
        for (name, n) in [
            ("65536", 65_535),
            ("131072", 131_071),
            ("2-32", (1 << 32) - 1),
            ("2-48", (1 << 48) - 1),
            ("2-63", (1 << 63) - 1),
        ] {
            let party = Party::new(role, n, name);
            let mut script = Script::new();
            for i in 0..3 {
                script = party.sends(script, i, b"over the edge");
                script = party.receives(script, i, b"and back");
            }
            let note = "Across the edge of a generation: new keys, and the number goes on.";
            let name = format!("generation-{name}-{role}");
            accept(
                &mut family,
                &name,
                &party,
                &["CHAN-007", "CHAN-008", "CHAN-011"],
                note,
                &script,
            );
        }
        let party = Party::at(role, 3, 65_534, "uneven");
        let mut script = Script::new();
        for i in 0..3 {
            script = party.sends(script, i, b"uneven");
            script = party.receives(script, i, b"uneven");
        }
        let note = "The directions are at different numbers: each counts by itself.";
        accept(
            &mut family,
            &format!("uneven-{role}"),
            &party,
            &["CHAN-014", "CHAN-007"],
            note,
            &script,
        );
        let party = Party::new(role, u64::MAX - 1, "last numbers");
        let script = party.sends(party.sends(Script::new(), 0, b"last but one"), 1, b"last");
        let script = party.receives(party.receives(script, 0, b"last but one"), 1, b"last");
        let note = "Record number 2^64 - 1 is used.";
        accept(&mut family, &format!("last-{role}"), &party, &["CHAN-015"], note, &script);
    }
    family
}
