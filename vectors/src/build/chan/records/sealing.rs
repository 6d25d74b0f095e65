//! Sealing one record.

use serde_json::json;

use super::{PAYLOAD_MAX, RECORD_MAX, digest, kind_name, repeated};
use crate::build::chan::NUMBERS;
use crate::build::family::{Family, hex, u64_};
use crate::build::protocol::{CLOSE, DATA, OPEN, seal};
use crate::build::world::{chain, payload};

pub(super) fn sealing() -> Family {
    let mut family = Family::new("chan/seal", "chan.seal", "Sealing one record at a given number.");
    let chain = chain("chan/seal");
    let add = |family: &mut Family,
               name: &str,
               n: u64,
               kind: u8,
               payload: &[u8],
               rules: &[&'static str],
               note: &str| {
        let input = json!({
            "chain": hex(&chain),
            "n": u64_(n),
            "type": kind_name(kind),
            "payload": hex(payload),
        });
        let out = json!({ "record": hex(&seal(&chain, n, kind, payload)) });
        family.accept(name, rules, input, out, note);
    };
    let hello = b"hello";
    add(&mut family, "valid", 7, DATA, hello, &["CHAN-010", "CHAN-011"], "A usual record.");
    for (name, n) in NUMBERS {
        let rule = if n == u64::MAX { "CHAN-015" } else { "CHAN-011" };
        let note =
            "The chain key is that of the record's generation; the nonce takes the whole number.";
        add(&mut family, &format!("number-{name}"), n, DATA, hello, &[rule, "CHAN-010"], note);
        add(
            &mut family,
            &format!("close-{name}"),
            n.max(1),
            CLOSE,
            b"",
            &[rule, "CHAN-010"],
            "A close record.",
        );
    }
    add(&mut family, "open", 0, OPEN, b"", &["CHAN-023", "CHAN-010"], "The open record.");
    for length in [0, 1, 15, 16, 17, 31, 32, 33, 100, 1_000, 4_079, 4_080] {
        let note = format!("A payload of {length} octets.");
        let name = format!("payload-{length}");
        add(
            &mut family,
            &name,
            3,
            DATA,
            &payload("seal", length),
            &["CHAN-010", "CHAN-020"],
            &note,
        );
    }
    add(
        &mut family,
        "payload-of-type-octets",
        3,
        DATA,
        &[2, 1, 0],
        &["CHAN-010"],
        "A payload that starts like a type.",
    );
    let (long, octets) = repeated(b"tunnel", PAYLOAD_MAX);
    let input = json!({ "chain": hex(&chain), "n": "9", "type": "data", "payload": long });
    let out = json!({ "record": digest(&seal(&chain, 9, DATA, &octets)) });
    family
        .accept(
            "payload-largest",
            &["CHAN-018", "CHAN-019"],
            input,
            out,
            "The longest payload: a record of 2^24 octets.",
        )
        .requires("large");
    for (name, length) in [("largest-plus-1", PAYLOAD_MAX + 1), ("2-24", RECORD_MAX)] {
        let flaw = format!("the payload has {length} octets");
        family
            .reject(
                format!("payload-{name}"),
                "payload-largest",
                &["CHAN-019"],
                "payload_too_long",
                flaw,
                |input| {
                    input["payload"]["length"] = json!(length);
                },
            )
            .requires("large")
            .robustness();
    }
    family
}
