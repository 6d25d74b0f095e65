//! All vectors of a directory.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use crate::build::primitives::sha256;
use crate::data;
use crate::error::LoadError;
use crate::load;
use crate::vector::Vector;

/// The vectors with the version and hash to quote with a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    /// The suite's version, `1.0.0`.
    pub version: String,
    /// SHA-256 over all files, 64 hexadecimal digits.
    pub hash: String,
    /// In the order of files and ids.
    pub vectors: Vec<Vector>,
}

impl Suite {
    /// The committed vectors, compiled in.
    ///
    /// # Errors
    /// The first fault in them.
    pub fn embedded() -> Result<Self, LoadError> {
        Self::from_files(&embedded_files())
    }

    /// The vectors of a data directory.
    ///
    /// # Errors
    /// The first fault in them, or a file that cannot be read or should not be there.
    pub fn from_dir(data: &Path) -> Result<Self, LoadError> {
        Self::from_files(&read_files(data)?)
    }

    /// The vectors of one document, whatever its family; its constants may be those of the committed suite.
    ///
    /// # Errors
    /// The first fault in it. `file` is what errors call it.
    pub fn of_document(file: &str, octets: &[u8]) -> Result<Vec<Vector>, LoadError> {
        load::document(file, octets, &Self::constants()?)
    }

    /// The constants of the committed suite: names and values.
    ///
    /// # Errors
    /// A fault in their file.
    pub fn constants() -> Result<serde_json::Map<String, serde_json::Value>, LoadError> {
        let shared = data::FILES.iter().find(|(path, _)| *path == CONSTANTS);
        let (_, shared) = shared.unwrap_or_else(|| unreachable!("constants.json is compiled in"));
        Ok(load::constants(CONSTANTS, shared)?.values)
    }

    /// The vectors of files in the order of their paths.
    pub(crate) fn from_files(files: &[File<'_>]) -> Result<Self, LoadError> {
        let error = |file: &str, problem: &str| LoadError {
            file: file.to_owned(),
            vector: None,
            field: String::new(),
            problem: problem.to_owned(),
        };
        let Some(constants) = files.iter().find(|file| file.path == CONSTANTS) else {
            return Err(error(CONSTANTS, "missing"));
        };
        let constants = load::constants(&constants.path, &constants.octets)?;
        let mut suite = Self { version: constants.version, hash: hash(files), vectors: Vec::new() };
        for file in files.iter().filter(|file| file.path != CONSTANTS) {
            if !is_family(&file.path) {
                return Err(error(&file.path, "not <area>/<family>.json"));
            }
            suite.vectors.extend(load::family(&file.path, &file.octets, &constants.values)?);
        }
        let mut ids = HashSet::new();
        match suite.vectors.iter().find(|vector| !ids.insert(&vector.id)) {
            Some(twice) => Err(LoadError {
                file: format!("{}.json", twice.family()),
                vector: Some(twice.id.clone()),
                field: "id".to_owned(),
                problem: "there twice".to_owned(),
            }),
            None => Ok(suite),
        }
    }
}

/// The file of constants shared by all families.
pub(crate) const CONSTANTS: &str = "constants.json";

/// A file of the data directory; its path is relative to that, with `/`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct File<'a> {
    pub(crate) path: Cow<'a, str>,
    pub(crate) octets: Cow<'a, [u8]>,
}

pub(crate) fn embedded_files() -> Vec<File<'static>> {
    let borrow = |(path, octets): &(&'static str, &'static [u8])| File {
        path: Cow::Borrowed(*path),
        octets: Cow::Borrowed(*octets),
    };
    data::FILES.iter().map(borrow).collect()
}

/// All files below `data`, in the order of their paths.
pub(crate) fn read_files(data: &Path) -> Result<Vec<File<'static>>, LoadError> {
    let mut files = Vec::new();
    read_below(data, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn read_below(
    directory: &Path,
    prefix: &str,
    files: &mut Vec<File<'static>>,
) -> Result<(), LoadError> {
    let error = |path: &str, error: std::io::Error| LoadError {
        file: path.to_owned(),
        vector: None,
        field: String::new(),
        problem: format!("cannot be read: {error}"),
    };
    for entry in std::fs::read_dir(directory).map_err(|e| error(prefix, e))? {
        let entry = entry.map_err(|e| error(prefix, e))?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(|e| error(&path, e))?.is_dir() {
            read_below(&entry.path(), &format!("{path}/"), files)?;
        } else {
            let octets = std::fs::read(entry.path()).map_err(|e| error(&path, e))?;
            files.push(File { path: Cow::Owned(path), octets: Cow::Owned(octets) });
        }
    }
    Ok(())
}

/// SHA-256 over `path || 0x00 || u64 length || octets` of each file.
fn hash(files: &[File<'_>]) -> String {
    let mut octets = Vec::new();
    for file in files {
        octets.extend(file.path.as_bytes());
        octets.push(0);
        octets.extend((file.octets.len() as u64).to_be_bytes());
        octets.extend(&*file.octets);
    }
    hex::encode(sha256(&[&octets]))
}

fn is_family(path: &str) -> bool {
    path.strip_suffix(".json")
        .and_then(|path| path.split_once('/'))
        .is_some_and(|(area, family)| load::AREAS.contains(&area) && !family.contains('/'))
}
