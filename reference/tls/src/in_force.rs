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

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair};
    use secure_tunnel::error::Diagnostic;

    use super::*;
    use crate::Policies;

    const NOW: u64 = 1_767_225_600;

    /// A leaf for two names, its issuer, and the anchor above that.
    fn chain() -> [CertificateDer<'static>; 3] {
        let key = || KeyPair::generate().expect("a key");
        let ca = |name: &str| {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params
        };
        let (root_key, middle_key) = (key(), key());
        let root = ca("root").self_signed(&root_key).expect("a certificate").der().clone();
        let root_issuer = rcgen::Issuer::new(ca("root"), root_key);
        let middle = ca("middle").signed_by(&middle_key, &root_issuer).expect("a certificate");
        let names = ["a.example".to_owned(), "b.example".to_owned()];
        let mut params = CertificateParams::new(names).expect("names");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let issuer = rcgen::Issuer::new(ca("middle"), middle_key);
        let leaf = params.signed_by(&key(), &issuer).expect("a certificate");
        [leaf.der().clone(), middle.der().clone(), root]
    }

    #[test]
    fn what_was_found_holds_for_the_same_name_chain_and_time_alone() {
        let [leaf, middle, root] = chain();
        let trust = Trust::new(&[root], Policies::default()).expect("an anchor");
        let in_force = InForce::new(trust, Lists::default());
        let admit = |name: &'static str, others: &[CertificateDer<'static>], now| {
            let name = ServerName::try_from(name).expect("a name");
            in_force.admit_server(&name, Chain { leaf: &leaf, others }, now)
        };
        let whole = std::slice::from_ref(&middle);
        for _ in 0..2 {
            let first = admit("a.example", whole, NOW).expect("is one of its names");
            let again = admit("a.example", whole, NOW).expect("still");
            assert!(Arc::ptr_eq(&first.certificate, &again.certificate), "not verified again");
            let other = admit("b.example", whole, NOW).expect("is another");
            assert!(!Arc::ptr_eq(&first.certificate, &other.certificate));
            admit("a.example", whole, NOW).expect("is one of its names");
            for (refused, code) in [
                (admit("c.example", whole, NOW), "server_name"),
                (admit("a.example", &[], NOW), "untrusted"),
                (admit("a.example", std::slice::from_ref(&leaf), NOW), "untrusted"),
                (admit("a.example", whole, 0), "not_yet_valid"),
            ] {
                assert_eq!(refused.expect_err(code).code(), code);
            }
        }
    }
}
