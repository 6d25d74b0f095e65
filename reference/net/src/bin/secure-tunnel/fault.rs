//! Why the command failed, and its exit code.

use std::process::ExitCode;

use secure_tunnel_net::Failure;
use secure_tunnel_tls::TlsError;

use crate::log;

#[derive(Debug)]
pub enum Fault {
    /// Something on this machine: exit code 1.
    Local(String),
    /// A file or a value is not acceptable: exit code 3.
    Input(String),
    /// No connection or no listening socket: exit code 4.
    Network(String),
    /// The handshake failed, or a token was refused: exit code 5.
    Refused(String),
    /// An established connection did not end cleanly: exit code 6.
    CutOff(String),
}

impl Fault {
    pub fn report(&self) -> ExitCode {
        let code = match self {
            Self::Local(_) => 1,
            Self::Input(_) => 3,
            Self::Network(_) => 4,
            Self::Refused(_) => 5,
            Self::CutOff(_) => 6,
        };
        log::line(self);
        ExitCode::from(code)
    }

    /// How a connection of a client ended that was not closed.
    pub fn ending(to: &impl core::fmt::Display, failure: &Failure) -> Self {
        match failure {
            // With TLS 1.3 a server refuses a certificate after the client's side of the handshake is complete.
            Failure::Tls(_) => Self::connecting(to, failure),
            _ => Self::CutOff(format!("{to}: cut off: {failure}")),
        }
    }

    /// Why a client has no tunnel.
    pub fn connecting(to: &impl core::fmt::Display, failure: &Failure) -> Self {
        match failure {
            Failure::Connect(_) => Self::Network(format!("{to}: {failure}")),
            _ if failure.requirement() == Some("HS-073") => Self::Refused(format!(
                "{to}: the server ended the handshake. Only its own log says why: an unknown id, a wrong key \
                 or a clock that is 10 seconds off look the same from here"
            )),
            // The other side has sent an alert, which says little on purpose.
            Failure::Tls(TlsError::Handshake { what }) if what.contains("alert") => {
                Self::Refused(format!("{to}: {failure}. The server's log says why"))
            }
            _ => Self::Refused(format!("{to}: {failure}")),
        }
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Local(text)
            | Self::Input(text)
            | Self::Network(text)
            | Self::Refused(text)
            | Self::CutOff(text) => f.write_str(text),
        }
    }
}
