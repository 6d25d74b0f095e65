//! Section 3.2: which octets are an RSA public key.

mod bad;

use num_bigint::BigUint;
use serde_json::json;

use crate::build::family::{Family, hex};
use crate::build::keys;
use crate::build::primitives::der::Spki;
use crate::build::primitives::stream;

/// An SPKI that every party refuses as `bad_key`.
pub(crate) struct BadSpki {
    pub(crate) name: String,
    pub(crate) octets: Vec<u8>,
    pub(crate) requirement: &'static str,
    pub(crate) flaw: String,
    /// Whether it is used as M1 and as the client's SPKI too.
    pub(crate) representative: bool,
}

pub(crate) fn family() -> Family {
    let mut family = Family::new(
        "hs/spki",
        "hs.spki",
        "Reading an RSA public key. No private key exists for most of the moduli.",
    );
    let mut good = |name: String, n: &BigUint, rules: &[&'static str], note: &str| {
        let size = json!({ "bits": n.bits(), "octets": n.bits().div_ceil(8) });
        family.accept(name, rules, json!({ "spki": hex(&spki_of(n)) }), size, note);
    };
    let valid = &keys::k4552_a().public.n;
    good("valid".into(), valid, &["HS-003", "HS-004", "HS-001"], "The usual size, 607 octets.");
    for (name, key) in [
        ("4425", keys::k4425()),
        ("4432", keys::k4432()),
        ("4480-a", keys::k4480_a()),
        ("4480-b", keys::k4480_b()),
        ("4552-b", keys::k4552_b()),
        ("8192", keys::k8192()),
    ] {
        good(format!("key-{name}"), &key.public.n, &["HS-004"], "A key that peers really make.");
    }
    let one = BigUint::from(1_u8);
    for bits in [
        4425_u32, 4426, 4427, 4428, 4429, 4430, 4431, 4432, 4433, 4551, 4552, 4553, 8184, 8185,
        8191, 8192,
    ] {
        let note =
            "The smallest odd modulus of its size; whether a zero octet comes first depends on it.";
        good(
            format!("smallest-{bits}"),
            &((&one << (bits - 1)) + 1_u8),
            &["HS-004", "HS-003"],
            note,
        );
    }
    for bits in [4425_u32, 4432, 4552, 8191, 8192] {
        let note = "The largest modulus of its size.";
        good(format!("largest-{bits}"), &((&one << bits) - 1_u8), &["HS-004"], note);
    }
    for bad in bad() {
        assert!(!is_acceptable(&bad.octets), "hs/spki/{} is acceptable", bad.name);
        let rules: &[_] =
            if bad.requirement == "HS-003" { &["HS-003"] } else { &[bad.requirement, "HS-003"] };
        let draft = family.reject(bad.name, "valid", rules, "bad_key", bad.flaw, |input| {
            input.insert("spki".to_owned(), hex(&bad.octets));
        });
        draft.note("A second encoding of a key, or a key that must not be used.");
        if matches!(bad.requirement, "HS-005" | "HS-007" | "HS-008" | "HS-009") {
            draft.security();
        }
        if bad.requirement == "HS-006" {
            draft.robustness();
        }
    }
    family
}

/// Section 3.2 in its own words: read the modulus, encode it again, compare.
fn is_acceptable(spki: &[u8]) -> bool {
    let Some(contents) = spki.len().checked_sub(5).and_then(|end| spki.get(32..end)) else {
        return false;
    };
    let n = BigUint::from_bytes_be(contents);
    n.bit(0) && (4425..=8192).contains(&n.bits()) && spki_of(&n) == spki
}

fn spki_of(n: &BigUint) -> Vec<u8> {
    Spki::new(n, 65537).octets()
}

/// A modulus of that size for which nobody has a private key: odd, top bit set.
fn modulus(bits: u64) -> BigUint {
    let length = usize::try_from(bits.div_ceil(8)).unwrap_or_else(|_| unreachable!("small"));
    let mut n = BigUint::from_bytes_be(&stream(&format!("modulus {bits}"), length));
    n.set_bit(bits, false);
    for bit in bits..bits.next_multiple_of(8) {
        n.set_bit(bit, false);
    }
    n.set_bit(bits - 1, true);
    n.set_bit(0, true);
    n
}

/// All of them, in no particular order.
pub(crate) fn bad() -> Vec<BadSpki> {
    let mut bad = Bad { all: Vec::new() };
    let n = keys::k4552_a().public.n.clone();
    bad::numbers(&mut bad, &n);
    bad::algorithms(&mut bad, &n);
    bad::lengths(&mut bad, &n);
    bad::left_over(&mut bad, &n);
    bad::other_formats(&mut bad, &n);
    bad::headers(&mut bad, &n);
    bad.all
}

/// Names of those that also stand for M1 and for the client's SPKI in the handshake's vectors.
const REPRESENTATIVES: &[&str] = &[
    "bits-4424",
    "bits-8193",
    "even",
    "modulus-negative",
    "exponent-3",
    "missing-null",
    "indefinite-outer",
    "trailing-after-outer",
    "unused-bits-1",
    "truncated-by-1",
];

struct Bad {
    all: Vec<BadSpki>,
}

impl Bad {
    fn push(&mut self, name: &str, octets: Vec<u8>, requirement: &'static str, flaw: &str) {
        let (name, flaw) = (name.to_owned(), flaw.to_owned());
        let representative = REPRESENTATIVES.contains(&&*name);
        self.all.push(BadSpki { name, octets, requirement, flaw, representative });
    }

    fn with(
        &mut self,
        name: &str,
        n: &BigUint,
        requirement: &'static str,
        flaw: &str,
        change: impl FnOnce(&mut Spki),
    ) {
        let mut spki = Spki::new(n, 65537);
        change(&mut spki);
        self.push(name, spki.octets(), requirement, flaw);
    }
}

/// The good server's key in PKCS#1.
pub(crate) fn pkcs1() -> Vec<u8> {
    Spki::new(&keys::k4552_a().public.n, 65537).pkcs1()
}
