//! The generator: every vector, made again octet for octet.
//!
//! It has its own encoders, each of them able to make what the specification forbids, and shares no
//! code with the reference. What stands for random octets comes from SHA-256 over labels.

mod chan;
mod cred;
mod examples;
mod family;
mod frame;
mod hs;
mod ids;
pub mod keys;
mod output;
pub mod primitives;
mod print;
pub mod protocol;
mod tls;
mod tok;
pub mod world;

pub use chan::longest_record;
use family::Family;
pub use output::{Output, build, check, compare, data, outputs, write};
pub use print::document as document_text;
pub use tls::live;

/// All families, in any order.
fn families() -> Vec<Family> {
    [
        cred::families(),
        hs::families(),
        chan::families(),
        frame::families(),
        tok::families(),
        tls::families(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
