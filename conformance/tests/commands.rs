//! The commands that run nothing, and mistakes on the command line.

mod common;

use common::{REFUSED, TUNNELPROOF, run};

#[test]
fn list_shows_ids_levels_and_rules() {
    let finished = run(["list", "cred/server-key/valid"]);
    assert_eq!(finished.code(), 0);
    let words: Vec<&str> = finished.stdout().split_whitespace().collect();
    assert_eq!(words[..3], ["cred/server-key/valid", "MUST", "positive"], "{}", finished.stdout());
    assert!(words.contains(&"CRED-016"), "{words:?}");
    let by_rule = run(["list", "--ids", "--requirement", "CRED-021"]);
    assert!(by_rule.stdout().lines().count() > 3, "{}", by_rule.stdout());
}

#[test]
fn show_decodes_a_vector_and_sets_it_beside_its_base() {
    let finished = run(["show", "cred/server-key/bad-at-00"]);
    assert_eq!(finished.code(), 0);
    let text = finished.stdout();
    for part in [
        "cred.server_key, MUST",
        "the flaw: ",
        "server_key: Dc",
        "reject.class",
        "encoding",
        "what differs",
        "its base cred/server-key/",
        "CRED-022: A serverKey with",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let json = run(["show", "cred/server-key/bad-at-00", "--json"]);
    let value: serde_json::Value = serde_json::from_str(json.stdout()).expect("is JSON");
    assert_eq!(value["op"], "cred.server_key");
}

#[test]
fn every_vector_can_be_shown() {
    // One of each family: the decoding differs by operation, not by vector.
    let ids = run(["list", "--ids"]);
    let mut families = std::collections::BTreeMap::new();
    for id in ids.stdout().lines() {
        let family = id.rsplit_once('/').map(|(family, _)| family);
        families.insert(family, id);
    }
    assert!(families.len() > 20, "{families:?}");
    let ids: Vec<&str> = families.into_values().collect();
    let shown = run(["show"].iter().chain(&ids).copied());
    assert_eq!(shown.code(), 0, "{}", shown.stderr());
    for id in ids {
        assert!(shown.stdout().lines().any(|line| line == id), "{id} is not shown");
    }
    assert!(shown.stdout().lines().all(|line| line.chars().count() < 400), "{}", shown.stdout());
}

#[test]
fn explain_gives_sentence_reason_code_and_vectors() {
    for id in ["HS-014", "hs-014"] {
        let finished = run(["explain", id]);
        assert_eq!(finished.code(), 0);
        for part in [
            "HS-014  (spec/3-handshake.md",
            "A ciphertext MUST be exactly as many octets long as the modulus it is for.",
            "Why: some libraries accept",
            "reference/src/",
            "Vectors:\n  hs/",
        ] {
            assert!(finished.stdout().contains(part), "{part:?} is not in\n{}", finished.stdout());
        }
    }
}

#[test]
fn trace_lists_every_rule() {
    let finished = run(["trace", "--json"]);
    assert_eq!(finished.code(), 0);
    let rows: Vec<serde_json::Value> = finished
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).expect("is JSON"))
        .collect();
    assert!(rows.len() > 200, "{}", rows.len());
    let row = rows.iter().find(|row| row["id"] == "HS-036").expect("is a rule");
    assert!(
        row["code"][0].as_str().is_some_and(|place| place.starts_with("reference/src/")),
        "{row}"
    );
    assert!(row["vectors"].as_array().is_some_and(|ids| !ids.is_empty()), "{row}");
}

#[test]
fn help_teaches_with_examples() {
    for arguments in [&["--help"][..], &["run", "--help"]] {
        let finished = run(arguments.iter().copied());
        assert_eq!(finished.code(), 0);
        assert!(finished.stdout().contains("Examples:"), "{}", finished.stdout());
        assert!(finished.stdout().contains("tunnelproof run"), "{}", finished.stdout());
        for id in finished.stdout().split("tunnelproof show ").skip(1) {
            let id = id.split_whitespace().next().expect("an id");
            assert_eq!(run(["show", id]).code(), 0, "the example {id}");
        }
    }
}

#[test]
fn the_committed_vectors_have_no_lint() {
    let finished = run(["vectors", "lint"]);
    assert_eq!(finished.code(), 0, "{}", finished.stdout());
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_string_lossy().into_owned();
    let broken = run(["vectors", "lint", &path]);
    assert_eq!(broken.code(), 1, "{}", broken.stdout());
    assert!(broken.stdout().contains("constants.json"), "{}", broken.stdout());
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    for (arguments, part) in [
        (&["run", "cred/no-such/*"][..], "no vector matches \"cred/no-such/*\""),
        (&["run", "server-key"], "did you mean"),
        (&["run", "/bin/sh"], "a shim goes after `--`: tunnelproof run -- /bin/sh"),
        (&["run", "cred/[*"], "bad pattern"),
        (&["run", "--area", "mtls"], "the areas are"),
        (&["run", "--requirement", "HS-999"], "no vector tests \"HS-999\""),
        (&["run", "--area", "tok", "cred/*"], "nothing is selected"),
        (&["run", "--shard", "0/3"], "a shard is I/N"),
        (&["run", "--shard", "4/3"], "a shard is I/N"),
        (&["run", REFUSED, "--shard", "99/99"], "nothing is selected"),
        (&["run", "--jobs", "0"], "from 1 to 256"),
        (&["run", "--timeout", "soon"], "not a number of seconds"),
        (&["run", "--timeout", "0"], "at least 0.001"),
        (&["run", "--timeout", "-1"], "unexpected argument"),
        (&["run", "--known-failures", "/does/not/exist"], "can't read the known failures"),
        (&["run", REFUSED, "--output", "/does/not/exist"], "can't write /does/not/exist"),
        (&["run", "--vectors", "/does/not/exist"], "cannot be read"),
        (&["explain", "HS-999"], "there is no rule"),
        (&["explain", "14"], "ids look like HS-014"),
        (&["show", "cred/*"], "give ids"),
        (&["shim", "--control", "nice"], "there is no control \"nice\""),
        (&["shim", "--mutant", "nice"], "there is no mutant nice"),
        (&["shim", "--mutant", "nice", "--model"], "cannot be used with"),
        (&["report", "/does/not/exist"], "can't read"),
        (&["rum"], "unrecognized subcommand"),
        (&["run", "--fail-slow"], "unexpected argument"),
    ] {
        let finished = run(arguments.iter().copied());
        assert_eq!(finished.code(), 2, "{arguments:?}: {}", finished.stdout());
        assert!(finished.stderr().contains(part), "{arguments:?}: {}", finished.stderr());
        assert_eq!(finished.stdout(), "", "{arguments:?}");
    }
    assert_eq!(
        run(["shim", "--control", "good"]).code(),
        0,
        "an empty input is a harness that has gone"
    );
    assert!(std::path::Path::new(TUNNELPROOF).exists());
}
