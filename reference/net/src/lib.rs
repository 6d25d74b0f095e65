//! The tunnel of [`secure_tunnel`] on real sockets: TCP and WebSocket, server and client.
//!
//! All of the protocol is in the reference; what is here is what its callers have to do: read and write, wait
//! until a deadline and not longer, keep queues and counts bounded, and end a connection in the same way whatever
//! ended it. The README has a tutorial of the command; its example of the API is a test:
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod client;
mod clock;
mod error;
mod half_open;
mod handshake;
mod listener;
mod places;
mod server;
mod tls;
mod transport;
mod tunnel;

pub use client::{Backoff, Client, Endpoint, Keys};
pub use error::Failure;
pub use listener::{Accepted, Listener};
pub use server::{Credentials, Limits, Server, ServerRsa};
pub use tls::{TlsClient, TlsServer, TlsStream};
pub use transport::Transport;
pub use tunnel::{Receiver, Sender, Tunnel};
