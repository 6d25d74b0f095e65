//! What is in force, which can be replaced while connections are open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::pki_types::CertificateDer;
use secure_tunnel::credentials::Id;

use crate::error::TlsError;
use crate::lists::Lists;
use crate::trust::Trust;
use crate::verify::{Peer, Verified};

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

    /// Whether the client with this chain may be let in at `now`, and who it is.
    pub(crate) fn admit_client(
        &self,
        chain: &[CertificateDer<'_>],
        now: u64,
    ) -> Result<Id, TlsError> {
        let (trust, found) = self.both();
        let verified = match found.get(chain, now) {
            Some(verified) => verified,
            None => {
                let verified = trust.verify(Peer::Client, chain, now)?;
                found.note(chain, now, &verified);
                verified
            }
        };
        let lists = Arc::clone(&self.lists.read().unwrap_or_else(PoisonError::into_inner));
        match verified.identity {
            Some(identity) => lists.check(&identity, &verified.fingerprint).map(|()| identity),
            None => Err(TlsError::NoCertificate), // Peer::Client always gives one
        }
    }
}

fn with_nothing_found(trust: Trust) -> (Arc<Trust>, Arc<Found>) {
    (Arc::new(trust), Arc::default())
}

/// Chains that one [`Trust`] has accepted in this second. What is verified depends on the chain and the second alone, and
/// a full handshake would verify it twice: for rustls, and when the connection is admitted.
#[derive(Debug, Default)]
struct Found(Mutex<(u64, HashMap<Vec<CertificateDer<'static>>, Verified>)>);

/// So many at most.
const FOUND: usize = 256;

impl Found {
    fn get(&self, chain: &[CertificateDer<'_>], now: u64) -> Option<Verified> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (second, chains) = &*found;
        if *second == now { chains.get(chain).cloned() } else { None }
    }

    fn note(&self, chain: &[CertificateDer<'_>], now: u64, verified: &Verified) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (second, chains) = &mut *found;
        if *second != now || chains.len() >= FOUND {
            chains.clear();
            *second = now;
        }
        let chain = chain.iter().map(|der| der.clone().into_owned()).collect();
        chains.insert(chain, verified.clone());
    }
}
