//! The first flight of a server of TLS 1.2 or older made by hand (RFC 5246, section 7.4): a client that goes on with its
//! ClientKeyExchange has accepted what was chosen.

use tunnelproof_vectors::build::live::{Kind, PrivateKey};
use tunnelproof_vectors::build::primitives::stream;

use super::super::hello::{ALPN, Own};
use super::super::link::{Late, Link, Seen};
use super::super::records::{ALERT, HANDSHAKE, record};
use super::super::stage::{Ending, Stage};
use super::greeting::{
    EXTENDED_MASTER_SECRET, Greeting, PROTOCOLS, RENEGOTIATION_INFO, TLS12, message, protocol_list,
    server_hello, with_length8, with_length16, with_length24,
};
use crate::live::case::Fault;

/// TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 and TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384.
const GOOD: [u16; 2] = [0xc02b, 0xc02c];
/// secp256r1.
const GROUP: u16 = 0x0017;
/// What a server of TLS 1.3 has at the end of its random when it speaks 1.2 (RFC 8446, section 4.1.3).
pub const DOWNGRADED: &[u8; 8] = b"DOWNGRD\x01";

/// What is chosen.
pub struct Flight {
    pub version: [u8; 2],
    pub suites: Vec<u16>,
    pub extended_master_secret: bool,
    pub alpn: Option<&'static [u8]>,
    /// The last octets of the random.
    pub mark: &'static [u8],
    pub own: Own,
}

impl Flight {
    /// What a client with policy `tls12` accepts.
    pub fn good(stage: &Stage<'_>) -> Flight {
        Flight {
            version: TLS12,
            suites: GOOD.to_vec(),
            extended_master_secret: true,
            alpn: Some(ALPN),
            mark: b"",
            own: super::honest(stage.material).own,
        }
    }

    /// Answers the client's greeting with all messages up to ServerHelloDone. Of the suites, the first is chosen that the
    /// client offers, or the first.
    ///
    /// # Errors
    /// If no greeting came.
    pub fn send(&self, stage: &Stage<'_>, link: &mut Link<'_>) -> Result<(), Fault> {
        let hello = stage.greeting(link)?;
        let offered = self.suites.iter().find(|suite| hello.suites.contains(suite));
        let suite = *offered.or(self.suites.first()).unwrap_or(&GOOD[0]);
        let mut random = stream(&format!("live random: {}", stage.fresh()), 32);
        random[32 - self.mark.len()..].copy_from_slice(self.mark);
        let mut extensions = Vec::new();
        let offers_renegotiation_info =
            hello.suites.contains(&0x00ff) || hello.extension(RENEGOTIATION_INFO).is_some();
        if offers_renegotiation_info && self.version != [3, 0] {
            extensions.push((RENEGOTIATION_INFO, vec![0]));
        }
        if self.extended_master_secret {
            extensions.push((EXTENDED_MASTER_SECRET, Vec::new()));
        }
        extensions.extend(self.alpn.map(|name| (PROTOCOLS, protocol_list(&[name]))));
        let session = stream(&format!("live session: {}", stage.fresh()), 32);
        let chain: Vec<u8> = self.own.chain.iter().flat_map(|der| with_length24(der)).collect();
        let mut flight = server_hello(self.version, &random, &session, suite, &extensions);
        flight.extend(message(11, &with_length24(&chain)));
        if self.own.key.kind() == Kind::Ecdsa {
            flight.extend(self.key_exchange(stage, &hello, &random));
        }
        flight.extend(message(14, b""));
        for part in flight.chunks(1 << 14) {
            link.send_raw("ServerHello to ServerHelloDone", &record(HANDSHAKE, self.version, part));
        }
        Ok(())
    }

    /// ServerKeyExchange of ECDHE, signed.
    fn key_exchange(&self, stage: &Stage<'_>, hello: &Greeting, random: &[u8]) -> Vec<u8> {
        let spki = PrivateKey::p256(&stage.fresh()).spki();
        let point = &spki[spki.len() - 65..]; // uncompressed, at the end of the SPKI of a P-256 key
        let params = [&[3][..], &GROUP.to_be_bytes(), &with_length8(point)].concat();
        let scheme = self.own.key.schemes().first().copied().unwrap_or_default();
        let signed = [&*hello.random, random, &params].concat();
        let signature = self.own.key.sign(scheme, &signed).unwrap_or_default();
        message(12, &[&*params, &scheme.to_be_bytes(), &with_length16(&signature)].concat())
    }
}

impl Stage<'_> {
    /// The client goes on after a flight by hand.
    ///
    /// # Errors
    /// What it did instead.
    pub fn goes_on(&self, mut link: Link<'_>) -> Result<(), Fault> {
        match link.next(self.deadline()) {
            Ok(Seen::Record(record)) if record.first() == Some(&HANDSHAKE) => Ok(()),
            Ok(seen) => {
                Err(self.broke_off(&link, "what comes then", "the client's key exchange", &seen))
            }
            Err(Late) => Err(self.late("the client did not go on")),
        }
    }

    /// The client refuses after a flight by hand: it does not go on, and ends with one of the codes of the case.
    ///
    /// # Errors
    /// What it did instead.
    pub fn refused_in_clear(&self, mut link: Link<'_>) -> Result<(), Fault> {
        let deadline = self.deadline();
        loop {
            match link.next(deadline) {
                Ok(Seen::End(_)) => break,
                // As any peer does then: some clients have ended only their side, and wait for ours.
                Ok(Seen::Alert(_) | Seen::CloseNotify) => link.finish(),
                Ok(Seen::Record(record)) if record.first() == Some(&ALERT) => link.finish(),
                Ok(seen) => {
                    let found = seen.describe();
                    return Err(Fault::wrong_accept("what comes then", "the end alone", found));
                }
                Err(Late) => {
                    self.never_open(&link)?;
                    return Err(self.late("the connection did not end"));
                }
            }
        }
        let codes: Vec<&str> = self.case.codes.iter().map(String::as_str).collect();
        self.ended(&link, Ending::Codes(&codes))?;
        self.never_open(&link)
    }
}
