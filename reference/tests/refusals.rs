//! Every way in which a handshake fails is provoked here, with its code and requirement, and each case
//! has one flaw only. `handshake.rs` shows that the flawless case is accepted, and has the deadlines.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod common;

use std::sync::Arc;

use common::*;
use secure_tunnel::error::{Class, Diagnostic, HandshakeError};
use secure_tunnel::handshake::client::Client;
use secure_tunnel::handshake::server::{Answer, Failure, Lookup, Policy, Server};
use secure_tunnel::time::{Tick, UnixTime};

fn is(error: &HandshakeError, code: &str, requirement: &str) {
    assert_eq!((error.code(), error.requirement()), (code, requirement), "{error}");
    assert!(!error.to_string().is_empty());
}

/// P1 without a flaw for the keys of `m2_of`.
fn good_p1() -> Vec<u8> {
    p1(ID.as_bytes(), PC, NOW.0, &nonce(&spki(&a4552()), &spki(&b4552())))
}

/// M2 of the client key b for the server key a, around any plaintext.
fn m2_of(plaintext: &[u8]) -> Vec<u8> {
    [spki(&b4552()), encrypt(&spki(&a4552()), plaintext)].concat()
}

fn server_refuses(m2: &[u8], code: &str, requirement: &str) {
    let failure = server_takes(a4552(), Policy::default(), m2).unwrap_err();
    is(&failure.error, code, requirement);
    assert_eq!(failure.release, Tick(0));
}

#[test]
fn m2_form_and_key() {
    let good = m2_of(&good_p1());
    server_refuses(b"", "malformed", "HS-028");
    server_refuses(&good[..591 + 569 - 1], "malformed", "HS-028");
    // One octet more and there could be an SPKI, which it is not.
    server_refuses(&good[..591 + 569], "bad_key", "HS-003");
    for (der, requirement) in [(too_short(), "HS-005"), (too_long(), "HS-006"), (e3(), "HS-008")] {
        let m2 = [spki(&der), good[607..].to_vec()].concat();
        server_refuses(&m2, "bad_key", requirement);
    }
    // The key is looked at before C1: both are bad here.
    server_refuses(&[spki(&e3()), vec![0xff; 569]].concat(), "bad_key", "HS-008");
}

#[test]
fn m2_decryption() {
    let good = m2_of(&good_p1());
    let with_c1 = |c1: &[u8]| [&good[..607], c1].concat();
    // Not less than the modulus; then a padding that is no padding, from 0 on.
    server_refuses(&with_c1(&[0xff; 569]), "decrypt", "HS-032");
    server_refuses(&with_c1(&[0; 569]), "decrypt", "HS-032");
    let mut one = [0; 569];
    one[568] = 1;
    server_refuses(&with_c1(&one), "decrypt", "HS-032");
    // Encrypted for another server.
    let elsewhere = encrypt(&spki(&c4552()), &good_p1());
    server_refuses(&with_c1(&elsewhere), "decrypt", "HS-032");
    // n and C1 + n: the same as 0 and C1 to whoever reduces instead of comparing.
    let spki_s = spki(&a4552());
    let n = &spki_s[33..33 + 569];
    server_refuses(&with_c1(n), "decrypt", "HS-032");
    let sum = (0..).find_map(|seed| {
        let c1 = encrypt_with(seed, &spki_s, &good_p1());
        let mut sum = vec![0; 569];
        let mut carry = 0u16;
        for at in (0..569).rev() {
            carry += u16::from(c1[at]) + u16::from(n[at]);
            sum[at] = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        (carry == 0).then_some(sum)
    });
    server_refuses(&with_c1(&sum.unwrap()), "decrypt", "HS-032");
    for at in [607, 608, 700, 900, good.len() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        server_refuses(&changed, "decrypt", "HS-032");
    }
}

#[test]
fn p1_form() {
    let bound = nonce(&spki(&a4552()), &spki(&b4552()));
    let refuses = |plaintext: &[u8], requirement| {
        server_refuses(&m2_of(plaintext), "malformed", requirement);
    };
    refuses(b"", "HS-033");
    let good = good_p1();
    refuses(&good[..good.len() - 1], "HS-033");
    refuses(&[&good[..], &[0]].concat(), "HS-033");
    let mut long = good.clone();
    long[0] = 255;
    refuses(&long, "HS-033");
    refuses(&p1(b"", PC, NOW.0, &bound), "HS-034");
    refuses(&p1(b"My\nId", PC, NOW.0, &bound), "HS-034");
    refuses(&p1(b"\xff", PC, NOW.0, &bound), "HS-034");
    refuses(&p1(b"\xed\xa0\x80", PC, NOW.0, &bound), "HS-034");
    refuses(&p1(ID.as_bytes(), b"aBcDeFghIjK1mN0P9-", NOW.0, &bound), "HS-035");
    refuses(&p1(ID.as_bytes(), &[0; 18], NOW.0, &bound), "HS-035");
    // Form comes before the binding.
    refuses(&p1(ID.as_bytes(), &[0; 18], NOW.0, &[0; 30]), "HS-035");
}

#[test]
fn p1_binding() {
    let (m1, spki_c) = (spki(&a4552()), spki(&b4552()));
    let good = nonce(&m1, &spki_c);
    let refuses = |nonce: &[u8]| {
        let plaintext = p1(ID.as_bytes(), PC, NOW.0, nonce);
        server_refuses(&m2_of(&plaintext), "binding", "HS-036");
    };
    refuses(&nonce(&spki(&c4552()), &spki_c));
    refuses(&nonce(&m1, &spki(&c4552())));
    refuses(&nonce(&spki_c, &m1));
    refuses(&[0; 30]);
    for at in [0, 13, 14, 29] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        refuses(&changed);
    }
}

fn lookup_of(plaintext: &[u8]) -> Lookup {
    server_takes(a4552(), Policy::default(), &m2_of(plaintext)).unwrap()
}

fn decide_refuses(lookup: Lookup, answer: Answer, now: UnixTime, code: &str, requirement: &str) {
    let failure = lookup.decide(answer, server_fresh(), now, Tick(0)).unwrap_err();
    is(&failure.error, code, requirement);
}

#[test]
fn look_up_password_and_time() {
    let good = || lookup_of(&good_p1());
    decide_refuses(good(), Answer::Failed, NOW, "lookup_failed", "HS-039");
    let stored = pair().1.expose();
    for malformed in [&b""[..], &stored[1..], &[&stored[..], b"\n"].concat(), &[b'-'; 26]] {
        let answer = Answer::from_stored(malformed);
        decide_refuses(good(), answer, NOW, "lookup_failed", "HS-039");
    }
    decide_refuses(good(), Answer::Unknown, NOW, "unknown_id", "HS-043");
    for at in 8..26 {
        let mut other = stored.to_vec();
        other[at] = if other[at] == b'0' { b'1' } else { b'0' };
        let answer = Answer::from_stored(&other);
        decide_refuses(good(), answer, NOW, "wrong_password", "HS-042");
    }
    let bound = nonce(&spki(&a4552()), &spki(&b4552()));
    let wrong = p1(ID.as_bytes(), b"aBcDeFghIjK1mN0P9S", NOW.0, &bound);
    decide_refuses(lookup_of(&wrong), found(), NOW, "wrong_password", "HS-042");
    // The digest is of the id as well.
    let other_id = p1(b"MyIe", PC, NOW.0, &bound);
    decide_refuses(lookup_of(&other_id), found(), NOW, "wrong_password", "HS-042");

    let stale = UnixTime(NOW.0 + 10);
    for now in [stale, UnixTime(NOW.0 - 10), UnixTime(0), UnixTime(u64::MAX)] {
        decide_refuses(good(), found(), now, "stale", "HS-045");
    }
    for now in [UnixTime(NOW.0 + 9), UnixTime(NOW.0 - 9)] {
        assert!(good().decide(found(), server_fresh(), now, Tick(0)).is_ok());
    }
    // Look-up, then password, then time.
    decide_refuses(good(), Answer::Failed, stale, "lookup_failed", "HS-039");
    decide_refuses(good(), Answer::Unknown, stale, "unknown_id", "HS-043");
    decide_refuses(lookup_of(&wrong), found(), stale, "wrong_password", "HS-042");
}

#[test]
fn times_at_both_ends() {
    let bound = nonce(&spki(&a4552()), &spki(&b4552()));
    for (t, now) in [(0, u64::MAX), (u64::MAX, 0), (u64::MAX, 9), (0, u64::MAX - 9)] {
        let plaintext = p1(ID.as_bytes(), PC, t, &bound);
        decide_refuses(lookup_of(&plaintext), found(), UnixTime(now), "stale", "HS-045");
    }
    for (t, now) in [(0, 9), (u64::MAX, u64::MAX - 9), (u64::MAX - 9, u64::MAX)] {
        let lookup = lookup_of(&p1(ID.as_bytes(), PC, t, &bound));
        assert!(lookup.decide(found(), server_fresh(), UnixTime(now), Tick(0)).is_ok());
    }
}

#[test]
fn out_of_order() {
    let client = || Client::connect(pair().0, None, Tick(0));
    let request = || client().receive(&spki(&a4552()), Tick(0)).unwrap();
    let sent = || request().request(client_fresh(b4552()), NOW, Tick(0)).unwrap().0;
    is(&request().interrupted(), "order", "HS-070");
    is(&client().ended(), "order", "HS-073");
    is(&request().ended(), "order", "HS-073");
    is(&sent().ended(), "order", "HS-073");
    let (server, _) = Server::greet(Arc::new(ours(a4552())), Policy::default(), Tick(0));
    is(&server.ended(Tick(3)).error, "order", "HS-073");
    is(&lookup_of(&good_p1()).interrupted().error, "order", "HS-070");
    is(&lookup_of(&good_p1()).ended().error, "order", "HS-073");
    is(&decide(lookup_of(&good_p1())).0.ended().error, "order", "HS-073");
}

#[test]
fn m1() {
    let m1 = spki(&a4552());
    let connect = |pin| Client::connect(pair().0, pin, Tick(0));
    let refuses = |m1: &[u8], requirement| {
        is(&connect(None).receive(m1, Tick(0)).unwrap_err(), "bad_key", requirement);
        // The pin comes first, whatever M1 is.
        is(&connect(Some([7; 32])).receive(m1, Tick(0)).unwrap_err(), "pin", "HS-020");
    };
    refuses(b"", "HS-003");
    refuses(&m1[..m1.len() - 1], "HS-008");
    refuses(&[&m1[..], &[0]].concat(), "HS-011");
    refuses(&spki(&too_short()), "HS-005");
    refuses(&spki(&too_long()), "HS-006");
    refuses(&spki(&e3()), "HS-008");
    is(&connect(Some([7; 32])).receive(&m1, Tick(0)).unwrap_err(), "pin", "HS-020");
}

/// A client that has sent M2 from the key b to the server key a, and takes an M3.
fn client_refuses(m3: &[u8], code: &str, requirement: &str) {
    let (client, _) = client_sent(&spki(&a4552()), b4552());
    is(&client.receive(m3, Tick(0)).unwrap_err(), code, requirement);
}

#[test]
fn m3_and_p3() {
    let spki_c = spki(&b4552());
    let bound = nonce(&spki(&a4552()), &spki_c);
    let m3_of = |plaintext: &[u8]| encrypt(&spki_c, plaintext);
    let k = [7; 48];
    let good = m3_of(&p3(PS, &k, NOW.0, &bound));

    client_refuses(b"", "malformed", "HS-052");
    client_refuses(&good[1..], "malformed", "HS-052");
    client_refuses(&[&[0], &good[..]].concat(), "malformed", "HS-052");
    client_refuses(&[&good[..], &[0]].concat(), "malformed", "HS-052");
    client_refuses(&[0xff; 569], "decrypt", "HS-053");
    client_refuses(&spki_c[33..33 + 569], "decrypt", "HS-053");
    for at in [0, 1, 284, 568] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        client_refuses(&changed, "decrypt", "HS-053");
    }
    let plaintext = p3(PS, &k, NOW.0, &bound);
    client_refuses(&m3_of(&plaintext[..93]), "malformed", "HS-054");
    client_refuses(&m3_of(&[&plaintext[..], &[0]].concat()), "malformed", "HS-054");
    client_refuses(&m3_of(b""), "malformed", "HS-054");
    client_refuses(&m3_of(&p3(b"l234567-", &k, NOW.0, &bound)), "malformed", "HS-055");
    for t in [NOW.0 + 11, NOW.0 - 11, 0, u64::MAX] {
        client_refuses(&m3_of(&p3(PS, &k, t, &bound)), "stale", "HS-056");
    }
    for t in [NOW.0 + 10, NOW.0 - 10] {
        let (client, _) = client_sent(&spki(&a4552()), b4552());
        assert!(client.receive(&m3_of(&p3(PS, &k, t, &bound)), Tick(0)).is_ok());
    }
    for at in [0, 13, 14, 29] {
        let mut other = bound.clone();
        other[at] ^= 0x80;
        client_refuses(&m3_of(&p3(PS, &k, NOW.0, &other)), "nonce", "HS-057");
    }
    client_refuses(&m3_of(&p3(b"l234567C", &k, NOW.0, &bound)), "wrong_password", "HS-058");
    // Form, time, nonce, password.
    client_refuses(&m3_of(&p3(b"-------C", &k, 0, &[0; 30])), "malformed", "HS-055");
    client_refuses(&m3_of(&p3(b"l234567C", &k, 0, &[0; 30])), "stale", "HS-056");
    client_refuses(&m3_of(&p3(b"l234567C", &k, NOW.0, &[0; 30])), "nonce", "HS-057");
}

/// M2 or M3 replaced by another encryption of the same plaintext passes, and the open record does not.
#[test]
fn open_record() {
    let m1 = spki(&a4552());
    let run = |replace_m2: bool, replace_m3: bool, change: &dyn Fn(&mut Vec<u8>)| {
        let (client, m2) = client_sent(&m1, b4552());
        let again = m2_of(&decrypt(&a4552(), &m2[607..]).unwrap());
        assert_ne!(m2, again);
        let m2 = if replace_m2 { again } else { m2 };
        let (server, m3) = decide(server_takes(a4552(), Policy::default(), &m2).unwrap());
        let again = encrypt(&spki(&b4552()), &decrypt(&b4552(), &m3).unwrap());
        assert_ne!(m3, again);
        let m3 = if replace_m3 { again } else { m3 };
        let (_, mut open) = client.receive(&m3, Tick(0)).unwrap();
        change(&mut open);
        server.receive(&mut open, Tick(0)).map(|(_, id)| id)
    };
    let code = |result: Result<_, Failure>| {
        let error = result.map(|_: secure_tunnel::credentials::Id| ()).unwrap_err().error;
        assert!(matches!(error, HandshakeError::Open { .. }));
        (error.class(), error.code())
    };
    assert!(run(false, false, &|_| ()).is_ok());
    assert_eq!(code(run(true, false, &|_| ())), (Class::Auth, "open_failed"));
    assert_eq!(code(run(false, true, &|_| ())), (Class::Auth, "open_failed"));
    for at in [0, 1, 16] {
        let changed = run(false, false, &move |open| open[at] ^= 1);
        assert_eq!(code(changed), (Class::Auth, "open_failed"));
    }
    let short = run(false, false, &|open| open.truncate(16));
    assert_eq!(code(short), (Class::Limit, "record_length"));
    let long = run(false, false, &|open| open.push(0));
    assert_eq!(code(long), (Class::Auth, "open_failed"));
}

#[test]
fn failures_are_released_after_the_delay() {
    let delay = Policy::with_release_delay(2_000).unwrap();
    assert!(Policy::with_release_delay(9_999).is_some());
    assert!(Policy::with_release_delay(10_000).is_none());
    assert!(Policy::with_release_delay(0).is_none());
    let greet = || Server::greet(Arc::new(ours(a4552())), delay, Tick(0)).0;
    let good = m2_of(&good_p1());
    let release = |m2: &[u8]| {
        let failure = greet().receive(m2, Tick(100)).unwrap_err();
        (failure.error.code(), failure.release)
    };
    // What does not depend on secrets ends at once.
    assert_eq!(release(b""), ("malformed", Tick(100)));
    assert_eq!(release(&[spki(&e3()), vec![0; 569]].concat()), ("bad_key", Tick(100)));
    // What does waits, all of it alike.
    assert_eq!(release(&[&good[..607], &[0xff; 569]].concat()), ("decrypt", Tick(2_100)));
    assert_eq!(release(&m2_of(b"")), ("malformed", Tick(2_100)));
    let unbound = m2_of(&p1(ID.as_bytes(), PC, NOW.0, &[0; 30]));
    assert_eq!(release(&unbound), ("binding", Tick(2_100)));

    let lookup = || greet().receive(&good, Tick(100)).unwrap();
    assert_eq!(lookup().interrupted().release, Tick(2_100));
    assert_eq!(lookup().ended().release, Tick(2_100));
    let decided = |answer, now, at| {
        let failure = lookup().decide(answer, server_fresh(), now, at).unwrap_err();
        (failure.error.code(), failure.release)
    };
    let stale = UnixTime(0);
    assert_eq!(decided(Answer::Failed, NOW, Tick(200)), ("lookup_failed", Tick(2_100)));
    assert_eq!(decided(Answer::Unknown, NOW, Tick(300)), ("unknown_id", Tick(2_100)));
    assert_eq!(decided(found(), stale, Tick(2_099)), ("stale", Tick(2_100)));
    // A look-up that outlasts the delay has failed, whatever it answered.
    let failure = lookup().decide(found(), server_fresh(), NOW, Tick(2_100)).unwrap_err();
    is(&failure.error, "lookup_failed", "OBS-007");
    assert_eq!(failure.release, Tick(2_100));
    // After M3 there is nothing left to hide.
    let awaiting = || lookup().decide(found(), server_fresh(), NOW, Tick(200)).unwrap().0;
    let failure = awaiting().receive(&mut [0; 17], Tick(300)).unwrap_err();
    is(&failure.error, "open_failed", "CHAN-021");
    assert_eq!(failure.release, Tick(300));
    let failure = awaiting().receive(&mut [0; 17], Tick(30_000)).unwrap_err();
    assert_eq!((failure.error.code(), failure.release), ("timeout", Tick(30_000)));
    assert_eq!(awaiting().ended().release, Tick(0));
    // Without a delay it may take its time.
    let slow = lookup_of(&good_p1());
    assert!(slow.decide(found(), server_fresh(), NOW, Tick(29_999)).is_ok());
}
