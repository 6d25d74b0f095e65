//! Against libsodium (`tests/known_answers/make_channel_tokens.py`): whole exchanges, and what it accepts
//! as a signature.

use serde_json::Value;

use super::*;
use crate::token::signed::Unverified;

fn answers(area: &str) -> Vec<Value> {
    let text = include_str!("../../../tests/known_answers/channel_tokens.json");
    let all: Value = serde_json::from_str(text).unwrap();
    all[area].as_array().unwrap().clone()
}

fn octets(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn key(value: &Value) -> [u8; 32] {
    octets(value).try_into().unwrap()
}

#[test]
fn exchanges() {
    let rows = answers("tokens");
    assert_eq!(rows.len(), 3);
    for row in rows {
        let (server, client) = (key(&row["server_seed"]), key(&row["client_seed"]));
        let (server, client) = (SigningKey::from_seed(&server), SigningKey::from_seed(&client));
        let public = key(&row["client_public"]);
        assert_eq!(server.public_key().0, key(&row["server_public"]));
        assert_eq!(client.public_key().0, public);

        let id = row["server_id"].as_str().filter(|id| !id.is_empty());
        let now = row["now"].as_u64().unwrap();
        let issuer = Issuer::new(server, id, 1_000, 1_000).unwrap();
        let challenge = issuer.challenge(&public, now).unwrap();
        assert_eq!(hex::encode(&challenge), row["challenge"]);
        for (id, name) in [(id, "signed_challenge"), (None, "signed_challenge_without_id")] {
            let signed = sign_challenge(&client, id, &challenge).unwrap();
            assert_eq!(hex::encode(&signed), row[name]);
            let token = issuer.issue(&public, &signed, now).unwrap();
            assert_eq!(hex::encode(&token), row["token"]);
            assert_eq!(issuer.verify(&token, now), Ok(PublicKey(public)));
        }
    }
}

/// Each case fails, or passes, exactly one rule of section 5.4; the names say which.
#[test]
fn signatures_are_accepted_exactly_where_libsodium_accepts_them() {
    let rows = answers("ed25519");
    assert_eq!(rows.len(), 69);
    let mut accepted = Vec::new();
    for row in &rows {
        let signed = [octets(&row["signature"]), octets(&row["message"])].concat();
        let verified = Unverified::parse(&signed).unwrap().verify(&key(&row["public"]));
        assert_eq!(verified.is_some(), row["accept"].as_bool().unwrap(), "{}", row["name"]);
        if verified.is_some() {
            accepted.push(row["name"].as_str().unwrap());
        }
    }
    assert_eq!(accepted, ["valid", "key of mixed order"]);
}
