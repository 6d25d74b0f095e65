//! The generator: every vector, made again octet for octet.

pub mod keys;
pub mod primitives;
