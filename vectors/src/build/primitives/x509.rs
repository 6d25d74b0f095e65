//! Certificates and CRLs (RFC 5280) with every part selectable.
//!
//! Written with the generator's own DER writer and not with a library: what most vectors need is
//! what such a library refuses to make (a part twice, absent or in another form), so that each of
//! them would have to be taken apart and signed again.

use super::der::{BIT_STRING, OCTET_STRING, OID, SEQUENCE, SET, element};
use super::sign::{Algorithm, Key, raw_integer};

/// Tag of BOOLEAN.
pub(crate) const BOOLEAN: u8 = 0x01;
/// Tags of strings in names.
pub(crate) const UTF8: u8 = 0x0c;
pub(crate) const PRINTABLE: u8 = 0x13;
pub(crate) const TELETEX: u8 = 0x14;
pub(crate) const IA5: u8 = 0x16;
pub(crate) const BMP: u8 = 0x1e;

/// Types of the attributes of a name, after 2.5.4.
pub(crate) const COMMON_NAME: u8 = 3;
pub(crate) const ORGANISATION: u8 = 10;
pub(crate) const UNIT: u8 = 11;

/// OIDs of extensions.
pub(crate) const SUBJECT_KEY: &[u8] = &[0x55, 0x1d, 14];
pub(crate) const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
pub(crate) const ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
pub(crate) const BASIC: &[u8] = &[0x55, 0x1d, 19];
pub(crate) const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 20];
pub(crate) const REASON: &[u8] = &[0x55, 0x1d, 21];
pub(crate) const DELTA_CRL: &[u8] = &[0x55, 0x1d, 27];
pub(crate) const ISSUING_POINT: &[u8] = &[0x55, 0x1d, 28];
pub(crate) const CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
pub(crate) const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 35];
pub(crate) const EXTENDED_USAGE: &[u8] = &[0x55, 0x1d, 37];
/// 2.999.1, an extension that nobody knows.
pub(crate) const UNKNOWN: &[u8] = &[0x88, 0x37, 0x01];

/// An extension of a certificate, a CRL or an entry of one.
#[derive(Clone)]
pub(crate) struct Extension {
    pub(crate) oid: &'static [u8],
    /// The encoded `critical`, which DER leaves out if it is false.
    pub(crate) flag: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

impl Extension {
    pub(crate) fn new(oid: &'static [u8], value: Vec<u8>) -> Self {
        Self { oid, flag: Vec::new(), value }
    }

    pub(crate) fn critical(self) -> Self {
        Self { flag: element(BOOLEAN, &[0xff]), ..self }
    }

    fn der(&self) -> Vec<u8> {
        let (oid, value) = (element(OID, self.oid), element(OCTET_STRING, &self.value));
        element(SEQUENCE, &[oid, self.flag.clone(), value].concat())
    }
}

/// A certificate before it is signed.
#[derive(Clone)]
pub(crate) struct Certificate {
    /// 2 is version 3.
    pub(crate) version: Option<u8>,
    /// Contents of the INTEGER.
    pub(crate) serial: Vec<u8>,
    /// The algorithm of the signature, if not the usual one of the issuer's key.
    pub(crate) algorithm: Option<Algorithm>,
    /// What the signed part says of the algorithm, if it says another.
    pub(crate) inner_algorithm: Option<Algorithm>,
    /// The name of the issuer, if another than its own.
    pub(crate) issuer: Option<Vec<u8>>,
    /// Seconds since the Unix epoch.
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    /// A name, from [`name`].
    pub(crate) subject: Vec<u8>,
    pub(crate) extensions: Vec<Extension>,
    /// Whether authorityKeyIdentifier comes last.
    pub(crate) with_authority: bool,
}

impl Certificate {
    /// Signs it; it is that of `key`.
    pub(crate) fn signed(&self, key: &Key, issuer_name: &[u8], issuer_key: &Key) -> Vec<u8> {
        let algorithm = self.algorithm.unwrap_or_else(|| issuer_key.usual());
        let mut parts = Vec::new();
        if let Some(version) = self.version {
            parts.extend(element(0xa0, &raw_integer(&[version])));
        }
        parts.extend(raw_integer(&self.serial));
        parts.extend(self.inner_algorithm.unwrap_or(algorithm).identifier());
        parts.extend(self.issuer.as_deref().unwrap_or(issuer_name));
        let validity = [time(self.not_before), time(self.not_after)].concat();
        parts.extend(element(SEQUENCE, &validity));
        parts.extend(&self.subject);
        parts.extend(key.spki());
        let mut extensions: Vec<u8> = self.extensions.iter().flat_map(Extension::der).collect();
        if self.with_authority {
            extensions.extend(authority_key(&issuer_key.identifier()).der());
        }
        if !extensions.is_empty() {
            parts.extend(element(0xa3, &element(SEQUENCE, &extensions)));
        }
        signed(&parts, algorithm, issuer_key)
    }

    /// Puts the extension in the place of the one of its kind, or after the others.
    pub(crate) fn set(&mut self, extension: Extension) {
        match self.extensions.iter_mut().find(|other| other.oid == extension.oid) {
            Some(other) => *other = extension,
            None => self.extensions.push(extension),
        }
    }

    pub(crate) fn remove(&mut self, oid: &[u8]) {
        self.extensions.retain(|extension| extension.oid != oid);
    }
}

/// A CRL before it is signed.
#[derive(Clone)]
pub(crate) struct Crl {
    /// 1 is version 2.
    pub(crate) version: Option<u8>,
    /// If not the usual one of the issuer's key.
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) this_update: i64,
    pub(crate) next_update: Option<i64>,
    /// The contents of serial numbers, each with the extensions of its entry.
    pub(crate) revoked: Vec<(Vec<u8>, Vec<Extension>)>,
    pub(crate) extensions: Vec<Extension>,
}

impl Crl {
    pub(crate) fn signed(&self, issuer_name: &[u8], issuer_key: &Key) -> Vec<u8> {
        let algorithm = self.algorithm.unwrap_or_else(|| issuer_key.usual());
        let list = |tag, items: &[Extension]| {
            let items: Vec<u8> = items.iter().flat_map(Extension::der).collect();
            if items.is_empty() { Vec::new() } else { wrapped(tag, &element(SEQUENCE, &items)) }
        };
        let mut parts = self.version.map_or_else(Vec::new, |version| raw_integer(&[version]));
        parts.extend([&*algorithm.identifier(), issuer_name, &time(self.this_update)].concat());
        parts.extend(self.next_update.map_or_else(Vec::new, time));
        let entries: Vec<u8> = (self.revoked.iter())
            .flat_map(|(serial, extensions)| {
                let date = time(self.this_update);
                let entry = [raw_integer(serial), date, list(None, extensions)].concat();
                element(SEQUENCE, &entry)
            })
            .collect();
        if !entries.is_empty() {
            parts.extend(element(SEQUENCE, &entries));
        }
        // A CRL of version 1 has none.
        if self.version.is_some() {
            let mut extensions = vec![authority_key(&issuer_key.identifier())];
            extensions.extend(self.extensions.iter().cloned());
            parts.extend(list(Some(0xa0), &extensions));
        }
        signed(&parts, algorithm, issuer_key)
    }
}

fn wrapped(tag: Option<u8>, contents: &[u8]) -> Vec<u8> {
    tag.map_or_else(|| contents.to_vec(), |tag| element(tag, contents))
}

/// What is signed, the algorithm and the signature.
fn signed(parts: &[u8], algorithm: Algorithm, key: &Key) -> Vec<u8> {
    let to_be_signed = element(SEQUENCE, parts);
    let signature = [vec![0], key.sign(algorithm, &to_be_signed)].concat();
    let signature = element(BIT_STRING, &signature);
    element(SEQUENCE, &[to_be_signed, algorithm.identifier(), signature].concat())
}

/// A name of one attribute for each relative name: type after 2.5.4, tag and octets.
pub(crate) fn name(attributes: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let relative = |attribute: &(u8, u8, &[u8])| element(SET, &self::attribute(attribute));
    element(SEQUENCE, &attributes.iter().flat_map(relative).collect::<Vec<u8>>())
}

/// A name of one relative name that has all attributes, in the order of their encodings.
pub(crate) fn multi_valued_name(attributes: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let mut set: Vec<Vec<u8>> = attributes.iter().map(attribute).collect();
    set.sort();
    element(SEQUENCE, &element(SET, &set.concat()))
}

fn attribute((kind, tag, octets): &(u8, u8, &[u8])) -> Vec<u8> {
    let oid = element(OID, &[0x55, 0x04, *kind]);
    element(SEQUENCE, &[oid, element(*tag, octets)].concat())
}

/// UTCTime from 1950 to 2049, GeneralizedTime otherwise.
pub(crate) fn time(seconds: i64) -> Vec<u8> {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (mut year, mut rest) = (1970, days);
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = |year| if leap(year) { 366 } else { 365 };
    while rest < 0 {
        year -= 1;
        rest += length(year);
    }
    while rest >= length(year) {
        rest -= length(year);
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    let tail = format!("{month:02}{:02}{hour:02}{minute:02}{:02}Z", rest + 1, second % 60);
    if (1950..2050).contains(&year) {
        element(0x17, format!("{:02}{tail}", year % 100).as_bytes())
    } else {
        element(0x18, format!("{year:04}{tail}").as_bytes())
    }
}

pub(crate) fn authority_key(identifier: &[u8]) -> Extension {
    Extension::new(AUTHORITY_KEY, element(SEQUENCE, &element(0x80, identifier)))
}

pub(crate) fn subject_key(identifier: &[u8]) -> Extension {
    Extension::new(SUBJECT_KEY, element(OCTET_STRING, identifier))
}

/// Of a CA.
pub(crate) fn basic_constraints(path_length: Option<u8>) -> Extension {
    let mut contents = element(BOOLEAN, &[0xff]);
    contents.extend(path_length.map_or_else(Vec::new, |length| raw_integer(&[length])));
    Extension::new(BASIC, element(SEQUENCE, &contents)).critical()
}

/// Of somebody who is no CA.
pub(crate) fn no_ca() -> Extension {
    Extension::new(BASIC, element(SEQUENCE, &[])).critical()
}

pub(crate) const DIGITAL_SIGNATURE: u8 = 0x80;
pub(crate) const KEY_ENCIPHERMENT: u8 = 0x20;
pub(crate) const KEY_CERT_SIGN: u8 = 0x04;
pub(crate) const CRL_SIGN: u8 = 0x02;

pub(crate) fn key_usage(bits: u8) -> Extension {
    let unused = u8::try_from(bits.trailing_zeros()).unwrap_or_else(|_| unreachable!("few bits"));
    Extension::new(KEY_USAGE, element(BIT_STRING, &[unused, bits])).critical()
}

/// Purposes of extendedKeyUsage.
pub(crate) const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
pub(crate) const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
pub(crate) const EMAIL: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 4];
pub(crate) const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0];

pub(crate) fn extended_key_usage(purposes: &[&[u8]]) -> Extension {
    let purposes: Vec<u8> = purposes.iter().flat_map(|oid| element(OID, oid)).collect();
    Extension::new(EXTENDED_USAGE, element(SEQUENCE, &purposes))
}

/// A GeneralName.
#[derive(Clone, Copy)]
pub(crate) enum General<'a> {
    Mail(&'a [u8]),
    Dns(&'a [u8]),
    /// A name, from [`name`].
    Directory(&'a [u8]),
    Uri(&'a [u8]),
    /// Address, or in constraints address and mask.
    Ip(&'a [u8]),
}

impl General<'_> {
    fn der(self) -> Vec<u8> {
        match self {
            Self::Mail(octets) => element(0x81, octets),
            Self::Dns(octets) => element(0x82, octets),
            Self::Directory(name) => element(0xa4, name),
            Self::Uri(octets) => element(0x86, octets),
            Self::Ip(octets) => element(0x87, octets),
        }
    }
}

pub(crate) fn alt_names(names: &[General<'_>]) -> Extension {
    let names: Vec<u8> = names.iter().flat_map(|name| name.der()).collect();
    Extension::new(ALT_NAME, element(SEQUENCE, &names))
}

pub(crate) fn name_constraints(permitted: &[General<'_>], excluded: &[General<'_>]) -> Extension {
    let subtrees = |tag, names: &[General<'_>]| {
        let names: Vec<u8> = names.iter().flat_map(|name| element(SEQUENCE, &name.der())).collect();
        if names.is_empty() { names } else { element(tag, &names) }
    };
    let contents = [subtrees(0xa0, permitted), subtrees(0xa1, excluded)].concat();
    Extension::new(CONSTRAINTS, element(SEQUENCE, &contents)).critical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_forms() {
        let text = |seconds| String::from_utf8(time(seconds)[2..].to_vec()).expect("ASCII");
        assert_eq!(text(1_767_225_600), "260101000000Z");
        assert_eq!(text(1_709_208_061), "240229120101Z");
        assert_eq!(text(-631_152_000), "500101000000Z");
        assert_eq!(text(2_524_607_999), "491231235959Z");
        assert_eq!(text(2_524_608_000), "20500101000000Z");
        assert_eq!(text(253_402_300_799), "99991231235959Z");
        assert_eq!((time(0)[0], time(2_524_608_000)[0]), (0x17, 0x18));
    }
}
