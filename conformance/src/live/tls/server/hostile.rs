//! Octets that are not TLS, and records that TLS forbids.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::case::Case;
use super::super::link::Link;
use super::super::records::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, record};
use super::super::setup::ServerSetup;
use super::super::stage::Stage;
use super::alice;
use super::versions::sealed_by_hand;
use crate::live::case::Fault;
use tunnelproof_vectors::build::primitives::stream;

const HANDSHAKE_CODE: &[&str] = &["handshake"];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut first = |name: &str, about: &str, octets: fn(&Stage<'_>) -> Vec<u8>| {
        let case = Case::server(
            &format!("hostile/{name}"),
            &["TLS-011"],
            about,
            ServerSetup::usual,
            move |stage| {
                let mut link = stage.connect()?;
                link.send_raw("what is not TLS", &octets(stage));
                link.finish();
                stage.refused(link)
            },
        );
        cases.push(case.refuses(&["handshake", "version"]));
    };
    first("plain-tunnel", "a client that speaks the tunnel without TLS", |stage| {
        let message = stream(&stage.fresh(), 862);
        [&862_u32.to_be_bytes()[..], &message].concat()
    });
    first("http", "a request of HTTP", |_| b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec());
    first("garbage", "octets at random", |stage| {
        let mut octets = stream(&stage.fresh(), 600);
        octets[0] |= 0x80;
        octets
    });
    first("alert", "an alert before any ClientHello", |_| record(ALERT, [3, 1], &[2, 40]));
    first("application-data", "a record of the application before any handshake", |_| {
        record(APPLICATION_DATA, [3, 3], b"the payload of somebody in a hurry")
    });
    first("oversized", "a record in clear that is longer than any may be", |_| {
        record(HANDSHAKE, [3, 1], &[1; 0x4900])
    });
    first("half-hello", "half a ClientHello, and then the end of the stream", |stage| {
        let hello = super::super::client_hello::ClientHello::tls12("a", [7; 32]).octets();
        let _ = stage;
        hello[..hello.len() / 2].to_vec()
    });
    let empty = Case::server(
        "hostile/empty",
        &["TLS-011"],
        "a connection that ends without an octet",
        ServerSetup::usual,
        |stage| {
            let mut link = stage.connect()?;
            link.finish();
            stage.refused(link)
        },
    );
    cases.push(empty.refuses(&["handshake", "truncated"]));

    let mut established =
        |name: &str, about: &str, play: fn(&Stage<'_>, &mut Link<'_>) -> Result<(), Fault>| {
            let case = Case::server(
                &format!("hostile/{name}"),
                &["TLS-011"],
                about,
                ServerSetup::usual,
                move |stage| {
                    let mut link = stage.greet(&alice(stage))?;
                    stage.shaken(&mut link)?;
                    stage.answers(&mut link)?;
                    play(stage, &mut link)?;
                    stage.cut_off(link)
                },
            );
            cases.push(case.refuses(HANDSHAKE_CODE));
        };
    established("bad-tag", "a record of the application whose tag is wrong", |stage, link| {
        link.altering(|record| {
            if let Some(last) = record.last_mut() {
                *last ^= 1;
            }
        });
        link.write(&stage.fresh().into_bytes());
        Ok(())
    });
    established(
        "bad-octet",
        "a record of the application with one octet changed",
        |stage, link| {
            link.altering(|record| {
                if let Some(octet) = record.get_mut(5) {
                    *octet ^= 0x80;
                }
            });
            link.write(&stage.fresh().into_bytes());
            Ok(())
        },
    );
    established(
        "replayed-record",
        "a record of the application that comes twice",
        |stage, link| {
            let sent = Arc::new(Mutex::new(Vec::new()));
            let kept = Arc::clone(&sent);
            link.altering(move |record| {
                kept.lock().unwrap_or_else(PoisonError::into_inner).clone_from(record)
            });
            // The first time it is good, and answered.
            stage.answers(link)?;
            let record = sent.lock().unwrap_or_else(PoisonError::into_inner).clone();
            link.send_raw("the same record again", &record);
            Ok(())
        },
    );
    established(
        "sealed-oversized",
        "a sealed record that is longer than any may be",
        |stage, link| {
            let mut sealer = sealed_by_hand(stage, link)?;
            let record =
                sealer.seal(APPLICATION_DATA, &vec![7; (1 << 14) + 300]).unwrap_or_default();
            link.send_raw("a sealed record of more than 2^14 + 256 octets", &record);
            Ok(())
        },
    );
    established(
        "sealed-unknown-type",
        "a sealed record of a type that there is not",
        |stage, link| {
            let mut sealer = sealed_by_hand(stage, link)?;
            let record = sealer.seal(99, b"what is this?").unwrap_or_default();
            link.send_raw("a sealed record of type 99", &record);
            Ok(())
        },
    );
    established(
        "plaintext-inside",
        "octets of the application in clear, inside a connection",
        |_, link| {
            let plain = record(APPLICATION_DATA, [3, 3], b"in clear, and longer than a tag is");
            link.send_raw("octets of the application in clear", &plain);
            Ok(())
        },
    );
    established(
        "change-cipher-spec-inside",
        "change_cipher_spec inside a connection of TLS 1.3",
        |_, link| {
            link.send_raw("change_cipher_spec", &record(CHANGE_CIPHER_SPEC, [3, 3], &[1]));
            Ok(())
        },
    );
    established("fatal-alert", "a fatal alert in place of close_notify", |stage, link| {
        let mut sealer = sealed_by_hand(stage, link)?;
        let record = sealer.seal(ALERT, &[2, 80]).unwrap_or_default();
        link.send_raw("the alert internal_error, sealed", &record);
        Ok(())
    });
    cases
}
