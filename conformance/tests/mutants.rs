//! The vectors against the model, its mutants and the reference: all that needs no other process.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tunnelproof::model::{Cache, Model};
use tunnelproof::mutants::{self, Extent, Report, run_all};
use tunnelproof::reference_shim::Reference;
use tunnelproof::shim_server::{Implementation, Outcome, serve};
use tunnelproof_vectors::{Answer, Suite, Vector};

fn suite() -> Suite {
    Suite::embedded().unwrap()
}

#[test]
fn the_model_passes_every_vector_and_every_mutant_is_caught() {
    let suite = suite();
    let report = run_all(&suite, Extent::UntilCaught);
    assert!(report.is_good(), "{}", complaints(&report));
    let astray: Vec<_> = report
        .rows
        .iter()
        .filter(|row| !row.is_caught_as_meant())
        .map(|row| format!("{}: {}", row.mutant.name(), row.mutant.breaks))
        .collect();
    assert!(astray.is_empty(), "caught only by vectors for other rules: {astray:?}");
    assert!(report.rows.len() >= 90, "there are only {} mutants", report.rows.len());
}

fn complaints(report: &Report<'_>) -> String {
    let faults = report.faults.iter().map(|(vector, text)| format!("{}: {text}", vector.id));
    let missed = report.rows.iter().filter(|row| !row.is_caught()).map(|row| {
        let found: Vec<_> = row
            .catches
            .iter()
            .map(|catch| format!("{} {}", catch.vector.id, catch.kind.name()))
            .collect();
        format!("{} is not caught: {} ({found:?})", row.mutant.name(), row.mutant.about)
    });
    faults.chain(missed).collect::<Vec<_>>().join("\n")
}

/// `run_all` leaves out what cannot differ. Here some mutants run where it leaves them out.
#[test]
fn a_mutant_answers_as_the_model_does_where_its_bug_is_not_asked_about() {
    let suite = suite();
    let cache = Arc::new(Cache::default());
    let cheap = |vector: &&Vector| {
        vector.requires.is_empty() && !matches!(vector.op.as_str(), "hs.client" | "hs.server")
    };
    let vectors: Vec<_> = suite.vectors.iter().filter(cheap).collect();
    let mut plain = Model::new(None, Arc::clone(&cache));
    let expected: Vec<_> = vectors
        .iter()
        .map(|vector| (plain.run(&vector.op, &vector.input), plain.take_reached()))
        .collect();
    let mut compared = 0;
    for mutant in mutants::all().step_by(29) {
        let mut model = Model::new(Some(mutant.bug), Arc::clone(&cache));
        for (vector, (outcome, reached)) in vectors.iter().zip(&expected) {
            if !reached.contains(mutant.bug) {
                let found = model.run(&vector.op, &vector.input);
                assert_eq!(found, *outcome, "{} on {}", mutant.name(), vector.id);
                compared += 1;
            }
        }
    }
    assert!(compared > 1000, "only {compared} answers were compared");
}

#[test]
fn the_reference_passes_every_vector_through_the_shim_protocol() {
    passes_over_the_protocol(&mut Reference::default());
}

#[test]
fn the_model_passes_some_vectors_through_the_shim_protocol_after_a_reset() {
    let mut model = Model::new(None, Arc::default());
    model.reset();
    let suite = suite();
    let few: Vec<_> = suite.vectors.iter().filter(|vector| vector.area() == "tok").collect();
    assert!(!few.is_empty());
    let failed = failures(&mut model, &few);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn passes_over_the_protocol(implementation: &mut dyn Implementation) {
    let suite = suite();
    let failed = failures(implementation, &suite.vectors.iter().collect::<Vec<_>>());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Sends all requests at once and judges the answers by their ids.
fn failures(implementation: &mut dyn Implementation, vectors: &[&Vector]) -> Vec<String> {
    let hello = json!({"type": "hello", "protocol": {"min": 1, "max": 1}});
    let requests = vectors.iter().zip(0..).map(|(vector, id): (_, u64)| {
        json!({"type": "run", "id": id, "case": vector.id, "op": vector.op, "in": vector.input})
    });
    let bye = json!({"type": "bye"});
    let input: String =
        [hello].into_iter().chain(requests).chain([bye]).map(|line| format!("{line}\n")).collect();
    let mut output = Vec::new();
    serve(implementation, input.as_bytes(), &mut output).unwrap();

    let mut lines = output
        .split(|&octet| octet == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice::<Map<String, Value>>(line).unwrap());
    assert_eq!(lines.next().unwrap()["type"], "hello");
    let answers: HashMap<u64, Map<String, Value>> =
        lines.map(|line| (line["id"].as_u64().unwrap(), line)).collect();
    assert_eq!(answers.len(), vectors.len());

    vectors
        .iter()
        .zip(0..)
        .filter_map(|(vector, id)| {
            let answer = &answers[&id];
            let out = answer.get("out").and_then(Value::as_object);
            let error = |name: &str| answer.get("error").and_then(|error| error.get(name));
            let status = || error("status").map(|status| status.as_u64().map(|code| code as u16));
            let verdict = match answer["outcome"].as_str() {
                Some("ok") => vector.judge(&Answer::Ok(out.unwrap())),
                Some("reject") => vector.judge(&Answer::Reject {
                    class: error("class").and_then(Value::as_str),
                    code: error("code").and_then(Value::as_str),
                    status: status(),
                    out,
                }),
                _ => return Some(format!("{}: {answer:?}", vector.id)),
            };
            verdict.err().map(|mismatch| format!("{}: {mismatch}", vector.id))
        })
        .collect()
}

#[test]
fn the_reference_answers_a_bad_request_with_a_fault() {
    let bad = [
        ("cred.make", json!({})),
        ("hs.spki", json!({"spki": "0"})),
        ("hs.client", json!({"client_key": 7})),
        ("hs.server", json!({"private_key": "00", "k": "00", "events": []})),
        ("chan.open", json!({"chain": "00"})),
        ("chan.session", json!({"role": "queen", "start": {}, "events": []})),
        ("frame.stream", json!({"reads": "00", "end": true, "established_after": null})),
        ("tok.sign", json!({"client_private": "00", "challenge": "00"})),
    ];
    let mut reference = Reference::default();
    let mut model = Model::new(None, Arc::default());
    for (op, input) in bad {
        let input = input.as_object().unwrap();
        for implementation in [&mut reference as &mut dyn Implementation, &mut model] {
            let outcome = implementation.run(op, input);
            assert!(matches!(outcome, Outcome::Fault { .. }), "{op}: {outcome:?}");
        }
    }
}
