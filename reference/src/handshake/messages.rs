//! M2 and the plaintexts P1 and P3, reader and writer side by side.
//!
//! ```text
//! M2:  SPKI_c (591..1062) | C1 (k)
//! P1:  len8(id) | id (1..255) | Pc (18) | t (8) | nonce (30)      58..312 octets
//! P3:  Ps (8) | K (48) | t' (8) | nonce (30)                      94 octets
//! ```

use super::{ChannelSecret, NonceRandom};
use crate::credentials::{Base62, ClientPassword, Id, ServerPassword};
use crate::crypto::{SPKI_MIN, ct_eq, sha256};
use crate::secret::{Secret, Zeroizing};
use crate::time::UnixTime;
use crate::wire::{DecodeError, Problem, Reader, Writer};

/// Writes M2 (HS-023).
pub(crate) fn encode_m2(spki: &[u8], c1: &[u8]) -> Vec<u8> {
    [spki, c1].concat()
}

/// Parts M2 into SPKI_c and C1, the last `k` octets.
pub(crate) fn decode_m2(m2: &[u8], k: usize) -> Result<(&[u8], &[u8]), DecodeError> {
    // spec: HS-028, HS-029
    match m2.len().checked_sub(k) {
        Some(spki_len) if spki_len >= SPKI_MIN => Ok(m2.split_at(spki_len)),
        _ => {
            let problem = Problem::Short { needed: SPKI_MIN + k, left: m2.len() };
            Err(DecodeError { field: "M2", offset: 0, problem, requirement: "HS-028" })
        }
    }
}

/// Checks the length of M3 under a client's modulus of `k` octets.
pub(crate) fn check_m3(m3: &[u8], k: usize) -> Result<(), DecodeError> {
    let problem = match m3.len() {
        len if len == k => return Ok(()),
        left if left < k => Problem::Short { needed: k, left },
        more => Problem::Trailing { left: more - k },
    };
    Err(DecodeError { field: "M3", offset: 0, problem, requirement: "HS-052" })
}

/// P1, what the client asks. Wiped on drop.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: Id,
    pub(crate) password: ClientPassword,
    pub(crate) time: UnixTime,
    pub(crate) nonce: Nonce,
}

impl Request {
    /// Writes P1 from its fields.
    pub(crate) fn encode(
        id: &Id,
        password: &ClientPassword,
        time: UnixTime,
        nonce: &Nonce,
    ) -> Zeroizing<Vec<u8>> {
        // spec: HS-024, CONV-001
        let [len, text] = id.with_length();
        Writer::new(len.len() + text.len() + 18 + 8 + 30)
            .put(len)
            .put(text)
            .put(password.0.expose())
            .u64(time.0)
            .put(&nonce.0)
            .finish()
    }

    /// Reads P1.
    pub(crate) fn decode(p1: &[u8]) -> Result<Self, DecodeError> {
        // spec: HS-033, CONV-007
        let mut reader = Reader::new(p1, "HS-033");
        let id = reader.len8("P1.id")?;
        let password_at = reader.offset();
        let password = reader.slice("P1.password", 18)?;
        let time = UnixTime(reader.u64("P1.time")?);
        let nonce = Nonce(*reader.array("P1.nonce")?);
        reader.finish("P1")?;
        // spec: HS-034
        let id = Id::decode(id).map_err(|fault| fault.at(1, "HS-034"))?;
        // spec: HS-035
        let password = Base62::decode("P1.password", password, "HS-035");
        let password = password.map_err(|fault| fault.at(password_at, "HS-035"))?;
        Ok(Self { id, password: ClientPassword(password), time, nonce })
    }
}

/// P3, what the server answers. Wiped on drop.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) password: ServerPassword,
    pub(crate) secret: ChannelSecret,
    pub(crate) time: UnixTime,
    pub(crate) nonce: Nonce,
}

impl Reply {
    /// Writes P3 from its fields.
    pub(crate) fn encode(
        password: &ServerPassword,
        secret: &ChannelSecret,
        time: UnixTime,
        nonce: &Nonce,
    ) -> Zeroizing<Vec<u8>> {
        // spec: HS-048, CONV-001
        Writer::new(94)
            .put(password.0.expose())
            .put(secret.0.expose())
            .u64(time.0)
            .put(&nonce.0)
            .finish()
    }

    /// Reads P3.
    pub(crate) fn decode(p3: &[u8]) -> Result<Self, DecodeError> {
        // spec: HS-054, CONV-007
        let mut reader = Reader::new(p3, "HS-054");
        let password = reader.slice("P3.password", 8)?;
        let secret = ChannelSecret(Secret::from(*reader.array("P3.K")?));
        let time = UnixTime(reader.u64("P3.time")?);
        let nonce = Nonce(*reader.array("P3.nonce")?);
        reader.finish("P3")?;
        // spec: HS-055
        let password = Base62::decode("P3.password", password, "HS-055")?;
        Ok(Self { password: ServerPassword(password), secret, time, nonce })
    }
}

/// `r (14) || binding (16)`: fresh, and tied to both RSA keys.
#[derive(Debug, Clone)]
pub(crate) struct Nonce([u8; 30]);

impl Nonce {
    /// Binds `r` to M1 and the client's SPKI.
    pub(crate) fn bind(r: &NonceRandom, m1: &[u8], spki: &[u8]) -> Self {
        // spec: HS-025
        let mut nonce = [0; 30];
        let (random, binding) = nonce.split_at_mut(14);
        random.copy_from_slice(r.0.expose());
        binding.copy_from_slice(&Self::binding(random, m1, spki));
        Self(nonce)
    }

    /// Whether the binding is that of the nonce's own r, this M1 and this SPKI.
    pub(crate) fn is_bound_to(&self, m1: &[u8], spki: &[u8]) -> bool {
        // spec: HS-036
        let (random, binding) = self.0.split_at(14);
        ct_eq(binding, &Self::binding(random, m1, spki))
    }

    /// The octets.
    #[cfg(feature = "hazmat")]
    pub(crate) fn octets(&self) -> [u8; 30] {
        self.0
    }

    /// Whether both are the same 30 octets.
    pub(crate) fn is(&self, other: &Self) -> bool {
        ct_eq(&self.0, &other.0)
    }

    fn binding(r: &[u8], m1: &[u8], spki: &[u8]) -> [u8; 16] {
        let keys = [sha256(&[m1]), sha256(&[spki])];
        let hash = sha256(&[b"secure-tunnel/v1 nonce", &[0], &keys[0], &keys[1], r]);
        let mut binding = [0; 16];
        binding.copy_from_slice(&hash[..16]);
        binding
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn p1() -> Vec<u8> {
        let (id, pc) = (Id::new(b"MyId").unwrap(), ClientPassword::parse(&[b'a'; 18]).unwrap());
        Request::encode(&id, &pc, UnixTime(u64::MAX), &Nonce([7; 30])).to_vec()
    }

    fn p3() -> Vec<u8> {
        let (ps, k) = (ServerPassword::parse(&[b'a'; 8]).unwrap(), ChannelSecret::from([7; 48]));
        Reply::encode(&ps, &k, UnixTime(5), &Nonce([8; 30])).to_vec()
    }

    #[test]
    fn every_other_length_is_malformed() {
        let (p1, p3) = (p1(), p3());
        assert!(Request::decode(&p1).is_ok() && Reply::decode(&p3).is_ok());
        for len in 0..p1.len() {
            assert_eq!(Request::decode(&p1[..len]).unwrap_err().requirement, "HS-033", "{len}");
        }
        for len in 0..p3.len() {
            assert_eq!(Reply::decode(&p3[..len]).unwrap_err().requirement, "HS-054", "{len}");
        }
        assert!(Request::decode(&[&p1[..], &[0]].concat()).is_err());
        assert!(Reply::decode(&[&p3[..], &[0]].concat()).is_err());
    }

    #[test]
    fn faults_name_the_field_and_its_place_in_the_plaintext() {
        let mut changed = p1();
        changed[3] = b'\n';
        let error = Request::decode(&changed).unwrap_err();
        assert_eq!((error.field, error.offset, error.requirement), ("id", 3, "HS-034"));
        let mut changed = p1();
        changed[5 + 17] = b'-';
        let error = Request::decode(&changed).unwrap_err();
        assert_eq!((error.field, error.offset, error.requirement), ("P1.password", 22, "HS-035"));
    }

    #[test]
    fn lengths_that_are_wrong_are_named() {
        let problem = |octets: usize| decode_m2(&vec![0; octets], 554).unwrap_err().problem;
        assert_eq!(problem(0), Problem::Short { needed: 591 + 554, left: 0 });
        assert_eq!(problem(591 + 553), Problem::Short { needed: 591 + 554, left: 591 + 553 });
        let problem = |octets: usize| check_m3(&vec![0; octets], 554).unwrap_err().problem;
        assert_eq!(problem(553), Problem::Short { needed: 554, left: 553 });
        assert_eq!(problem(557), Problem::Trailing { left: 3 });
        assert_eq!(check_m3(&[0; 554], 554), Ok(()));
    }

    #[test]
    fn the_nonce_depends_on_everything_it_binds() {
        let r = || NonceRandom::from([1; 14]);
        let nonce = Nonce::bind(&r(), b"m1", b"spki");
        assert!(nonce.is_bound_to(b"m1", b"spki"));
        assert!(!nonce.is_bound_to(b"m1", b"spkj"));
        assert!(!nonce.is_bound_to(b"m2", b"spki"));
        assert!(!nonce.is_bound_to(b"spki", b"m1"));
        assert!(!nonce.is_bound_to(b"m", b"1spki"), "the two are hashed apart");
        for at in 0..30 {
            let mut changed = nonce.clone();
            changed.0[at] ^= 1;
            assert!(!changed.is_bound_to(b"m1", b"spki"), "octet {at}");
            assert!(!changed.is(&nonce));
        }
    }

    /// P1 of arbitrary fields, some of them right.
    fn plaintext() -> impl Strategy<Value = Vec<u8>> {
        (
            prop_oneof!["[ -~\u{80}-\u{ff}]{1,20}", Just("MyId".into())],
            "[0-9A-Za-z]{17}[0-9A-Za-z-]",
            prop::collection::vec(any::<u8>(), 38),
        )
            .prop_map(|(id, password, rest)| {
                [&[id.len() as u8], id.as_bytes(), password.as_bytes(), &rest].concat()
            })
    }

    proptest! {
        #[test]
        fn requests_round_trip_and_the_reader_is_total(octets in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            plaintext(),
        ]) {
            if let Ok(Request { id, password, time, nonce }) = Request::decode(&octets) {
                prop_assert_eq!(&Request::encode(&id, &password, time, &nonce)[..], &octets[..]);
                prop_assert!((58..=312).contains(&octets.len()));
            }
        }

        #[test]
        fn replies_round_trip_and_the_reader_is_total(octets in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..120),
            prop::collection::vec(b'0'..=b'9', 94),
        ]) {
            if let Ok(Reply { password, secret, time, nonce }) = Reply::decode(&octets) {
                prop_assert_eq!(&Reply::encode(&password, &secret, time, &nonce)[..], &octets[..]);
                prop_assert_eq!(octets.len(), 94);
            }
        }

        #[test]
        fn m2_parts_are_the_whole(octets in prop::collection::vec(any::<u8>(), 0..2200), k in 554usize..1025) {
            match decode_m2(&octets, k) {
                Ok((spki, c1)) => {
                    prop_assert_eq!(c1.len(), k);
                    prop_assert!(spki.len() >= 591);
                    prop_assert_eq!(encode_m2(spki, c1), octets);
                }
                Err(error) => {
                    prop_assert!(octets.len() < 591 + k);
                    prop_assert_eq!(error.requirement, "HS-028");
                }
            }
        }
    }
}
