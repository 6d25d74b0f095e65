//! The life of RSA keys: the client's serve one connection, the server's an hour.

use std::sync::Arc;

use crate::crypto::RsaPrivate;
use crate::time::Tick;

/// Key pairs made ahead of time, since making one takes longer than a handshake may.
///
/// Each comes out once (HS-074).
#[derive(Debug)]
pub struct KeyPool {
    ready: Vec<RsaPrivate>,
    wanted: usize,
}

impl KeyPool {
    /// An empty pool that wants to hold `wanted` key pairs.
    #[must_use]
    pub fn new(wanted: usize) -> Self {
        Self { ready: Vec::with_capacity(wanted), wanted }
    }

    /// How many key pairs are missing.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.wanted.saturating_sub(self.ready.len())
    }

    /// Adds a key pair that no connection has used.
    pub fn put(&mut self, keypair: RsaPrivate) {
        self.ready.push(keypair);
    }

    /// Takes a key pair out for one connection.
    pub fn take(&mut self) -> Option<RsaPrivate> {
        // spec: HS-074
        self.ready.pop()
    }
}

/// The RSA key that a server shares among its connections, replaced hourly.
#[derive(Debug)]
pub struct SharedKey {
    key: Arc<RsaPrivate>,
    made_at: Tick,
}

impl SharedKey {
    /// How long a key serves new handshakes, in milliseconds.
    pub const LIFE_MS: u64 = 3_600_000;

    /// Starts with a key made at tick `made_at`.
    #[must_use]
    pub fn new(key: RsaPrivate, made_at: Tick) -> Self {
        Self { key: Arc::new(key), made_at }
    }

    /// The key for a handshake that begins now.
    #[must_use]
    pub fn current(&self) -> Arc<RsaPrivate> {
        Arc::clone(&self.key)
    }

    /// Whether the key is an hour old. (A server whose clients pin its key does not ask.)
    #[must_use]
    pub fn due(&self, at: Tick) -> bool {
        // spec: HS-078
        at >= self.made_at.after(Self::LIFE_MS)
    }

    /// Puts `key` in place of the old one, which is erased when the last handshake that began with it
    /// ends.
    pub fn replace(&mut self, key: RsaPrivate, made_at: Tick) {
        // spec: HS-079
        *self = Self::new(key, made_at);
    }
}
