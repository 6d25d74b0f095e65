//! Mutual TLS with a private certificate authority: chapter 7 of the tunnelproof specification, over
//! [rustls](::rustls) and webpki.
//!
//! The crate has no code of its own for certificates or for TLS beyond the policy of that chapter, opens no sockets and
//! reads no clock: [`Trust::verify`] is given the time, and [`ServerTls`] and [`ClientTls`] a
//! [`TimeProvider`](::rustls::time_provider::TimeProvider). The README tells when to use what:
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod client;
mod contexts;
mod crl;
mod diagnosis;
mod elements;
mod error;
mod form;
mod identity;
mod in_force;
mod lists;
mod own;
mod peer;
mod policy;
mod server;
mod server_name;
mod sessions;
mod signatures;
mod signed;
mod trust;
mod verify;
mod window;

pub use client::{ClientSettings, ClientTls};
pub use contexts::{ContextName, choose as choose_context};
pub use error::TlsError;
pub use lists::{Fingerprint, List, ListError, Lists};
pub use own::{ALPN, Alpn, OwnCertificate};
pub use peer::{CertificateInfo, PeerInfo, exporter};
pub use policy::{Policies, UnknownPolicy};
pub use server::{Accept, ClientCertificates, ServerSettings, ServerTls};
pub use server_name::server_name;
pub use trust::Trust;
pub use verify::{Peer, Verified};
