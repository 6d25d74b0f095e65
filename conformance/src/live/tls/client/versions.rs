//! Section 7.2: versions of TLS and what is negotiated beside them.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::crypto::ring::kx_group::SECP384R1;
use rustls::{ServerConfig, ServerConnection};
use tunnelproof_vectors::build::live::PrivateKey;

use super::super::case::Case;
use super::super::hello::{Own, Serving, Versions};
use super::super::keys::certified;
use super::super::material::SERVER;
use super::super::setup::Dial;
use super::super::stage::{Stage, told};
use super::by_hand12::{DOWNGRADED, Flight};
use super::chain::refused;
use super::greeting::{KEY_SHARE, SUPPORTED_VERSIONS, TLS12, TLS13, send_clear, server_hello};
use super::honest;
use crate::live::case::Fault;

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::client(
            "versions/tls12",
            &["TLS-002", "TLS-084"],
            "the server speaks TLS 1.2 alone, and the policy is off",
            |stage| {
                let serving = honest(stage.material).speaking(Versions::Only12);
                refused(stage, &Dial::usual(stage.material), &serving)
            },
        )
        .refuses(&["version"]),
        Case::client(
            "versions/tls12-policy",
            &["TLS-002", "TLS-003"],
            "the server speaks TLS 1.2 alone, and the policy is on",
            |stage| {
                let dial = Dial::usual(stage.material).policy("tls12");
                let serving = honest(stage.material).speaking(Versions::Only12);
                told(&stage.accepted(&dial, &serving)?, "version", "1.2")
            },
        ),
        Case::client(
            "versions/tls13-before-tls12",
            &["TLS-001", "TLS-002"],
            "the server speaks both versions, and the policy is on",
            |stage| {
                let dial = Dial::usual(stage.material).policy("tls12");
                let serving = honest(stage.material).speaking(Versions::Both);
                told(&stage.accepted(&dial, &serving)?, "version", "1.3")
            },
        ),
        Case::client(
            "versions/tls12-chosen",
            &["TLS-002"],
            "the server chooses TLS 1.2 although it was not offered",
            |stage| {
                let mut link = stage.dial(&Dial::usual(stage.material))?;
                Flight::good(stage).send(stage, &mut link)?;
                stage.refused_in_clear(link)
            },
        )
        .refuses(&["version", "handshake"]),
        Case::client(
            "versions/retry",
            &["TLS-001"],
            "the server asks for a key exchange in another group by HelloRetryRequest",
            retry,
        ),
        by_hello("retry-twice", "the server sends HelloRetryRequest twice", |stage| {
            let mut link = stage.dial(&Dial::usual(stage.material))?;
            let first = stage.greeting(&mut link)?;
            // secp384r1, which none offers at once, or the other NIST curve.
            let group = if first.key_share(0x18).is_some() { 0x17 } else { 0x18 };
            send_clear(&mut link, "HelloRetryRequest", &retry_request(&first.session, group));
            let second = stage.greeting(&mut link)?;
            send_clear(&mut link, "HelloRetryRequest", &retry_request(&second.session, 0x1d));
            stage.refused_in_clear(link)
        }),
        by_hello(
            "retry-for-nothing",
            "HelloRetryRequest asks for the group that was used",
            |stage| {
                let mut link = stage.dial(&Dial::usual(stage.material))?;
                let first = stage.greeting(&mut link)?;
                let used =
                    [0x1d, 0x17, 0x18].into_iter().find(|group| first.key_share(*group).is_some());
                let used = used.ok_or_else(|| stage.skips("the client uses no usual group"))?;
                send_clear(&mut link, "HelloRetryRequest", &retry_request(&first.session, used));
                stage.refused_in_clear(link)
            },
        ),
        by_hello(
            "older-in-extension",
            "supported_versions of the ServerHello says TLS 1.1",
            |stage| {
                let mut link = stage.dial(&Dial::usual(stage.material))?;
                let hello = stage.greeting(&mut link)?;
                let share = [&[0, 0x1d, 0, 32][..], &[9; 32]].concat();
                let extensions = [(SUPPORTED_VERSIONS, vec![3, 2]), (KEY_SHARE, share)];
                let answer = server_hello(TLS12, &[7; 32], &hello.session, 0x1301, &extensions);
                send_clear(&mut link, "ServerHello", &answer);
                stage.refused_in_clear(link)
            },
        ),
        tls12(
            "downgrade",
            &["TLS-002", "TLS-001"],
            "the server's random says that it speaks TLS 1.3 too (RFC 8446, section 4.1.3)",
            &["handshake", "version"],
            |flight| flight.mark = DOWNGRADED,
        ),
        tls12(
            "cbc",
            &["TLS-003"],
            "the server chooses a suite with CBC",
            &["handshake"],
            |flight| {
                flight.suites = vec![0xc023, 0xc009, 0xc024, 0xc00a];
            },
        ),
        tls12(
            "static-rsa",
            &["TLS-003"],
            "the server chooses a suite without an ephemeral key",
            &["handshake"],
            |flight| flight.suites = vec![0x009c, 0x002f, 0x009d, 0x0035, 0x003c],
        ),
        tls12(
            "no-extended-master-secret",
            &["TLS-003"],
            "the server does not use the extended master secret",
            &["handshake"],
            |flight| flight.extended_master_secret = false,
        ),
        tls12(
            "alpn-not-offered",
            &["TLS-014"],
            "the server selects a protocol that was not offered",
            &["alpn", "handshake"],
            |flight| flight.alpn = Some(b"h2"),
        ),
    ];
    for (name, version) in [("tls11", [3, 2]), ("tls10", [3, 1]), ("ssl3", [3, 0])] {
        for policy in [false, true] {
            let name = if policy { format!("{name}-policy") } else { name.to_owned() };
            let about =
                format!("the server chooses version {}.{} of the wire", version[0], version[1]);
            let case =
                Case::client(&format!("versions/{name}"), &["TLS-004"], about, move |stage| {
                    older(stage, version, policy)
                });
            cases.push(case.refuses(&["version", "handshake"]));
        }
    }
    cases
}

fn by_hello(
    name: &str,
    about: &str,
    play: impl Fn(&Stage<'_>) -> Result<(), Fault> + Send + Sync + 'static,
) -> Case {
    Case::client(&format!("versions/{name}"), &["TLS-011", "TLS-004"], about, play)
        .refuses(&["handshake", "version"])
}

/// Under the policy, a flight by hand with one fault; without it the client has to go on.
fn tls12(
    name: &str,
    rules: &[&str],
    about: &str,
    codes: &[&str],
    spoil: impl Fn(&mut Flight) + Send + Sync + 'static,
) -> Case {
    Case::client(&format!("tls12/{name}"), rules, about, move |stage| {
        let dial = Dial::usual(stage.material).policy("tls12");
        let mut link = stage.dial(&dial)?;
        let mut flight = Flight::good(stage);
        flight.send(stage, &mut link)?;
        stage.goes_on(link)?;

        let mut link = stage.dial(&dial)?;
        spoil(&mut flight);
        let is_static = flight.suites.iter().all(|suite| *suite < 0x1000);
        if is_static {
            flight.own = rsa(stage);
        }
        flight.send(stage, &mut link)?;
        stage.refused_in_clear(link)
    })
    .refuses(codes)
}

fn rsa(stage: &Stage<'_>) -> Own {
    stage.material.server_ca.server(&[SERVER], PrivateKey::rsa()).into()
}

/// A version that is long dead, with a suite of its time.
fn older(stage: &Stage<'_>, version: [u8; 2], policy: bool) -> Result<(), Fault> {
    let dial = Dial::usual(stage.material);
    let mut link = stage.dial(&if policy { dial.policy("tls12") } else { dial })?;
    let flight = Flight {
        version,
        suites: vec![0x002f, 0x0035, 0x000a],
        extended_master_secret: false,
        alpn: None,
        own: rsa(stage),
        ..Flight::good(stage)
    };
    flight.send(stage, &mut link)?;
    stage.refused_in_clear(link)
}

/// A server that does the key exchange on secp384r1 alone.
fn retry(stage: &Stage<'_>) -> Result<(), Fault> {
    let mut provider = ring::default_provider();
    provider.kx_groups = vec![SECP384R1];
    let Own { chain, key } = honest(stage.material).own;
    let config = || {
        let builder = ServerConfig::builder_with_provider(Arc::new(provider));
        let mut config = builder
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
                rustls::sign::CertifiedKey::clone(&certified(&chain, &key)),
            )));
        config.alpn_protocols = Serving::new(Own { chain: chain.clone(), key: key.clone() }).alpn;
        ServerConnection::new(Arc::new(config))
    };
    let mut link = stage.dial(&Dial::usual(stage.material))?;
    link.begin(stage.connection(config().map(Into::into))?);
    stage.shaken(&mut link)?;
    stage.opened(&link)?;
    stage.receives(&mut link, &Dial::usual(stage.material).send.concat())?;
    stage.closes(link)
}

/// HelloRetryRequest, a ServerHello with a random of its own (RFC 8446, section 4.1.3).
fn retry_request(session: &[u8], group: u16) -> Vec<u8> {
    let random = tunnelproof_vectors::build::primitives::sha256(&[b"HelloRetryRequest"]);
    let group = group.to_be_bytes().to_vec();
    let extensions = [(SUPPORTED_VERSIONS, TLS13.to_vec()), (KEY_SHARE, group)];
    server_hello(TLS12, &random, session, 0x1302, &extensions)
}
