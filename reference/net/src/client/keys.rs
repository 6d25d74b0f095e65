//! Key pairs made ahead of time.

use core::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secure_tunnel::handshake::KeyPool;
use secure_tunnel::secret::Zeroizing;
use secure_tunnel::{RsaPrivate, fresh};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;

use crate::error::Failure;

/// Key pairs for handshakes, each for one connection, made in the background. Clones share them.
#[derive(Clone)]
pub struct Keys {
    source: Source,
}

#[derive(Clone)]
enum Source {
    Pool(Arc<Filler>),
    /// PKCS#8 DER of one key for every connection.
    Fixed(Arc<Zeroizing<Vec<u8>>>),
}

struct Pool {
    ahead: usize,
    keys: Mutex<KeyPool>,
    /// A key was put into the pool.
    filled: Notify,
    /// A key was taken out of it.
    taken: Notify,
}

/// The pool and the task that fills it, as long as anyone takes from it.
struct Filler {
    pool: Arc<Pool>,
    task: JoinHandle<()>,
}

impl Keys {
    /// Keeps `ahead` key pairs, 1 or more, ready for connections to come. Each takes seconds of a core to make, from
    /// now on in the background. To be called within a tokio runtime.
    #[must_use]
    pub fn ahead(ahead: usize) -> Self {
        let ahead = ahead.max(1);
        let pool = Arc::new(Pool {
            ahead,
            keys: Mutex::new(KeyPool::new(ahead)),
            filled: Notify::new(),
            taken: Notify::new(),
        });
        let task = tokio::spawn(fill(Arc::clone(&pool)));
        Self { source: Source::Pool(Arc::new(Filler { pool, task })) }
    }

    /// One key for every connection, against HS-074: for tests alone, since making one takes seconds.
    #[doc(hidden)]
    pub fn fixed_for_tests(pkcs8_der: &[u8]) -> Result<Self, Failure> {
        RsaPrivate::from_pkcs8(pkcs8_der).map_err(|_| Failure::Internal("not an RSA key"))?;
        Ok(Self { source: Source::Fixed(Arc::new(Zeroizing::new(pkcs8_der.to_vec()))) })
    }

    /// Waits until a key pair is there.
    pub(super) async fn ready(&self) {
        if let Source::Pool(filler) = &self.source {
            let pool = &filler.pool;
            pool.when_filled(|keys| (keys.missing() < pool.ahead).then_some(())).await;
        }
    }

    /// Takes a key pair out, once there is one.
    // spec: HS-074
    pub(super) async fn take(&self) -> Result<RsaPrivate, Failure> {
        match &self.source {
            Source::Pool(filler) => {
                let key = filler.pool.when_filled(KeyPool::take).await;
                filler.pool.taken.notify_one();
                Ok(key)
            }
            Source::Fixed(der) => {
                RsaPrivate::from_pkcs8(der).map_err(|_| Failure::Internal("not an RSA key"))
            }
        }
    }
}

impl Pool {
    async fn when_filled<T>(&self, mut take: impl FnMut(&mut KeyPool) -> Option<T>) -> T {
        loop {
            let filled = self.filled.notified();
            if let Some(taken) = take(&mut self.lock()) {
                return taken;
            }
            filled.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, KeyPool> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the pool full, one key pair after the other.
async fn fill(pool: Arc<Pool>) {
    loop {
        if pool.lock().missing() == 0 {
            pool.taken.notified().await;
        }
        match spawn_blocking(fresh::rsa_keypair).await {
            Ok(Ok(key)) => {
                pool.lock().put(key);
                pool.filled.notify_waiters();
            }
            // The generator of the operating system has nothing now.
            _ => sleep(Duration::from_secs(1)).await,
        }
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_pair_is_given_once() {
        let pool = Arc::new(Pool {
            ahead: 2,
            keys: Mutex::new(KeyPool::new(2)),
            filled: Notify::new(),
            taken: Notify::new(),
        });
        let pem = include_str!("../../../../vectors/keys/test-rsa-4425.pem");
        let der = pem_rfc7468::decode_vec(pem.as_bytes()).unwrap().1;
        let put = || {
            pool.lock().put(RsaPrivate::from_pkcs8(&der).unwrap());
            pool.filled.notify_waiters();
        };
        put();
        pool.when_filled(KeyPool::take).await;
        let waiting = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.when_filled(KeyPool::take).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the pool is empty");
        put();
        waiting.await.unwrap();
        assert_eq!(pool.lock().missing(), 2);
    }
}
