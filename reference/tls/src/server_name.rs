//! The name that a client compares a server's certificate with: section 7.7.

use rustls::pki_types::{DnsName, IpAddr, ServerName};
use webpki::EndEntityCert;

use crate::error::TlsError;

/// Takes `octets` as a DNS name (in A-labels, without a final dot) or as an IP address in text.
///
/// # Errors
/// [`TlsError::BadName`] if they are neither.
// spec: TLS-060
pub fn server_name(octets: &[u8]) -> Result<ServerName<'static>, TlsError> {
    let bad = |what| TlsError::BadName { name: String::from_utf8_lossy(octets).into_owned(), what };
    let text = str::from_utf8(octets).map_err(|_| bad("it is not text"))?;
    if !text.is_ascii() {
        return Err(bad("write an internationalised name as A-labels, xn--..."));
    }
    if text.ends_with('.') {
        return Err(bad("leave the final dot away"));
    }
    if let Ok(address) = IpAddr::try_from(text) {
        return Ok(ServerName::IpAddress(address));
    }
    DnsName::try_from(text).map(|name| ServerName::DnsName(name.to_owned())).map_err(|_| {
        bad("expected a DNS name of letters, digits, hyphens and underscores, or an IP address")
    })
}

/// Compares `expected` with the subjectAltName of `leaf`, and with nothing else.
// spec: TLS-053, TLS-054, TLS-055, TLS-056, TLS-057, TLS-058, TLS-059 (webpki compares, by these rules)
pub(crate) fn check(leaf: &EndEntityCert<'_>, expected: &ServerName<'_>) -> Result<(), TlsError> {
    leaf.verify_is_valid_for_subject_name(expected).map_err(|error| match error {
        webpki::Error::CertNotValidForName(context) => TlsError::ServerName {
            expected: expected.to_str().into_owned(),
            presented: context.presented,
        },
        _ => TlsError::CertificateForm { what: format!("subjectAltName: {error}") },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses() {
        for name in ["localhost", "a.example.com", "A_b-c.Example", "xn--bcher-kva.example"] {
            let parsed = server_name(name.as_bytes()).expect(name);
            assert!(matches!(parsed, ServerName::DnsName(_)), "{name}");
        }
        for address in ["127.0.0.1", "::1", "2001:db8::5"] {
            let parsed = server_name(address.as_bytes()).expect(address);
            assert!(matches!(parsed, ServerName::IpAddress(_)), "{address}");
        }
    }

    #[test]
    fn what_is_neither_is_a_bad_name() {
        let long = "a".repeat(64) + ".example";
        for name in [
            "",
            ".",
            "example.com.",
            "a..b",
            "*.example.com",
            "a b",
            "b\u{fc}cher.example",
            "[::1]",
            "1.2.3",
            "1.2.3.4.5",
            "a\0b",
            "-a.example",
            "a:443",
            "https://a",
            &long,
        ] {
            let error = server_name(name.as_bytes()).expect_err(name);
            assert!(matches!(error, TlsError::BadName { .. }), "{name:?}: {error:?}");
        }
        assert!(server_name(b"\xff\xfe").is_err());
    }
}
