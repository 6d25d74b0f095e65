//! Inputs of the operations on credentials: chapter 2 of the specification.

use serde_json::{Value, json};
use tunnelproof_vectors::build::world::Credentials;

use super::text::{bad_id, id, password, without_digit};
use super::values::{hex, mutated};
use crate::fuzz::rng::{Flaws, Rng};

/// `cred.make`.
pub fn make(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let mut id = id(rng);
    let mut client = password(rng, 18);
    let mut server = password(rng, 8);
    if let Some(mut rng) = flaws.hits(6, "the id is none") {
        id = bad_id(&mut rng);
    }
    for password in [&mut client, &mut server] {
        if let Some(mut rng) = flaws.hit("a password has another octet than a digit") {
            without_digit(&mut rng, password);
        }
        if let Some(mut rng) = flaws.hit("a password is altered") {
            *password = mutated(&mut rng, password);
        }
        if let Some(mut rng) = flaws.hit("a password is of another length") {
            let length = password.len();
            *password = super::text::password(&mut rng, length);
            if rng.once_in(2) {
                password.push(b'0');
            } else {
                password.pop();
            }
        }
    }
    json!({
        "id": hex(&id),
        "client_password": hex(&client),
        "server_password": hex(&server),
    })
}

/// A good pair.
pub fn credentials(rng: &mut Rng) -> Credentials {
    Credentials::new(&id(rng), &password(rng, 18), &password(rng, 8))
}

/// `cred.client_key`.
pub fn client_key(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let mut id = id(rng);
    let mut rest = password(rng, 26);
    if let Some(mut rng) = flaws.hits(8, "the id is none") {
        id = bad_id(&mut rng);
    }
    if let Some(mut rng) = flaws.hits(2, "the password has another octet than a digit") {
        without_digit(&mut rng, &mut rest[..18]);
    }
    if let Some(mut rng) = flaws.hits(2, "the digest has another octet than a digit") {
        without_digit(&mut rng, &mut rest[18..]);
    }
    let mut key = [id, rest].concat();
    if let Some(mut rng) = flaws.hit("the clientKey ends in white space") {
        key.extend(rng.one(&[&b"\n"[..], b"\r\n", b" ", b"\t"]));
    }
    if let Some(mut rng) = flaws.hit("the clientKey is too short") {
        let keep = rng.below(27);
        key.drain(..key.len() - keep);
    }
    if let Some(mut rng) = flaws.hits(2, "the clientKey is altered") {
        key = mutated(&mut rng, &key);
    }
    json!({ "client_key": hex(&key) })
}

/// `cred.server_key`.
pub fn server_key(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let mut key = password(rng, 26);
    spoil_server_key(flaws, &mut key);
    json!({ "server_key": hex(&key) })
}

/// What can be wrong with a serverKey.
pub fn spoil_server_key(flaws: &mut Flaws, key: &mut Vec<u8>) {
    if let Some(mut rng) = flaws.hits(2, "the serverKey has another octet than a digit") {
        without_digit(&mut rng, key);
    }
    if let Some(mut rng) = flaws.hit("the serverKey is altered") {
        *key = mutated(&mut rng, key);
    }
    if let Some(mut rng) = flaws.hit("the serverKey is of another length") {
        match rng.below(6) {
            0 => key.push(rng.one(b"0\n ")),
            1 => key.insert(0, rng.one(b"0\n ")),
            2 => drop(key.pop()),
            3 => key.clear(),
            4 => key.extend(password(&mut rng, 26)),
            _ => key.truncate(rng.below(26)),
        }
    }
}
