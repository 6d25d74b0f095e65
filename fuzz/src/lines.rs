//! Lines of the shim protocol, in both directions.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tunnelproof::shim_protocol::{AnswerLine, ReplyLine};
use tunnelproof::shim_server::{Hello, Implementation, Outcome, serve};

use crate::Verdict;

/// Any octets as lines of requests, and each line as an answer.
///
/// A served request has one answer, which the harness's reader understands and which has the id of its
/// request; nothing is answered after a line that is not of the protocol. An answer that the reader accepts
/// is a JSON object with the fields that it says it has read. Other fields may hold any JSON, also such as
/// has no value here: an escaped lone surrogate, a number beyond any, depth beyond any stack.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let mut verdict = String::new();
    for line in data.split(|octet| *octet == b'\n').take(16) {
        verdict += &read_answer(line);
    }
    let mut echo = Echo { runs: 0, resets: 0 };
    let mut output = Vec::new();
    let served = serve(&mut echo, data, &mut output);
    let requests: Vec<Object> =
        data.split(|octet| *octet == b'\n').map_while(|line| Object::read(line).ok()).collect();
    let answers: Vec<_> = output.split_inclusive(|octet| *octet == b'\n').collect();
    assert!(answers.len() <= requests.len(), "no more answers than requests");
    let (mut answered, mut reset) = (0, 0);
    for (answer, request) in answers.iter().zip(&requests) {
        let line =
            answer.strip_suffix(b"\n").unwrap_or_else(|| panic!("an answer without its end"));
        let id = request.value("id").and_then(|id| id.as_u64());
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
    assert!(echo.runs <= answered && echo.resets == reset, "nothing is done without an answer");
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
    let object = Object::read(line).unwrap_or_else(|e| panic!("accepted, but: {e}"));
    let id_of = || object.value("id").and_then(|id| id.as_u64());
    match reply {
        ReplyLine::Hello(hello) => {
            let again = serde_json::to_value(&hello).unwrap_or_else(|e| panic!("{e}"));
            for name in ["protocol", "ops", "profiles", "error_detail", "max_inflight"] {
                assert_eq!(again.get(name), object.value(name).as_ref(), "{name}");
            }
            let implementation = object.object("implementation");
            for name in ["name", "version"] {
                let field = implementation.as_ref().and_then(|fields| fields.value(name));
                assert_eq!(again["implementation"].get(name), field.as_ref(), "{name}");
            }
            "hello ".to_owned()
        }
        ReplyLine::Reset { id } => {
            assert_eq!(Some(id), id_of());
            "reset ".to_owned()
        }
        ReplyLine::Answer(AnswerLine { id, outcome, out, error, .. }) => {
            assert_eq!(Some(id), id_of());
            let named = serde_json::to_value(outcome).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(Some(&named), object.value("outcome").as_ref());
            let results = object.value("out");
            assert_eq!(out.as_ref(), results.as_ref().and_then(Value::as_object));
            let code = object.object("error").and_then(|error| error.value("code"));
            assert_eq!(error.code.as_deref(), code.as_ref().and_then(Value::as_str));
            format!("{named} ")
        }
    }
}

/// An object whose fields are read when they are asked for.
struct Object(BTreeMap<String, Box<RawValue>>);

impl Object {
    fn read(line: &[u8]) -> Result<Object, serde_json::Error> {
        serde_json::from_slice(line).map(Object)
    }

    fn value(&self, name: &str) -> Option<Value> {
        let text = self.0.get(name)?.get();
        Some(serde_json::from_str(text).unwrap_or_else(|e| panic!("{name} was read, but: {e}")))
    }

    /// The field `name`; none if it is null.
    fn object(&self, name: &str) -> Option<Object> {
        let text = self.0.get(name)?.get();
        let object: Option<_> =
            serde_json::from_str(text).unwrap_or_else(|e| panic!("{name} was read, but: {e}"));
        object.map(Object)
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
