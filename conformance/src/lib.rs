//! Placeholder of the workspace layout; nothing is here yet.
