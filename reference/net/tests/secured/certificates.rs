//! Certificates of a private authority, in memory.

use std::sync::Arc;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::time_provider::DefaultTimeProvider;
use secure_tunnel_net::TlsClient;
use secure_tunnel_tls::{
    Alpn, ClientCertificates, ClientSettings, ClientTls, Lists, OwnCertificate, Policies,
    ServerSettings, ServerTls, Trust, server_name,
};

/// An authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    fn issue(&self, name: SanType, usage: ExtendedKeyUsagePurpose) -> OwnCertificate {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![name];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        OwnCertificate::new(vec![certificate], key.into()).unwrap()
    }

    fn trust(&self, policies: &[&str]) -> Trust {
        let policies = Policies::named(policies.iter().copied()).unwrap();
        Trust::new(&[&self.certificate], policies).unwrap()
    }

    /// A server `localhost` that requires certificates.
    pub fn server(&self, alpn: Alpn, policies: &[&str]) -> Arc<ServerTls> {
        let name = SanType::DnsName(Ia5String::try_from("localhost").unwrap());
        let settings = ServerSettings {
            contexts: vec![],
            default: Some(self.issue(name, ExtendedKeyUsagePurpose::ServerAuth)),
            clients: ClientCertificates::Required,
            trust: self.trust(policies),
            lists: Lists::default(),
            alpn,
            time: Arc::new(DefaultTimeProvider),
        };
        Arc::new(ServerTls::new(settings).unwrap())
    }

    /// A client of it whose certificate names `id`.
    pub fn client(&self, id: &str, alpn: Alpn, policies: &[&str]) -> TlsClient {
        self.issue_client(id, self.trust(policies), alpn)
    }

    /// A client with a certificate of this authority that trusts another, without ALPN.
    pub fn client_of(&self, other: &Self, id: &str) -> TlsClient {
        self.issue_client(id, other.trust(&[]), Alpn::LeftOut)
    }

    fn issue_client(&self, id: &str, trust: Trust, alpn: Alpn) -> TlsClient {
        let uri = format!("secure-tunnel:{id}");
        let name = SanType::URI(Ia5String::try_from(uri).unwrap());
        let settings = ClientSettings {
            trust,
            certificate: Some(self.issue(name, ExtendedKeyUsagePurpose::ClientAuth)),
            alpn,
            time: Arc::new(DefaultTimeProvider),
        };
        let tls = ClientTls::new(settings).unwrap();
        TlsClient::new(Arc::new(tls), server_name(b"localhost").unwrap())
    }
}
