//! How the harness's client greets a server, and how its server greets a client: configurations of rustls that refuse
//! nothing of the peer's.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerSessionMemoryCache,
};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, DistinguishedName, Error,
    ServerConfig, ServerConnection, SignatureScheme, SupportedProtocolVersion,
};
use tunnelproof_vectors::build::live::{Issued, PrivateKey};

use super::keys::certified;
pub use super::sessions::Sessions;

/// What ALPN negotiates.
pub const ALPN: &[u8] = b"secure-tunnel/1";

/// Which versions of TLS the harness speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    Only13,
    Only12,
    Both,
}

impl Versions {
    fn list(self) -> &'static [&'static SupportedProtocolVersion] {
        static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
        match self {
            Versions::Only13 => &BOTH[..1],
            Versions::Only12 => &BOTH[1..],
            Versions::Both => &BOTH,
        }
    }
}

/// Chain and key that the harness proves itself with. The key need not be the leaf's.
#[derive(Clone)]
pub struct Own {
    /// Leaf first.
    pub chain: Vec<Vec<u8>>,
    pub key: PrivateKey,
}

impl From<Issued> for Own {
    fn from(issued: Issued) -> Own {
        Own { chain: issued.chain, key: issued.key }
    }
}

/// A client of the harness.
#[derive(Clone)]
pub struct Hello {
    /// The indicated name, if any.
    pub name: Option<String>,
    /// The protocols that ALPN offers; empty to leave it out.
    pub alpn: Vec<Vec<u8>>,
    pub own: Option<Own>,
    pub versions: Versions,
    /// Sessions to resume, and to be remembered.
    pub sessions: Option<Sessions>,
    /// Early data is offered with a session that is resumed.
    pub early: bool,
}

impl Hello {
    /// TLS 1.3 with ALPN, this name and this certificate.
    pub fn new(name: &str, own: impl Into<Own>) -> Hello {
        Hello {
            name: Some(name.to_owned()),
            alpn: vec![ALPN.to_vec()],
            own: Some(own.into()),
            versions: Versions::Only13,
            sessions: None,
            early: false,
        }
    }

    /// Without a certificate.
    pub fn anonymous(name: &str) -> Hello {
        Hello {
            name: Some(name.to_owned()),
            alpn: vec![ALPN.to_vec()],
            own: None,
            versions: Versions::Only13,
            sessions: None,
            early: false,
        }
    }

    pub fn named(self, name: Option<&str>) -> Hello {
        Hello { name: name.map(str::to_owned), ..self }
    }

    pub fn offering(self, alpn: &[&[u8]]) -> Hello {
        Hello { alpn: alpn.iter().map(|name| name.to_vec()).collect(), ..self }
    }

    pub fn speaking(self, versions: Versions) -> Hello {
        Hello { versions, ..self }
    }

    pub fn resuming(self, sessions: &Sessions) -> Hello {
        Hello { sessions: Some(sessions.clone()), ..self }
    }

    /// A connection of rustls.
    ///
    /// # Errors
    /// If rustls does not take it.
    pub fn connection(&self) -> Result<Connection, Error> {
        let builder = ClientConfig::builder_with_provider(provider());
        let builder = builder.with_protocol_versions(self.versions.list())?;
        let builder = builder.dangerous().with_custom_certificate_verifier(anybody());
        let resolver = match (&self.own, &self.sessions) {
            // rustls resumes a session only with the very resolver that it began with.
            (own, Some(sessions)) => sessions.resolver(own.as_ref()),
            (own, None) => resolver(own.as_ref()),
        };
        let mut config = builder.with_client_cert_resolver(resolver);
        config.alpn_protocols.clone_from(&self.alpn);
        config.enable_sni = self.name.is_some();
        config.enable_secret_extraction = true;
        config.enable_early_data = self.early;
        config.resumption = match &self.sessions {
            Some(sessions) => Resumption::store(sessions.store(self.early)),
            None => Resumption::disabled(),
        };
        let name = self.name.clone().unwrap_or_else(|| "127.0.0.1".into());
        let name = ServerName::try_from(name).map_err(|e| Error::General(e.to_string()))?;
        Ok(ClientConnection::new(Arc::new(config), name)?.into())
    }
}

/// A server of the harness.
#[derive(Clone)]
pub struct Serving {
    pub own: Own,
    /// The protocols that ALPN selects from; empty to leave it out.
    pub alpn: Vec<Vec<u8>>,
    pub versions: Versions,
    /// Clients are asked for a certificate, and none is refused.
    pub asks: bool,
    /// Sessions can be resumed with the same configuration.
    pub resumes: bool,
    /// 0-RTT octets that tickets allow.
    pub early: u32,
}

impl Serving {
    /// TLS 1.3 with ALPN, which asks for certificates.
    pub fn new(own: impl Into<Own>) -> Serving {
        Serving {
            own: own.into(),
            alpn: vec![ALPN.to_vec()],
            versions: Versions::Only13,
            asks: true,
            resumes: false,
            early: 0,
        }
    }

    pub fn speaking(self, versions: Versions) -> Serving {
        Serving { versions, ..self }
    }

    /// A configuration of rustls; connections that resume one another's sessions share it.
    ///
    /// # Errors
    /// If rustls does not take it.
    pub fn config(&self) -> Result<Arc<ServerConfig>, Error> {
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder.with_protocol_versions(self.versions.list())?;
        let builder = match self.asks {
            true => builder.with_client_cert_verifier(anybody()),
            false => builder.with_no_client_auth(),
        };
        let own = certified(&self.own.chain, &self.own.key);
        let mut config = builder.with_cert_resolver(Arc::new(Always(Some(own))));
        config.alpn_protocols.clone_from(&self.alpn);
        config.enable_secret_extraction = true;
        config.max_early_data_size = self.early;
        config.session_storage = match self.resumes {
            true => ServerSessionMemoryCache::new(64),
            false => Arc::new(NoServerSessionStorage {}),
        };
        if !self.resumes {
            config.send_tls13_tickets = 0;
        }
        Ok(Arc::new(config))
    }

    /// A connection of rustls of its own.
    ///
    /// # Errors
    /// If rustls does not take it.
    pub fn connection(&self) -> Result<Connection, Error> {
        Ok(ServerConnection::new(self.config()?)?.into())
    }
}

/// *ring* with AES-GCM alone, so that records can be made by hand.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    provider.cipher_suites.retain(|suite| format!("{:?}", suite.suite()).contains("GCM"));
    Arc::new(provider)
}

pub(super) fn resolver(own: Option<&Own>) -> Arc<Always> {
    Arc::new(Always(own.map(|own| certified(&own.chain, &own.key))))
}

/// One certificate, whoever asks.
#[derive(Debug)]
pub(super) struct Always(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }
}

/// Accepts any certificate whose key signs the handshake.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

/// The same for all connections: rustls resumes a session only with the very verifier that it began with.
fn anybody() -> Arc<Anybody> {
    static ONE: std::sync::OnceLock<Arc<Anybody>> = std::sync::OnceLock::new();
    Arc::clone(ONE.get_or_init(|| Arc::new(Anybody(Arc::new(ring::default_provider())))))
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}
