//! What happens, on standard error: for the operator of this side, never for the peer, and without secrets.

use core::fmt::Display;

/// One line.
pub fn line(text: impl Display) {
    eprintln!("secure-tunnel: {text}");
}

/// One line about a connection.
pub fn of(peer: impl Display, text: impl Display) {
    eprintln!("secure-tunnel: {peer} {text}");
}

/// Version 1 on a channel that may authenticate nothing.
pub fn warn_unauthenticated(at: impl Display, remedy: &str) {
    eprintln!(
        "secure-tunnel: WARNING: {at} is not on this machine, and nothing in version 1 authenticates the server.\n\
         secure-tunnel: WARNING: whoever can change what goes over the network there reads the client's password\n\
         secure-tunnel: WARNING: and everything after it. {remedy}"
    );
}
