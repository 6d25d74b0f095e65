//! Where sessions are kept that can be resumed.

use std::fmt;
use std::sync::Arc;

use rustls::NamedGroup;
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::{DnsName, ServerName};
use rustls::server::StoresServerSessions;

/// A server's sessions as if each had begun under the name of this connection: rustls compares them.
pub struct OfAnyContext {
    pub sessions: Arc<dyn StoresServerSessions>,
    pub indicated: Option<String>,
}

impl OfAnyContext {
    /// A session begins with 0, or with 1 and the indicated name after its length.
    fn renamed(&self, session: Vec<u8>) -> Option<Vec<u8>> {
        let rest = match session.split_first()? {
            (1, rest) => rest.get(1 + usize::from(*rest.first()?)..)?,
            (_, rest) => rest,
        };
        let mut renamed = match &self.indicated {
            Some(name) => [&[1, u8::try_from(name.len()).ok()?], name.as_bytes()].concat(),
            None => vec![0],
        };
        renamed.extend_from_slice(rest);
        Some(renamed)
    }
}

impl StoresServerSessions for OfAnyContext {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.sessions.put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.sessions.get(key).and_then(|session| self.renamed(session))
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.sessions.take(key).and_then(|session| self.renamed(session))
    }

    fn can_cache(&self) -> bool {
        self.sessions.can_cache()
    }
}

impl fmt::Debug for OfAnyContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfAnyContext").field("indicated", &self.indicated).finish_non_exhaustive()
    }
}

/// A client's sessions as if all servers had one name.
#[derive(Debug)]
pub struct OfAnyName(pub ClientSessionMemoryCache);

impl OfAnyName {
    fn name() -> ServerName<'static> {
        ServerName::DnsName(DnsName::try_from_str("any.invalid").expect("it is a name"))
    }
}

impl ClientSessionStore for OfAnyName {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(Self::name(), group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(&Self::name())
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(Self::name(), value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(&Self::name())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.0.remove_tls12_session(&Self::name());
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(Self::name(), value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(&Self::name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::server::ServerSessionMemoryCache;

    #[test]
    fn a_session_is_renamed_whatever_name_it_began_with() {
        let sessions = ServerSessionMemoryCache::new(4);
        sessions.put(vec![1], b"\x01\x04a.bcthe rest".to_vec());
        sessions.put(vec![2], b"\x00the rest".to_vec());
        sessions.put(vec![3], b"\x01\x40short".to_vec());
        for (indicated, begins) in [(Some("x"), &b"\x01\x01x"[..]), (None, b"\x00")] {
            let indicated = indicated.map(str::to_owned);
            let store = OfAnyContext { sessions: Arc::clone(&sessions) as _, indicated };
            for key in [1, 2] {
                assert_eq!(store.get(&[key]), Some([begins, b"the rest"].concat()));
            }
            assert_eq!(store.get(&[3]), None);
            assert_eq!(store.get(&[9]), None);
        }
    }
}
