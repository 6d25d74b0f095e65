//! The exchange as a whole, its checks in order, and its errors.

mod known_answers;

use proptest::prelude::*;

use super::body::{ACCESS, CHALLENGE};
use super::signed::sign;
use super::*;
use crate::error::{Diagnostic, Step};

const NOW: u64 = 1_700_000_000_500;
const ID: &str = "tokens.example";

fn server_key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn client_key() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

fn client_public() -> [u8; 32] {
    *client_key().public_key().as_octets()
}

fn issuer_with(server_id: Option<&str>) -> Issuer {
    Issuer::new(server_key(), server_id, DEFAULT_CHALLENGE_TTL_MS, DEFAULT_TOKEN_TTL_MS).unwrap()
}

fn issuer() -> Issuer {
    issuer_with(Some(ID))
}

/// A body of any fields, as octets.
fn body(kind: u8, client: [u8; 32], time: u32) -> Vec<u8> {
    [&[kind][..], &client, &time.to_be_bytes()].concat()
}

fn now_s() -> u32 {
    u32::try_from(NOW / 1000).unwrap()
}

/// The client's signature over anything.
fn client_signs(message: &[u8]) -> Vec<u8> {
    sign(&client_key(), message)
}

/// What `issue` says of a body that the server has signed and the client has answered.
fn issue_of(body: &[u8]) -> Result<Vec<u8>, TokenError> {
    issuer().issue(&client_public(), &client_signs(&sign(&server_key(), body)), NOW)
}

/// What `verify` says of a body that the server has signed.
fn verify_of(body: &[u8]) -> Result<PublicKey, TokenError> {
    issuer().verify(&sign(&server_key(), body), NOW)
}

#[test]
fn a_login_gives_the_clients_key() {
    let issuer = issuer();
    let challenge = issuer.challenge(&client_public(), NOW).unwrap();
    assert_eq!(challenge.len(), TOKEN);
    let signed = sign_challenge(&client_key(), Some(ID), &challenge).unwrap();
    assert_eq!(signed.len(), 165 + ID.len());
    let token = issuer.issue(&client_public(), &signed, NOW + 60_000 - 500).unwrap();
    assert_eq!(token.len(), TOKEN);
    assert_eq!(issuer.verify(&token, NOW + 60_000), Ok(client_key().public_key()));
    let server_public = *server_key().public_key().as_octets();
    let verified = verify(&server_public, &token, DEFAULT_TOKEN_TTL_MS, NOW + 60_000);
    assert_eq!(verified, Ok(client_key().public_key()));
    assert_eq!(token, issuer.issue(&client_public(), &signed, NOW + 59_500).unwrap(), "again");
}

#[test]
fn a_challenge_is_for_any_32_octets_and_the_same_within_a_second() {
    for key in [[0; 32], [0xff; 32], client_public()] {
        let challenge = issuer().challenge(&key, 5_000).unwrap();
        assert_eq!(challenge, issuer_with(None).challenge(&key, 5_999).unwrap());
        assert_ne!(challenge, issuer().challenge(&key, 6_000).unwrap());
        assert_eq!(challenge[64..], body(CHALLENGE, key, 5));
    }
}

#[test]
fn server_ids_are_removed_once_and_only_the_servers_own() {
    let challenge = issuer().challenge(&client_public(), NOW).unwrap();
    let twice = [ID, ID].concat();
    for (server, client, accepted) in [
        (Some(ID), Some(ID), true),
        (Some(ID), None, true),
        (Some(ID), Some(""), true),
        (None, None, true),
        (Some(""), None, true),
        (None, Some(ID), false),
        (Some(""), Some(ID), false),
        (Some(ID), Some("tokens.exampl"), false),
        (Some(ID), Some("other.example"), false),
        (Some(ID), Some(&twice), false),
        (Some(&twice), Some(&twice), true),
    ] {
        let signed = sign_challenge(&client_key(), client, &challenge).unwrap();
        let outcome = issuer_with(server).issue(&client_public(), &signed, NOW).map(|_| ());
        let refused = TokenError::ServerSignature { step: Step::Issue };
        let expected = if accepted { Ok(()) } else { Err(refused) };
        assert_eq!(outcome, expected, "{server:?} {client:?}");
    }
}

/// Each body fails its own check and every later one that it can.
#[test]
fn checks_of_issue_come_in_the_order_of_the_specification() {
    let step = Step::Issue;
    let other = [3; 32];
    let past = now_s() - 61;
    let issue = |key: &[u8], signed: &[u8]| issuer().issue(key, signed, NOW).map(|_| ());
    let length = TokenError::PublicKeyLength { found: 31, requirement: "TOK-032" };
    assert_eq!(issue(&[0; 31], b""), Err(length));
    for junk in [&b""[..], &[0; 63], &[0; 64], &[0; 165]] {
        assert_eq!(issue(&client_public(), junk), Err(TokenError::ClientSignature));
        let inside = issue(&client_public(), &client_signs(junk));
        assert_eq!(inside, Err(TokenError::ServerSignature { step }));
    }
    for (body, expected, status) in [
        (body(9, other, 0)[..36].to_vec(), TokenError::BodyLength { step, found: 36 }, 400),
        (body(9, other, 0), TokenError::BodyTime { step }, 400),
        (body(ACCESS, other, past), TokenError::WrongType { step, found: ACCESS }, 400),
        (body(CHALLENGE, other, past), TokenError::PublicKeyMismatch, 400),
        (body(CHALLENGE, client_public(), now_s() + 1), TokenError::Future { step }, 400),
        (body(CHALLENGE, client_public(), past), TokenError::Expired { step }, 401),
    ] {
        let error = issue_of(&body).unwrap_err();
        assert_eq!((error.status(), &error), (Some(status), &expected));
    }
    assert!(issue_of(&body(CHALLENGE, client_public(), now_s() - 59)).is_ok());
    assert!(issue_of(&body(CHALLENGE, client_public(), now_s())).is_ok());
}

#[test]
fn checks_of_verify_come_in_the_order_of_the_specification() {
    let step = Step::Verify;
    for junk in [&b""[..], &[0; 63], &[0; 64], &[0; 101]] {
        let error = issuer().verify(junk, NOW).unwrap_err();
        assert_eq!(error, TokenError::ServerSignature { step });
    }
    let old = now_s() - 86_401;
    for (body, expected) in [
        (body(9, [3; 32], 0)[..36].to_vec(), TokenError::BodyLength { step, found: 36 }),
        ([&body(9, [3; 32], 0)[..], &[0]].concat(), TokenError::BodyLength { step, found: 38 }),
        (body(9, [3; 32], 0), TokenError::BodyTime { step }),
        (body(CHALLENGE, [3; 32], old), TokenError::Expired { step }),
        (body(CHALLENGE, [3; 32], now_s() + 1), TokenError::WrongType { step, found: CHALLENGE }),
        (body(ACCESS, [3; 32], now_s() + 1), TokenError::Future { step }),
    ] {
        let error = verify_of(&body).unwrap_err();
        assert_eq!((error.status(), &error), (Some(401), &expected));
    }
    let any_key = verify_of(&body(ACCESS, [0xff; 32], now_s())).unwrap();
    assert_eq!(any_key.as_octets(), &[0xff; 32], "the point is not looked at");
}

#[test]
fn clocks_and_lifetimes_out_of_range_are_the_callers_errors() {
    let past_max = 1 << 53;
    let of_6 = TokenError::InvalidTime { millis: past_max, requirement: "TOK-006" };
    assert_eq!(issuer().challenge(b"", past_max), Err(of_6.clone()));
    assert_eq!(issuer().issue(b"", b"", past_max), Err(of_6.clone()));
    assert_eq!(issuer().verify(b"", u64::MAX).unwrap_err().status(), None);
    for millis in [999, past_max - 1] {
        let of_8 = TokenError::InvalidTime { millis, requirement: "TOK-008" };
        assert_eq!(issuer().challenge(&client_public(), millis), Err(of_8));
    }
    for millis in [0, past_max, u64::MAX] {
        let error = Err(TokenError::InvalidTtl { millis });
        assert_eq!(Issuer::new(server_key(), None, millis, 1).map(|_| ()), error);
        assert_eq!(Issuer::new(server_key(), None, 1, millis).map(|_| ()), error);
        assert_eq!(verify(&[0; 32], b"", millis, NOW).map(|_| ()), error);
    }
    // A clock that can't be written any more is found out last, after an expired challenge.
    let longest = Issuer::new(server_key(), None, past_max - 1, past_max - 1).unwrap();
    let challenge = longest.challenge(&client_public(), 4_294_967_295_999).unwrap();
    let signed = client_signs(&challenge);
    let millis = 4_294_967_296_000;
    let of_8 = TokenError::InvalidTime { millis, requirement: "TOK-008" };
    assert_eq!(longest.issue(&client_public(), &signed, millis), Err(of_8));
    let expired = issuer().issue(&client_public(), &signed, past_max - 1);
    assert_eq!(expired, Err(TokenError::Expired { step: Step::Issue }));
}

#[test]
fn the_client_signs_nothing_but_its_own_challenge() {
    let good = issuer().challenge(&client_public(), NOW).unwrap();
    let sign = |challenge: &[u8]| sign_challenge(&client_key(), Some(ID), challenge).map(|_| ());
    for len in (0..101).chain([102, 165]) {
        let mut challenge = good.clone();
        challenge.resize(len, 1);
        assert_eq!(sign(&challenge), Err(TokenError::ChallengeLength { found: len }));
    }
    for at in 0..101 {
        let mut challenge = good.clone();
        challenge[at] ^= 0x80;
        let expected = match at {
            64 => Err(TokenError::ChallengeType { found: 0x81 }),
            65..97 => Err(TokenError::ChallengeKey),
            _ => Ok(()), // the client can check neither signature nor time
        };
        assert_eq!(sign(&challenge), expected, "octet {at}");
    }
    assert_eq!(sign(&[0; 101]), Err(TokenError::ChallengeType { found: 0 }), "type before key");
}

/// A server whose id is the first octet of another server's challenge can't use its client there.
#[test]
fn a_relayed_challenge_is_not_signed() {
    let wanted = issuer().challenge(&client_public(), NOW).unwrap();
    let rest = sign_challenge(&client_key(), Some("A"), &wanted[1..]);
    assert_eq!(rest, Err(TokenError::ChallengeLength { found: 100 }));
}

#[test]
fn a_key_pair_must_match() {
    let mut octets = [0; 64];
    octets[..32].copy_from_slice(&[2; 32]);
    octets[32..].copy_from_slice(&client_public());
    assert_eq!(SigningKey::from_keypair_octets(&octets).unwrap().public_key().0, client_public());
    for at in 0..64 {
        let mut changed = octets;
        changed[at] ^= 1;
        let error = SigningKey::from_keypair_octets(&changed).unwrap_err();
        assert_eq!(error, TokenError::KeyMismatch, "octet {at}");
    }
    assert!(!format!("{:?}", client_key()).contains("0202"), "no seed in Debug");
}

#[test]
fn server_ids_are_utf_8() {
    assert_eq!(server_id("\u{feff}\u{fc}".as_bytes()), Ok("\u{feff}\u{fc}"));
    for ill_formed in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xc3"] {
        assert_eq!(server_id(ill_formed), Err(TokenError::ServerIdEncoding));
    }
}

#[test]
fn every_changed_octet_truncation_and_extension_is_refused() {
    let challenge = issuer().challenge(&client_public(), NOW).unwrap();
    let signed = sign_challenge(&client_key(), Some(ID), &challenge).unwrap();
    let token = issuer().issue(&client_public(), &signed, NOW).unwrap();
    let server = TokenError::ServerSignature { step: Step::Verify };
    for changed in changes(&token) {
        assert_eq!(issuer().verify(&changed, NOW), Err(server.clone()));
    }
    for changed in changes(&signed) {
        let outcome = issuer().issue(&client_public(), &changed, NOW);
        assert_eq!(outcome, Err(TokenError::ClientSignature));
    }
    let server = TokenError::ServerSignature { step: Step::Issue };
    for changed in changes(&challenge) {
        let outcome = issuer().issue(&client_public(), &client_signs(&changed), NOW);
        assert_eq!(outcome, Err(server.clone()));
    }
}

/// `octets` with one octet changed, with some missing at either end, with one more at either end.
fn changes(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut changes = vec![[octets, &[0]].concat(), [&[0], octets].concat()];
    for at in 0..octets.len() {
        let mut changed = octets.to_vec();
        changed[at] ^= 1 << (at % 8);
        changes.extend([changed, octets[..at].to_vec(), octets[at + 1..].to_vec()]);
    }
    changes
}

/// One row per variant; a new variant does not compile until it has one.
#[test]
fn every_error_can_be_provoked_and_knows_its_requirement() {
    use Step::{Issue, Verify};
    use TokenError as E;
    let row = |error: &E| match error {
        E::PublicKeyLength { .. } => ("public_key_length", ["TOK-022", "TOK-032"]),
        E::InvalidTime { .. } => ("invalid_time", ["TOK-006", "TOK-008"]),
        E::InvalidTtl { .. } => ("invalid_ttl", ["TOK-009"; 2]),
        E::KeyMismatch => ("key_mismatch", ["TOK-021"; 2]),
        E::ServerIdEncoding => ("server_id_encoding", ["TOK-051"; 2]),
        E::ChallengeLength { .. } => ("challenge_length", ["TOK-026"; 2]),
        E::ChallengeType { .. } => ("challenge_type", ["TOK-027"; 2]),
        E::ChallengeKey => ("challenge_key", ["TOK-028"; 2]),
        E::ClientSignature => ("client_signature", ["TOK-033"; 2]),
        E::ServerSignature { .. } => ("server_signature", ["TOK-035", "TOK-044"]),
        E::BodyLength { .. } => ("body_length", ["TOK-036", "TOK-045"]),
        E::BodyTime { .. } => ("body_time", ["TOK-037", "TOK-046"]),
        E::WrongType { .. } => ("wrong_type", ["TOK-038", "TOK-048"]),
        E::PublicKeyMismatch => ("public_key_mismatch", ["TOK-039"; 2]),
        E::Future { .. } => ("future", ["TOK-040", "TOK-049"]),
        E::Expired { .. } => ("expired", ["TOK-041", "TOK-047"]),
    };
    let key = client_public();
    let both = |octets: &[u8]| [issue_of(octets).unwrap_err(), verify_of(octets).unwrap_err()];
    let one = |error: E| [error.clone(), error];
    let provoked = [
        [issuer().challenge(b"", NOW).unwrap_err(), issuer().issue(b"", b"", NOW).unwrap_err()],
        [issuer().challenge(&key, u64::MAX).unwrap_err(), issuer().challenge(&key, 0).unwrap_err()],
        one(verify(&key, b"", 0, NOW).unwrap_err()),
        one(SigningKey::from_keypair_octets(&[0; 64]).unwrap_err()),
        one(server_id(&[0xff]).unwrap_err()),
        one(sign_challenge(&client_key(), None, b"").unwrap_err()),
        one(sign_challenge(&client_key(), None, &[0; 101]).unwrap_err()),
        one(sign_challenge(&client_key(), None, &[1; 101]).unwrap_err()),
        one(issuer().issue(&key, b"", NOW).unwrap_err()),
        [
            issuer().issue(&key, &client_signs(b""), NOW).unwrap_err(),
            issuer().verify(b"", NOW).unwrap_err(),
        ],
        both(b""),
        both(&body(CHALLENGE, key, 0)),
        both(&body(0, key, now_s())),
        one(issue_of(&body(CHALLENGE, [0; 32], now_s())).unwrap_err()),
        [
            issue_of(&body(CHALLENGE, key, u32::MAX)).unwrap_err(),
            verify_of(&body(ACCESS, key, u32::MAX)).unwrap_err(),
        ],
        [
            issue_of(&body(CHALLENGE, key, 1)).unwrap_err(),
            verify_of(&body(ACCESS, key, 1)).unwrap_err(),
        ],
    ];
    let mut codes = std::collections::BTreeSet::new();
    for [first, second] in &provoked {
        let (code, requirements) = row(first);
        codes.insert(code);
        assert_eq!([first.code(), second.code()], [code; 2]);
        assert_eq!([first.requirement(), second.requirement()], requirements);
        assert!(!first.to_string().is_empty());
    }
    assert_eq!(codes.len(), 16, "one for each arm of the match");
    assert_eq!([Issue, Verify].map(|step| E::Expired { step }.status()), [Some(401); 2]);
}

proptest! {
    #[test]
    fn arbitrary_octets_are_refused(octets in proptest::collection::vec(any::<u8>(), 0..240)) {
        prop_assert!(issuer().verify(&octets, NOW).is_err());
        prop_assert!(issuer().issue(&client_public(), &octets, NOW).is_err());
        prop_assert!(issuer().issue(&client_public(), &client_signs(&octets), NOW).is_err());
        prop_assert!(sign_challenge(&client_key(), None, &octets).is_err());
    }

    #[test]
    fn any_body_the_server_has_signed_gets_one_outcome(
        octets in proptest::collection::vec(any::<u8>(), 30..40),
        kind in 0..4u8,
        time: u32,
        now in 0..=(1u64 << 53),
    ) {
        let signed = sign(&server_key(), &octets);
        let _ = issuer().verify(&signed, now);
        let body = sign(&server_key(), &body(kind, client_public(), time));
        let (born, now_ms) = (u64::from(time) * 1000, now);
        let valid = kind == ACCESS && time != 0 && born <= now_ms && now_ms < 1 << 53
            && now_ms <= born + DEFAULT_TOKEN_TTL_MS;
        prop_assert_eq!(issuer().verify(&body, now).is_ok(), valid);
    }
}
