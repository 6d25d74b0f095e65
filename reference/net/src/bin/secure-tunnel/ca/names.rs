//! The names that certificates are for: hosts of servers, identities of clients.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use rcgen::SanType;
use secure_tunnel::credentials::Id;

use crate::fault::Fault;

/// What a client has to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// In lower case, letters, digits and hyphens, or `*` as the first label.
    Dns(String),
    Ip(IpAddr),
}

/// The scheme of the URI that a client's id is written as.
const SCHEME: &str = "secure-tunnel:";

impl Host {
    /// The entry of subjectAltName.
    pub fn alternative_name(&self) -> Result<SanType, Fault> {
        Ok(match self {
            Self::Dns(name) => SanType::DnsName(ia5(name)?),
            Self::Ip(address) => SanType::IpAddress(*address),
        })
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        if !text.is_ascii() {
            return Err(
                "not ASCII: write an internationalised name in A-labels (xn--...)".to_owned()
            );
        }
        let name = text.to_ascii_lowercase();
        if name.is_empty() || name.len() > 253 {
            return Err("a DNS name has 1 to 253 characters".to_owned());
        }
        let labels = name.split('.').collect::<Vec<_>>();
        let plain = match labels[..] {
            ["*", ref rest @ ..] if rest.len() >= 2 => rest,
            _ if name.contains('*') => {
                return Err("a wildcard is a whole label, the first, with two or more labels \
                            after it: *.example.org"
                    .to_owned());
            }
            _ => &labels[..],
        };
        for label in plain {
            check(label)?;
        }
        if plain.last().is_some_and(|last| last.bytes().all(|octet| octet.is_ascii_digit())) {
            return Err("the last label of a DNS name is not a number, and this is not an IP \
                        address either"
                .to_owned());
        }
        Ok(Self::Dns(name))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// A label of a host name (RFC 1123 section 2.1).
fn check(label: &str) -> Result<(), String> {
    let known = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    if label.is_empty() {
        return Err("an empty label: no dot at either end, and no two in a row".to_owned());
    }
    if label.len() > 63 {
        return Err("a label has at most 63 characters".to_owned());
    }
    if !label.bytes().all(known) || label.starts_with('-') || label.ends_with('-') {
        let shown = label.escape_debug();
        return Err(format!(
            "label {shown}: letters, digits and hyphens only, and no hyphen at either end"
        ));
    }
    Ok(())
}

/// The URI of a client's id: every octet that is not unreserved in RFC 3986 as %XX with upper-case digits.
pub fn uri_of(id: &Id) -> String {
    let mut uri = SCHEME.to_owned();
    for octet in id.as_str().bytes() {
        match octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            true => uri.push(char::from(octet)),
            false => uri.push_str(&format!("%{octet:02X}")),
        }
    }
    uri
}

/// The id whose URI this is. There is one way of writing each, so that two texts are never one id.
pub fn id_of(uri: &str) -> Option<Id> {
    let mut rest = uri.strip_prefix(SCHEME)?.as_bytes();
    let mut octets = Vec::new();
    while let [first, after @ ..] = rest {
        let (octet, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => (*hex::decode([*high, *low]).ok()?.first()?, after),
            _ => (*first, after),
        };
        octets.push(octet);
        rest = after;
    }
    Id::new(&octets).ok().filter(|id| uri_of(id) == uri)
}

/// The entry of subjectAltName for a client.
pub fn alternative_name(id: &Id) -> Result<SanType, Fault> {
    Ok(SanType::URI(ia5(&uri_of(id))?))
}

fn ia5(text: &str) -> Result<rcgen::string::Ia5String, Fault> {
    text.try_into().map_err(|error| Fault::Local(format!("{text}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for (text, shown) in [
            ("localhost", "localhost"),
            ("Invoice.Example", "invoice.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("*.a.example", "*.a.example"),
            ("1.a", "1.a"),
            ("127.0.0.1", "127.0.0.1"),
            ("0:0::1", "::1"),
        ] {
            let host = text.parse::<Host>().unwrap();
            assert_eq!(host.to_string(), shown);
            assert_eq!(matches!(host, Host::Ip(_)), text.parse::<IpAddr>().is_ok());
        }
        let label = "a".repeat(63);
        let longest = [label.as_str(), &label, &label, &label[..61]].join(".");
        assert_eq!(longest.len(), 253);
        assert!(longest.parse::<Host>().is_ok());
    }

    #[test]
    fn what_is_no_host_is_refused_with_the_reason() {
        let long = "a".repeat(64);
        let longer = ["a"; 128].join(".");
        for (text, reason) in [
            ("", "1 to 253"),
            (longer.as_str(), "1 to 253"),
            (&long, "at most 63"),
            ("a..b", "empty label"),
            (".a", "empty label"),
            ("a.", "empty label"),
            ("-a.b", "hyphen"),
            ("a-.b", "hyphen"),
            ("a_b", "letters, digits"),
            ("a b", "letters, digits"),
            ("a:80", "letters, digits"),
            ("[::1]", "letters, digits"),
            ("http://a", "letters, digits"),
            ("a\n", "letters, digits"),
            ("b\u{fc}cher.example", "A-labels"),
            ("*", "wildcard"),
            ("*.example", "wildcard"),
            ("a*.b.example", "wildcard"),
            ("a.*.b.example", "wildcard"),
            ("*.*.b.example", "letters, digits"),
            ("10.0.0.256", "not a number"),
            ("a.1", "not a number"),
        ] {
            let error = text.parse::<Host>().unwrap_err();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn every_id_has_one_uri() {
        let id = |text: &str| Id::new(text.as_bytes()).unwrap();
        for (text, uri) in [
            ("mail-server", "secure-tunnel:mail-server"),
            ("A.z_9~", "secure-tunnel:A.z_9~"),
            ("a b/%\u{fc}", "secure-tunnel:a%20b%2F%25%C3%BC"),
            ("secure-tunnel:a", "secure-tunnel:secure-tunnel%3Aa"),
        ] {
            assert_eq!(uri_of(&id(text)), uri);
            assert_eq!(id_of(uri), Some(id(text)));
        }
        for uri in [
            "secure-tunnel:",
            "Secure-Tunnel:a",
            "spiffe:a",
            "secure-tunnel:%61",
            "secure-tunnel:%2f",
            "secure-tunnel:a/b",
            "secure-tunnel:%",
            "secure-tunnel:%2",
            "secure-tunnel:%zz",
            "secure-tunnel:%FF",
            "secure-tunnel:%0A",
            "secure-tunnel:\u{fc}",
        ] {
            assert_eq!(id_of(uri), None, "{uri}");
        }
    }
}
