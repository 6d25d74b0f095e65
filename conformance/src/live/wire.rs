//! What the harness's peer makes messages of: credentials, M2 with every part given, and a channel that can
//! seal and open anything. Built on the generator of the vectors, not on the reference.

use num_bigint::BigUint;
use tunnelproof_vectors::build::primitives::rsa::{Oaep, PrivateKey, PublicKey};
use tunnelproof_vectors::build::primitives::{
    client_digest, gcm_open, gcm_seal, password, server_digest, stream,
};
use tunnelproof_vectors::build::protocol::{self, Generation, record_nonce};

/// What one client knows, and where the harness made it up, what the server is told of it.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub id: Vec<u8>,
    pub client_password: Vec<u8>,
    pub server_digest: Vec<u8>,
    /// None where somebody else gave the clientKey.
    pub server_key: Option<Vec<u8>>,
}

impl Credentials {
    /// With passwords that depend on the label alone.
    pub fn made(id: &[u8], label: &str) -> Credentials {
        let client_password = password(&format!("live client password: {label}"), 18);
        let server_password = password(&format!("live server password: {label}"), 8);
        Credentials {
            server_digest: server_digest(id, &server_password),
            server_key: Some([server_password, client_digest(id, &client_password)].concat()),
            id: id.to_vec(),
            client_password,
        }
    }

    /// Those of a clientKey: id, 18 digits, 8 digits.
    pub fn of_client_key(key: &str) -> Option<Credentials> {
        let key = key.as_bytes();
        let (id, digits) = key.split_at_checked(key.len().checked_sub(26)?)?;
        let is_good = !id.is_empty() && id.len() <= 255;
        (is_good && digits.iter().all(u8::is_ascii_alphanumeric)).then(|| Credentials {
            id: id.to_vec(),
            client_password: digits[..18].to_vec(),
            server_digest: digits[18..].to_vec(),
            server_key: None,
        })
    }

    /// The clientKey.
    pub fn client_key(&self) -> Vec<u8> {
        [&*self.id, &*self.client_password, &*self.server_digest].concat()
    }
}

/// Reads an SPKI that has exactly the octets of its modulus with exponent 65537 (HS-003).
pub fn public_key(spki: &[u8]) -> Option<PublicKey> {
    let modulus = spki.get(33..spki.len().checked_sub(5)?)?;
    let key = PublicKey { n: BigUint::from_bytes_be(modulus), e: 65537 };
    (key.n.bits() > 0 && key.spki() == spki).then_some(key)
}

/// Everything that an M2 is made of.
#[derive(Clone)]
pub struct Request {
    pub m1: Vec<u8>,
    pub server: PublicKey,
    pub client: &'static PrivateKey,
    pub id: Vec<u8>,
    pub client_password: Vec<u8>,
    pub t: u64,
    pub nonce: Vec<u8>,
    /// The seed of OAEP, 20 octets.
    pub seed: Vec<u8>,
}

impl Request {
    /// An honest one; `label` stands for what has to be fresh.
    pub fn new(
        m1: &[u8],
        server: &PublicKey,
        client: &'static PrivateKey,
        who: &Credentials,
        t: u64,
        label: &str,
    ) -> Request {
        let r = stream(&format!("live r: {label}"), 14);
        Request {
            nonce: protocol::nonce(m1, &client.public.spki(), &r),
            m1: m1.to_vec(),
            server: server.clone(),
            client,
            id: who.id.clone(),
            client_password: who.client_password.clone(),
            t,
            seed: stream(&format!("live seed: {label}"), 20),
        }
    }

    pub fn spki(&self) -> Vec<u8> {
        self.client.public.spki()
    }

    pub fn p1(&self) -> Vec<u8> {
        protocol::p1(&self.id, &self.client_password, self.t, &self.nonce)
    }

    pub fn m2(&self) -> Vec<u8> {
        self.m2_of(&self.p1())
    }

    /// With this plaintext in the place of P1.
    pub fn m2_of(&self, p1: &[u8]) -> Vec<u8> {
        self.m2_padded(&self.oaep(), p1)
    }

    /// With this padding too.
    pub fn m2_padded(&self, oaep: &Oaep, p1: &[u8]) -> Vec<u8> {
        [self.spki(), self.server.encrypt(oaep, p1)].concat()
    }

    /// With these octets in the place of C1.
    pub fn m2_with(&self, c1: &[u8]) -> Vec<u8> {
        [&*self.spki(), c1].concat()
    }

    pub fn oaep(&self) -> Oaep {
        Oaep::new(&self.seed)
    }
}

/// The records of both directions of one channel.
#[derive(Clone)]
pub struct Channel {
    /// What this side seals with.
    pub sends: Direction,
    /// What this side opens with.
    pub receives: Direction,
}

impl Channel {
    /// The client's side, or the server's.
    pub fn new(m1: &[u8], m2: &[u8], m3: &[u8], k: &[u8], is_client: bool) -> Channel {
        Channel::of(&[m1, m2, m3], k, is_client)
    }

    /// The same for the parts of a transcript, of which E may be the last (TLS-083).
    pub fn of(parts: &[&[u8]], k: &[u8], is_client: bool) -> Channel {
        let schedule = protocol::schedule_of(parts, k);
        let (c2s, s2c) = (Direction::new(schedule.c2s), Direction::new(schedule.s2c));
        if is_client {
            Channel { sends: c2s, receives: s2c }
        } else {
            Channel { sends: s2c, receives: c2s }
        }
    }
}

/// One direction: the keys of the current generation, and the number of the next record.
#[derive(Clone)]
pub struct Direction {
    generation: Generation,
    pub n: u64,
}

/// Records under one key.
pub const GENERATION: u64 = 65_536;

impl Direction {
    fn new(chain: [u8; 32]) -> Direction {
        Direction { generation: protocol::generation(&chain), n: 0 }
    }

    /// The next record.
    pub fn seal(&mut self, kind: u8, payload: &[u8]) -> Vec<u8> {
        let record = self.seal_as(self.n, &[&[kind], payload].concat());
        self.step();
        record
    }

    /// A record of any number and plaintext, under the keys of the current generation; counts nothing.
    pub fn seal_as(&self, n: u64, plaintext: &[u8]) -> Vec<u8> {
        let Generation { key, iv, .. } = &self.generation;
        gcm_seal(key, &record_nonce(iv, n), &[], plaintext)
    }

    /// Type and payload of the next record.
    pub fn open(&mut self, record: &[u8]) -> Option<(u8, Vec<u8>)> {
        let Generation { key, iv, .. } = &self.generation;
        let mut plaintext = gcm_open(key, &record_nonce(iv, self.n), &[], record)?;
        self.step();
        if plaintext.is_empty() {
            return None;
        }
        let kind = plaintext.remove(0);
        Some((kind, plaintext))
    }

    /// Counts a record that was sealed by hand.
    pub fn step(&mut self) {
        self.n += 1;
        if self.n.is_multiple_of(GENERATION) {
            self.generation = protocol::generation(&self.generation.next);
        }
    }
}

/// Types of records.
pub use tunnelproof_vectors::build::protocol::{CLOSE, DATA, OPEN};

#[cfg(test)]
mod tests {
    use super::*;
    use tunnelproof_vectors::build::keys;

    #[test]
    fn both_sides_of_a_channel_agree_across_a_generation() {
        let side = |is_client| Channel::new(b"1", b"2", b"3", &[4; 48], is_client);
        let (mut client, mut server) = (side(true), side(false));
        for n in [0, GENERATION - 1] {
            while client.sends.n < n {
                client.sends.step();
                server.receives.step();
            }
            for _ in 0..2 {
                let record = client.sends.seal(DATA, b"x");
                assert_eq!(server.receives.open(&record), Some((DATA, b"x".to_vec())));
            }
        }
        assert_eq!(server.receives.open(&[0; 17]), None);
    }

    #[test]
    fn only_the_one_encoding_of_a_key_is_read() {
        let spki = keys::k4480_a().public.spki();
        assert_eq!(public_key(&spki).as_ref(), Some(&keys::k4480_a().public));
        assert_eq!(public_key(&spki[..spki.len() - 1]), None);
        assert_eq!(public_key(&keys::k4552_e3().public.spki()), None);
    }

    #[test]
    fn a_client_key_is_split_from_the_right() {
        let made = Credentials::made(b"alice", "test");
        let key = String::from_utf8(made.client_key()).expect("is text");
        let read = Credentials::of_client_key(&key).expect("is a clientKey");
        assert_eq!((read.id, read.server_digest), (made.id, made.server_digest));
        assert!(Credentials::of_client_key("short").is_none());
    }
}
