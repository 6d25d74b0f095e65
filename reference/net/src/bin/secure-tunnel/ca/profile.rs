//! What stands in certificates and CRLs (RFC 5280).

use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyUsagePurpose, RevokedCertParams,
    SanType, SerialNumber,
};
use secure_tunnel::credentials::Id;
use time::{Duration, OffsetDateTime};

use super::issued::{Issued, Serial};
use super::names::{self, Host};
use crate::fault::Fault;

/// Validity begins so much before it is given out: a peer's clock may be behind.
const SKEW: Duration = Duration::minutes(5);

/// X.520 allows no longer common name or organization.
const MAX_NAME: usize = 64;

/// From when and until when, both in whole seconds of UTC.
#[derive(Debug, Clone, Copy)]
pub struct Validity {
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
}

impl Validity {
    /// From five minutes before `now` until `days` days after it.
    pub fn of(days: u64, now: OffsetDateTime) -> Result<Self, Fault> {
        let days = i64::try_from(days).ok().and_then(|days| days.checked_mul(86_400));
        let not_after = days.and_then(|seconds| now.checked_add(Duration::seconds(seconds)));
        // Year 9999 is the last of GeneralizedTime.
        let not_after =
            not_after.ok_or_else(|| Fault::Input("--days: too far ahead".to_owned()))?;
        Ok(Self { not_before: now - SKEW, not_after })
    }

    /// Refuses to end after the authority that signs.
    pub fn within(
        self,
        days: u64,
        end: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<Self, Fault> {
        if self.not_after <= end {
            return Ok(self);
        }
        let left = (end - now).whole_days();
        let remedy = match left {
            1.. => format!("give --days {left} or less"),
            _ => "make a new authority with `secure-tunnel ca init --dir ...`".to_owned(),
        };
        Err(Fault::Input(format!(
            "--days {days}: the authority's own certificate ends on {}, and no certificate may outlive it; {remedy}",
            shown(end)
        )))
    }
}

/// The present second.
pub fn now() -> OffsetDateTime {
    let now = OffsetDateTime::from(SystemTime::now());
    now.replace_nanosecond(0).unwrap_or(now)
}

/// A time in RFC 3339, of UTC.
pub fn shown(time: OffsetDateTime) -> String {
    // Years before 0 or after 9999 have no such form.
    let text = time.format(&time::format_description::well_known::Rfc3339);
    text.unwrap_or_else(|_| format!("{} s after 1970", time.unix_timestamp()))
}

/// The authority's certificate, signed by itself.
pub fn authority(name: &str, validity: Validity) -> Result<CertificateParams, Fault> {
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME || name.contains(char::is_control) {
        let text =
            format!("--name: expected 1 to {MAX_NAME} characters without control characters");
        return Err(Fault::Input(text));
    }
    let mut params = common(validity)?;
    params.distinguished_name.push(DnType::OrganizationName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// The certificate of a server.
pub fn server(hosts: &[Host], validity: Validity) -> Result<CertificateParams, Fault> {
    let names = hosts.iter().map(Host::alternative_name).collect::<Result<_, _>>()?;
    let label = hosts.first().map(Host::to_string).unwrap_or_default();
    leaf(&label, names, ExtendedKeyUsagePurpose::ServerAuth, validity)
}

/// The certificate of a client.
pub fn client(id: &Id, validity: Validity) -> Result<CertificateParams, Fault> {
    let names = vec![names::alternative_name(id)?];
    leaf(id.as_str(), names, ExtendedKeyUsagePurpose::ClientAuth, validity)
}

/// What is revoked, as of now.
pub fn crl(
    issued: &Issued,
    key_id: Vec<u8>,
    validity: Validity,
) -> CertificateRevocationListParams {
    let revoked = issued.certificate.iter().filter_map(|entry| {
        Some(RevokedCertParams {
            serial_number: SerialNumber::from_slice(entry.serial.octets()),
            revocation_time: entry.revoked_at?,
            reason_code: None,
            invalidity_date: None,
        })
    });
    CertificateRevocationListParams {
        this_update: validity.not_before,
        next_update: validity.not_after,
        crl_number: issued.crl_number.into(),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::PreSpecified(key_id),
    }
}

fn leaf(
    label: &str,
    names: Vec<SanType>,
    usage: ExtendedKeyUsagePurpose,
    validity: Validity,
) -> Result<CertificateParams, Fault> {
    let mut params = common(validity)?;
    // Where the label does not fit, the subject is empty, and nothing else that a reader of common names could take
    // for a name.
    let printable = label.bytes().all(|octet| matches!(octet, b' '..=b'~'));
    if printable && (1..=MAX_NAME).contains(&label.len()) {
        params.distinguished_name.push(DnType::CommonName, label);
    }
    params.subject_alt_names = names;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn common(validity: Validity) -> Result<CertificateParams, Fault> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(SerialNumber::from_slice(Serial::random()?.octets()));
    params.not_before = validity.not_before;
    params.not_after = validity.not_after;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> OffsetDateTime {
        OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap()
    }

    #[test]
    fn validity_is_in_days_from_now_with_room_for_clocks() {
        let validity = Validity::of(365, at("2026-02-03T04:05:06Z")).unwrap();
        assert_eq!(shown(validity.not_before), "2026-02-03T04:00:06Z");
        assert_eq!(shown(validity.not_after), "2027-02-03T04:05:06Z");
        assert!(Validity::of(u64::MAX, now()).is_err());
        assert!(Validity::of(3_000_000, now()).is_err());
    }

    #[test]
    fn times_are_utc_times_until_2049() {
        use x509_parser::prelude::{FromDer, X509Certificate};
        let key = rcgen::KeyPair::generate().unwrap();
        for (end, utc) in [("2049-12-31T23:59:59Z", true), ("2050-01-01T00:00:00Z", false)] {
            let validity = Validity { not_before: at("2026-02-03T04:05:06Z"), not_after: at(end) };
            let made = authority("a", validity).unwrap().self_signed(&key).unwrap();
            let (_, read) = X509Certificate::from_der(made.der()).unwrap();
            let of = read.validity();
            assert!(of.not_before.is_utctime());
            assert_eq!(of.not_after.is_utctime(), utc);
            assert_eq!(of.not_after.to_datetime(), at(end));
        }
    }

    #[test]
    fn no_leaf_outlives_its_authority() {
        let now = at("2026-02-03T04:05:06Z");
        let fault = |days, end| {
            let validity = Validity::of(days, now).unwrap();
            validity.within(days, at(end), now).err().map(|fault| fault.to_string())
        };
        assert_eq!(fault(10, "2026-02-13T04:05:06Z"), None);
        let text = fault(10, "2026-02-13T04:05:05Z").unwrap();
        assert!(text.contains("ends on 2026-02-13T04:05:05Z") && text.contains("--days 9 or less"));
        assert!(fault(1, "2026-02-03T05:00:00Z").unwrap().contains("ca init"));
        assert!(fault(1, "2025-01-01T00:00:00Z").unwrap().contains("ca init"));
    }

    #[test]
    fn ids_that_do_not_fit_leave_the_subject_empty() {
        let validity = Validity::of(1, now()).unwrap();
        let subject = |id: &str| {
            let params = client(&Id::new(id.as_bytes()).unwrap(), validity).unwrap();
            params.distinguished_name.iter().count()
        };
        let long = "a".repeat(65);
        assert_eq!((subject("mail server"), subject(&long[..64])), (1, 1));
        assert_eq!((subject("\u{fc}"), subject(&long)), (0, 0));
    }

    #[test]
    fn names_of_authorities_are_bounded() {
        let validity = Validity::of(1, now()).unwrap();
        let long = "\u{fc}".repeat(65);
        for (name, good) in
            [("", false), ("a\nb", false), (&long, false), (&long[2..], true), ("ABC Inc.", true)]
        {
            assert_eq!(authority(name, validity).is_ok(), good, "{name:?}");
        }
    }
}
