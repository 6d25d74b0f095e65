//! Taking messages out of a byte stream (section 6.2 and 6.3).

use serde_json::{Value, json};

use super::super::family::{Family, hex};
use super::super::primitives::stream;
use super::{LARGE, SMALL, digested, frame, messages, repeated, set};

pub(super) fn family() -> Family {
    let about = "Taking messages out of a byte stream, however it is cut into reads.";
    let mut family = Family::new("frame/stream", "frame.stream", about);
    let first = stream("frame: first", 5);
    let second = stream("frame: second", 3);
    let both = [frame(&first), frame(&second)].concat();
    let out = messages(&[&first, &second]);

    let whole = input(&[hex(&both)], true, None);
    let note = "Two messages in one read, then the end between messages.";
    family.accept("two", &["FRAME-006", "FRAME-009", "CONV-001"], whole, out.clone(), note);
    let one = input(&[hex(&frame(&first))], true, None);
    family.accept("one", &["FRAME-006"], one, messages(&[&first]), "One message in one read.");
    family.accept(
        "none",
        &["FRAME-010"],
        input(&[], true, None),
        messages(&[]),
        "A stream that ends before it begins is no fault of framing.",
    );
    family.accept(
        "empty-reads",
        &["FRAME-009"],
        input(&[hex(&[]), hex(&both[..2]), hex(&[]), hex(&both[2..]), hex(&[])], true, None),
        out.clone(),
        "Reads without octets change nothing.",
    );
    family.accept(
        "octet-by-octet",
        &["FRAME-009"],
        input(&both.iter().map(|octet| hex(&[*octet])).collect::<Vec<_>>(), true, None),
        out.clone(),
        "Each octet in a read of its own.",
    );
    for at in 1..both.len() {
        family.accept(
            format!("split-at-{at:02}"),
            &["FRAME-009"],
            input(&[hex(&both[..at]), hex(&both[at..])], true, None),
            out.clone(),
            format!("The two messages in two reads, cut after octet {at}."),
        );
    }
    let unfinished = input(&[hex(&both[..both.len() - 1])], false, None);
    let note = "The second message lacks its last octet and the stream goes on: nothing is wrong.";
    family.accept("waiting", &["FRAME-009"], unfinished, messages(&[&first]), note);
    let length = input(&[hex(&both[..10])], false, None);
    let note = "A length cut off while the stream goes on: nothing is wrong.";
    family.accept("waiting-for-length", &["FRAME-009"], length, messages(&[&first]), note);
    family.accept(
        "one-octet",
        &["FRAME-006"],
        input(&[hex(&frame(&[0]))], true, None),
        messages(&[&[0]]),
        "The shortest message.",
    );
    for end in 1..both.len() {
        if end == 9 {
            continue; // right between the two messages
        }
        let taken = if end > 9 { messages(&[&first]) } else { messages(&[]) };
        let part = if end < 4 || (9..13).contains(&end) { "a length" } else { "a message" };
        family
            .reject(
                format!("early-end-after-{end:02}"),
                "two",
                &["FRAME-010"],
                "early_end",
                format!("the stream ends inside {part}, after {end} octets"),
                set("reads", reads(&[both[..end].to_vec()])),
            )
            .out(taken)
            .security();
    }
    zero(&mut family, &first, &both);
    limits(&mut family);
    family
}

fn zero(family: &mut Family, first: &[u8], both: &[u8]) {
    for (name, octets, taken, flaw) in [
        ("first", [&[0; 4], both].concat(), messages(&[]), "the first length is 0"),
        (
            "second",
            [&frame(first), &[0; 4][..]].concat(),
            messages(&[first]),
            "the second length is 0",
        ),
    ] {
        family
            .reject(
                format!("zero-{name}"),
                "two",
                &["FRAME-007"],
                "zero_length",
                flaw,
                set("reads", reads(&[octets])),
            )
            .out(taken)
            .robustness();
    }
    family
        .reject(
            "zero-established",
            "two",
            &["FRAME-007"],
            "zero_length",
            "the first length is 0, and the receiver is established",
            |input| {
                input.insert("reads".to_owned(), reads(&[vec![0; 4]]));
                input.insert("established_after".to_owned(), json!(0));
            },
        )
        .robustness();
}

/// A length, and that much of the message behind it.
fn long(length: u32, follows: u32) -> Value {
    json!([hex(&length.to_be_bytes()), repeated(follows)])
}

fn limits(family: &mut Family) {
    let at = |limit: u32, established: Option<u32>| json!({ "reads": long(limit, limit), "end": true, "established_after": established });
    family.accept(
        "limit-before-established",
        &["FRAME-011"],
        at(SMALL, None),
        json!({ "messages": [digested(SMALL)] }),
        "The longest message of a receiver that is not established.",
    );
    family.accept(
        "above-limit-when-established",
        &["FRAME-012", "FRAME-013"],
        at(SMALL + 1, Some(0)),
        json!({ "messages": [digested(SMALL + 1)] }),
        "One octet above the first limit, when the receiver is established.",
    );
    family
        .accept(
            "limit-established",
            &["FRAME-012"],
            at(LARGE, Some(0)),
            json!({ "messages": [digested(LARGE)] }),
            "The longest message there is.",
        )
        .requires("large");
    let too_long: [(&str, u32, &str); 4] = [
        ("by-one", SMALL + 1, "4,097, one above the limit"),
        ("16384", 16_384, "16,384"),
        ("large", LARGE, "2^24, the limit of established receivers"),
        ("ffffffff", u32::MAX, "2^32 - 1"),
    ];
    for (name, length, words) in too_long {
        family
            .reject(
                format!("too-long-{name}"),
                "limit-before-established",
                &["FRAME-011", "FRAME-008"],
                "too_long",
                format!("the length is {words}, and the receiver is not established"),
                set("reads", long(length, length.min(LARGE).min(SMALL + 1))),
            )
            .robustness();
    }
    family
        .reject(
            "too-long-header-only",
            "limit-before-established",
            &["FRAME-008"],
            "too_long",
            "the length is 4,097; only the length has arrived, and the stream goes on",
            |input| {
                input.insert("reads".to_owned(), json!([hex(&(SMALL + 1).to_be_bytes())]));
                input.insert("end".to_owned(), json!(false));
            },
        )
        .note("Refused as soon as the four octets are read, not when the message is there.")
        .robustness();
    let too_long: [(&str, u32, &str); 3] = [
        ("by-one", LARGE + 1, "2^24 + 1"),
        ("7fffffff", i32::MAX as u32, "2^31 - 1"),
        ("ffffffff", u32::MAX, "2^32 - 1"),
    ];
    for (name, length, words) in too_long {
        family
            .reject(
                format!("too-long-established-{name}"),
                "above-limit-when-established",
                &["FRAME-012", "FRAME-008"],
                "too_long",
                format!("the length is {words}; only the length has arrived"),
                |input| {
                    input.insert("reads".to_owned(), json!([hex(&length.to_be_bytes())]));
                    input.insert("end".to_owned(), json!(false));
                },
            )
            .robustness();
    }
    changes(family);
}

/// The limit between messages that arrive together.
fn changes(family: &mut Family) {
    let small = stream("frame: before the limit changes", 17);
    let joined = json!([
        hex(&[frame(&small), (SMALL + 1).to_be_bytes().to_vec()].concat()),
        repeated(SMALL + 1)
    ]);
    let out = json!({ "messages": [hex(&small), digested(SMALL + 1)] });
    let input = json!({ "reads": joined, "end": true, "established_after": 1 });
    family.accept(
        "limit-rises-within-a-read",
        &["FRAME-013"],
        input,
        out,
        "The receiver is established by the first message; the second, whose length came in the \
         same read, may be longer.",
    );
    family
        .reject(
            "limit-rises-too-early",
            "limit-rises-within-a-read",
            &["FRAME-013", "FRAME-011"],
            "too_long",
            "the receiver is established only after the second message",
            set("established_after", json!(2)),
        )
        .out(messages(&[&small]))
        .robustness();
    family
        .reject(
            "limit-never-rises",
            "limit-rises-within-a-read",
            &["FRAME-013", "FRAME-011"],
            "too_long",
            "the receiver is never established",
            set("established_after", Value::Null),
        )
        .out(messages(&[&small]))
        .robustness();
}

fn input(reads: &[Value], end: bool, established_after: Option<u32>) -> Value {
    json!({ "reads": reads, "end": end, "established_after": established_after })
}

fn reads(value: &[Vec<u8>]) -> Value {
    value.iter().map(|read| hex(read)).collect()
}
