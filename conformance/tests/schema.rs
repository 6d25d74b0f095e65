//! Every line that the harness and the built-in shim exchange is of the published schema.

mod common;

use std::collections::HashMap;
use std::fs;

use common::{TUNNELPROOF, run};
use serde_json::Value;

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/shim.schema.json");
    serde_json::from_str(&fs::read_to_string(path).expect("can be read")).expect("is JSON")
}

/// A validator for one definition of the schema.
fn definition(schema: &Value, name: &str) -> jsonschema::Validator {
    let mut schema = schema.clone();
    let root = schema.as_object_mut().expect("is an object");
    root.remove("oneOf");
    root.insert("$ref".into(), format!("#/$defs/{name}").into());
    jsonschema::validator_for(&schema).expect("is a schema")
}

#[test]
fn every_line_exchanged_is_of_the_schema() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let (requests, answers) = (file("requests"), file("answers"));
    let shim = format!("tee -a '{requests}' | '{TUNNELPROOF}' shim | tee -a '{answers}'");
    let finished = run(["run", "--jobs", "1", "--timeout", "60", "--", "sh", "-c", &shim]);
    assert_eq!(finished.code(), 0, "{}", finished.stdout());

    let schema = schema();
    jsonschema::meta::validate(&schema).expect("is a JSON Schema");
    let line_of_protocol = jsonschema::validator_for(&schema).expect("is a schema");
    let parse = |file: &str| -> Vec<Value> {
        let text = fs::read_to_string(file).expect("was written");
        text.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
    };
    let (requests, answers) = (parse(&requests), parse(&answers));
    assert!(requests.len() > 2000 && answers.len() > 2000, "{} {}", requests.len(), answers.len());
    for line in requests.iter().chain(&answers) {
        if let Err(e) = line_of_protocol.validate(line) {
            panic!("{e}: {line}");
        }
    }

    let ops: HashMap<&Value, &str> =
        requests.iter().filter_map(|r| Some((r.get("id")?, r.get("op")?.as_str()?))).collect();
    let mut validators: HashMap<&str, jsonschema::Validator> = HashMap::new();
    let mut checked = 0;
    for answer in answers.iter().filter(|answer| answer["outcome"] == "ok") {
        let op = ops[&answer["id"]];
        let validator =
            validators.entry(op).or_insert_with(|| definition(&schema, &format!("out.{op}")));
        if let Err(e) = validator.validate(&answer["out"]) {
            panic!("{op}: {e}: {answer}");
        }
        checked += 1;
    }
    assert!(checked > 500 && validators.len() > 20, "{checked} of {} operations", validators.len());
}

#[test]
fn what_is_not_of_the_protocol_is_not_of_the_schema() {
    let validator = jsonschema::validator_for(&schema()).expect("is a schema");
    for line in [
        r#"{"type":"answer","id":1,"outcome":"fine"}"#,
        r#"{"type":"answer","id":1,"outcome":"ok"}"#,
        r#"{"type":"answer","id":"1","outcome":"skip"}"#,
        r#"{"type":"answer","outcome":"skip"}"#,
        r#"{"type":"run","id":1,"case":"a/b/c","op":"cred.make","in":{"id":"6"},"deadline_ms":5}"#,
        r#"{"type":"run","id":1,"case":"a/b/c","op":"cred.client_key","in":{"client_key":"6A"},"deadline_ms":5}"#,
        r#"{"type":"hello","protocol":1}"#,
        r#"[]"#,
    ] {
        let value: Value = serde_json::from_str(line).expect("is JSON");
        assert!(!validator.is_valid(&value), "{line}");
    }
}
