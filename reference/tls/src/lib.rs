//! Mutual TLS with a private certificate authority.
#![forbid(unsafe_code)]

mod contexts;
mod crl;
mod diagnosis;
mod error;
mod form;
mod identity;
mod lists;
mod policy;
mod server_name;
mod trust;
mod verify;

pub use contexts::{ContextName, choose as choose_context};
pub use error::TlsError;
pub use lists::{Fingerprint, List, ListError, Lists};
pub use policy::{Policies, UnknownPolicy};
pub use server_name::server_name;
pub use trust::Trust;
pub use verify::{Peer, Verified};
