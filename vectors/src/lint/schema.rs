//! The files under their JSON Schema.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

static VECTORS: LazyLock<Validator> =
    LazyLock::new(|| validator(include_str!("../../schema/vectors.schema.json")));
static CONSTANTS: LazyLock<Validator> =
    LazyLock::new(|| validator(include_str!("../../schema/constants.schema.json")));

/// What is invalid in a file, with its place; at most a few, since one fault shows many times.
pub(super) fn problems(constants: bool, document: &Value) -> Vec<String> {
    let validator = if constants { &CONSTANTS } else { &VECTORS };
    let problem = |error: jsonschema::ValidationError<'_>| {
        let mut text = format!("{}: {error}", error.instance_path());
        if let Some((end, _)) = text.char_indices().nth(300) {
            text.truncate(end);
        }
        text
    };
    validator.iter_errors(document).take(5).map(problem).collect()
}

fn validator(schema: &str) -> Validator {
    let schema = serde_json::from_str(schema).unwrap_or_else(|error| panic!("schema: {error}"));
    jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("schema: {error}"))
}
