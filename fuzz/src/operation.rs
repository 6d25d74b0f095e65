//! Any operation of the shim protocol with any input.

use serde_json::{Map, Value};

use crate::Verdict;
use crate::agree::{Answer, both};

/// `{"op": .., "in": {..}}`: reference and model answer the same.
///
/// Not compared are requests that either of them calls unfit, what is encrypted under a seed of its own,
/// and sizes that the protocol never asks for.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let Ok(Value::Object(request)) = serde_json::from_slice(data) else {
        return "not a request".to_owned();
    };
    let op = request.get("op").and_then(Value::as_str);
    let input = request.get("in").and_then(Value::as_object);
    let (Some(op), Some(input)) = (op, input) else { return "not a request".to_owned() };
    if !is_bounded(&Value::Object(input.clone())) || has_private_key(input) {
        return "too much".to_owned();
    }
    let (mut reference, mut model) = both(op, input);
    if reference == Answer::BadRequest || model == Answer::BadRequest {
        return "bad request".to_owned();
    }
    for answer in [&mut reference, &mut model] {
        without_ciphertexts(answer);
    }
    assert_eq!(reference, model, "reference (left) and model (right) differ on {op}");
    format!("{reference:?}")
}

/// Whether no octets are repeated to more than a few kilobytes.
fn is_bounded(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            map.get("length").and_then(Value::as_u64).is_none_or(|length| length <= 1 << 14)
                && map.values().all(is_bounded)
        }
        Value::Array(items) => items.len() <= 64 && items.iter().all(is_bounded),
        _ => true,
    }
}

/// RSA private operations belong to targets that bound them.
fn has_private_key(input: &Map<String, Value>) -> bool {
    input.contains_key("private_key")
}

/// M2 and M3 hold ciphertexts; their lengths are compared.
fn without_ciphertexts(answer: &mut Answer) {
    let out = match answer {
        Answer::Ok(out) | Answer::Reject { out: Some(out), .. } => out,
        _ => return,
    };
    if let Some(Value::Array(sent)) = out.get_mut("sent") {
        for message in sent {
            *message = message.as_str().map_or(0, str::len).into();
        }
    }
}
