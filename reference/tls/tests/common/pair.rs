//! Handshakes between rustls connections in memory, under a clock that the tests set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, Error, ServerConnection};
use secure_tunnel_tls::{
    Alpn, ClientCertificates, ClientSettings, ClientTls, ContextName, Lists, OwnCertificate,
    PeerInfo, ServerSettings, ServerTls, TlsError, server_name,
};

use super::*;

#[derive(Debug)]
pub struct Clock(pub AtomicU64);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0.load(Ordering::Relaxed))))
    }
}

/// A CA, a server `a.example.com` and clients under it, and a clock.
pub struct World {
    pub root: Party,
    pub clock: Arc<Clock>,
}

impl World {
    pub fn new() -> Self {
        Self { root: Party::root("root"), clock: Arc::new(Clock(AtomicU64::new(NOW))) }
    }

    pub fn server_settings(&self, clients: ClientCertificates) -> ServerSettings {
        ServerSettings {
            contexts: vec![self.context("a.example.com")],
            default: None,
            clients,
            trust: trust(&[&self.root], &[], &[]),
            lists: Lists::default(),
            alpn: Alpn::Required,
            time: self.clock.clone(),
        }
    }

    pub fn context(&self, name: &str) -> (ContextName, OwnCertificate) {
        let certificate = own(&self.root.issue(server_params(&[name])));
        (ContextName::new(name.as_bytes()).expect("a name"), certificate)
    }

    pub fn server(&self, clients: ClientCertificates) -> ServerTls {
        ServerTls::new(self.server_settings(clients)).expect("a server")
    }

    pub fn client_settings(&self, certificate: Option<&Party>) -> ClientSettings {
        ClientSettings {
            trust: trust(&[&self.root], &[], &[]),
            certificate: certificate.map(own),
            alpn: Alpn::Required,
            time: self.clock.clone(),
        }
    }

    pub fn client(&self, certificate: Option<&Party>) -> ClientTls {
        ClientTls::new(self.client_settings(certificate)).expect("a client")
    }
}

pub fn own(party: &Party) -> OwnCertificate {
    let key = PrivatePkcs8KeyDer::from(party.key.serialize_der());
    OwnCertificate::new(vec![party.der.clone()], key.into()).expect("the key fits")
}

/// What a handshake came to on both sides.
#[derive(Debug)]
pub struct Met {
    pub client: Result<PeerInfo, TlsError>,
    pub server: Result<PeerInfo, TlsError>,
    /// What rustls said on the client's side, if it failed there.
    pub client_error: Option<Error>,
    pub connections: (ClientConnection, ServerConnection),
}

pub fn name() -> ServerName<'static> {
    server_name(b"a.example.com").expect("a name")
}

pub fn meet(client: &ClientTls, server: &ServerTls) -> Met {
    meet_as(client, client.config(), name(), server)
}

pub fn meet_as(
    client: &ClientTls,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    server: &ServerTls,
) -> Met {
    let accept = server.accept();
    let mut c = ClientConnection::new(config, name.clone()).expect("a connection");
    let mut s = accept.connection().expect("a connection");
    let (mut client_error, mut server_error) = (None, None);
    while c.wants_write() || s.wants_write() {
        if let Err(error) = carry(&mut c, &mut s) {
            server_error.get_or_insert(error);
        }
        if let Err(error) = carry(&mut s, &mut c) {
            client_error.get_or_insert(error);
        }
    }
    Met {
        client: match &client_error {
            Some(error) => Err(TlsError::of(error)),
            None => client.admit(&name, &c),
        },
        server: match &server_error {
            Some(error) => Err(accept.reason(error)),
            None => server.admit(&s),
        },
        client_error,
        connections: (c, s),
    }
}

/// Carries all octets that one side wants to send to the other.
pub fn carry<A, B>(
    from: &mut rustls::ConnectionCommon<A>,
    to: &mut rustls::ConnectionCommon<B>,
) -> Result<(), Error> {
    let mut octets = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut octets).expect("into memory");
    }
    let mut rest = &octets[..];
    while !rest.is_empty() {
        to.read_tls(&mut rest).expect("from memory");
        to.process_new_packets()?;
    }
    Ok(())
}
