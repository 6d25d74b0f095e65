//! Opening one record.

use serde_json::{Map, Value, json};

use super::{RECORD_MAX, contents, digest, kind_name, longest, repeated};
use crate::build::chan::NUMBERS;
use crate::build::family::{Family, hex, u64_};
use crate::build::primitives::{gcm_open, gcm_seal};
use crate::build::protocol::{CLOSE, DATA, Generation, OPEN, generation, record_nonce, seal};
use crate::build::world::{chain, payload};

/// The record that `chan/open` vectors differ from: data with payload `hello` at this number.
pub(super) const AT: u64 = 7;

pub(super) fn opening() -> Family {
    let mut family = Family::new("chan/open", "chan.open", "Opening one record at a given number.");
    let chain = chain("chan/open");
    let add = |family: &mut Family,
               name: String,
               place: (u64, &str),
               content: (u8, &[u8]),
               rules: &[&'static str],
               note: &str| {
        let ((n, direction), (kind, payload)) = (place, content);
        let input = json!({
            "chain": hex(&chain),
            "n": u64_(n),
            "direction": direction,
            "record": hex(&seal(&chain, n, kind, payload)),
        });
        let out = json!({ "type": kind_name(kind), "payload": hex(payload) });
        family.accept(name, rules, input, out, note);
    };
    let hello = b"hello";
    let rules = &["CHAN-010", "CHAN-011"];
    add(&mut family, "valid".into(), (AT, "c2s"), (DATA, hello), rules, "A usual record.");
    for (name, n) in NUMBERS {
        let rule = if n == u64::MAX { "CHAN-015" } else { "CHAN-011" };
        let note =
            "The chain key is that of the record's generation; the nonce takes the whole number.";
        add(&mut family, format!("s2c-{name}"), (n, "s2c"), (DATA, hello), &[rule], note);
        add(
            &mut family,
            format!("s2c-close-{name}"),
            (n, "s2c"),
            (CLOSE, b""),
            &[rule],
            "A close record.",
        );
        if n > 0 {
            add(&mut family, format!("c2s-{name}"), (n, "c2s"), (DATA, hello), &[rule], note);
            add(
                &mut family,
                format!("c2s-close-{name}"),
                (n, "c2s"),
                (CLOSE, b""),
                &[rule],
                "A close record.",
            );
        }
    }
    add(
        &mut family,
        "c2s-open".into(),
        (0, "c2s"),
        (OPEN, b""),
        &["CHAN-023"],
        "The open record in its place.",
    );
    for length in [0, 1, 15, 16, 17, 100, 4_079] {
        let note = format!("A payload of {length} octets.");
        add(
            &mut family,
            format!("payload-{length}"),
            (AT, "c2s"),
            (DATA, &payload("open", length)),
            &["CHAN-020", "CHAN-018"],
            &note,
        );
    }
    let (record, octets) = repeated(&longest::unit(&chain, AT), RECORD_MAX);
    let keys = generation(&chain);
    let plaintext = gcm_open(&keys.key, &record_nonce(&keys.iv, AT), &[], &octets);
    let plaintext = plaintext.unwrap_or_else(|| panic!("the longest record opens"));
    assert_eq!(plaintext[0], DATA);
    let input = json!({
        "chain": hex(&chain),
        "n": u64_(AT),
        "direction": "c2s",
        "record": record,
    });
    let out = json!({ "type": "data", "payload": digest(&plaintext[1..]) });
    let note = "A record of 2^24 octets; its octets repeat because its tag was solved for.";
    family.accept("length-2-24", &["CHAN-018", "CHAN-010"], input, out, note).requires("large");
    bad_octets(&mut family, &chain);
    bad_keys(&mut family, &chain);
    contents::bad_contents(&mut family, &chain);
    family
}

fn set(record: Vec<u8>) -> impl FnOnce(&mut Map<String, Value>) {
    move |input| {
        input.insert("record".to_owned(), hex(&record));
    }
}

fn bad_octets(family: &mut Family, chain: &[u8; 32]) {
    let good = seal(chain, AT, DATA, b"hello");
    let mut failed = |name: String, flaw: String, record: Vec<u8>| {
        let rules = &["CHAN-021", "CHAN-010", "CHAN-013"];
        family
            .reject(name, "valid", rules, "open_failed", flaw, set(record))
            .group("record")
            .security();
    };
    for position in 0..good.len() {
        let mut record = good.clone();
        record[position] ^= 1 << (position % 8);
        let part = if position < good.len() - 16 { "ciphertext" } else { "tag" };
        failed(
            format!("flipped-{position:02}"),
            format!("a bit of octet {position}, in the {part}, is flipped"),
            record,
        );
    }
    for count in 1..=5 {
        failed(
            format!("shorter-by-{count}"),
            format!("the last {count} octets are missing"),
            good[..good.len() - count].to_vec(),
        );
    }
    failed("first-octet-missing".into(), "the first octet is missing".into(), good[1..].to_vec());
    for (name, more) in [("zero", &[0][..]), ("tag", &[0; 16]), ("itself", &good)] {
        failed(
            format!("extended-by-{name}"),
            "octets are added at the end".into(),
            [&*good, more].concat(),
        );
    }
    failed(
        "octet-in-front".into(),
        "an octet is added at the start".into(),
        [&[0], &*good].concat(),
    );
    failed("tag-first".into(), "the tag is at the start".into(), [&good[6..], &good[..6]].concat());
    failed("zeros-17".into(), "17 zero octets".into(), vec![0; 17]);
    failed("zeros-22".into(), "zero octets".into(), vec![0; 22]);
    let Generation { key, iv, .. } = generation(chain);
    let nonce = record_nonce(&iv, AT);
    let plaintext = b"\0hello";
    failed(
        "not-encrypted".into(),
        "the plaintext with its tag".into(),
        [plaintext, &good[6..]].concat(),
    );
    failed(
        "aad-zero".into(),
        "additional data of one zero octet".into(),
        gcm_seal(&key, &nonce, &[0], plaintext),
    );
    failed(
        "aad-number".into(),
        "the number as additional data".into(),
        gcm_seal(&key, &nonce, &AT.to_be_bytes(), plaintext),
    );
    failed(
        "aad-length".into(),
        "the length as additional data".into(),
        gcm_seal(&key, &nonce, &[0, 0, 0, 22], plaintext),
    );
    failed(
        "tag-12-octets".into(),
        "the tag cut to 12 octets, and padded".into(),
        [&good[..18], &[0; 4]].concat(),
    );
    let mut length = |length: usize, record: Vec<u8>| {
        let flaw = format!("a record of {length} octets");
        family
            .reject(
                format!("length-{length:02}"),
                "valid",
                &["CHAN-018"],
                "record_length",
                flaw,
                set(record),
            )
            .group("record")
            .robustness();
    };
    for count in [0, 1, 12, 15] {
        length(count, good[..count].to_vec());
    }
    length(16, gcm_seal(&key, &nonce, &[], &[]));
    let (long, _) = repeated(&[0x5a], RECORD_MAX + 1);
    family
        .reject(
            "length-2-24-plus-1",
            "valid",
            &["CHAN-018"],
            "record_length",
            "a record of 2^24 + 1 octets",
            |input| {
                input.insert("record".to_owned(), long);
            },
        )
        .requires("large")
        .robustness();
    let (long, _) = repeated(&[0x5a], RECORD_MAX);
    family
        .reject(
            "length-2-24-failed",
            "valid",
            &["CHAN-021", "CHAN-018"],
            "open_failed",
            "2^24 octets that are no record: the length is right",
            |input| {
                input.insert("record".to_owned(), long);
            },
        )
        .requires("large")
        .security();
}

fn bad_keys(family: &mut Family, chain: &[u8; 32]) {
    let mut failed = |name: &str, rules: &[&'static str], flaw: &str, record: Vec<u8>| {
        family
            .reject(name, "valid", rules, "open_failed", flaw, set(record))
            .group("record")
            .security();
    };
    let here = generation(chain);
    let next = generation(&here.next);
    let nonce = |n: u64| record_nonce(&here.iv, n);
    let sealed = |key: &[u8; 32], nonce: &[u8; 12]| gcm_seal(key, nonce, &[], b"\0hello");
    let number = &["CHAN-014", "CHAN-021"];
    failed(
        "number-before",
        number,
        "the record before: repeated",
        seal(chain, AT - 1, DATA, b"hello"),
    );
    failed(
        "number-after",
        number,
        "the record after: skipped",
        seal(chain, AT + 1, DATA, b"hello"),
    );
    failed("number-0", number, "record 0", seal(chain, 0, DATA, b"hello"));
    failed(
        "number-2-32-more",
        &["CHAN-011", "CHAN-021"],
        "a number 2^32 higher: the whole number counts",
        seal(chain, AT + (1 << 32), DATA, b"hello"),
    );
    failed(
        "number-65536-more",
        &["CHAN-011", "CHAN-021"],
        "a number 65,536 higher under this generation's key",
        seal(chain, AT + 65_536, DATA, b"hello"),
    );
    failed(
        "next-generation",
        &["CHAN-007", "CHAN-021"],
        "the key of the generation after",
        sealed(&next.key, &record_nonce(&next.iv, AT)),
    );
    failed(
        "key-of-next",
        &["CHAN-005", "CHAN-021"],
        "the key of the generation after, the iv of this one",
        sealed(&next.key, &nonce(AT)),
    );
    failed(
        "iv-of-next",
        &["CHAN-005", "CHAN-021"],
        "the iv of the generation after, the key of this one",
        sealed(&here.key, &record_nonce(&next.iv, AT)),
    );
    failed(
        "other-chain",
        &["CHAN-012", "CHAN-021"],
        "another chain key, such as that of the other direction",
        seal(&crate::build::world::chain("the other direction"), AT, DATA, b"hello"),
    );
    failed(
        "chain-as-key",
        &["CHAN-005", "CHAN-021"],
        "the chain key itself is the key",
        sealed(chain, &nonce(AT)),
    );
    failed(
        "iv-alone",
        &["CHAN-011", "CHAN-021"],
        "the nonce is the iv without the number",
        sealed(&here.key, &here.iv),
    );
    let mut number_alone = [0; 12];
    number_alone[4..].copy_from_slice(&AT.to_be_bytes());
    failed(
        "number-alone",
        &["CHAN-011", "CHAN-021"],
        "the nonce is the number without the iv",
        sealed(&here.key, &number_alone),
    );
    let mut little = here.iv;
    little[4] ^= 7;
    failed(
        "number-little-endian",
        &["CHAN-011", "CONV-001", "CHAN-021"],
        "the number is little-endian",
        sealed(&here.key, &little),
    );
    let mut first = here.iv;
    first[7] ^= 7;
    failed(
        "number-first",
        &["CHAN-011", "CHAN-021"],
        "the number is in the first 8 octets",
        sealed(&here.key, &first),
    );
    let mut key = here.key;
    key.reverse();
    failed(
        "key-reversed",
        &["CHAN-005", "CHAN-021"],
        "the key's octets in reverse",
        sealed(&key, &nonce(AT)),
    );
    for (name, n, wrong, flaw) in [
        ("generation-1-reset", 65_536, 0, "the number starts again at 0 with generation 1"),
        ("generation-2-reset", 131_079, 7, "the number starts again at 0 with generation 2"),
        ("low-32-bits", (1 << 32) + 5, 5, "the nonce takes only the low 32 bits of the number"),
        ("low-48-bits", (1 << 48) + 5, 5, "the nonce takes only the low 48 bits of the number"),
        (
            "signed",
            u64::MAX,
            i64::MAX.unsigned_abs(),
            "the nonce takes the number without its top bit",
        ),
    ] {
        family
            .reject(name, "valid", &["CHAN-011", "CHAN-021"], "open_failed", flaw, |input| {
                input.insert("n".to_owned(), u64_(n));
                input.insert("record".to_owned(), hex(&seal(chain, wrong, DATA, b"hello")));
            })
            .group("record")
            .security();
    }
}
