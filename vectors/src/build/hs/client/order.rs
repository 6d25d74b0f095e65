//! Deadlines and order after M2.

use serde_json::{Map, Value};

use super::super::events::{end, receive, request, wake};
use super::{all_sent_unopened, input, not_established, usual};
use crate::build::family::Family;
use crate::build::world::good;

pub(super) fn order() -> Family {
    let mut family = Family::new(
        "hs/client-order",
        "hs.client",
        "The client's deadlines and the order of messages after M2.",
    );
    let hs = good();
    let rules = &["HS-061", "HS-068", "HS-069"];
    family.accept(
        "valid",
        rules,
        input(hs, usual(hs)),
        all_sent_unopened(hs, &hs.m3),
        "M3 arrives soon after M2.",
    );
    let events =
        vec![receive(20, &hs.m1), request(40, hs.t), wake(10_039), receive(10_039, &hs.m3)];
    let note = "M3 arrives 9,999 ms after M2.";
    family.accept(
        "m3-at-9999",
        &["HS-061", "HS-063"],
        input(hs, events),
        all_sent_unopened(hs, &hs.m3),
        note,
    );
    let events = vec![receive(9_000, &hs.m1), request(40_000, hs.t), receive(49_999, &hs.m3)];
    let note = "The deadline runs from M2, not from connecting or from M1.";
    family.accept(
        "deadline-from-m2",
        &["HS-061"],
        input(hs, events),
        all_sent_unopened(hs, &hs.m3),
        note,
    );
    let mut bad = |name: &str, rules: &[&'static str], code, flaw: &str, last: Vec<Value>| {
        let mut events = vec![receive(20, &hs.m1), request(40, hs.t)];
        events.extend(last);
        let change = |input: &mut Map<String, Value>| {
            input.insert("events".to_owned(), Value::Array(events));
        };
        family
            .reject(name, "valid", rules, code, flaw, change)
            .out(not_established())
            .robustness()
            .note(format!("{flaw}; nothing more is sent."));
    };
    for late in [10_000, 10_001, 20_000] {
        let flaw = format!("M3, in order and with a t' in order, arrives {late} ms after M2");
        bad(
            &format!("m3-at-{late}"),
            &["HS-061", "HS-063", "HS-064"],
            "timeout",
            &flaw,
            vec![receive(40 + late, &hs.m3)],
        );
    }
    bad(
        "m3-late-and-malformed",
        &["HS-064"],
        "timeout",
        "M3 is late and too short",
        vec![receive(10_040, b"short")],
    );
    bad(
        "wake-at-10000",
        &["HS-061", "HS-063"],
        "timeout",
        "10 s pass after M2",
        vec![wake(10_040)],
    );
    let woken = vec![wake(10_041), receive(10_042, &hs.m3)];
    bad(
        "wake-past-deadline",
        &["HS-061", "HS-072"],
        "timeout",
        "a timer fires past the deadline, then M3 arrives",
        woken,
    );
    bad(
        "end-after-m2",
        &["HS-073"],
        "order",
        "the server ends the transport after M2",
        vec![end(60)],
    );
    let again = vec![receive(60, b"short"), receive(90, &hs.m3)];
    bad(
        "good-m3-after-bad",
        &["HS-072"],
        "malformed",
        "a malformed M3 comes before the good one",
        again,
    );
    family
}
