//! clientKey and serverKey.

use core::fmt;

use super::digest62::{client_digest, server_digest};
use super::{Base62, ClientPassword, Id, ServerPassword};
use crate::error::CredentialError;
use crate::secret::Zeroizing;
use crate::wire::{DecodeError, Problem, Writer};

/// What a client holds: `id || Pc || Ds`, 27..=281 octets.
pub struct ClientKey {
    id: Id,
    password: ClientPassword,
    server_digest: Base62<8>,
}

impl ClientKey {
    pub(super) fn new(id: Id, password: ClientPassword, server_digest: Base62<8>) -> Self {
        Self { id, password, server_digest }
    }

    /// Reads a clientKey, from the right: an id may itself end in base62 digits.
    ///
    /// # Errors
    /// [`CredentialError::Malformed`] if it is not one (CRED-018 to CRED-020).
    pub fn parse(octets: &[u8]) -> Result<Self, CredentialError> {
        Self::decode(octets).map_err(|source| CredentialError::Malformed { source })
    }

    fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        // spec: CRED-018
        let id_len = match octets.len() {
            len @ 27..=281 => len - 26,
            _ => return Err(invalid("clientKey", "27 to 281 octets", "CRED-018")),
        };
        // spec: CRED-017, CRED-019
        let (id, digits) = octets.split_at(id_len);
        let (password, digest) = digits.split_at(18);
        let password = Base62::decode("client password", password, "CRED-019");
        let digest = Base62::decode("server digest", digest, "CRED-019");
        let password = password.map_err(|fault| fault.at(id_len, "CRED-019"))?;
        let server_digest = digest.map_err(|fault| fault.at(id_len + 18, "CRED-019"))?;
        // spec: CRED-020
        let id = Id::decode(id).map_err(|fault| fault.at(0, "CRED-020"))?;
        Ok(Self { id, password: ClientPassword(password), server_digest })
    }

    /// The string, for the client's own safe storage.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<Vec<u8>> {
        // spec: CRED-015
        let id = self.id.as_str().as_bytes();
        Writer::new(id.len() + 26)
            .put(id)
            .put(self.password.0.expose())
            .put(self.server_digest.expose())
            .finish()
    }

    /// The client's id.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    pub(crate) fn password(&self) -> &ClientPassword {
        &self.password
    }

    /// Whether `password` is the server's.
    pub(crate) fn verify(&self, password: &ServerPassword) -> bool {
        // spec: CRED-012, CRED-023
        server_digest(&self.id, password).ct_eq(&self.server_digest)
    }
}

/// What the server holds for one client: `Ps || Dc`, 26 octets.
pub struct ServerKey {
    password: ServerPassword,
    client_digest: Base62<18>,
}

impl ServerKey {
    pub(super) fn new(password: ServerPassword, client_digest: Base62<18>) -> Self {
        Self { password, client_digest }
    }

    /// Reads a serverKey.
    ///
    /// # Errors
    /// [`CredentialError::Malformed`] if it is not one (CRED-021, CRED-022).
    pub fn parse(octets: &[u8]) -> Result<Self, CredentialError> {
        Self::decode(octets).map_err(|source| CredentialError::Malformed { source })
    }

    fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        // spec: CRED-021
        if octets.len() != 26 {
            return Err(invalid("serverKey", "26 octets", "CRED-021"));
        }
        // spec: CRED-022
        let (password, digest) = octets.split_at(8);
        let password = Base62::decode("server password", password, "CRED-022")?;
        let digest = Base62::decode("client digest", digest, "CRED-022");
        let client_digest = digest.map_err(|fault| fault.at(8, "CRED-022"))?;
        Ok(Self { password: ServerPassword(password), client_digest })
    }

    /// The string, for the server's own safe storage.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<Vec<u8>> {
        // spec: CRED-016
        Writer::new(26).put(self.password.0.expose()).put(self.client_digest.expose()).finish()
    }

    /// A key for nobody, so that unknown ids cost the same work as known ones.
    pub(crate) fn dummy() -> Self {
        Self { password: ServerPassword(Base62::zeros()), client_digest: Base62::zeros() }
    }

    pub(crate) fn password(&self) -> &ServerPassword {
        &self.password
    }

    /// Whether `password` is that of client `id`.
    pub(crate) fn verify(&self, id: &Id, password: &ClientPassword) -> bool {
        // spec: CRED-013, CRED-023
        client_digest(id, password).ct_eq(&self.client_digest)
    }

    /// The comparison of [`Self::verify`] alone.
    #[cfg(feature = "hazmat")]
    pub(crate) fn has_digest_of(&self, other: &Self) -> bool {
        self.client_digest.ct_eq(&other.client_digest)
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // spec: CRED-024
        write!(f, "ClientKey({}, ..)", self.id)
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKey(..)")
    }
}

fn invalid(field: &'static str, expected: &'static str, requirement: &'static str) -> DecodeError {
    DecodeError { field, offset: 0, problem: Problem::Invalid(expected), requirement }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::create;
    use crate::error::Diagnostic;

    fn pair() -> (ClientKey, ServerKey) {
        let id = Id::new(b"MyId0").unwrap();
        let pc = ClientPassword::parse(b"aBcDeFghIjK1mN0P9R").unwrap();
        create(&id, pc, ServerPassword::parse(b"l234567B").unwrap())
    }

    #[test]
    fn strings_round_trip() {
        let (client, server) = pair();
        let octets = client.expose();
        assert!(octets.starts_with(b"MyId0aBcDeFghIjK1mN0P9R"));
        let again = ClientKey::parse(&octets).unwrap();
        assert_eq!(again.id().as_str(), "MyId0", "read from the right");
        assert_eq!(again.expose(), octets);
        let octets = server.expose();
        assert!(octets.starts_with(b"l234567B"));
        assert_eq!(ServerKey::parse(&octets).unwrap().expose(), octets);
    }

    #[test]
    fn faults_name_their_place_in_the_string() {
        let octets = pair().0.expose();
        for at in [2, 5, 22, 23, 30] {
            let mut changed = octets.to_vec();
            changed[at] = 0x7f; // neither a digit nor a character of an id
            let CredentialError::Malformed { source } = ClientKey::parse(&changed).unwrap_err();
            assert_eq!(source.offset, at);
        }
    }

    #[test]
    fn each_string_knows_the_other_sides_password() {
        let (client, server) = pair();
        assert!(client.verify(server.password()));
        assert!(server.verify(client.id(), client.password()));
        // The digests depend on the id as well.
        assert!(!server.verify(&Id::new(b"MyId1").unwrap(), client.password()));
        assert!(!client.verify(&ServerPassword::parse(b"l234567C").unwrap()));
        assert!(!ServerKey::dummy().verify(client.id(), client.password()));
    }

    #[test]
    fn malformed_strings_name_their_requirement() {
        let (client, server) = pair();
        let good = client.expose();
        let client = |octets: &[u8]| ClientKey::parse(octets).unwrap_err().requirement();
        assert_eq!(client(b""), "CRED-018");
        assert_eq!(client(&good[5..]), "CRED-018");
        assert_eq!(client(&[b'a'; 282]), "CRED-018");
        assert!(ClientKey::parse(&[b'a'; 281]).is_ok());
        assert_eq!(client(&[&good[..], b"\n"].concat()), "CRED-019");
        for at in 5..31 {
            let mut changed = good.to_vec();
            changed[at] = b'-';
            assert_eq!(client(&changed), "CRED-019", "octet {at}");
        }
        let mut changed = good.to_vec();
        changed[2] = 0xff;
        assert_eq!(client(&changed), "CRED-020");

        let good = server.expose();
        let server = |octets: &[u8]| ServerKey::parse(octets).unwrap_err().requirement();
        assert_eq!(server(&good[1..]), "CRED-021");
        assert_eq!(server(&[&good[..], b"\n"].concat()), "CRED-021");
        for at in 0..26 {
            let mut changed = good.to_vec();
            changed[at] = b'+';
            assert_eq!(server(&changed), "CRED-022", "octet {at}");
        }
    }

    #[test]
    fn debug_shows_the_id_only() {
        let (client, server) = pair();
        assert_eq!(format!("{client:?} {server:?}"), "ClientKey(\"MyId0\", ..) ServerKey(..)");
    }
}
