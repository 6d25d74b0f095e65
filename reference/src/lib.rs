//! Reference implementation of the tunnelproof specification.

#![forbid(unsafe_code)]

pub mod channel;
pub mod credentials;
mod crypto;
pub mod error;
pub mod framing;
pub mod fresh;
pub mod handshake;
#[cfg(feature = "hazmat")]
pub mod hazmat;
pub mod secret;
pub mod time;
pub mod token;
pub mod wire;

pub use crypto::{RsaPrivate, RsaPublic};
