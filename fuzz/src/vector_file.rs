//! The loader of vector files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use tunnelproof_vectors::Suite;

use crate::Verdict;

/// Any octets as a file of vectors.
///
/// A file that loads is JSON without a key more than the format has: the same file with an unknown key at
/// the top, in its last vector or in what that expects does not load. Ids are within the family, and loading
/// again gives the same vectors. A file that does not load is named in the error.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let document: Option<Map<String, Value>> = serde_json::from_slice(data).ok();
    let path = path(document.as_ref());
    let loaded = match load(&path, data) {
        Ok(suite) => suite,
        Err(error) => {
            assert_eq!(error.file, path, "the error names the file");
            assert!(!error.problem.is_empty());
            return format!("{} {}", error.field, error.problem);
        }
    };
    let document = document.unwrap_or_else(|| panic!("what loads is a JSON object"));
    assert_eq!(load(&path, data).as_ref(), Ok(&loaded));
    let family = path.trim_end_matches(".json");
    for vector in &loaded.vectors {
        assert_eq!(vector.family(), family);
        assert!(vector.op.starts_with(&format!("{}.", vector.area())), "{}", vector.id);
        assert!(!vector.requirements.is_empty() && !vector.note.is_empty());
    }
    for spoil in [at_the_top, in_a_vector, in_an_expectation] {
        let mut spoilt = Value::Object(document.clone());
        if spoil(&mut spoilt).is_some() {
            let octets = serde_json::to_vec(&spoilt).unwrap_or_else(|e| panic!("JSON: {e}"));
            assert!(load(&path, &octets).is_err(), "an unknown key passes: {spoilt}");
        }
    }
    format!("ok {}", loaded.vectors.len())
}

/// The path that the family of the file asks for, if it can be one.
fn path(document: Option<&Map<String, Value>>) -> String {
    const FAMILIES: [&str; 6] =
        ["cred/client-key", "hs/spki", "hs/server", "chan/session", "frame/stream", "tok/issue"];
    let named = document.and_then(|document| document.get("family")).and_then(Value::as_str);
    let family = FAMILIES.into_iter().find(|family| Some(*family) == named);
    format!("{}.json", family.unwrap_or(FAMILIES[0]))
}

fn unknown(object: &mut Value) -> Option<()> {
    object.as_object_mut()?.insert("zz-unknown".to_owned(), json!(1));
    Some(())
}

fn at_the_top(document: &mut Value) -> Option<()> {
    unknown(document)
}

fn in_a_vector(document: &mut Value) -> Option<()> {
    unknown(document.get_mut("vectors")?.as_array_mut()?.last_mut()?)
}

fn in_an_expectation(document: &mut Value) -> Option<()> {
    unknown(document.get_mut("vectors")?.as_array_mut()?.last_mut()?.get_mut("expect")?)
}

/// Loads a directory with the committed constants and this file.
fn load(path: &str, octets: &[u8]) -> Result<Suite, tunnelproof_vectors::LoadError> {
    static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        parent.join(format!("tunnelproof-fuzz-{}", std::process::id()))
    });
    // A thread of its own has a directory of its own: tests run in several.
    let directory = DIRECTORY.join(format!("{:?}", std::thread::current().id()));
    let file = directory.join(path);
    let area = file.parent().unwrap_or_else(|| panic!("<area>/<family>.json"));
    fs::create_dir_all(area).unwrap_or_else(|e| panic!("{}: {e}", area.display()));
    let constants = directory.join("constants.json");
    if !constants.exists() {
        let committed = include_bytes!("../../vectors/data/constants.json");
        fs::write(&constants, committed).unwrap_or_else(|e| panic!("{e}"));
    }
    fs::write(&file, octets).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let suite = Suite::from_dir(&directory);
    fs::remove_file(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    suite
}
