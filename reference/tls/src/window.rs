//! How long a chain that was accepted is accepted by the same trust.

use crate::crl::Crl;
use crate::form::Validity;

/// From a first to a last second since the Unix epoch, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    first: i128,
    last: i128,
}

impl Window {
    /// Without an end, which each certificate and CRL then shortens.
    pub(crate) const ALWAYS: Self = Self { first: i128::MIN, last: i128::MAX };

    pub(crate) fn contains(self, now: u64) -> bool {
        (self.first..=self.last).contains(&i128::from(now))
    }

    /// In which a certificate with this validity is valid.
    pub(crate) fn valid(self, validity: Validity) -> Self {
        self.from(validity.from).until(validity.until)
    }

    /// The part around `now` in which the CRL neither comes into use nor goes out of it: one that comes may list a
    /// certificate, and without one that goes nothing may be known of it.
    pub(crate) fn undisturbed(self, crl: &Crl, now: u64) -> Self {
        let (now, (first, last)) = (i128::from(now), crl.updates());
        if now < i128::from(first) {
            Self { last: self.last.min(i128::from(first) - 1), ..self }
        } else if now <= i128::from(last) {
            self.from(first).until(last)
        } else {
            Self { first: self.first.max(i128::from(last) + 1), ..self }
        }
    }

    fn from(self, first: i64) -> Self {
        Self { first: self.first.max(i128::from(first)), ..self }
    }

    fn until(self, last: i64) -> Self {
        Self { last: self.last.min(i128::from(last)), ..self }
    }
}
