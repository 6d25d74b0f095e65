//! Servers whose handshake is none, or has a fault.

use std::time::{Duration, Instant};

use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::live::PrivateKey;

use super::super::case::Case;
use super::super::hello::{Own, Serving};
use super::super::link::Link;
use super::super::material::SERVER;
use super::super::records::{ALERT, APPLICATION_DATA, HANDSHAKE, record};
use super::super::setup::Dial;
use super::super::stage::Stage;
use super::by_hand::{ByHand, SIGNED};
use super::chain::refused;
use super::greeting::{EARLY_DATA, PROTOCOLS, message, protocol_list};
use super::honest;
use crate::live::case::Fault;
use crate::live::peer::tcp;

/// TLS-007.
const LIMIT: Duration = Duration::from_secs(10);

pub fn cases() -> Vec<Case> {
    [in_its_place(), late(), by_hand()].into_iter().flatten().collect()
}

/// What is no handshake of TLS at all.
fn in_its_place() -> Vec<Case> {
    let row = |name: &str, about: &str, octets: fn() -> Vec<u8>| {
        let play = move |stage: &Stage<'_>| {
            let mut link = stage.dial(&Dial::usual(stage.material))?;
            stage.greeting(&mut link)?;
            link.send_raw("in place of TLS", &octets());
            link.finish();
            stage.refused_in_clear(link)
        };
        let case = Case::client(&format!("handshake/{name}"), &["TLS-011", "TLS-021"], about, play);
        case.refuses(&["handshake"])
    };
    vec![
        row("http", "the server answers as one of HTTP does", || {
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".to_vec()
        }),
        row("garbage", "the server answers with octets of no protocol", || {
            tunnelproof_vectors::build::primitives::stream("live garbage", 700)
        }),
        row("nothing", "the server ends the connection in place of an answer", Vec::new),
        row("alert", "the server answers with an alert", || record(ALERT, [3, 3], &[2, 80])),
        row("close-notify", "the server answers with close_notify", || {
            record(ALERT, [3, 3], &[1, 0])
        }),
        row("application-data", "the server answers with a record of the application", || {
            record(APPLICATION_DATA, [3, 3], b"octets of the application")
        }),
        row("client-hello", "the server answers with a ClientHello", || {
            record(HANDSHAKE, [3, 3], &message(1, &[3; 60]))
        }),
        row("half-a-message", "the server begins its answer and ends the connection", || {
            record(HANDSHAKE, [3, 3], &message(2, &[3; 90])[..40])
        }),
        row("longest-message", "the server begins an answer of 16 MiB", || {
            record(HANDSHAKE, [3, 3], &[&[2, 0xff, 0xff, 0xff][..], &[3; 500]].concat())
        }),
        Case::client(
            "handshake/tunnel-in-clear",
            &["TLS-008", "TLS-021"],
            "the server sends M1 in place of TLS",
            |stage| {
                let dial = Dial { tunnel: true, ..Dial::usual(stage.material) };
                let mut link = stage.dial(&dial)?;
                link.send_raw("M1", &tcp::frame(&keys::k4552_a().public.spki()));
                stage.greeting(&mut link)?;
                stage.refused_in_clear(link)
            },
        )
        .refuses(&["handshake"]),
    ]
}

/// Servers that take their time.
fn late() -> Vec<Case> {
    let row =
        |name: &str, about: &str, play: fn(&Stage<'_>, &mut Link<'_>) -> Result<(), Fault>| {
            let play = move |stage: &Stage<'_>| {
                let begun = Instant::now();
                let mut link = stage.dial(&Dial::usual(stage.material))?;
                play(stage, &mut link)?;
                // A deadline that begins anew with the last octet of the trickle is 9 seconds later.
                let deadline = begun + LIMIT + stage.patience.min(Duration::from_secs(6));
                stage.refused_by(link, deadline)?;
                let took = begun.elapsed();
                if took < LIMIT - Duration::from_secs(1) {
                    let found = format!("after {} ms", took.as_millis());
                    return Err(Fault::wrong_reject("the end", "after 10 seconds", found));
                }
                Ok(())
            };
            let case = Case::client(&format!("handshake/{name}"), &["TLS-007"], about, play);
            case.refuses(&["timeout"]).slow()
        };
    vec![
        row("silence", "the server says nothing", |stage, link| stage.greeting(link).map(drop)),
        row(
            "trickle",
            "the server's answer comes octet by octet, one each second",
            |stage, link| {
                stage.greeting(link)?;
                let hello = record(HANDSHAKE, [3, 3], &message(2, &[3; 90]));
                let begun = Instant::now();
                for (second, octet) in (1..).zip(&hello[..9]) {
                    link.send_raw("an octet", &[*octet]);
                    stage.pause_until(begun + Duration::from_secs(second));
                }
                Ok(())
            },
        ),
        row("silence-inside", "the server says nothing after its ServerHello", |stage, link| {
            let mut server = ByHand::greet(stage, link)?;
            server.extensions(link, &[]);
            Ok(())
        }),
    ]
}

/// Flights of TLS 1.3 with one fault each.
fn by_hand() -> Vec<Case> {
    let row =
        |name: &str, rules: &[&str], about: &str, play: fn(&mut ByHand, &mut Link<'_>, &Own)| {
            let play = move |stage: &Stage<'_>| {
                let own = honest(stage.material).own;
                let mut link = stage.dial(&Dial::usual(stage.material))?;
                let mut server = ByHand::greet(stage, &mut link)?;
                play(&mut server, &mut link, &own);
                server.refused(link)
            };
            let case = Case::client(&format!("handshake/{name}"), rules, about, play);
            case.refuses(&["handshake"])
        };
    let proof = &["TLS-021", "TLS-011"];
    vec![
        Case::client(
            "handshake/by-hand",
            &["TLS-001"],
            "an honest flight that was made by hand",
            |stage| {
                let (dial, own) = (Dial::usual(stage.material), honest(stage.material).own);
                let mut link = stage.dial(&dial)?;
                let mut server = ByHand::greet(stage, &mut link)?;
                server.extensions(&mut link, &[]);
                server.proves(&mut link, &own);
                server.finish(&mut link, |_| {});
                server.complete(&mut link)?;
                stage.opened(&link)?;
                match server.next(&mut link)? {
                    (APPLICATION_DATA, octets) if octets == dial.send.concat() => Ok(()),
                    (kind, octets) => {
                        let found = format!("{} octets in a record of type {kind}", octets.len());
                        Err(Fault::wrong_output("what comes then", "the payload", found))
                    }
                }
            },
        ),
        Case::client(
            "handshake/other-key",
            &["TLS-021", "TLS-011"],
            "another key than that of the certificate signs the handshake",
            |stage| {
                let own = Own {
                    key: PrivateKey::p256("an impostor"),
                    ..stage.material.server(&[SERVER]).into()
                };
                refused(stage, &Dial::usual(stage.material), &Serving::new(own))
            },
        )
        .refuses(&["handshake"]),
        row("no-certificate", proof, "the server sends no certificate", |server, link, _| {
            server.extensions(link, &[]);
            server.finish(link, |_| {});
        }),
        row(
            "empty-certificate",
            proof,
            "the server's list of certificates is empty",
            |server, link, own| {
                server.extensions(link, &[]);
                server.certificate(link, &[]);
                server.verify(link, &own.key, 0x0403, SIGNED);
                server.finish(link, |_| {});
            },
        )
        .refuses(&["handshake", "no_certificate"]),
        row(
            "no-certificate-verify",
            proof,
            "the server does not prove its key",
            |server, link, own| {
                server.extensions(link, &[]);
                server.certificate(link, &own.chain);
                server.finish(link, |_| {});
            },
        ),
        row(
            "proof-of-client",
            proof,
            "the server's proof is one that a client makes",
            |server, link, own| {
                server.extensions(link, &[]);
                server.certificate(link, &own.chain);
                server.verify(link, &own.key, 0x0403, "TLS 1.3, client CertificateVerify");
                server.finish(link, |_| {});
            },
        ),
        row(
            "proof-before",
            proof,
            "the server's proof is of another handshake",
            |server, link, own| {
                server.extensions(link, &[]);
                server.certificate(link, &own.chain);
                server.verify(link, &own.key, 0x0403, "");
                server.finish(link, |_| {});
            },
        ),
        row(
            "proof-scheme",
            proof,
            "the server's proof names a scheme of another key",
            |server, link, own| {
                server.extensions(link, &[]);
                server.certificate(link, &own.chain);
                server.verify(link, &own.key, 0x0804, SIGNED);
                server.finish(link, |_| {});
            },
        ),
        row(
            "proof-pkcs1",
            proof,
            "the server's proof is one of RSASSA-PKCS1-v1_5",
            |server, link, _| {
                let material = link.stage.material;
                let own: Own = material.server_ca.server(&[SERVER], PrivateKey::rsa()).into();
                server.extensions(link, &[]);
                server.certificate(link, &own.chain);
                server.verify(link, &own.key, 0x0401, SIGNED);
                server.finish(link, |_| {});
            },
        ),
        row(
            "finished",
            proof,
            "the last bit of the server's Finished is changed",
            |server, link, own| {
                server.extensions(link, &[]);
                server.proves(link, own);
                server.finish(link, |mac| {
                    if let Some(last) = mac.last_mut() {
                        *last ^= 1;
                    }
                });
            },
        ),
        row("finished-empty", proof, "the server's Finished is empty", |server, link, own| {
            server.extensions(link, &[]);
            server.proves(link, own);
            server.finish(link, Vec::clear);
        }),
        row(
            "early-data-accepted",
            &["TLS-006", "TLS-011"],
            "the server accepts early data that nobody has offered",
            |server, link, own| {
                server.extensions(link, &[(EARLY_DATA, Vec::new())]);
                server.proves(link, own);
                server.finish(link, |_| {});
            },
        ),
        row(
            "alpn-not-offered",
            &["TLS-014"],
            "the server selects a protocol that was not offered",
            |server, link, own| {
                server.extensions_only(link, &[(PROTOCOLS, protocol_list(&[b"h2"]))]);
                server.proves(link, own);
                server.finish(link, |_| {});
            },
        )
        .refuses(&["alpn", "handshake"]),
        row("alpn-two", &["TLS-014"], "the server selects two protocols", |server, link, own| {
            let both = protocol_list(&[b"h2", super::super::hello::ALPN]);
            server.extensions_only(link, &[(PROTOCOLS, both)]);
            server.proves(link, own);
            server.finish(link, |_| {});
        })
        .refuses(&["alpn", "handshake"]),
        row(
            "alpn-prefix",
            &["TLS-014"],
            "the server selects a protocol that begins like the one offered",
            |server, link, own| {
                server.extensions_only(link, &[(PROTOCOLS, protocol_list(&[b"secure-tunnel/"]))]);
                server.proves(link, own);
                server.finish(link, |_| {});
            },
        )
        .refuses(&["alpn", "handshake"]),
    ]
}
