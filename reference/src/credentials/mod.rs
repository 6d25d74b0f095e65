//! Credential strings: what client and server hold of each other before they ever connect (chapter 2).
//!
//! ```text
//!              id (1..255)     Pc (18)               Ds (8)
//! clientKey  | MyId          | client password     | digest of Ps |   27..281 octets
//!
//!              Ps (8)                Dc (18)
//! serverKey  | server password     | digest of Pc |                  26 octets
//! ```

mod base62;
mod digest62;
mod id;
mod keys;

pub(crate) use base62::Base62;
pub use base62::{ClientPassword, ServerPassword};
pub use id::Id;
pub use keys::{ClientKey, ServerKey};

/// Makes the pair of strings for `id` from two passwords; `fresh` draws those.
///
/// The clientKey goes to the client over a safe channel, the serverKey into the server's store under
/// the id.
#[must_use]
pub fn create(
    id: &Id,
    client_password: ClientPassword,
    server_password: ServerPassword,
) -> (ClientKey, ServerKey) {
    // spec: CRED-015, CRED-016
    let dc = digest62::client_digest(id, &client_password);
    let ds = digest62::server_digest(id, &server_password);
    (ClientKey::new(id.clone(), client_password, ds), ServerKey::new(server_password, dc))
}
