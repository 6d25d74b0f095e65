//! What a test harness needs and applications must not touch: parts of the protocol without the checks
//! around them, and secrets in the open. Behind feature `hazmat`.

use crate::channel::schedule::{Keys, Schedule, Transcript};
use crate::channel::{self, AwaitingOpen, Channel, Kind, Opener, Place, Role, Sealer};
use crate::credentials::{ClientPassword, Id, ServerKey};
use crate::crypto::{RsaPrivate, RsaPublic, hkdf_expand};
use crate::error::{ChannelError, HandshakeError};
use crate::handshake::messages::{self, Nonce};
use crate::handshake::{ChannelSecret, NonceRandom};
use crate::secret::Secret;

/// P1 in the open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The client's id.
    pub id: Id,
    /// Pc.
    pub client_password: [u8; 18],
    /// t, seconds since the Unix epoch.
    pub t: u64,
    /// The nonce, binding unchecked.
    pub nonce: [u8; 30],
}

/// P3 in the open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Ps.
    pub server_password: [u8; 8],
    /// K.
    pub k: [u8; 48],
    /// t', seconds since the Unix epoch.
    pub t: u64,
    /// The nonce.
    pub nonce: [u8; 30],
}

/// Reads M2 for a server whose modulus has `k` octets: the client's key and C1, k octets.
///
/// # Errors
/// `malformed`, `bad_key` (HS-028 to HS-031).
pub fn decode_m2(m2: &[u8], k: usize) -> Result<(RsaPublic, &[u8]), HandshakeError> {
    let malformed = |source| HandshakeError::Malformed { source };
    let (spki, c1) = messages::decode_m2(m2, k).map_err(malformed)?;
    let key = RsaPublic::from_spki(spki).map_err(|source| HandshakeError::BadKey { source })?;
    Ok((key, c1))
}

/// Reads P1, for its form only.
///
/// # Errors
/// `malformed` (HS-033 to HS-035).
pub fn decode_request(p1: &[u8]) -> Result<Request, HandshakeError> {
    let messages::Request { id, password, time, nonce } =
        messages::Request::decode(p1).map_err(|source| HandshakeError::Malformed { source })?;
    let client_password = *password.0.expose();
    Ok(Request { id, client_password, t: time.0, nonce: nonce.octets() })
}

/// Reads P3, for its form only.
///
/// # Errors
/// `malformed` (HS-054, HS-055).
pub fn decode_reply(p3: &[u8]) -> Result<Reply, HandshakeError> {
    let messages::Reply { password, secret, time, nonce } =
        messages::Reply::decode(p3).map_err(|source| HandshakeError::Malformed { source })?;
    let (server_password, k) = (*password.0.expose(), *secret.0.expose());
    Ok(Reply { server_password, k, t: time.0, nonce: nonce.octets() })
}

/// Whether `password` is that of client `id`, by what the server holds of it (HS-041).
#[must_use]
pub fn is_client_password(stored: &ServerKey, id: &Id, password: &ClientPassword) -> bool {
    stored.verify(id, password)
}

/// Whether two serverKeys hold the same digest, by the comparison of [`is_client_password`] alone (CRED-023).
#[must_use]
pub fn is_same_digest(a: &ServerKey, b: &ServerKey) -> bool {
    a.has_digest_of(b)
}

/// The nonce of `r`, bound to M1 and the client's SPKI (HS-025).
#[must_use]
pub fn nonce(m1: &[u8], spki: &[u8], r: NonceRandom) -> [u8; 30] {
    Nonce::bind(&r, m1, spki).octets()
}

/// RSAES-OAEP encryption with a given seed (HS-012).
///
/// # Errors
/// `bad_key` if the plaintext is longer than k - 42 octets.
pub fn oaep_encrypt(
    key: &RsaPublic,
    plaintext: &[u8],
    seed: &[u8; 20],
) -> Result<Vec<u8>, HandshakeError> {
    key.encrypt(plaintext, seed).map_err(|source| HandshakeError::BadKey { source })
}

/// RSAES-OAEP decryption (HS-014 to HS-017).
///
/// # Errors
/// `decrypt`.
pub fn oaep_decrypt(key: &RsaPrivate, ciphertext: &[u8]) -> Result<Vec<u8>, HandshakeError> {
    match key.decrypt(ciphertext) {
        Ok(plaintext) => Ok(plaintext.to_vec()),
        Err(_) => Err(HandshakeError::Decrypt { requirement: "HS-016" }),
    }
}

/// All values between a handshake and its channel, in the open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// Hash of the transcript (CHAN-001).
    pub th: [u8; 32],
    /// The pseudorandom key (CHAN-002).
    pub prk: [u8; 32],
    /// chain_0 of c2s (CHAN-003).
    pub c2s: [u8; 32],
    /// chain_0 of s2c (CHAN-003).
    pub s2c: [u8; 32],
    /// X (CHAN-039).
    pub exporter: [u8; 32],
}

/// Derives from M1, M2 and M3 of a handshake, from E if the tunnel is bound to TLS (TLS-083), and from K.
#[must_use]
pub fn derive(messages: [&[u8]; 3], binding: Option<&[u8; 32]>, k: ChannelSecret) -> Derived {
    let transcript = Transcript { messages, binding };
    let Schedule { th, prk, c2s, s2c, exporter } = Schedule::new(transcript, k.0);
    Derived {
        th,
        prk: *prk.expose(),
        c2s: *c2s.expose(),
        s2c: *s2c.expose(),
        exporter: *exporter.expose(),
    }
}

/// key_g, iv_g and chain_{g+1} of chain_g (CHAN-005, CHAN-006).
#[must_use]
pub fn generation(chain: [u8; 32]) -> ([u8; 32], [u8; 12], [u8; 32]) {
    let Keys { key, iv, next } = Keys::derive(chain.into());
    (*key.expose(), *iv.expose(), *next.expose())
}

/// The type octet and payload of a record that opened.
pub type Plain = (u8, Vec<u8>);

/// Seals one record of `kind` (0x00 data, 0x01 close, 0x02 open) under number `n`, whose generation has
/// the chain key `chain`.
///
/// # Errors
/// `unknown_type`, `payload_too_long`, `control_payload`.
pub fn seal(chain: [u8; 32], n: u64, kind: u8, payload: &[u8]) -> Result<Vec<u8>, ChannelError> {
    let kind = Kind::from_octet(kind).ok_or(ChannelError::UnknownType { found: kind })?;
    if kind != Kind::Data && !payload.is_empty() {
        return Err(ChannelError::ControlPayload { found: payload.len() });
    }
    let mut record = Vec::new();
    sealer_at(chain, n).append(kind, payload, &mut record)?;
    Ok(record)
}

/// Opens one record of number `n`, of the direction c2s or else s2c.
///
/// # Errors
/// Those of a record that is refused.
pub fn open(chain: [u8; 32], n: u64, c2s: bool, record: &mut [u8]) -> Result<Plain, ChannelError> {
    let place = if c2s && n == 0 { Place::First } else { Place::Later };
    let mut opener = opener_at(chain, n);
    let (kind, payload) = opener.take(record, place)?;
    Ok((kind.octet(), payload.to_vec()))
}

/// A sealer before record `n`, whose generation has the chain key `chain`.
#[must_use]
pub fn sealer_at(chain: [u8; 32], n: u64) -> Sealer {
    channel::sealer_at(chain.into(), n)
}

/// An opener before record `n`, whose generation has the chain key `chain`.
#[must_use]
pub fn opener_at(chain: [u8; 32], n: u64) -> Opener {
    channel::opener_at(chain.into(), n)
}

/// A direction somewhere: the chain key of the generation, and the number of the next record.
pub type At = ([u8; 32], u64);

/// An established channel somewhere: the client's or else the server's.
#[must_use]
pub fn channel_at(client: bool, prk: &[u8; 32], c2s: At, s2c: At) -> Channel {
    let schedule = Schedule {
        th: [0; 32],
        prk: Secret::from(*prk),
        c2s: Secret::from(c2s.0),
        s2c: Secret::from(s2c.0),
        exporter: hkdf_expand(prk, &[b"secure-tunnel/v1 exporter"]),
    };
    match client {
        true => Channel::new(Role::Client, schedule, c2s.1, s2c.1),
        false => Channel::new(Role::Server, schedule, s2c.1, c2s.1),
    }
}

/// The client's channel after a handshake, and its open record.
///
/// # Errors
/// None that can be provoked.
pub fn client_channel(
    m1: &[u8],
    m2: &[u8],
    m3: &[u8],
    k: ChannelSecret,
) -> Result<(Channel, Vec<u8>), ChannelError> {
    Channel::client(Schedule::new(Transcript { messages: [m1, m2, m3], binding: None }, k.0))
}

/// The server's channel after M3, before the open record.
pub struct ServerAwaitingOpen(AwaitingOpen);

impl ServerAwaitingOpen {
    /// Derives from the messages of a handshake and K.
    #[must_use]
    pub fn new(m1: &[u8], m2: &[u8], m3: &[u8], k: ChannelSecret) -> Self {
        let transcript = Transcript { messages: [m1, m2, m3], binding: None };
        Self(AwaitingOpen::new(Schedule::new(transcript, k.0)))
    }

    /// Takes the client's record 0.
    ///
    /// # Errors
    /// Those of a record that is not open.
    pub fn receive(self, record: &mut [u8]) -> Result<Channel, ChannelError> {
        self.0.receive(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Opened;
    use crate::error::Diagnostic;

    fn k() -> ChannelSecret {
        ChannelSecret::from([3; 48])
    }

    #[test]
    fn plaintexts_in_the_open() {
        let nonce = [7; 30];
        let p1 = [&b"\x02id"[..], &[b'p'; 18], &5u64.to_be_bytes(), &nonce].concat();
        let request = decode_request(&p1).unwrap();
        assert_eq!((request.id.as_str(), request.client_password), ("id", [b'p'; 18]));
        assert_eq!((request.t, request.nonce), (5, nonce));
        assert_eq!(decode_request(&p1[1..]).unwrap_err().code(), "malformed");
        let p3 = [&[b'p'; 8][..], &[3; 48], &6u64.to_be_bytes(), &nonce].concat();
        let expected = Reply { server_password: [b'p'; 8], k: [3; 48], t: 6, nonce };
        assert_eq!(decode_reply(&p3).unwrap(), expected);
        assert_eq!(decode_reply(&p3[1..]).unwrap_err().code(), "malformed");
        let bound = super::nonce(b"m1", b"spki", NonceRandom::from([1; 14]));
        assert_eq!(bound[..14], [1; 14]);
    }

    #[test]
    fn passwords_are_checked_as_the_server_does() {
        let id = Id::new(b"id").unwrap();
        let password = |octets: &[u8]| ClientPassword::parse(octets).unwrap();
        let server = crate::credentials::ServerPassword::parse(b"l234567B").unwrap();
        let (_, stored) = crate::credentials::create(&id, password(b"aBcDeFghIjK1mN0P9R"), server);
        assert!(is_client_password(&stored, &id, &password(b"aBcDeFghIjK1mN0P9R")));
        assert!(!is_client_password(&stored, &id, &password(b"aBcDeFghIjK1mN0P9S")));
        let mut other = stored.expose().to_vec();
        assert!(is_same_digest(&stored, &ServerKey::parse(&other).unwrap()));
        other[25] = if other[25] == b'a' { b'b' } else { b'a' };
        assert!(!is_same_digest(&stored, &ServerKey::parse(&other).unwrap()));
    }

    #[test]
    fn m2_in_the_open() {
        let pem = include_str!("../../vectors/keys/test-rsa-4480-a.pem");
        let key = RsaPrivate::from_pkcs8(&pem_rfc7468::decode_vec(pem.as_bytes()).unwrap().1);
        let spki = key.unwrap().public().spki().to_vec();
        let m2 = [&spki[..], &[7; 554]].concat();
        let (key, c1) = decode_m2(&m2, 554).unwrap();
        assert_eq!((key.spki(), c1), (&spki[..], &[7; 554][..]));
        assert_eq!(decode_m2(&m2, 555).unwrap_err().code(), "bad_key");
        assert_eq!(decode_m2(&m2[..591], 554).unwrap_err().code(), "malformed");
    }

    #[test]
    fn oaep_both_ways() {
        let pem = include_str!("../../vectors/keys/test-rsa-4480-a.pem");
        let key = RsaPrivate::from_pkcs8(&pem_rfc7468::decode_vec(pem.as_bytes()).unwrap().1);
        let key = key.unwrap();
        let mut ciphertext = oaep_encrypt(key.public(), b"plaintext", &[9; 20]).unwrap();
        assert_eq!(oaep_decrypt(&key, &ciphertext).unwrap(), b"plaintext");
        ciphertext[100] ^= 1;
        assert_eq!(oaep_decrypt(&key, &ciphertext).unwrap_err().code(), "decrypt");
        assert!(oaep_encrypt(key.public(), &[0; 519], &[9; 20]).is_err());
    }

    #[test]
    fn parts_are_those_of_a_whole_channel() {
        let Derived { prk, c2s, s2c, .. } = derive([b"1", b"2", b"3"], None, k());
        let (mut client, mut open_record) = client_channel(b"1", b"2", b"3", k()).unwrap();
        assert_eq!(seal(c2s, 0, 0x02, b"").unwrap(), open_record);
        assert_eq!(open(c2s, 0, true, &mut open_record.clone()).unwrap(), (0x02, vec![]));
        assert_eq!(
            open(c2s, 0, false, &mut open_record.clone()).unwrap_err().code(),
            "unexpected_open"
        );
        let server = ServerAwaitingOpen::new(b"1", b"2", b"3", k());
        let mut server = server.receive(&mut open_record).unwrap();

        let (mut by_whole, mut theirs, mut ours) = (Vec::new(), [0; 9], [1; 9]);
        client.seal(b"x", &mut by_whole).unwrap();
        assert_eq!(seal(c2s, 1, 0x00, b"x").unwrap(), by_whole);
        let mut at = channel_at(false, &prk, (c2s, 1), (s2c, 0));
        assert_eq!(at.open(&mut by_whole.clone()).unwrap(), Opened::Data(b"x"));
        assert_eq!(server.open(&mut by_whole).unwrap(), Opened::Data(b"x"));
        at.export(b"l", b"c", &mut ours).unwrap();
        server.export(b"l", b"c", &mut theirs).unwrap();
        assert_eq!(ours, theirs);
        let mut record = Vec::new();
        at.seal(b"y", &mut record).unwrap();
        assert_eq!(client.open(&mut record).unwrap(), Opened::Data(b"y"));
    }

    #[test]
    fn records_of_later_generations_have_their_own_chain() {
        let chain = [5; 32];
        let (_, _, next) = generation(chain);
        let mut sealer = sealer_at(chain, 65_535);
        let mut opener = opener_at(chain, 65_535);
        for n in [65_535, 65_536] {
            let mut record = Vec::new();
            sealer.seal(b"z", &mut record).unwrap();
            let of = if n == 65_535 { chain } else { next };
            assert_eq!(seal(of, n, 0x00, b"z").unwrap(), record, "{n}");
            assert_eq!(opener.open(&mut record).unwrap(), Opened::Data(b"z"));
        }
        assert_eq!(seal(chain, 0, 0x03, b"").unwrap_err().code(), "unknown_type");
        assert_eq!(seal(chain, 0, 0x01, b"x").unwrap_err().code(), "control_payload");
    }
}
