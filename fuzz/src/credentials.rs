//! clientKey and serverKey.

use secure_tunnel::credentials::{self, ClientKey, ClientPassword, Id, ServerKey, ServerPassword};
use secure_tunnel::error::Diagnostic;
use serde_json::json;
use tunnelproof_vectors::build::primitives::{client_digest, server_digest};

use crate::Verdict;
use crate::agree::{agree, octets};

/// Any octets as a clientKey.
///
/// Accepted octets are those that a reader written from the grammar accepts, are written again as they
/// were, and are the digest's only if the reference made them.
pub(crate) fn client_key(data: &[u8]) -> Verdict {
    let answer = agree("cred.client_key", json!({ "client_key": hex::encode(data) }));
    let parsed = ClientKey::parse(data);
    assert_eq!(parsed.is_ok(), split_client_key(data).is_some(), "as the grammar says");
    let key = match parsed {
        Err(error) => {
            assert_eq!((error.code(), answer.code()), ("malformed", "malformed"));
            return error.requirement().to_owned();
        }
        Ok(key) => key,
    };
    assert_eq!(key.expose().as_slice(), data, "one encoding only");
    let (id, client_password, digest) =
        split_client_key(data).unwrap_or_else(|| panic!("split above"));
    assert_eq!(key.id().as_str().as_bytes(), id);
    let out = answer.accepted().unwrap_or_else(|| panic!("accepted above"));
    assert_eq!(octets(out, "client_password"), client_password);
    assert_eq!(octets(out, "server_digest"), digest);
    format!("ok {}", id.len())
}

/// Any octets as a serverKey, and what they become when passwords are taken from them.
pub(crate) fn server_key(data: &[u8]) -> Verdict {
    let answer = agree("cred.server_key", json!({ "server_key": hex::encode(data) }));
    let expected = data.len() == 26 && data.iter().all(u8::is_ascii_alphanumeric);
    let key = match ServerKey::parse(data) {
        Err(error) => {
            assert!(!expected);
            assert_eq!((error.code(), answer.code()), ("malformed", "malformed"));
            return make(data);
        }
        Ok(key) => key,
    };
    assert!(expected);
    assert_eq!(key.expose().as_slice(), data, "one encoding only");
    assert!(!format!("{key:?}").contains(&*String::from_utf8_lossy(data)));
    format!("ok, {}", make(data))
}

/// Makes a pair from Ps (8) || Pc (18) || id, and asserts that it is what the generator makes.
fn make(data: &[u8]) -> Verdict {
    let Some((ps, rest)) = data.split_at_checked(8) else { return "short".to_owned() };
    let Some((pc, id)) = rest.split_at_checked(18) else { return "short".to_owned() };
    let id = if id.is_empty() { &b"id"[..] } else { id };
    let (parsed_id, pc_parsed, ps_parsed) =
        (Id::new(id), ClientPassword::parse(pc), ServerPassword::parse(ps));
    assert_eq!(parsed_id.is_ok(), is_id(id));
    assert_eq!(pc_parsed.is_ok(), pc.iter().all(u8::is_ascii_alphanumeric));
    assert_eq!(ps_parsed.is_ok(), ps.iter().all(u8::is_ascii_alphanumeric));
    let (Ok(parsed_id), Ok(pc_parsed), Ok(ps_parsed)) = (parsed_id, pc_parsed, ps_parsed) else {
        return "no pair".to_owned();
    };
    let (client, server) = credentials::create(&parsed_id, pc_parsed, ps_parsed);
    let expected = [id, pc, &server_digest(id, ps)].concat();
    assert_eq!(client.expose().as_slice(), expected);
    assert_eq!(server.expose().as_slice(), [ps, &*client_digest(id, pc)].concat());
    assert!(ClientKey::parse(&expected).is_ok() && ServerKey::parse(&server.expose()).is_ok());
    hex::encode(expected)
}

/// id, Pc and Ds by the grammar of section 2.5.
fn split_client_key(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (id, digits) = data.split_at(data.len().checked_sub(26)?);
    let (password, digest) = digits.split_at(18);
    (is_id(id) && digits.iter().all(u8::is_ascii_alphanumeric)).then_some((id, password, digest))
}

/// Whether the octets are an id (CRED-001 to CRED-004).
pub(crate) fn is_id(id: &[u8]) -> bool {
    let allowed = |c: char| !matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f);
    (1..=255).contains(&id.len())
        && std::str::from_utf8(id).is_ok_and(|text| text.chars().all(allowed))
}
