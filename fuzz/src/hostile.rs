//! What a network does to a message.

use arbitrary::Arbitrary;

/// One change of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub(crate) enum Change {
    /// None at all.
    Nothing,
    /// One bit is another.
    Flip { at: u16, bit: u8 },
    /// Octets are missing at the end.
    Truncate { by: u8 },
    /// An octet is missing at the front.
    Behead,
    /// An octet is added at the end.
    Extend { by: u8 },
    /// All octets are missing.
    Empty,
}

impl Change {
    /// The message after the change, and whether it is another one.
    pub(crate) fn apply(self, message: &[u8]) -> (Vec<u8>, bool) {
        let mut changed = message.to_vec();
        match self {
            Self::Nothing => {}
            Self::Flip { at, bit } => {
                let length = changed.len().max(1);
                if let Some(octet) = changed.get_mut(usize::from(at) % length) {
                    *octet ^= 1 << (bit % 8);
                }
            }
            Self::Truncate { by } => {
                changed.truncate(changed.len().saturating_sub(usize::from(by)));
            }
            Self::Behead => drop(changed.drain(..1.min(message.len()))),
            Self::Extend { by } => changed.push(by),
            Self::Empty => changed.clear(),
        }
        let differs = changed != message;
        (changed, differs)
    }
}

/// A small reader of the fields before the octets that a target is about.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `N` octets; zeros where there are none.
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.slice(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    /// The next 8 octets as an integer.
    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }

    /// The next octet.
    pub(crate) fn u8(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// At most `len` octets.
    pub(crate) fn slice(&mut self, len: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(len.min(self.0.len()));
        self.0 = tail;
        head
    }
}
