//! Why a connection ended, for the local side only.

use core::fmt;
use std::io;
use std::sync::Arc;

use secure_tunnel::error::{ChannelError, Class, Diagnostic, FrameError, HandshakeError};
use secure_tunnel_tls::{CertificateInfo, TlsError};

/// Why a connection was refused or ended. Nothing of it is ever sent to the peer.
// spec: OBS-004
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The handshake failed.
    Handshake(HandshakeError),
    /// A record failed, or the end was not clean (`truncated`).
    Channel(ChannelError),
    /// A message was not acceptable.
    Frame(FrameError),
    /// TLS failed, or the peer's certificate is not acceptable.
    Tls(TlsError),
    /// The client that shows this certificate is refused.
    TlsClient {
        /// Why.
        error: TlsError,
        /// What it says of itself, which may be a lie.
        certificate: Arc<CertificateInfo>,
    },
    /// Without a tunnel inside, TLS ended without close_notify: something may be missing.
    TlsTruncated,
    /// The peer broke the WebSocket protocol, in this way.
    WebSocket(&'static str),
    /// The HTTP upgrade to WebSocket failed.
    Upgrade(String),
    /// The connection could not be made.
    Connect(io::Error),
    /// Too many connections wait for their peers, and this one had waited longest.
    Crowded,
    /// Its address has as many connections as one may have.
    TooManyFromAddress,
    /// Nothing arrived, or nothing could be sent, for the idle time that was configured.
    Idle,
    /// This side ended the connection.
    Aborted,
    /// Something on this side broke.
    Internal(&'static str),
}

impl Failure {
    /// The class in the registry of the specification, if the failure has one.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.diagnostic().map(Diagnostic::class)
    }

    /// The code in the registry of the specification, if the failure has one.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        self.diagnostic().map(Diagnostic::code)
    }

    /// The id of the requirement that was enforced, if there is one.
    #[must_use]
    pub fn requirement(&self) -> Option<&'static str> {
        self.diagnostic().map(Diagnostic::requirement)
    }

    fn diagnostic(&self) -> Option<&dyn Diagnostic> {
        match self {
            Self::Handshake(error) => Some(error),
            Self::Channel(error) => Some(error),
            Self::Frame(error) => Some(error),
            Self::Tls(error) | Self::TlsClient { error, .. } => Some(error),
            Self::TlsTruncated => Some(&Cut),
            _ => None,
        }
    }

    /// Why a client is refused that has shown a certificate, or none.
    pub(crate) fn of_client(error: TlsError, certificate: Option<Arc<CertificateInfo>>) -> Self {
        match certificate {
            Some(certificate) => Self::TlsClient { error, certificate },
            None => Self::Tls(error),
        }
    }

    /// What an error of a stream of TLS is: a fault of TLS, if the connection was not just cut off.
    pub(crate) fn of_tls(error: &io::Error) -> Option<Self> {
        let fault = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(Self::Tls(TlsError::of(fault)))
    }
}

/// [`Failure::TlsTruncated`] in the registry.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection ended without close_notify")
    }
}

impl core::error::Error for Cut {}

// spec: TLS-010
impl Diagnostic for Cut {
    fn class(&self) -> Class {
        Class::State
    }

    fn code(&self) -> &'static str {
        "truncated"
    }

    fn requirement(&self) -> &'static str {
        "TLS-010"
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = self.diagnostic() {
            let (class, code) = (error.class().name(), error.code());
            write!(f, "{error} ({class} {code}, {})", error.requirement())?;
            if let Self::TlsClient { certificate, .. } = self {
                write!(f, "; its certificate: {}, sha256 ", certificate.subject().escape_debug())?;
                certificate.fingerprint.iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
            }
            return Ok(());
        }
        match self {
            Self::WebSocket(fault) => write!(f, "WebSocket: {fault}"),
            Self::Upgrade(fault) => write!(f, "upgrade to WebSocket: {fault}"),
            Self::Connect(error) => write!(f, "no connection: {error}"),
            Self::Crowded => f.write_str("too many connections wait for their peers"),
            Self::TooManyFromAddress => {
                f.write_str("too many connections from this address (--max-per-address)")
            }
            Self::Idle => f.write_str("nothing moved for the idle time"),
            Self::Aborted => f.write_str("ended by this side"),
            Self::Internal(what) => f.write_str(what),
            Self::Handshake(_)
            | Self::Channel(_)
            | Self::Frame(_)
            | Self::Tls(_)
            | Self::TlsClient { .. }
            | Self::TlsTruncated => Ok(()), // written above
        }
    }
}

impl core::error::Error for Failure {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Handshake(error) => Some(error),
            Self::Channel(error) => Some(error),
            Self::Frame(error) => Some(error),
            Self::Tls(error) | Self::TlsClient { error, .. } => Some(error),
            Self::Connect(error) => Some(error),
            _ => None,
        }
    }
}

impl From<HandshakeError> for Failure {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl From<ChannelError> for Failure {
    fn from(error: ChannelError) -> Self {
        Self::Channel(error)
    }
}

impl From<FrameError> for Failure {
    fn from(error: FrameError) -> Self {
        Self::Frame(error)
    }
}
