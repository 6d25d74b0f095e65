//! The id of a client.

use core::fmt;

use crate::error::CredentialError;
use crate::wire::{DecodeError, Problem};

/// A client's id: 1..=255 octets of UTF-8 without control characters, compared octet for octet.
///
/// Anything else is allowed in it, so `Debug` and `Display` escape what is not plainly printable.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Octets of `text`, 1..=255.
    len: u8,
    text: Box<str>,
}

impl Id {
    /// Takes `octets` as an id, unaltered.
    ///
    /// # Errors
    /// [`CredentialError::Malformed`] if they are not 1..=255 octets of UTF-8 without control characters
    /// (CRED-001 to CRED-003).
    pub fn new(octets: &[u8]) -> Result<Self, CredentialError> {
        Self::decode(octets).map_err(|source| CredentialError::Malformed { source })
    }

    pub(crate) fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let error = |offset, expected, requirement| DecodeError {
            field: "id",
            offset,
            problem: Problem::Invalid(expected),
            requirement,
        };
        // spec: CRED-001
        let Ok(len @ 1..) = u8::try_from(octets.len()) else {
            return Err(error(0, "1 to 255 octets", "CRED-001"));
        };
        // spec: CRED-002, CONV-003, CONV-004, CONV-005
        let text = core::str::from_utf8(octets)
            .map_err(|fault| error(fault.valid_up_to(), "UTF-8", "CRED-002"))?;
        // spec: CRED-003, CRED-004; `is_control` is U+0000..=U+001F and U+007F..=U+009F
        if let Some(offset) = text.find(char::is_control) {
            return Err(error(offset, "no control character", "CRED-003"));
        }
        Ok(Self { len, text: text.into() })
    }

    /// The id as text. Escape it before showing it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `len8(id) || id`, 2..=256 octets in two parts.
    pub(crate) fn with_length(&self) -> [&[u8]; 2] {
        [core::slice::from_ref(&self.len), self.text.as_bytes()]
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // spec: CRED-005
        fmt::Debug::fmt(&*self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Diagnostic;

    #[test]
    fn accepts_whatever_is_not_forbidden() {
        let long = "a".repeat(255);
        let ids =
            ["a", " ", "\u{feff}a", "a\u{2028}", "\u{202e}", "\u{a0}", "\u{10ffff}", "\u{fffd}"];
        for text in ids.into_iter().chain([long.as_str()]) {
            assert_eq!(Id::new(text.as_bytes()).unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_each_forbidden_thing_under_its_own_requirement() {
        let long = [b'a'; 256];
        let cases: [(&[u8], &str); 14] = [
            (b"", "CRED-001"),
            (&long, "CRED-001"),
            (b"\xff", "CRED-002"),
            (b"a\xc3", "CRED-002"),
            (b"\xc0\x80", "CRED-002"),
            (b"\xed\xa0\x80", "CRED-002"),
            (b"\xf4\x90\x80\x80", "CRED-002"),
            (b"\x00", "CRED-003"),
            (b"a\x1f", "CRED-003"),
            (b"a\n", "CRED-003"),
            (b"\x7f", "CRED-003"),
            (b"\xc2\x80", "CRED-003"),
            (b"\xc2\x9f", "CRED-003"),
            (b"\xc2\x85a", "CRED-003"),
        ];
        for (octets, requirement) in cases {
            let error = Id::new(octets).unwrap_err();
            assert_eq!(
                (error.code(), error.requirement()),
                ("malformed", requirement),
                "{octets:x?}"
            );
        }
    }

    #[test]
    fn shown_ids_are_escaped() {
        let id = Id::new("a\u{202e}\u{2028}\u{feff}\"b".as_bytes()).unwrap();
        assert_eq!(id.to_string(), r#""a\u{202e}\u{2028}\u{feff}\"b""#);
    }
}
