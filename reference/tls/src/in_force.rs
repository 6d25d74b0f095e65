//! What is in force, which can be replaced while connections are open.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use lru::LruCache;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest, Sha256};

use crate::error::TlsError;
use crate::lists::{Fingerprint, Lists};
use crate::trust::Trust;
use crate::verify::{Chain, Examined, Peer};

/// Trust and lists; each is replaced as a whole.
#[derive(Debug)]
pub(crate) struct InForce {
    trust: RwLock<(Arc<Trust>, Arc<Found>)>,
    lists: RwLock<Arc<Lists>>,
}

impl InForce {
    pub(crate) fn new(trust: Trust, lists: Lists) -> Self {
        Self { trust: RwLock::new(with_nothing_found(trust)), lists: RwLock::new(Arc::new(lists)) }
    }

    pub(crate) fn trust(&self) -> Arc<Trust> {
        self.both().0
    }

    pub(crate) fn replace_trust(&self, trust: Trust) {
        *self.trust.write().unwrap_or_else(PoisonError::into_inner) = with_nothing_found(trust);
    }

    fn both(&self) -> (Arc<Trust>, Arc<Found>) {
        self.trust.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn replace_lists(&self, lists: Lists) {
        *self.lists.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
    }

    /// Whether the client with this chain may be let in at `now`, and what its certificate says.
    pub(crate) fn admit_client(&self, chain: Chain<'_>, now: u64) -> Result<Examined, TlsError> {
        let client = self.examine(Peer::Client, chain, now)?;
        let lists = Arc::clone(&self.lists.read().unwrap_or_else(PoisonError::into_inner));
        match &client.identity {
            Some(identity) => lists.check(identity, &client.certificate.fingerprint)?,
            None => return Err(TlsError::NoCertificate), // Peer::Client always gives one
        }
        Ok(client)
    }

    /// Whether the server with this chain is `name` at `now`, and what its certificate says.
    pub(crate) fn admit_server(
        &self,
        name: &ServerName<'_>,
        chain: Chain<'_>,
        now: u64,
    ) -> Result<Examined, TlsError> {
        self.examine(Peer::Server { name }, chain, now)
    }

    fn examine(&self, peer: Peer<'_>, chain: Chain<'_>, now: u64) -> Result<Examined, TlsError> {
        let (trust, found) = self.both();
        let fingerprint = Sha256::digest(chain.leaf).into();
        let with = With::new(peer, chain.others);
        if let Some(examined) = found.get(&fingerprint, &with, now) {
            return Ok(examined);
        }
        let examined = trust.examine(peer, fingerprint, chain, now)?;
        found.note(fingerprint, with, examined.clone());
        Ok(examined)
    }
}

fn with_nothing_found(trust: Trust) -> (Arc<Trust>, Arc<Found>) {
    (Arc::new(trust), Arc::default())
}

/// Chains that one [`Trust`] has accepted, and in which time that holds: what is verified depends on the name of a server, the
/// chain and the time alone. A full handshake would verify it twice, for rustls and when the connection is admitted,
/// and each resumption again. What was refused is verified again.
// spec: TLS-079, TLS-080
struct Found(Mutex<Leaves>);

/// By the leaf's fingerprint.
type Leaves = LruCache<Fingerprint, (With<'static>, Examined)>;

/// What a leaf came with. Of other certificates there is only a hash: a peer can make a chain long, and many of one.
#[derive(PartialEq, Eq)]
struct With<'a> {
    /// What the client calls the server; `None` for a client.
    name: Option<Cow<'a, str>>,
    /// SHA-256 of the others, if there are any.
    others: Option<[u8; 32]>,
}

impl<'a> With<'a> {
    fn new(peer: Peer<'a>, others: &[CertificateDer<'_>]) -> Self {
        let name = match peer {
            Peer::Server { name } => Some(name.to_str()),
            Peer::Client => None,
        };
        Self { name, others: (!others.is_empty()).then(|| hash(others)) }
    }

    fn into_owned(self) -> With<'static> {
        With { name: self.name.map(|name| name.into_owned().into()), ..self }
    }
}

fn hash(others: &[CertificateDer<'_>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for der in others {
        hash.update((der.len() as u64).to_be_bytes());
        hash.update(der);
    }
    hash.finalize().into()
}

/// So many at most; what was not asked for the longest time is forgotten.
const FOUND: usize = 1024;

impl Found {
    fn get(&self, leaf: &Fingerprint, with: &With<'_>, now: u64) -> Option<Examined> {
        let mut found = self.lock();
        let (known, examined) = found.get(leaf)?;
        (known == with && examined.window.contains(now)).then(|| examined.clone())
    }

    fn note(&self, leaf: Fingerprint, with: With<'_>, examined: Examined) {
        let mut found = self.lock();
        found.put(leaf, (with.into_owned(), examined));
        if found.len() > FOUND {
            found.pop_lru();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Leaves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Found {
    fn default() -> Self {
        Self(Mutex::new(LruCache::unbounded())) // as above: it grows with those who come
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").field("leaves", &self.lock().len()).finish_non_exhaustive()
    }
}
