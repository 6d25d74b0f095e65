//! Section 3.3: RSAES-OAEP. Almost each vector costs the implementation an RSA private operation.

use num_bigint::BigUint;
use serde_json::json;

use crate::build::family::{Family, hex};
use crate::build::keys;
use crate::build::primitives::rsa::{Hash, Oaep, PrivateKey, PublicKey, pkcs1_v15, to_octets};
use crate::build::primitives::stream;
use crate::build::protocol::{ciphertext_with_zero, oaep};

/// A ciphertext of the right length that does not open; each wrong in one way.
pub(crate) struct BadCiphertext {
    pub(crate) name: &'static str,
    pub(crate) octets: Vec<u8>,
    pub(crate) flaw: &'static str,
    /// Whether handshake vectors repeat it.
    pub(crate) representative: bool,
}

const MESSAGE: &[u8] = b"a message of no particular length";

pub(crate) fn family() -> Family {
    let mut family = Family::new("hs/oaep", "hs.oaep", "Opening RSAES-OAEP ciphertexts.");
    let add = |family: &mut Family,
               name: &str,
               key: &PrivateKey,
               ciphertext: &[u8],
               plaintext: &[u8],
               note: &str| {
        assert_eq!(key.open(ciphertext).as_deref(), Some(plaintext), "hs/oaep/{name}");
        let input = json!({ "private_key": hex(&key.pkcs8), "ciphertext": hex(ciphertext) });
        let out = json!({ "plaintext": hex(plaintext) });
        family.accept(name, &["HS-012", "HS-014"], input, out, note);
    };
    let key = keys::k4552_a();
    let public = &key.public;
    let usual = public.encrypt(&oaep("hs/oaep"), MESSAGE);
    add(&mut family, "valid", key, &usual, MESSAGE, "A usual ciphertext.");
    let empty = public.encrypt(&oaep("empty"), b"");
    add(&mut family, "empty-message", key, &empty, b"", "The empty message.");
    let longest = stream("longest message", public.size() - 42);
    let ciphertext = public.encrypt(&oaep("longest"), &longest);
    add(
        &mut family,
        "longest-message",
        key,
        &ciphertext,
        &longest,
        "k - 42 octets: no padding octets.",
    );
    let zero_first = ciphertext_with_zero(public, "hs/oaep zero first", MESSAGE);
    add(
        &mut family,
        "leading-zero",
        key,
        &zero_first,
        MESSAGE,
        "The ciphertext's first octet is 00 and is there.",
    );
    for bad in bad(public, MESSAGE, "hs/oaep") {
        assert_eq!(key.open(&bad.octets), None, "hs/oaep/{} opens", bad.name);
        let value_rule = matches!(
            bad.name,
            "value-n" | "value-n-plus-1" | "value-n-plus-good" | "value-largest"
        );
        let rules: &[_] = if value_rule { &["HS-015", "HS-017"] } else { &["HS-016", "HS-017"] };
        family
            .reject(bad.name, "valid", rules, "decrypt", bad.flaw, |input| {
                input.insert("ciphertext".to_owned(), hex(&bad.octets));
            })
            .security()
            .note("All ways to fail are one: telling them apart is Manger's attack.");
    }
    let mut length = |name: &str, ciphertext: &[u8], flaw: &str| {
        family
            .reject(name, "valid", &["HS-014", "HS-017"], "decrypt", flaw, |input| {
                input.insert("ciphertext".to_owned(), hex(ciphertext));
            })
            .bug("ciphertext length");
    };
    length("length-k-minus-1", &usual[..568], "the last octet is missing");
    length("length-k-plus-1", &[&*usual, &[0]].concat(), "a zero octet after the ciphertext");
    length(
        "length-k-plus-1-leading",
        &[&[0], &*usual].concat(),
        "a zero octet before the ciphertext",
    );
    length("length-0", &[], "no octets");
    length("length-1", &[1], "one octet");
    length(
        "leading-zero-stripped",
        &zero_first[1..],
        "the leading zero octet of a good ciphertext is stripped",
    );
    family
}

/// Ciphertexts for `key` that must not open; `message` is what most of them carry.
pub(crate) fn bad(key: &PublicKey, message: &[u8], label: &str) -> Vec<BadCiphertext> {
    let mut all = Vec::new();
    let size = key.size();
    let usual = oaep(&format!("bad ciphertext: {label}"));
    let mut push = |name, octets, flaw, representative| {
        all.push(BadCiphertext { name, octets, flaw, representative });
    };
    let padded = |change: &dyn Fn(&mut Oaep)| {
        let mut padding = usual.clone();
        change(&mut padding);
        key.encrypt(&padding, message)
    };
    let seed32 = stream(&format!("seed of 32 octets: {label}"), 32);
    let sha256 = |mgf_hash| {
        let padding = Oaep { hash: Hash::Sha256, mgf_hash, seed: seed32.clone(), ..usual.clone() };
        key.encrypt(&padding, message)
    };
    push("sha256", sha256(Hash::Sha256), "SHA-256 for both hashes", false);
    push("sha256-mgf1-sha1", sha256(Hash::Sha1), "SHA-256 for the label, SHA-1 for MGF1", false);
    push("mgf1-sha256", padded(&|p| p.mgf_hash = Hash::Sha256), "SHA-256 in MGF1", false);
    push(
        "label",
        padded(&|p| p.label = b"secure-tunnel/v1".to_vec()),
        "a label that is not empty",
        false,
    );
    push(
        "first-octet-01",
        padded(&|p| p.first = 1),
        "the first octet of the encoded message is 01",
        true,
    );
    push(
        "no-separator",
        padded(&|p| p.separator = 0),
        "no octet 01 before a message that has none either",
        false,
    );
    push("padding-ff", padded(&|p| p.padding = 0xff), "padding octets of ff instead of 00", false);
    push(
        "lhash-last-bit",
        padded(&|p| p.lhash_xor = [vec![0; 19], vec![1]].concat()),
        "the last bit of the label's hash is wrong",
        false,
    );
    let v15 = pkcs1_v15(size, message, &stream("pkcs1 filler", 1024));
    push("pkcs1-v15", key.raw(&v15), "PKCS#1 v1.5 padding", true);
    push("value-n-minus-1", to_octets(&(&key.n - 1_u8), size), "the value n - 1", false);
    push("value-n", to_octets(&key.n, size), "the value n", false);
    push("value-n-plus-1", to_octets(&(&key.n + 1_u8), size), "the value n + 1", false);
    // Only where the sum fits k octets is there a second form of a good ciphertext.
    let small = (0..)
        .map(|i| key.encrypt(&oaep(&format!("small ciphertext: {label} {i}")), message))
        .map(|c| BigUint::from_bytes_be(&c) + &key.n)
        .find(|sum| sum.bits() <= 8 * size as u64)
        .unwrap_or_else(|| unreachable!("one ciphertext in a few does"));
    push("value-n-plus-good", to_octets(&small, size), "n is added to a good ciphertext", true);
    push("value-largest", vec![0xff; size], "all bits are set", false);
    let others = if *key == keys::k4552_c().public { keys::k4552_d() } else { keys::k4552_c() };
    if others.public.size() == size {
        let mut other = Vec::new();
        for i in 0.. {
            other = others.public.encrypt(&oaep(&format!("for another key: {label} {i}")), message);
            if BigUint::from_bytes_be(&other) < key.n {
                break;
            }
        }
        push("another-key", other, "a ciphertext for another key", true);
    }
    all
}
