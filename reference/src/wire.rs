//! Octets in, typed values out, and back: the one parser and the one encoder of the crate.
//!
//! ```text
//!   Reader:  taken | [ take u8 ][ take array ][ take slice ] ... | left      offset -->
//! ```
//!
//! Integers are unsigned and big-endian. A [`Reader`] never copies, never reads past its end, and names
//! the field and its offset in every failure.

use core::fmt;

use crate::secret::Zeroizing;

/// What was wrong with some octets, and where. Never shows the octets themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// Name of the field, as the specification spells it.
    pub field: &'static str,
    /// Octets before the field, counted from the start of the message or plaintext.
    pub offset: usize,
    /// What was wrong.
    pub problem: Problem,
    /// Id of the requirement the octets break.
    pub requirement: &'static str,
}

/// The ways in which octets can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The field needs more octets than are left.
    Short {
        /// Octets the field takes.
        needed: usize,
        /// Octets that were left.
        left: usize,
    },
    /// Octets follow the last field.
    Trailing {
        /// How many.
        left: usize,
    },
    /// The field's value is not allowed; the text says what is expected.
    Invalid(&'static str),
}

impl DecodeError {
    /// The same fault within a larger whole, whose layout `requirement` gives, `offset` octets in.
    pub(crate) fn at(self, offset: usize, requirement: &'static str) -> Self {
        Self { offset: self.offset + offset, requirement, ..self }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at octet {}: ", self.field, self.offset)?;
        match self.problem {
            Problem::Short { needed, left } => {
                write!(f, "expected {needed} octets, found {left}")
            }
            Problem::Trailing { left } => write!(f, "expected the end, found {left} octets more"),
            Problem::Invalid(expected) => write!(f, "expected {expected}"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// A shrinking slice that knows how far it has come.
///
/// `requirement` is the id of the sentence that gives the layout; every failure carries it.
// spec: CONV-008; nothing here indexes, and no length is trusted before it is compared
#[derive(Clone)]
pub struct Reader<'a> {
    left: &'a [u8],
    offset: usize,
    requirement: &'static str,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `octets`, whose layout `requirement` gives.
    #[must_use]
    pub fn new(octets: &'a [u8], requirement: &'static str) -> Self {
        Self { left: octets, offset: 0, requirement }
    }

    /// Octets taken so far.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Octets not yet taken.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// The next `len` octets.
    ///
    /// # Errors
    /// [`Problem::Short`] if fewer are left; nothing is taken then.
    pub fn slice(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], DecodeError> {
        let Some((head, tail)) = self.left.split_at_checked(len) else {
            return Err(self.error(field, Problem::Short { needed: len, left: self.left.len() }));
        };
        self.left = tail;
        self.offset += len;
        Ok(head)
    }

    /// The next `N` octets.
    ///
    /// # Errors
    /// [`Problem::Short`] if fewer are left; nothing is taken then.
    pub fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<&'a [u8; N], DecodeError> {
        let Some((head, tail)) = self.left.split_first_chunk() else {
            return Err(self.error(field, Problem::Short { needed: N, left: self.left.len() }));
        };
        self.left = tail;
        self.offset += N;
        Ok(head)
    }

    /// The next octet.
    ///
    /// # Errors
    /// [`Problem::Short`] if none is left.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(field).map(|[octet]| *octet)
    }

    /// The next 4 octets as an integer.
    ///
    /// # Errors
    /// [`Problem::Short`] if fewer are left.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(|octets| u32::from_be_bytes(*octets))
    }

    /// The next 8 octets as an integer.
    ///
    /// # Errors
    /// [`Problem::Short`] if fewer are left.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.array(field).map(|octets| u64::from_be_bytes(*octets))
    }

    /// A string of octets that follows its own length in one octet.
    ///
    /// # Errors
    /// [`Problem::Short`] if the length or the string is cut off.
    pub fn len8(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.u8(field)?;
        self.slice(field, usize::from(len))
    }

    /// All octets that are left.
    #[must_use]
    pub fn rest(self) -> &'a [u8] {
        self.left
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`Problem::Trailing`] otherwise.
    pub fn finish(self, field: &'static str) -> Result<(), DecodeError> {
        match self.left.len() {
            0 => Ok(()),
            left => Err(self.error(field, Problem::Trailing { left })),
        }
    }

    /// A failure of `field` at the present offset.
    #[must_use]
    pub fn error(&self, field: &'static str, problem: Problem) -> DecodeError {
        DecodeError { field, offset: self.offset, problem, requirement: self.requirement }
    }
}

/// Writes fields one after the other into a buffer of a size known beforehand, wiped on drop.
///
/// The buffer never grows, so a plaintext with a password in it leaves no copy in freed memory.
pub struct Writer {
    octets: Zeroizing<Vec<u8>>,
}

impl Writer {
    /// Starts an empty message that will take `len` octets.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { octets: Zeroizing::new(Vec::with_capacity(len)) }
    }

    /// Appends `octets`.
    #[must_use]
    pub fn put(mut self, octets: &[u8]) -> Self {
        debug_assert!(self.octets.len() + octets.len() <= self.octets.capacity());
        self.octets.extend_from_slice(octets);
        self
    }

    /// Appends one octet.
    #[must_use]
    pub fn u8(self, value: u8) -> Self {
        self.put(&[value])
    }

    /// Appends 4 octets.
    #[must_use]
    pub fn u32(self, value: u32) -> Self {
        self.put(&value.to_be_bytes())
    }

    /// Appends 8 octets.
    #[must_use]
    pub fn u64(self, value: u64) -> Self {
        self.put(&value.to_be_bytes())
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> Zeroizing<Vec<u8>> {
        self.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_out_as_they_went_in() {
        let octets = Writer::new(19).u8(1).u32(2).u64(3).put(&[2, b'a', b'b']).put(b"cde").finish();
        let mut reader = Reader::new(&octets, "CONV-001");
        assert_eq!(reader.u8("a"), Ok(1));
        assert_eq!(reader.u32("b"), Ok(2));
        assert_eq!(reader.u64("c"), Ok(3));
        assert_eq!((reader.offset(), reader.left()), (13, 6));
        assert_eq!(reader.len8("d"), Ok(&b"ab"[..]));
        assert_eq!(reader.clone().rest(), b"cde");
        assert_eq!(reader.array("e"), Ok(b"cde"));
        assert_eq!(reader.finish("all"), Ok(()));
    }

    #[test]
    fn integers_are_big_endian() {
        assert_eq!(Writer::new(4).u32(0x0102_0304).finish()[..], [1, 2, 3, 4]);
        assert_eq!(
            Writer::new(8).u64(0x0102_0304_0506_0708).finish()[..],
            [1, 2, 3, 4, 5, 6, 7, 8]
        );
    }

    #[test]
    fn a_failure_names_field_and_place_and_takes_nothing() {
        let mut reader = Reader::new(&[5, 6, 7], "HS-033");
        reader.u8("first").unwrap();
        let error = reader.u64("time").unwrap_err();
        assert_eq!(error.to_string(), "time at octet 1: expected 8 octets, found 2");
        assert_eq!(error.requirement, "HS-033");
        assert_eq!(reader.slice("rest", 2), Ok(&[6, 7][..]));
        let error = Reader::new(&[1, 2], "HS-033").finish("P1").unwrap_err();
        assert_eq!(error.to_string(), "P1 at octet 0: expected the end, found 2 octets more");
        let error = Reader::new(&[3, 1, 2], "HS-033").len8("id").unwrap_err();
        assert_eq!(error.problem, Problem::Short { needed: 3, left: 2 });
    }
}
