//! Runs with a shim that answers right, seen through their outputs; known failures; selections.

mod common;

use std::fs;

use common::{ACCEPTED, Finished, REFUSED, TUNNELPROOF, run, run_control, tunnelproof};
use serde_json::Value;

#[test]
fn a_selection_that_passes_is_said_to_be_one() {
    let finished = run_control("good", &[ACCEPTED]);
    assert_eq!(finished.code(), 0);
    assert!(finished.stdout().contains("selection passed"), "{}", finished.stdout());
    assert!(!finished.stdout().contains("conformant:"), "{}", finished.stdout());
    assert!(!finished.stdout().contains('\x1b'), "no colour without a terminal");
    assert_eq!(finished.stderr(), "", "no progress without a terminal");
}

#[test]
fn the_built_in_reference_is_the_default() {
    for arguments in [&["run", ACCEPTED][..], &["--area", "cred", "--format", "human"]] {
        let finished = run(arguments.iter().copied());
        assert_eq!(finished.code(), 0, "{arguments:?}: {}", finished.stdout());
        assert!(finished.stdout().starts_with("secure-tunnel "), "{}", finished.stdout());
    }
}

#[test]
fn vectors_may_come_from_a_directory() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/data");
    let built_in = run_control("good", &[ACCEPTED, "--format", "json"]);
    let finished = run_control("good", &[ACCEPTED, "--format", "json", "--vectors", data]);
    assert_eq!(finished.code(), 0, "{}", finished.stderr());
    assert_eq!(finished.log()[0]["suite_hash"], built_in.log()[0]["suite_hash"]);
}

#[test]
fn a_failure_says_what_where_why_and_how_to_repeat_it() {
    let finished = run_control("accept-all", &["cred/server-key/bad-at-00"]);
    let text = finished.stdout();
    for part in [
        "FAIL cred/server-key/bad-at-00  wrong_accept  SECURITY",
        "Expected outcome to be reject",
        "the flaw: ",
        "CRED-022: A serverKey with an octet that is not a base62 digit MUST be refused",
        "again: tunnelproof run cred/server-key/bad-at-00 -- ",
        "not conformant: 1 case failed, 1 of them a matter of security",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let again = text.lines().find_map(|line| line.trim().strip_prefix("again: tunnelproof "));
    let words: Vec<&str> = again.expect("a command").split(' ').collect();
    let repeated = run(words);
    assert_eq!(repeated.code(), 1);
    assert!(repeated.stdout().contains("FAIL cred/server-key/bad-at-00"), "{}", repeated.stdout());
}

#[test]
fn junit_and_a_saved_log_tell_the_same_as_the_run() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let (log, junit) = (path("log"), path("junit"));
    let finished =
        run_control("accept-all", &[ACCEPTED, REFUSED, "--format", "json", "--output", &log]);
    assert!(finished.stdout().contains("not conformant"), "the human report goes to stdout");
    let report = run(["report", &log, "--format", "junit"]);
    assert_eq!(report.code(), 1, "the code of the run that is reported");
    let document = quick_junit::Report::deserialize_from_str(report.stdout()).expect("is JUnit");
    let again = run_control("accept-all", &[ACCEPTED, REFUSED, "--format", "junit", "-o", &junit]);
    assert_eq!(again.code(), 1);
    let text = fs::read_to_string(&junit).expect("can be read");
    let direct = quick_junit::Report::deserialize_from_str(&text).expect("is JUnit");
    let names = |report: &quick_junit::Report| -> Vec<String> {
        report.test_suites.iter().flat_map(|s| &s.test_cases).map(|c| c.name.to_string()).collect()
    };
    assert_eq!(names(&document), names(&direct));
    assert_eq!((document.tests, document.failures), (direct.tests, direct.failures));
    let few = document.test_suites.iter().find(|suite| suite.name.as_str() == "cred");
    assert_eq!(few.expect("the area").failures, 16, "{text}");
    let human = run(["report", &log]);
    assert!(human.stdout().contains("not conformant: 16 cases failed"), "{}", human.stdout());
    let cut = fs::read_to_string(&log).expect("can be read");
    fs::write(&log, &cut[..cut.len() / 2]).expect("can be written");
    assert_eq!(run(["report", &log]).code(), 2);
}

#[test]
fn the_statement_says_what_may_be_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("statement.json").to_string_lossy().into_owned();
    let statement = |control: &str| -> Value {
        run_control(control, &[ACCEPTED, REFUSED, "--statement", &path]);
        serde_json::from_str(&fs::read_to_string(&path).expect("is written")).expect("is JSON")
    };
    let good = statement("good");
    assert_eq!(good["conformant"], false, "a selection is no conformance: {good}");
    assert_eq!(good["conclusion"], "selection_passed");
    assert_eq!(good["counts"]["pass"], 16);
    assert_eq!(good["suite_hash"].as_str().map(str::len), Some(64));
    assert_eq!(good["implementation"]["name"], "Good");
    assert_eq!(good["lower_assurance"], false);
    assert_eq!(good["profiles"][0]["passed"], 16, "{good}");
    assert!(good["profiles"][0]["required"].as_u64() > Some(1000), "{good}");
    let lower = statement("bool");
    assert_eq!((&lower["lower_assurance"], &lower["error_detail"]), (&true.into(), &"bool".into()));
    assert_eq!(statement("skip-all")["conclusion"], "nothing_ran");
}

#[test]
fn the_whole_suite_makes_the_reference_conformant_and_a_part_of_it_does_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("statement.json").to_string_lossy().into_owned();
    let finished = run(["--format", "json", "--timeout", "60", "--statement", &path]);
    assert_eq!(finished.code(), 0, "{}", finished.summary());
    assert_eq!(finished.summary()["conclusion"], "conformant");
    let statement: Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("is written")).expect("is JSON");
    assert_eq!(statement["conformant"], true);
    for profile in statement["profiles"].as_array().expect("a list") {
        assert_eq!(profile["passed"], profile["required"], "{profile}");
        assert_eq!(profile["missing"], Value::Array(Vec::new()));
    }
    let below = run([
        "run",
        "--timeout",
        "60",
        "--",
        "sh",
        "-c",
        &format!("'{TUNNELPROOF}' shim | sed -u 's/\"hs.oaep\",//'"),
    ]);
    assert_eq!(below.code(), 4, "{}", below.stdout());
    assert!(below.stdout().contains("below the floor of the profile tunnel"), "{}", below.stdout());
}

#[test]
fn known_failures_from_first_to_last() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("known.toml").to_string_lossy().into_owned();
    let write = |text: &str| fs::write(&path, text).expect("can be written");
    let with = |control: &str| run_control(control, &[REFUSED, "--known-failures", &path]);

    let first = run_control("accept-all", &[REFUSED, "--write-known-failures", &path]);
    assert_eq!(first.code(), 1);
    let text = fs::read_to_string(&path).expect("is written");
    assert_eq!(text.matches("[[known]]").count(), 10, "{text}");
    let expected = with("accept-all");
    assert_eq!(expected.code(), 0, "{}", expected.stdout());
    assert!(
        expected.stdout().contains("as expected, but not conformant: 10 cases"),
        "{}",
        expected.stdout()
    );

    let mended = with("good");
    assert_eq!(mended.code(), 1);
    assert!(mended.stdout().contains("xpass"), "{}", mended.stdout());

    write(
        "[[known]]\npattern = \"cred/server-key/*\"\nreason = \"later\"\n\
           [[known]]\npattern = \"cred/no-such/*\"\nreason = \"gone\"\n",
    );
    let stale = with("accept-all");
    assert_eq!(stale.code(), 1, "{}", stale.stdout());
    assert!(
        stale.stdout().contains("\"cred/no-such/*\" fits nothing that fails"),
        "{}",
        stale.stdout()
    );

    write("[[known]]\npattern = \"cred/server-key/*\"\nreason = \"later\"\n");
    let kept = run_control(
        "accept-all",
        &[REFUSED, "--known-failures", &path, "--write-known-failures", &path],
    );
    assert_eq!(kept.code(), 0);
    let text = fs::read_to_string(&path).expect("is written");
    assert_eq!(text.matches("reason = \"later\"").count(), 10, "{text}");

    write("[[known]]\npattern = \"cred/server-key/*\"\n");
    let malformed = with("accept-all");
    assert_eq!(malformed.code(), 2);
    assert!(malformed.stderr().contains("missing field `reason`"), "{}", malformed.stderr());
}

#[test]
fn fail_fast_ends_the_run() {
    let finished = run_control("accept-all", &[REFUSED, "--fail-fast", "--format", "json", "-j1"]);
    let summary = finished.summary();
    assert_eq!(finished.code(), 1);
    assert_eq!(summary["stopped"], "stopped at the first failure");
    assert!(summary["not_run"].as_u64() > Some(0), "{summary}");
}

#[test]
fn shards_are_disjoint_and_together_the_whole() {
    let ids = |options: &[&str]| -> Vec<String> {
        let arguments = ["list", "--ids", "--area", "cred"].iter().chain(options);
        let finished: Finished = run(arguments.copied());
        finished.stdout().lines().map(str::to_owned).collect()
    };
    let whole = ids(&[]);
    let mut parts: Vec<String> =
        ["1/3", "2/3", "3/3"].iter().flat_map(|s| ids(&["--shard", s])).collect();
    assert_eq!(parts.len(), whole.len());
    parts.sort();
    let mut sorted = whole;
    sorted.sort();
    assert_eq!(parts, sorted);
}

#[test]
fn colour_can_be_forced_and_forbidden() {
    let shim = ["run", ACCEPTED, "--", TUNNELPROOF, "shim", "--control", "good"];
    let with = |name: &str, value: &str| {
        let output = tunnelproof(shim).env(name, value).output().expect("the program starts");
        String::from_utf8(output.stdout).expect("is UTF-8")
    };
    assert!(with("CLICOLOR_FORCE", "1").contains('\x1b'));
    assert!(!with("NO_COLOR", "1").contains('\x1b'));
}
