//! Sessions that the harness's client resumes, also where rustls would not: under another name, with early data.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{
    ClientSessionStore, ResolvesClientCert, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;

use super::hello::{Always, Own, resolver};
use crate::live::case::Fault;
use crate::verdict::Verdict;

/// Sessions of earlier connections, for one certificate, whatever names they began with.
#[derive(Debug, Clone, Default)]
pub struct Sessions(Arc<Store>);

#[derive(Debug, Default)]
struct Store {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    tickets: VecDeque<Tls13ClientSessionValue>,
    tls12: Option<Tls12ClientSessionValue>,
    group: Option<NamedGroup>,
    resolver: Option<Arc<Always>>,
    early: bool,
}

impl Sessions {
    /// There has to be a session to resume; a server need not offer any.
    ///
    /// # Errors
    /// The case is skipped otherwise.
    pub fn needed(&self) -> Result<(), Fault> {
        let kept = self.0.lock();
        if kept.tickets.is_empty() && kept.tls12.is_none() {
            let reason = "the server lets no session be resumed".to_owned();
            return Err(Fault::of(Verdict::Skip { reason, issue: None }));
        }
        Ok(())
    }

    /// The store for rustls; early data is offered with the sessions from now on, or not.
    pub(super) fn store(&self, early: bool) -> Arc<dyn ClientSessionStore> {
        self.0.lock().early = early;
        Arc::clone(&self.0) as Arc<dyn ClientSessionStore>
    }

    pub(super) fn resolver(&self, own: Option<&Own>) -> Arc<dyn ResolvesClientCert> {
        let mut kept = self.0.lock();
        Arc::clone(kept.resolver.get_or_insert_with(|| resolver(own)))
            as Arc<dyn ResolvesClientCert>
    }
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientSessionStore for Store {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.lock().group = Some(group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.lock().group
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.lock().tls12 = Some(value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.lock().tls12.clone()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.lock().tls12 = None;
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        let mut kept = self.lock();
        kept.tickets.truncate(15);
        kept.tickets.push_front(value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        let mut kept = self.lock();
        let mut ticket = kept.tickets.pop_front()?;
        if kept.early {
            // Offered although the server has allowed none.
            ticket._private_set_max_early_data_size(1 << 14);
        }
        Some(ticket)
    }
}
