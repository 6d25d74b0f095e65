//! The committed suite is without a finding, and each rule finds what breaks it.

mod common;

use common::Copy;
use tunnelproof_vectors::lint;

#[test]
fn the_committed_suite_is_clean() {
    let findings: Vec<_> = lint::lint_embedded().iter().map(ToString::to_string).collect();
    let first = &findings[..findings.len().min(40)];
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), first.join("\n"));
}

/// A finding of this rule, at this place.
fn finds(copy: &Copy, place: &str, rule: &str) {
    let findings: Vec<_> = lint::lint_dir(copy.path()).iter().map(ToString::to_string).collect();
    let found = findings.iter().any(|text| text.contains(place) && text.contains(rule));
    assert!(found, "no finding {rule:?} at {place:?} among:\n{}", findings.join("\n"));
}

const EMPTY: &str = "cred/server-key/empty";

#[test]
fn the_small_suite_is_clean() {
    assert_eq!(lint::lint_dir(Copy::new().path()), []);
}

#[test]
fn rule_loads() {
    finds(&Copy::with("cred.server_key", "cred.no_op"), EMPTY, "loads: op");
    finds(
        &Copy::with("\"server_key\": \"\"", "\"server_key\": \"A0\""),
        EMPTY,
        "loads: in.server_key",
    );
    let copy = Copy::new();
    std::fs::remove_dir_all(copy.path()).expect("a directory");
    finds(&copy, "", "cannot be read");
}

#[test]
fn rule_form() {
    let file = "cred/server-key.json";
    finds(&Copy::with("  \"about\"", "   \"about\""), file, "form: not laid out");
    finds(&Copy::with("}\n  ]\n}\n", "}\n  ]\n}"), file, "form: not laid out");
    let twice = Copy::with(
        "\"note\": \"Nothing at all.\"",
        "\"note\": \"x\", \"note\": \"Nothing at all.\"",
    );
    finds(&twice, file, "form: not laid out");
    let order = Copy::with("server-key/empty\"", "server-key/zero\"");
    finds(&order, file, "form: cred/server-key/zero is not before");
}

#[test]
fn rule_schema() {
    let file = "cred/server-key.json";
    finds(
        &Copy::with("\"since\": \"1.0.0\"", "\"since\": \"1\""),
        file,
        "schema: /vectors/0/since",
    );
    finds(&Copy::with(", \"severity\": \"interop\"", ""), file, "schema: /vectors/0");
    finds(&Copy::with("\"codes\": [\"malformed\"]", "\"codes\": [\"Bad\"]"), file, "schema: ");
    finds(&Copy::with("\"length\": 27", "\"length\": -1"), file, "schema: ");
    let constants = Copy::new().but("constants.json", "\"4d33", "\"4D33");
    finds(&constants, "constants.json", "schema: /constants/key");
}

#[test]
fn rule_base() {
    let base = "\"base\": \"cred/server-key/valid\"";
    finds(&Copy::with(base, "\"base\": \"cred/server-key/none\""), EMPTY, "base: ");
    finds(&Copy::with(base, "\"base\": \"cred/server-key/long\""), EMPTY, "is negative");
    finds(
        &Copy::with("\"server_key\": \"\"", "\"server_key\": {\"const\": \"key\"}"),
        EMPTY,
        "same input",
    );
    let copy = Copy::with(base, "\"base\": \"cred/client-key/valid\"");
    let other = r#"{
  "format": 1,
  "family": "cred/client-key",
  "about": "Reading a clientKey.",
  "constants": {},
  "vectors": [
    {
      "id": "cred/client-key/valid", "since": "1.0.0", "requirements": ["CRED-017"], "level": "MUST", "op": "cred.client_key",
      "in": {"client_key": "61"},
      "expect": {"accept": {"id": "61"}},
      "note": "Another operation."
    }
  ]
}
"#;
    copy.write("cred/client-key.json", other);
    finds(&copy, EMPTY, "base: cred/client-key/valid runs cred.client_key");
}

#[test]
fn rule_negative() {
    finds(&Copy::with("\"flaw\": \"no octets\", ", ""), EMPTY, "negative: no `flaw`");
    finds(&Copy::with("\"base\": \"cred/server-key/valid\", ", ""), EMPTY, "negative: no `base`");
    let positive = Copy::with(
        "\"note\": \"A good one.\"",
        "\"severity\": \"interop\",\n      \"note\": \"A good one.\"",
    );
    finds(&positive, "cred/server-key/valid", "negative: `severity` without a refusal");
}

#[test]
fn rule_requirements() {
    finds(&Copy::with("[\"CRED-021\"]", "[\"CRED-999\"]"), EMPTY, "CRED-999 is not in");
    finds(&Copy::with("[\"CRED-021\"]", "[\"CRED-021\", \"CRED-021\"]"), EMPTY, "CRED-021 twice");
}

#[test]
fn rule_level() {
    finds(&Copy::with("\"MUST\"", "\"SHOULD\""), EMPTY, "level: its first rule is MUST");
}

#[test]
fn rule_reason() {
    finds(&Copy::with("[\"malformed\"]", "[\"decrypt\"]"), EMPTY, "reason: no code cred decrypt");
    finds(
        &Copy::with("\"class\": \"encoding\"", "\"class\": \"auth\""),
        EMPTY,
        "reason: malformed is of",
    );
    let status =
        Copy::with("\"codes\": [\"malformed\"]", "\"codes\": [\"malformed\"], \"status\": 401");
    finds(&status, EMPTY, "reason: a status");
}

#[test]
fn rule_constants() {
    let unused = Copy::with(
        "{\"const\": \"key\"}",
        "\"4d33376a6c644b794b5431564463656b577975714a336c675a31\"",
    );
    finds(&unused, "constants.json", "constants: `key` is not used");
    let own = Copy::with("\"constants\": {}", "\"constants\": {\n    \"own\": \"00\"\n  }");
    finds(&own, "cred/server-key.json", "constants: `own` is not used");
}

#[test]
fn rule_words() {
    finds(&Copy::with("[\"large\"]", "[\"small\"]"), "cred/server-key/long", "words: no feature");
    let group = Copy::with("\"severity\"", "\"group\": \"none\", \"severity\"");
    finds(&group, EMPTY, "words: no group `none`");
    finds(&Copy::with("\"since\": \"1.0.0\"", "\"since\": \"1.0.1\""), EMPTY, "words: no version");
}
