//! The conformance run and nothing else, ended by the first failure: what scripts/mutants holds each mutant of
//! the reference against. Not run without its name: `cargo test -p tunnelproof --test conformance`.

mod common;

use common::run;

#[test]
fn the_reference_is_conformant() {
    // Without RSA first: most faults show there, in a fraction of the time.
    let cheap = ["run", "--area", "cred,chan,frame,tok"];
    for options in [&cheap[..], &["run"]] {
        let fast = ["--fail-fast", "--no-rerun", "--timeout", "20"];
        let finished = run(options.iter().copied().chain(fast));
        assert_eq!(finished.code(), 0, "{}{}", finished.stdout(), finished.stderr());
    }
}
