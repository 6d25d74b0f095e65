//! M2 and its plaintext: what is refused before the look-up.

use serde_json::{Map, Value, json};

use super::super::events::{no_key, receive};
use super::super::{oaep, spki};
use super::silent;
use crate::build::cred::with_octet;
use crate::build::family::{Base, Draft, Family};
use crate::build::keys;
use crate::build::primitives::stream;
use crate::build::protocol::{self, p1};
use crate::build::world::{Handshake, ID, good};

/// A vector whose M2 is other octets and which ends in a refusal.
fn with_m2<'f>(
    family: &'f mut Family,
    name: impl Into<String>,
    rules: &[&'static str],
    code: &'static str,
    flaw: &str,
    m2: &[u8],
) -> &'f mut Draft {
    let change = |input: &mut Map<String, Value>| input["events"][0] = receive(100, m2);
    let draft = family.reject(name, "valid", rules, code, flaw, change);
    draft.out(silent(good(), None)).group("request-secret").security()
}

pub(super) fn request(base: Base) -> Family {
    let mut family = Family::new(
        "hs/server-request",
        "hs.server",
        "Requests that the server refuses before the look-up.",
    )
    .with_base(base);
    let hs = good();
    let (spki, c1) = hs.m2.split_at(hs.spki.len());
    for (name, m2, flaw) in [
        ("m2-empty", vec![], "M2 is an empty message"),
        ("m2-1-octet", vec![0x30], "M2 is one octet"),
        ("m2-k-minus-1-octets", c1[1..].to_vec(), "M2 is shorter than C1 alone"),
        ("m2-k-octets", c1.to_vec(), "M2 is C1 alone"),
        ("m2-spki-alone", spki.to_vec(), "M2 is the SPKI alone"),
        (
            "m2-590-plus-k-octets",
            [&spki[..590], c1].concat(),
            "M2 is one octet shorter than the shortest",
        ),
    ] {
        let rules: &[_] = if m2.is_empty() { &["HS-028", "FRAME-005"] } else { &["HS-028"] };
        with_m2(&mut family, name, rules, "malformed", flaw, &m2).group("request").robustness();
    }
    let mut bad_key = |name: String, rules: &[&'static str], flaw: &str, m2: &[u8]| {
        with_m2(&mut family, name, rules, "bad_key", flaw, m2).group("request");
    };
    let shortest = [&spki[..591], c1].concat();
    bad_key(
        "m2-591-plus-k-octets".into(),
        &["HS-028", "HS-030"],
        "M2 is as short as the shortest, and its SPKI cut",
        &shortest,
    );
    bad_key(
        "m2-longer-by-1".into(),
        &["HS-029", "HS-030"],
        "an octet after C1, so C1 begins one octet later",
        &[&*hs.m2, &[0]].concat(),
    );
    bad_key(
        "m2-shorter-by-1".into(),
        &["HS-029", "HS-030"],
        "the last octet of C1 is missing, so C1 begins one octet earlier",
        &hs.m2[..hs.m2.len() - 1],
    );
    bad_key(
        "m2-octet-between".into(),
        &["HS-029", "HS-030"],
        "an octet between SPKI and C1",
        &[spki, &[0], c1].concat(),
    );
    bad_key("m2-swapped".into(), &["HS-023", "HS-030"], "C1 before the SPKI", &[c1, spki].concat());
    for bad in spki::bad().into_iter().filter(|bad| bad.representative) {
        let m2 = [&*bad.octets, c1].concat();
        if bad.octets.len() >= 591 {
            bad_key(
                format!("spki-{}", bad.name),
                &["HS-030", bad.requirement],
                &format!("in the client's SPKI, {}", bad.flaw),
                &m2,
            );
        }
    }
    let both = [&*with_octet(spki, 606, 3), &*vec![0xff; 569]].concat();
    bad_key(
        "spki-and-c1".into(),
        &["HS-031"],
        "a bad SPKI and a C1 that is not below the modulus: the SPKI comes first",
        &both,
    );
    for bad in
        oaep::bad(&hs.server.public, &hs.p1, "C1").into_iter().filter(|bad| bad.representative)
    {
        let rules: &[_] = if bad.name.starts_with("value") {
            &["HS-032", "HS-015"]
        } else {
            &["HS-032", "HS-016"]
        };
        with_m2(
            &mut family,
            format!("c1-{}", bad.name),
            rules,
            "decrypt",
            bad.flaw,
            &[spki, &bad.octets].concat(),
        );
    }
    bad_plaintext(&mut family, hs);
    family
}

fn bad_plaintext(family: &mut Family, hs: &Handshake) {
    let (pc, t, nonce) = (&hs.credentials.client_password[..], hs.t, &hs.nonce[..]);
    let mut bad = |name: &str, rules: &[&'static str], flaw: &str, p1: Vec<u8>| {
        with_m2(family, name, rules, "malformed", flaw, &hs.m2_of(name, &p1));
    };
    bad("p1-trailing-octet", &["HS-033"], "an octet after P1", [&*hs.p1, &[0]].concat());
    bad(
        "p1-last-octet-missing",
        &["HS-033"],
        "the last octet of P1 is missing",
        hs.p1[..hs.p1.len() - 1].to_vec(),
    );
    bad(
        "p1-id-control",
        &["HS-034", "CRED-003"],
        "the id contains a line end",
        p1(b"al\nice", pc, t, nonce),
    );
    bad(
        "p1-password",
        &["HS-035"],
        "a digit of Pc is a full stop",
        p1(ID, &with_octet(pc, 17, b'.'), t, nonce),
    );
    bad(
        "order-form-binding",
        &["HS-037", "HS-035"],
        "Pc is not base62 and the nonce not bound: the form comes first",
        p1(ID, &with_octet(pc, 17, b'.'), t, &[0; 30]),
    );
}

pub(super) fn binding(base: Base) -> Family {
    let mut family = Family::new(
        "hs/server-binding",
        "hs.server",
        "Nonces that are not bound to this handshake.",
    )
    .with_base(base);
    let hs = good();
    let mut bad = |name: &str, flaw: &str, nonce: &[u8]| {
        let p1 = p1(ID, &hs.credentials.client_password, hs.t, nonce);
        let m2 = hs.m2_of(name, &p1);
        with_m2(&mut family, name, &["HS-036", "HS-025", "HS-037"], "binding", flaw, &m2);
    };
    let (m1, spki, r) = (&hs.m1[..], &hs.spki[..], &hs.r[..]);
    let other = keys::k4552_d().public.spki();
    bad(
        "another-m1",
        "the nonce is bound to another server's key",
        &protocol::nonce(&other, spki, r),
    );
    bad(
        "another-spki",
        "the nonce is bound to another client's key",
        &protocol::nonce(m1, &other, r),
    );
    bad(
        "another-r",
        "the last 16 octets belong to another r",
        &[r, &protocol::binding(m1, spki, &stream("another r", 14))].concat(),
    );
    let hash =
        |label: &[u8], separator: &[u8]| protocol::binding_hash(label, separator, m1, spki, r);
    bad(
        "another-label",
        "another label",
        &[r, &hash(b"secure-tunnel/v2 nonce", &[0])[..16]].concat(),
    );
    bad("unbound", "30 random octets, as in the original", &stream("unbound nonce", 30));
    for position in [14, 29] {
        let mut nonce = hs.nonce.clone();
        nonce[position] ^= 1;
        let what = if position == 29 { ": 15 of 16 octets are right" } else { "" };
        bad(
            &format!("octet-{position:02}"),
            &format!("a bit of octet {position} of the nonce is flipped{what}"),
            &nonce,
        );
    }
    let captured = [&*other, &hs.m2[spki.len()..]].concat();
    with_m2(
        &mut family,
        "captured-c1",
        &["HS-036", "HS-025"],
        "binding",
        "an attacker's SPKI beside a captured C1",
        &captured,
    )
    .bug("relay");
    let change = |input: &mut Map<String, Value>| {
        input["events"] = json!([receive(100, &captured), no_key(110, "unknown", hs.t)]);
    };
    family
        .reject(
            "order-binding-unknown",
            "valid",
            &["HS-037", "HS-036"],
            "binding",
            "not bound, and the id unknown: the binding comes before the look-up",
            change,
        )
        .out(silent(hs, None))
        .group("request-secret")
        .security();
    family
}
