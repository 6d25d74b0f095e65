//! Sections 4.1, 4.2 and 4.8: schedule, generations, exporter.

use serde_json::{Map, Value, json};

use crate::build::family::{Family, SUITE, hex};
use crate::build::primitives::{stream, stream_array};
use crate::build::protocol::{self, Generation, Schedule};
use crate::build::world::{chain, good, payload};

pub(crate) fn families() -> Vec<Family> {
    vec![schedule(), binding(), generation(), export()]
}

fn schedule() -> Family {
    let mut family = Family::new(
        "chan/schedule",
        "chan.schedule",
        "From the transcript and K to the first keys.",
    );
    let mut add = |name: &str, messages: [&[u8]; 3], k: &[u8; 48], note: &str| {
        let [m1, m2, m3] = messages;
        let out = schedule_output(&protocol::schedule(m1, m2, m3, k));
        let input = json!({ "m1": hex(m1), "m2": hex(m2), "m3": hex(m3), "k": hex(k) });
        let rules = &["CHAN-001", "CHAN-002", "CHAN-003", "CHAN-039"];
        family.accept(name, rules, input, out, note);
    };
    let hs = good();
    let (m1, m2, m3) = (&hs.m1[..], &hs.m2[..], &hs.m3[..]);
    add("valid", [m1, m2, m3], &hs.k, "The good handshake.");
    add("k-zero", [m1, m2, m3], &[0; 48], "K is all zero.");
    add("k-ff", [m1, m2, m3], &[0xff; 48], "K is all ff.");
    for i in 1..=3 {
        add(
            &format!("k-{i}"),
            [m1, m2, m3],
            &stream_array(&format!("another K {i}")),
            "Another K.",
        );
    }
    let mut last = hs.k;
    last[47] ^= 1;
    add("k-last-bit", [m1, m2, m3], &last, "K differs in its last bit: all 48 octets count.");
    let other = hs.m2_of("another encryption of P1", &hs.p1);
    add(
        "m2-encrypted-again",
        [m1, &other, m3],
        &hs.k,
        "Another encryption of the same P1: other keys.",
    );
    let other = hs.m3_of("another encryption of P3", &hs.p3);
    add(
        "m3-encrypted-again",
        [m1, m2, &other],
        &hs.k,
        "Another encryption of the same P3: other keys.",
    );
    let note = "An octet moved from one message to the next: the lengths keep them apart.";
    add("octet-moved-m1-m2", [&m1[..606], &[&m1[606..], m2].concat(), m3], &hs.k, note);
    add(
        "octet-moved-m2-m3",
        [m1, &m2[..m2.len() - 1], &[&m2[m2.len() - 1..], m3].concat()],
        &hs.k,
        note,
    );
    let sizes = [stream("m1", 1062), stream("m2", 2086), stream("m3", 1024)];
    add("largest", [&sizes[0], &sizes[1], &sizes[2]], &hs.k, "Messages of the largest sizes.");
    family
}

/// With the exporter's octets of the TLS connection (TLS-083).
fn binding() -> Family {
    let mut family = Family::new(
        "chan/binding",
        "chan.schedule",
        "The schedule of a tunnel that is bound to its TLS connection.",
    )
    .since(SUITE);
    let hs = good();
    let e: [u8; 32] = stream_array("TLS exporter");
    let mut last = e;
    last[31] ^= 1;
    let mut add = |name: &str, m3: &[u8], e: &[u8], note: &str| {
        let out = schedule_output(&protocol::schedule_of(&[&hs.m1, &hs.m2, m3, e], &hs.k));
        let input = json!({
            "m1": hex(&hs.m1), "m2": hex(&hs.m2), "m3": hex(m3), "k": hex(&hs.k), "binding": hex(e),
        });
        let rules = &["TLS-083", "CHAN-002", "CHAN-003", "CHAN-039"];
        family.accept(name, rules, input, out, note).requires("tls-exporter");
    };
    add("valid", &hs.m3, &e, "The good handshake in a TLS connection.");
    add(
        "other",
        &hs.m3,
        &stream_array::<32>("another TLS exporter"),
        "The same handshake in another TLS connection: other keys.",
    );
    add("last-bit", &hs.m3, &last, "E differs in its last bit: all 32 octets count.");
    add("zero", &hs.m3, &[0; 32], "E is all zero, which is not the same as no E.");
    let other = hs.m3_of("another encryption of P3", &hs.p3);
    add("m3-encrypted-again", &other, &e, "Another encryption of the same P3: other keys.");
    family
}

fn schedule_output(schedule: &Schedule) -> Value {
    json!({
        "th": hex(&schedule.th),
        "prk": hex(&schedule.prk),
        "c2s": hex(&schedule.c2s),
        "s2c": hex(&schedule.s2c),
        "exporter": hex(&schedule.exporter),
    })
}

fn generation() -> Family {
    let mut family = Family::new(
        "chan/generation",
        "chan.generation",
        "From a chain key to the keys of its generation and the next chain key.",
    );
    let mut add = |name: &str, chain: &[u8; 32], note: &str| {
        let Generation { key, iv, next } = protocol::generation(chain);
        let out = json!({ "key": hex(&key), "iv": hex(&iv), "next": hex(&next) });
        family.accept(name, &["CHAN-005", "CHAN-006"], json!({ "chain": hex(chain) }), out, note);
        next
    };
    let first = good().schedule();
    let mut chain = add("valid", &first.c2s, "Generation 0 of c2s of the good handshake.");
    for g in 1..=4 {
        chain = add(&format!("generation-{g}"), &chain, &format!("Generation {g} of c2s."));
    }
    add("s2c", &first.s2c, "Generation 0 of s2c of the good handshake.");
    add("zero", &[0; 32], "A chain key of zeros.");
    add("ff", &[0xff; 32], "A chain key of ff.");
    for i in 1..=4 {
        add(
            &format!("other-{i}"),
            &stream_array(&format!("chain: generation {i}")),
            "Another chain key.",
        );
    }
    family
}

/// Context of the usual export.
const CONTEXT: &[u8] = b"context";

fn export() -> Family {
    let mut family = Family::new("chan/export", "chan.export", "The exporter.");
    let prk = good().schedule().prk;
    let add = |family: &mut Family,
               name: &str,
               prk: &[u8; 32],
               label: &[u8],
               context: &[u8],
               length: usize,
               note: &str| {
        let octets = protocol::export(prk, label, context, length);
        let input = export_input(prk, label, context, length as u64);
        let bound = match name {
            "label-255-octets" => "CHAN-041",
            "length-1" | "length-8160" => "CHAN-042",
            _ => "CHAN-039",
        };
        let out = json!({ "octets": hex(&octets) });
        family.accept(name, &["CHAN-040", bound], input, out, note);
    };
    add(&mut family, "valid", &prk, b"label", CONTEXT, 32, "A usual export.");
    for (name, length) in
        [("1", 1), ("31", 31), ("33", 33), ("64", 64), ("8160", 8_160), ("8159", 8_159)]
    {
        let note = "Another length: one is a prefix of the other.";
        add(&mut family, &format!("length-{name}"), &prk, b"label", CONTEXT, length, note);
    }
    for length in [0, 1, 127, 128, 254, 255] {
        let label = payload("exporter label", length);
        let note = format!("A label of {length} octets.");
        add(&mut family, &format!("label-{length}-octets"), &prk, &label, CONTEXT, 32, &note);
    }
    for length in [0, 1, 32, 64, 1_000] {
        let context = payload("exporter context", length);
        let note = format!("A context of {length} octets; only its hash goes in.");
        add(&mut family, &format!("context-{length}-octets"), &prk, b"label", &context, 32, &note);
    }
    add(&mut family, "label-and-context-empty", &prk, b"", b"", 32, "Neither label nor context.");
    add(
        &mut family,
        "label-longer-by-1",
        &prk,
        b"labelc",
        b"ontext",
        32,
        "An octet moved from the context to the label: other octets.",
    );
    add(
        &mut family,
        "label-binary",
        &prk,
        &[0, 0xff, 0x80],
        b"\0",
        32,
        "Label and context are octets, not text.",
    );
    add(&mut family, "prk-zero", &[0; 32], b"label", CONTEXT, 32, "Another PRK.");
    add(&mut family, "prk-other", &chain("another PRK"), b"label", CONTEXT, 32, "Another PRK.");
    let mut bad = |name: &str, rule, code, flaw: &str, change: &dyn Fn(&mut Map<String, Value>)| {
        family.reject(name, "valid", &[rule], code, flaw, change).robustness();
    };
    for length in [256, 257, 512, 65_536 + 5] {
        let label = payload("exporter label", length);
        let flaw = format!("the label has {length} octets");
        bad(&format!("label-{length}-octets"), "CHAN-041", "label_length", &flaw, &|input| {
            input.insert("label".to_owned(), hex(&label));
        });
    }
    for length in [0_u64, 8_161, 8_192, 65_536, (1 << 32) + 32] {
        let flaw = format!("{length} octets are asked for");
        bad(&format!("length-{length}"), "CHAN-042", "output_length", &flaw, &|input| {
            input.insert("length".to_owned(), json!(length));
        });
    }
    let label = payload("exporter label", 256);
    bad(
        "order-label-length",
        "CHAN-041",
        "label_length",
        "label and length are wrong: the label comes first",
        &|input| {
            input.insert("label".to_owned(), hex(&label));
            input.insert("length".to_owned(), json!(0));
        },
    );
    family
}

/// The input of `chan.export`.
fn export_input(prk: &[u8; 32], label: &[u8], context: &[u8], length: u64) -> Value {
    json!({ "prk": hex(prk), "label": hex(label), "context": hex(context), "length": length })
}
