//! Fresh secrets from the operating system's cryptographic generator. The only module that draws any;
//! the rest of the crate takes them as arguments.

use core::fmt;

use crate::credentials::{self, Base62, ClientKey, ClientPassword, Id, ServerKey, ServerPassword};
use crate::crypto::{NEW_KEY_BITS, RsaPrivate, UnwrapErr};
use crate::handshake::{ChannelSecret, NonceRandom, OaepSeed, client, server};
use crate::secret::{Secret, Zeroizing};

/// The operating system's generator gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeneratorFailed;

impl fmt::Display for GeneratorFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system's random generator failed")
    }
}

impl core::error::Error for GeneratorFailed {}

/// New credential strings for `id`.
///
/// # Errors
/// [`GeneratorFailed`].
pub fn credentials(id: &Id) -> Result<(ClientKey, ServerKey), GeneratorFailed> {
    // spec: CRED-009
    let client_password = ClientPassword(digits(system)?);
    let server_password = ServerPassword(digits(system)?);
    Ok(credentials::create(id, client_password, server_password))
}

/// A new RSA key pair of 4552 bits. Takes seconds.
///
/// # Errors
/// [`GeneratorFailed`].
///
/// # Panics
/// If the operating system's generator works at first and fails while the primes are being found.
pub fn rsa_keypair() -> Result<RsaPrivate, GeneratorFailed> {
    // spec: HS-002
    system(&mut [0; 1])?;
    RsaPrivate::generate(&mut UnwrapErr(getrandom::SysRng), NEW_KEY_BITS)
        .map_err(|_| GeneratorFailed)
}

/// All that a client draws for one connection. `keypair` may have been made ahead of time for it.
///
/// # Errors
/// [`GeneratorFailed`].
pub fn client(keypair: RsaPrivate) -> Result<client::Fresh, GeneratorFailed> {
    // spec: HS-013, HS-026
    Ok(client::Fresh { keypair, r: NonceRandom(octets()?), seed: OaepSeed(octets()?) })
}

/// All that a server draws for one connection.
///
/// # Errors
/// [`GeneratorFailed`].
pub fn server() -> Result<server::Fresh, GeneratorFailed> {
    // spec: HS-013, HS-049
    Ok(server::Fresh { secret: ChannelSecret(octets()?), seed: OaepSeed(octets()?) })
}

fn system(out: &mut [u8]) -> Result<(), GeneratorFailed> {
    getrandom::fill(out).map_err(|_| GeneratorFailed)
}

fn octets<const N: usize>() -> Result<Secret<N>, GeneratorFailed> {
    let mut secret = Secret::from([0; N]);
    system(secret.expose_mut())?;
    Ok(secret)
}

/// `N` digits, each uniform over the 62, from whatever `fill` gives.
fn digits<const N: usize, E>(
    mut fill: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<Base62<N>, E> {
    // spec: CRED-008; 6 bits, drawn again if they are 62 or 63
    let mut octet = Zeroizing::new([0; 1]);
    Base62::try_from_values(|| {
        loop {
            fill(octet.as_mut())?;
            let value = octet[0] & 0x3f;
            if value < 62 {
                return Ok(value);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    /// Chi-square over the digits at every place of 20,000 passwords, with a fixed seed.
    #[test]
    fn digits_are_uniform_at_every_place() {
        let mut rng = ChaCha20Rng::seed_from_u64(62);
        let mut counts = [[0u32; 128]; 18];
        const DRAWS: u32 = 20_000;
        for _ in 0..DRAWS {
            let password = digits::<18, Infallible>(|out| {
                rng.fill_bytes(out);
                Ok(())
            });
            let Ok(password) = password;
            for (place, digit) in password.expose().iter().enumerate() {
                counts[place][usize::from(*digit)] += 1;
            }
        }
        let expected = f64::from(DRAWS) / 62.0;
        for (place, counts) in counts.iter().enumerate() {
            let seen = counts.iter().filter(|count| **count > 0).count();
            let chi_square: f64 = counts
                .iter()
                .filter(|count| **count > 0)
                .map(|count| (f64::from(*count) - expected).powi(2) / expected)
                .sum();
            assert_eq!(seen, 62, "place {place}");
            // 61 degrees of freedom: 120 is exceeded with a probability of about 1e-5. An octet modulo 62
            // would give about 20,000 * 8/62 * (1/4)^2 and more, several hundred.
            assert!(chi_square < 120.0, "place {place}: {chi_square}");
        }
    }

    #[test]
    fn values_62_and_63_are_drawn_again() {
        let mut source = [62u8, 63, 0x40 | 62, 0xff, 61, 0x80, 0xc1].into_iter();
        let drawn = digits::<3, ()>(|out| {
            out[0] = source.next().ok_or(())?;
            Ok(())
        });
        assert_eq!(drawn.unwrap().expose(), b"z01");
        assert!(digits::<1, ()>(|_| Err(())).is_err());
    }

    #[test]
    fn fresh_values_differ() {
        let id = Id::new(b"id").unwrap();
        let (a, _) = credentials(&id).unwrap();
        let (b, _) = credentials(&id).unwrap();
        assert_ne!(a.expose(), b.expose());
        assert_ne!(server().unwrap().secret.0.expose(), server().unwrap().secret.0.expose());
    }
}
