//! The forms of nonce, P1 and P3, without RSA.

use serde_json::{Map, Value, json};

use crate::build::cred::{NOT_BASE62, with_octet};
use crate::build::family::{Family, hex, u64_};
use crate::build::keys;
use crate::build::primitives::stream;
use crate::build::world::{Handshake, good};
use crate::build::{ids, protocol};

pub(crate) fn families() -> Vec<Family> {
    vec![nonce(), request(), reply()]
}

/// Times at the edges of u64 and of what smaller or signed integers hold.
const TIMES: [(&str, u64); 9] = [
    ("0", 0),
    ("1", 1),
    ("2-31", 1 << 31),
    ("2-32", 1 << 32),
    ("2-53", 1 << 53),
    ("2-53-plus-1", (1 << 53) + 1),
    ("2-63-minus-1", (1 << 63) - 1),
    ("2-63", 1 << 63),
    ("2-64-minus-1", u64::MAX),
];

fn nonce() -> Family {
    let mut family =
        Family::new("hs/nonce", "hs.nonce", "The nonce that binds a request to both RSA keys.");
    let mut add = |name: &str, m1: &[u8], spki: &[u8], r: &[u8], note: &str| {
        let out = json!({ "nonce": hex(&protocol::nonce(m1, spki, r)) });
        let input = json!({ "m1": hex(m1), "spki": hex(spki), "r": hex(r) });
        family.accept(name, &["HS-025"], input, out, note);
    };
    let Handshake { m1, spki, r, .. } = good();
    add("valid", m1, spki, r, "The nonce of the good handshake.");
    add("keys-swapped", spki, m1, r, "The keys in each other's place: another nonce.");
    add("same-key-twice", m1, m1, r, "One key on both sides.");
    add("r-zero", m1, spki, &[0; 14], "r is all zero.");
    add("r-ff", m1, spki, &[0xff; 14], "r is all ff.");
    for i in 1..=6 {
        add(&format!("r-{i}"), m1, spki, &stream(&format!("another r {i}"), 14), "Another r.");
    }
    for (name, key) in [
        ("4425", keys::k4425()),
        ("4432", keys::k4432()),
        ("4480", keys::k4480_a()),
        ("8192", keys::k8192()),
    ] {
        let other = key.public.spki();
        add(&format!("server-{name}"), &other, spki, r, "A server's key of another size.");
        add(&format!("client-{name}"), m1, &other, r, "A client's key of another size.");
    }
    add(
        "server-other",
        &keys::k4552_c().public.spki(),
        spki,
        r,
        "Another server's key: another nonce.",
    );
    add(
        "client-other",
        m1,
        &keys::k4552_c().public.spki(),
        r,
        "Another client's key: another nonce.",
    );
    family
}

fn request() -> Family {
    let mut family =
        Family::new("hs/request", "hs.request", "The form of P1, the plaintext of a request.");
    let good = good();
    let pc = &good.credentials.client_password;
    let add = |family: &mut Family,
               name: String,
               parts: (&[u8], &[u8], u64, &[u8]),
               rules: &[&'static str],
               note: &str| {
        let (id, pc, t, nonce) = parts;
        let out = json!({
            "id": hex(id),
            "client_password": hex(pc),
            "t": u64_(t),
            "nonce": hex(nonce),
        });
        let input = json!({ "plaintext": hex(&protocol::p1(id, pc, t, nonce)) });
        family.accept(name, rules, input, out, note);
    };
    let (id, nonce) = (&good.credentials.id[..], &good.nonce[..]);
    add(
        &mut family,
        "valid".into(),
        (id, pc, good.t, nonce),
        &["HS-024", "HS-033", "CONV-001"],
        "A usual P1.",
    );
    for (name, t) in TIMES {
        let note = "The time is any u64: nothing is said about it here.";
        add(&mut family, format!("time-{name}"), (id, pc, t, nonce), &["HS-024", "CONV-002"], note);
    }
    for good in ids::good() {
        let rules = &["HS-034", good.requirement, "HS-024"];
        add(&mut family, format!("id-{}", good.name), (&good.id, pc, 1, nonce), rules, good.note);
    }
    for (name, nonce) in [("zero", [0; 30]), ("ff", [0xff; 30])] {
        let note = "Only the form is read here: the nonce may be any 30 octets.";
        add(&mut family, format!("nonce-{name}"), (id, pc, good.t, &nonce), &["HS-024"], note);
    }
    for digit in *b"09AZaz" {
        let note = "A password of one digit at the edge of a range.";
        let name = format!("password-all-{digit:02x}");
        add(&mut family, name, (id, &[digit; 18], good.t, nonce), &["HS-035"], note);
    }
    bad_request(&mut family, good);
    family
}

fn bad_request(family: &mut Family, good: &Handshake) {
    let (pc, t, nonce) = (&good.credentials.client_password[..], good.t, &good.nonce[..]);
    let id = &good.credentials.id[..];
    let mut bad = |name: String, p1: Vec<u8>, rules: &[&'static str], flaw: String| {
        family.reject(name, "valid", rules, "malformed", flaw, set(p1)).robustness();
    };
    let p1 = &good.p1;
    let ends = [
        (1, "after len8"),
        (1 + id.len(), "after the id"),
        (1 + id.len() + 18, "after Pc"),
        (1 + id.len() + 26, "after t"),
        (1 + id.len() + 40, "after r"),
    ];
    bad("empty".into(), Vec::new(), &["HS-033", "CONV-008"], "no octets".into());
    for (end, place) in ends {
        for cut in [end, end + 1] {
            let flaw = if cut == end {
                format!("ends {place}")
            } else {
                format!("ends one octet further than {place}")
            };
            bad(format!("ends-at-{cut:02}"), p1[..cut].to_vec(), &["HS-033", "CONV-008"], flaw);
        }
    }
    for count in [1, 2, 16] {
        let cut = p1[..p1.len() - count].to_vec();
        bad(
            format!("shorter-by-{count}"),
            cut,
            &["HS-033"],
            format!("{count} octets are missing at the end"),
        );
        let longer = [&**p1, &vec![0; count]].concat();
        bad(
            format!("longer-by-{count}"),
            longer,
            &["HS-033", "CONV-007"],
            format!("{count} octets left over"),
        );
    }
    bad("twice".into(), [&**p1, p1].concat(), &["HS-033", "CONV-007"], "P1 twice".into());
    let length = p1[0];
    for (name, lie) in [
        ("plus-1", length + 1),
        ("minus-1", length - 1),
        ("plus-8", length + 8),
        ("plus-30", length + 30),
        ("1", 1),
        ("128", 128),
        ("255", 255),
    ] {
        let flaw = format!("len8 is {lie} and the id {length} octets long");
        bad(format!("len8-{name}"), with_octet(p1, 0, lie), &["HS-033"], flaw);
    }
    bad(
        "len8-0".into(),
        with_octet(p1, 0, 0),
        &["HS-034", "CRED-001"],
        "len8 is 0 before a whole id".into(),
    );
    for id in ids::bad() {
        if id.id.len() > 255 {
            continue; // len8 cannot say so.
        }
        let p1 = protocol::p1(&id.id, pc, t, nonce);
        bad(format!("id-{}", id.name), p1, &["HS-034", id.requirement], id.flaw);
    }
    for position in 0..18 {
        let p1 = protocol::p1(id, &with_octet(pc, position, b'.'), t, nonce);
        bad(
            format!("password-bad-at-{position:02}"),
            p1,
            &["HS-035"],
            format!("digit {position} of Pc is a full stop"),
        );
    }
    for (name, octet, what) in NOT_BASE62 {
        let p1 = protocol::p1(id, &with_octet(pc, 9, octet[0]), t, nonce);
        bad(format!("password-{name}"), p1, &["HS-035"], format!("{what}, in Pc"));
    }
    bad(
        "password-17-digits".into(),
        protocol::p1(id, &pc[..17], t, nonce),
        &["HS-033", "HS-035"],
        "Pc has 17 digits".into(),
    );
    bad(
        "password-19-digits".into(),
        protocol::p1(id, &[pc, b"0"].concat(), t, nonce),
        &["HS-033", "HS-035"],
        "Pc has 19 digits".into(),
    );
    bad(
        "time-4-octets".into(),
        [&[length], id, pc, &u32::try_from(t).unwrap_or_default().to_be_bytes(), nonce].concat(),
        &["HS-024", "HS-033"],
        "t is written in 4 octets".into(),
    );
    bad(
        "length-2-octets".into(),
        [&[0, length], id, pc, &t.to_be_bytes(), nonce].concat(),
        &["HS-024", "HS-034"],
        "the length of the id is written in 2 octets".into(),
    );
}

fn reply() -> Family {
    let mut family =
        Family::new("hs/reply", "hs.reply", "The form of P3, the plaintext of a reply.");
    let good = good();
    let add = |family: &mut Family,
               name: String,
               parts: (&[u8], &[u8], u64, &[u8]),
               rules: &[&'static str],
               note: &str| {
        let (ps, k, t, nonce) = parts;
        let out =
            json!({ "server_password": hex(ps), "k": hex(k), "t": u64_(t), "nonce": hex(nonce) });
        let input = json!({ "plaintext": hex(&protocol::p3(ps, k, t, nonce)) });
        family.accept(name, rules, input, out, note);
    };
    let (ps, k, t, nonce) =
        (&good.credentials.server_password[..], &good.k[..], good.t, &good.nonce[..]);
    add(&mut family, "valid".into(), (ps, k, t, nonce), &["HS-048", "HS-054"], "A usual P3.");
    for (name, t) in TIMES {
        let note = "The time is any u64: nothing is said about it here.";
        add(&mut family, format!("time-{name}"), (ps, k, t, nonce), &["HS-048", "CONV-002"], note);
    }
    for digit in *b"09AZaz" {
        let note = "A password of one digit at the edge of a range.";
        add(
            &mut family,
            format!("password-all-{digit:02x}"),
            (&[digit; 8], k, t, nonce),
            &["HS-055"],
            note,
        );
    }
    for (name, octet) in [("zero", 0), ("ff", 0xff)] {
        let note = "K and nonce may be any octets.";
        add(
            &mut family,
            format!("secrets-{name}"),
            (ps, &[octet; 48], t, &[octet; 30]),
            &["HS-048"],
            note,
        );
    }
    let mut bad = |name: String, p3: Vec<u8>, rules: &[&'static str], flaw: String| {
        family.reject(name, "valid", rules, "malformed", flaw, set(p3)).robustness();
    };
    let p3 = &good.p3;
    for length in [0, 1, 7, 8, 9, 55, 56, 57, 63, 64, 65, 93] {
        bad(
            format!("octets-{length:02}"),
            p3[..length].to_vec(),
            &["HS-054", "CONV-008"],
            format!("{length} octets"),
        );
    }
    for count in [1, 2, 8, 94] {
        let p3: Vec<u8> = p3.iter().copied().cycle().take(94 + count).collect();
        bad(
            format!("octets-{}", 94 + count),
            p3,
            &["HS-054", "CONV-007"],
            format!("{} octets", 94 + count),
        );
    }
    for position in 0..8 {
        let flaw = format!("digit {position} of Ps is a full stop");
        bad(
            format!("password-bad-at-{position}"),
            with_octet(p3, position, b'.'),
            &["HS-055"],
            flaw,
        );
    }
    for (name, octet, what) in NOT_BASE62 {
        bad(
            format!("password-{name}"),
            with_octet(p3, 4, octet[0]),
            &["HS-055"],
            format!("{what}, in Ps"),
        );
    }
    bad("request".into(), good.p1.clone(), &["HS-054"], "P1 instead of P3".into());
    family
}

fn set(plaintext: Vec<u8>) -> impl FnOnce(&mut Map<String, Value>) {
    move |input| {
        input.insert("plaintext".to_owned(), hex(&plaintext));
    }
}
