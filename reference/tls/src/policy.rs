//! The named policies of section 7.13.

/// What the caller allows beyond the defaults: nothing, unless it is named.
// spec: TLS-084
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policies {
    /// TLS 1.2, under the conditions of TLS-003.
    pub tls12: bool,
    /// A leaf without extendedKeyUsage.
    pub eku_if_present: bool,
    /// An anchor outside its validity.
    pub anchor_validity_ignored: bool,
    /// Certificates of issuers without a usable CRL, where CRLs are configured.
    pub crl_unknown_accepted: bool,
    /// CRLs outside their thisUpdate and nextUpdate.
    pub crl_stale_accepted: bool,
    /// A tunnel's id other than the certificate's identity.
    pub any_id: bool,
    /// Binds the tunnel to its TLS connection.
    pub tls_exporter: bool,
}

impl Policies {
    /// Their names, as in section 7.13.
    pub const NAMES: [&'static str; 7] = [
        "tls12",
        "eku-if-present",
        "anchor-validity-ignored",
        "crl-unknown-accepted",
        "crl-stale-accepted",
        "any-id",
        "tls-exporter",
    ];

    /// Those that are named.
    ///
    /// # Errors
    /// The first name that is none of [`NAMES`](Self::NAMES).
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownPolicy> {
        let mut policies = Self::default();
        for name in names {
            let policy = match name {
                "tls12" => &mut policies.tls12,
                "eku-if-present" => &mut policies.eku_if_present,
                "anchor-validity-ignored" => &mut policies.anchor_validity_ignored,
                "crl-unknown-accepted" => &mut policies.crl_unknown_accepted,
                "crl-stale-accepted" => &mut policies.crl_stale_accepted,
                "any-id" => &mut policies.any_id,
                "tls-exporter" => &mut policies.tls_exporter,
                other => return Err(UnknownPolicy(other.to_owned())),
            };
            *policy = true;
        }
        Ok(policies)
    }
}

/// A name that is not a policy's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPolicy(pub String);

impl core::fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "no policy {:?}; there are {}", self.0, Policies::NAMES.join(", "))
    }
}

impl core::error::Error for UnknownPolicy {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_off_unless_named() {
        assert_eq!(Policies::named([]), Ok(Policies::default()));
        let all = Policies::named(Policies::NAMES).expect("all are policies");
        let Policies { tls12, eku_if_present, anchor_validity_ignored, .. } = all;
        let Policies { crl_unknown_accepted, crl_stale_accepted, any_id, tls_exporter, .. } = all;
        assert!(tls12 && eku_if_present && anchor_validity_ignored && crl_unknown_accepted);
        assert!(crl_stale_accepted && any_id && tls_exporter);
        for name in Policies::NAMES {
            assert_ne!(Policies::named([name]), Ok(Policies::default()), "{name}");
        }
        let error = Policies::named(["tls13"]).expect_err("is none");
        assert!(error.to_string().contains("tls12, eku-if-present"), "{error}");
    }
}
