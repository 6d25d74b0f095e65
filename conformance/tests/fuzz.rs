//! `tunnelproof fuzz` from outside: what it finds, that it finds it again, and how it ends.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod common;

use std::fs;
use std::path::Path;

use common::{Finished, TUNNELPROOF, run};
use serde_json::Value;
use tunnelproof_vectors::lint::lint_dir;
use tunnelproof_vectors::{Expect, Suite};

/// Fuzzes a mutant with options before the `--`.
fn fuzz_mutant(mutant: &str, options: &[&str]) -> Finished {
    let shim = ["--", TUNNELPROOF, "shim", "--mutant", mutant];
    run(["fuzz", "--seed", "1"].into_iter().chain(options.iter().copied()).chain(shim))
}

/// The findings of a search with `--format json`.
fn findings(finished: &Finished) -> Vec<Value> {
    finished.log().into_iter().filter(|entry| entry["type"] == "finding").collect()
}

#[test]
fn a_seed_gives_the_same_finding_however_many_processes_run() {
    let options = ["--cases", "600", "--area", "cred", "--max-findings", "3", "--format", "json"];
    let with_jobs = |jobs| fuzz_mutant("id-limit-256", &[&options[..], &["--jobs", jobs]].concat());
    let (one, three) = (with_jobs("1"), with_jobs("3"));
    assert_eq!((one.code(), three.code()), (1, 1));
    let found = findings(&one);
    assert!(!found.is_empty());
    assert_eq!(found, findings(&three));
    let number = found[0]["case"].to_string();
    let again = fuzz_mutant("id-limit-256", &["--case", &number, "--format", "json"]);
    assert_eq!(findings(&again), found[..1], "by its number alone");
}

#[test]
fn a_finding_is_a_vector_that_loads_lints_and_can_be_replayed() {
    let directory = tempfile::tempdir().unwrap();
    let save = directory.path().join("found");
    let options = ["--cases", "2000", "--op", "tok.verify", "--save", save.to_str().unwrap()];
    let finished = fuzz_mutant("verify-future-ignored", &options);
    assert_eq!(finished.code(), 1, "{}", finished.stderr());
    let file = fs::read_dir(&save).unwrap().next().unwrap().unwrap().path();
    let name = file.to_str().unwrap();
    let text = finished.stdout();
    for part in ["wrong_accept", "tok.verify, case ", "--seed 1 --case ", "shrunk: ", name] {
        assert!(text.contains(part), "{text} lacks {part:?}");
    }

    let vectors = Suite::of_document(name, &fs::read(&file).unwrap()).unwrap();
    let vector = vectors.iter().find(|vector| vector.is_negative()).unwrap();
    let Expect::Reject(reject) = &vector.expect else { panic!("a reject") };
    assert_eq!((&reject.class[..], &reject.codes[..]), ("freshness", &["future".to_owned()][..]));
    assert_eq!(vector.requirements, ["TOK-049"]);
    let base = vectors.iter().find(|base| Some(&base.id) == vector.base.as_ref()).unwrap();
    let differing = vector.input.iter().filter(|(key, value)| base.input[*key] != **value).count();
    assert_eq!(differing, 1, "one field is not that of the base");

    // Among the committed vectors it is one of them.
    let data = directory.path().join("data");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/data"), &data);
    fs::copy(&file, data.join("tok/fuzz.json")).unwrap();
    assert_eq!(lint_dir(&data), []);

    let replay = |mutant: &[&str]| {
        run(["fuzz", "--replay", name, "--", TUNNELPROOF, "shim"].iter().chain(mutant).copied())
    };
    let caught = replay(&["--mutant", "verify-future-ignored"]);
    assert_eq!(caught.code(), 1, "{}", caught.stdout());
    assert!(caught.stdout().contains(&vector.id), "{}", caught.stdout());
    assert_eq!(replay(&["--model"]).code(), 0);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

#[test]
fn reference_and_model_do_not_differ() {
    for shim in [&["--"][..], &["--", TUNNELPROOF, "shim", "--model"]] {
        let shim = if shim.len() == 1 { &[] } else { shim };
        // Records of 2^24 octets take seconds in a program that is not optimised.
        let options = ["fuzz", "--seed", "5", "--cases", "150", "--timeout", "600"];
        let finished = run(options.iter().chain(shim).copied());
        assert_eq!(finished.code(), 0, "{}", finished.stdout());
        let last = finished.stdout().lines().last().unwrap().to_owned();
        assert!(last.starts_with("no difference: 150 cases in "), "{last}");
        assert!(last.ends_with(", seed 5") && last.contains(" cases per second"), "{last}");
    }
}

#[test]
fn exit_codes_tell_why_it_ended() {
    let few = ["fuzz", "--seed", "1", "--cases", "20", "--area", "cred"];
    let with = |shim: &[&str]| run(few.iter().chain(shim).copied());
    let unsupported = with(&["--", TUNNELPROOF, "shim", "--control", "unsupported-all"]);
    assert_eq!(unsupported.code(), 4, "{}", unsupported.stdout());
    assert!(unsupported.stdout().contains("not run: "), "{}", unsupported.stdout());
    let broken = with(&["--", "/there/is/no/such/shim"]);
    assert_eq!(broken.code(), 3, "{}", broken.stdout());
    assert!(broken.stderr().contains("can't start"), "{}", broken.stderr());
    assert!(!broken.stdout().contains("no difference"), "{}", broken.stdout());
    for usage in [
        &["fuzz", "--area", "crd"][..],
        &["fuzz", "--op", "cred.mak"],
        &["fuzz", "--area", "tok", "--op", "cred.make"],
        &["fuzz", "--case", "1"],
        &["fuzz", "--cases", "0"],
        &["fuzz", "--replay", "/there/is/no/such/file"],
    ] {
        let finished = run(usage.iter().copied());
        assert_eq!(finished.code(), 2, "{usage:?}: {}", finished.stdout());
        assert!(!finished.stderr().is_empty());
    }
}

/// The last batch of a search often ends as its shim starts.
#[test]
fn a_shim_that_is_starting_when_the_time_is_over_is_not_broken() {
    let finished = run(["fuzz", "--seconds", "1", "--start-timeout", "60", "--", "sleep", "60"]);
    assert_eq!(finished.code(), 4, "{}", finished.stdout());
    assert!(finished.stdout().contains("nothing ran"), "{}", finished.stdout());
    assert!(!finished.stdout().contains("broken"), "{}", finished.stdout());
}

#[test]
fn a_shim_that_crashes_is_found_and_started_again() {
    let options = ["--cases", "400", "--op", "cred.client_key", "--max-findings", "1"];
    let finished = fuzz_mutant("short-key-traps", &options);
    assert_eq!(finished.code(), 1, "{}", finished.stderr());
    assert!(finished.stdout().contains("crash"), "{}", finished.stdout());
}
