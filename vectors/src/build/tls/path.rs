//! A good path of certificates, from which most vectors differ a little.

use std::cell::Cell;

use serde_json::{Map, Value, json};

use super::keys;
use crate::build::family::{hex, u64_};
use crate::build::primitives::sha256;
use crate::build::primitives::sign::Key;
use crate::build::primitives::x509::{
    ALT_NAME, CLIENT_AUTH, CRL_SIGN, Certificate, DIGITAL_SIGNATURE, Extension, General,
    KEY_CERT_SIGN, ORGANISATION, SERVER_AUTH, UNIT, UTF8, alt_names, basic_constraints,
    extended_key_usage, key_usage, name, subject_key,
};

/// 2026-01-01T00:00:00Z, the time of the committed vectors.
pub(super) const COMMITTED: i64 = 1_767_225_600;
/// 9999-12-31T23:59:59Z, which certificates without an end have.
pub(super) const NEVER: i64 = 253_402_300_799;
const YEAR: i64 = 31_536_000;

thread_local! {
    static TIME: Cell<i64> = const { Cell::new(COMMITTED) };
}

/// The time that vectors are made for, in this thread.
pub(super) fn now() -> i64 {
    TIME.get()
}

/// What `make` makes for another time.
pub(super) fn at<T>(time: i64, make: impl FnOnce() -> T) -> T {
    /// Sets the time back, also after a panic.
    struct Back(i64);
    impl Drop for Back {
        fn drop(&mut self) {
            TIME.set(self.0);
        }
    }
    let _back = Back(TIME.replace(time));
    make()
}

/// The name of the good server.
pub(super) const SERVER_NAME: &[u8] = b"invoice.example.com";

/// Whose certificate it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Server,
    Client,
}

pub(super) const BOTH: [Peer; 2] = [Peer::Server, Peer::Client];

impl Peer {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }

    /// The purpose of extendedKeyUsage.
    pub(super) fn purpose(self) -> &'static [u8] {
        match self {
            Self::Server => SERVER_AUTH,
            Self::Client => CLIENT_AUTH,
        }
    }
}

/// A certificate with its key.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) certificate: Certificate,
    pub(super) key: &'static Key,
}

/// Leaf, intermediate certificates from the leaf on, anchor; with what else an operation is given.
#[derive(Clone)]
pub(super) struct Path {
    pub(super) peer: Peer,
    pub(super) links: Vec<Link>,
    pub(super) now: i64,
    pub(super) name: Vec<u8>,
    /// What a client is known by, where it is accepted.
    pub(super) identity: Vec<u8>,
    /// Fields that not every vector has.
    pub(super) more: Map<String, Value>,
}

impl Path {
    /// Leaf, one intermediate certificate, anchor, all on P-256.
    pub(super) fn good(peer: Peer) -> Self {
        Self::with_intermediates(peer, 1)
    }

    pub(super) fn with_intermediates(peer: Peer, count: usize) -> Self {
        let mut links = vec![Link { certificate: leaf(peer), key: keys::leaf() }];
        links.extend((0..count).map(intermediate));
        links.push(root());
        Self {
            peer,
            links,
            now: now(),
            name: SERVER_NAME.to_vec(),
            identity: b"alice".to_vec(),
            more: Map::new(),
        }
    }

    /// With other keys, from the leaf on.
    pub(super) fn with_keys(peer: Peer, keys: &[&'static Key]) -> Self {
        let mut path = Self::with_intermediates(peer, keys.len() - 2);
        for (link, key) in path.links.iter_mut().zip(keys) {
            link.set_key(key);
        }
        path
    }

    pub(super) fn leaf(&mut self) -> &mut Certificate {
        &mut self.links[0].certificate
    }

    /// The one that issued the leaf.
    pub(super) fn intermediate(&mut self) -> &mut Certificate {
        &mut self.links[1].certificate
    }

    pub(super) fn anchor(&mut self) -> &mut Certificate {
        let last = self.links.len() - 1;
        &mut self.links[last].certificate
    }

    /// The certificate at this place, signed by the one after it.
    pub(super) fn der(&self, index: usize) -> Vec<u8> {
        let link = &self.links[index];
        let issuer = self.links.get(index + 1).unwrap_or(link);
        link.signed(issuer)
    }

    /// What the peer sends: all but the anchor.
    pub(super) fn chain(&self) -> Vec<Vec<u8>> {
        (0..self.links.len() - 1).map(|index| self.der(index)).collect()
    }

    /// The anchor.
    pub(super) fn root(&self) -> Vec<u8> {
        self.der(self.links.len() - 1)
    }

    pub(super) fn input(&self) -> Value {
        self.input_of(&self.chain(), &[self.root()])
    }

    /// With another chain or other anchors.
    pub(super) fn input_of(&self, chain: &[Vec<u8>], anchors: &[Vec<u8>]) -> Value {
        let list = |items: &[Vec<u8>]| Value::from_iter(items.iter().map(|item| hex(item)));
        let now = u64::try_from(self.now).unwrap_or_else(|_| unreachable!("after 1970"));
        let mut input = json!({
            "peer": self.peer.name(),
            "chain": list(chain),
            "anchors": list(anchors),
            "now": u64_(now),
        });
        if self.peer == Peer::Server {
            input["name"] = hex(&self.name);
        }
        for (key, value) in &self.more {
            input[key] = value.clone();
        }
        input
    }

    /// What is told of the peer.
    pub(super) fn output(&self, leaf: &[u8]) -> Value {
        let mut out = json!({ "fingerprint": hex(&sha256(&[leaf])) });
        if self.peer == Peer::Client {
            out["identity"] = hex(&self.identity);
        }
        out
    }

    pub(super) fn policies(&mut self, policies: &[&str]) {
        self.more.insert("policies".to_owned(), json!(policies));
    }
}

impl Link {
    pub(super) fn signed(&self, issuer: &Self) -> Vec<u8> {
        self.certificate.signed(self.key, &issuer.certificate.subject, issuer.key)
    }

    pub(super) fn set_key(&mut self, key: &'static Key) {
        self.key = key;
        self.certificate.set(subject_key(&key.identifier()));
    }
}

fn of_tests(unit: &[u8]) -> Vec<u8> {
    name(&[(ORGANISATION, UTF8, b"tunnelproof tests"), (UNIT, UTF8, unit)])
}

fn certificate(
    serial: &[u8],
    unit: &[u8],
    years: (i64, i64),
    extensions: Vec<Extension>,
) -> Certificate {
    let valid = (now() - years.0 * YEAR, now() + years.1 * YEAR);
    good_certificate(serial, &of_tests(unit), valid, extensions)
}

/// One without a fault in what is not given.
pub(super) fn good_certificate(
    serial: &[u8],
    subject: &[u8],
    valid: (i64, i64),
    extensions: Vec<Extension>,
) -> Certificate {
    Certificate {
        version: Some(2),
        serial: serial.to_vec(),
        algorithm: None,
        inner_algorithm: None,
        issuer: None,
        not_before: valid.0,
        not_after: valid.1,
        subject: subject.to_vec(),
        extensions,
        with_authority: true,
    }
}

fn leaf(peer: Peer) -> Certificate {
    let names = match peer {
        Peer::Server => alt_names(&[General::Dns(SERVER_NAME)]),
        Peer::Client => alt_names(&[General::Uri(b"secure-tunnel:alice")]),
    };
    let extensions = vec![
        subject_key(&keys::leaf().identifier()),
        key_usage(DIGITAL_SIGNATURE),
        extended_key_usage(&[peer.purpose()]),
        names,
    ];
    certificate(&[0x10, 0x01], peer.name().as_bytes(), (1, 1), extensions)
}

fn ca(serial: u8, unit: &str, years: (i64, i64), key: &'static Key) -> Link {
    Link { certificate: certificate(&[serial], unit.as_bytes(), years, ca_extensions(key)), key }
}

/// What every good CA's certificate has.
pub(super) fn ca_extensions(key: &Key) -> Vec<Extension> {
    vec![
        subject_key(&key.identifier()),
        basic_constraints(None),
        key_usage(KEY_CERT_SIGN | CRL_SIGN),
    ]
}

/// An intermediate CA; they are counted from that of the leaf.
pub(super) fn intermediate(index: usize) -> Link {
    let serial = 0x11 + u8::try_from(index).unwrap_or_else(|_| unreachable!("few"));
    let unit = if index == 0 { "CA".to_owned() } else { format!("CA {index}") };
    ca(serial, &unit, (2, 4), keys::intermediate(index))
}

/// The anchor.
pub(super) fn root() -> Link {
    let mut link = ca(1, "root", (5, 15), keys::root());
    link.certificate.with_authority = false;
    link
}

/// The same name as the anchor's, another key.
pub(super) fn impostor() -> Link {
    let mut link = root();
    link.set_key(keys::other_root());
    link
}

/// The leaf's subjectAltName.
pub(super) fn set_names(path: &mut Path, names: &[General<'_>]) {
    if names.is_empty() {
        path.leaf().remove(ALT_NAME);
    } else {
        path.leaf().set(alt_names(names));
    }
}
