//! Certificates for the tests. Times are in seconds since the Unix epoch.
#![allow(dead_code, unused_imports, clippy::missing_panics_doc, missing_docs)] // each test file uses a part

pub mod pair;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use secure_tunnel::error::Diagnostic;
use secure_tunnel_tls::{Peer, Policies, TlsError, Trust, Verified, server_name};

/// The time of the tests: 2026-01-01.
pub const NOW: u64 = 1_767_225_600;

/// A key with a certificate of it.
pub struct Party {
    pub params: CertificateParams,
    pub key: KeyPair,
    pub der: CertificateDer<'static>,
}

pub fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params
}

pub fn ca_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub fn client_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

pub fn server_params(names: &[&str]) -> CertificateParams {
    let mut params = params("a server");
    let dns = |name: &&str| match name.parse() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(Ia5String::try_from(*name).expect("ASCII")),
    };
    params.subject_alt_names = names.iter().map(dns).collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

pub fn uri(uri: &str) -> SanType {
    SanType::URI(Ia5String::try_from(uri).expect("ASCII"))
}

pub fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

pub fn self_signed(params: CertificateParams) -> Party {
    let key = key();
    let der = params.self_signed(&key).expect("a certificate").der().clone();
    Party { params, key, der }
}

impl Party {
    pub fn root(name: &str) -> Self {
        self_signed(ca_params(name))
    }

    pub fn issue(&self, params: CertificateParams) -> Self {
        self.issue_for(params, key())
    }

    pub fn issue_for(&self, params: CertificateParams, key: KeyPair) -> Self {
        let issuer = Issuer::from_params(&self.params, &self.key);
        let der = params.signed_by(&key, &issuer).expect("a certificate").der().clone();
        Self { params, key, der }
    }

    /// A CRL that lists `serials`, in force for a day each way.
    pub fn crl(&self, serials: &[&[u8]]) -> Vec<u8> {
        self.crl_of(serials, (2025, 12, 31), (2026, 1, 2))
    }

    pub fn crl_of(&self, serials: &[&[u8]], from: (i32, u8, u8), until: (i32, u8, u8)) -> Vec<u8> {
        let revoked = |serial: &&[u8]| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: rcgen::date_time_ymd(2025, 6, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(from.0, from.1, from.2),
            next_update: rcgen::date_time_ymd(until.0, until.1, until.2),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        // rcgen refuses to sign with a certificate whose keyUsage has no cRLSign.
        let mut issuer = self.params.clone();
        issuer.key_usages.clear();
        let issuer = Issuer::from_params(&issuer, &self.key);
        params.signed_by(&issuer).expect("a CRL").der().to_vec()
    }
}

pub fn trust(anchors: &[&Party], crls: &[Vec<u8>], policies: &[&str]) -> Trust {
    let anchors: Vec<_> = anchors.iter().map(|party| &party.der).collect();
    let policies = Policies::named(policies.iter().copied()).expect("policies");
    let trust = Trust::new(&anchors, policies).expect("anchors");
    if crls.is_empty() { trust } else { trust.with_crls(crls).expect("CRLs") }
}

pub fn chain(parties: &[&Party]) -> Vec<CertificateDer<'static>> {
    parties.iter().map(|party| party.der.clone()).collect()
}

pub fn verify_client(trust: &Trust, parties: &[&Party]) -> Result<Verified, TlsError> {
    trust.verify(Peer::Client, &chain(parties), NOW)
}

pub fn verify_server(trust: &Trust, parties: &[&Party], name: &str) -> Result<Verified, TlsError> {
    let name = server_name(name.as_bytes())?;
    trust.verify(Peer::Server { name: &name }, &chain(parties), NOW)
}

#[track_caller]
pub fn refused<T: core::fmt::Debug>(result: Result<T, TlsError>, code: &str) {
    let error = result.expect_err("has to be refused");
    assert_eq!(error.code(), code, "{error}");
}
