//! Strings of base62 digits, `0-9A-Za-z` with the values 0..=61.

use core::fmt;

use crate::error::CredentialError;
use crate::secret::Secret;
use crate::wire::{DecodeError, Problem};

/// The client's password Pc, 18 base62 digits (about 2^107.2 values).
#[derive(Debug)]
pub struct ClientPassword(pub(crate) Base62<18>);

/// The server's password Ps towards one client, 8 base62 digits (about 2^47.6 values).
#[derive(Debug)]
pub struct ServerPassword(pub(crate) Base62<8>);

impl ClientPassword {
    /// Takes 18 base62 digits.
    ///
    /// # Errors
    /// [`CredentialError::Malformed`] if they are not (CRED-006).
    pub fn parse(octets: &[u8]) -> Result<Self, CredentialError> {
        // spec: CRED-006
        let digits = Base62::decode("client password", octets, "CRED-006");
        digits.map(Self).map_err(|source| CredentialError::Malformed { source })
    }
}

impl ServerPassword {
    /// Takes 8 base62 digits.
    ///
    /// # Errors
    /// [`CredentialError::Malformed`] if they are not (CRED-007).
    pub fn parse(octets: &[u8]) -> Result<Self, CredentialError> {
        // spec: CRED-007
        let digits = Base62::decode("server password", octets, "CRED-007");
        digits.map(Self).map_err(|source| CredentialError::Malformed { source })
    }
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `N` base62 digits, treated as a secret.
pub(crate) struct Base62<const N: usize>(Secret<N>);

impl<const N: usize> Base62<N> {
    /// Takes exactly `N` digits.
    pub(crate) fn decode(
        field: &'static str,
        octets: &[u8],
        requirement: &'static str,
    ) -> Result<Self, DecodeError> {
        let error = |offset, problem| DecodeError { field, offset, problem, requirement };
        let Ok(digits) = <&[u8; N]>::try_from(octets) else {
            let problem = match octets.len() {
                left if left < N => Problem::Short { needed: N, left },
                more => Problem::Trailing { left: more - N },
            };
            return Err(error(0, problem));
        };
        match digits.iter().position(|digit| !digit.is_ascii_alphanumeric()) {
            Some(offset) => Err(error(offset, Problem::Invalid("a base62 digit"))),
            None => Ok(Self(Secret::from(*digits))),
        }
    }

    /// The digits of the values (0..=61) that `next` gives, or its error.
    pub(crate) fn try_from_values<E>(mut next: impl FnMut() -> Result<u8, E>) -> Result<Self, E> {
        let Self(mut digits) = Self::zeros();
        for digit in digits.expose_mut() {
            let value = usize::from(next()?);
            debug_assert!(value < ALPHABET.len());
            *digit = ALPHABET[value % ALPHABET.len()];
        }
        Ok(Self(digits))
    }

    /// The `N` least significant base62 digits of `number`, which is big-endian and is used up.
    pub(crate) fn of_number(mut number: Secret<32>) -> Self {
        let Self(mut digits) = Self::zeros();
        for digit in digits.expose_mut().iter_mut().rev() {
            // Long division by 62; the remainder is the digit.
            let mut remainder = 0u16;
            for octet in number.expose_mut() {
                let dividend = remainder << 8 | u16::from(*octet);
                *octet = (dividend / 62).to_be_bytes()[1];
                remainder = dividend % 62;
            }
            *digit = ALPHABET[usize::from(remainder)];
        }
        Self(digits)
    }

    /// `N` times the digit `0`.
    pub(crate) fn zeros() -> Self {
        Self(Secret::from([ALPHABET[0]; N]))
    }

    pub(crate) fn expose(&self) -> &[u8; N] {
        self.0.expose()
    }

    /// Whether both are the same digits, in time that depends on neither.
    pub(crate) fn ct_eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0.expose())
    }
}

impl<const N: usize> fmt::Debug for Base62<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} base62 digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Diagnostic;

    #[test]
    fn exactly_the_62_octets_are_digits() {
        for octet in 0..=u8::MAX {
            let octets = [octet; 8];
            assert_eq!(
                ServerPassword::parse(&octets).is_ok(),
                ALPHABET.contains(&octet),
                "{octet}"
            );
        }
        assert!(ALPHABET.is_sorted());
    }

    #[test]
    fn length_is_exact() {
        for len in 0..=32 {
            let octets = vec![b'a'; len];
            assert_eq!(ClientPassword::parse(&octets).is_ok(), len == 18);
            assert_eq!(ServerPassword::parse(&octets).is_ok(), len == 8);
        }
        let problem = |len: usize| {
            Base62::<8>::decode("digits", &vec![b'a'; len], "CRED-007").unwrap_err().problem
        };
        assert_eq!(problem(7), Problem::Short { needed: 8, left: 7 });
        assert_eq!(problem(11), Problem::Trailing { left: 3 });
        let error = ClientPassword::parse(b"").unwrap_err();
        assert_eq!((error.code(), error.requirement()), ("malformed", "CRED-006"));
        let error = ServerPassword::parse(b"12345678\n").unwrap_err();
        assert_eq!((error.code(), error.requirement()), ("malformed", "CRED-007"));
    }

    #[test]
    fn debug_shows_no_digit() {
        let shown = format!("{:?}", ServerPassword::parse(b"QQQQQQQQ").unwrap());
        assert!(!shown.contains('Q'), "{shown}");
    }

    #[test]
    fn of_number_is_the_number_modulo_62_to_the_n() {
        let number = |low: u32| {
            let mut octets = [0; 32];
            octets[28..].copy_from_slice(&low.to_be_bytes());
            Secret::from(octets)
        };
        let digits = |low| *Base62::<4>::of_number(number(low)).expose();
        assert_eq!(&digits(0), b"0000");
        assert_eq!(&digits(61), b"000z");
        assert_eq!(&digits(62), b"0010");
        assert_eq!(&digits(62 * 62 * 62 * 62 - 1), b"zzzz");
        assert_eq!(&digits(62 * 62 * 62 * 62), b"0000");
        assert_eq!(&digits(36 * 62 + 10), b"00aA");
    }
}
