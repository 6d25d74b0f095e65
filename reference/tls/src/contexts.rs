//! Which of a server's contexts serves a client: by the name that the client indicates, section 7.3.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::sign::CertifiedKey;

use crate::error::TlsError;
use crate::own::OwnCertificate;

/// A DNS name, or `*.` and a DNS name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContextName {
    /// Lower case, without the `*.`.
    name: String,
    wildcard: bool,
}

impl ContextName {
    /// Takes `octets` as the name of a context.
    ///
    /// # Errors
    /// [`TlsError::BadName`] if they are neither a DNS name nor `*.` and a DNS name.
    pub fn new(octets: &[u8]) -> Result<Self, TlsError> {
        let (name, wildcard) = match octets.strip_prefix(b"*.") {
            Some(rest) => (rest, true),
            None => (octets, false),
        };
        match crate::server_name(name)? {
            rustls::pki_types::ServerName::DnsName(name) => {
                Ok(Self { name: name.as_ref().to_ascii_lowercase(), wildcard })
            }
            _ => Err(TlsError::BadName {
                name: String::from_utf8_lossy(octets).into_owned(),
                what: "a context has a DNS name; clients do not indicate addresses",
            }),
        }
    }
}

/// The index among `names` of the context for a client that indicates `indicated`, or `None` for the default
/// context.
///
/// # Errors
/// [`TlsError::Sni`] if no name fits and there is no default.
pub fn choose<'a>(
    names: impl Iterator<Item = &'a ContextName> + Clone,
    has_default: bool,
    indicated: Option<&[u8]>,
) -> Result<Option<usize>, TlsError> {
    let indicated = indicated.map(String::from_utf8_lossy);
    let position = |wildcard: bool, wanted: &str| {
        let fits = |name: &str| name.eq_ignore_ascii_case(wanted);
        names.clone().position(|name| name.wildcard == wildcard && fits(&name.name))
    };
    let fitting = indicated.as_deref().and_then(|indicated| {
        // spec: TLS-018
        let equal = match indicated.strip_prefix("*.") {
            Some(rest) => position(true, rest),
            None => position(false, indicated),
        };
        // spec: TLS-019
        equal.or_else(|| match indicated.split_once('.') {
            Some((label, rest)) if !label.is_empty() => position(true, rest),
            _ => None,
        })
    });
    // spec: TLS-020
    match fitting {
        None if !has_default => {
            Err(TlsError::Sni { indicated: indicated.map(|name| name.to_ascii_lowercase()) })
        }
        fitting => Ok(fitting),
    }
}

/// The contexts of a server with their certificates.
#[derive(Debug)]
pub(crate) struct Contexts {
    names: Vec<ContextName>,
    /// Index for index.
    certificates: Vec<Arc<CertifiedKey>>,
    default: Option<Arc<CertifiedKey>>,
}

impl Contexts {
    pub(crate) fn new(
        contexts: Vec<(ContextName, OwnCertificate)>,
        default: Option<OwnCertificate>,
    ) -> Arc<Self> {
        let (names, certificates) =
            contexts.into_iter().map(|(name, certificate)| (name, certificate.0)).unzip();
        Arc::new(Self { names, certificates, default: default.map(|certificate| certificate.0) })
    }

    pub(crate) fn choose(&self, indicated: Option<&str>) -> Result<Arc<CertifiedKey>, TlsError> {
        // Most servers have nothing else.
        if let ([], Some(default)) = (&*self.names, &self.default) {
            return Ok(Arc::clone(default));
        }
        let name = indicated.map(str::as_bytes);
        let chosen = choose(self.names.iter(), self.default.is_some(), name)?;
        chosen
            .map_or(self.default.as_ref(), |index| self.certificates.get(index))
            .map(Arc::clone)
            .ok_or_else(|| TlsError::Sni { indicated: indicated.map(str::to_owned) })
    }
}

/// The contexts that each handshake from now on is served by.
pub(crate) type InUse = RwLock<Arc<Contexts>>;

pub(crate) fn in_use(contexts: &InUse) -> Arc<Contexts> {
    Arc::clone(&contexts.read().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(indicated: Option<&str>, default: bool) -> Result<Option<usize>, TlsError> {
        let names = ["*.example.com", "A.example.com", "b.example.net"]
            .map(|name| ContextName::new(name.as_bytes()).expect("a name"));
        choose(names.iter(), default, indicated.map(str::as_bytes))
    }

    #[test]
    fn equal_names_go_before_wildcards_and_those_before_the_default() {
        assert_eq!(chosen(Some("a.example.com"), false), Ok(Some(1)));
        assert_eq!(chosen(Some("A.EXAMPLE.com"), false), Ok(Some(1)));
        assert_eq!(chosen(Some("c.example.com"), false), Ok(Some(0)));
        assert_eq!(chosen(Some("B.example.net"), true), Ok(Some(2)));
        for other in [Some("example.com"), Some("a.b.example.com"), Some(".example.com"), None] {
            assert_eq!(chosen(other, true), Ok(None), "{other:?}");
            assert!(matches!(chosen(other, false), Err(TlsError::Sni { .. })), "{other:?}");
        }
    }

    #[test]
    fn names_of_contexts() {
        for bad in ["", "*", "*.", "*.*.example.com", "a.*.example.com", "127.0.0.1", "a b"] {
            assert!(ContextName::new(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
