//! One party's channel: records in order, generations, the start at record 0.

use serde_json::{Map, Value, json};

use crate::build::family::{Draft, Family, class, hex, u64_};
use crate::build::protocol::{self, CLOSE, DATA, OPEN, Schedule, generation, seal};
use crate::build::world::{Handshake, chain, good};

pub(crate) fn families() -> Vec<Family> {
    vec![established(), first_records()]
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

    fn events(&self) -> Value {
        self.0.iter().map(|(event, _)| event.clone()).collect()
    }

    /// The expectation; `open` is a client's first result, which has no event.
    fn expect(&self, open: Option<&[u8]>) -> Value {
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

/// A channel right after a handshake.
struct Fresh<'a> {
    handshake: &'a Handshake,
    schedule: Schedule,
    role: &'static str,
}

impl<'a> Fresh<'a> {
    fn new(role: &'static str, handshake: &'a Handshake) -> Self {
        Self { handshake, schedule: handshake.schedule(), role }
    }

    fn input(&self, script: &Script) -> Value {
        let Handshake { m1, m2, m3, k, .. } = self.handshake;
        json!({
            "role": self.role,
            "start": { "m1": hex(m1), "m2": hex(m2), "m3": hex(m3), "k": hex(k) },
            "events": script.events(),
        })
    }

    fn c2s(&self, n: u64, kind: u8, payload: &[u8]) -> Vec<u8> {
        seal(&self.schedule.c2s, n, kind, payload)
    }

    fn s2c(&self, n: u64, kind: u8, payload: &[u8]) -> Vec<u8> {
        seal(&self.schedule.s2c, n, kind, payload)
    }

    fn exported(&self) -> Value {
        json!({ "octets": hex(&protocol::export(&self.schedule.prk, b"label", b"", 32)) })
    }
}

fn first_records() -> Family {
    let mut family = Family::new(
        "chan/start",
        "chan.session",
        "Channels right after the handshake: the open record.",
    );
    let client = Fresh::new("client", good());
    let open = client.c2s(0, OPEN, b"");
    let script = Script::new()
        .then(send(b"hello"), record(&client.c2s(1, DATA, b"hello")))
        .then(receive(&client.s2c(0, DATA, b"welcome")), data(b"welcome"))
        .then(export(), client.exported());
    let rules = &["CHAN-023", "HS-059", "HS-068", "CHAN-012"];
    let note = "A client sends open as record 0 and data from record 1 on.";
    family.accept("valid-client", rules, client.input(&script), script.expect(Some(&open)), note);
    let script = Script::new().then(receive(&client.s2c(0, CLOSE, b"")), json!({ "close": true }));
    let note = "The server's record 0 may be close.";
    family.accept(
        "s2c-closes-at-0",
        &["CHAN-024", "CHAN-025"],
        client.input(&script),
        script.expect(Some(&open)),
        note,
    );
    let server = Fresh::new("server", good());
    let opens = || Script::new().then(receive(&open), json!({ "open": true }));
    let script = opens()
        .then(export(), server.exported())
        .then(send(b"welcome"), record(&server.s2c(0, DATA, b"welcome")))
        .then(receive(&server.c2s(1, DATA, b"hello")), data(b"hello"));
    let note = "A server is established by the open record, and seals from record 0 on.";
    family.accept(
        "valid-server",
        &["HS-065", "CHAN-024", "CHAN-012"],
        server.input(&script),
        script.expect(None),
        note,
    );
    let script = opens().then(receive(&server.c2s(1, CLOSE, b"")), json!({ "close": true }));
    let note = "The client closes right after open.";
    family.accept(
        "c2s-closes-at-1",
        &["CHAN-024"],
        server.input(&script),
        script.expect(None),
        note,
    );
    bad_first_of_client(&mut family, &client, &open);
    bad_first_of_server(&mut family, &server, &open);
    family
}

fn bad_first_of_client(family: &mut Family, client: &Fresh<'_>, open: &[u8]) {
    let mut bad = |name: &str, rules: &[&'static str], code, flaw: &str, event: Value| {
        let script = Script::new().fails(event, code).all_dead().then(end(), ends("truncated"));
        let expect = json!({ "accept": script.expect(Some(open)) });
        let input = client.input(&script);
        family
            .negative(name, "valid-client", rules, expect, flaw, |to| {
                *to = crate::build::family::object(input)
            })
            .group("record")
            .security();
    };
    let failed = &["CHAN-021", "CHAN-027", "CHAN-028"];
    bad(
        "client-gets-own-open",
        failed,
        "open_failed",
        "the client's own open record comes back: reflected",
        receive(open),
    );
    bad(
        "client-gets-c2s-data",
        failed,
        "open_failed",
        "a data record of the client's direction",
        receive(&client.c2s(0, DATA, b"hello")),
    );
    bad(
        "client-gets-open",
        &["CHAN-025"],
        "unexpected_open",
        "the server sends open as its record 0",
        receive(&client.s2c(0, OPEN, b"")),
    );
    bad(
        "client-skips-0",
        &["CHAN-014", "CHAN-021"],
        "open_failed",
        "the server's record 0 is lost",
        receive(&client.s2c(1, DATA, b"welcome")),
    );
    bad("client-gets-m3", failed, "open_failed", "M3 again", receive(&client.handshake.m3));
    bad(
        "client-gets-empty",
        &["CHAN-018", "FRAME-005"],
        "record_length",
        "an empty message",
        receive(b""),
    );
    bad(
        "client-gets-unknown-type",
        &["CHAN-022"],
        "unknown_type",
        "a record of type 03",
        receive(&client.s2c(0, 3, b"")),
    );
    let other = Handshake {
        m3: client.handshake.m3_of("another encryption of P3", &client.handshake.p3),
        ..client.handshake.clone()
    };
    bad(
        "client-of-another-m3",
        &["CHAN-001", "CHAN-021"],
        "open_failed",
        "the server sent another encryption of P3",
        receive(&seal(&other.schedule().s2c, 0, DATA, b"welcome")),
    );
}

fn bad_first_of_server(family: &mut Family, server: &Fresh<'_>, open: &[u8]) {
    let mut bad = |name: &str, rules: &[&'static str], flaw: &str, script: Script| {
        let expect = json!({ "accept": script.expect(None) });
        let input = server.input(&script);
        family
            .negative(name, "valid-server", rules, expect, flaw, |to| {
                *to = crate::build::family::object(input)
            })
            .group("open")
            .security()
            .note("Nothing is sealed, exported or reported before the open record has opened.");
    };
    let mut first = |name: &str, rules: &[&'static str], code, flaw: &str, first: &[u8]| {
        let script =
            Script::new().fails(receive(first), code).fails(receive(open), "dead").all_dead();
        bad(name, rules, flaw, script);
    };
    let opening = &["CHAN-021", "HS-065", "CHAN-027", "CHAN-028"];
    first(
        "server-gets-data",
        &["CHAN-024"],
        "missing_open",
        "the client's record 0 is data",
        &server.c2s(0, DATA, b"hello"),
    );
    first(
        "server-gets-empty-data",
        &["CHAN-024"],
        "missing_open",
        "the client's record 0 is an empty data record",
        &server.c2s(0, DATA, b""),
    );
    first(
        "server-gets-close",
        &["CHAN-024"],
        "missing_open",
        "the client's record 0 is close",
        &server.c2s(0, CLOSE, b""),
    );
    first(
        "server-gets-open-payload",
        &["CHAN-026"],
        "control_payload",
        "open with a payload",
        &server.c2s(0, OPEN, &[0]),
    );
    first(
        "server-gets-close-payload",
        &["CHAN-026"],
        "control_payload",
        "the client's record 0 is close with a payload",
        &server.c2s(0, CLOSE, &[0]),
    );
    for kind in [3, 0x7f, 0x80, 0xff] {
        first(
            &format!("server-gets-type-{kind:02x}"),
            &["CHAN-022"],
            "unknown_type",
            &format!("the client's record 0 has type {kind:02x}"),
            &server.c2s(0, kind, b""),
        );
    }
    first(
        "server-gets-empty",
        &["CHAN-018", "FRAME-005"],
        "record_length",
        "an empty message",
        b"",
    );
    first("server-gets-16-octets", &["CHAN-018"], "record_length", "16 octets", &open[..16]);
    first(
        "server-skips-0",
        &["CHAN-014", "CHAN-021"],
        "open_failed",
        "the client's record 0 is lost",
        &server.c2s(1, DATA, b"hello"),
    );
    first(
        "server-gets-open-at-1",
        opening,
        "open_failed",
        "an open record sealed as record 1",
        &server.c2s(1, OPEN, b""),
    );
    first(
        "server-gets-s2c-open",
        opening,
        "open_failed",
        "an open record of the server's direction",
        &server.s2c(0, OPEN, b""),
    );
    first("server-gets-m2", opening, "open_failed", "M2 again", &server.handshake.m2);
    first(
        "server-gets-zeros",
        opening,
        "open_failed",
        "17 zero octets: what a replayed M2 can be followed by",
        &[0; 17],
    );
    let mut flipped = open.to_vec();
    flipped[0] ^= 2;
    first(
        "server-gets-flipped-open",
        opening,
        "open_failed",
        "a bit of the type in the open record is flipped",
        &flipped,
    );
    let hs = server.handshake;
    let other = Handshake { m2: hs.m2_of("another encryption of P1", &hs.p1), ..hs.clone() };
    first(
        "server-of-another-m2",
        &["CHAN-001", "CHAN-021"],
        "open_failed",
        "the client sent another encryption of P1",
        &seal(&other.schedule().c2s, 0, OPEN, b""),
    );
    let other = Handshake { m3: hs.m3_of("another encryption of P3", &hs.p3), ..hs.clone() };
    first(
        "server-of-another-m3",
        &["CHAN-001", "CHAN-021"],
        "open_failed",
        "the client got another encryption of P3",
        &seal(&other.schedule().c2s, 0, OPEN, b""),
    );
    let other = Handshake { k: [7; 48], ..hs.clone() };
    first(
        "server-of-another-k",
        &["CHAN-002", "CHAN-021"],
        "open_failed",
        "the client has another K",
        &seal(&other.schedule().c2s, 0, OPEN, b""),
    );
    let opened = json!({ "open": true });
    let then_opens = |event: Value| {
        Script::new().fails(event, "not_established").then(receive(open), opened.clone())
    };
    let welcome =
        |script: Script| script.then(send(b"welcome"), record(&server.s2c(0, DATA, b"welcome")));
    bad(
        "server-sends-early",
        &["HS-067"],
        "the server seals data before the open record",
        welcome(then_opens(send(b"early"))),
    );
    bad(
        "server-closes-early",
        &["HS-067"],
        "the server seals close before the open record",
        welcome(then_opens(json!({ "close": true }))),
    );
    bad(
        "server-exports-early",
        &["CHAN-043"],
        "the server exports before the open record",
        then_opens(export()).then(export(), server.exported()),
    );
    let opens_twice = Script::new().then(receive(open), opened.clone());
    bad(
        "server-gets-open-twice",
        &["CHAN-014", "CHAN-021"],
        "the open record is repeated",
        opens_twice.clone().fails(receive(open), "open_failed").all_dead(),
    );
    bad(
        "server-gets-second-open",
        &["CHAN-025"],
        "a second open record, as record 1",
        opens_twice.fails(receive(&server.c2s(1, OPEN, b"")), "unexpected_open").all_dead(),
    );
}
