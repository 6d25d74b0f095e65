//! What the rules ask of one certificate, each field read with x509-parser: webpki looks at neither keyUsage nor an
//! anchor's own extensions, and does not show what it has read.

use std::borrow::Cow;

use x509_parser::asn1_rs::{FromDer, Oid};
use x509_parser::error::X509Error;
use x509_parser::extensions::{BasicConstraints, GeneralName, KeyUsage, SubjectAlternativeName};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519, OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_EXTENDED_KEY_USAGE,
    OID_X509_EXT_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS, OID_X509_EXT_SUBJECT_ALT_NAME,
};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name};

use crate::elements::{
    BIT_STRING, BOOLEAN, Elements, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, all_of,
};
use crate::error::TlsError;

// Identifier octets of fields of a tbsCertificate.
const VERSION: u8 = 0xa0;
const ISSUER_UNIQUE_ID: u8 = 0x81;
const SUBJECT_UNIQUE_ID: u8 = 0x82;
const EXTENSIONS: u8 = 0xa3;

/// A certificate, with what the rules need of it.
pub(crate) struct Certificate<'a> {
    /// The content of the INTEGER.
    pub(crate) serial: &'a [u8],
    /// A Name in DER. It is not looked into: on a path it equals the subject of the certificate above.
    pub(crate) issuer: &'a [u8],
    pub(crate) validity: Validity,
    pub(crate) subject: X509Name<'a>,
    pub(crate) key: SubjectPublicKeyInfo<'a>,
    subject_alt_name: Option<Extension<'a>>,
    /// basicConstraints has cA true.
    pub(crate) is_ca: bool,
    pub(crate) path_len: Option<u32>,
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) has_extended_key_usage: bool,
    pub(crate) has_name_constraints: bool,
    /// A critical extension other than those above.
    pub(crate) has_unknown_critical: bool,
    /// Some extension says that it is not critical.
    has_critical_false: bool,
}

impl<'a> Certificate<'a> {
    /// Reads one certificate, of any version: only what a rule is about, since all of it takes longer than all the
    /// rest of the checks.
    // spec: TLS-036 (webpki demands version 3 of all but anchors, and does not look into names and the leaf's key)
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, TlsError> {
        let mut outside = Elements::new(der);
        let mut certificate = outside.sequence("certificate")?;
        outside.end("the certificate")?;
        let mut tbs = certificate.sequence("tbsCertificate")?;
        certificate.of(SEQUENCE, "signatureAlgorithm")?;
        certificate.of(BIT_STRING, "signatureValue")?;
        certificate.end("the signature")?;

        tbs.optional(VERSION, "version")?;
        let serial = tbs.of(INTEGER, "serialNumber")?.content;
        tbs.checked_sequence("signature")?;
        let issuer = tbs.of(SEQUENCE, "issuer")?.der;
        let validity: x509_parser::certificate::Validity = tbs.value("validity")?;
        let subject = tbs.value("subject")?;
        let key = tbs.value("subjectPublicKeyInfo")?;
        tbs.optional(ISSUER_UNIQUE_ID, "issuerUniqueID")?;
        tbs.optional(SUBJECT_UNIQUE_ID, "subjectUniqueID")?;
        let extensions = tbs.optional(EXTENSIONS, "extensions")?;
        tbs.end("the extensions")?;

        let mut read = Self {
            serial,
            issuer,
            validity: Validity {
                from: validity.not_before.timestamp(),
                until: validity.not_after.timestamp(),
            },
            subject,
            key,
            subject_alt_name: None,
            is_ca: false,
            path_len: None,
            key_usage: None,
            has_extended_key_usage: false,
            has_name_constraints: false,
            has_unknown_critical: false,
            has_critical_false: false,
        };
        if let Some(tagged) = extensions {
            let mut tagged = Elements::new(tagged.content);
            let list = tagged.sequence("extensions")?;
            tagged.end("the extensions")?;
            read.extensions(list)?;
        }
        Ok(read)
    }

    fn extensions(&mut self, mut list: Elements<'a>) -> Result<(), TlsError> {
        let mut kinds = Vec::new();
        while !list.is_empty() {
            let extension = Extension::parse(list.sequence("an extension")?)?;
            self.has_critical_false |= extension.critical == Some(false);
            kinds.push(extension.kind);
            if extension.is(&OID_X509_EXT_BASIC_CONSTRAINTS) {
                let basic: BasicConstraints = extension.value()?;
                (self.is_ca, self.path_len) = (basic.ca, basic.path_len_constraint);
            } else if extension.is(&OID_X509_EXT_KEY_USAGE) {
                self.key_usage = Some(extension.value()?);
            } else if extension.is(&OID_X509_EXT_EXTENDED_KEY_USAGE) {
                self.has_extended_key_usage = true;
            } else if extension.is(&OID_X509_EXT_NAME_CONSTRAINTS) {
                self.has_name_constraints = true;
            } else if extension.is(&OID_X509_EXT_SUBJECT_ALT_NAME) {
                self.subject_alt_name = Some(extension);
            } else {
                self.has_unknown_critical |= extension.critical == Some(true);
            }
        }
        match twice(&mut kinds) {
            Some(kind) => Err(form(format!("extension {} is there twice", oid(kind)))),
            None => Ok(()),
        }
    }

    /// The names in the subjectAltName, if there is one.
    pub(crate) fn names(&self) -> Result<Vec<GeneralName<'_>>, TlsError> {
        match &self.subject_alt_name {
            Some(found) => Ok(found.value::<SubjectAlternativeName<'_>>()?.general_names),
            None => Ok(Vec::new()),
        }
    }

    /// What the rules ask of it if it has issued another, or is an anchor.
    pub(crate) fn as_issuer(&self) -> Issuer<'_> {
        Issuer {
            validity: self.validity,
            is_ca: self.is_ca,
            path_len: self.path_len,
            key_usage: self.key_usage,
            key: self.check_key(),
            spki: Cow::Borrowed(self.key.raw),
        }
    }

    /// Refuses two forms that are not DER and that parsers let pass: an integer with an octet too many as the serial
    /// number, and an extension that says that it is not critical, which is the default.
    // spec: TLS-036
    pub(crate) fn check_der(&self) -> Result<(), TlsError> {
        if matches!(self.serial, [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..]) {
            return Err(form("its serial number is not DER".into()));
        }
        if self.has_critical_false {
            return Err(form("an extension has critical FALSE, which DER leaves out".into()));
        }
        Ok(())
    }

    /// Refuses a key of another kind or size.
    // spec: TLS-051
    pub(crate) fn check_key(&self) -> Result<(), TlsError> {
        let weak = |what| Err(TlsError::Weak { what, requirement: "TLS-051" });
        let spki = &self.key;
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

/// One extension of a certificate.
struct Extension<'a> {
    /// The content of the OBJECT IDENTIFIER.
    kind: &'a [u8],
    /// What it says itself.
    critical: Option<bool>,
    value: &'a [u8],
}

impl<'a> Extension<'a> {
    fn parse(mut content: Elements<'a>) -> Result<Self, TlsError> {
        let kind = content.of(OBJECT_IDENTIFIER, "the kind of an extension")?.content;
        let critical = match content.optional(BOOLEAN, "critical")?.map(|flag| flag.content) {
            None => None,
            Some([0]) => Some(false),
            Some([0xff]) => Some(true),
            Some(_) => return Err(form("an extension is neither critical nor not".into())),
        };
        let value = content.of(OCTET_STRING, "the value of an extension")?.content;
        content.end("an extension")?;
        Ok(Self { kind, critical, value })
    }

    fn is(&self, kind: &Oid<'_>) -> bool {
        self.kind == kind.as_bytes()
    }

    fn value<T: FromDer<'a, X509Error>>(&self) -> Result<T, TlsError> {
        all_of(self.value, &format_args!("extension {}", oid(self.kind)))
    }
}

/// An OBJECT IDENTIFIER with this content, to be shown.
pub(crate) fn oid(content: &[u8]) -> Oid<'_> {
    Oid::new(content.into())
}

/// The first of `kinds` that is there twice; sorts them.
pub(crate) fn twice<'k>(kinds: &mut [&'k [u8]]) -> Option<&'k [u8]> {
    kinds.sort_unstable();
    kinds.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[1])
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

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
        KeyUsagePurpose, SanType,
    };
    use rustls::pki_types::CertificateDer;
    use webpki::EndEntityCert;
    use x509_parser::certificate::X509Certificate;

    use super::*;

    /// A CA's certificate, which has more extensions than a leaf's.
    fn certificate() -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(3));
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("example".into())],
            excluded_subtrees: Vec::new(),
        });
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.subject_alt_names = vec![SanType::DnsName("a.example".try_into().expect("IA5"))];
        params.distinguished_name.push(DnType::OrganizationName, "tunnelproof tests");
        let mut unknown = CustomExtension::from_oid_content(&[1, 3, 99], vec![5, 0]);
        unknown.set_criticality(false);
        params.custom_extensions.push(unknown);
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").der().to_vec()
    }

    /// As in a verification, where webpki reads it too.
    fn accepted(der: &[u8]) -> Option<Certificate<'_>> {
        let read = Certificate::parse(der).ok()?;
        EndEntityCert::try_from(&CertificateDer::from(der)).is_ok().then_some(read)
    }

    #[test]
    fn what_is_read_is_what_x509_parser_reads_of_the_whole() {
        let der = certificate();
        let issuer = accepted(&der).expect("good").issuer;
        let at = der.windows(issuer.len()).position(|part| part == issuer).expect("is there");
        let mut compared = 0;
        // All but the issuer, which is not looked into.
        for index in (0..at).chain(at + issuer.len()..der.len()) {
            for change in [1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0xff] {
                let mut changed = der.clone();
                changed[index] ^= change;
                let Some(read) = accepted(&changed) else { continue };
                let (rest, whole) = X509Certificate::from_der(&changed).expect("at least as much");
                assert_eq!(rest, [0; 0]);
                assert_eq!(read.serial, whole.raw_serial());
                assert_eq!(read.issuer, whole.issuer().as_raw());
                assert_eq!(read.validity.from, whole.validity().not_before.timestamp());
                assert_eq!(read.validity.until, whole.validity().not_after.timestamp());
                assert_eq!(read.subject, *whole.subject());
                assert_eq!(read.key, *whole.public_key());
                let basic = whole.basic_constraints().expect("one at most").map(|e| e.value);
                assert_eq!(read.is_ca, basic.is_some_and(|basic| basic.ca));
                assert_eq!(read.path_len, basic.and_then(|basic| basic.path_len_constraint));
                let usage = whole.key_usage().expect("one at most").map(|e| e.value.flags);
                assert_eq!(read.key_usage.map(|usage| usage.flags), usage);
                let has = |kind: Oid<'_>| whole.extensions().iter().any(|e| e.oid == kind);
                assert_eq!(read.has_extended_key_usage, has(OID_X509_EXT_EXTENDED_KEY_USAGE));
                assert_eq!(read.subject_alt_name.is_some(), has(OID_X509_EXT_SUBJECT_ALT_NAME));
                assert_eq!(read.has_name_constraints, has(OID_X509_EXT_NAME_CONSTRAINTS));
                compared += 1;
            }
        }
        assert!(compared > 1000, "{compared}");
    }

    #[test]
    fn no_length_of_another_form_is_accepted() {
        /// The same elements; the length of the `longer`th, counted as they begin, has an octet more than needed.
        fn rewritten(content: &[u8], longer: &mut Option<usize>) -> Vec<u8> {
            let mut elements = Elements::new(content);
            let mut written = Vec::new();
            while let [identifier, ..] = *elements.rest() {
                let element = elements.of(identifier, "an element").expect("is DER");
                let is_longer = *longer == Some(0);
                *longer = longer.and_then(|index| index.checked_sub(1));
                let content = match identifier & 0x20 {
                    0 => element.content.to_vec(),
                    _ => rewritten(element.content, longer),
                };
                let octets = u32::try_from(content.len()).expect("short").to_be_bytes();
                let needed = octets.len() - octets.iter().take_while(|octet| **octet == 0).count();
                let count = usize::from(is_longer) + if content.len() < 0x80 { 0 } else { needed };
                written.push(identifier);
                match u8::try_from(count).expect("small") {
                    0 => written.extend(&octets[3..]),
                    octet => written.extend([&[0x80 | octet], &octets[4 - count..]].concat()),
                }
                written.extend(content);
            }
            written
        }
        let der = certificate();
        assert_eq!(rewritten(&der, &mut None), der);
        let good = accepted(&der).expect("good");
        let mut refused = 0;
        for index in 0.. {
            let mut longer = Some(index);
            let changed = rewritten(&der, &mut longer);
            if longer.is_some() {
                break; // there are no more elements
            }
            match accepted(&changed) {
                None => refused += 1,
                // It is that of the certificate above, where it is the subject.
                Some(read) => assert_ne!(read.issuer, good.issuer, "element {index}"),
            }
        }
        assert!(refused > 40, "{refused}");
    }
}
