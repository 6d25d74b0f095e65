//! The committed suite loads, and is what the coverage demands.

use tunnelproof_vectors::Suite;

#[test]
fn the_embedded_suite_loads_and_is_mostly_negative() {
    let suite = Suite::embedded().unwrap_or_else(|error| panic!("{error}"));
    let negative = suite.vectors.iter().filter(|vector| vector.is_negative()).count();
    let total = suite.vectors.len();
    println!("{negative} of {total} vectors are negative");
    assert!(total >= 1_000, "{total} vectors");
    assert!(negative * 10 >= total * 6, "{negative} of {total} are negative");
}
