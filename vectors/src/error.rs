//! Why vectors could not be loaded.

use core::fmt;

/// A fault in the vector files. Nothing of a suite with one is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// The file, relative to the data directory.
    pub file: String,
    /// The vector's id, if the fault is within one.
    pub vector: Option<String>,
    /// The path of the field within the file or vector; empty for the whole.
    pub field: String,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(vector) = &self.vector {
            write!(f, ": {vector}")?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for LoadError {}
