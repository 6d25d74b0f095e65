//! Octets that are wiped when dropped and never shown.

use core::fmt;

use zeroize::Zeroize;
pub use zeroize::Zeroizing;

/// `N` secret octets: wiped on drop, redacted in `Debug`, not `Clone`, compared in constant time only.
pub struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    /// Takes `octets` over and wipes the place they came from.
    #[must_use]
    pub fn take(octets: &mut [u8; N]) -> Self {
        let secret = Self(*octets);
        octets.zeroize();
        secret
    }

    /// A secret of zero octets, filled in place by `fill`.
    #[must_use]
    pub fn filled(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self([0; N]);
        fill(&mut secret.0);
        secret
    }

    /// The octets, for the duration of a borrow.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// The octets, to be changed in place.
    #[must_use]
    pub fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }

    /// Whether `other` holds the same octets, in time that depends on neither.
    #[must_use]
    pub fn ct_eq(&self, other: &[u8; N]) -> bool {
        crate::crypto::ct_eq(&self.0, other)
    }
}

impl<const N: usize> From<[u8; N]> for Secret<N> {
    fn from(mut octets: [u8; N]) -> Self {
        Self::take(&mut octets)
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({N} octets)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn take_wipes_the_source_and_debug_shows_nothing() {
        let mut source = *b"hunter22";
        let secret = Secret::take(&mut source);
        assert_eq!(source, [0; 8]);
        assert_eq!(secret.expose(), b"hunter22");
        assert_eq!(format!("{secret:?}"), "Secret(8 octets)");
    }

    #[test]
    fn ct_eq_agrees_with_equality() {
        let secret = Secret::from([7u8; 16]);
        assert!(secret.ct_eq(&[7; 16]));
        for at in 0..16 {
            let mut other = [7u8; 16];
            other[at] ^= 0x80;
            assert!(!secret.ct_eq(&other), "octet {at}");
        }
    }
}
