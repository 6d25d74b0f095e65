//! Reference implementation of the tunnelproof specification.

#![forbid(unsafe_code)]

mod crypto;
pub mod error;
pub mod secret;
pub mod time;
pub mod wire;
