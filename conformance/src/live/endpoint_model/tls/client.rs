//! The client's side of TLS.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, ResolvesClientCert, Resumption,
};
use rustls::pki_types::{CertificateDer, DnsName, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, Connection, HandshakeKind, SignatureScheme};

use super::check::{Check, Whose};
use super::handshake::{Waiting, code_of_io};
use super::peer::Peer;
use super::settings::{Policies, Trust, own_certificate, present};
use super::store::OfAnyName;
use super::verifiers::{OfServer, code_of};
use super::{ALPN, Code, Secured, Stream, provider, versions};
use crate::live::endpoint_model::transport::end;
use crate::live::endpoint_model::{Flaw, Wrong, bad, lock};
use crate::model::Bug;
use crate::shim_server::Input;

/// Sessions that are kept for each text.
const SESSIONS: usize = 64;

/// The sessions of all dials, by the text that they have in common and by the client's certificate.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<Name, Arc<Kept>>>);

type Name = (String, Option<CertificateDer<'static>>);

/// What rustls wants to be the same objects before it resumes.
struct Kept {
    verifier: Arc<OfServer>,
    own: Arc<Own>,
    store: Arc<dyn ClientSessionStore>,
    /// The settings of the dial that goes on.
    current: Arc<Mutex<Arc<Settings>>>,
}

/// The certificate that is shown, if any.
#[derive(Debug)]
struct Own(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Own {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// The field `tls` of a dial.
#[derive(Debug, Clone)]
pub struct Dial {
    /// Whether the tunnel is inside.
    pub tunnel: bool,
    settings: Arc<Settings>,
    own: Option<Arc<CertifiedKey>>,
    session: Option<String>,
}

#[derive(Debug, Clone)]
struct Settings {
    wrong: Wrong,
    alpn: bool,
    policies: Policies,
    check: bool,
    name: Vec<u8>,
    trust: Trust,
}

impl Dial {
    pub fn read(input: Input<'_>, wrong: Wrong) -> io::Result<Self> {
        let word = |name| present(input, name).then(|| input.word(name)).transpose().map_err(bad);
        Ok(Self {
            tunnel: input.boolean("tunnel").map_err(bad)?,
            settings: Arc::new(Settings {
                wrong,
                alpn: input.boolean("alpn").map_err(bad)?,
                policies: Policies::read(input)?,
                check: input.boolean("check").map_err(bad)?,
                name: word("server_name")?.unwrap_or_default().as_bytes().to_vec(),
                trust: Trust::read(input)?,
            }),
            own: present(input, "chain").then(|| own_certificate(input)).transpose()?,
            session: word("session")?.map(str::to_owned),
        })
    }

    /// The same with TLS 1.2: [`Flaw::FallsBack`].
    pub fn with_tls12(&self) -> Self {
        let mut settings = Settings::clone(&self.settings);
        settings.policies.0.push("tls12".into());
        Self { settings: Arc::new(settings), ..self.clone() }
    }

    /// The name for rustls, which has to be good (TLS-060).
    ///
    /// # Errors
    /// `bad_name`.
    pub fn server_name(&self) -> Result<ServerName<'static>, Code> {
        let Settings { wrong, check, name, .. } = &*self.settings;
        let name = match name.strip_suffix(b".") {
            Some(name) if wrong.bug == Some(Bug::FinalDotIgnored) => name,
            _ => name,
        };
        match secure_tunnel_tls::server_name(name) {
            Ok(ServerName::IpAddress(_)) if wrong.flaw == Some(Flaw::SniForAddress) => {
                Ok(ServerName::DnsName(DnsName::try_from_str("localhost").expect("it is a name")))
            }
            Ok(name) => Ok(name),
            // Nothing is checked, and nothing is indicated.
            Err(_) if !check => Ok(ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST))),
            Err(_) => Err("bad_name"),
        }
    }
}

impl Sessions {
    /// Runs the handshake of a new connection.
    ///
    /// # Errors
    /// The code for which it failed; the transport has been ended.
    pub fn connect(&self, dial: &Dial, socket: TcpStream) -> Result<Secured, Code> {
        let opened = Instant::now();
        let settings = &dial.settings;
        let flaw = settings.wrong.flaw;
        let kept = self.kept(dial);
        *lock(&kept.current) = Arc::clone(settings);
        let config = Arc::new(dial.config(&kept)?);
        let mut connection =
            ClientConnection::new(config, dial.server_name()?).map_err(|e| code_of(&e))?;
        if let Some(mut early) = connection.early_data() {
            // What does not fit is sent later, with the rest.
            let _ = early.write(b"early");
        }
        let mut connection = Connection::from(connection);
        let mut waiting = Waiting::new(socket, flaw).map_err(|e| code_of_io(&e))?;
        if let Err(code) = waiting.complete(&mut connection) {
            end(&waiting.socket);
            return Err(code);
        }
        let admitted = settings.admit(&connection);
        let authorized = admitted.and_then(|()| settings.authorize());
        let peer = Peer::new(&connection, authorized.map(|()| None), None);
        let mut stream =
            Stream::new(connection, waiting.socket, flaw).map_err(|e| code_of_io(&e))?;
        if let Err(code) = admitted {
            stream.dismiss();
            return Err(code);
        }
        let is_bound = settings.policies.has("tls-exporter");
        Ok(Secured::new(stream, peer, is_bound, (opened, flaw)))
    }

    fn kept(&self, dial: &Dial) -> Arc<Kept> {
        match &dial.session {
            None => Arc::new(Kept::new(dial)),
            Some(text) => {
                let mut all = lock(&self.0);
                let leaf = dial.own.as_ref().and_then(|own| own.cert.first().cloned());
                let kept =
                    all.entry((text.clone(), leaf)).or_insert_with(|| Arc::new(Kept::new(dial)));
                Arc::clone(kept)
            }
        }
    }
}

impl Kept {
    fn new(dial: &Dial) -> Self {
        let current = Arc::new(Mutex::new(Arc::clone(&dial.settings)));
        let of_dial = Arc::clone(&current);
        let flaw = dial.settings.wrong.flaw;
        let store = ClientSessionMemoryCache::new(SESSIONS);
        Self {
            verifier: Arc::new(OfServer {
                verdict: Box::new(move |chain| {
                    let settings = Arc::clone(&lock(&of_dial));
                    settings.verify(chain)
                }),
                flaw,
            }),
            own: Arc::new(Own(dial.own.clone())),
            store: match flaw {
                Some(Flaw::SessionsOfAnyName) => Arc::new(OfAnyName(store)),
                _ => Arc::new(store),
            },
            current,
        }
    }
}

impl Dial {
    fn config(&self, kept: &Kept) -> Result<ClientConfig, Code> {
        let Settings { wrong, alpn, policies, .. } = &*self.settings;
        let flaw = wrong.flaw;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&versions(policies.has("tls12"), flaw))
            .map_err(|e| code_of(&e))?
            .dangerous() // the verifier is the model's
            .with_custom_certificate_verifier(Arc::clone(&kept.verifier) as _)
            .with_client_cert_resolver(Arc::clone(&kept.own) as _);
        if *alpn {
            config.alpn_protocols = vec![ALPN.to_vec()];
        }
        if flaw == Some(Flaw::OffersHttp) {
            config.alpn_protocols.push(b"http/1.1".to_vec());
        }
        config.check_selected_alpn = flaw != Some(Flaw::AlpnUnchecked);
        config.enable_sni = flaw != Some(Flaw::NoSni);
        config.enable_early_data = flaw == Some(Flaw::EarlyDataSent);
        config.require_ems = flaw != Some(Flaw::EmsNotRequired);
        config.resumption = match self.session {
            Some(_) => Resumption::store(Arc::clone(&kept.store)),
            None => Resumption::disabled(),
        };
        Ok(config)
    }
}

impl Settings {
    /// TLS-014, and TLS-080 where the handshake has not looked at the certificate.
    fn admit(&self, connection: &Connection) -> Result<(), Code> {
        let flaw = self.wrong.flaw;
        if self.alpn
            && connection.alpn_protocol() != Some(ALPN)
            && flaw != Some(Flaw::AlpnUnchecked)
        {
            return Err("alpn");
        }
        if connection.handshake_kind() == Some(HandshakeKind::Resumed)
            && flaw != Some(Flaw::ResumptionUnchecked)
        {
            self.verify(connection.peer_certificates().unwrap_or_default())?;
        }
        Ok(())
    }

    /// TLS-021, TLS-027.
    fn authorize(&self) -> Result<(), Code> {
        if self.check { Ok(()) } else { Err("untrusted") }
    }

    fn verify(&self, chain: &[CertificateDer<'_>]) -> Result<(), Code> {
        if !self.check || self.wrong.flaw == Some(Flaw::AnyCertificate) {
            return Ok(());
        }
        let whose = Whose::Server(&self.name);
        Check(self.wrong).verify(whose, chain, &self.trust, &self.policies).map(drop)
    }
}
