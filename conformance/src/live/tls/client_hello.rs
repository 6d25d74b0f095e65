//! A ClientHello by hand (RFC 5246, section 7.4.1.2), for what rustls does not offer.

use super::hello::ALPN;
use super::records::{HANDSHAKE, record};

/// TLS 1.2.
pub const TLS12: [u8; 2] = [3, 3];
/// ECDHE_RSA and ECDHE_ECDSA with AES_128_GCM_SHA256.
pub const ECDHE_GCM: &[u16] = &[0xc02f, 0xc02b];

/// What a ClientHello is made of.
#[derive(Clone)]
pub struct ClientHello {
    /// Of the record.
    pub record_version: [u8; 2],
    pub version: [u8; 2],
    pub random: [u8; 32],
    pub suites: Vec<u16>,
    /// Type and contents, in this order; no field at all if there are none and `bare` is set.
    pub extensions: Vec<(u16, Vec<u8>)>,
    /// As before there were extensions.
    pub bare: bool,
}

const SERVER_NAME: u16 = 0;
const GROUPS: u16 = 10;
const POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const PROTOCOLS: u16 = 16;
const EXTENDED_MASTER_SECRET: u16 = 23;
const RENEGOTIATION_INFO: u16 = 0xff01;

impl ClientHello {
    /// One of TLS 1.2 that a server with policy `tls12` answers.
    pub fn tls12(name: &str, random: [u8; 32]) -> ClientHello {
        let name = [&[0], &length(name.len())[..], name.as_bytes()].concat();
        let groups = [0x00, 0x1d, 0x00, 0x17];
        let schemes = [0x04, 0x03, 0x08, 0x04, 0x04, 0x01, 0x05, 0x03];
        let protocol = [&[u8::try_from(ALPN.len()).unwrap_or(u8::MAX)], ALPN].concat();
        ClientHello {
            record_version: [3, 1],
            version: TLS12,
            random,
            suites: ECDHE_GCM.to_vec(),
            extensions: vec![
                (SERVER_NAME, vector(&name)),
                (EXTENDED_MASTER_SECRET, Vec::new()),
                (RENEGOTIATION_INFO, vec![0]),
                (GROUPS, vector(&groups)),
                (POINT_FORMATS, vec![1, 0]),
                (SIGNATURE_ALGORITHMS, vector(&schemes)),
                (PROTOCOLS, vector(&protocol)),
            ],
            bare: false,
        }
    }

    /// Without ALPN.
    pub fn without_protocols(mut self) -> ClientHello {
        self.extensions.retain(|(kind, _)| *kind != PROTOCOLS);
        self
    }

    /// Without this extension.
    pub fn without_extended_master_secret(mut self) -> ClientHello {
        self.extensions.retain(|(kind, _)| *kind != EXTENDED_MASTER_SECRET);
        self
    }

    /// With the Finished of the connection that it goes on from (RFC 5746).
    pub fn renegotiating(mut self, verify_data: &[u8]) -> ClientHello {
        let length = u8::try_from(verify_data.len()).unwrap_or(u8::MAX);
        for (kind, contents) in &mut self.extensions {
            if *kind == RENEGOTIATION_INFO {
                *contents = [&[length], verify_data].concat();
            }
        }
        self
    }

    /// The handshake message.
    pub fn message(&self) -> Vec<u8> {
        let suites: Vec<u8> = self.suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
        let mut body = [&self.version[..], &self.random, &[0], &vector(&suites), &[1, 0]].concat();
        if !self.bare {
            let extension = |(kind, contents): &(u16, Vec<u8>)| {
                [&kind.to_be_bytes()[..], &vector(contents)].concat()
            };
            let extensions: Vec<u8> = self.extensions.iter().flat_map(extension).collect();
            body.extend(vector(&extensions));
        }
        let size = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
        [&[1], &size[1..], &body].concat()
    }

    /// The record.
    pub fn octets(&self) -> Vec<u8> {
        record(HANDSHAKE, self.record_version, &self.message())
    }
}

fn length(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

/// With its length in two octets.
fn vector(contents: &[u8]) -> Vec<u8> {
    [&length(contents.len())[..], contents].concat()
}
