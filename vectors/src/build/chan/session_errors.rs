//! Established channels on which something goes wrong: everything is dead afterwards, or, after an
//! error of the caller, nothing is.

use serde_json::json;

use super::records::{PAYLOAD_MAX, repeated};
use super::session::{Party, Script, accept, end, ends, export, negative, receive, send};
use crate::build::family::{Family, hex};
use crate::build::protocol::{CLOSE, DATA, OPEN};
use crate::build::world::payload;

pub(crate) fn families() -> Vec<Family> {
    vec![failures(), callers(), exhausted()]
}

fn failures() -> Family {
    let mut family = Family::new(
        "chan/failure",
        "chan.session",
        "Any failure ends the channel in both directions.",
    );
    for role in ["client", "server"] {
        let party = Party::new(role, 5, "failure");
        let base = format!("valid-{role}");
        let begun = || party.receives(party.sends(Script::new(), 0, b"there"), 0, b"back");
        let good = party.receives(party.sends(begun(), 1, b"there again"), 1, b"back again");
        accept(&mut family, &base, &party, &["CHAN-014", "CHAN-020"], "Data both ways.", &good);
        let mut bad = |name: &str, rules: &[&'static str], code, flaw: &str, bad: &[u8]| {
            let next = party.peers(1, DATA, b"back again");
            let script = begun()
                .fails(receive(bad), code)
                .fails(receive(&next), "dead")
                .all_dead()
                .then(end(), ends("truncated"));
            let rules: Vec<_> = rules
                .iter()
                .copied()
                .chain(["CHAN-027", "CHAN-028", "CHAN-029", "CHAN-038"])
                .collect();
            negative(&mut family, &format!("{name}-{role}"), &base, &party, &rules, flaw, &script)
                .group("record")
                .security()
                .note("Dead both ways: the good record after it is refused too, and nothing more is sealed.");
        };
        let failed = &["CHAN-021"];
        let number = &["CHAN-014", "CHAN-021"];
        let good = party.peers(1, DATA, b"back again");
        bad(
            "repeated",
            number,
            "open_failed",
            "the record before comes again",
            &party.peers(0, DATA, b"back"),
        );
        bad("skipped", number, "open_failed", "a record is lost", &party.peers(2, DATA, b"later"));
        bad(
            "reflected",
            &["CHAN-012", "CHAN-021"],
            "open_failed",
            "a record of this party comes back",
            &party.own(1, DATA, b"there again"),
        );
        bad(
            "reflected-sent",
            &["CHAN-012", "CHAN-021"],
            "open_failed",
            "the record just sent comes back",
            &party.own(0, DATA, b"there"),
        );
        let mut flipped = good.clone();
        flipped[0] ^= 1;
        bad("type-flipped", failed, "open_failed", "a bit of the type is flipped", &flipped);
        let mut flipped = good.clone();
        if let Some(last) = flipped.last_mut() {
            *last ^= 0x80;
        }
        bad("tag-flipped", failed, "open_failed", "a bit of the tag is flipped", &flipped);
        bad(
            "truncated",
            failed,
            "open_failed",
            "the last octet of the tag is missing",
            &good[..good.len() - 1],
        );
        bad("extended", failed, "open_failed", "an octet is added", &[&*good, &[0]].concat());
        bad(
            "two-at-once",
            failed,
            "open_failed",
            "two records in one message",
            &[&*good, &party.peers(2, DATA, b"later")].concat(),
        );
        bad("length-16", &["CHAN-018"], "record_length", "16 octets", &good[..16]);
        bad("length-17", failed, "open_failed", "17 octets that are no record", &[7; 17]);
        bad("length-1", &["CHAN-018"], "record_length", "one octet", &[7]);
        bad("empty", &["CHAN-018", "FRAME-005"], "record_length", "an empty message", b"");
        for kind in [3, 0x7f, 0x80, 0xff] {
            bad(
                &format!("type-{kind:02x}"),
                &["CHAN-022"],
                "unknown_type",
                &format!("a record of type {kind:02x}"),
                &party.peers(1, kind, b"x"),
            );
        }
        bad(
            "open",
            &["CHAN-025"],
            "unexpected_open",
            "an open record where none belongs",
            &party.peers(1, OPEN, b""),
        );
        bad(
            "open-payload",
            &["CHAN-026"],
            "control_payload",
            "an open record with a payload",
            &party.peers(1, OPEN, b"x"),
        );
        bad(
            "close-payload",
            &["CHAN-026"],
            "control_payload",
            "a close record with a payload",
            &party.peers(1, CLOSE, b"x"),
        );
    }
    transport(&mut family);
    family
}

fn transport(family: &mut Family) {
    for role in ["client", "server"] {
        let party = Party::new(role, 5, "failure");
        let begun = party.receives(party.sends(Script::new(), 0, b"there"), 0, b"back");
        let script = begun
            .then(json!({ "transport_failed": true }), json!({ "dead": true }))
            .fails(receive(&party.peers(1, DATA, b"back again")), "dead")
            .all_dead()
            .then(end(), ends("truncated"));
        let rules = &["CHAN-030", "CHAN-028", "CHAN-038"];
        let flaw = "the transport does not take the record just sealed";
        negative(
            family,
            &format!("transport-{role}"),
            &format!("valid-{role}"),
            &party,
            rules,
            flaw,
            &script,
        )
        .security();
    }
}

fn callers() -> Family {
    let mut family = Family::new(
        "chan/caller",
        "chan.session",
        "Errors of the caller leave the channel alive and use no record number.",
    );
    for role in ["client", "server"] {
        let party = Party::new(role, 5, "caller");
        let base = format!("valid-{role}");
        let good = party.receives(party.sends(Script::new(), 0, b"there"), 0, b"back");
        let good = good.then(export(), party.exported());
        accept(
            &mut family,
            &base,
            &party,
            &["CHAN-014", "CHAN-020"],
            "Data both ways, and an export.",
            &good,
        );
        let lives_on = |script: Script| {
            party
                .receives(party.sends(script, 0, b"there"), 0, b"back")
                .then(export(), party.exported())
        };
        let asked = |label: &[u8], length: u64| json!({ "export": { "label": hex(label), "context": "", "length": length } });
        let long = payload("exporter label", 256);
        for (name, event, rule, code, flaw) in [
            ("label-256", asked(&long, 32), "CHAN-041", "label_length", "a label of 256 octets"),
            ("output-0", asked(b"label", 0), "CHAN-042", "output_length", "0 octets are asked for"),
            (
                "output-8161",
                asked(b"label", 8_161),
                "CHAN-042",
                "output_length",
                "8,161 octets are asked for",
            ),
        ] {
            let script = lives_on(Script::new().fails(event, code));
            negative(&mut family, &format!("{name}-{role}"), &base, &party, &[rule], flaw, &script)
                .robustness();
        }
        let (too_long, _) = repeated(b"x", PAYLOAD_MAX + 1);
        let script = lives_on(Script::new().fails(json!({ "send": too_long }), "payload_too_long"));
        let flaw = "a payload of 2^24 - 16 octets; the next record has the same number";
        negative(
            &mut family,
            &format!("payload-{role}"),
            &base,
            &party,
            &["CHAN-019"],
            flaw,
            &script,
        )
        .requires("large")
        .robustness();
        let closed = || party.closes(Script::new(), 0);
        let alive =
            |script: Script| party.receives(script, 0, b"back").then(export(), party.exported());
        for (name, event, flaw) in [
            ("send-after-close", send(b"more"), "data after this party's close"),
            ("close-after-close", json!({ "close": true }), "a second close"),
        ] {
            let script = alive(closed().fails(event, "closed"));
            negative(
                &mut family,
                &format!("{name}-{role}"),
                &base,
                &party,
                &["CHAN-032", "CHAN-033"],
                flaw,
                &script,
            )
            .robustness();
        }
        let script = alive(closed().fails(send(b"more"), "closed").fails(send(b"more"), "closed"));
        let flaw = "data after this party's close, twice";
        negative(
            &mut family,
            &format!("send-twice-after-close-{role}"),
            &base,
            &party,
            &["CHAN-032"],
            flaw,
            &script,
        )
        .robustness();
        let (too_long, _) = repeated(b"x", PAYLOAD_MAX + 1);
        let script = alive(closed().fails(json!({ "send": too_long }), "closed"));
        let flaw = "a payload that is too long, after this party's close: the close comes first";
        negative(
            &mut family,
            &format!("order-closed-length-{role}"),
            &base,
            &party,
            &["CHAN-032"],
            flaw,
            &script,
        )
        .requires("large")
        .robustness();
    }
    family
}

fn exhausted() -> Family {
    let mut family = Family::new(
        "chan/exhausted",
        "chan.session",
        "Directions that have used record number 2^64 - 1.",
    );
    for role in ["client", "server"] {
        let base = format!("valid-{role}");
        let party = Party::new(role, u64::MAX, "exhausted");
        let last = || party.receives(party.sends(Script::new(), 0, b"last there"), 0, b"last back");
        accept(
            &mut family,
            &base,
            &party,
            &["CHAN-015"],
            "The last record of each direction.",
            &last().then(export(), party.exported()),
        );
        let closing = party.is_closed(party.closes(Script::new(), 0), 0).then(end(), ends("clean"));
        accept(
            &mut family,
            &format!("last-is-close-{role}"),
            &party,
            &["CHAN-015", "CHAN-037"],
            "The last record of each direction is close.",
            &closing,
        );
        let sealed = last()
            .fails(send(b"more"), "exhausted")
            .fails(send(b"more"), "exhausted")
            .then(export(), party.exported());
        let flaw = "a record is to be sealed after number 2^64 - 1";
        negative(&mut family, &format!("send-{role}"), &base, &party, &["CHAN-016"], flaw, &sealed)
            .security()
            .bug("nonce reuse");
        let closed =
            last().fails(json!({ "close": true }), "exhausted").then(end(), ends("truncated"));
        let flaw = "close is to be sealed after number 2^64 - 1: it cannot be";
        negative(
            &mut family,
            &format!("close-{role}"),
            &base,
            &party,
            &["CHAN-016", "CHAN-038"],
            flaw,
            &closed,
        )
        .security()
        .bug("nonce reuse");
        let uneven = if role == "client" {
            Party::at(role, u64::MAX, 9, "exhausted")
        } else {
            Party::at(role, 9, u64::MAX, "exhausted")
        };
        let script =
            uneven.sends(Script::new(), 0, b"last there").fails(send(b"more"), "exhausted");
        let script = uneven
            .receives(uneven.receives(script, 0, b"back"), 1, b"back again")
            .then(export(), uneven.exported());
        let flaw = "a record is to be sealed after number 2^64 - 1; the other direction lives on";
        negative(
            &mut family,
            &format!("send-then-receive-{role}"),
            &base,
            &uneven,
            &["CHAN-016"],
            flaw,
            &script,
        )
        .security();
        let mut received = |name: &str, rules: &[&'static str], code, flaw: &str, octets: &[u8]| {
            let script =
                last().fails(receive(octets), code).all_dead().then(end(), ends("truncated"));
            negative(&mut family, &format!("{name}-{role}"), &base, &party, rules, flaw, &script)
                .group("record")
                .security();
        };
        received(
            "receive",
            &["CHAN-017", "CHAN-027"],
            "exhausted",
            "a record is received after number 2^64 - 1",
            &[7; 22],
        );
        let wrapped = Party::new(role, 0, "exhausted").peers(0, DATA, b"wrapped");
        received(
            "receive-wrapped",
            &["CHAN-017"],
            "exhausted",
            "a record sealed with number 0 is received after number 2^64 - 1",
            &wrapped,
        );
        received(
            "receive-16-octets",
            &["CHAN-018", "CHAN-017"],
            "record_length",
            "16 octets are received after number 2^64 - 1: the length comes first",
            &[7; 16],
        );
    }
    let party = Party::new("client", u64::MAX, "exhausted");
    let script = Script::new()
        .then(receive(&party.peers(0, CLOSE, b"")), json!({ "close": true }))
        .fails(receive(&[7; 22]), "after_close");
    let flaw = "a record is received after a close with number 2^64 - 1: the close comes first";
    negative(
        &mut family,
        "receive-after-close",
        "valid-client",
        &party,
        &["CHAN-034"],
        flaw,
        &script,
    )
    .security();
    family
}
