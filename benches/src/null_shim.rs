//! A shim that computes nothing: it looks the expected answer up. What a run with it takes is the harness's own time.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use serde::Deserialize;
use serde_json::{Value, json};
use tunnelproof::shim_server::ALL_OPS;
use tunnelproof_vectors::{Answer, Expect, Suite, Vector};

/// Requests that it takes at once.
pub const MAX_INFLIGHT: u64 = 256;

/// A request, as far as it is read.
#[derive(Deserialize)]
struct Request<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(default)]
    id: u64,
    #[serde(default)]
    case: &'a str,
}

/// Serves the shim protocol until `bye` or the end of `input`. What has arrived is answered before anything is flushed.
///
/// # Errors
/// If reading or writing fails, or a line is not a request.
pub fn serve(suite: &Suite, input: impl Read, output: impl Write) -> io::Result<()> {
    let answers: HashMap<&str, String> =
        suite.vectors.iter().map(|vector| (vector.id.as_str(), answer(vector))).collect();
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut output = BufWriter::with_capacity(1 << 16, output);
    let mut line = Vec::new();
    loop {
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return output.flush();
        }
        let request: Request<'_> = serde_json::from_slice(&line)?;
        let id = request.id;
        match request.kind {
            "hello" => writeln!(output, "{}", hello(suite))?,
            "reset" => writeln!(output, r#"{{"type":"reset","id":{id}}}"#)?,
            "bye" => return output.flush(),
            _ => {
                let answer = answers.get(request.case).map_or(UNSUPPORTED, String::as_str);
                writeln!(output, r#"{{"type":"answer","id":{id},{answer}}}"#)?;
            }
        }
    }
}

/// The fields that answer a case it does not know, such as the harness's probe.
const UNSUPPORTED: &str = r#""outcome":"unsupported","reason":"nothing is computed here""#;

fn hello(suite: &Suite) -> Value {
    let mut features: Vec<&String> = suite.vectors.iter().flat_map(|v| &v.requires).collect();
    features.sort_unstable();
    features.dedup();
    json!({
        "type": "hello",
        "protocol": tunnelproof::shim_server::PROTOCOL,
        "implementation": {"name": "null", "version": "1", "language": "Rust", "url": ""},
        "ops": ALL_OPS,
        "profiles": [],
        "features": features,
        "error_detail": "code",
        "max_inflight": MAX_INFLIGHT,
    })
}

/// The fields of the answer that the vector expects; where they can't be copied from it, since the harness opens
/// a ciphertext, `skip`.
fn answer(vector: &Vector) -> String {
    let copied = match &vector.expect {
        Expect::Accept(out) => Answer::Ok(out),
        Expect::Reject(reject) => Answer::Reject {
            class: Some(&reject.class),
            code: Some(&reject.codes[0]),
            status: reject.status,
            out: reject.out.as_ref(),
        },
    };
    let fields = match &vector.expect {
        _ if vector.judge(&copied).is_err() => {
            json!({"outcome": "skip", "reason": "the answer can't be looked up"})
        }
        Expect::Accept(out) => json!({"outcome": "ok", "out": out}),
        Expect::Reject(reject) => {
            let mut fields = json!({
                "outcome": "reject",
                "error": {"class": reject.class, "code": reject.codes[0]},
            });
            if let Some(status) = reject.status {
                fields["error"]["status"] = json!(status);
            }
            if let Some(out) = &reject.out {
                fields["out"] = json!(out);
            }
            fields
        }
    };
    let text = fields.to_string();
    text[1..text.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_a_case_with_what_is_expected_and_another_with_unsupported() {
        let suite = Suite::embedded().unwrap();
        let case = suite.vectors.iter().find(|v| matches!(v.expect, Expect::Reject(_))).unwrap();
        let requests = format!(
            "{}\n{}\n{}\n{}\n",
            json!({"type": "hello", "protocol": {"min": 1, "max": 1}}),
            json!({"type": "run", "id": 1, "case": case.id, "op": case.op, "in": {}}),
            json!({"type": "run", "id": 2, "case": "no/such/case", "op": "x", "in": {}}),
            json!({"type": "reset", "id": 3}),
        );
        let mut output = Vec::new();
        serve(&suite, requests.as_bytes(), &mut output).unwrap();
        let answers: Vec<Value> =
            output.split(|o| *o == b'\n').filter_map(|l| serde_json::from_slice(l).ok()).collect();
        assert_eq!(answers[0]["type"], "hello");
        assert_eq!((&answers[1]["id"], &answers[1]["outcome"]), (&json!(1), &json!("reject")));
        assert_eq!((&answers[2]["id"], &answers[2]["outcome"]), (&json!(2), &json!("unsupported")));
        assert_eq!(answers[3], json!({"type": "reset", "id": 3}));
    }

    #[test]
    fn nearly_all_answers_can_be_looked_up() {
        let suite = Suite::embedded().unwrap();
        let skipped = suite.vectors.iter().filter(|v| answer(v).contains("looked up")).count();
        assert!(skipped * 20 < suite.vectors.len(), "{skipped} of {}", suite.vectors.len());
    }
}
