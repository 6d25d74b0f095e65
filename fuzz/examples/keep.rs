//! Copies finds of a fuzzer into the corpora: `cargo run --example keep -- target/found`.
//!
//! A file is kept if its verdict is one that the corpus of its target does not have; the shortest first, and at
//! most [`MOST`] a target, so that the corpora stay small.

#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tunnelproof_fuzz::TARGETS;

/// Finds kept for a target, with those of earlier runs.
const MOST: usize = 32;

fn main() -> io::Result<()> {
    let Some(found) = std::env::args_os().nth(1) else {
        return Err(io::Error::other("give the directory with a directory for each target"));
    };
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in TARGETS {
        let corpus = corpora.join(target.name);
        let mut verdicts = HashSet::new();
        let mut kept = 0;
        for path in files(&corpus)? {
            verdicts.insert((target.run)(&fs::read(&path)?));
            kept += usize::from(name(&path).starts_with("f-"));
        }
        let before = kept;
        let mut finds = Vec::new();
        for path in files(&Path::new(&found).join(target.name))? {
            finds.push((fs::read(&path)?, path));
        }
        finds.sort_by_key(|(octets, path)| (octets.len(), path.clone()));
        for (octets, path) in finds {
            if kept < MOST && verdicts.insert((target.run)(&octets)) {
                let short: String = name(&path).chars().take(12).collect();
                fs::write(corpus.join(format!("f-{short}")), octets)?;
                kept += 1;
            }
        }
        println!("{}: {} more", target.name, kept - before);
    }
    Ok(())
}

fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
