//! The elements of DER, as far as fields have to be found, with the one length that DER has for each: x509-parser
//! takes others too.

use std::fmt::Display;

use der::{Decode, ErrorKind, Length, Reader, SliceReader};
use x509_parser::asn1_rs::FromDer;
use x509_parser::error::X509Error;

use crate::error::TlsError;
use crate::form::form;

// Identifier octets.
pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
/// The bit of those that hold other elements.
const CONSTRUCTED: u8 = 0x20;
/// The bits of the tag; all of them are set where it is in further octets, which nothing in a certificate has.
const TAG: u8 = 0x1f;

/// Elements that are still to be read.
pub(crate) struct Elements<'a>(&'a [u8]);

pub(crate) struct Element<'a> {
    identifier: u8,
    pub(crate) content: &'a [u8],
    /// With its header.
    pub(crate) der: &'a [u8],
}

impl<'a> Elements<'a> {
    pub(crate) fn new(content: &'a [u8]) -> Self {
        Self(content)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next, which has this identifier octet.
    pub(crate) fn of(&mut self, identifier: u8, what: &str) -> Result<Element<'a>, TlsError> {
        self.optional(identifier, what)?.ok_or_else(|| unreadable(&what, &"it is not there"))
    }

    /// The next, if it has this identifier octet.
    pub(crate) fn optional(
        &mut self,
        identifier: u8,
        what: &str,
    ) -> Result<Option<Element<'a>>, TlsError> {
        if self.0.first() != Some(&identifier) {
            return Ok(None);
        }
        self.next(what).map(Some)
    }

    /// The elements of the SEQUENCE that is next.
    pub(crate) fn sequence(&mut self, what: &str) -> Result<Self, TlsError> {
        Ok(Self(self.of(SEQUENCE, what)?.content))
    }

    /// The SEQUENCE that is next, when every length in it is DER.
    pub(crate) fn checked_sequence(&mut self, what: &str) -> Result<Element<'a>, TlsError> {
        let element = self.of(SEQUENCE, what)?;
        check_lengths(element.content, what, 0)?;
        Ok(element)
    }

    /// What x509-parser makes of the SEQUENCE that is next.
    pub(crate) fn value<T: FromDer<'a, X509Error>>(&mut self, what: &str) -> Result<T, TlsError> {
        all_of(self.checked_sequence(what)?.der, &what)
    }

    /// Refuses more elements; `what` was the last.
    pub(crate) fn end(&self, what: &str) -> Result<(), TlsError> {
        match self.0.len() {
            0 => Ok(()),
            octets => Err(form(format!("{octets} octets follow {what}"))),
        }
    }

    fn next(&mut self, what: &str) -> Result<Element<'a>, TlsError> {
        let header = Header::parse(self.0).map_err(|error| match error.kind() {
            ErrorKind::Incomplete { .. } => unreadable(&what, &"it is cut off"),
            _ => unreadable(&what, &"its tag, or the form of its length, is not that of DER"),
        })?;
        let (der, rest) = self
            .0
            .split_at_checked(header.octets.saturating_add(header.length))
            .ok_or_else(|| unreadable(&what, &"it is cut off"))?;
        self.0 = rest;
        Ok(Element { identifier: header.identifier, content: &der[header.octets..], der })
    }
}

/// What comes before the content of an element.
struct Header {
    identifier: u8,
    /// Octets of the content.
    length: usize,
    /// Octets of the header itself.
    octets: usize,
}

impl Header {
    fn parse(element: &[u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(element)?;
        let identifier = reader.read_byte()?;
        if identifier & TAG == TAG {
            return Err(ErrorKind::TagNumberInvalid.into());
        }
        let length = Length::decode(&mut reader)?.try_into()?;
        Ok(Self { identifier, length, octets: reader.position().try_into()? })
    }
}

/// Refuses lengths that are indefinite or of more octets than needed, in elements at any depth.
fn check_lengths(content: &[u8], what: &str, depth: usize) -> Result<(), TlsError> {
    if depth > MAX_DEPTH {
        return Err(unreadable(&what, &"elements lie too deep in others"));
    }
    let mut elements = Elements(content);
    while !elements.is_empty() {
        let element = elements.next(what)?;
        if element.identifier & CONSTRUCTED != 0 {
            check_lengths(element.content, what, depth + 1)?;
        }
    }
    Ok(())
}

/// A string lies in 2 others of a Name; parameters of an algorithm, and what RFC 5280 does not know, somewhat deeper.
const MAX_DEPTH: usize = 16;

/// What x509-parser makes of `der`, which is one element.
pub(crate) fn all_of<'a, T: FromDer<'a, X509Error>>(
    der: &'a [u8],
    what: &dyn Display,
) -> Result<T, TlsError> {
    match T::from_der(der) {
        Ok(([], value)) => Ok(value),
        Ok(_) => Err(unreadable(what, &"octets follow its value")),
        Err(error) => Err(unreadable(what, &error)),
    }
}

#[cold]
fn unreadable(what: &dyn Display, why: &dyn Display) -> TlsError {
    form(format!("{what}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(der: &[u8]) -> Result<&[u8], TlsError> {
        Elements::new(der).checked_sequence("a name").map(|element| element.content)
    }

    #[test]
    fn one_length_for_each_content() {
        let long = [&[0x30, 0x81, 0x80, 4, 0x7e][..], &[7; 126]].concat();
        assert_eq!(checked(&[0x30, 2, 5, 0, 9]), Ok(&[5, 0][..]), "without what follows it");
        assert_eq!(checked(&[0x30, 4, 0x31, 2, 5, 0]), Ok(&[0x31, 2, 5, 0][..]));
        assert_eq!(checked(&long), Ok(&long[3..]));
        for (bad, why) in [
            (&[][..], "it is not there"),
            (&[0x31, 0], "it is not there"),
            (&[0x30], "it is cut off"),
            (&[0x30, 0x82, 1], "it is cut off"),
            (&[0x30, 0x85, 0, 0, 0, 0, 0], "length"),
            (&[0x30, 3, 5, 0], "it is cut off"),
            (&[0x30, 0x81, 2, 5, 0], "length"),
            (&[0x30, 0x82, 0, 2, 5, 0], "length"),
            (&[0x30, 0x80, 5, 0, 0, 0], "length"),
            (&[0x30, 3, 5, 0x81, 0], "length"),
            (&[0x30, 5, 0x31, 3, 5, 0x81, 0], "length"),
            (&[0x30, 6, 0x31, 0x80, 5, 0, 0, 0], "length"),
            (&[0x30, 3, 0x31, 2, 5], "it is cut off"),
            (&[0x30, 3, 0x1f, 1, 0], "its tag"),
        ] {
            let error = checked(bad).expect_err(why).to_string();
            assert!(error.contains("a name: ") && error.contains(why), "{bad:02x?}: {error}");
        }
    }

    #[test]
    fn a_deep_nest_is_refused_and_no_stack_is_used_up() {
        let nest = |depth: usize| {
            (0..depth).fold(Vec::new(), |inner, _| {
                let length = Length::try_from(inner.len()).expect("short");
                let header = der::Encode::to_der(&length).expect("a length");
                [&[SEQUENCE][..], &header, &inner].concat()
            })
        };
        assert!(checked(&nest(MAX_DEPTH + 1)).is_ok());
        for depth in [MAX_DEPTH + 2, 10_000] {
            let error = checked(&nest(depth)).expect_err("too deep").to_string();
            assert!(error.contains("too deep"), "{error}");
        }
    }
}
