//! Files to vectors, failing closed.
