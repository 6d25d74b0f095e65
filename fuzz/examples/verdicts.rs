//! Prints the verdict of every file of the corpora, so that two builds can be compared:
//! `cargo run --example verdicts`.

#![forbid(unsafe_code)]

use std::io;
use std::path::Path;

use tunnelproof_fuzz::TARGETS;

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in TARGETS {
        let mut paths: Vec<_> = std::fs::read_dir(corpus.join(target.name))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<_>>()?;
        paths.sort();
        for path in paths {
            let verdict = (target.run)(&std::fs::read(&path)?);
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            println!("{}/{name}: {verdict}", target.name);
        }
    }
    Ok(())
}
