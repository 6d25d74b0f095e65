//! The client's side: a configuration of rustls, and the checks after the handshake.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::verify_tls12_signature;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, OtherError,
    SignatureScheme,
};

use crate::error::TlsError;
use crate::in_force::InForce;
use crate::lists::Lists;
use crate::own::{Alpn, OwnCertificate, provider, versions};
use crate::peer::{PeerInfo, info};
use crate::policy::Policies;
use crate::server::now;
use crate::signatures;
use crate::trust::Trust;
use crate::verify::Chain;

/// What a client is made from.
#[derive(Debug)]
pub struct ClientSettings {
    /// Whose certificates of servers are accepted, and the policies.
    pub trust: Trust,
    /// The client's own certificate, for servers that ask for one.
    pub certificate: Option<OwnCertificate>,
    /// Whether ALPN is used.
    pub alpn: Alpn,
    /// The clock.
    pub time: Arc<dyn TimeProvider>,
}

/// A TLS client, shared by all of its connections.
pub struct ClientTls {
    config: Arc<ClientConfig>,
    in_force: Arc<InForce>,
    checks: Checks,
    alpn: Alpn,
    policies: Policies,
    time: Arc<dyn TimeProvider>,
}

impl ClientTls {
    /// A client that checks the server. Policy `tls12` is that of its trust and stays as it is now.
    ///
    /// # Errors
    /// [`TlsError::Handshake`] if rustls does not accept the settings.
    pub fn new(settings: ClientSettings) -> Result<Self, TlsError> {
        Self::with(settings, Checks::Server)
    }

    /// A client that checks nothing: anybody between it and the server can read and change everything. Warn whoever
    /// asks for it, each time. Of the trust only the policies count.
    ///
    /// # Errors
    /// As those of [`new`](Self::new).
    // spec: TLS-021
    pub fn encrypted_only(settings: ClientSettings) -> Result<Self, TlsError> {
        Self::with(settings, Checks::Nothing)
    }

    fn with(settings: ClientSettings, checks: Checks) -> Result<Self, TlsError> {
        let ClientSettings { trust, certificate, alpn, time } = settings;
        let policies = trust.policies();
        let in_force = Arc::new(InForce::new(trust, Lists::default()));
        let verifier = Verifier { in_force: Arc::clone(&in_force), checks };
        let builder = ClientConfig::builder_with_details(Arc::new(provider()), Arc::clone(&time));
        let builder = versions(builder, policies)?
            .dangerous() // the verifier is ours
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match certificate {
            Some(OwnCertificate(certified)) => {
                let certified = SingleCertAndKey::from(CertifiedKey::clone(&certified));
                builder.with_client_cert_resolver(Arc::new(certified))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn.protocols(); // spec: TLS-012
        config.enable_sni = true; // spec: TLS-016, TLS-017 (rustls sends none for an address)
        config.require_ems = true; // spec: TLS-003
        config.enable_early_data = false; // spec: TLS-006
        Ok(Self { config: Arc::new(config), in_force, checks, alpn, policies, time })
    }

    /// The configuration of all connections.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// A new connection to the server that the caller calls `name`, see [`server_name`](crate::server_name()).
    ///
    /// # Errors
    /// [`TlsError::Handshake`] if rustls refuses to make one.
    pub fn connection(&self, name: &ServerName<'static>) -> Result<ClientConnection, TlsError> {
        ClientConnection::new(self.config(), name.clone()).map_err(|error| TlsError::of(&error))
    }

    /// Checks a connection to `name` whose handshake is complete, also one that was resumed, and tells of its peer.
    ///
    /// # Errors
    /// Why the server is refused.
    // spec: TLS-080
    pub fn admit(
        &self,
        name: &ServerName<'_>,
        connection: &ClientConnection,
    ) -> Result<PeerInfo, TlsError> {
        if connection.is_handshaking() {
            return Err(TlsError::Handshake { what: "the handshake is not complete".into() });
        }
        self.alpn.check(connection.alpn_protocol())?;
        let server = match self.checks {
            Checks::Server => {
                let chain = Chain::of(connection.peer_certificates().unwrap_or_default())?;
                Ok(self.in_force.admit_server(name, chain, now(&*self.time)?)?)
            }
            Checks::Nothing => Err(TlsError::Untrusted {
                what: "it was not checked, since the caller asked for encryption only",
                requirement: "TLS-021",
            }),
        };
        Ok(info(connection, server))
    }

    /// Puts other anchors, CRLs and policies in force, for each verification from now on.
    pub fn replace_trust(&self, trust: Trust) {
        self.in_force.replace_trust(trust);
    }

    /// The policies that it was made with.
    #[must_use]
    pub fn policies(&self) -> Policies {
        self.policies
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").field("checks", &self.checks).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy)]
enum Checks {
    Server,
    Nothing,
}

#[derive(Debug)]
struct Verifier {
    in_force: Arc<InForce>,
    checks: Checks,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // spec: TLS-021
        if let Checks::Server = self.checks {
            let chain = Chain { leaf, others };
            self.in_force.admit_server(name, chain, now.as_secs()).map_err(|error| {
                Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
            })?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = self.in_force.trust().algorithms;
        verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signatures::tls13(message, certificate, signature, &self.in_force.trust().algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.in_force.trust().algorithms.supported_schemes()
    }
}
