//! Credentials: the specification, chapter 2.

use serde_json::{Map, Value};

use super::refusal::{Result, check, trap};
use super::{Bug, Model, out};
use crate::shim_server::{Input, to_octets};

/// The parts of a clientKey.
pub(super) struct ClientKey {
    pub id: Vec<u8>,
    pub password: Vec<u8>,
    pub server_digest: Vec<u8>,
}

/// The parts of a serverKey.
pub(super) struct ServerKey {
    pub password: Vec<u8>,
    pub client_digest: Vec<u8>,
}

impl Model {
    pub(super) fn cred_make(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let mut id = input.octets("id")?;
        let client_password = input.octets("client_password")?;
        let server_password = input.octets("server_password")?;
        if !self.bug(Bug::MakeIdUnchecked) {
            id = self.id(&id)?;
        }
        if !self.bug(Bug::MakePasswordsUnchecked) {
            self.digits(&client_password, 18)?;
            self.digits(&server_password, 8)?;
        }
        let server_digest = self.server_digest(&id, &server_password);
        let client_digest = self.client_digest(&id, &client_password);
        let client_key = if self.bug(Bug::ClientKeyDigestFirst) {
            [id, server_digest, client_password]
        } else {
            [id, client_password, server_digest]
        };
        let server_key = if self.bug(Bug::ServerKeyDigestFirst) {
            [client_digest, server_password]
        } else {
            [server_password, client_digest]
        };
        Ok(out([
            ("client_key", to_octets(&client_key.concat())),
            ("server_key", to_octets(&server_key.concat())),
        ]))
    }

    pub(super) fn cred_client_key(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let key = self.client_key(&input.octets("client_key")?)?;
        Ok(out([
            ("id", to_octets(&key.id)),
            ("client_password", to_octets(&key.password)),
            ("server_digest", to_octets(&key.server_digest)),
        ]))
    }

    pub(super) fn cred_server_key(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let key = self.server_key(&input.octets("server_key")?)?;
        Ok(out([
            ("server_password", to_octets(&key.password)),
            ("client_digest", to_octets(&key.client_digest)),
        ]))
    }

    /// CRED-001 to CRED-004. Returns the id as the application sees it.
    pub(super) fn id(&self, octets: &[u8]) -> Result<Vec<u8>> {
        let id = self.as_received(octets);
        let length = if self.bug(Bug::IdLengthInCharacters) {
            id.iter().filter(|&&octet| octet & 0xc0 != 0x80).count()
        } else {
            id.len()
        };
        let limit = if self.bug(Bug::IdLimit254) {
            254
        } else if self.bug(Bug::IdLimit256) {
            256
        } else {
            255
        };
        if (length == 0 && !self.bug(Bug::IdEmptyAccepted))
            || length > limit
            || (length < 3 && self.bug(Bug::IdOfTwoOctetsRefused))
        {
            return Err(check("malformed"));
        }
        match self.code_points(&id) {
            Some(points) if points.iter().all(|&point| self.is_allowed(point)) => Ok(id),
            None if self.bug(Bug::IdUtf8Unchecked) => Ok(id),
            _ => Err(check("malformed")),
        }
    }

    fn is_allowed(&self, point: u32) -> bool {
        match point {
            0x00..=0x1f => self.bug(Bug::IdControlsAccepted),
            0x7f => self.bug(Bug::IdDeleteAccepted),
            0x80..=0x9f => self.bug(Bug::IdC1ControlsAccepted),
            0x20 => !self.bug(Bug::IdSpaceRefused),
            0x21..=0x7e => {
                let word = u8::try_from(point).is_ok_and(|octet| octet.is_ascii_alphanumeric());
                word || !self.bug(Bug::IdPunctuationRefused)
            }
            // Format characters, line and paragraph separators.
            0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff => {
                !self.bug(Bug::IdFormatCharactersRefused) && !self.bug(Bug::IdAsciiOnly)
            }
            // Private use and what is no character.
            0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0xf_0000.. => {
                !self.bug(Bug::IdUnassignedRefused) && !self.bug(Bug::IdAsciiOnly)
            }
            _ if point & 0xfffe == 0xfffe => {
                !self.bug(Bug::IdUnassignedRefused) && !self.bug(Bug::IdAsciiOnly)
            }
            _ => !self.bug(Bug::IdAsciiOnly),
        }
    }

    /// CRED-006, CRED-007: exactly `length` base62 digits.
    pub(super) fn digits(&self, octets: &[u8], length: usize) -> Result<()> {
        if octets.len() == length && self.is_base62(octets) {
            Ok(())
        } else {
            Err(check("malformed"))
        }
    }

    /// CRED-017 to CRED-020.
    pub(super) fn client_key(&self, octets: &[u8]) -> Result<ClientKey> {
        let mut octets = octets;
        if self.bug(Bug::ClientKeyLineEndTrimmed) {
            octets = octets.strip_suffix(b"\n").unwrap_or(octets);
        }
        let Some(mut at) = octets.len().checked_sub(26) else {
            if self.bug(Bug::ShortKeyTraps) {
                trap("attempt to subtract with overflow");
            }
            return Err(check("malformed"));
        };
        if self.bug(Bug::ClientKeyReadFromTheLeft) {
            // As an unanchored pattern does: the first place after one octet where 26 digits follow.
            at = (1..at).find(|&at| self.is_base62(&octets[at..at + 26])).unwrap_or(at);
        }
        let (id, rest) = octets.split_at(at);
        let rest = &rest[..26];
        let (password, digest) = if self.bug(Bug::ClientKeyDigestFirst) {
            (&rest[8..], &rest[..8])
        } else {
            rest.split_at(18)
        };
        if (!self.is_base62(password) && !self.bug(Bug::ClientKeyPasswordUnchecked))
            || (!self.is_base62(digest) && !self.bug(Bug::ClientKeyDigestUnchecked))
        {
            return Err(check("malformed"));
        }
        let (password, server_digest) = (password.to_vec(), digest.to_vec());
        Ok(ClientKey { id: self.id(id)?, password, server_digest })
    }

    /// CRED-021, CRED-022.
    pub(super) fn server_key(&self, octets: &[u8]) -> Result<ServerKey> {
        let mut octets = octets;
        if octets.len() > 26 && self.bug(Bug::ServerKeyReadFromTheRight) {
            octets = &octets[octets.len() - 26..];
        }
        if octets.len() > 26 && self.bug(Bug::ServerKeyTailIgnored) {
            octets = &octets[..26];
        }
        if octets.len() < 26 && self.bug(Bug::ShortKeyTraps) {
            trap("range end index 26 out of range");
        }
        if self.bug(Bug::ServerKeyTrimmed) {
            octets = octets.trim_ascii();
        }
        if octets.len() != 26
            || (!self.is_base62(octets) && !self.bug(Bug::ServerKeyDigitsUnchecked))
        {
            return Err(check("malformed"));
        }
        let (password, client_digest) = if self.bug(Bug::ServerKeyDigestFirst) {
            (&octets[18..], &octets[..18])
        } else {
            octets.split_at(8)
        };
        Ok(ServerKey { password: password.to_vec(), client_digest: client_digest.to_vec() })
    }
}
