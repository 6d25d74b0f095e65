//! Right answers pass, and wrong ones get the verdict that they deserve.

use serde_json::{Map, Value, json};
use tunnelproof_vectors::build::primitives::rsa::{Oaep, PrivateKey};
use tunnelproof_vectors::build::primitives::{
    gcm_seal, hkdf_expand, hkdf_expand32, hkdf_extract, sha256,
};
use tunnelproof_vectors::{Answer, Expect, Level, MismatchKind, Reject, Vector};

fn vector(expect: Expect) -> Vector {
    Vector {
        id: "hs/test/vector".to_owned(),
        since: "1.0.0".to_owned(),
        requirements: vec!["HS-014".to_owned()],
        level: Level::Must,
        op: "hs.client".to_owned(),
        requires: Vec::new(),
        input: Map::new(),
        expect,
        base: None,
        flaw: None,
        group: None,
        severity: None,
        note: "A vector of this test.".to_owned(),
        bug: None,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

fn accept(out: Value) -> Vector {
    vector(Expect::Accept(object(out)))
}

fn reject(status: Option<Option<u16>>, out: Option<Value>) -> Vector {
    vector(Expect::Reject(Reject {
        class: "auth".to_owned(),
        codes: vec!["decrypt".to_owned(), "pin".to_owned()],
        status,
        out: out.map(object),
    }))
}

/// The verdict on `ok` with these results.
fn on_ok(vector: &Vector, out: Value) -> Option<MismatchKind> {
    vector.judge(&Answer::Ok(&object(out))).err().map(|mismatch| mismatch.kind)
}

fn on_reject(
    vector: &Vector,
    class: Option<&str>,
    code: Option<&str>,
    status: Option<Option<u16>>,
    out: Option<Value>,
) -> Option<MismatchKind> {
    let out = out.map(object);
    let answer = Answer::Reject { class, code, status, out: out.as_ref() };
    vector.judge(&answer).err().map(|mismatch| mismatch.kind)
}

use MismatchKind::{WrongAccept, WrongClass, WrongOutput, WrongReject};

#[test]
fn results_are_compared_field_by_field() {
    let vector = accept(json!({ "id": "61", "t": "7", "bits": 4552 }));
    assert_eq!(on_ok(&vector, json!({ "id": "61", "t": "7", "bits": 4552 })), None);
    assert_eq!(on_ok(&vector, json!({ "id": "61", "t": "7", "bits": 4552, "more": 1 })), None);
    for wrong in [
        json!({ "id": "62", "t": "7", "bits": 4552 }),
        json!({ "id": "61", "t": 7, "bits": 4552 }),
        json!({ "id": "61", "t": "7" }),
        json!({}),
    ] {
        assert_eq!(on_ok(&vector, wrong), Some(WrongOutput));
    }
    assert_eq!(on_reject(&vector, None, None, None, None), Some(WrongReject));
}

#[test]
fn octets_are_compared_by_value() {
    let digest =
        |octets: &[u8]| json!({ "length": octets.len(), "sha256": hex::encode(sha256(&[octets])) });
    let (short, long) =
        (accept(json!({ "record": "6162" })), accept(json!({ "record": digest(b"ab") })));
    for vector in [short, long] {
        assert_eq!(on_ok(&vector, json!({ "record": "6162" })), None);
        assert_eq!(on_ok(&vector, json!({ "record": digest(b"ab") })), None);
        for wrong in
            [json!("6163"), json!("616"), json!("AB"), digest(b"ac"), json!(null), json!({})]
        {
            assert_eq!(on_ok(&vector, json!({ "record": wrong })), Some(WrongOutput));
        }
    }
    let messages = accept(json!({ "messages": ["61", digest(b"b")] }));
    assert_eq!(on_ok(&messages, json!({ "messages": [digest(b"a"), "62"] })), None);
    for wrong in [json!(["61"]), json!(["61", "62", "63"]), json!(["62", "61"]), json!("61")] {
        assert_eq!(on_ok(&messages, json!({ "messages": wrong })), Some(WrongOutput));
    }
}

#[test]
fn refusals_are_compared_by_class_code_and_status() {
    let vector = reject(None, None);
    assert_eq!(on_reject(&vector, Some("auth"), Some("decrypt"), None, None), None);
    assert_eq!(on_reject(&vector, Some("auth"), Some("pin"), None, None), None);
    assert_eq!(on_reject(&vector, Some("auth"), None, None, None), None);
    assert_eq!(on_reject(&vector, None, None, None, None), None);
    assert_eq!(on_reject(&vector, Some("key"), Some("decrypt"), None, None), Some(WrongClass));
    assert_eq!(on_reject(&vector, Some("auth"), Some("binding"), None, None), Some(WrongClass));
    assert_eq!(on_ok(&vector, json!({})), Some(WrongAccept));
    let unauthorized = reject(Some(Some(401)), None);
    let caller = reject(Some(None), None);
    let judged = |vector, status| on_reject(vector, Some("auth"), None, status, None);
    assert_eq!(judged(&unauthorized, Some(Some(401))), None);
    assert_eq!(judged(&unauthorized, Some(Some(400))), Some(WrongClass));
    assert_eq!(judged(&unauthorized, Some(None)), Some(WrongClass));
    assert_eq!(judged(&unauthorized, None), Some(WrongClass));
    assert_eq!(judged(&caller, None), None);
    assert_eq!(judged(&caller, Some(None)), None);
    assert_eq!(judged(&caller, Some(Some(401))), Some(WrongClass));
    assert_eq!(on_reject(&unauthorized, None, None, None, None), None);
}

#[test]
fn a_refusal_must_not_send_anything() {
    let vector = reject(None, Some(json!({ "sent": ["aa"], "established": false })));
    let judged = |out| on_reject(&vector, Some("auth"), None, None, out);
    assert_eq!(judged(Some(json!({ "sent": ["aa"], "established": false }))), None);
    assert_eq!(
        judged(Some(json!({ "sent": ["aa", "bb"], "established": false }))),
        Some(WrongOutput)
    );
    assert_eq!(judged(Some(json!({ "sent": ["aa"], "established": true }))), Some(WrongOutput));
    assert_eq!(judged(None), Some(WrongOutput));
}

#[test]
fn release_at_is_a_lower_bound() {
    let vector = reject(None, Some(json!({ "release_at": 3_100 })));
    let judged =
        |at: Value| on_reject(&vector, None, None, None, Some(json!({ "release_at": at })));
    assert_eq!(judged(json!(3_100)), None);
    assert_eq!(judged(json!(9_999)), None);
    assert_eq!(judged(json!(3_099)), Some(WrongOutput));
    assert_eq!(judged(json!("3100")), Some(WrongOutput));
}

#[test]
fn results_of_a_session_have_their_own_verdicts() {
    let error =
        |class: &str, codes: &[&str]| json!({ "error": { "class": class, "codes": codes } });
    let found = |class: &str, code: &str| json!({ "error": { "class": class, "code": code } });
    let judged = |expected: Value, found: Value| {
        on_ok(&accept(json!({ "results": [expected] })), json!({ "results": [found] }))
    };
    let dead = error("state", &["dead", "closed"]);
    assert_eq!(judged(dead.clone(), found("state", "closed")), None);
    assert_eq!(judged(dead.clone(), json!({ "error": {} })), None);
    assert_eq!(judged(dead.clone(), found("state", "order")), Some(WrongClass));
    assert_eq!(judged(dead.clone(), found("auth", "dead")), Some(WrongClass));
    assert_eq!(judged(dead, json!({ "record": "00" })), Some(WrongAccept));
    let data = json!({ "data": "00" });
    assert_eq!(judged(data.clone(), data.clone()), None);
    assert_eq!(judged(data.clone(), json!({ "data": "01" })), Some(WrongOutput));
    assert_eq!(judged(data.clone(), json!({ "close": true })), Some(WrongOutput));
    assert_eq!(judged(data.clone(), found("state", "dead")), Some(WrongReject));
    assert_eq!(judged(data, json!("00")), Some(WrongOutput));
    let (clean, truncated) = (json!({ "end": "clean" }), json!({ "end": "truncated" }));
    assert_eq!(judged(clean.clone(), clean.clone()), None);
    assert_eq!(judged(truncated.clone(), clean.clone()), Some(WrongAccept));
    assert_eq!(judged(clean, truncated), Some(WrongReject));
    let two = accept(json!({ "results": [{ "dead": true }, { "dead": true }] }));
    assert_eq!(on_ok(&two, json!({ "results": [{ "dead": true }] })), Some(WrongOutput));
}

fn key(name: &str) -> PrivateKey {
    let pem = match name {
        "a" => include_str!("../keys/test-rsa-4480-a.pem"),
        _ => include_str!("../keys/test-rsa-4480-b.pem"),
    };
    PrivateKey::from_pem(pem).expect("a test key")
}

fn hexed(octets: &[u8]) -> Value {
    Value::String(hex::encode(octets))
}

#[test]
fn a_request_is_opened() {
    let (server, other) = (key("a"), key("b"));
    let check = json!({
        "check": "request",
        "private_key": hexed(&server.pkcs8),
        "spki": hexed(b"spki"),
        "plaintext": hexed(b"P1"),
    });
    let vector = accept(json!({ "sent": [check] }));
    let judged = |m2: &[u8]| on_ok(&vector, json!({ "sent": [hexed(m2)] }));
    let c1 =
        |key: &PrivateKey, seed: u8, p1: &[u8]| key.public.encrypt(&Oaep::new(&[seed; 20]), p1);
    let m2 = |spki: &[u8], c1: &[u8]| [spki, c1].concat();
    assert_eq!(judged(&m2(b"spki", &c1(&server, 1, b"P1"))), None);
    assert_eq!(judged(&m2(b"spki", &c1(&server, 2, b"P1"))), None);
    assert_eq!(judged(&m2(b"spkj", &c1(&server, 1, b"P1"))), Some(WrongOutput));
    assert_eq!(judged(&m2(b"spki", &c1(&server, 1, b"P2"))), Some(WrongOutput));
    assert_eq!(judged(&m2(b"spki", &c1(&other, 1, b"P1"))), Some(WrongOutput));
    assert_eq!(judged(&m2(b"spki", &c1(&server, 1, b"P1")[1..])), Some(WrongOutput));
    assert_eq!(
        judged(&m2(b"spki", &[&c1(&server, 1, b"P1")[..], &[0]].concat())),
        Some(WrongOutput)
    );
    assert_eq!(judged(b""), Some(WrongOutput));
    assert_eq!(on_ok(&vector, json!({ "sent": [] })), Some(WrongOutput));
}

#[test]
fn a_reply_is_opened() {
    let (client, other) = (key("b"), key("a"));
    let check = json!({
        "check": "reply",
        "private_key": hexed(&client.pkcs8),
        "plaintext": hexed(b"P3"),
    });
    let vector = accept(json!({ "sent": ["aa", check] }));
    let judged = |m3: &[u8]| on_ok(&vector, json!({ "sent": ["aa", hexed(m3)] }));
    assert_eq!(judged(&client.public.encrypt(&Oaep::new(&[3; 20]), b"P3")), None);
    assert_eq!(judged(&client.public.encrypt(&Oaep::new(&[3; 20]), b"P4")), Some(WrongOutput));
    assert_eq!(judged(&other.public.encrypt(&Oaep::new(&[3; 20]), b"P3")), Some(WrongOutput));
    assert_eq!(judged(b"P3"), Some(WrongOutput));
}

/// The record 0 of c2s with this plaintext, after these messages.
fn first_record(messages: [&[u8]; 3], k: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut transcript = Vec::new();
    for message in messages {
        transcript.extend(u32::try_from(message.len()).expect("short").to_be_bytes());
        transcript.extend(message);
    }
    let prk = hkdf_extract(&sha256(&[&transcript]), k);
    let keys = hkdf_expand(&hkdf_expand32(&prk, b"secure-tunnel/v1 c2s"), b"key", 44);
    let (key, iv) = keys.split_at(32);
    gcm_seal(key.try_into().expect("32"), iv.try_into().expect("12"), &[], plaintext)
}

#[test]
fn an_open_record_is_opened_with_the_m2_before_it() {
    let check = json!({
        "check": "open-record",
        "m1": hexed(b"M1"),
        "m3": hexed(b"M3"),
        "k": hexed(&[9; 48]),
    });
    let vector = accept(json!({ "sent": [hexed(b"M2"), check] }));
    let judged = |record: &[u8]| on_ok(&vector, json!({ "sent": [hexed(b"M2"), hexed(record)] }));
    let record =
        |m2: &[u8], k: u8, plaintext: &[u8]| first_record([b"M1", m2, b"M3"], &[k; 48], plaintext);
    assert_eq!(judged(&record(b"M2", 9, &[2])), None);
    assert_eq!(judged(&record(b"M2", 9, &[0])), Some(WrongOutput));
    assert_eq!(judged(&record(b"M2", 9, &[2, 0])), Some(WrongOutput));
    assert_eq!(judged(&record(b"M2", 8, &[2])), Some(WrongOutput));
    assert_eq!(judged(&record(b"M4", 9, &[2])), Some(WrongOutput));
    assert_eq!(judged(&[0; 17]), Some(WrongOutput));
    let mismatch = vector
        .judge(&Answer::Ok(&object(json!({ "sent": ["", "00"] }))))
        .expect_err("another M2")
        .to_string();
    assert!(mismatch.starts_with("wrong_output: out.sent[0]: expected"), "{mismatch}");
}
