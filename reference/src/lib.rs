//! Reference implementation of the tunnelproof specification.

#![forbid(unsafe_code)]

pub mod channel;
mod crypto;
pub mod error;
pub mod framing;
pub mod secret;
pub mod time;
pub mod token;
pub mod wire;
