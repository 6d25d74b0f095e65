//! Channels right after the handshake: the open record.

use serde_json::{Value, json};

use super::session::{Script, data, end, ends, export, receive, record, send};
use crate::build::family::{Family, hex, object};
use crate::build::protocol::{self, CLOSE, DATA, OPEN, Schedule, seal};
use crate::build::world::{Handshake, good};

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

pub(super) fn family() -> Family {
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
            .negative(name, "valid-client", rules, expect, flaw, |to| *to = object(input))
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
            .negative(name, "valid-server", rules, expect, flaw, |to| *to = object(input))
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
