//! Messages of a WebSocket (section 6.1), and putting messages on a stream.

use serde_json::{Value, json};

use super::super::family::{Family, hex};
use super::super::primitives::{sha256, stream};
use super::{LARGE, SMALL, digested, frame, messages, pattern, repeated, set};

pub(super) fn websocket() -> Family {
    let about = "Messages of a WebSocket, after its frames have been put together.";
    let mut family = Family::new("frame/websocket", "frame.websocket", about);
    let first = stream("websocket: first", 20);
    let second = stream("websocket: second", 17);
    let binary = |octets: Value| json!({ "binary": octets });
    let input = |messages: &[Value], established_after: Option<u32>| json!({ "messages": messages, "established_after": established_after });
    family.accept(
        "two",
        &["FRAME-001"],
        input(&[binary(hex(&first)), binary(hex(&second))], None),
        messages(&[&first, &second]),
        "Two binary messages.",
    );
    family.accept(
        "empty",
        &["FRAME-005"],
        input(&[binary(hex(&[])), binary(hex(&first))], None),
        messages(&[&[], &first]),
        "An empty binary message is passed on as a message of length zero; whoever takes it refuses it.",
    );
    family.accept(
        "like-text",
        &["FRAME-001"],
        input(&[binary(hex(b"{\"hello\":1}"))], None),
        messages(&[b"{\"hello\":1}"]),
        "A binary message whose octets are text stays binary.",
    );
    family.accept(
        "like-a-stream",
        &["FRAME-001"],
        input(&[binary(hex(&frame(&first)))], None),
        messages(&[&frame(&first)]),
        "A length prefix is nothing special in a WebSocket message.",
    );
    for (name, limit, established) in [
        ("limit-before-established", SMALL, None),
        ("above-limit-when-established", SMALL + 1, Some(0)),
        ("limit-established", LARGE, Some(0)),
    ] {
        let rule = if established.is_none() { "FRAME-011" } else { "FRAME-012" };
        let draft = family.accept(
            name,
            &[rule, "FRAME-016"],
            input(&[binary(repeated(limit))], established),
            json!({ "messages": [digested(limit)] }),
            format!("A message of {limit} octets."),
        );
        if limit == LARGE {
            draft.requires("large");
        }
    }
    for (name, events, taken, flaw) in [
        (
            "text-first",
            json!([{ "text": hex(&first) }, binary(hex(&second))]),
            messages(&[]),
            "the first message is text",
        ),
        (
            "text-second",
            json!([binary(hex(&first)), { "text": hex(b"hello") }]),
            messages(&[&first]),
            "the second message is text",
        ),
        ("text-empty", json!([{ "text": "" }]), messages(&[]), "an empty text message"),
    ] {
        family
            .reject(name, "two", &["FRAME-002"], "text_message", flaw, set("messages", events))
            .out(taken)
            .robustness();
    }
    family
        .reject(
            "text-established",
            "above-limit-when-established",
            &["FRAME-002"],
            "text_message",
            "the message is text",
            set("messages", json!([{ "text": hex(b"hello") }])),
        )
        .robustness();
    family
        .reject(
            "too-long-by-one",
            "limit-before-established",
            &["FRAME-011", "FRAME-016"],
            "too_long",
            "the message has 4,097 octets, and the receiver is not established",
            set("messages", json!([binary(repeated(SMALL + 1))])),
        )
        .robustness();
    family
        .reject(
            "too-long-established",
            "limit-established",
            &["FRAME-012"],
            "too_long",
            "the message has 2^24 + 1 octets",
            set("messages", json!([binary(repeated(LARGE + 1))])),
        )
        .requires("large")
        .robustness();
    let rising = input(&[binary(hex(&second)), binary(repeated(SMALL + 1))], Some(1));
    let out = json!({ "messages": [hex(&second), digested(SMALL + 1)] });
    let note = "The receiver is established by the first message; the second may be longer.";
    family.accept("limit-rises", &["FRAME-013"], rising, out, note);
    family
        .reject(
            "limit-rises-too-early",
            "limit-rises",
            &["FRAME-013", "FRAME-016"],
            "too_long",
            "the receiver is established only after the second message",
            set("established_after", json!(2)),
        )
        .out(messages(&[&second]))
        .robustness();
    family
}

pub(super) fn encode() -> Family {
    let mut family =
        Family::new("frame/encode", "frame.encode", "Putting a message on a byte stream.");
    let input = |message: Value, established: bool| json!({ "message": message, "peer_established": established });
    for length in [1, 2, 17, 255, 256, 607, 2_086, 4_092] {
        let message = stream(&format!("encode {length}"), length);
        family.accept(
            format!("octets-{length}"),
            &["FRAME-006", "CONV-001"],
            input(hex(&message), false),
            json!({ "frame": hex(&frame(&message)) }),
            format!("A message of {length} octets."),
        );
    }
    for (name, length, established) in [
        ("limit-before-established", SMALL, false),
        ("above-limit-when-established", SMALL + 1, true),
        ("limit-established", LARGE, true),
    ] {
        let framed = frame(&pattern(length));
        let digest = hex::encode(sha256(&[&framed]));
        let draft = family.accept(
            name,
            &["FRAME-017", "FRAME-006"],
            input(repeated(length), established),
            json!({ "frame": { "length": framed.len(), "sha256": digest } }),
            format!("A message of {length} octets."),
        );
        if length == LARGE {
            draft.requires("large");
        }
    }
    family
        .reject(
            "too-long-by-one",
            "limit-before-established",
            &["FRAME-017"],
            "too_long",
            "the message has 4,097 octets, and the peer is not established",
            set("message", repeated(SMALL + 1)),
        )
        .note("The caller is told; the peer would refuse it.");
    family
        .reject(
            "too-long-established",
            "limit-established",
            &["FRAME-017"],
            "too_long",
            "the message has 2^24 + 1 octets",
            set("message", repeated(LARGE + 1)),
        )
        .requires("large");
    family
        .reject(
            "empty",
            "octets-1",
            &["FRAME-018"],
            "zero_length",
            "the message is empty",
            set("message", hex(&[])),
        )
        .note("A length of 0 is refused by every receiver, so it is not sent.");
    family
}
