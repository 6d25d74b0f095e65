//! The test vectors of tunnelproof: loaded, checked and judged.
//!
//! ```text
//! data/<area>/<family>.json --Suite--> Vector --judge(answer)--> Ok or Mismatch
//! ```
//!
//! [`Suite::embedded`] holds the committed vectors. Loading fails closed: an unknown key, operation,
//! constant or shape of a value is a [`LoadError`] that names the file, the vector and the field.
//! [`lint`] checks what makes a good suite; [`build`] makes the data again, octet for octet.

pub mod build;
mod data;
mod error;
pub mod judge;
pub mod lint;
mod load;
mod ops;
mod suite;
mod vector;

pub use error::LoadError;
pub use judge::{Answer, Mismatch, MismatchKind};
pub use suite::Suite;
pub use vector::{Bug, Expect, Level, Reject, Severity, Vector};
