//! Section 4.7: close, and the end of the transport.

use serde_json::json;

use super::session::{Party, Script, accept, end, ends, export, negative, receive, send};
use crate::build::family::Family;
use crate::build::protocol::{CLOSE, DATA, OPEN};

pub(crate) fn families() -> Vec<Family> {
    vec![close()]
}

fn close() -> Family {
    let mut family = Family::new(
        "chan/close",
        "chan.session",
        "Each direction is closed by itself; an end is clean or truncated.",
    );
    for role in ["client", "server"] {
        let party = Party::new(role, 5, "close");
        clean(&mut family, role, &party);
        after_close(&mut family, role, &party);
        truncated(&mut family, role, &party);
    }
    family
}

fn clean(family: &mut Family, role: &str, party: &Party) {
    let mut good = |name: &str, rules: &[&'static str], note: &str, script: Script| {
        accept(family, &format!("{name}-{role}"), party, rules, note, &script);
    };
    let both = ["CHAN-037", "CHAN-032", "CHAN-036"];
    let begun = || party.receives(party.sends(Script::new(), 0, b"there"), 0, b"back");
    good(
        "answered",
        &["CHAN-035", "CHAN-037", "CHAN-036"],
        "The peer closes, this party answers, the transport ends.",
        party.closes(party.is_closed(begun(), 1), 1).then(end(), ends("clean")),
    );
    good(
        "simultaneous",
        &both,
        "Both close at once.",
        party.is_closed(party.closes(Script::new(), 0), 0).then(end(), ends("clean")),
    );
    good(
        "first",
        &both,
        "This party closes, the peer answers.",
        party.is_closed(party.closes(begun(), 1), 1).then(end(), ends("clean")),
    );
    let data_after =
        party.receives(party.receives(party.closes(Script::new(), 0), 0, b"still"), 1, b"talking");
    good(
        "data-after-own",
        &["CHAN-033", "CHAN-037"],
        "The peer's data are taken after this party's close.",
        party.is_closed(data_after, 2).then(end(), ends("clean")),
    );
    let sends_after =
        party.sends(party.sends(party.is_closed(Script::new(), 0), 0, b"still"), 1, b"talking");
    good(
        "send-after-peers",
        &["CHAN-035", "CHAN-037"],
        "This party still sends after the peer's close.",
        party.closes(sends_after, 2).then(end(), ends("clean")),
    );
    good(
        "peers-alone",
        &["CHAN-037"],
        "The peer closes and ends; this party has not closed. That says nothing of what it sent.",
        party.is_closed(begun(), 1).then(end(), ends("clean")),
    );
    good(
        "export-after-close",
        &["CHAN-040", "CHAN-033"],
        "Export after this party's close: the channel lives.",
        party.closes(begun(), 1).then(export(), party.exported()),
    );
    good(
        "export-after-peers",
        &["CHAN-040"],
        "Export after the peer's close: the channel lives.",
        party.is_closed(begun(), 1).then(export(), party.exported()),
    );
    good(
        "empty-data-before",
        &["CHAN-020", "CHAN-037"],
        "Empty data right before close.",
        party.is_closed(party.receives(Script::new(), 0, b""), 1).then(end(), ends("clean")),
    );
    let early = Party::at(party.role, 1, 0, "close early");
    accept(
        family,
        &format!("at-once-{role}"),
        &early,
        &["CHAN-037"],
        "Nothing but close in both directions.",
        &early.is_closed(early.closes(Script::new(), 0), 0).then(end(), ends("clean")),
    );
    let edge = Party::new(party.role, 65_535, "close at the edge");
    accept(
        family,
        &format!("at-65535-{role}"),
        &edge,
        &["CHAN-008", "CHAN-037"],
        "Close is the last record of a generation.",
        &edge.is_closed(edge.closes(Script::new(), 0), 0).then(end(), ends("clean")),
    );
}

fn after_close(family: &mut Family, role: &str, party: &Party) {
    let base = format!("peers-alone-{role}");
    let closed =
        || party.is_closed(party.receives(party.sends(Script::new(), 0, b"there"), 0, b"back"), 1);
    let mut bad = |name: &str, flaw: &str, octets: &[u8]| {
        let script = closed()
            .fails(receive(octets), "after_close")
            .all_dead()
            .then(end(), ends("truncated"));
        let mut rules = vec!["CHAN-034", "CHAN-027", "CHAN-038"];
        if octets.is_empty() {
            rules.push("FRAME-005");
        }
        negative(family, &format!("{name}-{role}"), &base, party, &rules, flaw, &script)
            .group("record")
            .security();
    };
    bad("then-data", "a data record after the peer's close", &party.peers(2, DATA, b"more"));
    bad("then-close", "a second close of the peer", &party.peers(2, CLOSE, b""));
    bad("then-open", "an open record after the peer's close", &party.peers(2, OPEN, b""));
    bad("then-close-again", "the peer's close is repeated", &party.peers(1, CLOSE, b""));
    bad("then-empty", "an empty message after the peer's close", b"");
    bad("then-octet", "one octet after the peer's close", &[0]);
    bad("then-17-octets", "17 octets that are no record after the peer's close", &[7; 17]);
    let both = || party.closes(closed(), 1);
    let script = both()
        .fails(receive(&party.peers(2, DATA, b"more")), "after_close")
        .then(end(), ends("truncated"));
    let flaw = "a data record after both closes";
    negative(
        family,
        &format!("both-then-data-{role}"),
        &base,
        party,
        &["CHAN-034", "CHAN-038"],
        flaw,
        &script,
    )
    .group("record")
    .security();
}

fn truncated(family: &mut Family, role: &str, party: &Party) {
    let base = format!("answered-{role}");
    let begun = || party.receives(party.sends(Script::new(), 0, b"there"), 0, b"back");
    let mut bad = |name: &str, flaw: &str, script: Script| {
        let rules = &["CHAN-038"];
        negative(family, &format!("{name}-{role}"), &base, party, rules, flaw, &script)
            .security()
            .bug("truncation");
    };
    let ended = |script: Script| script.then(end(), ends("truncated"));
    bad("end-at-once", "the transport ends at once", ended(Script::new()));
    bad("end-after-data", "the transport ends after data, without close", ended(begun()));
    bad(
        "end-after-own",
        "the transport ends after this party's close alone",
        ended(party.closes(begun(), 1)),
    );
    let failed = begun().fails(receive(&[7; 22]), "open_failed");
    bad("end-after-failure", "the transport ends after a failure", ended(failed));
    let forged = party.closes(begun(), 1).fails(receive(&party.own(1, CLOSE, b"")), "open_failed");
    bad(
        "end-after-reflected-close",
        "this party's own close comes back, then the transport ends",
        ended(forged),
    );
    let with_payload = begun().fails(receive(&party.peers(1, CLOSE, b"x")), "control_payload");
    bad(
        "end-after-close-with-payload",
        "the peer's close has a payload, then the transport ends",
        ended(with_payload),
    );
    let skipped = begun().fails(receive(&party.peers(2, CLOSE, b"")), "open_failed");
    bad(
        "end-after-close-skipping",
        "a record before the peer's close is lost, then the transport ends",
        ended(skipped),
    );
    let script = ended(begun()).fails(send(b"late"), "dead").fails(export(), "dead");
    let flaw = "after a truncated end the channel is used";
    let rules = &["CHAN-044", "CHAN-028"];
    negative(family, &format!("used-after-end-{role}"), &base, party, rules, flaw, &script)
        .security();
    let script = party.is_closed(begun(), 1);
    let script = party
        .sends(script, 1, b"answer")
        .then(json!({ "transport_failed": true }), json!({ "dead": true }))
        .fails(send(b"late"), "dead")
        .then(end(), ends("clean"));
    let flaw =
        "the transport does not take a record after the peer's close; what the peer sent is whole";
    let rules = &["CHAN-030", "CHAN-037"];
    negative(family, &format!("send-fails-after-peers-{role}"), &base, party, rules, flaw, &script);
}
