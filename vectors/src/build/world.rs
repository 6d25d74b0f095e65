//! One good pair of credentials and one good handshake, from which most vectors differ a little.

use std::sync::LazyLock;

use super::keys;
use super::primitives::rsa::PrivateKey;
use super::primitives::{client_digest, password, server_digest, stream, stream_array};
use super::protocol::{self, Schedule};

/// The id of the good credentials.
pub(crate) const ID: &[u8] = b"alice@example.org";
/// The time of the good handshake, seconds since the Unix epoch.
pub const NOW: u64 = 1_700_000_000;

/// A pair of credentials with its parts.
#[derive(Clone)]
pub struct Credentials {
    /// UTF-8, 1 to 255 octets where it is a good one.
    pub id: Vec<u8>,
    /// Pc, 18 digits.
    pub client_password: Vec<u8>,
    /// Ps, 8 digits.
    pub server_password: Vec<u8>,
    /// `id || Pc || Ds`.
    pub client_key: Vec<u8>,
    /// `Ps || Dc`.
    pub server_key: Vec<u8>,
}

impl Credentials {
    /// Of these parts, good or not.
    #[must_use]
    pub fn new(id: &[u8], client_password: &[u8], server_password: &[u8]) -> Self {
        Self {
            id: id.to_vec(),
            client_password: client_password.to_vec(),
            server_password: server_password.to_vec(),
            client_key: [id, client_password, &server_digest(id, server_password)].concat(),
            server_key: [server_password, &*client_digest(id, client_password)].concat(),
        }
    }

    /// With passwords that depend on the label alone.
    #[must_use]
    pub fn labelled(id: &[u8], label: &str) -> Self {
        let client_password = password(&format!("client password: {label}"), 18);
        let server_password = password(&format!("server password: {label}"), 8);
        Self::new(id, &client_password, &server_password)
    }
}

/// A handshake with everything that its messages are made of.
#[derive(Clone)]
pub(crate) struct Handshake {
    pub(crate) credentials: Credentials,
    pub(crate) server: &'static PrivateKey,
    pub(crate) client: &'static PrivateKey,
    pub(crate) r: [u8; 14],
    pub(crate) t: u64,
    pub(crate) k: [u8; 48],
    pub(crate) m1: Vec<u8>,
    pub(crate) spki: Vec<u8>,
    pub(crate) nonce: Vec<u8>,
    pub(crate) p1: Vec<u8>,
    pub(crate) m2: Vec<u8>,
    pub(crate) p3: Vec<u8>,
    pub(crate) m3: Vec<u8>,
}

impl Handshake {
    /// A handshake between these keys at time `t`; `label` stands for what would be random.
    pub(crate) fn new(
        credentials: Credentials,
        server: &'static PrivateKey,
        client: &'static PrivateKey,
        t: u64,
        label: &str,
    ) -> Self {
        let r = stream_array(&format!("r: {label}"));
        let k = stream_array(&format!("K: {label}"));
        let (m1, spki) = (server.public.spki(), client.public.spki());
        let nonce = protocol::nonce(&m1, &spki, &r);
        let p1 = protocol::p1(&credentials.id, &credentials.client_password, t, &nonce);
        let c1 = server.public.encrypt(&protocol::oaep(&format!("{label} C1")), &p1);
        let m2 = [&*spki, &*c1].concat();
        let p3 = protocol::p3(&credentials.server_password, &k, t, &nonce);
        let m3 = client.public.encrypt(&protocol::oaep(&format!("{label} M3")), &p3);
        Self { credentials, server, client, r, t, k, m1, spki, nonce, p1, m2, p3, m3 }
    }

    /// M2 with this plaintext in the place of P1.
    pub(crate) fn m2_of(&self, label: &str, p1: &[u8]) -> Vec<u8> {
        let c1 = self.server.public.encrypt(&protocol::oaep(&format!("{label} C1")), p1);
        [&*self.spki, &*c1].concat()
    }

    /// M3 with this plaintext in the place of P3.
    pub(crate) fn m3_of(&self, label: &str, p3: &[u8]) -> Vec<u8> {
        self.client.public.encrypt(&protocol::oaep(&format!("{label} M3")), p3)
    }

    pub(crate) fn schedule(&self) -> Schedule {
        protocol::schedule(&self.m1, &self.m2, &self.m3, &self.k)
    }
}

/// The good handshake.
pub(crate) fn good() -> &'static Handshake {
    static GOOD: LazyLock<Handshake> = LazyLock::new(|| {
        let credentials = Credentials::labelled(ID, "good");
        Handshake::new(credentials, keys::k4552_a(), keys::k4552_b(), NOW, "good")
    });
    &GOOD
}

/// A chain key that depends on the label alone.
pub(crate) fn chain(label: &str) -> [u8; 32] {
    stream_array(&format!("chain: {label}"))
}

/// Octets of a message of an application that depend on the label alone.
pub(crate) fn payload(label: &str, length: usize) -> Vec<u8> {
    stream(&format!("payload: {label}"), length)
}

/// The values of `constants.json`.
pub(crate) fn constants() -> Vec<(&'static str, Vec<u8>)> {
    let good = good();
    let mut constants = vec![
        ("good-client-key", good.credentials.client_key.clone()),
        ("good-server-key", good.credentials.server_key.clone()),
        ("good-m1", good.m1.clone()),
        ("good-m2", good.m2.clone()),
        ("good-m3", good.m3.clone()),
        ("good-p1", good.p1.clone()),
        ("good-p3", good.p3.clone()),
        ("good-r", good.r.to_vec()),
        ("good-nonce", good.nonce.clone()),
        ("good-k", good.k.to_vec()),
        ("good-client-spki", good.spki.clone()),
    ];
    let private = [
        ("rsa-4425-private", keys::k4425()),
        ("rsa-4432-private", keys::k4432()),
        ("rsa-4480-a-private", keys::k4480_a()),
        ("rsa-4480-b-private", keys::k4480_b()),
        ("rsa-4552-a-private", keys::k4552_a()),
        ("rsa-4552-b-private", keys::k4552_b()),
        ("rsa-4552-c-private", keys::k4552_c()),
        ("rsa-8192-private", keys::k8192()),
    ];
    constants.extend(private.map(|(name, key)| (name, key.pkcs8.clone())));
    let public = [
        ("rsa-4425-spki", keys::k4425()),
        ("rsa-4432-spki", keys::k4432()),
        ("rsa-4480-a-spki", keys::k4480_a()),
        ("rsa-4480-b-spki", keys::k4480_b()),
        ("rsa-4552-c-spki", keys::k4552_c()),
        ("rsa-8192-spki", keys::k8192()),
    ];
    constants.extend(public.map(|(name, key)| (name, key.public.spki())));
    constants
}
