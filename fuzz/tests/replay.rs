//! Every body over every file of its corpus, on any toolchain.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tunnelproof_fuzz::{TARGETS, run};

#[test]
fn every_corpus_replays_and_gives_the_same_verdicts_twice() {
    for target in TARGETS {
        let files = files(&corpus().join(target.name));
        assert!(files.len() >= 2, "{} has a corpus", target.name);
        let mut verdicts = BTreeSet::new();
        for file in files {
            let octets = fs::read(&file).expect("a file of the corpus");
            let verdict = run(target.name, &octets);
            assert_eq!(run(target.name, &octets), verdict, "{}", file.display());
            verdicts.insert(verdict);
        }
        assert!(
            verdicts.len() >= 2,
            "{}: the corpus has one outcome only: {verdicts:?}",
            target.name
        );
    }
}

/// Octets that no seed has: cut and altered at every place of a few seeds.
#[test]
fn altered_seeds_hold_the_properties_too() {
    // Those with RSA private operations would take minutes.
    let quick = |name: &&str| !["m2", "client", "server", "login"].contains(name);
    for name in TARGETS.iter().map(|target| target.name).filter(quick) {
        for file in files(&corpus().join(name)).iter().take(3) {
            let octets = fs::read(file).expect("a file of the corpus");
            let step = octets.len() / 40 + 1;
            for at in (0..octets.len()).step_by(step) {
                run(name, &octets[..at]);
                let mut altered = octets.clone();
                altered[at] = altered[at].wrapping_add(1);
                run(name, &altered);
            }
        }
    }
}

#[test]
fn the_lists_of_targets_agree() {
    let listed: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of = |directory: PathBuf| -> BTreeSet<String> {
        let stem =
            |path: &PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        entries(&directory).iter().filter_map(stem).collect()
    };
    assert_eq!(of(root.join("fuzz_targets")), listed);
    assert_eq!(of(corpus()), listed);
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the manifest");
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    for name in &listed {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        assert!(readme.contains(&format!("| `{name}` |")), "{name} in the README");
    }
    assert_eq!(listed.len(), TARGETS.len(), "no name is there twice");
    let dictionaries = of(root.join("dictionaries"));
    assert!(dictionaries.is_subset(&listed), "{dictionaries:?}");
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    entries(directory).into_iter().filter(|path| path.is_file()).collect()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    let mut paths: Vec<_> = read.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}
