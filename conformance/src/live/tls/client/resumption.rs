//! Section 7.11: sessions that are resumed, and early data.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{HandshakeKind, ServerConfig, ServerConnection};
use serde_json::{Map, Value};
use tunnelproof_vectors::build::live::{Issued, PrivateKey};

use super::super::case::Case;
use super::super::hello::{Serving, Versions};
use super::super::link::Link;
use super::super::material::SERVER;
use super::super::setup::{Dial, fingerprint};
use super::super::stage::{Stage, told};
use super::greeting::{EARLY_DATA, PRE_SHARED_KEY};
use super::honest;
use crate::live::case::Fault;
use crate::live::stage::now;

const OTHER: &str = "other.example.com";
const DAY: u64 = 86_400;

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::client(
            "resumption/resumed",
            &["TLS-080", "TLS-027", "TLS-029"],
            "a session is resumed while everything is as it was",
            |stage| {
                let issued = stage.material.server(&[SERVER]);
                let print = hex::encode(fingerprint(&issued.chain[0]));
                let pair = Pair::new(stage, issued, Versions::Only13)?;
                pair.first(stage, &pair.dial)?;
                let (tls, is_resumed) = pair.accepted(stage, &pair.dial)?;
                if !is_resumed {
                    return Err(stage.skips("the client resumes no session"));
                }
                told(&tls, "resumed", true)?;
                told(&tls, "authorized", true)?;
                told(&tls, "fingerprint", print)
            },
        ),
        Case::client(
            "resumption/expired",
            &["TLS-080", "TLS-037"],
            "a session is resumed after the server's certificate has expired",
            |stage| {
                let until = now() + 6;
                let key = PrivateKey::p256(&stage.fresh());
                let issued =
                    stage.material.server_ca.server_valid(&[SERVER], key, (until - 600, until));
                let pair = Pair::new(stage, issued, Versions::Only13)?;
                pair.first(stage, &pair.dial)?;
                let left = (until + 2).saturating_sub(now());
                stage.pause_until(Instant::now() + Duration::from_secs(left));
                pair.refused(stage, &pair.dial)
            },
        )
        .refuses(&["expired"])
        .slow(),
        Case::client(
            "resumption/other-name-of-both",
            &["TLS-081"],
            "the session began under another name of the same certificate: it is not offered",
            |stage| {
                let pair =
                    Pair::new(stage, stage.material.server(&[SERVER, OTHER]), Versions::Only13)?;
                pair.first(stage, &pair.dial)?;
                let mut link = stage.dial(&pair.dial)?;
                if stage.greeting(&mut link)?.extension(PRE_SHARED_KEY).is_none() {
                    return Err(stage.skips("the client resumes no session"));
                }
                // The session that was offered is used up: another one begins.
                pair.first(stage, &pair.dial)?;
                let dial = Dial { server_name: OTHER.to_owned(), ..pair.dial.clone() };
                let mut link = stage.dial(&dial)?;
                if stage.greeting(&mut link)?.extension(PRE_SHARED_KEY).is_some() {
                    let found = "the session of another name";
                    return Err(Fault::wrong_output("the ClientHello", "no session", found));
                }
                let (tls, _) = pair.accepted(stage, &dial)?;
                told(&tls, "resumed", false)
            },
        ),
        Case::client(
            "resumption/unchecked-before",
            &["TLS-080", "TLS-021"],
            "the session began with encryption only, with a server of a CA that is no anchor",
            |stage| {
                let issued =
                    stage.material.stranger.server(&[SERVER], PrivateKey::p256("a stranger"));
                let pair = Pair::new(stage, issued, Versions::Only13)?;
                pair.first(stage, &Dial { check: false, ..pair.dial.clone() })?;
                pair.refused(stage, &pair.dial)
            },
        )
        .refuses(&["untrusted"]),
        Case::client(
            "resumption/alpn-none",
            &["TLS-014"],
            "the server resumes the session and selects no protocol",
            |stage| {
                let mut pair =
                    Pair::new(stage, stage.material.server(&[SERVER]), Versions::Only13)?;
                pair.first(stage, &pair.dial)?;
                let mut config = ServerConfig::clone(&pair.config);
                config.alpn_protocols.clear();
                pair.config = Arc::new(config);
                pair.refused(stage, &pair.dial)
            },
        )
        .refuses(&["alpn"]),
        Case::client(
            "early/resumed",
            &["TLS-006"],
            "the server's ticket allows early data",
            |stage| {
                let mut serving = honest(stage.material);
                (serving.resumes, serving.early) = (true, 1 << 14);
                let pair = Pair::of(stage, &serving)?;
                pair.first(stage, &pair.dial)?;
                let mut link = stage.dial(&pair.dial)?;
                let hello = stage.greeting(&mut link)?;
                if hello.extension(EARLY_DATA).is_some() {
                    let found = "the extension early_data";
                    return Err(Fault::wrong_output("the ClientHello", "no early data", found));
                }
                match hello.extension(PRE_SHARED_KEY) {
                    Some(_) => Ok(()),
                    None => Err(stage.skips("the client resumes no session")),
                }
            },
        ),
    ];
    for (suffix, versions) in [("", Versions::Only13), ("-tls12", Versions::Only12)] {
        let mut row = |name: &str, rules: &[&str], about: &str, code: &str, change: Change| {
            let play = move |stage: &Stage<'_>| {
                let issued = stage.material.server(&[SERVER]);
                let serial = issued.serial.clone();
                let pair = Pair::new(stage, issued, versions)?;
                pair.first(stage, &pair.dial)?;
                let mut dial = pair.dial.clone();
                change(stage, &serial, &mut dial);
                pair.refused(stage, &dial)
            };
            let name = format!("resumption/{name}{suffix}");
            cases.push(Case::client(&name, rules, about, play).refuses(&[code]));
        };
        row(
            "revoked",
            &["TLS-080", "TLS-068"],
            "a session is resumed whose certificate has been revoked since",
            "revoked",
            |stage, serial, dial| {
                let material = stage.material;
                let crls =
                    [material.server_root.crl(&[], DAY), material.server_ca.crl(&[serial], DAY)];
                dial.crls = Some(crls.to_vec());
            },
        );
        row(
            "no-crl",
            &["TLS-080", "TLS-070"],
            "a session is resumed, and now there are CRLs, but none of the issuer",
            "crl",
            |stage, _, dial| dial.crls = Some(vec![stage.material.server_root.crl(&[], DAY)]),
        );
        row(
            "other-anchor",
            &["TLS-080", "TLS-033"],
            "a session is resumed whose CA is no anchor any more",
            "untrusted",
            |stage, _, dial| dial.anchors = vec![stage.material.stranger.der().to_vec()],
        );
        row(
            "other-name",
            &["TLS-080", "TLS-053"],
            "the session began under another name, and the certificate lacks this one",
            "server_name",
            |_, _, dial| dial.server_name = OTHER.to_owned(),
        );
    }
    cases
}

/// What is different in the second dial; it is given the serial number of the server's certificate.
type Change = fn(&Stage<'_>, &[u8], &mut Dial);

/// A server whose sessions can be resumed, and dials that may do so.
struct Pair {
    config: Arc<ServerConfig>,
    dial: Dial,
}

impl Pair {
    fn new(stage: &Stage<'_>, issued: Issued, versions: Versions) -> Result<Pair, Fault> {
        let serving = Serving { resumes: true, ..Serving::new(issued).speaking(versions) };
        let mut pair = Pair::of(stage, &serving)?;
        if versions == Versions::Only12 {
            pair.dial = pair.dial.policy("tls12");
        }
        Ok(pair)
    }

    fn of(stage: &Stage<'_>, serving: &Serving) -> Result<Pair, Fault> {
        let config = serving
            .config()
            .map_err(|e| stage.impossible(&format!("rustls takes no such configuration: {e}")))?;
        let dial = Dial { session: Some(stage.fresh()), ..Dial::usual(stage.material) };
        Ok(Pair { config, dial })
    }

    fn dialled<'s>(&self, stage: &'s Stage<'_>, dial: &Dial) -> Result<Link<'s>, Fault> {
        let mut link = stage.dial(dial)?;
        let made = ServerConnection::new(Arc::clone(&self.config));
        link.begin(stage.connection(made.map(Into::into))?);
        Ok(link)
    }

    /// The session begins.
    fn first(&self, stage: &Stage<'_>, dial: &Dial) -> Result<(), Fault> {
        self.accepted(stage, dial).map(drop)
    }

    /// The client accepts; what `open` tells, and whether a session was resumed.
    fn accepted(
        &self,
        stage: &Stage<'_>,
        dial: &Dial,
    ) -> Result<(Map<String, Value>, bool), Fault> {
        let mut link = self.dialled(stage, dial)?;
        stage.shaken(&mut link)?;
        let is_resumed =
            link.tls.as_ref().and_then(|tls| tls.handshake_kind()) == Some(HandshakeKind::Resumed);
        let tls = stage.goes_through(link, dial)?;
        Ok((tls, is_resumed))
    }

    fn refused(&self, stage: &Stage<'_>, dial: &Dial) -> Result<(), Fault> {
        let link = self.dialled(stage, dial)?;
        stage.refused(link)
    }
}
