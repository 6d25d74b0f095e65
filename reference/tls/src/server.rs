//! The server's side: configurations of rustls, one for each connection, and the checks after the handshake.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::verify_tls12_signature;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ConfigBuilder, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    ServerConnection, SignatureScheme, WantsVerifier,
};

use crate::contexts::{ContextName, Contexts, InUse, in_use};
use crate::error::TlsError;
use crate::in_force::InForce;
use crate::lists::Lists;
use crate::own::{Alpn, OwnCertificate, provider, versions};
use crate::peer::{CertificateInfo, PeerInfo, info};
use crate::policy::Policies;
use crate::sessions::Sessions;
use crate::signatures;
use crate::trust::Trust;
use crate::verify::Chain;

/// Whether clients have to have a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked for one.
    NotAsked,
    /// They are asked, and let in also without an acceptable one, as not authorized.
    Asked,
    /// They need an acceptable one.
    Required,
}

/// What a server is made from.
#[derive(Debug)]
pub struct ServerSettings {
    /// The contexts, each with the name that clients indicate.
    pub contexts: Vec<(ContextName, OwnCertificate)>,
    /// For clients that indicate another name or none.
    pub default: Option<OwnCertificate>,
    /// Whether clients have to have a certificate.
    pub clients: ClientCertificates,
    /// Whose certificates are accepted, and the policies.
    pub trust: Trust,
    /// Who of them is let in.
    pub lists: Lists,
    /// Whether ALPN is used.
    pub alpn: Alpn,
    /// The clock.
    pub time: Arc<dyn TimeProvider>,
}

/// A TLS server, shared by all of its connections.
pub struct ServerTls {
    builder: ConfigBuilder<ServerConfig, WantsVerifier>,
    contexts: Arc<InUse>,
    clients: ClientCertificates,
    alpn: Alpn,
    policies: Policies,
    time: Arc<dyn TimeProvider>,
    in_force: Arc<InForce>,
    spare: Arc<Spare>,
    /// Of this server alone, so that a session is resumed only where it began; rustls compares the indicated name.
    // spec: TLS-081
    sessions: Arc<Sessions>,
}

impl ServerTls {
    /// A server with `settings`. Policy `tls12` is that of its trust and stays as it is now.
    ///
    /// # Errors
    /// [`TlsError::Handshake`] if rustls does not accept them.
    pub fn new(settings: ServerSettings) -> Result<Self, TlsError> {
        let ServerSettings { contexts, default, clients, trust, lists, alpn, time } = settings;
        let policies = trust.policies();
        let builder = ServerConfig::builder_with_details(Arc::new(provider()), Arc::clone(&time));
        Ok(Self {
            builder: versions(builder, policies)?,
            contexts: Arc::new(RwLock::new(Contexts::new(contexts, default))),
            clients,
            alpn,
            policies,
            time,
            in_force: Arc::new(InForce::new(trust, lists)),
            spare: Arc::default(),
            sessions: Arc::default(),
        })
    }

    /// What one new connection needs; do not use it for a second one.
    #[must_use]
    pub fn accept(&self) -> Accept {
        let spare = lock(&self.spare).pop();
        let (config, refusal) = spare.unwrap_or_else(|| self.config());
        Accept { config, refusal, spare: Arc::clone(&self.spare) }
    }

    /// A configuration for one connection at a time, which tells apart why each was refused.
    fn config(&self) -> (Arc<ServerConfig>, Refusal) {
        let refusal = Refusal::default();
        let verifier = Verifier {
            in_force: Arc::clone(&self.in_force),
            clients: self.clients,
            refusal: refusal.clone(),
        };
        let contexts = Arc::clone(&self.contexts);
        let resolver = Resolver { contexts, alpn: self.alpn, refusal: refusal.clone() };
        let mut config = self
            .builder
            .clone()
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = self.alpn.protocols();
        config.session_storage = self.sessions.clone();
        config.require_ems = true; // spec: TLS-003
        config.max_early_data_size = 0; // spec: TLS-006
        (Arc::new(config), refusal)
    }

    /// Checks a connection whose handshake is complete, also one that was resumed, and tells of its peer. If it is
    /// refused, send close_notify and end the transport.
    ///
    /// # Errors
    /// Why the client is refused.
    // spec: TLS-079
    pub fn admit(&self, connection: &ServerConnection) -> Result<PeerInfo, TlsError> {
        if connection.is_handshaking() {
            return Err(TlsError::Handshake { what: "the handshake is not complete".into() });
        }
        self.alpn.check(connection.alpn_protocol())?;
        in_use(&self.contexts).choose(connection.server_name())?;
        let client = match self.clients {
            ClientCertificates::NotAsked => Err(TlsError::NoCertificate),
            _ => {
                let now = now(&*self.time)?;
                Chain::of(connection.peer_certificates().unwrap_or_default())
                    .and_then(|chain| self.in_force.admit_client(chain, now))
            }
        };
        // spec: TLS-023, TLS-024, TLS-025
        if let (ClientCertificates::Required, Err(error)) = (self.clients, &client) {
            return Err(error.clone());
        }
        let mut info = info(connection, client);
        info.server_name = connection.server_name().map(str::to_owned);
        Ok(info)
    }

    /// Whether an open connection may go on under what is in force now. To a client that was not authorized in the
    /// first place nothing changes.
    ///
    /// # Errors
    /// Why its client is refused now: end the connection, also where certificates are only asked for.
    // spec: TLS-077
    pub fn recheck(&self, peer: &PeerInfo) -> Result<(), TlsError> {
        if peer.authorized.is_err() {
            return Ok(());
        }
        self.in_force.admit_client(Chain::of(&peer.chain)?, now(&*self.time)?).map(drop)
    }

    /// Puts other certificates in the place of the server's own, for each handshake from now on.
    pub fn replace_certificates(
        &self,
        contexts: Vec<(ContextName, OwnCertificate)>,
        default: Option<OwnCertificate>,
    ) {
        let contexts = Contexts::new(contexts, default);
        *self.contexts.write().unwrap_or_else(PoisonError::into_inner) = contexts;
    }

    /// Puts other anchors, CRLs and policies in force, for each verification from now on.
    pub fn replace_trust(&self, trust: Trust) {
        self.in_force.replace_trust(trust);
    }

    /// Puts other lists in force, likewise.
    pub fn replace_lists(&self, lists: Lists) {
        self.in_force.replace_lists(lists);
    }

    /// The policies that it was made with.
    #[must_use]
    pub fn policies(&self) -> Policies {
        self.policies
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("clients", &self.clients).finish_non_exhaustive()
    }
}

/// Configurations that no connection uses any more: rustls makes a store of sessions with each, which takes a hundredth of the
/// time of a handshake.
type Spare = Mutex<Vec<(Arc<ServerConfig>, Refusal)>>;

/// So many at most.
const SPARE: usize = 64;

/// One connection to be.
#[derive(Debug)]
pub struct Accept {
    config: Arc<ServerConfig>,
    refusal: Refusal,
    spare: Arc<Spare>,
}

impl Accept {
    /// The configuration of this one connection.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// The connection itself.
    ///
    /// # Errors
    /// [`TlsError::Handshake`] if rustls refuses to make one.
    pub fn connection(&self) -> Result<ServerConnection, TlsError> {
        ServerConnection::new(self.config()).map_err(|error| TlsError::of(&error))
    }

    /// Why the handshake failed with `error`: the peer and rustls are not told, this side is.
    #[must_use]
    pub fn reason(&self, error: &Error) -> TlsError {
        self.refusal.get().0.unwrap_or_else(|| TlsError::of(error))
    }

    /// What the certificate of the client says that was refused in the handshake, for the log: it proves nothing.
    #[must_use]
    pub fn presented(&self) -> Option<CertificateInfo> {
        self.refusal.get().1.and_then(|leaf| CertificateInfo::of(&leaf).ok())
    }
}

impl Drop for Accept {
    /// Keeps the configuration for another connection, if this one is past its handshake or gone, and nothing was refused.
    fn drop(&mut self) {
        if Arc::strong_count(&self.config) == 1 && self.refusal.get().0.is_none() {
            let mut spare = lock(&self.spare);
            if spare.len() < SPARE {
                spare.push((Arc::clone(&self.config), self.refusal.clone()));
            }
        }
    }
}

/// Why this side refused, beside what rustls makes of it, and the leaf that it refused.
#[derive(Debug, Clone, Default)]
struct Refusal(Arc<Mutex<(Option<TlsError>, Option<CertificateDer<'static>>)>>);

impl Refusal {
    fn set(&self, error: TlsError, leaf: Option<CertificateDer<'static>>) {
        *lock(&self.0) = (Some(error), leaf);
    }

    fn get(&self) -> (Option<TlsError>, Option<CertificateDer<'static>>) {
        lock(&self.0).clone()
    }
}

/// Chooses the context of one connection.
#[derive(Debug)]
struct Resolver {
    contexts: Arc<InUse>,
    alpn: Alpn,
    refusal: Refusal,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // One that offers other protocols is refused by rustls.
        // spec: TLS-013
        if self.alpn == Alpn::Required && hello.alpn().is_none() {
            self.refusal.set(TlsError::Alpn, None);
            return None;
        }
        in_use(&self.contexts)
            .choose(hello.server_name())
            .inspect_err(|e| self.refusal.set(e.clone(), None))
            .ok()
    }
}

/// Verifies the client of one connection.
#[derive(Debug)]
struct Verifier {
    in_force: Arc<InForce>,
    clients: ClientCertificates,
    refusal: Refusal,
}

impl ClientCertVerifier for Verifier {
    fn offer_client_auth(&self) -> bool {
        self.clients != ClientCertificates::NotAsked
    }

    // spec: TLS-023, TLS-024
    fn client_auth_mandatory(&self) -> bool {
        self.clients == ClientCertificates::Required
    }

    /// None: a stranger is not told which CAs are the right ones.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // spec: TLS-025
        if self.clients == ClientCertificates::Required {
            let chain = Chain { leaf, others };
            self.in_force.admit_client(chain, now.as_secs()).map_err(|error| {
                self.refusal.set(error, Some(leaf.clone().into_owned()));
                // This one becomes the alert access_denied.
                // spec: TLS-026
                Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
            })?;
        }
        Ok(ClientCertVerified::assertion())
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

/// Seconds since the Unix epoch.
pub(crate) fn now(time: &dyn TimeProvider) -> Result<u64, TlsError> {
    time.current_time()
        .map(|time| time.as_secs())
        .ok_or_else(|| TlsError::Handshake { what: "the clock has no time".into() })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
