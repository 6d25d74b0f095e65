//! TLS records as they go over the wire: cut, named for traces, made by hand, and sealed by hand inside an
//! established connection (RFC 8446, section 5; RFC 5246, section 6.2; RFC 5288).

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, Nonce};
use rustls::{ConnectionTrafficSecrets, ExtractedSecrets, ProtocolVersion};

/// Types of records.
pub const CHANGE_CIPHER_SPEC: u8 = 20;
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const APPLICATION_DATA: u8 = 23;

/// Alerts that cases look for.
pub const CLOSE_NOTIFY: u8 = 0;
pub const ACCESS_DENIED: u8 = 49;

/// A record in clear, or one whose contents are sealed already.
pub fn record(kind: u8, version: [u8; 2], contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[kind], &version[..], &length, contents].concat()
}

/// The first whole record of what came in one direction; what can't be one is taken as a whole.
pub fn take(inbox: &mut Vec<u8>) -> Option<Vec<u8>> {
    let header = inbox.first_chunk::<5>()?;
    let length = 5 + usize::from(u16::from_be_bytes([header[3], header[4]]));
    let is_tls = (CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&header[0]) && header[1] == 3;
    if !is_tls {
        return Some(std::mem::take(inbox));
    }
    (inbox.len() >= length).then(|| inbox.drain(..length).collect())
}

/// What a record is, for traces. `is_sealed` is set once what follows in this direction is sealed (TLS 1.2).
pub fn describe(record: &[u8], is_sealed: &mut bool) -> String {
    let Some((kind, contents)) = record.first().zip(record.get(5..)) else {
        return "octets that are no record".into();
    };
    match *kind {
        CHANGE_CIPHER_SPEC => {
            *is_sealed = true;
            "change_cipher_spec".into()
        }
        ALERT if contents.len() == 2 => describe_alert(contents[1]),
        ALERT => "a sealed alert".into(),
        HANDSHAKE if !*is_sealed => format!("handshake in clear: {}", handshake_names(contents)),
        HANDSHAKE => "a sealed handshake record".into(),
        APPLICATION_DATA => "a sealed record".into(),
        _ => "octets that are no record".into(),
    }
}

/// The types of handshake messages that begin in these contents.
fn handshake_names(mut contents: &[u8]) -> String {
    let mut names = Vec::new();
    while let Some(header) = contents.first_chunk::<4>() {
        names.push(handshake_name(header[0]));
        let length = u32::from_be_bytes([0, header[1], header[2], header[3]]) as usize;
        contents = contents.get(4 + length..).unwrap_or_default();
    }
    if names.is_empty() { "a part".into() } else { names.join(", ") }
}

fn handshake_name(kind: u8) -> &'static str {
    match kind {
        0 => "HelloRequest",
        1 => "ClientHello",
        2 => "ServerHello",
        4 => "NewSessionTicket",
        11 => "Certificate",
        12 => "ServerKeyExchange",
        13 => "CertificateRequest",
        14 => "ServerHelloDone",
        15 => "CertificateVerify",
        16 => "ClientKeyExchange",
        20 => "Finished",
        22 => "CertificateStatus",
        _ => "another message",
    }
}

/// "the alert access_denied (49)".
pub fn describe_alert(description: u8) -> String {
    let name = rustls::AlertDescription::from(description);
    let name: String = name
        .as_str()
        .unwrap_or("unknown")
        .chars()
        .flat_map(|c| match c {
            c if c.is_ascii_uppercase() => vec!['_', c.to_ascii_lowercase()],
            c => vec![c],
        })
        .collect();
    format!("the alert {} ({description})", name.trim_start_matches('_'))
}

/// Both directions of an established connection whose records are made by hand.
pub struct Sealer {
    version: ProtocolVersion,
    tx: Direction,
    rx: Direction,
}

struct Direction {
    number: u64,
    key: Vec<u8>,
    iv: [u8; 12],
}

impl Sealer {
    /// Takes over from rustls; `None` for another cipher than AES-GCM.
    pub fn new(version: ProtocolVersion, secrets: ExtractedSecrets) -> Option<Sealer> {
        let direction = |(number, secrets)| {
            let (key, iv) = match &secrets {
                ConnectionTrafficSecrets::Aes128Gcm { key, iv }
                | ConnectionTrafficSecrets::Aes256Gcm { key, iv } => {
                    (key.as_ref().to_vec(), iv.as_ref().to_vec())
                }
                _ => return None,
            };
            Some(Direction { number, key, iv: iv.try_into().ok()? })
        };
        Some(Sealer { version, tx: direction(secrets.tx)?, rx: direction(secrets.rx)? })
    }

    /// The next record of these contents.
    pub fn seal(&mut self, kind: u8, contents: &[u8]) -> Option<Vec<u8>> {
        let Sealer { version, tx, .. } = self;
        let nonce = tx.nonce();
        let number = tx.number.to_be_bytes();
        tx.number += 1;
        if *version == ProtocolVersion::TLSv1_3 {
            let inner = [contents, &[kind]].concat();
            let length = u16::try_from(inner.len() + 16).ok()?.to_be_bytes();
            let header = [APPLICATION_DATA, 3, 3, length[0], length[1]];
            return Some([&header[..], &tx.encrypt(nonce, &inner, &header)?].concat());
        }
        let length = u16::try_from(contents.len()).ok()?.to_be_bytes();
        let aad = [&number[..], &[kind, 3, 3], &length].concat();
        let sealed = [&nonce[4..], &tx.encrypt(nonce, contents, &aad)?].concat();
        Some(record(kind, [3, 3], &sealed))
    }

    /// The contents of the first record that this side has sealed itself (TLS 1.2).
    pub fn open_first_of_own(&self, record: &[u8]) -> Option<Vec<u8>> {
        let own = Direction { number: 0, key: self.tx.key.clone(), iv: self.tx.iv };
        let other = Direction { number: 0, key: Vec::new(), iv: [0; 12] };
        let mut reading = Sealer { version: self.version, tx: other, rx: own };
        reading.open(record).map(|(_, contents)| contents)
    }

    /// Type and contents of a record that came, which is the next.
    pub fn open(&mut self, record: &[u8]) -> Option<(u8, Vec<u8>)> {
        let Sealer { version, rx, .. } = self;
        let (header, contents) = record.split_first_chunk::<5>()?;
        let number = rx.number.to_be_bytes();
        let mut nonce = rx.nonce();
        rx.number += 1;
        if *version == ProtocolVersion::TLSv1_3 {
            let mut inner = rx.decrypt(nonce, contents, header)?;
            while inner.last() == Some(&0) {
                inner.pop();
            }
            let kind = inner.pop()?;
            return Some((kind, inner));
        }
        let (explicit, sealed) = contents.split_first_chunk::<8>()?;
        nonce[4..].copy_from_slice(explicit);
        let length = u16::try_from(sealed.len().checked_sub(16)?).ok()?.to_be_bytes();
        let aad = [&number[..], &[header[0], 3, 3], &length].concat();
        Some((header[0], rx.decrypt(nonce, sealed, &aad)?))
    }
}

impl Direction {
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = self.iv;
        for (octet, number) in nonce[4..].iter_mut().zip(self.number.to_be_bytes()) {
            *octet ^= number;
        }
        nonce
    }

    fn encrypt(&self, nonce: [u8; 12], msg: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        let (payload, nonce) = (Payload { msg, aad }, Nonce::from(nonce));
        match self.key.len() {
            16 => Aes128Gcm::new_from_slice(&self.key).ok()?.encrypt(&nonce, payload).ok(),
            _ => Aes256Gcm::new_from_slice(&self.key).ok()?.encrypt(&nonce, payload).ok(),
        }
    }

    fn decrypt(&self, nonce: [u8; 12], msg: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        let (payload, nonce) = (Payload { msg, aad }, Nonce::from(nonce));
        match self.key.len() {
            16 => Aes128Gcm::new_from_slice(&self.key).ok()?.decrypt(&nonce, payload).ok(),
            _ => Aes256Gcm::new_from_slice(&self.key).ok()?.decrypt(&nonce, payload).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_cut_and_named() {
        let hello = record(HANDSHAKE, [3, 1], &[1, 0, 0, 1, 7, 14, 0, 0, 0]);
        let mut inbox = [&*hello, &record(ALERT, [3, 3], &[2, 49]), &[23, 3, 3, 0, 9, 1]].concat();
        let mut sealed = false;
        let first = take(&mut inbox).expect("is whole");
        assert_eq!(
            describe(&first, &mut sealed),
            "handshake in clear: ClientHello, ServerHelloDone"
        );
        let second = take(&mut inbox).expect("is whole");
        assert_eq!(describe(&second, &mut sealed), "the alert access_denied (49)");
        assert_eq!(take(&mut inbox), None);
        assert_eq!(take(&mut b"HTTP/1.1 400".to_vec()), Some(b"HTTP/1.1 400".to_vec()));
        describe(&record(CHANGE_CIPHER_SPEC, [3, 3], &[1]), &mut sealed);
        assert_eq!(describe(&hello, &mut sealed), "a sealed handshake record");
    }

    #[test]
    fn what_one_side_seals_the_other_opens() {
        for version in [ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3] {
            let direction =
                |octet: u8| Direction { number: 300, key: vec![octet; 16], iv: [9; 12] };
            let mut one = Sealer { version, tx: direction(1), rx: direction(2) };
            let mut other = Sealer { version, tx: direction(2), rx: direction(1) };
            for contents in [&b"x"[..], &[0, 0]] {
                let record = one.seal(HANDSHAKE, contents).expect("is short");
                if contents != [0, 0] || version == ProtocolVersion::TLSv1_2 {
                    assert_eq!(other.open(&record), Some((HANDSHAKE, contents.to_vec())));
                }
            }
        }
    }
}
