//! Requests, M2, that a server has to refuse: each with one fault, sent whole, on a connection of its own.

use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::rsa::{Hash, Oaep, pkcs1_v15};

use super::refuse;
use crate::live::case::Case;
use crate::live::stage::now;
use crate::live::wire::Request;

pub fn cases() -> Vec<Case> {
    let row = |row: &'static Row| {
        let Row { name, rules, code, about, m2 } = row;
        let case = refuse(&format!("request/{name}"), rules, code, *about, |stage| {
            let (mut peer, request) = stage.greeted()?;
            peer.send("M2", &m2(&request));
            stage.refused(peer)
        });
        // What depends on C1 or on what is stored is in the narrower group.
        let is_secret = code[0] != "bad_key" && !rules.contains(&"HS-028");
        case.in_group(if is_secret { "request-secret" } else { "request" })
    };
    ROWS.iter().map(row).collect()
}

/// One fault.
struct Row {
    name: &'static str,
    rules: &'static [&'static str],
    code: &'static [&'static str],
    about: &'static str,
    m2: fn(&Request) -> Vec<u8>,
}

const MALFORMED: &[&str] = &["malformed"];
const DECRYPT: &[&str] = &["decrypt"];
const BINDING: &[&str] = &["binding"];
const STALE: &[&str] = &["stale"];

macro_rules! rows {
    ($($name:literal $rules:tt $code:ident $about:literal $m2:expr;)*) => {
        &[$(Row { name: $name, rules: &$rules, code: $code, about: $about, m2: $m2 },)*]
    };
}

static ROWS: &[Row] = rows! {
    "one-octet" ["HS-028"] MALFORMED "a message of one octet" |_| vec![0x30];
    "spki-alone" ["HS-028"] MALFORMED "the SPKI without C1" |r| r.spki();
    "one-octet-too-short-for-any" ["HS-028"] MALFORMED "591 + k - 1 octets, less than any M2 has"
        |r| vec![0x30; 591 + r.server.size() - 1];
    "c1-zero" ["HS-032", "HS-016"] DECRYPT "C1 is zero" |r| r.m2_with(&vec![0; r.server.size()]);
    "c1-modulus" ["HS-015", "HS-032"] DECRYPT "C1 has the value of the modulus"
        |r| r.m2_with(&r.server.n.to_bytes_be());
    "c1-all-ones" ["HS-015", "HS-032"] DECRYPT "C1 is all ones, more than the modulus"
        |r| r.m2_with(&vec![0xff; r.server.size()]);
    "c1-flipped" ["HS-016", "HS-032"] DECRYPT "one bit of C1 is another" |r| {
        let mut m2 = r.m2();
        let last = m2.len() - 1;
        m2[last] ^= 1;
        m2
    };
    "c1-for-another-server" ["HS-032"] DECRYPT "C1 is encrypted under the key of another server"
        |r| Request { server: keys::k4552_c().public.clone(), ..r.clone() }.m2();
    "oaep-sha256" ["HS-012", "HS-016"] DECRYPT "OAEP with SHA-256" |r| {
        let seed = [&*r.seed, &[7; 12]].concat();
        let oaep = Oaep { hash: Hash::Sha256, mgf_hash: Hash::Sha256, ..Oaep::new(&seed) };
        r.m2_padded(&oaep, &r.p1())
    };
    "oaep-mgf-sha256" ["HS-012", "HS-016"] DECRYPT "OAEP whose mask uses SHA-256"
        |r| r.m2_padded(&Oaep { mgf_hash: Hash::Sha256, ..r.oaep() }, &r.p1());
    "oaep-label" ["HS-012", "HS-016"] DECRYPT "OAEP with a label"
        |r| r.m2_padded(&Oaep { label: b"label".to_vec(), ..r.oaep() }, &r.p1());
    "oaep-first-octet" ["HS-016"] DECRYPT "the first octet of the encoded message is 1: Manger's attack"
        |r| r.m2_padded(&Oaep { first: 1, ..r.oaep() }, &r.p1());
    "oaep-separator" ["HS-016"] DECRYPT "the octet before the message is 2"
        |r| r.m2_padded(&Oaep { separator: 2, ..r.oaep() }, &r.p1());
    "oaep-padding" ["HS-016"] DECRYPT "the padding is not zero"
        |r| r.m2_padded(&Oaep { padding: 3, ..r.oaep() }, &r.p1());
    "pkcs1-v15" ["HS-012", "HS-016"] DECRYPT "padding of PKCS #1 v1.5: Bleichenbacher's attack"
        |r| r.m2_with(&r.server.raw(&pkcs1_v15(r.server.size(), &r.p1(), &r.seed)));
    "p1-not-padded" ["HS-016"] DECRYPT "P1 without any padding" |r| r.m2_with(&r.server.raw(&r.p1()));
    "p1-empty" ["HS-033"] MALFORMED "an empty plaintext" |r| r.m2_of(b"");
    "p1-cut" ["HS-033"] MALFORMED "P1 without its last octet" |r| {
        let p1 = r.p1();
        r.m2_of(&p1[..p1.len() - 1])
    };
    "p1-longer" ["HS-033"] MALFORMED "P1 with one octet more" |r| r.m2_of(&[&*r.p1(), &[0]].concat());
    "p1-id-length-too-large" ["HS-033"] MALFORMED "the length of the id is one too large" |r| {
        let mut p1 = r.p1();
        p1[0] += 1;
        r.m2_of(&p1)
    };
    "p1-id-length-255" ["HS-033"] MALFORMED "the length of the id is 255, with a short id" |r| {
        let mut p1 = r.p1();
        p1[0] = 255;
        r.m2_of(&p1)
    };
    "p1-id-empty" ["HS-034", "CRED-001"] MALFORMED "an empty id"
        |r| Request { id: Vec::new(), ..r.clone() }.m2();
    "p1-id-control" ["HS-034", "CRED-003"] MALFORMED "an id with a line feed"
        |r| Request { id: b"ali\nce".to_vec(), ..r.clone() }.m2();
    "p1-id-zero-octet" ["HS-034", "CRED-003"] MALFORMED "the honest id and a zero octet"
        |r| Request { id: [&*r.id, &[0]].concat(), ..r.clone() }.m2();
    "p1-id-not-utf8" ["HS-034", "CRED-002"] MALFORMED "an id that is not UTF-8"
        |r| Request { id: b"ali\xffce".to_vec(), ..r.clone() }.m2();
    "p1-id-surrogate" ["HS-034", "CRED-002"] MALFORMED "an id with a surrogate in UTF-8's way"
        |r| Request { id: b"ali\xed\xa0\x80ce".to_vec(), ..r.clone() }.m2();
    "p1-password-not-base62" ["HS-035"] MALFORMED "a password with a hyphen" |r| {
        let mut client_password = r.client_password.clone();
        client_password[17] = b'-';
        Request { client_password, ..r.clone() }.m2()
    };
    "binding-flipped" ["HS-036"] BINDING "one bit of the binding is another" |r| {
        let mut nonce = r.nonce.clone();
        nonce[29] ^= 1;
        Request { nonce, ..r.clone() }.m2()
    };
    "binding-of-zero" ["HS-036"] BINDING "a nonce of zeros"
        |r| Request { nonce: vec![0; 30], ..r.clone() }.m2();
    "binding-of-another-client-key" ["HS-036"] BINDING
        "a captured C1 beside another RSA key: M3 would go to who captured it"
        |r| Request { client: keys::k4552_d(), ..r.clone() }.m2();
    "binding-of-another-server" ["HS-036"] BINDING "the nonce was made for the key of another server" |r| {
        let other = keys::k4552_c().public.spki();
        let nonce = tunnelproof_vectors::build::protocol::nonce(&other, &r.spki(), &r.nonce[..14]);
        Request { nonce, ..r.clone() }.m2()
    };
    "unknown-id" ["HS-043"] UNKNOWN "an id that nobody has"
        |r| Request { id: b"nobody@example.org".to_vec(), ..r.clone() }.m2();
    "unknown-id-case" ["HS-043", "HS-038", "CRED-004"] UNKNOWN "the honest id with one letter in upper case" |r| {
        let mut id = r.id.clone();
        id[0] ^= 0x20;
        Request { id, ..r.clone() }.m2()
    };
    "unknown-id-space" ["HS-043", "HS-038"] UNKNOWN "the honest id and a space"
        |r| Request { id: [&*r.id, b" "].concat(), ..r.clone() }.m2();
    "unknown-id-prefix" ["HS-043", "HS-038"] UNKNOWN "the honest id without its last octet"
        |r| Request { id: r.id[..r.id.len() - 1].to_vec(), ..r.clone() }.m2();
    "wrong-password" ["HS-042"] WRONG "another password"
        |r| Request { client_password: vec![b'0'; 18], ..r.clone() }.m2();
    "wrong-password-last-digit" ["HS-042"] WRONG "the honest password with another last digit" |r| {
        let mut client_password = r.client_password.clone();
        client_password[17] = if client_password[17] == b'0' { b'1' } else { b'0' };
        Request { client_password, ..r.clone() }.m2()
    };
    "wrong-password-case" ["HS-042"] WRONG "the honest password in the other case" |r| {
        let flip = |c: &u8| if c.is_ascii_alphabetic() { c ^ 0x20 } else { *c };
        let client_password = r.client_password.iter().map(flip).collect();
        Request { client_password, ..r.clone() }.m2()
    };
    "stale-15-s" ["HS-045"] STALE "t is 15 seconds in the past" |r| at(r, now() - 15);
    "stale-hour" ["HS-045"] STALE "t is an hour in the past" |r| at(r, now() - 3600);
    "stale-future-15-s" ["HS-045"] STALE "t is 15 seconds in the future" |r| at(r, now() + 15);
    "stale-future-hour" ["HS-045"] STALE "t is an hour in the future" |r| at(r, now() + 3600);
    "stale-zero" ["HS-045"] STALE "t is 0" |r| at(r, 0);
    "stale-last" ["HS-045"] STALE "t is 2^64 - 1" |r| at(r, u64::MAX);
    "stale-sign" ["HS-045", "CONV-002"] STALE "t is now, with its top bit set" |r| at(r, now() | 1 << 63);
    "stale-milliseconds" ["HS-024", "HS-045"] STALE "t is in milliseconds" |r| at(r, now() * 1000);
    "stale-little-endian" ["HS-024", "HS-045"] STALE "t in little-endian order"
        |r| at(r, now().swap_bytes());
    "wrong-password-and-stale" ["HS-046"] WRONG "another password in an old request: the password counts"
        |r| at(&Request { client_password: vec![b'0'; 18], ..r.clone() }, now() - 3600);
    "unknown-id-and-stale" ["HS-043"] UNKNOWN "an unknown id in an old request: the id counts"
        |r| at(&Request { id: b"nobody".to_vec(), ..r.clone() }, now() - 3600);
    "binding-and-unknown-id" ["HS-037"] BINDING "a wrong binding and an unknown id: no look-up"
        |r| Request { id: b"nobody".to_vec(), nonce: vec![0; 30], ..r.clone() }.m2();
};

const UNKNOWN: &[&str] = &["unknown_id"];
const WRONG: &[&str] = &["wrong_password"];

/// The request with this time.
fn at(request: &Request, t: u64) -> Vec<u8> {
    Request { t, ..request.clone() }.m2()
}
