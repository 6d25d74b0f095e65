//! Differential fuzzing: generated cases, the reference as the oracle, any shim as the subject.
//!
//! ```text
//! seed, number --> Recipe --> Case --> Oracle --> Vector --> runner --> Verdict --> Kind --> shrink --> document
//! ```
//!
//! A case is a function of seed and number, whatever is selected and however many processes run, so that a
//! finding can be made again. No committed vector is read: what the fuzzer finds, it finds by itself, and
//! [`mutants`] measures that.

mod document;
mod generate;
mod hunt;
mod kind;
pub mod mutants;
mod oracle;
mod report;
mod rng;
mod shrink;
mod subject;

pub use document::text as document_text;
pub use generate::OP_NAMES;
pub use hunt::{Found, Hunt, Note, Tally, hunt, replay};
pub use report::{Human, Json, Report, Run};
