//! `issued.toml`: what an authority has issued and revoked.

use std::fmt;

use secure_tunnel::secret::Zeroizing;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_parser::prelude::{GeneralName, X509Certificate};

use super::names;
use crate::fault::Fault;

const HEADER: &str = "\
# What this authority has issued, written by `secure-tunnel ca`. Revocations and the number of the last CRL are kept
# nowhere else.
";

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// Of the last CRL; 0 before the first.
    pub crl_number: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificate: Vec<Entry>,
}

/// A certificate.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub serial: Serial,
    pub kind: Kind,
    /// The hosts of a server; the id of a client alone.
    pub names: Vec<String>,
    #[serde(with = "rfc3339")]
    pub not_after: OffsetDateTime,
    /// Fingerprint of the DER.
    pub sha256: String,
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<OffsetDateTime>,
}

/// Times in the file.
mod rfc3339 {
    use serde::de::{Deserialize, Deserializer, Error as _};
    use serde::ser::{Error as _, Serializer};
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    pub fn serialize<S: Serializer>(time: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&time.format(&Rfc3339).map_err(S::Error::custom)?)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<OffsetDateTime, D::Error> {
        let text = String::deserialize(from)?;
        OffsetDateTime::parse(&text, &Rfc3339).map_err(D::Error::custom)
    }

    /// TOML has no value for none: such a field is left out.
    pub mod option {
        use super::{Deserializer, OffsetDateTime, Serializer};

        pub fn serialize<S: Serializer>(
            time: &Option<OffsetDateTime>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => super::serialize(time, to),
                None => to.serialize_none(),
            }
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<OffsetDateTime>, D::Error> {
            super::deserialize(from).map(Some)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Server,
    Client,
}

/// A positive serial number of 1 to 20 octets, the first not zero; written in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Serial(Vec<u8>);

impl Issued {
    /// The text of the file.
    pub fn text(&self) -> Result<Zeroizing<String>, Fault> {
        let text = toml::to_string(self)
            .map_err(|error| Fault::Local(format!("issued.toml was not made: {error}")))?;
        Ok(Zeroizing::new(format!("{HEADER}{text}")))
    }

    /// The entry of this number.
    pub fn find(&mut self, serial: &Serial) -> Option<&mut Entry> {
        self.certificate.iter_mut().find(|entry| entry.serial == *serial)
    }
}

impl Entry {
    /// What `certificate`, whose octets are `der`, says.
    pub fn of(certificate: &X509Certificate<'_>, der: &[u8]) -> Result<Self, String> {
        let names = certificate.subject_alternative_name().map_err(|error| error.to_string())?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let client = names.iter().find_map(|name| match name {
            GeneralName::URI(uri) => names::id_of(uri),
            _ => None,
        });
        let (kind, names) = match client {
            Some(id) => (Kind::Client, vec![id.as_str().to_owned()]),
            None => (Kind::Server, names.iter().map(name).collect()),
        };
        Ok(Self {
            serial: Serial::of(certificate)?,
            kind,
            names,
            not_after: certificate.validity().not_after.to_datetime(),
            sha256: fingerprint(der),
            revoked_at: None,
        })
    }

    /// Whether it is a client's of this id.
    pub fn is_of(&self, id: &str) -> bool {
        self.kind == Kind::Client && self.names == [id]
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names.as_slice() {
            [id] if self.kind == Kind::Client => write!(f, "{id:?}"),
            names => {
                let names = names.iter().map(|name| super::text::escaped(name));
                f.write_str(&names.collect::<Vec<_>>().join(" "))
            }
        }
    }
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

impl Serial {
    /// 16 octets with 126 bits from the operating system's generator: positive, and always of one length.
    pub fn random() -> Result<Self, Fault> {
        let mut octets = [0; 16];
        getrandom::fill(&mut octets)
            .map_err(|error| Fault::Local(format!("no serial number was made: {error}")))?;
        octets[0] = octets[0] & 0x7f | 0x40;
        Ok(Self(octets.to_vec()))
    }

    /// That of a certificate.
    pub fn of(certificate: &X509Certificate<'_>) -> Result<Self, String> {
        let octets = certificate.raw_serial();
        if octets.first().is_some_and(|first| *first >= 0x80) {
            return Err("its serial number is negative".to_owned());
        }
        let digits = octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        Self::try_from(digits)
    }

    /// Big-endian.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

/// Upper or lower case, with or without colons, with or without leading zeros.
impl TryFrom<String> for Serial {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.replace(':', "");
        let octets = hex::decode(&digits)
            .map_err(|_| "a serial number is an even number of hexadecimal digits".to_owned())?;
        let leading = octets.iter().take_while(|octet| **octet == 0).count();
        match &octets[leading..] {
            octets @ [_, ..] if octets.len() <= 20 => Ok(Self(octets.to_vec())),
            _ => Err("a serial number has 1 to 20 octets and is not 0".to_owned()),
        }
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> Self {
        serial.to_string()
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// SHA-256, in hexadecimal.
pub fn fingerprint(der: &[u8]) -> String {
    hex::encode(Sha256::digest(der))
}

/// A name as it is compared.
pub fn name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) | GeneralName::URI(name) => (*name).to_owned(),
        GeneralName::IPAddress(octets) => {
            match (<[u8; 4]>::try_from(*octets), <[u8; 16]>::try_from(*octets)) {
                (Ok(octets), _) => std::net::Ipv4Addr::from(octets).to_string(),
                (_, Ok(octets)) => std::net::Ipv6Addr::from(octets).to_string(),
                _ => name.to_string(),
            }
        }
        _ => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_serials_are_positive_and_of_one_length() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let serial = Serial::random().unwrap();
            assert_eq!(serial.octets().len(), 16);
            assert!((0x40..0x80).contains(&serial.octets()[0]));
            assert!(seen.insert(serial.to_string()));
        }
    }

    #[test]
    fn serials_are_read_as_others_write_them() {
        let serial = |text: &str| Serial::try_from(text.to_owned());
        for text in ["5f0c6a", "5F0C6A", "5F:0c:6A", "00005f0c6a"] {
            assert_eq!(serial(text).unwrap().to_string(), "5f0c6a");
        }
        for text in ["", "0", "00", "abc", "x0", "a b0", &"11".repeat(21)] {
            assert!(serial(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_file_is_read_back() {
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let entry = |kind, names: &[&str], revoked_at| Entry {
            serial: Serial::random().unwrap(),
            kind,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            not_after: at(1_800_000_000),
            sha256: fingerprint(b""),
            revoked_at,
        };
        let issued = Issued {
            crl_number: 7,
            certificate: vec![
                entry(Kind::Server, &["localhost", "127.0.0.1"], None),
                entry(Kind::Client, &["a \"b\"\u{fc}"], Some(at(1_790_000_000))),
            ],
        };
        let text = issued.text().unwrap();
        assert!(text.contains("revoked_at = \"2026-09-21T14:13:20Z\""), "{}", *text);
        let again: Issued = toml::from_str(&text).unwrap();
        assert_eq!(again.text().unwrap(), text);
        assert!(again.certificate[1].is_of("a \"b\"\u{fc}"));
        assert_eq!(again.certificate[0].to_string(), "localhost 127.0.0.1");
        let none: Issued = toml::from_str(&Issued::default().text().unwrap()).unwrap();
        assert_eq!((none.crl_number, none.certificate.len()), (0, 0));
    }
}
