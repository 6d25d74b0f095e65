//! Signatures on which Ed25519 libraries disagree, as real tokens and signed challenges (section 5.4).
//!
//! Each is made so that a laxer verifier accepts it: nothing is wrong but the one thing named.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use num_bigint::BigUint;
use serde_json::{Map, Value, json};

use super::super::family::{Family, hex, u64_};
use super::super::primitives::ed25519::{
    KeyPair, accepts, add_order, challenge, challenge_mod_8, lenient_point, little_endian, order,
    scalar, signature, small_order_encodings, times_base, torsion,
};
use super::super::primitives::stream_array;
use super::challenge::not_a_point;
use super::{
    CHALLENGE, NOW_MS, Refusal, SECOND, TOKEN, body, client, good_challenge, server, set, verify,
};

/// A public key with a signature under it, made for one message.
struct Case {
    name: String,
    rule: &'static str,
    what: String,
    public: [u8; 32],
    signature: [u8; 64],
    accepted: bool,
}

impl Case {
    /// The rules that a refused case breaks. Where R is of small order, the equation holds octet
    /// for octet only for the canonical encoding of the neutral element.
    fn broken(&self) -> Vec<&'static str> {
        let inexact = self.rule == "TOK-015" && self.name != "r-small-one-even";
        std::iter::once(self.rule).chain(inexact.then_some("TOK-019")).collect()
    }
}

/// A token whose server's key and signature are the case's.
pub(super) fn verify_family() -> Family {
    let about = "Verifying tokens whose signature or server's key is an edge case of Ed25519.";
    let mut family = Family::new("tok/ed25519-verify", "tok.verify", about);
    let body = body(TOKEN, &client().public, SECOND);
    let out = json!({ "client_public": hex(&client().public) });
    let honest = server().signed(&body);
    let input = verify::input(&server().public, &honest, NOW_MS);
    family.accept("valid", &["TOK-020"], input, out.clone(), "An honest signature.");
    let refuse = Refusal("server_signature", Some(401));
    for case in cases(&server(), &|_| body.clone()) {
        let token = [&case.signature[..], &body].concat();
        if case.accepted {
            let input = verify::input(&case.public, &token, NOW_MS);
            family.accept(case.name, &[case.rule, "TOK-020"], input, out.clone(), case.what);
        } else {
            let change = |input: &mut Map<String, Value>| {
                input.insert("server_public".to_owned(), hex(&case.public));
                input.insert("token".to_owned(), hex(&token));
            };
            refuse
                .add(&mut family, case.name.clone(), "valid", &case.broken(), case.what, change)
                .bug("ed25519");
        }
    }
    family
}

/// A signed challenge whose client's key and signature are the case's.
pub(super) fn issue_family() -> Family {
    let about = "Issuing tokens to clients whose signature or key is an edge case of Ed25519.";
    let mut family = Family::new("tok/ed25519-issue", "tok.issue", about);
    let input = |public: &[u8], signed: &[u8]| {
        json!({
            "server_private": hex(&server().octets()),
            "client_public": hex(public),
            "signed_challenge": hex(signed),
            "now_ms": u64_(NOW_MS),
        })
    };
    let token =
        |public: &[u8]| json!({ "token": hex(&server().signed(&body(TOKEN, public, SECOND + 2))) });
    let honest = client().signed(&good_challenge());
    let public = client().public;
    let note = "An honest signature.";
    family.accept("valid", &["TOK-020"], input(&public, &honest), token(&public), note);
    let refuse = Refusal("client_signature", Some(401));
    let challenge = |public: &[u8; 32]| server().signed(&body(CHALLENGE, public, SECOND));
    for case in cases(&client(), &challenge) {
        let signed = [&case.signature[..], &challenge(&case.public)].concat();
        if case.accepted {
            let (input, out) = (input(&case.public, &signed), token(&case.public));
            family.accept(case.name, &[case.rule, "TOK-020"], input, out, case.what);
        } else {
            let change = |input: &mut Map<String, Value>| {
                input.insert("client_public".to_owned(), hex(&case.public));
                set("signed_challenge", hex(&signed))(input);
            };
            refuse
                .add(&mut family, case.name.clone(), "valid", &case.broken(), case.what, change)
                .bug("ed25519");
        }
    }
    family
}

/// All cases; `message` gives what is signed under a key.
fn cases(honest: &KeyPair, message: &dyn Fn(&[u8; 32]) -> Vec<u8>) -> Vec<Case> {
    let mut cases = large_s(honest, message);
    cases.extend(small_keys(message));
    cases.push(near_the_prime(message));
    cases.extend(small_r(honest, message));
    cases.extend(mixed(honest, message));
    cases.extend(other_schemes(honest, message));
    for case in &cases {
        let verdict = accepts(&case.public, &message(&case.public), &case.signature);
        assert_eq!(verdict, case.accepted, "{} by the words of section 5.4", case.name);
    }
    cases
}

/// S that is not less than L.
fn large_s(honest: &KeyPair, message: &dyn Fn(&[u8; 32]) -> Vec<u8>) -> Vec<Case> {
    let good = honest.sign(&message(&honest.public));
    let case = |name: &str, what: &str, signature| Case {
        name: format!("s-{name}"),
        rule: "TOK-014",
        what: what.to_owned(),
        public: honest.public,
        signature,
        accepted: false,
    };
    let mut cases: Vec<Case> = [1, 2, 7, 8, 14]
        .into_iter()
        .map(|times| {
            let what = format!("S is larger by {times} times L");
            case(&format!("plus-{times}-l"), &what, add_order(&good, times))
        })
        .collect();
    for (name, mask) in [("bit-253", 0x20), ("bit-254", 0x40), ("bit-255", 0x80), ("bits", 0xe0)] {
        let mut signature = good;
        signature[63] |= mask;
        let what = format!("of S the bits {mask:02x} of the last octet are set");
        cases.push(case(name, &what, signature));
    }
    let with_s = |s: &BigUint| {
        let mut signature = good;
        signature[32..].copy_from_slice(&little_endian(s));
        signature
    };
    cases.push(case("is-l", "S is L itself", with_s(&order())));
    for (name, what, s) in [
        ("is-l-minus-1", "S is L - 1, the largest that is in range", order() - 1_u8),
        ("is-zero", "S is 0", BigUint::ZERO),
    ] {
        cases.push(Case { rule: "TOK-019", ..case(name, what, with_s(&s)) });
    }
    cases
}

/// Keys of small order, with signatures that the plain equation accepts: anyone can make them.
fn small_keys(message: &dyn Fn(&[u8; 32]) -> Vec<u8>) -> Vec<Case> {
    small_order_encodings()
        .into_iter()
        .map(|(name, public)| {
            let message = message(&public);
            let key = point(&public);
            // With S = r the equation holds whenever h*A is the neutral element.
            let (r, s) = search(&format!("small key {name}"), |s| {
                let r = times_base(s).compress().to_bytes();
                (key * challenge(&r, &public, &message) == torsion(0)).then_some(r)
            });
            let canonical =
                !name.starts_with('p') && !matches!(&*name, "one-odd" | "minus-one-odd");
            Case {
                name: format!("key-small-{name}"),
                rule: if canonical { "TOK-017" } else { "TOK-016" },
                what: format!("the key is of small order ({name}); nobody needs a secret to sign"),
                public,
                signature: signature(&r, &s.to_bytes()),
                accepted: false,
            }
        })
        .chain([Case {
            name: "key-not-a-point".to_owned(),
            rule: "TOK-018",
            what: "the key is not the encoding of a point".to_owned(),
            public: not_a_point(),
            signature: signature(&times_base(&scalar("r")).compress().to_bytes(), &[0; 32]),
            accepted: false,
        }])
        .collect()
}

/// An honest key whose y begins and ends like p, 2^255 - 19, and is far below it.
fn near_the_prime(message: &dyn Fn(&[u8; 32]) -> Vec<u8>) -> Case {
    // The first of its kind by counting.
    let key = KeyPair::new(stream_array("near the prime 7337"));
    let [first, middle @ .., last] = key.public;
    assert!(first >= 0xed && last == 0x7f && !middle.contains(&0xff), "what the case is for");
    Case {
        name: "key-ends-like-the-prime".to_owned(),
        rule: "TOK-016",
        what:
            "The key is canonical, though its first and last octets are those of keys that are not."
                .to_owned(),
        public: key.public,
        signature: key.sign(&message(&key.public)),
        accepted: true,
    }
}

/// R of small order under an honest key.
fn small_r(honest: &KeyPair, message: &dyn Fn(&[u8; 32]) -> Vec<u8>) -> Vec<Case> {
    let a = honest.scalar();
    let message = message(&honest.public);
    small_order_encodings()
        .into_iter()
        .map(|(name, r)| {
            // S*B = h*A: exact where R stands for the neutral element, up to the cofactor elsewhere.
            let s = challenge(&r, &honest.public, &message) * a;
            Case {
                name: format!("r-small-{name}"),
                rule: "TOK-015",
                what: format!("R is of small order ({name})"),
                public: honest.public,
                signature: signature(&r, &s.to_bytes()),
                accepted: false,
            }
        })
        .collect()
}

/// Keys and R of mixed order: which hold exactly, and which only up to the cofactor.
fn mixed(honest: &KeyPair, message: &dyn Fn(&[u8; 32]) -> Vec<u8>) -> Vec<Case> {
    let a = honest.scalar();
    let mut cases = Vec::new();
    for order in [8, 4, 2] {
        let t = torsion(8 / order);
        let public = (times_base(&a) + t).compress().to_bytes();
        let message = message(&public);
        let mut push = |kind: &str, rule, what: String, r: [u8; 32], s: Scalar, accepted| {
            cases.push(Case {
                name: format!("mixed-{order}-{kind}"),
                rule,
                what,
                public,
                signature: signature(&r, &s.to_bytes()),
                accepted,
            });
        };
        // h a multiple of the order: the torsion of A vanishes and the equation is exact.
        let (r, secret) = search(&format!("mixed {order} exact"), |secret| {
            let r = times_base(secret).compress().to_bytes();
            challenge_mod_8(&r, &public, &message).is_multiple_of(order).then_some(r)
        });
        let s = secret + challenge(&r, &public, &message) * a;
        let what = format!("The key has a component of order {order}; the equation holds exactly.");
        push("key-exact", "TOK-019", what, r, s, true);
        // h not a multiple: only the cofactored equation holds.
        let (r, secret) = search(&format!("mixed {order} cofactored"), |secret| {
            let r = times_base(secret).compress().to_bytes();
            (!challenge_mod_8(&r, &public, &message).is_multiple_of(order)).then_some(r)
        });
        let s = secret + challenge(&r, &public, &message) * a;
        let what = format!(
            "the key has a component of order {order}; the equation holds only with the cofactor"
        );
        push("key-cofactored", "TOK-019", what, r, s, false);
        // R takes up the torsion of h*A: exact again, with R of mixed order too.
        let found = search_torsion(&format!("mixed {order} both"), |secret, i| {
            let r = (times_base(secret) + torsion(i)).compress().to_bytes();
            let h = challenge(&r, &public, &message);
            (i != 0 && t * h + torsion(i) == torsion(0)).then_some(r)
        });
        let (r, secret) = found;
        let s = secret + challenge(&r, &public, &message) * a;
        let what = "The key and R have components of small order that cancel; the equation holds \
                    exactly."
            .to_owned();
        push("both-exact", "TOK-019", what, r, s, true);
    }
    let message = message(&honest.public);
    for i in [1, 2, 4] {
        let secret = scalar(&format!("mixed r {i}"));
        let r = (times_base(&secret) + torsion(i)).compress().to_bytes();
        let s = secret + challenge(&r, &honest.public, &message) * a;
        cases.push(Case {
            name: format!("mixed-r-{}-cofactored", 8 / i),
            rule: "TOK-019",
            what: format!("R has a component of order {}; it holds only with the cofactor", 8 / i),
            public: honest.public,
            signature: signature(&r, &s.to_bytes()),
            accepted: false,
        });
    }
    cases
}

/// Signatures of schemes that are nearly Ed25519.
fn other_schemes(honest: &KeyPair, message: &dyn Fn(&[u8; 32]) -> Vec<u8>) -> Vec<Case> {
    let a = honest.scalar();
    let message = message(&honest.public);
    let secret = scalar("other schemes");
    let r = times_base(&secret).compress().to_bytes();
    let case = |name: &str, what: &str, signature| Case {
        name: name.to_owned(),
        rule: "TOK-019",
        what: what.to_owned(),
        public: honest.public,
        signature,
        accepted: false,
    };
    let with = |h: Scalar| signature(&r, &(secret + h * a).to_bytes());
    let domain = |flag: u8, message: &[u8]| {
        let dom2 = [b"SigEd25519 no Ed25519 collisions", &[flag, 0][..]].concat();
        hash(&[&dom2, &r, &honest.public, message])
    };
    let mut negated = honest.sign(&message);
    let mut s = [0; 32];
    s.copy_from_slice(&negated[32..]);
    negated[32..].copy_from_slice(&(-Scalar::from_bytes_mod_order(s)).to_bytes());
    let mut swapped = honest.sign(&message);
    swapped.rotate_left(32);
    vec![
        case("scheme-ctx", "signed as Ed25519ctx with an empty context", with(domain(0, &message))),
        case("scheme-ph", "signed as Ed25519ph", with(domain(1, &sha512(&message)))),
        case("scheme-no-key", "the hash leaves out A", with(hash(&[&r, &message]))),
        case(
            "scheme-key-first",
            "the hash takes A before R",
            with(hash(&[&honest.public, &r, &message])),
        ),
        case("s-negated", "S is negated", negated),
        case("halves-swapped", "S stands before R", swapped),
        case("all-zero", "the signature is all zeros", [0; 64]),
    ]
}

fn point(encoding: &[u8; 32]) -> EdwardsPoint {
    lenient_point(encoding).unwrap_or_else(|| unreachable!("of small order"))
}

/// The first scalar, counted, for which `try_scalar` finds something.
fn search<T>(label: &str, try_scalar: impl Fn(&Scalar) -> Option<T>) -> (T, Scalar) {
    (0_u32..)
        .map(|i| scalar(&format!("{label} {i}")))
        .find_map(|scalar| try_scalar(&scalar).map(|found| (found, scalar)))
        .unwrap_or_else(|| unreachable!("one in eight does"))
}

/// As [`search`], with each multiple of the point of order 8.
fn search_torsion<T>(label: &str, try_both: impl Fn(&Scalar, usize) -> Option<T>) -> (T, Scalar) {
    search(label, |scalar| (0..8).find_map(|i| try_both(scalar, i)))
}

fn sha512(octets: &[u8]) -> [u8; 64] {
    use sha2::{Digest, Sha512};
    Sha512::digest(octets).into()
}

fn hash(parts: &[&[u8]]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&sha512(&parts.concat()))
}
