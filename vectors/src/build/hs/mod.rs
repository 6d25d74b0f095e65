//! Chapter 3: the handshake.

use super::family::Family;

mod client;
mod events;
mod forms;
mod oaep;
mod server;
pub(crate) mod spki;

pub(crate) fn families() -> Vec<Family> {
    let mut families = vec![spki::family(), oaep::family()];
    families.extend(forms::families());
    families.extend(client::families());
    families.extend(server::families());
    families
}
