//! Every rule of the specification has code and a vector or a live case, or a reason why not; nothing names a rule
//! that is not there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tunnelproof::spec::{self, Spec};
use tunnelproof::{live_cases, trace};
use tunnelproof_vectors::Suite;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_embedded_specification_is_that_of_the_checkout() {
    let listed: BTreeSet<String> = spec::FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let present: BTreeSet<String> = std::fs::read_dir(root().join("spec"))
        .expect("spec/ can be read")
        .map(|entry| entry.expect("its entries too").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".md"))
        .collect();
    assert_eq!(listed, present, "FILES in conformance/src/spec.rs has to list every file of spec/");
    for (name, text) in spec::FILES {
        let file = std::fs::read_to_string(root().join("spec").join(name)).expect("can be read");
        assert_eq!(*text, file, "{name}");
    }
}

#[test]
fn rules_code_vectors_and_exceptions_fit_together() {
    let spec = Spec::embedded();
    let mut suite = Suite::embedded().expect("the vectors load");
    suite.vectors.extend(live_cases().expect("live cases are vectors too").vectors);
    let (citations, mut problems) = trace::citations(&root()).expect("the reference can be read");
    let exceptions = match std::fs::read_to_string(root().join("spec/exceptions.toml")) {
        Ok(text) => trace::exceptions(&text).expect("spec/exceptions.toml is well-formed"),
        Err(e) => panic!("spec/exceptions.toml: {e}"),
    };
    assert!(spec.rules.len() > 200, "only {} rules are found", spec.rules.len());
    assert!(citations.len() > 100, "only {} citations are found", citations.len());
    problems.extend(trace::problems(&spec, &citations, &suite, &exceptions));
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
