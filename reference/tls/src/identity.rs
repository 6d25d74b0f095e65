//! Who a client's certificate says that the client is: section 7.8.

use secure_tunnel::credentials::Id;
use x509_parser::asn1_rs::Tag;
use x509_parser::extensions::GeneralName;

use crate::error::TlsError;
use crate::form::Certificate;

/// The scheme of the URI, with its colon.
const SCHEME: &str = "secure-tunnel:";

/// The tag of uniformResourceIdentifier in GeneralName.
const URI_TAG: Tag = Tag(6);

/// The identity in a client's leaf.
pub(crate) fn identity(leaf: &Certificate<'_>) -> Result<Id, TlsError> {
    let names = leaf.names()?;
    let mut named = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => after_scheme(uri.as_bytes()),
        GeneralName::Invalid(tag, octets) if *tag == URI_TAG => after_scheme(octets),
        _ => None,
    });
    match (named.next(), named.next()) {
        (Some(encoded), None) => id(&percent_decoded(encoded)?),
        // spec: TLS-063
        (Some(_), Some(_)) => fail("two URIs of the scheme secure-tunnel", "TLS-063"),
        (None, _) => common_name(leaf),
    }
}

/// What follows the scheme, if `uri` has it.
// spec: TLS-061
fn after_scheme(uri: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = uri.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME.as_bytes()).then_some(rest)
}

/// Replaces `%` and two hexadecimal digits by their octet.
///
/// # Errors
/// If two hexadecimal digits do not follow, or an octet is not of ASCII.
// spec: TLS-061, TLS-064
pub(crate) fn percent_decoded(encoded: &[u8]) -> Result<Vec<u8>, TlsError> {
    let digit = |octet: Option<u8>| octet.and_then(|octet| char::from(octet).to_digit(16));
    let mut octets = encoded.iter().copied();
    let mut decoded = Vec::with_capacity(encoded.len());
    while let Some(octet) = octets.next() {
        decoded.push(match octet {
            b'%' => match (digit(octets.next()), digit(octets.next())) {
                (Some(high), Some(low)) => (high * 16 + low) as u8, // below 256
                _ => return fail("a % without two hexadecimal digits", "TLS-064"),
            },
            0x80.. => return fail("write octets beyond ASCII with %", "TLS-061"),
            octet => octet,
        });
    }
    Ok(decoded)
}

// spec: TLS-062, TLS-063, TLS-065
fn common_name(leaf: &Certificate<'_>) -> Result<Id, TlsError> {
    let mut names = leaf.subject.iter_common_name();
    let value = match (names.next(), names.next()) {
        (Some(name), None) => name.attr_value(),
        (None, _) => return fail("neither a URI secure-tunnel: nor a commonName", "TLS-063"),
        (Some(_), Some(_)) => return fail("several commonNames", "TLS-063"),
    };
    if ![Tag::Utf8String, Tag::PrintableString].contains(&value.tag()) {
        return fail("the commonName is neither a UTF8String nor a PrintableString", "TLS-065");
    }
    id(value.data)
}

// spec: TLS-066
fn id(octets: &[u8]) -> Result<Id, TlsError> {
    Id::new(octets).or_else(|_| {
        fail("not an id: 1 to 255 octets of UTF-8 without control characters", "TLS-066")
    })
}

fn fail<T>(what: &'static str, requirement: &'static str) -> Result<T, TlsError> {
    Err(TlsError::Identity { what, requirement })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_decoding() {
        assert_eq!(percent_decoded(b"a%20b%c3%BC"), Ok(b"a b\xc3\xbc".to_vec()));
        assert_eq!(percent_decoded(b"%2541"), Ok(b"%41".to_vec()), "once only");
        for bad in [&b"%"[..], b"%4", b"%4g", b"%+1", b"a%", b"\xc3\xbc"] {
            assert!(percent_decoded(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_scheme_in_any_case_of_letters() {
        assert_eq!(after_scheme(b"Secure-TUNNEL:alice"), Some(&b"alice"[..]));
        assert_eq!(after_scheme(b"secure-tunnel:"), Some(&b""[..]));
        assert_eq!(after_scheme(b"secure-tunnels:alice"), None);
        assert_eq!(after_scheme(b"secure"), None);
    }
}
