//! The handshake's nonce and plaintexts: the specification, sections 3.5 and 3.6.

use serde_json::{Map, Value};

use super::digest::{len8, sha256};
use super::refusal::{Result, check, trap};
use super::{Bug, Model, out};
use crate::shim_server::{Input, to_octets, to_u64};

/// P1.
#[derive(Clone)]
pub(super) struct Request {
    pub id: Vec<u8>,
    pub password: Vec<u8>,
    pub t: u64,
    pub nonce: Vec<u8>,
}

/// P3.
pub(super) struct Reply {
    pub password: Vec<u8>,
    pub k: Vec<u8>,
    pub t: u64,
    pub nonce: Vec<u8>,
}

impl Model {
    pub(super) fn hs_nonce(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let (m1, spki) = (input.octets("m1")?, input.octets("spki")?);
        let nonce = self.nonce(&m1, &spki, &input.array::<14>("r")?);
        Ok(out([("nonce", to_octets(&nonce))]))
    }

    pub(super) fn hs_request(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let request = self.request(&input.octets("plaintext")?)?;
        Ok(out([
            ("id", to_octets(&request.id)),
            ("client_password", to_octets(&request.password)),
            ("t", to_u64(request.t)),
            ("nonce", to_octets(&request.nonce)),
        ]))
    }

    pub(super) fn hs_reply(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let reply = self.reply(&input.octets("plaintext")?)?;
        Ok(out([
            ("server_password", to_octets(&reply.password)),
            ("k", to_octets(&reply.k)),
            ("t", to_u64(reply.t)),
            ("nonce", to_octets(&reply.nonce)),
        ]))
    }

    /// HS-025.
    pub(super) fn nonce(&self, m1: &[u8], spki: &[u8], r: &[u8]) -> Vec<u8> {
        let label: &[u8] = if self.bug(Bug::NonceWithoutLabel) {
            &[]
        } else if self.bug(Bug::NonceWithoutSeparator) {
            b"secure-tunnel/v1 nonce"
        } else {
            b"secure-tunnel/v1 nonce\0"
        };
        let (server, client) = (sha256(&[m1]), sha256(&[spki]));
        let keys: Vec<&[u8]> = if self.bug(Bug::NonceWithoutServerKey) {
            vec![&client]
        } else if self.bug(Bug::NonceWithoutClientKey) {
            vec![&server]
        } else if self.bug(Bug::NonceKeysSwapped) {
            vec![&client, &server]
        } else if self.bug(Bug::NonceOfKeysNotHashed) {
            vec![m1, spki]
        } else {
            vec![&server, &client]
        };
        let random: &[u8] = if self.bug(Bug::NonceBindingWithoutRandom) { &[] } else { r };
        let hash = sha256(&[label, &keys.concat(), random]);
        let half = if self.bug(Bug::NonceOfLastHalf) { &hash[16..] } else { &hash[..16] };
        [r, half].concat()
    }

    /// HS-024.
    pub(super) fn write_request(&self, request: &Request) -> Vec<u8> {
        let t = self.time_octets(request.t);
        [&len8(&request.id), &request.id[..], &request.password, &t, &request.nonce].concat()
    }

    /// HS-033 to HS-035: the form of P1.
    pub(super) fn request(&self, octets: &[u8]) -> Result<Request> {
        let malformed = || {
            if self.bug(Bug::ShortPlaintextTraps) {
                trap("range end index out of range");
            }
            check("malformed")
        };
        let mut octets = octets;
        if octets.first() == Some(&0) && self.bug(Bug::RequestIdLengthOf16Bits) {
            octets = &octets[1..];
        }
        let (&length, rest) = octets.split_first().ok_or_else(malformed)?;
        if length > 0x7f && self.bug(Bug::RequestIdLengthSigned) {
            return Err(check("malformed"));
        }
        let from_the_right =
            self.bug(Bug::RequestReadFromTheRight).then(|| rest.len().checked_sub(56));
        let length = from_the_right.flatten().unwrap_or(usize::from(length));
        let (id, rest) = rest.split_at_checked(length).ok_or_else(malformed)?;
        let (password, rest) = rest.split_at_checked(18).ok_or_else(malformed)?;
        let (t, rest) = rest.split_at_checked(8).ok_or_else(malformed)?;
        let (nonce, rest) = rest.split_at_checked(30).ok_or_else(malformed)?;
        if !rest.is_empty() && !self.bug(Bug::RequestTrailingOctetsAccepted) {
            return Err(check("malformed"));
        }
        let id = if self.bug(Bug::RequestIdUnchecked) { id.to_vec() } else { self.id(id)? };
        if !self.bug(Bug::RequestPasswordUnchecked) {
            self.digits(password, 18)?;
        }
        let (password, nonce) = (password.to_vec(), nonce.to_vec());
        Ok(Request { id, password, t: self.time_of(t), nonce })
    }

    /// HS-048.
    pub(super) fn write_reply(&self, reply: &Reply) -> Vec<u8> {
        let t = self.time_octets(reply.t);
        if self.bug(Bug::ReplyKeyFirst) {
            return [&reply.k[..], &reply.password, &t, &reply.nonce].concat();
        }
        [&reply.password[..], &reply.k, &t, &reply.nonce].concat()
    }

    /// HS-054, HS-055: the form of P3.
    pub(super) fn reply(&self, octets: &[u8]) -> Result<Reply> {
        let long = octets.len() > 94 && !self.bug(Bug::ReplyTrailingOctetsAccepted);
        if octets.len() < 94 && self.bug(Bug::ShortPlaintextTraps) {
            trap("range end index 94 out of range");
        }
        if octets.len() < 94 || long {
            return Err(check("malformed"));
        }
        let (password, k) = if self.bug(Bug::ReplyKeyFirst) {
            (&octets[48..56], &octets[..48])
        } else {
            (&octets[..8], &octets[8..56])
        };
        if !self.bug(Bug::ReplyPasswordUnchecked) {
            self.digits(password, 8)?;
        }
        Ok(Reply {
            password: password.to_vec(),
            k: k.to_vec(),
            t: self.time_of(&octets[56..64]),
            nonce: octets[64..94].to_vec(),
        })
    }

    fn time_octets(&self, t: u64) -> [u8; 8] {
        if self.bug(Bug::TimeLittleEndian) { t.to_le_bytes() } else { t.to_be_bytes() }
    }

    fn time_of(&self, octets: &[u8]) -> u64 {
        let big = octets.iter().fold(0, |sum, &octet| sum << 8 | u64::from(octet));
        if self.bug(Bug::TimeLittleEndian) {
            u64::swap_bytes(big)
        } else if self.bug(Bug::TimeOf32Bits) {
            big & 0xffff_ffff
        } else {
            big
        }
    }
}
