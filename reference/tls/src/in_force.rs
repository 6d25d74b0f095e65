//! What is in force, which can be replaced while connections are open.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::pki_types::CertificateDer;
use secure_tunnel::credentials::Id;

use crate::error::TlsError;
use crate::lists::Lists;
use crate::trust::Trust;
use crate::verify::Peer;

/// Trust and lists; each is replaced as a whole.
#[derive(Debug)]
pub(crate) struct InForce {
    trust: RwLock<Arc<Trust>>,
    lists: RwLock<Arc<Lists>>,
}

impl InForce {
    pub(crate) fn new(trust: Trust, lists: Lists) -> Self {
        Self { trust: RwLock::new(Arc::new(trust)), lists: RwLock::new(Arc::new(lists)) }
    }

    pub(crate) fn trust(&self) -> Arc<Trust> {
        Arc::clone(&self.trust.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace_trust(&self, trust: Trust) {
        *self.trust.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(trust);
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
        let verified = self.trust().verify(Peer::Client, chain, now)?;
        let lists = Arc::clone(&self.lists.read().unwrap_or_else(PoisonError::into_inner));
        match verified.identity {
            Some(identity) => lists.check(&identity, &verified.fingerprint).map(|()| identity),
            None => Err(TlsError::NoCertificate), // Peer::Client always gives one
        }
    }
}
