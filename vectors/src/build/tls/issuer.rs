//! A small CA for cases by hand: what it issues is good, unless it is asked for something else.

use super::live::PrivateKey;
use super::path::{ca_extensions, good_certificate};
use crate::build::family::hex;
use crate::build::primitives::sign::{Key, raw_integer};
use crate::build::primitives::x509::{
    CLIENT_AUTH, COMMON_NAME, CRL_NUMBER, Certificate, Crl, DIGITAL_SIGNATURE, Extension, General,
    ORGANISATION, SERVER_AUTH, UNIT, UTF8, alt_names, extended_key_usage, key_usage, name,
    subject_key,
};

const DAY: i64 = 86_400;
/// Clocks of the two processes may differ a little.
const BEFORE: i64 = 3_600;

/// A certification authority.
#[derive(Clone)]
pub struct Ca {
    certificate: Certificate,
    key: Key,
    der: Vec<u8>,
    /// From its own certificate on; empty for a root.
    below_root: Vec<Vec<u8>>,
    now: i64,
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Leaf first, without the root.
    pub chain: Vec<Vec<u8>>,
    /// The leaf's.
    pub key: PrivateKey,
    /// Contents of the leaf's serial number.
    pub serial: Vec<u8>,
}

impl Ca {
    /// A root, valid for 30 days from an hour before `now` (seconds since the Unix epoch); name and key depend on
    /// the label.
    #[must_use]
    pub fn root(label: &str, now: u64) -> Self {
        let now = i64::try_from(now).unwrap_or(i64::MAX / 2);
        let key = Key::p256(&format!("live CA: {label}"));
        let valid = (now - BEFORE, now + 30 * DAY);
        let mut certificate =
            good_certificate(&serial_of(label), &subject(label), valid, ca_extensions(&key));
        certificate.with_authority = false;
        let der = certificate.signed(&key, &certificate.subject, &key);
        Self { certificate, key, der, below_root: Vec::new(), now }
    }

    /// A CA below this one.
    #[must_use]
    pub fn intermediate(&self, label: &str) -> Self {
        let key = Key::p256(&format!("live CA: {label}"));
        let valid = (self.now - BEFORE, self.now + 30 * DAY);
        let certificate =
            good_certificate(&serial_of(label), &subject(label), valid, ca_extensions(&key));
        let der = certificate.signed(&key, &self.certificate.subject, &self.key);
        let below_root = [std::slice::from_ref(&der), &*self.below_root].concat();
        Self { certificate, key, der, below_root, now: self.now }
    }

    /// Its certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// A certificate for a server with these names, DNS names, wildcards and IP addresses in text.
    #[must_use]
    pub fn server(&self, names: &[&str], key: PrivateKey) -> Issued {
        self.leaf(SERVER_AUTH, &subject("server"), Some(server_names(names)), self.days(30), key)
    }

    /// As [`Ca::server`], valid from and until these seconds since the Unix epoch.
    #[must_use]
    pub fn server_valid(&self, names: &[&str], key: PrivateKey, valid: (u64, u64)) -> Issued {
        let names = Some(server_names(names));
        self.leaf(SERVER_AUTH, &subject("server"), names, seconds(valid), key)
    }

    /// A certificate for a server whose names all are of the form dNSName, IP addresses too.
    #[must_use]
    pub fn server_by_dns_names(&self, names: &[&str], key: PrivateKey) -> Issued {
        let names: Vec<General<'_>> =
            names.iter().map(|name| General::Dns(name.as_bytes())).collect();
        self.leaf(SERVER_AUTH, &subject("server"), Some(alt_names(&names)), self.days(30), key)
    }

    /// A certificate for a server that only its commonName names, beside these other names if there are any.
    #[must_use]
    pub fn server_by_common_name(&self, own: &str, others: &[&str], key: PrivateKey) -> Issued {
        let subject =
            name(&[(ORGANISATION, UTF8, b"tunnelproof live"), (COMMON_NAME, UTF8, own.as_bytes())]);
        let names = (!others.is_empty()).then(|| server_names(others));
        self.leaf(SERVER_AUTH, &subject, names, self.days(30), key)
    }

    /// A certificate for a client of this identity.
    #[must_use]
    pub fn client(&self, identity: &str, key: PrivateKey) -> Issued {
        let now = u64::try_from(self.now).unwrap_or_default();
        self.client_valid(identity, key, (now - 3_600, now + 30 * 86_400))
    }

    /// As [`Ca::client`], valid from and until these seconds since the Unix epoch.
    #[must_use]
    pub fn client_valid(&self, identity: &str, key: PrivateKey, valid: (u64, u64)) -> Issued {
        let uri = format!("secure-tunnel:{}", percent_encoded(identity));
        let names = alt_names(&[General::Uri(uri.as_bytes())]);
        self.leaf(CLIENT_AUTH, &subject(identity), Some(names), seconds(valid), key)
    }

    /// A certificate for a client that only its commonName names.
    #[must_use]
    pub fn client_by_common_name(&self, identity: &str, key: PrivateKey) -> Issued {
        let subject = name(&[
            (ORGANISATION, UTF8, b"tunnelproof live"),
            (COMMON_NAME, UTF8, identity.as_bytes()),
        ]);
        self.leaf(CLIENT_AUTH, &subject, None, self.days(30), key)
    }

    /// A CRL that is current from an hour ago on for `seconds`, with these serial numbers.
    #[must_use]
    pub fn crl(&self, serials: &[&[u8]], seconds: u64) -> Vec<u8> {
        let crl = Crl {
            version: Some(1),
            algorithm: None,
            this_update: self.now - BEFORE,
            next_update: Some(self.now + i64::try_from(seconds).unwrap_or(DAY)),
            revoked: serials.iter().map(|serial| (serial.to_vec(), Vec::new())).collect(),
            extensions: vec![Extension::new(CRL_NUMBER, raw_integer(&[7]))],
        };
        crl.signed(&self.certificate.subject, &self.key)
    }

    fn days(&self, days: i64) -> (i64, i64) {
        (self.now - BEFORE, self.now + days * DAY)
    }

    fn leaf(
        &self,
        purpose: &[u8],
        subject: &[u8],
        names: Option<Extension>,
        valid: (i64, i64),
        key: PrivateKey,
    ) -> Issued {
        let serial = serial_of(&hex(&[subject, &key.spki()].concat()).to_string());
        let mut extensions = vec![
            subject_key(&key.0.identifier()),
            key_usage(DIGITAL_SIGNATURE),
            extended_key_usage(&[purpose]),
        ];
        extensions.extend(names);
        let certificate = good_certificate(&serial, subject, valid, extensions);
        let der = certificate.signed(&key.0, &self.certificate.subject, &self.key);
        Issued { chain: [&[der], &*self.below_root].concat(), key, serial }
    }
}

/// Positive, of eight octets, without leading zeros.
fn serial_of(label: &str) -> Vec<u8> {
    let mut serial = crate::build::primitives::stream(&format!("live serial: {label}"), 8);
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}

fn subject(unit: &str) -> Vec<u8> {
    name(&[(ORGANISATION, UTF8, b"tunnelproof live"), (UNIT, UTF8, unit.as_bytes())])
}

/// DNS names, wildcards and IP addresses in text.
fn server_names(names: &[&str]) -> Extension {
    let addresses: Vec<Option<Vec<u8>>> = names.iter().map(|name| address(name)).collect();
    let names: Vec<General<'_>> = (names.iter().zip(&addresses))
        .map(|(name, address)| match address {
            Some(octets) => General::Ip(octets),
            None => General::Dns(name.as_bytes()),
        })
        .collect();
    alt_names(&names)
}

fn seconds((from, until): (u64, u64)) -> (i64, i64) {
    let signed = |second| i64::try_from(second).unwrap_or(i64::MAX);
    (signed(from), signed(until))
}

fn address(name: &str) -> Option<Vec<u8>> {
    name.parse().ok().map(|address| match address {
        std::net::IpAddr::V4(address) => address.octets().to_vec(),
        std::net::IpAddr::V6(address) => address.octets().to_vec(),
    })
}

/// All but letters, digits and `-._@` as `%` and two digits.
fn percent_encoded(text: &str) -> String {
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"-._@".contains(octet);
    text.bytes()
        .map(
            |octet| {
                if plain(&octet) { char::from(octet).to_string() } else { format!("%{octet:02X}") }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_lead_from_the_leaf_to_below_the_root() {
        let root = Ca::root("root", 1_800_000_000);
        let below = root.intermediate("CA");
        let client = below.client("ann b", PrivateKey::p256("ann"));
        assert_eq!(client.chain.len(), 2);
        assert_eq!(client.chain[1], below.der());
        let leaf = &client.chain[0];
        let holds = |part: &[u8]| leaf.windows(part.len()).any(|own| own == part);
        assert!(
            holds(b"secure-tunnel:ann%20b") && holds(&client.key.spki()) && holds(&client.serial)
        );
        let server = root.server(&["a.example", "127.0.0.1"], PrivateKey::rsa());
        assert_eq!(server.chain.len(), 1);
        assert!(server.chain[0].windows(6).any(|part| part == [0x87, 4, 127, 0, 0, 1]));
    }
}
