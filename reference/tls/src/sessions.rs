//! The sessions of a server that can be resumed.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use rustls::server::StoresServerSessions;
use zeroize::Zeroizing;

/// So many; the oldest is forgotten for another.
const SESSIONS: usize = 1024;

/// Sessions by what names them in a ticket. They hold secrets, which are wiped.
pub(crate) struct Sessions(Mutex<Cache>);

type Cache = LruCache<Vec<u8>, Zeroizing<Vec<u8>>>;

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self(Mutex::new(LruCache::unbounded())) // which takes no memory for sessions that never come
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, name: Vec<u8>, session: Vec<u8>) -> bool {
        let mut sessions = self.lock();
        sessions.put(name, Zeroizing::new(session));
        if sessions.len() > SESSIONS {
            sessions.pop_lru();
        }
        true
    }

    fn get(&self, name: &[u8]) -> Option<Vec<u8>> {
        // As old as before: what is looked at stays no longer for it.
        self.lock().peek(name).map(|session| session.to_vec())
    }

    fn take(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.lock().pop(name).map(|mut session| core::mem::take(&mut *session))
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("held", &self.lock().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_taken_once_and_the_oldest_forgotten() {
        let sessions = Sessions::default();
        let name = |n: usize| n.to_be_bytes().to_vec();
        for n in 0..=SESSIONS {
            assert!(sessions.put(name(n), vec![7, 7]));
            assert_eq!(sessions.get(&name(0)).is_some(), n < SESSIONS);
        }
        assert_eq!(sessions.take(&name(0)), None, "made room for the last");
        assert_eq!(sessions.take(&name(1)), Some(vec![7, 7]));
        assert_eq!(sessions.take(&name(1)), None, "a ticket is used once");
        assert_eq!(format!("{sessions:?}"), "Sessions { held: 1023, .. }");
    }
}
