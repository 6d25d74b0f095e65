//! RSAES-OAEP (RFC 8017, section 7.1) with SHA-1, MGF1 with SHA-1 and the empty label, and its keys.

use core::convert::Infallible;
use core::fmt;

use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::{CryptoRng, TryCryptoRng, TryRng};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Oaep, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;

use super::spki;
use crate::secret::Zeroizing;
use crate::wire::{DecodeError, Problem};

/// Bits of the modulus of a new key (HS-002).
pub(crate) const NEW_KEY_BITS: usize = 4552;

const EXPONENT: u64 = 65537;

/// An RSA public key that the specification accepts: odd modulus, 4425..=8192 bits, exponent 65537.
#[derive(Clone)]
pub struct RsaPublic {
    spki: Vec<u8>,
    n: BoxedUint,
}

impl RsaPublic {
    /// Reads a DER SubjectPublicKeyInfo, 591..=1062 octets.
    ///
    /// # Errors
    /// If the octets are not *the* encoding of an acceptable key (HS-003 to HS-011).
    pub fn from_spki(spki: &[u8]) -> Result<Self, DecodeError> {
        // spec: HS-001, HS-003, HS-004
        let n = BoxedUint::from_be_slice_vartime(spki::modulus(spki)?);
        Ok(Self { spki: spki.to_vec(), n })
    }

    /// The DER SubjectPublicKeyInfo, 591..=1062 octets.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of the SPKI, 32 octets: what a client is given to pin a server's key (HS-020).
    #[must_use]
    pub fn pin(&self) -> [u8; 32] {
        super::sha256(&[&self.spki])
    }

    /// Bits of the modulus, 4425..=8192.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.n.bits_vartime()
    }

    /// Octets of the modulus and of a ciphertext (k), 554..=1024.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    /// RSAES-OAEP-ENCRYPT with the given seed: the same input gives the same ciphertext, k octets.
    ///
    /// An error means that the plaintext, of at most k - 42 octets, does not fit; P1 and P3 always do.
    pub(crate) fn encrypt(
        &self,
        plaintext: &[u8],
        seed: &[u8; 20],
    ) -> Result<Vec<u8>, DecodeError> {
        // spec: HS-012
        let mut rng = SeedOnce { seed, draws: Draws::None };
        // Only here, since its Montgomery parameters take longer than all of `from_spki`.
        let ciphertext = RsaPublicKey::new(self.n.clone(), BoxedUint::from(EXPONENT))
            .and_then(|key| key.encrypt(&mut rng, Oaep::<Sha1>::new(), plaintext));
        match (ciphertext, rng.draws) {
            (Ok(ciphertext), Draws::Seed) => Ok(ciphertext),
            _ => Err(DecodeError {
                field: "SPKI",
                offset: 0,
                problem: Problem::Invalid("a modulus that the plaintext fits"),
                requirement: "HS-005",
            }),
        }
    }
}

impl fmt::Debug for RsaPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublic({} bits)", self.bits())
    }
}

/// An RSA private key with its public key. Wiped on drop, as far as the libraries wipe it; never shown.
///
/// It can be used for handshakes and nothing else, and not be written out again.
// spec: HS-076, HS-077
pub struct RsaPrivate {
    public: RsaPublic,
    key: RsaPrivateKey,
    accelerated: accelerated::Key,
}

/// The ciphertext does not open. One value for all reasons (HS-017).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DecryptError;

impl RsaPrivate {
    /// Reads a PKCS#8 DER private key with two primes of about equal size.
    ///
    /// # Errors
    /// If it is not one, or its public key is not one that peers accept (HS-001, HS-005, HS-006).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, DecodeError> {
        Self::new(RsaPrivateKey::from_pkcs8_der(der).map_err(|_| NOT_A_PRIVATE_KEY)?)
    }

    /// Makes a key pair of `bits` with exponent 65537.
    pub(crate) fn generate(rng: &mut impl CryptoRng, bits: usize) -> Result<Self, DecodeError> {
        Self::new(RsaPrivateKey::new(rng, bits).map_err(|_| NOT_A_PRIVATE_KEY)?)
    }

    fn new(key: RsaPrivateKey) -> Result<Self, DecodeError> {
        // spec: HS-001
        if *key.e() != BoxedUint::from(EXPONENT) {
            return Err(DecodeError {
                field: "private key",
                offset: 0,
                problem: Problem::Invalid("the exponent 65537"),
                requirement: "HS-001",
            });
        }
        let n = key.n().to_be_bytes();
        let leading = n.iter().take_while(|octet| **octet == 0).count();
        let public = RsaPublic::from_spki(&spki::encode(&n[leading..]))?;
        let accelerated = accelerated::Key::new(&key);
        Ok(Self { public, key, accelerated })
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> &RsaPublic {
        &self.public
    }

    /// RSAES-OAEP-DECRYPT of exactly k octets.
    pub(crate) fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        // spec: HS-014
        if ciphertext.len() != self.public.size() {
            return Err(DecryptError);
        }
        // spec: HS-015, HS-016, HS-017
        if let Some(opened) = self.accelerated.decrypt(ciphertext) {
            return opened;
        }
        let plaintext = self.key.decrypt(Oaep::<Sha1>::new(), ciphertext);
        plaintext.map(Zeroizing::new).map_err(|_| DecryptError)
    }
}

impl fmt::Debug for RsaPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPrivate({} bits)", self.public.bits())
    }
}

const NOT_A_PRIVATE_KEY: DecodeError = DecodeError {
    field: "private key",
    offset: 0,
    problem: Problem::Invalid("an RSA private key of two primes in PKCS#8 DER"),
    requirement: "HS-001",
};

/// A generator that gives `seed` to the one draw of 20 octets that OAEP makes, and tells if it was so.
struct SeedOnce<'a> {
    seed: &'a [u8; 20],
    draws: Draws,
}

#[derive(Clone, Copy)]
enum Draws {
    None,
    Seed,
    Other,
}

impl TryRng for SeedOnce<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.draws = Draws::Other;
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.draws = Draws::Other;
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.draws = match (self.draws, out.len()) {
            (Draws::None, 20) => {
                out.copy_from_slice(self.seed);
                Draws::Seed
            }
            _ => Draws::Other,
        };
        Ok(())
    }
}

impl TryCryptoRng for SeedOnce<'_> {}

#[cfg(not(feature = "aws-lc"))]
mod accelerated {
    //! No second stack: `decrypt` always leaves it to the `rsa` crate.

    pub(super) struct Key;

    impl Key {
        pub(super) fn new(_: &rsa::RsaPrivateKey) -> Self {
            Self
        }

        pub(super) fn decrypt(
            &self,
            _: &[u8],
        ) -> Option<Result<crate::secret::Zeroizing<Vec<u8>>, super::DecryptError>> {
            None
        }
    }
}

#[cfg(feature = "aws-lc")]
#[cfg_attr(false, mutants::skip)] // scripts/mutants builds without the feature
mod accelerated {
    //! The private operation by aws-lc-rs. `None` where it refuses the key, so that the `rsa` crate takes
    //! over; seen with none of 4425, 4432, 4480, 4552 and 8192 bits.

    use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};
    use rsa::pkcs8::EncodePrivateKey;

    use super::DecryptError;
    use crate::secret::Zeroizing;

    pub(super) struct Key(Option<OaepPrivateDecryptingKey>);

    impl Key {
        pub(super) fn new(key: &rsa::RsaPrivateKey) -> Self {
            let key = key.to_pkcs8_der().ok();
            let key = key.and_then(|der| PrivateDecryptingKey::from_pkcs8(der.as_bytes()).ok());
            Self(key.and_then(|key| OaepPrivateDecryptingKey::new(key).ok()))
        }

        pub(super) fn decrypt(
            &self,
            ciphertext: &[u8],
        ) -> Option<Result<Zeroizing<Vec<u8>>, DecryptError>> {
            let key = self.0.as_ref()?;
            let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
            let len = key
                .decrypt(&OAEP_SHA1_MGF1SHA1, ciphertext, &mut out, None)
                .map(|plaintext| plaintext.len());
            Some(len.map_err(|_| DecryptError).map(|len| {
                out.truncate(len);
                out
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(pem: &str) -> Result<RsaPrivate, DecodeError> {
        RsaPrivate::from_pkcs8(&pem_rfc7468::decode_vec(pem.as_bytes()).unwrap().1)
    }

    const KEYS: [(u32, &str); 5] = [
        (4425, include_str!("../../../vectors/keys/test-rsa-4425.pem")),
        (4432, include_str!("../../../vectors/keys/test-rsa-4432.pem")),
        (4480, include_str!("../../../vectors/keys/test-rsa-4480-a.pem")),
        (4552, include_str!("../../../vectors/keys/test-rsa-4552-a.pem")),
        (8192, include_str!("../../../vectors/keys/test-rsa-8192.pem")),
    ];

    #[test]
    fn every_size_round_trips_up_to_the_longest_plaintext() {
        for (bits, pem) in KEYS {
            let key = key(pem).unwrap();
            assert_eq!(key.public().bits(), bits);
            assert_eq!(RsaPublic::from_spki(key.public().spki()).unwrap().bits(), bits);
            let longest = key.public().size() - 42;
            for len in [0, 1, longest] {
                let plaintext = vec![0xa5; len];
                let ciphertext = key.public().encrypt(&plaintext, &[9; 20]).unwrap();
                assert_eq!(*key.decrypt(&ciphertext).unwrap(), plaintext, "{bits} bits, {len}");
            }
            assert!(key.public().encrypt(&vec![0; longest + 1], &[9; 20]).is_err());
        }
    }

    #[test]
    fn the_pin_is_what_openssl_and_sha256sum_make_of_the_key() {
        // openssl pkey -in test-rsa-4480-a.pem -pubout -outform DER | sha256sum
        let expected = "1c8b0cc5db6b793b03b2d0ffd6d8ef1385c74a49617e64fcd23c0a938bb6e8f4";
        assert_eq!(hex::encode(key(KEYS[2].1).unwrap().public().pin()), expected);
    }

    #[test]
    fn keys_that_peers_refuse_are_refused() {
        let refused = |pem| key(pem).unwrap_err().requirement;
        let of = [
            include_str!("../../../vectors/keys/test-rsa-4424-too-short.pem"),
            include_str!("../../../vectors/keys/test-rsa-4552-e3.pem"),
        ];
        assert_eq!(refused(of[0]), "HS-005");
        assert_eq!(refused(of[1]), "HS-001");
        // The library's own limit comes first here.
        assert!(key(include_str!("../../../vectors/keys/test-rsa-8193-too-long.pem")).is_err());
        assert!(RsaPrivate::from_pkcs8(b"").is_err());
    }

    #[test]
    fn the_same_seed_gives_the_same_ciphertext() {
        let key = key(KEYS[3].1).unwrap();
        let of = |seed: u8| key.public().encrypt(b"plaintext", &[seed; 20]).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    /// Other libraries accept a ciphertext without its leading zero octet.
    #[test]
    fn a_stripped_leading_zero_is_refused() {
        let key = key(KEYS[0].1).unwrap(); // the first octet of n is 1, so that every other C begins with 0
        let of = |seed: u8| key.public().encrypt(b"plaintext", &[seed; 20]).unwrap();
        let ciphertext = (0..).map(of).find(|c| c[0] == 0).unwrap();
        assert!(key.decrypt(&ciphertext).is_ok());
        assert_eq!(key.decrypt(&ciphertext[1..]), Err(DecryptError));
        assert_eq!(key.decrypt(&[&[0], &ciphertext[..]].concat()), Err(DecryptError));
        assert_eq!(key.decrypt(&[]), Err(DecryptError));
    }

    /// The modulus and all ones are out of range; 0 is in range, without a padding in it.
    #[test]
    fn values_from_the_modulus_on_are_refused() {
        for (_, pem) in KEYS {
            let key = key(pem).unwrap();
            let size = key.public().size();
            let n = spki::modulus(key.public().spki()).unwrap();
            for ciphertext in [n, &vec![0xff; size], &vec![0; size]] {
                assert_eq!(key.decrypt(ciphertext), Err(DecryptError));
            }
        }
    }

    #[test]
    fn any_other_draw_than_the_seed_is_noticed() {
        let drawn = |draw: fn(&mut SeedOnce<'_>)| {
            let mut rng = SeedOnce { seed: &[7; 20], draws: Draws::None };
            draw(&mut rng);
            matches!(rng.draws, Draws::Seed)
        };
        assert!(drawn(|rng| rng.try_fill_bytes(&mut [0; 20]).unwrap_or(())));
        assert!(!drawn(|_| ()));
        assert!(!drawn(|rng| rng.try_fill_bytes(&mut [0; 19]).unwrap_or(())));
        assert!(!drawn(|rng| {
            for _ in 0..2 {
                rng.try_fill_bytes(&mut [0; 20]).unwrap_or(());
            }
        }));
        // Also after a right one.
        assert!(!drawn(|rng| {
            assert_eq!(rng.try_fill_bytes(&mut [0; 20]), Ok(()));
            assert_eq!(rng.try_next_u32(), Ok(0));
        }));
        assert!(!drawn(|rng| {
            assert_eq!(rng.try_fill_bytes(&mut [0; 20]), Ok(()));
            assert_eq!(rng.try_next_u64(), Ok(0));
        }));
    }

    #[cfg(feature = "aws-lc")]
    #[test]
    fn aws_lc_takes_every_size() {
        for (bits, pem) in KEYS {
            let key = key(pem).unwrap();
            let ciphertext = key.public().encrypt(b"plaintext", &[9; 20]).unwrap();
            assert!(key.accelerated.decrypt(&ciphertext).is_some(), "{bits} bits");
        }
    }

    #[test]
    fn debug_tells_the_size_only() {
        let key = key(KEYS[3].1).unwrap();
        let shown = format!("{key:?} {:?}", key.public());
        assert_eq!(shown, "RsaPrivate(4552 bits) RsaPublic(4552 bits)");
    }
}
