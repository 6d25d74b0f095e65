//! Everything that the generator writes, and the comparison with what is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::family::{Family, SUITE};
use super::{examples, families, print, world};

/// A file that the generator writes: path relative to the repository's root, and octets.
pub struct Output {
    /// With `/`.
    pub path: String,
    /// What it holds.
    pub octets: Vec<u8>,
}

/// Every file, made again; the specification's chapters are read from `root` for what is not an
/// example in them.
///
/// # Errors
/// If a chapter cannot be read or lacks the markers of its example.
pub fn outputs(root: &Path) -> Result<Vec<Output>, String> {
    let mut outputs = data();
    outputs.push(Output { path: "vectors/src/data.rs".to_owned(), octets: file_list(&outputs) });
    outputs.extend(examples::chapters(root)?);
    Ok(outputs)
}

/// The files below `vectors/data/`.
#[must_use]
pub fn data() -> Vec<Output> {
    let constants: BTreeMap<String, &str> =
        world::constants().into_iter().map(|(name, value)| (hex::encode(value), name)).collect();
    let name_of = |value: &Value| Some((*constants.get(value.as_str()?)?).to_owned());
    let mut outputs: Vec<Output> = families()
        .into_iter()
        .map(|family: Family| Output {
            path: format!("vectors/data/{}.json", family.name),
            octets: print::document(&family.document(&name_of)).into_bytes(),
        })
        .collect();
    let shared: Map<String, Value> = constants
        .iter()
        .map(|(value, name)| ((*name).to_owned(), Value::String(value.clone())))
        .collect();
    outputs.push(Output {
        path: "vectors/data/constants.json".to_owned(),
        octets: print::document(&json!({
            "format": 1,
            "suite": SUITE,
            "about": "Values used in many vectors: test keys and one good handshake. All of it is \
                      published and worthless.",
            "constants": shared,
        }))
        .into_bytes(),
    });
    outputs.sort_by(|a, b| a.path.cmp(&b.path));
    outputs
}

/// `src/data.rs`: the list by which the data is compiled in.
fn file_list(outputs: &[Output]) -> Vec<u8> {
    let mut text = String::from(
        "//! The files of `data/`, compiled in. Written by `tunnelproof-vectors build`.\n\n\
         /// Path relative to `data/`, and octets, in the order of the paths.\n\
         pub(crate) const FILES: &[(&str, &[u8])] = &[\n",
    );
    for output in outputs {
        let path = output.path.strip_prefix("vectors/data/").unwrap_or(&output.path);
        text.push_str(&format!("    (\"{path}\", include_bytes!(\"../data/{path}\")),\n"));
    }
    text.push_str("];\n");
    text.into_bytes()
}

/// Writes every file and removes data that no generator makes.
///
/// # Errors
/// If a file cannot be read, written or removed.
pub fn build(root: &Path) -> Result<usize, String> {
    let outputs = outputs(root)?;
    write(root, &outputs).map(|()| outputs.len())
}

/// Writes these files below `root` and removes other data there.
///
/// # Errors
/// As of [`build`].
pub fn write(root: &Path, outputs: &[Output]) -> Result<(), String> {
    for output in outputs {
        let path = root.join(&output.path);
        if std::fs::read(&path).is_ok_and(|octets| octets == output.octets) {
            continue;
        }
        let write = || {
            std::fs::create_dir_all(path.parent().unwrap_or(root))?;
            std::fs::write(&path, &output.octets)
        };
        write().map_err(|error| format!("{}: {error}", output.path))?;
    }
    for stray in strays(root, outputs)? {
        std::fs::remove_file(root.join(&stray)).map_err(|error| format!("{stray}: {error}"))?;
    }
    Ok(())
}

/// Compares every file with what the generator makes.
///
/// # Errors
/// The first file that differs, with the first offset; or one that should not be there.
pub fn check(root: &Path) -> Result<usize, String> {
    let outputs = outputs(root)?;
    compare(root, &outputs).map(|()| outputs.len())
}

/// Compares the files below `root` with these.
///
/// # Errors
/// As of [`check`].
pub fn compare(root: &Path, outputs: &[Output]) -> Result<(), String> {
    for output in outputs {
        let found = std::fs::read(root.join(&output.path))
            .map_err(|error| format!("{}: {error}", output.path))?;
        if let Some(offset) = first_difference(&found, &output.octets) {
            return Err(format!("{}: differs from offset {offset} on", output.path));
        }
    }
    match strays(root, outputs)?.first() {
        Some(stray) => Err(format!("{stray}: no generator makes it")),
        None => Ok(()),
    }
}

/// The first offset at which they differ, or where one of them ends.
fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    (a != b).then_some(common)
}

/// Data files that are not among the outputs.
fn strays(root: &Path, outputs: &[Output]) -> Result<Vec<String>, String> {
    let mut found = BTreeSet::new();
    let data = root.join("vectors/data");
    let mut directories = vec![(data, "vectors/data".to_owned())];
    while let Some((directory, name)) = directories.pop() {
        let entries = std::fs::read_dir(&directory).map_err(|error| format!("{name}: {error}"))?;
        for entry in entries {
            let path: PathBuf = entry.map_err(|error| format!("{name}: {error}"))?.path();
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = format!("{name}/{file}");
            if path.is_dir() {
                directories.push((path, name));
            } else {
                found.insert(name);
            }
        }
    }
    Ok(found.into_iter().filter(|file| outputs.iter().all(|output| output.path != *file)).collect())
}
