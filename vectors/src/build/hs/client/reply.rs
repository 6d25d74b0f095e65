//! M3 and the open record.

use super::super::events::{receive, request};
use super::super::oaep;
use super::{all_sent, all_sent_unopened, input, not_established, sent_m2_unopened, usual};
use crate::build::cred::with_octet;
use crate::build::family::{Draft, Family, hex};
use crate::build::keys;
use crate::build::protocol::{ciphertext_with_zero, p3};
use crate::build::world::{Credentials, Handshake, NOW, good};

pub(super) fn reply() -> Family {
    let mut family = Family::new(
        "hs/client-reply",
        "hs.client",
        "The client's checks of M3, and its open record.",
    );
    let hs = good();
    let rules = &["HS-059", "HS-068", "CHAN-023", "HS-051", "HS-056", "HS-057", "HS-058"];
    family.accept(
        "valid",
        rules,
        input(hs, usual(hs)),
        all_sent(hs, &hs.m3),
        "M3 is accepted, the open record sent.",
    );
    let mut add = |name: &str, hs: &Handshake, m3: &[u8], rules: &[&'static str], note: &str| {
        let events = vec![receive(20, &hs.m1), request(40, hs.t), receive(90, m3)];
        let opened = name.starts_with("sizes") || matches!(name, "time-0-10" | "time-2-64-minus-1");
        let sent = if opened { all_sent(hs, m3) } else { all_sent_unopened(hs, m3) };
        family.accept(name, rules, input(hs, events), sent, note);
    };
    for (name, t, time) in [
        ("time-plus-10", NOW, NOW + 10),
        ("time-minus-10", NOW, NOW - 10),
        ("time-0-10", 0, 10),
        ("time-10-0", 10, 0),
        ("time-2-64-minus-1", u64::MAX, u64::MAX - 10),
        ("time-2-63", (1 << 63) - 5, (1 << 63) + 5),
    ] {
        let hs = Handshake::new(hs.credentials.clone(), hs.server, hs.client, t, "good");
        let m3 = hs.m3_of(name, &p3(&hs.credentials.server_password, &hs.k, time, &hs.nonce));
        add(name, &hs, &m3, &["HS-056", "CONV-002"], "t and t' are exactly 10 seconds apart.");
    }
    let zero_first = ciphertext_with_zero(&hs.client.public, "M3 zero first", &hs.p3);
    add(
        "m3-leading-zero",
        hs,
        &zero_first,
        &["HS-014", "HS-052"],
        "M3's first octet is 00 and is there.",
    );
    for (name, server, client, id) in [
        ("sizes-4425-4480-id-1", keys::k4425(), keys::k4480_b(), &b"a"[..]),
        ("sizes-4480-4425-id-255", keys::k4480_a(), keys::k4425(), &[b'x'; 255]),
    ] {
        let other = Handshake::new(Credentials::labelled(id, name), server, client, NOW, name);
        add(
            name,
            &other,
            &other.m3,
            &["HS-004", "HS-051", "CRED-004"],
            "Other sizes of keys and of the id.",
        );
    }
    bad_reply_octets(&mut family, hs);
    bad_reply_contents(&mut family, hs);
    family
}

/// A vector whose M3 is other octets.
fn with_m3<'f>(
    family: &'f mut Family,
    name: &str,
    rules: &[&'static str],
    code: &'static str,
    flaw: &str,
    m3: &[u8],
) -> &'f mut Draft {
    let draft = family
        .reject(name, "valid", rules, code, flaw, |input| input["events"][2] = receive(90, m3));
    draft.out(not_established()).group("reply").security()
}

fn bad_reply_octets(family: &mut Family, hs: &Handshake) {
    let m3 = &hs.m3;
    for (name, octets, flaw) in [
        ("m3-empty", vec![], "M3 is an empty message"),
        ("m3-1-octet", vec![1], "M3 is one octet"),
        ("m3-k-minus-1", m3[..568].to_vec(), "the last octet of M3 is missing"),
        ("m3-k-plus-1", [&**m3, &[0]].concat(), "an octet after M3"),
        ("m3-k-plus-1-leading", [&[0], &**m3].concat(), "a zero octet before M3"),
        ("m3-is-m1", hs.m1.clone(), "M1 arrives again in the place of M3"),
        ("m3-is-m2", hs.m2.clone(), "the client's own M2 comes back"),
    ] {
        let rules: &[_] = if octets.is_empty() { &["HS-052", "FRAME-005"] } else { &["HS-052"] };
        with_m3(family, name, rules, "malformed", flaw, &octets).out(sent_m2_unopened(hs));
    }
    let stripped = ciphertext_with_zero(&hs.client.public, "M3 zero first", &hs.p3);
    let flaw = "the leading zero octet of a good M3 is stripped";
    with_m3(
        family,
        "m3-leading-zero-stripped",
        &["HS-052", "HS-014"],
        "malformed",
        flaw,
        &stripped[1..],
    )
    .bug("ciphertext length")
    .out(sent_m2_unopened(hs));
    for bad in
        oaep::bad(&hs.client.public, &hs.p3, "M3").into_iter().filter(|bad| bad.representative)
    {
        let rules: &[_] = if bad.name.starts_with("value") {
            &["HS-053", "HS-015"]
        } else {
            &["HS-053", "HS-016"]
        };
        with_m3(family, bad.name, rules, "decrypt", bad.flaw, &bad.octets);
    }
}

fn bad_reply_contents(family: &mut Family, hs: &Handshake) {
    let ps = &hs.credentials.server_password[..];
    let (k, t, nonce) = (&hs.k[..], hs.t, &hs.nonce[..]);
    let mut bad = |name: &str, rules: &[&'static str], code, flaw: &str, plaintext: Vec<u8>| {
        let m3 = hs.m3_of(name, &plaintext);
        with_m3(family, name, rules, code, flaw, &m3);
    };
    bad("p3-93-octets", &["HS-054"], "malformed", "P3 has 93 octets", hs.p3[..93].to_vec());
    bad("p3-95-octets", &["HS-054"], "malformed", "P3 has 95 octets", [&*hs.p3, &[0]].concat());
    bad(
        "ps-not-base62",
        &["HS-055"],
        "malformed",
        "a digit of Ps is a full stop",
        with_octet(&hs.p3, 7, b'.'),
    );
    for (name, time) in [("time-plus-11", t + 11), ("time-minus-11", t - 11)] {
        bad(name, &["HS-056"], "stale", "t' is 11 seconds from t", p3(ps, k, time, nonce));
    }
    bad(
        "time-2-32-more",
        &["HS-056", "CONV-002"],
        "stale",
        "t' is 2^32 seconds later",
        p3(ps, k, t + (1 << 32), nonce),
    );
    for position in [0, 14, 29] {
        let mut nonce = hs.nonce.clone();
        nonce[position] ^= 1;
        let flaw = format!("a bit of octet {position} of the nonce is flipped");
        bad(
            &format!("nonce-octet-{position:02}"),
            &["HS-057"],
            "nonce",
            &flaw,
            p3(ps, k, t, &nonce),
        );
    }
    let mut wrong = |name: &str, flaw: &str, ps: &[u8]| {
        bad(name, &["HS-058"], "wrong_password", flaw, p3(ps, k, t, nonce));
    };
    let digit = if ps[7] == b'0' { b'1' } else { b'0' };
    wrong("ps-last-digit", "the last digit of Ps is another", &with_octet(ps, 7, digit));
    let (late, other) = (t + 11, [7; 30]);
    let wrong_ps = with_octet(ps, 0, if ps[0] == b'0' { b'1' } else { b'0' });
    bad(
        "order-stale-nonce",
        &["HS-056"],
        "stale",
        "t' is late and the nonce wrong: t' comes first",
        p3(ps, k, late, &other),
    );
    bad(
        "order-nonce-password",
        &["HS-057"],
        "nonce",
        "nonce and Ps are wrong: the nonce comes first",
        p3(&wrong_ps, k, t, &other),
    );
    bad(
        "order-stale-password",
        &["HS-056"],
        "stale",
        "t' is late and Ps wrong: t' comes first",
        p3(&wrong_ps, k, late, nonce),
    );
    bad(
        "order-form-stale",
        &["HS-055"],
        "malformed",
        "Ps is not base62 and t' late: the form comes first",
        p3(b"1234567.", k, late, nonce),
    );
    let tail = hs.credentials.client_key.len() - 8;
    for (name, position) in [("ds-first-digit", tail), ("ds-last-digit", tail + 7)] {
        let digit = if hs.credentials.client_key[position] == b'0' { b'1' } else { b'0' };
        let client_key = with_octet(&hs.credentials.client_key, position, digit);
        let flaw = "a digit of the clientKey's Ds is another than that of Ps";
        family
            .reject(name, "valid", &["HS-058"], "wrong_password", flaw, |input| {
                input.insert("client_key".to_owned(), hex(&client_key));
            })
            .out(not_established())
            .group("reply")
            .security();
    }
    for (name, t, time) in [
        ("wrap-t-0", 0, u64::MAX),
        ("wrap-t-2-64-minus-1", u64::MAX, 4),
        ("apart-at-2-64", u64::MAX, u64::MAX - 11),
    ] {
        let other = Handshake::new(hs.credentials.clone(), hs.server, hs.client, t, "good");
        let m3 = hs.m3_of(name, &p3(ps, k, time, nonce));
        let flaw = format!("t is {t} and t' is {time}: far apart, unless the difference wraps");
        let flaw = match name {
            "apart-at-2-64" => {
                format!("t is {t} and t' is {time}, which doubles do not tell apart")
            }
            _ => flaw,
        };
        family
            .reject(name, "valid", &["HS-056", "CONV-002"], "stale", flaw, |input| {
                input["events"][1] = request(40, other.t);
                input["events"][2] = receive(90, &m3);
            })
            .out(not_established())
            .group("reply")
            .security()
            .bug("integer wrap");
    }
}
