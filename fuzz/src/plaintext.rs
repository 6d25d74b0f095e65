//! P1 and P3 in the open.

use serde_json::json;

use crate::Verdict;
use crate::agree::{Answer, agree, octets};
use crate::credentials::is_id;
use crate::protocol;

/// Any octets as P1: what is accepted is written again as it was, whatever else is malformed.
pub(crate) fn p1(data: &[u8]) -> Verdict {
    let answer = agree("hs.request", json!({ "plaintext": hex::encode(data) }));
    let Some(out) = answer.accepted() else {
        assert!(!is_p1(data), "refused, but it is a P1");
        assert_eq!(answer.code(), "malformed");
        return "malformed".to_owned();
    };
    assert!(is_p1(data), "accepted, but it is not a P1");
    let id = octets(out, "id");
    let t = number(&answer, "t");
    let again = protocol::p1(&id, &octets(out, "client_password"), t, &octets(out, "nonce"));
    assert_eq!(again, data, "one encoding only");
    format!("ok {} {t}", id.len())
}

/// Any octets as P3, as [`p1`].
pub(crate) fn p3(data: &[u8]) -> Verdict {
    let answer = agree("hs.reply", json!({ "plaintext": hex::encode(data) }));
    let expected = data.len() == 94 && data[..8].iter().all(u8::is_ascii_alphanumeric);
    let Some(out) = answer.accepted() else {
        assert!(!expected, "refused, but it is a P3");
        assert_eq!(answer.code(), "malformed");
        return "malformed".to_owned();
    };
    assert!(expected, "accepted, but it is not a P3");
    let t = number(&answer, "t");
    let (password, k) = (octets(out, "server_password"), octets(out, "k"));
    assert_eq!(protocol::p3(&password, &k, t, &octets(out, "nonce")), data, "one encoding only");
    format!("ok {t}")
}

/// Whether the octets are a P1, read from the right.
pub(crate) fn is_p1(data: &[u8]) -> bool {
    let Some(split) = data.len().checked_sub(56) else { return false };
    let (head, fixed) = data.split_at(split);
    let Some((len, id)) = head.split_first() else { return false };
    usize::from(*len) == id.len() && is_id(id) && fixed[..18].iter().all(u8::is_ascii_alphanumeric)
}

fn number(answer: &Answer, name: &str) -> u64 {
    answer
        .accepted()
        .and_then(|out| out.get(name)?.as_str()?.parse().ok())
        .unwrap_or_else(|| panic!("no number {name}"))
}
