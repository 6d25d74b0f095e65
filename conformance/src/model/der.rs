//! As much of DER as RSA keys need. Each way to be laxer than DER is a switch.

use super::{Bug, Model};

/// Octets that are still to be read.
#[derive(Clone, Copy)]
pub(super) struct Der<'a> {
    pub octets: &'a [u8],
}

impl<'a> Der<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self { octets }
    }

    pub(super) fn is_empty(self) -> bool {
        self.octets.is_empty()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.octets.split_at_checked(count)?;
        self.octets = tail;
        Some(head)
    }

    /// The contents of the next element, which must have this tag.
    pub(super) fn element(&mut self, tag: u8, model: &Model) -> Option<Self> {
        if self.take(1)? != [tag] && !model.bug(Bug::SpkiTagsIgnored) {
            return None;
        }
        let length = match self.take(1)?[0] {
            short @ 0..=0x7f => usize::from(short),
            0x80 => return self.indefinite(model),
            long @ 0x81..=0x84 => {
                let octets = self.take(usize::from(long & 0x7f))?;
                let length = octets.iter().fold(0, |sum, &octet| sum << 8 | usize::from(octet));
                let minimal = length > 0x7f && octets[0] != 0;
                if !minimal && !model.bug(Bug::SpkiLongLengthAccepted) {
                    return None;
                }
                length
            }
            _ => return None,
        };
        self.take(length).map(Self::new)
    }

    /// BER: contents up to the two zero octets at the very end.
    fn indefinite(&mut self, model: &Model) -> Option<Self> {
        if !model.bug(Bug::SpkiIndefiniteLengthAccepted) {
            return None;
        }
        let contents = self.octets.strip_suffix(&[0, 0])?;
        self.octets = &[];
        Some(Self::new(contents))
    }
}

/// One element: tag, shortest length, contents.
pub(super) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|&&octet| octet == 0).count()..];
    let mut octets = vec![tag];
    match significant {
        [] => octets.push(0),
        [short @ 0..=0x7f] => octets.push(*short),
        long => {
            octets.push(0x80 | long.len() as u8); // at most 8
            octets.extend_from_slice(long);
        }
    }
    octets.extend_from_slice(contents);
    octets
}

/// A non-negative INTEGER, from big-endian octets without leading zeros.
pub(super) fn integer(magnitude: &[u8]) -> Vec<u8> {
    if magnitude.first().is_none_or(|&first| first > 0x7f) {
        element(0x02, &[&[0], magnitude].concat())
    } else {
        element(0x02, magnitude)
    }
}
