//! `secure-tunnel ca show`: certificates, CRLs and authorities as text.

use std::fmt::{Display, Write};
use std::path::Path;

use time::OffsetDateTime;
use x509_parser::der_parser::asn1_rs::Oid;
use x509_parser::pem::Pem;
use x509_parser::prelude::{
    AlgorithmIdentifier, CertificateRevocationList, ExtendedKeyUsage, FromDer, GeneralName,
    ParsedExtension, SubjectPublicKeyInfo, X509Certificate, X509Extension,
};
use x509_parser::public_key::PublicKey;

use super::authority::{self, CRL};
use super::issued::{Entry, fingerprint, name};
use super::names;
use super::profile::{now, shown};
use super::text::{escaped, subject};
use crate::fault::Fault;
use crate::files;

/// The bits of keyUsage, from the first on (RFC 5280 section 4.2.1.3).
const KEY_USAGES: [&str; 9] = [
    "digitalSignature",
    "contentCommitment",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

/// The text for a file or an authority.
pub fn path(path: &Path) -> Result<String, Fault> {
    if path.is_dir() { directory(path) } else { file(path) }
}

/// The text for an authority.
pub fn directory(dir: &Path) -> Result<String, Fault> {
    let mut text = Text::default();
    let der = authority::certificate(dir)?;
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|error| {
        Fault::Input(format!("{}: {error}", dir.join(authority::CERTIFICATE).display()))
    })?;
    text.heading("authority");
    text.field("subject", subject(parsed.subject()));
    text.field("valid", validity(&parsed));
    text.field("key", key(parsed.public_key()));
    text.field("SHA-256", fingerprint(&der));
    let issued = authority::issued(dir)?;
    let list = dir.join(CRL);
    match list.exists() {
        true => text.field("CRL", format!("number {}, {}", issued.crl_number, list.display())),
        false => text.field("CRL", "none has been written"),
    }
    text.heading(format_args!("issued {}", issued.certificate.len()));
    for entry in &issued.certificate {
        text.line(format_args!(
            "  {}  {}  until {}  {:<29}  {entry}",
            entry.serial,
            entry.kind.name(),
            shown(entry.not_after),
            state(entry, now()),
        ));
    }
    Ok(text.0)
}

fn state(entry: &Entry, now: OffsetDateTime) -> String {
    match entry.revoked_at {
        Some(at) => format!("revoked {}", shown(at)),
        None if entry.not_after < now => "expired".to_owned(),
        None => "good".to_owned(),
    }
}

fn file(path: &Path) -> Result<String, Fault> {
    let fault = |text: &str| Fault::Input(format!("{}: {text}", path.display()));
    let octets = files::octets(path).map_err(Fault::Input)?;
    let mut text = Text::default();
    if let Some(found) = der(&octets) {
        text.object(&found.map_err(|error| fault(&error))?, &octets);
        return Ok(text.0);
    }
    for block in Pem::iter_from_buffer(&octets) {
        let block = block.map_err(|error| fault(&error.to_string()))?;
        let label = escaped(&block.label);
        match label.as_str() {
            super::CERTIFICATE | super::CRL => {
                let found = der(&block.contents).ok_or_else(|| fault("a block that is not DER"))?;
                text.object(&found.map_err(|error| fault(&error))?, &block.contents);
            }
            _ if label.ends_with("PRIVATE KEY") => text.heading("private key, not shown"),
            _ => text.heading(format_args!("{label}, not shown")),
        }
    }
    match text.0.is_empty() {
        true => Err(fault("neither a certificate nor a CRL, in PEM or DER")),
        false => Ok(text.0),
    }
}

enum Object<'a> {
    Certificate(Box<X509Certificate<'a>>),
    Crl(Box<CertificateRevocationList<'a>>),
}

/// Nothing if it does not begin as DER does.
fn der(octets: &[u8]) -> Option<Result<Object<'_>, String>> {
    if octets.first() != Some(&0x30) {
        return None;
    }
    let whole = |rest: &[u8]| match rest.len() {
        0 => Ok(()),
        more => Err(format!("{more} octets after the end")),
    };
    Some(match X509Certificate::from_der(octets) {
        Ok((rest, found)) => whole(rest).map(|()| Object::Certificate(Box::new(found))),
        Err(of_certificate) => match CertificateRevocationList::from_der(octets) {
            Ok((rest, found)) => whole(rest).map(|()| Object::Crl(Box::new(found))),
            Err(of_crl) => Err(format!("no certificate ({of_certificate}) and no CRL ({of_crl})")),
        },
    })
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: impl Display) {
        let _ = writeln!(self.0, "{line}"); // into a String, which cannot fail
    }

    fn heading(&mut self, heading: impl Display) {
        self.line(heading);
    }

    fn field(&mut self, label: &str, value: impl Display) {
        self.line(format_args!("  {label:<14}{value}"));
    }

    fn object(&mut self, object: &Object<'_>, der: &[u8]) {
        match object {
            Object::Certificate(found) => self.certificate(found),
            Object::Crl(found) => self.crl(found),
        }
        self.field("SHA-256", fingerprint(der));
    }

    fn certificate(&mut self, certificate: &X509Certificate<'_>) {
        self.heading("certificate");
        self.field("subject", subject(certificate.subject()));
        self.field("issuer", subject(certificate.issuer()));
        self.field("serial", hex::encode(certificate.raw_serial()));
        self.field("valid", validity(certificate));
        for extension in certificate.iter_extensions() {
            self.extension(extension);
        }
        self.field("key", key(certificate.public_key()));
        self.field("signature", algorithm(&certificate.signature_algorithm));
    }

    fn crl(&mut self, crl: &CertificateRevocationList<'_>) {
        self.heading("certificate revocation list");
        self.field("issuer", subject(crl.issuer()));
        let number = crl.crl_number().map(ToString::to_string);
        self.field("number", number.as_deref().unwrap_or("none"));
        let next = crl.next_update().map(|time| shown(time.to_datetime()));
        self.field("this update", shown(crl.last_update().to_datetime()));
        self.field("next update", next.as_deref().unwrap_or("none"));
        self.field("signature", algorithm(&crl.signature_algorithm));
        let revoked = crl.iter_revoked_certificates().collect::<Vec<_>>();
        self.field("revoked", revoked.len());
        for entry in revoked {
            let at = shown(entry.revocation_date.to_datetime());
            self.line(format_args!("    {}  {at}", hex::encode(entry.raw_serial())));
        }
    }

    fn extension(&mut self, extension: &X509Extension<'_>) {
        let critical = if extension.critical { " (critical)" } else { "" };
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(found) => {
                for entry in &found.general_names {
                    self.alternative_name(entry, critical);
                }
            }
            ParsedExtension::BasicConstraints(found) => {
                let ca = if found.ca { "CA:TRUE" } else { "CA:FALSE" };
                let path = found.path_len_constraint.map(|length| format!(", pathlen:{length}"));
                self.field("constraints", format!("{ca}{}{critical}", path.unwrap_or_default()));
            }
            ParsedExtension::KeyUsage(found) => {
                let bits = KEY_USAGES.iter().enumerate();
                let set =
                    bits.filter(|(bit, _)| found.flags >> bit & 1 == 1).map(|(_, name)| *name);
                self.field("key usage", set.collect::<Vec<_>>().join(", ") + critical);
            }
            ParsedExtension::ExtendedKeyUsage(found) => {
                self.field("extended", usages(found).join(", ") + critical);
            }
            ParsedExtension::SubjectKeyIdentifier(id) => {
                self.field("key id", format!("{}{critical}", hex::encode(id.0)));
            }
            ParsedExtension::AuthorityKeyIdentifier(found) => {
                let id = found.key_identifier.as_ref().map(|id| hex::encode(id.0));
                let id = id.as_deref().unwrap_or("none");
                self.field("issuer key id", format!("{id}{critical}"));
            }
            _ => self.field("extension", format!("{}{critical}", extension.oid)),
        }
    }

    fn alternative_name(&mut self, entry: &GeneralName<'_>, critical: &str) {
        let kind = match entry {
            GeneralName::DNSName(_) => "DNS ",
            GeneralName::IPAddress(_) => "IP ",
            GeneralName::URI(_) => "URI ",
            _ => "",
        };
        self.field("name", format!("{kind}{}{critical}", escaped(&name(entry))));
        if let GeneralName::URI(uri) = entry
            && let Some(id) = names::id_of(uri)
        {
            self.field("identity", id);
        }
    }
}

fn validity(certificate: &X509Certificate<'_>) -> String {
    let validity = certificate.validity();
    let [from, to] =
        [validity.not_before, validity.not_after].map(|time| shown(time.to_datetime()));
    format!("{from} to {to}")
}

fn usages(found: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let known = [
        (found.any, "anyExtendedKeyUsage"),
        (found.server_auth, "serverAuth"),
        (found.client_auth, "clientAuth"),
        (found.code_signing, "codeSigning"),
        (found.email_protection, "emailProtection"),
        (found.time_stamping, "timeStamping"),
        (found.ocsp_signing, "OCSPSigning"),
    ];
    let known = known.into_iter().filter(|(set, _)| *set).map(|(_, name)| name.to_owned());
    known.chain(found.other.iter().map(Oid::to_id_string)).collect()
}

fn key(info: &SubjectPublicKeyInfo<'_>) -> String {
    let curve = info.algorithm.parameters.as_ref().and_then(|any| any.clone().oid().ok());
    match info.parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA, {} bits", key.key_size()),
        Ok(PublicKey::EC(key)) => {
            let curve = curve.map(|oid| oid.to_id_string()).unwrap_or_default();
            let curve = match curve.as_str() {
                "1.2.840.10045.3.1.7" => "P-256",
                "1.3.132.0.34" => "P-384",
                "1.3.132.0.35" => "P-521",
                other => other,
            };
            format!("ECDSA {curve}, {} bits", key.key_size())
        }
        _ => algorithm(&info.algorithm),
    }
}

fn algorithm(found: &AlgorithmIdentifier<'_>) -> String {
    let oid = found.algorithm.to_id_string();
    match oid.as_str() {
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256".to_owned(),
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption".to_owned(),
        _ => oid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::args::KeyKind;
    use crate::ca::issued::Issued;
    use crate::ca::profile::{self, Validity};
    use crate::ca::{keys, pem};

    /// A certificate of an authority with an RSA key, one of a client, and a CRL with that one.
    fn objects() -> [Vec<u8>; 3] {
        let validity = Validity::of(1, now()).unwrap();
        let key = keys::generate(KeyKind::Rsa2048).unwrap();
        let params = profile::authority("a, CN=b", validity).unwrap();
        let own = params.self_signed(&*key).unwrap();
        let issuer = rcgen::Issuer::from_params(&params, &*key);
        let id = secure_tunnel::credentials::Id::new(b"mail server").unwrap();
        let leaf = profile::client(&id, validity).unwrap();
        let leaf = leaf.signed_by(&rcgen::KeyPair::generate().unwrap(), &issuer).unwrap();
        let (_, parsed) = X509Certificate::from_der(leaf.der()).unwrap();
        let mut entry = Entry::of(&parsed, leaf.der()).unwrap();
        entry.revoked_at = Some(now());
        let issued = Issued { crl_number: 300, certificate: vec![entry] };
        let crl = profile::crl(&issued, vec![1; 20], validity).signed_by(&issuer).unwrap();
        [own.der().to_vec(), leaf.der().to_vec(), crl.der().to_vec()]
    }

    #[test]
    fn pem_der_and_bundles_are_shown() {
        let [own, leaf, crl] = objects();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let show = |octets: &[u8]| {
            std::fs::write(&path, octets).unwrap();
            file(&path).map_err(|fault| fault.to_string())
        };
        let each = [&own, &leaf, &crl].map(|der| show(der).unwrap());
        assert!(each[0].contains("O=\"a, CN=b\"") && each[0].contains("RSA, 2048 bits"));
        assert!(each[1].contains("identity      \"mail server\""));
        assert!(each[2].contains("number        300\n") && each[2].contains("revoked       1\n"));
        let [own, leaf, list] = [("CERTIFICATE", own), ("CERTIFICATE", leaf), ("X509 CRL", crl)]
            .map(|(label, der)| pem(label, &der).unwrap());
        let other = pem("EC PARAMETERS", &[5, 0]).unwrap();
        let bundle = ["A comment\n", &leaf, &other, &own, &list].concat();
        let expected = [&each[1], "EC PARAMETERS, not shown\n", &each[0], &each[2]].concat();
        assert_eq!(show(bundle.as_bytes()).unwrap(), expected);
        for broken in ["", "text", &leaf[..200], &leaf.replace("MI", "!!")] {
            assert!(show(broken.as_bytes()).unwrap_err().contains("file: "), "{broken}");
        }
    }

    /// Whatever a file holds, there is text or an error.
    #[test]
    fn damaged_octets_do_no_harm() {
        for original in objects() {
            for at in 0..original.len() {
                let shown = |octets: &[u8]| {
                    let object = der(octets)?.ok()?;
                    let mut text = Text::default();
                    text.object(&object, octets);
                    Some(text.0)
                };
                assert_eq!(shown(&original[..at]), None);
                for change in [0x01, 0x80, 0xff, original[at]] {
                    let mut octets = original.clone();
                    octets[at] ^= change;
                    let Some(text) = shown(&octets) else { continue };
                    let raw = |c: char| c.is_control() && c != '\n';
                    assert!(!text.contains(raw), "{at} {change}: {text}");
                }
            }
        }
    }
}
