//! What the rules ask of one certificate, read with x509-parser: webpki looks at neither keyUsage nor an
//! anchor's own extensions, and does not show what it has read.

use std::borrow::Cow;

use x509_parser::asn1_rs::{Any, Class, Tag};
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::error::X509Error;
use x509_parser::extensions::{
    BasicConstraints, GeneralName, KeyUsage, SubjectAlternativeName, X509Extension,
};
use x509_parser::nom::Parser;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519, OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_EXTENDED_KEY_USAGE,
    OID_X509_EXT_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS, OID_X509_EXT_SUBJECT_ALT_NAME,
};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::error::TlsError;

/// A certificate that was parsed, with what the rules need of its extensions.
pub(crate) struct Certificate<'a> {
    pub(crate) x509: X509Certificate<'a>,
    /// basicConstraints has cA true.
    pub(crate) is_ca: bool,
    pub(crate) path_len: Option<u32>,
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) has_extended_key_usage: bool,
    /// A critical extension other than those above, nameConstraints and subjectAltName.
    pub(crate) has_unknown_critical: bool,
}

impl<'a> Certificate<'a> {
    /// Reads one certificate, of any version.
    // spec: TLS-036 (webpki demands DER and version 3 of all but anchors; twice the same extension is caught here)
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, TlsError> {
        // Only the extensions that a rule is about are read.
        let (rest, x509) = X509CertificateParser::new()
            .with_deep_parse_extensions(false)
            .parse(der)
            .map_err(|error| form(format!("not a DER certificate of X.509: {error}")))?;
        if !rest.is_empty() {
            return Err(form(format!("{} octets follow the certificate", rest.len())));
        }
        if let Some(twice) = twice(x509.extensions()) {
            return Err(form(format!("extension {} is there twice", twice.oid)));
        }
        let mut is_ca = false;
        let mut path_len = None;
        let mut key_usage = None;
        let mut has_extended_key_usage = false;
        let mut has_unknown_critical = false;
        for extension in x509.extensions() {
            if extension.oid == OID_X509_EXT_BASIC_CONSTRAINTS {
                let basic: BasicConstraints = value(extension)?;
                (is_ca, path_len) = (basic.ca, basic.path_len_constraint);
            } else if extension.oid == OID_X509_EXT_KEY_USAGE {
                key_usage = Some(value(extension)?);
            }
            has_extended_key_usage |= extension.oid == OID_X509_EXT_EXTENDED_KEY_USAGE;
            has_unknown_critical |= extension.critical
                && ![
                    OID_X509_EXT_BASIC_CONSTRAINTS,
                    OID_X509_EXT_EXTENDED_KEY_USAGE,
                    OID_X509_EXT_KEY_USAGE,
                    OID_X509_EXT_NAME_CONSTRAINTS,
                    OID_X509_EXT_SUBJECT_ALT_NAME,
                ]
                .contains(&extension.oid);
        }
        Ok(Self { x509, is_ca, path_len, key_usage, has_extended_key_usage, has_unknown_critical })
    }

    /// The names in the subjectAltName, if there is one.
    pub(crate) fn names(&self) -> Result<Vec<GeneralName<'_>>, TlsError> {
        let mut extensions = self.x509.extensions().iter();
        match extensions.find(|extension| extension.oid == OID_X509_EXT_SUBJECT_ALT_NAME) {
            Some(found) => Ok(value::<SubjectAlternativeName<'_>>(found)?.general_names),
            None => Ok(Vec::new()),
        }
    }

    pub(crate) fn subject(&self) -> &[u8] {
        self.x509.subject().as_raw()
    }

    pub(crate) fn issuer(&self) -> &[u8] {
        self.x509.issuer().as_raw()
    }

    pub(crate) fn has_name_constraints(&self) -> bool {
        self.x509.extensions().iter().any(|e| e.oid == OID_X509_EXT_NAME_CONSTRAINTS)
    }

    pub(crate) fn validity(&self) -> Validity {
        let validity = self.x509.validity();
        Validity { from: validity.not_before.timestamp(), until: validity.not_after.timestamp() }
    }

    /// What the rules ask of it if it has issued another, or is an anchor.
    pub(crate) fn as_issuer(&self) -> Issuer<'_> {
        Issuer {
            validity: self.validity(),
            is_ca: self.is_ca,
            path_len: self.path_len,
            key_usage: self.key_usage,
            key: self.check_key(),
            spki: Cow::Borrowed(self.x509.public_key().raw),
        }
    }

    /// Refuses two forms that are not DER and that parsers let pass: an integer with an octet too many as the serial
    /// number, and an extension that says that it is not critical, which is the default.
    // spec: TLS-036
    pub(crate) fn check_der(&self) -> Result<(), TlsError> {
        if matches!(self.x509.raw_serial(), [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..]) {
            return Err(form("its serial number is not DER".into()));
        }
        let Some(extensions) = extensions(self.x509.tbs_certificate.as_ref()) else {
            return Ok(());
        };
        for extension in elements(extensions) {
            if let Some(second) = elements(extension.data).nth(1)
                && second.tag() == Tag::Boolean
                && second.data == [0]
            {
                return Err(form("an extension has critical FALSE, which DER leaves out".into()));
            }
        }
        Ok(())
    }

    /// Refuses a key of another kind or size.
    // spec: TLS-051
    pub(crate) fn check_key(&self) -> Result<(), TlsError> {
        let weak = |what| Err(TlsError::Weak { what, requirement: "TLS-051" });
        let spki = self.x509.public_key();
        let algorithm = &spki.algorithm.algorithm;
        if *algorithm == OID_PKCS1_RSAENCRYPTION {
            match rsa_bits(spki) {
                Some(2048..=8192) => Ok(()),
                _ => weak("an RSA key has fewer than 2048 or more than 8192 bits"),
            }
        } else if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
            let curve = spki.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            match curve {
                Some(curve) if curve == OID_EC_P256 || curve == OID_NIST_EC_P384 => Ok(()),
                _ => weak("the curve of a key is neither P-256 nor P-384"),
            }
        } else if *algorithm == OID_SIG_ED25519 {
            Ok(())
        } else {
            weak("a key is neither RSA nor ECDSA nor Ed25519")
        }
    }
}

/// What the rules ask of the issuer of another certificate, and of an anchor.
#[derive(Debug)]
pub(crate) struct Issuer<'a> {
    pub(crate) validity: Validity,
    pub(crate) is_ca: bool,
    pub(crate) path_len: Option<u32>,
    pub(crate) key_usage: Option<KeyUsage>,
    /// What [`Certificate::check_key`] says.
    pub(crate) key: Result<(), TlsError>,
    /// The subjectPublicKeyInfo, DER.
    pub(crate) spki: Cow<'a, [u8]>,
}

impl Issuer<'_> {
    pub(crate) fn into_owned(self) -> Issuer<'static> {
        Issuer { spki: Cow::Owned(self.spki.into_owned()), ..self }
    }
}

/// From a first to a last second since the Unix epoch, both inside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validity {
    pub(crate) from: i64,
    pub(crate) until: i64,
}

impl Validity {
    /// Refuses a time outside.
    // spec: TLS-037, TLS-038
    pub(crate) fn check(self, now: u64, requirement: &'static str) -> Result<(), TlsError> {
        let Self { from, until } = self;
        if i128::from(now) < i128::from(from) {
            return Err(TlsError::NotYetValid { from, now, requirement });
        }
        if i128::from(now) > i128::from(until) {
            return Err(TlsError::Expired { until, now, requirement });
        }
        Ok(())
    }
}

/// What an extension says.
fn value<'a, T: FromDer<'a, X509Error>>(extension: &X509Extension<'a>) -> Result<T, TlsError> {
    match T::from_der(extension.value) {
        Ok(([], value)) => Ok(value),
        Ok(_) => Err(form(format!("extension {}: octets follow its value", extension.oid))),
        Err(error) => Err(form(format!("extension {}: {error}", extension.oid))),
    }
}

/// An extension whose kind another has too.
pub(crate) fn twice<'a>(extensions: &'a [X509Extension<'a>]) -> Option<&'a X509Extension<'a>> {
    let mut sorted: Vec<_> = extensions.iter().collect();
    sorted.sort_unstable_by_key(|extension| extension.oid.as_bytes());
    sorted.windows(2).find(|pair| pair[0].oid == pair[1].oid).map(|pair| pair[1])
}

/// The contents of the list of extensions of a tbsCertificate.
fn extensions(tbs: &[u8]) -> Option<&[u8]> {
    let tagged = elements(elements(tbs).next()?.data)
        .find(|field| field.class() == Class::ContextSpecific && field.tag() == Tag(3))?;
    elements(tagged.data).next().map(|list| list.data)
}

/// The elements that `content` is made of.
fn elements(mut content: &[u8]) -> impl Iterator<Item = Any<'_>> {
    std::iter::from_fn(move || {
        let (rest, element) = Any::from_der(content).ok()?;
        content = rest;
        Some(element)
    })
}

/// Bits of the modulus.
fn rsa_bits(spki: &SubjectPublicKeyInfo<'_>) -> Option<usize> {
    let Ok(PublicKey::RSA(key)) = spki.parsed() else { return None };
    let start = key.modulus.iter().position(|octet| *octet != 0)?;
    let modulus = &key.modulus[start..];
    Some(modulus.len() * 8 - modulus[0].leading_zeros() as usize)
}

pub(crate) fn form(what: String) -> TlsError {
    TlsError::CertificateForm { what }
}
