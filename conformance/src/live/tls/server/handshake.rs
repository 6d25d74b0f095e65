//! Section 7.2: the handshake of an honest client, and of one that is not who it says.

use rustls::HandshakeKind;
use tunnelproof_vectors::build::live::PrivateKey;

use super::super::case::Case;
use super::super::hello::{Hello, Own, Sessions, Versions};
use super::super::material::SERVER;
use super::super::records::record;
use super::super::setup::ServerSetup;
use super::super::stage::{Stage, told};
use super::{alice, with_tls12};
use crate::live::case::Fault;

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::server(
            "handshake/tls13",
            &["TLS-001", "TLS-009", "TLS-027"],
            "an honest client with TLS 1.3 is served",
            ServerSetup::usual,
            |stage| {
                let tls = stage.served(stage.greet(&alice(stage))?)?;
                told(&tls, "version", "1.3")?;
                told(&tls, "resumed", false)?;
                told(&tls, "authorized", true)
            },
        ),
        Case::server(
            "handshake/both-versions",
            &["TLS-001", "TLS-002"],
            "a client that offers TLS 1.3 and 1.2 gets 1.3",
            ServerSetup::usual,
            |stage| {
                let link = stage.greet(&alice(stage).speaking(Versions::Both))?;
                told(&stage.served(link)?, "version", "1.3")
            },
        ),
        Case::server(
            "handshake/octets-in-pieces",
            &["TLS-008"],
            "a message of the application in records of one octet comes back in order",
            ServerSetup::usual,
            |stage| {
                let mut link = stage.greet(&alice(stage))?;
                stage.shaken(&mut link)?;
                if stage.endpoint.probe.is_none() {
                    let octets = *b"one octet a record";
                    for octet in octets {
                        link.write(&[octet]);
                    }
                    stage.receives(&mut link, &octets)?;
                }
                stage.answers(&mut link)?;
                stage.opened(&link)?;
                stage.closes(link)
            },
        ),
        Case::server(
            "handshake/hello-in-pieces",
            &["TLS-001"],
            "a ClientHello in three records",
            ServerSetup::usual,
            |stage| {
                let mut link = stage.greet(&alice(stage))?;
                let mut is_first = true;
                link.altering(move |octets| {
                    if std::mem::take(&mut is_first) {
                        *octets = in_three_records(octets);
                    }
                });
                stage.served(link).map(drop)
            },
        ),
        Case::server(
            "handshake/key-update",
            &["TLS-001", "TLS-008"],
            "the client takes a new key, and asks the server to do so, inside the connection",
            ServerSetup::usual,
            |stage| {
                let mut link = stage.greet(&alice(stage))?;
                stage.shaken(&mut link)?;
                stage.answers(&mut link)?;
                for _ in 0..3 {
                    let made = link.tls.as_mut().map(|tls| tls.refresh_traffic_keys());
                    if !matches!(made, Some(Ok(()))) {
                        return Err(stage.impossible("rustls takes no new key"));
                    }
                    stage.trace.note(link.port, "sends KeyUpdate");
                    stage.answers(&mut link)?;
                }
                stage.opened(&link)?;
                stage.closes(link)
            },
        ),
        Case::server(
            "handshake/beside-silent-ones",
            &["TLS-001", "TLS-007"],
            "sixty clients have connected and say nothing: another is served all the same",
            ServerSetup::usual,
            |stage| {
                let silent = (0..60).map(|_| stage.connect()).collect::<Result<Vec<_>, _>>()?;
                stage.served(stage.greet(&alice(stage))?)?;
                drop(silent);
                Ok(())
            },
        )
        .alone(),
        Case::server(
            "handshake/early-data",
            &["TLS-006"],
            "a client resumes a session and offers early data: it is not accepted, and the client served",
            ServerSetup::usual,
            early_data,
        ),
    ];
    for (suffix, versions) in [("", Versions::Only13), ("-tls12", Versions::Only12)] {
        let setup = move |material: &_| match versions {
            Versions::Only12 => with_tls12(material),
            _ => ServerSetup::usual(material),
        };
        for (name, about, key) in [
            (
                "other-key",
                "the key that signs is not that of the certificate",
                PrivateKey::p256("somebody"),
            ),
            ("other-kind-of-key", "an RSA key signs for a certificate on P-256", PrivateKey::rsa()),
        ] {
            let play = move |stage: &Stage<'_>| {
                let own = Own { chain: stage.material.client("alice").chain, key: key.clone() };
                stage.refused(stage.greet(&Hello::new(SERVER, own).speaking(versions))?)
            };
            let case = Case::server(
                &format!("handshake/{name}{suffix}"),
                &["TLS-011", "TLS-025"],
                about,
                setup,
                play,
            );
            cases.push(case.refuses(&["handshake"]));
        }
    }
    cases.push(
        Case::server(
            "handshake/other-key-asked",
            &["TLS-025", "TLS-011"],
            "a certificate is asked for and not required: a client that signs with another key is refused all the same",
            |material| ServerSetup {
                clients: super::super::setup::Clients::Ask,
                ..ServerSetup::usual(material)
            },
            |stage| {
                let own = Own { chain: stage.material.client("alice").chain, key: PrivateKey::p256("somebody") };
                stage.refused(stage.greet(&Hello::new(SERVER, own))?)
            },
        )
        .refuses(&["handshake"]),
    );
    cases
}

/// The same handshake message in three records.
fn in_three_records(octets: &[u8]) -> Vec<u8> {
    let Some((header, message)) = octets.split_first_chunk::<5>() else { return octets.to_vec() };
    let version = [header[1], header[2]];
    let third = message.len().div_ceil(3).max(1);
    message.chunks(third).flat_map(|part| record(header[0], version, part)).collect()
}

fn early_data(stage: &Stage<'_>) -> Result<(), Fault> {
    let sessions = Sessions::default();
    stage.served(stage.greet(&alice(stage).resuming(&sessions))?)?;
    sessions.needed()?;
    let hello = Hello { early: true, ..alice(stage).resuming(&sessions) };
    let mut link = stage.greet(&hello)?;
    let label = stage.fresh();
    let Some(rustls::Connection::Client(client)) = &mut link.tls else { return Ok(()) };
    match client.early_data() {
        // Fails only where there is no room.
        Some(mut early) => drop(std::io::Write::write_all(&mut early, label.as_bytes())),
        None => return Err(stage.impossible("rustls offers no early data")),
    }
    stage.shaken(&mut link)?;
    let Some(rustls::Connection::Client(client)) = &link.tls else { return Ok(()) };
    if client.is_early_data_accepted() {
        return Err(Fault::wrong_accept("the early data", "not accepted", "accepted"));
    }
    let is_resumed = client.handshake_kind() == Some(HandshakeKind::Resumed);
    stage.answers(&mut link)?;
    told(&stage.opened(&link)?, "resumed", is_resumed)?;
    stage.closes(link)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::tls::records::{HANDSHAKE, take};

    #[test]
    fn a_record_becomes_three_of_the_same_contents() {
        let message: Vec<u8> = (0..100).collect();
        let mut octets = in_three_records(&record(HANDSHAKE, [3, 1], &message));
        let records: Vec<Vec<u8>> = std::iter::from_fn(|| take(&mut octets)).collect();
        assert_eq!(records.len(), 3);
        let contents = records.iter().flat_map(|record| &record[5..]).copied();
        assert_eq!(contents.collect::<Vec<u8>>(), message);
    }
}
