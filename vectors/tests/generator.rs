//! The committed files are what the generator makes, octet for octet.

use std::path::Path;
use std::sync::LazyLock;

use tunnelproof_vectors::build::{Output, compare, outputs, write};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

static OUTPUTS: LazyLock<Vec<Output>> =
    LazyLock::new(|| outputs(Path::new(ROOT)).unwrap_or_else(|error| panic!("{error}")));

#[test]
fn the_committed_files_are_made_again_octet_for_octet() {
    assert!(OUTPUTS.len() > 40, "{} files", OUTPUTS.len());
    assert_eq!(compare(Path::new(ROOT), &OUTPUTS), Ok(()));
}

#[test]
fn a_difference_is_named_with_file_and_first_offset() {
    let copy = tempfile::TempDir::new().expect("a temporary directory");
    let root = copy.path();
    let differs = |expected: &str| {
        assert_eq!(compare(root, &OUTPUTS), Err(expected.to_owned()));
    };
    std::fs::create_dir_all(root.join("vectors/data")).expect("a new directory");
    assert!(compare(root, &OUTPUTS).is_err());
    assert_eq!(write(root, &OUTPUTS), Ok(()));
    assert_eq!(compare(root, &OUTPUTS), Ok(()));
    for (file, offset) in
        [("vectors/data/cred/server-key.json", 100), ("spec/2-credentials.md", 7_000)]
    {
        let path = root.join(file);
        let good = std::fs::read(&path).expect("a file");
        let mut changed = good.clone();
        changed[offset] ^= 1;
        std::fs::write(&path, &changed).expect("a file");
        differs(&format!("{file}: differs from offset {offset} on"));
        let end = good.len() - 1;
        std::fs::write(&path, &good[..end]).expect("a file");
        differs(&format!("{file}: differs from offset {end} on"));
        std::fs::write(&path, &good).expect("a file");
    }
    std::fs::write(root.join("vectors/data/cred/stray.json"), "{}").expect("a file");
    differs("vectors/data/cred/stray.json: no generator makes it");
    assert_eq!(write(root, &OUTPUTS), Ok(()));
    assert_eq!(compare(root, &OUTPUTS), Ok(()));
}
