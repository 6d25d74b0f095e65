//! Loading fails closed, and says where.

mod common;

use common::Copy;
use tunnelproof_vectors::{Expect, Level, Suite};

/// The error's text names the place and contains `problem`.
fn fails(copy: &Copy, place: &str, problem: &str) {
    let error = Suite::from_dir(copy.path()).expect_err("a suite with a fault");
    let text = error.to_string();
    assert!(text.contains(place) && text.contains(problem), "{text}: not {place}, {problem}");
}

#[test]
fn a_good_suite_loads_with_constants_resolved() {
    let suite = Suite::from_dir(Copy::new().path()).expect("a good suite");
    assert_eq!(suite.version, "1.0.0");
    assert_eq!(suite.hash.len(), 64);
    let [empty, long, valid] = &suite.vectors[..] else { panic!("three vectors") };
    assert_eq!(valid.input["server_key"].as_str().map(str::len), Some(52));
    assert!(matches!(&valid.expect, Expect::Accept(out) if out.len() == 2));
    assert_eq!((valid.area(), valid.family()), ("cred", "cred/server-key"));
    assert!(!valid.is_negative() && empty.is_negative());
    assert_eq!((long.level, &long.requires[..]), (Level::Must, &["large".to_owned()][..]));
}

#[test]
fn the_hash_is_that_of_the_vector_format() {
    let copy = Copy::new();
    let mut hashed = Vec::new();
    for file in ["constants.json", "cred/server-key.json"] {
        let octets = std::fs::read(copy.path().join(file)).expect("a file");
        hashed.extend(file.as_bytes());
        hashed.push(0);
        hashed.extend((octets.len() as u64).to_be_bytes());
        hashed.extend(octets);
    }
    let hash = tunnelproof_vectors::build::primitives::sha256(&[&hashed]);
    let suite = Suite::from_dir(copy.path()).expect("a good suite");
    assert_eq!(suite.hash, hex::encode(hash));
}

#[test]
fn faults_of_a_file() {
    fails(&Copy::with("{\n", "["), "cred/server-key.json", "not JSON");
    fails(&Copy::with("\"format\": 1", "\"format\": 2"), "format", "not format 1");
    fails(&Copy::with("\"about\"", "\"abuot\""), "abuot", "unknown key");
    fails(&Copy::with("cred/server-key\",", "cred/server\","), "family", "does not name this file");
    fails(&Copy::with("\"constants\": {}", "\"constants\": {\"key\": \"00\"}"), "constants", "too");
    let copy = Copy::new();
    copy.write("cred/readme.txt", "stray");
    fails(&copy, "cred/readme.txt", "not <area>/<family>.json");
    let copy = Copy::new();
    std::fs::remove_file(copy.path().join("constants.json")).expect("a file");
    fails(&copy, "constants.json", "missing");
    let suite = "\"suite\": \"1.0.0\",\n";
    fails(&Copy::new().but("constants.json", suite, ""), "suite", "missing");
    let two = Copy::new().but("constants.json", "\"4d", "{\"const\": \"key\"}, \"b\": \"4d");
    fails(&two, "constants", "refers to another");
}

#[test]
fn an_unknown_key_at_any_depth() {
    let place = "cred/server-key/empty";
    fails(&Copy::with("\"note\"", "\"nota\": \"\", \"note\""), place, "unknown key");
    fails(&Copy::with("\"server_key\": \"\"", "\"server_key\": \"\", \"x\": 1"), place, "unknown");
    fails(&Copy::with("\"codes\"", "\"x\": 1, \"codes\""), place, "unknown key");
    let bug = Copy::with("\"type\": \"length\"", "\"type\": \"length\", \"x\": 1");
    fails(&bug, "cred/server-key/long", "unknown key");
    fails(&Copy::with("\"client_digest\"", "\"digest\""), "out.digest", "unknown");
}

#[test]
fn a_missing_or_doubled_name() {
    let twice = Copy::with("server-key/long", "server-key/empty");
    fails(&twice, "cred/server-key/empty", "twice");
    fails(&Copy::with("\"since\": \"1.0.0\", ", ""), "since", "missing");
    fails(&Copy::with("{\"server_key\": \"\"}", "{}"), "in", "without `server_key`");
    fails(&Copy::with("cred/server-key/empty", "cred/other/empty"), "cred/other/empty", "not cred");
    fails(&Copy::with("server-key/empty", "server-key/Empty"), "id", "a-z");
}

#[test]
fn constants_octets_and_operations() {
    let place = "cred/server-key/valid";
    fails(&Copy::with("{\"const\": \"key\"}", "{\"const\": \"kee\"}"), place, "`kee`");
    fails(&Copy::with("{\"const\": \"key\"}", "{\"const\": 1}"), place, "not a name");
    fails(&Copy::with("\"const\": \"key\"", "\"const\": \"key\", \"x\": 1"), place, "not alone");
    let place = "cred/server-key/empty";
    for bad in ["0", "0g", "AB", "00 ", " "] {
        let copy = Copy::with("{\"server_key\": \"\"}", &format!("{{\"server_key\": \"{bad}\"}}"));
        fails(&copy, place, "hexadecimal");
    }
    fails(&Copy::with("\"repeat\": \"30\"", "\"repeat\": \"\""), "long", "octets");
    fails(&Copy::with("cred.server_key", "cred.serverkey"), place, "unknown: cred.serverkey");
    fails(&Copy::with("cred.server_key", "hs.spki"), place, "another area");
}

#[test]
fn expectations_and_words() {
    let place = "cred/server-key/empty";
    fails(&Copy::with("{\"reject\"", "{\"refuse\""), place, "neither");
    fails(&Copy::with("\"reject\": {", "\"reject\": {\"status\": 402, "), place, "400 or 401");
    fails(&Copy::with("[\"malformed\"]", "[]"), place, "at least one");
    fails(&Copy::with("\"MUST\"", "\"must\""), place, "neither MUST nor SHOULD");
    fails(&Copy::with("\"interop\"", "\"bad\""), place, "unknown: bad");
    fails(&Copy::with("[\"CRED-021\"]", "\"CRED-021\""), place, "not a list");
}
