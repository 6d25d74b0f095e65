//! Versions, cipher suites and renegotiation: what must not be negotiated (TLS-002 to TLS-005).

use std::sync::{Arc, Mutex, PoisonError};

use tunnelproof_vectors::build::live::PrivateKey;
use tunnelproof_vectors::build::primitives::stream_array;

use super::super::case::Case;
use super::super::client_hello::ClientHello;
use super::super::hello::Versions;
use super::super::link::{Link, Seen};
use super::super::material::{Material, SERVER};
use super::super::records::{APPLICATION_DATA, HANDSHAKE, Sealer};
use super::super::setup::ServerSetup;
use super::super::stage::{Ending, Stage, told};
use super::{alice, with_tls12};
use crate::live::case::Fault;

const VERSION: &[&str] = &["version"];
/// Of what rustls and others have no name for.
const EITHER: &[&str] = &["handshake", "version"];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, version, words) in
        [("ssl3", [3, 0], "SSL 3"), ("tls10", [3, 1], "TLS 1.0"), ("tls11", [3, 2], "TLS 1.1")]
    {
        for (suffix, policy) in [("", false), ("-under-policy", true)] {
            let case = Case::server(
                &format!("versions/{name}{suffix}"),
                &["TLS-004"],
                format!("a ClientHello of {words}, with suites of its time"),
                move |material| with_rsa(material, policy),
                move |stage| {
                    let mut hello = by_hand(stage);
                    hello.version = version;
                    hello.record_version = version;
                    // ECDHE_RSA_AES_128_CBC_SHA, RSA_AES_128_CBC_SHA, RSA_3DES_EDE_CBC_SHA.
                    hello.suites = vec![0xc013, 0x002f, 0x000a];
                    hello.bare = version == [3, 0];
                    not_negotiated(stage, &hello)
                },
            );
            cases.push(case.refuses(EITHER));
        }
    }
    cases.push(
        Case::server(
            "versions/tls12-without-policy",
            &["TLS-002", "TLS-084"],
            "a client that speaks TLS 1.2 alone, without the policy",
            ServerSetup::usual,
            |stage| stage.refused(stage.greet(&alice(stage).speaking(Versions::Only12))?),
        )
        .refuses(VERSION),
    );
    cases.push(Case::server(
        "versions/tls12",
        &["TLS-003", "TLS-002", "TLS-009"],
        "TLS 1.2 under the policy, with ECDHE, AES-GCM and the extended master secret",
        with_tls12,
        |stage| {
            let tls = stage.served(stage.greet(&alice(stage).speaking(Versions::Only12))?)?;
            told(&tls, "version", "1.2")?;
            told(&tls, "authorized", true)
        },
    ));
    cases.push(Case::server(
        "versions/both-under-policy",
        &["TLS-001", "TLS-003"],
        "a client that offers both versions gets 1.3, also under the policy",
        with_tls12,
        |stage| {
            told(
                &stage.served(stage.greet(&alice(stage).speaking(Versions::Both))?)?,
                "version",
                "1.3",
            )
        },
    ));
    let mut suite = |name: &str, about: &str, change: fn(ClientHello) -> ClientHello| {
        let case = Case::server(
            &format!("versions/tls12-{name}"),
            &["TLS-003"],
            about,
            |material| with_rsa(material, true),
            move |stage| {
                // The same with nothing changed is answered.
                let mut link = stage.connect()?;
                link.send_raw("a ClientHello of TLS 1.2", &by_hand(stage).octets());
                if !answers(stage, &mut link) {
                    return Err(Fault::wrong_reject(
                        "a good ClientHello of TLS 1.2",
                        "answered",
                        "the end",
                    ));
                }
                drop(link);
                not_negotiated(stage, &change(by_hand(stage)))
            },
        );
        cases.push(case.refuses(EITHER));
    };
    suite("cbc", "TLS 1.2 with ECDHE and suites of CBC alone", |hello| ClientHello {
        suites: vec![0xc013, 0xc014, 0xc027, 0xc028],
        ..hello
    });
    suite("static-rsa", "TLS 1.2 with RSA key exchange alone", |hello| ClientHello {
        suites: vec![0x009c, 0x009d, 0x002f, 0x0035],
        ..hello
    });
    suite("dhe", "TLS 1.2 with finite fields alone", |hello| ClientHello {
        suites: vec![0x009e, 0x009f, 0x0033],
        ..hello
    });
    suite(
        "without-extended-master-secret",
        "TLS 1.2 without the extended master secret",
        ClientHello::without_extended_master_secret,
    );
    cases.push(
        Case::server(
            "versions/renegotiation",
            &["TLS-005"],
            "the client begins a new handshake inside a connection of TLS 1.2",
            with_tls12,
            renegotiation,
        )
        .refuses(&["handshake"]),
    );
    cases.push(
        Case::server(
            "versions/second-hello",
            &["TLS-005"],
            "a second ClientHello inside a connection of TLS 1.3",
            ServerSetup::usual,
            second_hello,
        )
        .refuses(&["handshake"]),
    );
    cases
}

/// A server whose certificate has an RSA key, so that all suites would do.
fn with_rsa(material: &Material, policy: bool) -> ServerSetup {
    let default = material.server_ca.server(&[SERVER], PrivateKey::rsa());
    let setup = ServerSetup { default: Some(default.into()), ..ServerSetup::usual(material) };
    if policy { setup.policy("tls12") } else { setup }
}

fn by_hand(stage: &Stage<'_>) -> ClientHello {
    let hello = ClientHello::tls12(SERVER, stream_array(&stage.fresh()));
    if stage.material.alpn { hello } else { hello.without_protocols() }
}

/// Whether a ServerHello comes.
fn answers(stage: &Stage<'_>, link: &mut Link<'_>) -> bool {
    let deadline = stage.deadline();
    loop {
        match link.next(deadline) {
            Ok(Seen::Record(record)) if is_server_hello(&record) => return true,
            Ok(Seen::Record(_) | Seen::Alert(_)) => {}
            Ok(_) | Err(_) => return false,
        }
    }
}

fn is_server_hello(record: &[u8]) -> bool {
    record.first() == Some(&HANDSHAKE) && record.get(5) == Some(&2)
}

/// The server must not answer with a ServerHello, and has to end the connection.
fn not_negotiated(stage: &Stage<'_>, hello: &ClientHello) -> Result<(), Fault> {
    let mut link = stage.connect()?;
    link.send_raw("a ClientHello by hand", &hello.octets());
    let deadline = stage.deadline();
    loop {
        match link.next(deadline) {
            Ok(Seen::Record(record)) if is_server_hello(&record) => {
                return Err(Fault::wrong_accept(
                    "the answer",
                    "an alert or the end",
                    "a ServerHello",
                ));
            }
            Ok(Seen::End(_)) => break,
            Ok(_) => {}
            Err(_) => return Err(stage.late("the connection did not end")),
        }
    }
    stage.never_open(&link)?;
    let codes: Vec<&str> = stage.case.codes.iter().map(String::as_str).collect();
    stage.ended(&link, Ending::Codes(&codes))
}

/// RFC 5746 lets a server answer with the warning no_renegotiation and go on, or end the connection.
fn renegotiation(stage: &Stage<'_>) -> Result<(), Fault> {
    let mut link = stage.greet(&alice(stage).speaking(Versions::Only12))?;
    let finished = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&finished);
    link.altering(move |record| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        // The last record of the handshake, and the first that is sealed.
        if record.first() == Some(&HANDSHAKE) {
            kept.clone_from(record);
        }
    });
    stage.shaken(&mut link)?;
    stage.answers(&mut link)?;
    let mut sealer = sealed_by_hand(stage, &mut link)?;
    let finished = finished.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let opened = sealer.open_first_of_own(&finished);
    let Some(verify_data) = opened.as_ref().and_then(|message| message.get(4..)) else {
        return Err(stage.impossible("the Finished of the client can't be opened"));
    };
    let hello = by_hand(stage).renegotiating(verify_data).message();
    let record = sealer.seal(HANDSHAKE, &hello).unwrap_or_default();
    link.send_raw("a ClientHello inside the connection, sealed", &record);
    let record = sealer.seal(APPLICATION_DATA, b"and on").unwrap_or_default();
    link.send_raw("octets of the application, sealed", &record);
    let deadline = stage.deadline();
    loop {
        match link.next(deadline) {
            Ok(Seen::Record(record)) => match sealer.open(&record) {
                Some((HANDSHAKE, message)) if message.first() == Some(&2) => {
                    return Err(Fault::wrong_accept(
                        "the answer",
                        "no_renegotiation or the end",
                        "a ServerHello",
                    ));
                }
                Some((APPLICATION_DATA, _)) | None => break,
                Some(_) => {}
            },
            Ok(Seen::Alert(_)) => {}
            Ok(_) => break,
            Err(_) => return Err(stage.late("neither an answer nor the end came")),
        }
    }
    Ok(())
}

/// RFC 8446, section 4.1.2: the server has to end the connection.
fn second_hello(stage: &Stage<'_>) -> Result<(), Fault> {
    let mut link = stage.greet(&alice(stage))?;
    stage.shaken(&mut link)?;
    stage.answers(&mut link)?;
    let mut sealer = sealed_by_hand(stage, &mut link)?;
    let record = sealer.seal(HANDSHAKE, &by_hand(stage).message()).unwrap_or_default();
    link.send_raw("a ClientHello inside the connection, sealed", &record);
    stage.cut_off(link)
}

pub fn sealed_by_hand(stage: &Stage<'_>, link: &mut Link<'_>) -> Result<Sealer, Fault> {
    link.seal_by_hand()
        .ok_or_else(|| stage.impossible("the secrets of the connection can't be had"))
}
