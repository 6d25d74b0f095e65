//! The established connections, so that they can be ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secure_tunnel::credentials::Id;
use secure_tunnel_net::{Failure, Sender};
use secure_tunnel_tls::{PeerInfo, ServerTls};
use tokio::sync::Notify;

use crate::log;
use crate::store::Change;
use crate::tls;

/// Clones share it.
#[derive(Clone, Default)]
pub struct Open(Arc<Mutex<Connections>>);

#[derive(Default)]
struct Connections {
    next: u64,
    by_number: HashMap<u64, One>,
}

/// An established connection.
#[derive(Clone)]
pub struct One {
    /// Whose tunnel it is.
    pub id: Option<Id>,
    /// What TLS knows of the client.
    pub tls: Option<Arc<PeerInfo>>,
    pub end: End,
}

/// How it is ended from elsewhere.
#[derive(Clone)]
pub enum End {
    Tunnel(Sender),
    Plain(Arc<Notify>),
}

impl End {
    /// As after a failure.
    pub fn cut(&self) {
        match self {
            Self::Tunnel(sender) => sender.abort(),
            Self::Plain(end) => end.notify_one(),
        }
    }
}

impl Open {
    pub fn enter(&self, one: One) -> u64 {
        let mut open = self.lock();
        let number = open.next;
        open.next += 1;
        open.by_number.insert(number, one);
        number
    }

    pub fn leave(&self, number: u64) {
        self.lock().by_number.remove(&number);
    }

    /// Asks all of them to close.
    pub fn close(&self) {
        for one in self.lock().by_number.values() {
            match one.end.clone() {
                End::Tunnel(sender) => {
                    tokio::spawn(async move { sender.close().await });
                }
                end @ End::Plain(_) => end.cut(),
            }
        }
    }

    /// Tells of a change of the credentials, and ends the connections of the clients that were revoked.
    pub fn follow(&self, change: &Change) {
        for fault in &change.faults {
            log::line(format_args!("{fault}; what it held before stays in force"));
        }
        if let Some(clients) = change.clients {
            log::line(format_args!("credentials of {clients} clients are in force"));
        }
        for one in self.lock().by_number.values() {
            if let Some(id) = &one.id
                && change.revoked.contains(id)
            {
                log::line(format_args!("{id} is revoked: its connection is cut off"));
                one.end.cut();
            }
        }
    }

    /// Tells of a change of what TLS accepts, and ends the connections of clients that it refuses now.
    // spec: TLS-077, TLS-078
    pub fn follow_tls(&self, change: &tls::Change, tls: &ServerTls) {
        change.log();
        if !change.any {
            return;
        }
        // Each check takes a while, during which nobody else has to wait.
        let open: Vec<One> = self.lock().by_number.values().cloned().collect();
        for one in open {
            if let Some(refusal) = refused(tls, one.tls.as_deref()) {
                log::line(format_args!("{refusal}: its connection is cut off"));
                one.end.cut();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a client that was let in would not be any more, if so.
pub fn refused(tls: &ServerTls, peer: Option<&PeerInfo>) -> Option<String> {
    let peer = peer?;
    let error = tls.recheck(peer).err()?;
    let who = peer.identity.as_ref().map_or_else(|| "a client".to_owned(), ToString::to_string);
    Some(format!("{who} is refused now: {}", Failure::Tls(error)))
}
