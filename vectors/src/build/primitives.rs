//! The generator's own cryptography.
