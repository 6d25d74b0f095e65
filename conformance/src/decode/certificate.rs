//! The fields of certificates and CRLs (RFC 5280), as far as a reader of a vector wants to see them.

/// A field's name and octets.
type Field<'a> = (&'static str, &'a [u8]);

/// An element of DER.
struct Element<'a> {
    tag: u8,
    contents: &'a [u8],
    /// With tag and length.
    whole: &'a [u8],
}

/// Serial number, names, validity, key, extensions and signature; `None` if it is no certificate.
pub fn certificate(der: &[u8]) -> Option<Vec<Field<'_>>> {
    let outer = children(only(der)?.contents)?;
    let [signed, algorithm, signature] = outer.as_slice() else { return None };
    let mut parts = children(signed.contents)?;
    if parts.first()?.tag == 0xa0 {
        parts.remove(0);
    }
    let [serial, _, issuer, validity, subject, key, rest @ ..] = parts.as_slice() else {
        return None;
    };
    let mut fields = vec![("serial", serial.contents)];
    fields.extend(names(issuer, ["issuer CN", "issuer O", "issuer OU", "issuer"])?);
    let times = children(validity.contents)?;
    let [not_before, not_after] = times.as_slice() else { return None };
    fields.extend([("notBefore", not_before.contents), ("notAfter", not_after.contents)]);
    fields.extend(names(subject, ["subject CN", "subject O", "subject OU", "subject"])?);
    fields.push(("key", key.whole));
    for part in rest.iter().filter(|part| part.tag == 0xa3) {
        fields.extend(extensions(part)?);
    }
    fields.extend([("algorithm", algorithm.whole), ("signature", signature.contents)]);
    Some(fields)
}

/// Issuer, times, serial numbers and extensions; `None` if it is no CRL.
pub fn crl(der: &[u8]) -> Option<Vec<Field<'_>>> {
    let outer = children(only(der)?.contents)?;
    let [signed, algorithm, signature] = outer.as_slice() else { return None };
    let mut parts = children(signed.contents)?;
    if parts.first()?.tag == 0x02 {
        parts.remove(0);
    }
    let [_, issuer, this_update, rest @ ..] = parts.as_slice() else { return None };
    let mut fields = names(issuer, ["issuer CN", "issuer O", "issuer OU", "issuer"])?;
    fields.push(("thisUpdate", this_update.contents));
    for part in rest {
        match part.tag {
            0x30 => {
                for entry in children(part.contents)? {
                    fields.push(("revoked", children(entry.contents)?.first()?.contents));
                }
            }
            0xa0 => fields.extend(extensions(part)?),
            _ => fields.push(("nextUpdate", part.contents)),
        }
    }
    fields.extend([("algorithm", algorithm.whole), ("signature", signature.contents)]);
    Some(fields)
}

/// The values of a name's attributes: commonName, organisation, unit, others.
fn names<'a>(name: &Element<'a>, labels: [&'static str; 4]) -> Option<Vec<Field<'a>>> {
    let mut fields = Vec::new();
    for relative in children(name.contents)? {
        for attribute in children(relative.contents)? {
            let parts = children(attribute.contents)?;
            let [kind, value] = parts.as_slice() else { return None };
            let label = match kind.contents {
                [0x55, 4, 3] => labels[0],
                [0x55, 4, 10] => labels[1],
                [0x55, 4, 11] => labels[2],
                _ => labels[3],
            };
            fields.push((label, value.contents));
        }
    }
    Some(fields)
}

/// Each extension's value; subjectAltName by its names. What is not known is shown with its OID.
fn extensions<'a>(wrapper: &Element<'a>) -> Option<Vec<Field<'a>>> {
    let mut fields = Vec::new();
    for extension in children(only(wrapper.contents)?.contents)? {
        let parts = children(extension.contents)?;
        let (oid, value) = (parts.first()?, parts.last()?.contents);
        let label = match oid.contents {
            [0x55, 0x1d, 14] => "subjectKeyIdentifier",
            [0x55, 0x1d, 15] => "keyUsage",
            [0x55, 0x1d, 17] => {
                fields.extend(alternative_names(value)?);
                continue;
            }
            [0x55, 0x1d, 19] => "basicConstraints",
            [0x55, 0x1d, 20] => "cRLNumber",
            [0x55, 0x1d, 30] => "nameConstraints",
            [0x55, 0x1d, 35] => "authorityKeyIdentifier",
            [0x55, 0x1d, 37] => "extendedKeyUsage",
            _ => {
                fields.push(("extension", extension.whole));
                continue;
            }
        };
        fields.push((label, value));
    }
    Some(fields)
}

fn alternative_names(value: &[u8]) -> Option<Vec<Field<'_>>> {
    let label = |tag| match tag {
        0x81 => "SAN mail",
        0x82 => "SAN DNS",
        0x86 => "SAN URI",
        0x87 => "SAN IP",
        _ => "SAN other",
    };
    let names = children(only(value)?.contents)?;
    Some(names.iter().map(|name| (label(name.tag), name.contents)).collect())
}

/// The element that is all of `der`.
fn only(der: &[u8]) -> Option<Element<'_>> {
    let (element, rest) = take(der)?;
    rest.is_empty().then_some(element)
}

fn children(mut contents: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut elements = Vec::new();
    while !contents.is_empty() {
        let (element, rest) = take(contents)?;
        elements.push(element);
        contents = rest;
    }
    Some(elements)
}

/// The first element, and what follows it.
fn take(der: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, after) = der.split_first()?;
    let (&first, after) = after.split_first()?;
    let (length, after) = if first < 0x80 {
        (usize::from(first), after)
    } else {
        let (octets, after) = after.split_at_checked(usize::from(first & 0x7f))?;
        let is_short = (1..=3).contains(&octets.len());
        let length = octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
        (is_short.then_some(length)?, after)
    };
    let (contents, rest) = after.split_at_checked(length)?;
    let whole = &der[..der.len() - rest.len()];
    Some((Element { tag, contents, whole }, rest))
}
