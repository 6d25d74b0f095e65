//! The handshake: three messages and the client's open record (chapter 3).
//!
//! ```text
//! client                                          server
//!  Client::connect                                Server::greet
//!  AwaitServerKey  <-- M1 = SPKI_s --------------  AwaitRequest
//!    | receive                                       |
//!  MakeRequest                                       |
//!    | request                                       |
//!  AwaitReply      --- M2 = SPKI_c || OAEP(P1) -->   | receive
//!                                                  Lookup: the application looks up claimed_id()
//!                                                    | decide
//!                  <-- M3 = OAEP(P3) ------------  AwaitOpen
//!    | receive                                       |
//!  Channel         --- record 0: open ----------->   | receive
//!                                                  Channel, Id
//! ```
//!
//! Every step takes the state by value: after an error nothing is left to send or receive with
//! (HS-072), and what was secret is wiped.

// spec: HS-072
pub mod client;
mod freshness;
pub(crate) mod messages;
mod rotation;
pub mod server;

pub use rotation::{KeyPool, SharedKey};

use crate::secret::Secret;

/// 14 fresh octets for one nonce (HS-026).
#[derive(Debug)]
pub struct NonceRandom(pub(crate) Secret<14>);

/// 20 fresh octets for one RSAES-OAEP encryption (HS-013).
#[derive(Debug)]
pub struct OaepSeed(pub(crate) Secret<20>);

/// K, 48 fresh octets from which one channel's keys are derived (HS-049).
#[derive(Debug)]
pub struct ChannelSecret(pub(crate) Secret<48>);

impl From<[u8; 14]> for NonceRandom {
    fn from(octets: [u8; 14]) -> Self {
        Self(Secret::from(octets))
    }
}

impl From<[u8; 20]> for OaepSeed {
    fn from(octets: [u8; 20]) -> Self {
        Self(Secret::from(octets))
    }
}

impl From<[u8; 48]> for ChannelSecret {
    fn from(octets: [u8; 48]) -> Self {
        Self(Secret::from(octets))
    }
}
