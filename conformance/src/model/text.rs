//! Text: the specification, sections 1.3 and 2.2.

use super::{Bug, Model};

impl Model {
    /// The code points of UTF-8 octets (RFC 3629), or nothing if they are ill-formed.
    pub(super) fn code_points(&self, octets: &[u8]) -> Option<Vec<u32>> {
        let mut points = Vec::new();
        let mut rest = octets.iter();
        while let Some(&first) = rest.next() {
            let (more, smallest, mut point) = match first {
                0x00..=0x7f => (0, 0, u32::from(first)),
                0xc0..=0xdf => (1, 0x80, u32::from(first & 0x1f)),
                0xe0..=0xef => (2, 0x800, u32::from(first & 0x0f)),
                0xf0..=0xf7 => (3, 0x1_0000, u32::from(first & 0x07)),
                _ => return None,
            };
            for _ in 0..more {
                let next = rest.next().filter(|&&octet| octet & 0xc0 == 0x80)?;
                point = point << 6 | u32::from(next & 0x3f);
            }
            if (point < smallest && !self.bug(Bug::Utf8OverlongAccepted))
                || ((0xd800..0xe000).contains(&point) && !self.bug(Bug::Utf8SurrogateAccepted))
                || (point > 0x10_ffff && !self.bug(Bug::Utf8AboveMaximumAccepted))
            {
                return None;
            }
            points.push(point);
        }
        Some(points)
    }

    /// What the application is told the text is: the same octets, unless there is a bug.
    pub(super) fn as_received(&self, octets: &[u8]) -> Vec<u8> {
        if self.bug(Bug::IdReplacementCharacter) {
            return String::from_utf8_lossy(octets).into_owned().into_bytes();
        }
        if self.bug(Bug::IdTrimmed) {
            return octets.trim_ascii().to_vec();
        }
        if self.bug(Bug::IdByteOrderMarkRemoved) {
            return octets.strip_prefix("\u{feff}".as_bytes()).unwrap_or(octets).to_vec();
        }
        let text = std::str::from_utf8(octets);
        match text {
            Ok(text) if self.bug(Bug::IdNormalised) => compose(text).into_bytes(),
            Ok(text) if self.bug(Bug::IdCaseFolded) => text.to_lowercase().into_bytes(),
            _ => octets.to_vec(),
        }
    }
}

/// The part of Unicode's normal form C that joins a vowel with an acute accent or a diaeresis.
fn compose(text: &str) -> String {
    const PAIRS: [(&str, &str); 6] = [
        ("a\u{308}", "\u{e4}"),
        ("e\u{301}", "\u{e9}"),
        ("o\u{308}", "\u{f6}"),
        ("u\u{308}", "\u{fc}"),
        ("a\u{30a}", "\u{e5}"),
        ("\u{212b}", "\u{c5}"),
    ];
    PAIRS.iter().fold(text.to_owned(), |text, (apart, joined)| text.replace(apart, joined))
}
