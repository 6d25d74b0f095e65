//! From the transcript and K to the keys of every record.
//!
//! ```text
//! M1, M2, M3 (and E) --SHA-256--> th, salt of HKDF-Extract(K) --> PRK --> chain_0 of c2s | chain_0 of s2c | X
//!
//! chain_g --"key"--> key_g (32) || iv_g (12)
//!         --"next"-> chain_{g+1}
//! ```

use crate::crypto::{Aead, hkdf_expand, hkdf_extract, sha256};
use crate::secret::Secret;

/// Records under one key.
pub(crate) const GENERATION: u64 = 65_536;

/// What both parties derive from one handshake.
#[cfg_attr(not(feature = "hazmat"), allow(dead_code))] // only `hazmat` looks at th and PRK
pub(crate) struct Schedule {
    /// Hash of the transcript.
    pub(crate) th: [u8; 32],
    /// The pseudorandom key; gone as soon as the channel is built.
    pub(crate) prk: Secret<32>,
    /// First chain key from client to server.
    pub(crate) c2s: Secret<32>,
    /// First chain key from server to client.
    pub(crate) s2c: Secret<32>,
    /// Key of the exporter.
    pub(crate) exporter: Secret<32>,
}

impl Schedule {
    /// Derives from the transcript and from K. Takes K, so that it is erased here.
    pub(crate) fn new(transcript: Transcript<'_>, k: Secret<48>) -> Self {
        let th = transcript.hash();
        // spec: CHAN-002
        let prk = hkdf_extract(&th, k.expose());
        // spec: CHAN-003, CHAN-004 (K now, PRK with this value)
        let c2s = hkdf_expand(prk.expose(), &[b"secure-tunnel/v1 c2s"]);
        let s2c = hkdf_expand(prk.expose(), &[b"secure-tunnel/v1 s2c"]);
        // spec: CHAN-039
        let exporter = hkdf_expand(prk.expose(), &[b"secure-tunnel/v1 exporter"]);
        Self { th, prk, c2s, s2c, exporter }
    }
}

/// What both parties have seen of one handshake.
#[derive(Clone, Copy)]
pub(crate) struct Transcript<'a> {
    /// M1, M2 and M3 as they were sent.
    pub(crate) messages: [&'a [u8]; 3],
    /// E, under the policy `tls-exporter`.
    pub(crate) binding: Option<&'a [u8; 32]>,
}

impl Transcript<'_> {
    fn hash(&self) -> [u8; 32] {
        let [m1, m2, m3] = self.messages;
        let messages = [&len32(m1)[..], m1, &len32(m2), m2, &len32(m3), m3];
        match self.binding {
            // spec: CHAN-001
            None => sha256(&messages),
            // spec: TLS-083
            Some(e) => sha256(&[&messages[..], &[&len32(e), e]].concat()),
        }
    }
}

/// `len32(x)`. A handshake message has at most 4,096 octets, so nothing is cut off.
fn len32(message: &[u8]) -> [u8; 4] {
    u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// The secrets of one generation, spelled out.
pub(crate) struct Keys {
    /// AES-256 key.
    pub(crate) key: Secret<32>,
    /// What record numbers are XORed into.
    pub(crate) iv: Secret<12>,
    /// chain_{g+1}.
    pub(crate) next: Secret<32>,
}

impl Keys {
    /// Derives generation g from chain_g, which it takes and erases.
    pub(crate) fn derive(chain: Secret<32>) -> Self {
        // spec: CHAN-005
        let both: Secret<44> = hkdf_expand(chain.expose(), &[b"key"]);
        let (key, iv) = both.expose().split_at(32);
        Self {
            key: Secret::filled(|out| out.copy_from_slice(key)),
            iv: Secret::filled(|out| out.copy_from_slice(iv)),
            // spec: CHAN-006
            next: hkdf_expand(chain.expose(), &[b"next"]),
        }
        // spec: CHAN-009 (`chain` is wiped here)
    }
}

/// One direction's place in its sequence of records.
pub(crate) struct Direction {
    /// Number of the next record.
    number: u64,
    /// Keys of generation `number / 65536`; `None` once record 2^64 - 1 has been used.
    generation: Option<Generation>,
}

struct Generation {
    aead: Aead,
    iv: Secret<12>,
    /// Chain key of the generation after this one; this one's is erased already.
    next: Secret<32>,
}

impl Generation {
    fn new(chain: Secret<32>) -> Self {
        let Keys { key, iv, next } = Keys::derive(chain);
        Self { aead: Aead::new(key.expose()), iv, next }
    }
}

impl Direction {
    /// The place before record `number`, whose generation has the chain key `chain`.
    pub(crate) fn new(chain: Secret<32>, number: u64) -> Self {
        Self { number, generation: Some(Generation::new(chain)) }
    }

    /// Number of the next record.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Cipher and nonce of the next record, or `None` past record 2^64 - 1.
    pub(crate) fn next(&self) -> Option<(&Aead, [u8; 12])> {
        let generation = self.generation.as_ref()?;
        // spec: CHAN-011
        let mut nonce = *generation.iv.expose();
        for (octet, n) in nonce[4..].iter_mut().zip(self.number.to_be_bytes()) {
            *octet ^= n;
        }
        Some((&generation.aead, nonce))
    }

    /// Moves past the record that was just sealed or opened.
    pub(crate) fn advance(&mut self) {
        // spec: CHAN-014, CHAN-015
        let Some(number) = self.number.checked_add(1) else {
            self.generation = None;
            return;
        };
        self.number = number;
        // spec: CHAN-007, CHAN-008 (the old key, IV and chain key are wiped by the assignment)
        if number % GENERATION == 0
            && let Some(old) = self.generation.take()
        {
            self.generation = Some(Generation::new(old.next));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Secret<32> {
        Secret::from([7; 32])
    }

    #[test]
    fn a_generation_ends_with_record_65535_and_not_before() {
        let mut direction = Direction::new(chain(), 65_534);
        let next_of = |direction: &Direction| *direction.generation.as_ref().unwrap().next.expose();
        let chain_1 = *Keys::derive(chain()).next.expose();
        let chain_2 = *Keys::derive(Secret::from(chain_1)).next.expose();

        direction.advance(); // past 65,534
        assert_eq!((direction.number, next_of(&direction)), (65_535, chain_1));
        direction.advance(); // past 65,535: generation 1 exists before record 65,536 does
        assert_eq!((direction.number, next_of(&direction)), (65_536, chain_2));
        direction.advance();
        assert_eq!((direction.number, next_of(&direction)), (65_537, chain_2));
    }

    #[test]
    fn the_whole_number_goes_into_the_nonce() {
        let iv = *Keys::derive(chain()).iv.expose();
        for number in [0, 1, 0x0102_0304_0506_0708, u64::MAX] {
            let (_, nonce) = Direction::new(chain(), number).next().map(|(_, n)| ((), n)).unwrap();
            assert_eq!(nonce[..4], iv[..4]);
            let low: Vec<u8> = nonce[4..].iter().zip(&iv[4..]).map(|(a, b)| a ^ b).collect();
            assert_eq!(low, number.to_be_bytes());
        }
    }

    #[test]
    fn the_last_number_is_usable_and_nothing_follows_it() {
        let mut direction = Direction::new(chain(), u64::MAX);
        assert!(direction.next().is_some());
        direction.advance();
        assert!(direction.next().is_none());
        direction.advance();
        assert!(direction.next().is_none());
    }

    #[test]
    fn the_transcript_hash_tells_where_each_message_ends() {
        let of = |m1: &[u8], m2: &[u8], m3: &[u8]| {
            let transcript = Transcript { messages: [m1, m2, m3], binding: None };
            *Schedule::new(transcript, Secret::from([1; 48])).c2s.expose()
        };
        assert_ne!(of(b"ab", b"c", b"d"), of(b"a", b"bc", b"d"));
        assert_ne!(of(b"a", b"bc", b"d"), of(b"a", b"b", b"cd"));
        assert_eq!(of(b"a", b"b", b"c"), of(b"a", b"b", b"c"));
    }
}
