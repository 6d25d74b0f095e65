//! What tests of live checks share.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::TUNNELPROOF;

/// The reference's command. `cargo test --workspace` has built it already; this is for all other ways.
pub fn secure_tunnel() -> PathBuf {
    let directory = Path::new(TUNNELPROOF).parent().expect("is in a directory");
    let target = directory.parent().expect("is in the target directory");
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo tells a test of its package; the script that builds ring would see a change there, and build it again.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"CARGO_PKG_")
            || name.as_encoded_bytes().starts_with(b"CARGO_MANIFEST_")
        {
            cargo.env_remove(name);
        }
    }
    let status = cargo
        // By the features of the whole workspace, as `cargo build --workspace` has it: nothing is built twice.
        .args(["build", "--quiet", "--workspace", "--bin", "secure-tunnel"])
        .args(["--target-dir".as_ref(), target.as_os_str()])
        .args(directory.ends_with("release").then_some("--release"))
        .status()
        .expect("cargo starts");
    assert!(status.success(), "the reference's command builds");
    directory.join("secure-tunnel")
}

/// The schema of the lines between harness and endpoint.
pub fn live_schema() -> jsonschema::Validator {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/live.schema.json");
    let schema = std::fs::read_to_string(schema).expect("can be read");
    let schema: Value = serde_json::from_str(&schema).expect("is JSON");
    jsonschema::meta::validate(&schema).expect("is a JSON Schema");
    jsonschema::validator_for(&schema).expect("is a schema")
}

/// The file has more than so many lines, all of them of the schema.
pub fn has_lines(schema: &jsonschema::Validator, file: &Path, least: usize) {
    let text = std::fs::read_to_string(file).expect("was written");
    assert!(text.lines().count() > least, "{text}");
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).expect("is JSON");
        if let Err(e) = schema.validate(&value) {
            panic!("{e}: {line}");
        }
    }
}
