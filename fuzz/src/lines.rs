//! Lines of the shim protocol, in both directions.

use serde_json::{Map, Value};
use tunnelproof::shim_protocol::{AnswerLine, ReplyLine};
use tunnelproof::shim_server::{Hello, Implementation, Outcome, serve};

use crate::Verdict;

/// Any octets as lines of requests, and each line as an answer.
///
/// A served request has one answer, which the harness's reader understands and which has the id of its
/// request; nothing is answered after a line that is not of the protocol. An answer that the reader accepts
/// is a JSON object with the fields that it says it has read.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let mut verdict = String::new();
    for line in data.split(|octet| *octet == b'\n').take(16) {
        verdict += &read_answer(line);
    }
    let mut echo = Echo { runs: 0, resets: 0 };
    let mut output = Vec::new();
    let served = serve(&mut echo, data, &mut output);
    let requests: Vec<Value> = data
        .split(|octet| *octet == b'\n')
        .map_while(|line| serde_json::from_slice(line).ok())
        .collect();
    let answers: Vec<_> = output.split_inclusive(|octet| *octet == b'\n').collect();
    assert!(answers.len() <= requests.len(), "no more answers than requests");
    let (mut answered, mut reset) = (0, 0);
    for (answer, request) in answers.iter().zip(&requests) {
        let line =
            answer.strip_suffix(b"\n").unwrap_or_else(|| panic!("an answer without its end"));
        let id = request.get("id").and_then(Value::as_u64);
        match ReplyLine::parse(line).unwrap_or_else(|e| panic!("the harness refuses it: {e}")) {
            ReplyLine::Hello(hello) => assert_eq!(hello.ops, ["cred.make"]),
            ReplyLine::Answer(answer) => {
                assert_eq!(Some(answer.id), id);
                answered += 1;
            }
            ReplyLine::Reset { id: of } => {
                assert_eq!(Some(of), id);
                reset += 1;
            }
        }
    }
    // The last line that ran may be one whose id turned out to be none.
    assert!(echo.runs <= answered + 1 && echo.resets <= reset + 1);
    format!("{verdict}{answered} {reset} {}", served.is_ok())
}

fn read_answer(line: &[u8]) -> String {
    let reply = match ReplyLine::parse(line) {
        Ok(reply) => reply,
        Err(problem) => {
            assert!(!problem.is_empty() && problem.len() < 2000, "{} octets", problem.len());
            assert!(!problem.contains('\n'), "one sentence for a report");
            return "refused ".to_owned();
        }
    };
    let object: Map<String, Value> =
        serde_json::from_slice(line).unwrap_or_else(|e| panic!("accepted, but: {e}"));
    let field = |name: &str| object.get(name);
    match reply {
        ReplyLine::Hello(hello) => {
            let again = serde_json::to_value(&hello).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(again.get("ops"), field("ops"));
            assert_eq!(again.get("error_detail"), field("error_detail"));
            "hello ".to_owned()
        }
        ReplyLine::Reset { id } => {
            assert_eq!(Some(id), field("id").and_then(Value::as_u64));
            "reset ".to_owned()
        }
        ReplyLine::Answer(AnswerLine { id, outcome, out, error, .. }) => {
            assert_eq!(Some(id), field("id").and_then(Value::as_u64));
            let named = serde_json::to_value(outcome).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(Some(&named), field("outcome"));
            assert_eq!(out.as_ref(), field("out").and_then(Value::as_object));
            let code = field("error").and_then(|error| error.get("code")?.as_str());
            assert_eq!(error.code.as_deref(), code);
            format!("{named} ")
        }
    }
}

/// Answers with its input.
struct Echo {
    runs: usize,
    resets: usize,
}

impl Implementation for Echo {
    fn hello(&self) -> Hello {
        Hello {
            name: "echo".to_owned(),
            version: "1".to_owned(),
            language: "Rust".to_owned(),
            url: String::new(),
            ops: vec!["cred.make"],
            profiles: Vec::new(),
            features: Vec::new(),
            error_detail: "bool",
            max_inflight: 1,
        }
    }

    fn run(&mut self, _: &str, input: &Map<String, Value>) -> Outcome {
        self.runs += 1;
        Outcome::Ok(input.clone())
    }

    fn reset(&mut self) {
        self.resets += 1;
    }
}
