//! Allow list and deny list: section 7.10.
//!
//! A list is a text file with one entry a line; a line that is empty or begins with `#` is none:
//!
//! ```text
//! # left the company
//! identity mallory
//! identity Mary%20Ann
//! sha256 9f:86:d0:81:88:4c:7d:65:9a:2f:ea:a0:c5:5a:d0:15:a3:bf:4f:1b:2b:0b:82:2c:d1:5d:6c:15:b0:f0:0a:08
//! ```
//!
//! An identity is written as in the URI of section 7.8: `%` and two hexadecimal digits are an octet, and what is
//! not ASCII has to be written so, as has white space at either end. The SHA-256 of a certificate may be written
//! with or without colons, as openssl and other tools show it.

use std::collections::HashSet;

use secure_tunnel::credentials::Id;

use crate::error::TlsError;
use crate::identity::percent_decoded;

/// The SHA-256 of a whole certificate.
pub type Fingerprint = [u8; 32];

/// Clients, by identity or by fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    identities: HashSet<Box<[u8]>>,
    fingerprints: HashSet<Fingerprint>,
}

impl List {
    /// Reads a list from the text of its file.
    ///
    /// # Errors
    /// The first line that is not an entry.
    pub fn parse(text: &str) -> Result<Self, ListError> {
        let mut list = Self::default();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            list.entry(line).map_err(|what| ListError { line: index + 1, what })?;
        }
        Ok(list)
    }

    /// Adds a client by its identity.
    pub fn add_identity(&mut self, identity: &[u8]) {
        self.identities.insert(identity.into());
    }

    /// Adds a client by the SHA-256 of its certificate.
    pub fn add_fingerprint(&mut self, fingerprint: Fingerprint) {
        self.fingerprints.insert(fingerprint);
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.identities.len() + self.fingerprints.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // spec: TLS-075
    fn has(&self, identity: &Id, fingerprint: &Fingerprint) -> bool {
        self.identities.contains(identity.as_str().as_bytes())
            || self.fingerprints.contains(fingerprint)
    }

    fn entry(&mut self, line: &str) -> Result<(), &'static str> {
        match line.split_once(' ') {
            Some(("identity", text)) => {
                if text.trim() != text {
                    return Err(
                        "white space at the beginning or end of an identity: write it as %20",
                    );
                }
                let octets = percent_decoded(text.as_bytes()).map_err(|_| {
                    "write octets of an identity beyond ASCII, and %, as % and two hexadecimal digits"
                })?;
                Id::new(&octets).map_err(
                    |_| "an identity has 1 to 255 octets of UTF-8 without control characters",
                )?;
                self.add_identity(&octets);
            }
            Some(("sha256", text)) => self.add_fingerprint(fingerprint(text.trim())?),
            _ => return Err("expected `identity NAME` or `sha256 HEX`"),
        }
        Ok(())
    }
}

/// Sixty-four hexadecimal digits, with or without colons between the octets.
fn fingerprint(text: &str) -> Result<Fingerprint, &'static str> {
    const EXPECTED: &str = "expected the SHA-256 of a certificate, 64 hexadecimal digits";
    let digits = match text.len() {
        95 if text.bytes().skip(2).step_by(3).all(|octet| octet == b':') => text.replace(':', ""),
        _ => text.to_owned(),
    };
    let digits: Option<Vec<u32>> = digits.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 64).ok_or(EXPECTED)?;
    let mut octets = [0; 32];
    for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
        *octet = (pair[0] * 16 + pair[1]) as u8; // below 256
    }
    Ok(octets)
}

/// Both lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// Nobody else is let in, if there is one; an empty one lets nobody in.
    pub allow: Option<List>,
    /// Nobody of these is let in.
    pub deny: List,
}

impl Lists {
    /// Whether a client may be let in.
    ///
    /// # Errors
    /// [`TlsError::Denied`] and [`TlsError::NotAllowed`].
    pub fn check(&self, identity: &Id, fingerprint: &Fingerprint) -> Result<(), TlsError> {
        // spec: TLS-073
        if self.deny.has(identity, fingerprint) {
            return Err(TlsError::Denied);
        }
        // spec: TLS-074
        match &self.allow {
            Some(allow) if !allow.has(identity, fingerprint) => Err(TlsError::NotAllowed),
            _ => Ok(()),
        }
    }
}

/// A line that is not an entry of a list. Nothing of the list is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: &'static str,
}

impl core::fmt::Display for ListError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl core::error::Error for ListError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allow: Option<&str>, deny: &str) -> Result<(), TlsError> {
        let list = |text| List::parse(text).expect("a list");
        let lists = Lists { allow: allow.map(list), deny: list(deny) };
        lists.check(&Id::new(b"alice").expect("an id"), &[0xab; 32])
    }

    #[test]
    fn deny_goes_before_allow() {
        let print = format!("sha256 {}", "ab".repeat(32));
        let colons = format!("sha256 {}", ["AB"; 32].join(":"));
        assert_eq!(check(None, ""), Ok(()));
        assert_eq!(check(Some(""), ""), Err(TlsError::NotAllowed));
        assert_eq!(check(Some("identity Alice"), ""), Err(TlsError::NotAllowed));
        for alice in ["identity alice", "# x\n\nidentity %61lice\r\n", &print, &colons] {
            assert_eq!(check(Some(alice), ""), Ok(()), "{alice}");
            assert_eq!(check(Some(alice), alice), Err(TlsError::Denied), "{alice}");
            assert_eq!(check(None, alice), Err(TlsError::Denied), "{alice}");
        }
    }

    #[test]
    fn an_error_has_its_line() {
        for (bad, what) in [
            ("alice", "expected `identity"),
            ("identity", "expected `identity"),
            ("Identity alice", "expected `identity"),
            ("identity alice ", "%20"),
            ("identity  alice", "%20"),
            ("identity 100%", "hexadecimal"),
            ("identity b\u{fc}rgi", "beyond ASCII"),
            ("identity a%00", "control"),
            ("sha256 ab", "64"),
            ("sha256 zz", "64"),
        ] {
            let error = List::parse(&format!("# a list\n{bad}\n")).expect_err(bad);
            assert_eq!(error.line, 2, "{bad}");
            assert!(error.to_string().contains(what), "{bad}: {error}");
        }
    }
}
