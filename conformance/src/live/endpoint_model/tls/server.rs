//! The server's side of TLS.

use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use rustls::pki_types::CertificateDer;
use rustls::server::{
    Accepted, Acceptor, ClientHello, ResolvesServerCert, ServerSessionMemoryCache,
    StoresServerSessions,
};
use rustls::sign::CertifiedKey;
use rustls::{Connection, Error, ServerConfig};

use super::check::{Check, Whose};
use super::handshake::{Waiting, code_of_io};
use super::peer::{Peer, claimed};
use super::settings::{Policies, Trust, own_certificate};
use super::store::OfAnyContext;
use super::verifiers::{OfClient, code_of};
use super::{ALPN, Code, Secured, Stream, provider, versions};
use crate::live::endpoint_model::transport::end;
use crate::live::endpoint_model::{Flaw, Wrong, bad, invalid};
use crate::shim_server::Input;

/// Sessions that can be resumed.
const SESSIONS: usize = 1024;

/// Whether clients have to have a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clients {
    NotAsked,
    Asked,
    Required,
}

/// A TLS server, shared by its connections.
pub struct Server {
    /// Whether the tunnel is inside.
    pub tunnel: bool,
    wrong: Wrong,
    names: Vec<Vec<u8>>,
    /// Index for index.
    contexts: Vec<Arc<CertifiedKey>>,
    default: Option<Arc<CertifiedKey>>,
    clients: Clients,
    alpn: bool,
    policies: Policies,
    trust: RwLock<Trust>,
    /// Counts the changes of `trust`.
    changes: AtomicU64,
    sessions: Arc<dyn StoresServerSessions>,
}

/// What the first message of a client asks for.
struct Wanted {
    context: Result<Arc<CertifiedKey>, Code>,
    indicated: Option<String>,
    offered: Option<Vec<Vec<u8>>>,
}

/// The certificate that is shown, if any.
#[derive(Debug)]
struct Shown(Option<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }
}

impl Server {
    /// Reads the field `tls` of the first line.
    pub fn read(input: Input<'_>, wrong: Wrong) -> io::Result<Self> {
        let (mut names, mut contexts) = (Vec::new(), Vec::new());
        for context in input.objects("contexts").map_err(bad)? {
            names.push(context.word("name").map_err(bad)?.as_bytes().to_vec());
            contexts.push(own_certificate(context)?);
        }
        let default = input.value("default").ok().and_then(|value| value.as_object());
        Ok(Self {
            tunnel: input.boolean("tunnel").map_err(bad)?,
            wrong,
            names,
            contexts,
            default: default.map(|own| own_certificate(Input::from(own))).transpose()?,
            clients: match input.word("clients").map_err(bad)? {
                "none" => Clients::NotAsked,
                "ask" => Clients::Asked,
                "require" => Clients::Required,
                other => return Err(invalid(format!("clients: no {other}"))),
            },
            alpn: input.boolean("alpn").map_err(bad)?,
            policies: Policies::read(input)?,
            trust: RwLock::new(Trust::read(input)?),
            changes: AtomicU64::default(),
            sessions: ServerSessionMemoryCache::new(SESSIONS),
        })
    }

    /// Takes a line with `tls`.
    pub fn change(&self, input: Input<'_>) -> io::Result<()> {
        let mut trust = self.trust.write().unwrap_or_else(PoisonError::into_inner);
        trust.change(input, self.wrong.flaw)?;
        self.changes.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// How often what is configured has changed.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Runs the handshake of a new connection.
    ///
    /// # Errors
    /// The code for which the client was refused; the transport has been ended.
    pub fn accept(self: &Arc<Self>, socket: TcpStream) -> Result<Secured, Code> {
        let opened = Instant::now();
        let mut waiting = Waiting::new(socket, self.wrong.flaw).map_err(|e| code_of_io(&e))?;
        let ready = self.shake_hands(&mut waiting);
        let (connection, peer) = match ready {
            Ok(ready) => ready,
            Err(code) => {
                end(&waiting.socket);
                return Err(code);
            }
        };
        let mut stream =
            Stream::new(connection, waiting.socket, self.wrong.flaw).map_err(|e| code_of_io(&e))?;
        if let Some(code) = self.refuses(peer.authorized.as_ref().map(drop)) {
            stream.dismiss();
            return Err(code);
        }
        let is_bound = self.policies.has("tls-exporter");
        Ok(Secured::new(stream, peer, is_bound, (opened, self.wrong.flaw)))
    }

    /// Why an open connection has to end under what is in force now, if it has to (TLS-077).
    pub fn recheck(&self, peer: &Peer) -> Option<Code> {
        let is_kept = match self.wrong.flaw {
            Some(Flaw::OpenConnectionsKept) => true,
            Some(Flaw::AskedConnectionsKept) => self.clients == Clients::Asked,
            _ => false,
        };
        if peer.authorized.is_err() || is_kept {
            return None;
        }
        self.verdict(&peer.chain).err()
    }

    /// Whether this client may be the one of this tunnel (TLS-067).
    pub fn admits(&self, peer: &Peer, id: &[u8]) -> bool {
        self.policies.has("any-id") && self.wrong.flaw != Some(Flaw::PoliciesIgnored)
            || self.wrong.flaw == Some(Flaw::AnyId)
            || peer.identity().is_none_or(|identity| identity == id)
    }

    fn shake_hands(self: &Arc<Self>, waiting: &mut Waiting) -> Result<(Connection, Peer), Code> {
        let (accepted, hello) = first_message(waiting)?;
        let wanted = self.wanted(&accepted.client_hello(), &hello);
        let refusal = Arc::new(OnceLock::new());
        let config = self.config(&wanted, &refusal).map_err(|e| code_of(&e))?;
        let begun = accepted.into_connection(Arc::new(config));
        let reason = |code| match &wanted.context {
            Err(code) => *code,
            Ok(_) => refusal.get().copied().unwrap_or(code),
        };
        let mut connection = match begun {
            Ok(connection) => Connection::from(connection),
            Err((error, mut alert)) => {
                // Fails only when the client has gone.
                let _ = alert.write_all(&mut waiting.socket);
                return Err(reason(code_of(&error)));
            }
        };
        waiting.complete(&mut connection).map_err(reason)?;
        // A session is resumed without a look at the certificate in it.
        let chain = connection.peer_certificates().unwrap_or_default();
        let resumed = connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
        let authorized = if resumed && self.wrong.flaw == Some(Flaw::ResumptionUnchecked) {
            Ok(chain.first().and_then(|leaf| claimed(leaf)))
        } else {
            self.verdict(chain)
        };
        let peer = Peer::new(&connection, authorized, wanted.indicated);
        Ok((connection, peer))
    }

    /// TLS-013, TLS-018 to TLS-020; `raw` is the message itself, for rustls makes names lower case.
    fn wanted(&self, hello: &ClientHello<'_>, raw: &[u8]) -> Wanted {
        let flaw = self.wrong.flaw;
        let offered: Option<Vec<Vec<u8>>> =
            hello.alpn().map(|protocols| protocols.map(<[u8]>::to_vec).collect());
        let is_ours = offered.as_ref().is_some_and(|all| all.iter().any(|own| own == ALPN));
        let lax = matches!(flaw, Some(Flaw::AlpnNotRequired)) && offered.is_none()
            || flaw == Some(Flaw::AnyAlpn);
        let context = if self.alpn && !is_ours && !lax {
            Err("alpn")
        } else {
            self.context(hello.server_name().map(|name| as_sent(name, raw)))
        };
        Wanted { context, indicated: hello.server_name().map(str::to_owned), offered }
    }

    fn context(&self, indicated: Option<&[u8]>) -> Result<Arc<CertifiedKey>, Code> {
        let indicated = indicated.filter(|_| self.wrong.flaw != Some(Flaw::SniIgnored));
        let has_default = self.default.is_some();
        let chosen = Check(self.wrong).context(&self.names, has_default, indicated)?;
        let context = chosen.map_or(self.default.as_ref(), |index| self.contexts.get(index));
        context.cloned().ok_or("sni")
    }

    fn config(
        self: &Arc<Self>,
        wanted: &Wanted,
        refusal: &Arc<OnceLock<Code>>,
    ) -> Result<ServerConfig, Error> {
        let flaw = self.wrong.flaw;
        let tls12 = self.policies.has("tls12");
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&versions(tls12, flaw))?;
        let builder = if self.clients == Clients::NotAsked {
            builder.with_no_client_auth()
        } else {
            let server = Arc::clone(self);
            builder.with_client_cert_verifier(Arc::new(OfClient {
                is_required: match flaw {
                    Some(Flaw::CertificateNotRequired) => false,
                    Some(Flaw::CertificateWanted) => true,
                    _ => self.clients == Clients::Required,
                },
                verdict: Box::new(move |chain| {
                    let verdict = server.verdict(chain);
                    server.refuses(verdict.as_ref().map(drop)).map_or(Ok(()), Err)
                }),
                refusal: Arc::clone(refusal),
                flaw,
            }))
        };
        let shown = wanted.context.as_ref().ok().cloned();
        let mut config = builder.with_cert_resolver(Arc::new(Shown(shown)));
        if self.alpn {
            config.alpn_protocols = vec![ALPN.to_vec()];
        }
        if flaw == Some(Flaw::AnyAlpn) {
            config.alpn_protocols.extend(wanted.offered.clone().unwrap_or_default());
        }
        config.session_storage = match flaw {
            Some(Flaw::ResumedAnywhere) => Arc::new(OfAnyContext {
                sessions: Arc::clone(&self.sessions),
                indicated: wanted.indicated.clone(),
            }),
            _ => Arc::clone(&self.sessions),
        };
        config.require_ems = flaw != Some(Flaw::EmsNotRequired);
        config.max_early_data_size =
            if flaw == Some(Flaw::EarlyDataAccepted) { 1 << 14 } else { 0 };
        Ok(config)
    }

    /// Whether the client with this chain is authorized, and who it is.
    fn verdict(&self, chain: &[CertificateDer<'_>]) -> Result<Option<Vec<u8>>, Code> {
        if self.clients == Clients::NotAsked {
            return Err("no_certificate");
        }
        if let (Some(leaf), Some(Flaw::AnyCertificate)) = (chain.first(), self.wrong.flaw) {
            return Ok(claimed(leaf));
        }
        let trust = self.trust.read().unwrap_or_else(PoisonError::into_inner).clone();
        Check(self.wrong).verify(Whose::Client, chain, &trust, &self.policies)
    }

    /// TLS-023 to TLS-025.
    fn refuses(&self, verdict: Result<(), &Code>) -> Option<Code> {
        let code = *verdict.err()?;
        let is_refused = match (self.clients, self.wrong.flaw) {
            (Clients::Required, Some(Flaw::CertificateNotRequired)) => code != "no_certificate",
            (Clients::Required, _) => true,
            (Clients::Asked, Some(Flaw::AskedIsRequired)) => code != "no_certificate",
            (Clients::Asked, Some(Flaw::CertificateWanted)) => code == "no_certificate",
            _ => false,
        };
        is_refused.then_some(code)
    }
}

/// Reads up to the end of the ClientHello; gives the octets, too.
fn first_message(waiting: &mut Waiting) -> Result<(Accepted, Vec<u8>), Code> {
    let mut acceptor = Acceptor::default();
    let mut octets = Vec::new();
    loop {
        let mut some = [0; 4096];
        let read = io::Read::read(waiting, &mut some).map_err(|e| code_of_io(&e))?;
        if read == 0 {
            return Err("handshake");
        }
        octets.extend_from_slice(&some[..read]);
        let mut rest = &some[..read];
        while !rest.is_empty() {
            acceptor.read_tls(&mut rest).map_err(|e| code_of_io(&e))?;
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => return Ok((accepted, octets)),
            Ok(None) => {}
            Err((error, mut alert)) => {
                // Fails only when the client has gone.
                let _ = alert.write_all(&mut waiting.socket);
                return Err(code_of(&error));
            }
        }
    }
}

/// The name, lower case, as it stands in the message.
fn as_sent<'a>(name: &'a str, raw: &'a [u8]) -> &'a [u8] {
    let name = name.as_bytes();
    raw.windows(name.len()).find(|sent| sent.eq_ignore_ascii_case(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_it_was_sent() {
        let raw = b"\x16\x03\x01 Invoice.EXAMPLE.com and so on";
        assert_eq!(as_sent("invoice.example.com", raw), b"Invoice.EXAMPLE.com");
        assert_eq!(as_sent("other.example.com", raw), b"other.example.com");
    }
}
