//! Records that open and whose plaintext is not one that belongs there.

use serde_json::Value;

use super::opening::AT;
use crate::build::family::{Family, hex, u64_};
use crate::build::primitives::stream;
use crate::build::protocol::{CLOSE, DATA, OPEN, seal};

pub(super) fn bad_contents(family: &mut Family, chain: &[u8; 32]) {
    let mut bad = |name: String,
                   place: (u64, &str),
                   content: (u8, &[u8]),
                   rules: &[&'static str],
                   code,
                   flaw: String| {
        let ((n, direction), (kind, payload)) = (place, content);
        let group = if (n, direction) == (0, "c2s") { "open" } else { "record" };
        family
            .reject(name, "valid", rules, code, flaw, |input| {
                input.insert("n".to_owned(), u64_(n));
                input.insert("direction".to_owned(), Value::from(direction));
                input.insert("record".to_owned(), hex(&seal(chain, n, kind, payload)));
            })
            .group(group)
            .security();
    };
    for kind in [3_u8, 4, 0x17, 0x7f, 0x80, 0x81, 0xff] {
        for (place, name) in [((AT, "c2s"), "c2s"), ((0, "s2c"), "s2c-0"), ((0, "c2s"), "c2s-0")] {
            let flaw = format!("the type is {kind:02x}");
            bad(
                format!("type-{kind:02x}-{name}"),
                place,
                (kind, b"hello"),
                &["CHAN-022"],
                "unknown_type",
                flaw,
            );
        }
        let flaw = format!("the type is {kind:02x}, without payload");
        bad(
            format!("type-{kind:02x}-empty"),
            (AT, "s2c"),
            (kind, b""),
            &["CHAN-022"],
            "unknown_type",
            flaw,
        );
    }
    for (name, content, flaw) in [
        ("data", (DATA, &b"hello"[..]), "a data record is record 0 of c2s"),
        ("data-empty", (DATA, b""), "an empty data record is record 0 of c2s"),
        ("close", (CLOSE, b""), "a close record is record 0 of c2s"),
    ] {
        bad(
            format!("missing-open-{name}"),
            (0, "c2s"),
            content,
            &["CHAN-024"],
            "missing_open",
            flaw.to_owned(),
        );
    }
    for (n, direction) in [
        (1, "c2s"),
        (2, "c2s"),
        (65_536, "c2s"),
        (1 << 32, "c2s"),
        (u64::MAX, "c2s"),
        (0, "s2c"),
        (1, "s2c"),
        (65_536, "s2c"),
    ] {
        let name = format!("open-{direction}-{n}");
        let flaw = format!("an open record is record {n} of {direction}");
        bad(name, (n, direction), (OPEN, b""), &["CHAN-025"], "unexpected_open", flaw);
    }
    let long = stream("control payload", 300);
    for (kind, name) in [(CLOSE, "close"), (OPEN, "open")] {
        for (n, direction) in [(0, "c2s"), (AT, "c2s"), (0, "s2c"), (AT, "s2c")] {
            let flaw = format!("a {name} record with a payload is record {n} of {direction}");
            bad(
                format!("{name}-payload-{direction}-{n}"),
                (n, direction),
                (kind, &[0]),
                &["CHAN-026"],
                "control_payload",
                flaw,
            );
        }
        let flaw = format!("a {name} record with 300 octets of payload");
        bad(
            format!("{name}-payload-300"),
            (AT, "c2s"),
            (kind, &long),
            &["CHAN-026"],
            "control_payload",
            flaw,
        );
    }
}
