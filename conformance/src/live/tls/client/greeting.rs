//! The ClientHello that came (RFC 8446, section 4.1.2), and handshake messages of a server made by hand.

use super::super::link::{Late, Link, Seen};
use super::super::records::{HANDSHAKE, record};
use super::super::stage::Stage;
use crate::live::case::Fault;

/// Types of extensions.
pub const SERVER_NAME: u16 = 0;
pub const PROTOCOLS: u16 = 16;
pub const EXTENDED_MASTER_SECRET: u16 = 23;
pub const PRE_SHARED_KEY: u16 = 41;
pub const EARLY_DATA: u16 = 42;
pub const SUPPORTED_VERSIONS: u16 = 43;
pub const KEY_SHARE: u16 = 51;
pub const RENEGOTIATION_INFO: u16 = 0xff01;

/// Versions as the wire has them.
pub const TLS12: [u8; 2] = [3, 3];
pub const TLS13: [u8; 2] = [3, 4];

/// A ClientHello.
pub struct Greeting {
    /// The whole message.
    pub message: Vec<u8>,
    pub random: Vec<u8>,
    pub session: Vec<u8>,
    pub suites: Vec<u16>,
    /// Type and contents, in their order.
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl Greeting {
    /// Reads the message, with its header.
    pub fn parse(message: &[u8]) -> Option<Greeting> {
        let mut rest = message.strip_prefix(&[1])?.get(3 + 2..)?;
        let random = take(&mut rest, 32)?.to_vec();
        let session = vector8(&mut rest)?.to_vec();
        let suites = pairs(vector16(&mut rest)?);
        vector8(&mut rest)?; // compression
        let mut list = vector16(&mut rest).unwrap_or_default();
        let mut extensions = Vec::new();
        while !list.is_empty() {
            let kind = pairs(take(&mut list, 2)?)[0];
            extensions.push((kind, vector16(&mut list)?.to_vec()));
        }
        let message = message.to_vec();
        rest.is_empty().then_some(Greeting { message, random, session, suites, extensions })
    }

    pub fn extension(&self, kind: u16) -> Option<&[u8]> {
        let found = self.extensions.iter().find(|(own, _)| *own == kind);
        found.map(|(_, contents)| contents.as_slice())
    }

    /// The protocols that ALPN offers; `None` without the extension.
    pub fn protocols(&self) -> Option<Vec<Vec<u8>>> {
        let mut contents = self.extension(PROTOCOLS)?;
        let mut list = vector16(&mut contents)?;
        let mut protocols = Vec::new();
        while !list.is_empty() {
            protocols.push(vector8(&mut list)?.to_vec());
        }
        Some(protocols)
    }

    /// The indicated name.
    pub fn server_name(&self) -> Option<Vec<u8>> {
        let mut contents = self.extension(SERVER_NAME)?;
        let list = vector16(&mut contents)?;
        let mut name = list.strip_prefix(&[0])?;
        vector16(&mut name).map(<[u8]>::to_vec)
    }

    /// The client's half of a key exchange in this group.
    pub fn key_share(&self, group: u16) -> Option<Vec<u8>> {
        let mut contents = self.extension(KEY_SHARE)?;
        let mut list = vector16(&mut contents)?;
        while !list.is_empty() {
            let own = pairs(take(&mut list, 2)?)[0];
            let share = vector16(&mut list)?;
            if own == group {
                return Some(share.to_vec());
            }
        }
        None
    }
}

impl Stage<'_> {
    /// The next ClientHello, of a connection whose records are read by hand.
    ///
    /// # Errors
    /// What came in its place.
    pub fn greeting(&self, link: &mut Link<'_>) -> Result<Greeting, Fault> {
        let deadline = self.deadline();
        let mut octets = Vec::new();
        loop {
            let whole = octets.first_chunk::<4>().map(|h| {
                4 + u32::from_be_bytes([0, h[1], h[2], h[3]]) as usize // u32 fits
            });
            if whole.is_some_and(|length| octets.len() >= length) {
                return Greeting::parse(&octets).ok_or_else(|| {
                    let found = format!("{} octets that are none", octets.len());
                    Fault::wrong_output("the first message", "a ClientHello", found)
                });
            }
            match link.next(deadline) {
                Ok(Seen::Record(more)) if more.first() == Some(&HANDSHAKE) => {
                    octets.extend_from_slice(more.get(5..).unwrap_or_default());
                }
                // For old middleboxes, before the second one.
                Ok(Seen::Record(more)) if more.first() == Some(&20) => {}
                Ok(seen) => {
                    return Err(self.broke_off(link, "what comes then", "a ClientHello", &seen));
                }
                Err(Late) => return Err(self.late("no ClientHello came")),
            }
        }
    }
}

/// A handshake message.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

/// Sends messages in clear, in one record.
pub fn send_clear(link: &mut Link<'_>, what: &str, messages: &[u8]) {
    link.send_raw(what, &record(HANDSHAKE, TLS12, messages));
}

/// A ServerHello of these parts; no field for extensions if there are none.
pub fn server_hello(
    version: [u8; 2],
    random: &[u8],
    session: &[u8],
    suite: u16,
    extensions: &[(u16, Vec<u8>)],
) -> Vec<u8> {
    let suite = suite.to_be_bytes();
    let mut body = [&version[..], random, &with_length8(session), &suite, &[0]].concat();
    if !extensions.is_empty() {
        body.extend(extension_list(extensions));
    }
    message(2, &body)
}

/// A list of extensions with its length.
pub fn extension_list(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let list = extensions
        .iter()
        .flat_map(|(kind, contents)| [&kind.to_be_bytes()[..], &with_length16(contents)].concat());
    with_length16(&list.collect::<Vec<u8>>())
}

/// The contents of ALPN's extension with these protocols.
pub fn protocol_list(protocols: &[&[u8]]) -> Vec<u8> {
    with_length16(&protocols.iter().flat_map(|name| with_length8(name)).collect::<Vec<u8>>())
}

pub fn with_length8(contents: &[u8]) -> Vec<u8> {
    let length = u8::try_from(contents.len()).unwrap_or(u8::MAX);
    [&[length], contents].concat()
}

pub fn with_length16(contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&length[..], contents].concat()
}

pub fn with_length24(contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&length[1..], contents].concat()
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

fn vector8<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::from(take(rest, 1)?[0]);
    take(rest, length)
}

fn vector16<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::from(pairs(take(rest, 2)?)[0]);
    take(rest, length)
}

fn pairs(octets: &[u8]) -> Vec<u16> {
    octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_hello_is_read_as_it_was_made() {
        let shares = [&[0x00, 0x17][..], &with_length16(b"share")].concat();
        let extensions = [
            (SERVER_NAME, with_length16(&[&[0][..], &with_length16(b"a.example")].concat())),
            (PROTOCOLS, protocol_list(&[b"one", b"two"])),
            (KEY_SHARE, with_length16(&shares)),
        ];
        let mut body = [&TLS12[..], &[7; 32], &with_length8(b"session")].concat();
        body.extend([&with_length16(&[0x13, 0x02])[..], &[1, 0]].concat());
        body.extend(extension_list(&extensions));
        let hello = message(1, &body);
        let read = Greeting::parse(&hello).expect("is one");
        assert_eq!((read.session.as_slice(), &read.suites[..]), (&b"session"[..], &[0x1302][..]));
        assert_eq!(read.server_name().as_deref(), Some(&b"a.example"[..]));
        assert_eq!(read.protocols(), Some(vec![b"one".to_vec(), b"two".to_vec()]));
        assert_eq!(read.key_share(0x17).as_deref(), Some(&b"share"[..]));
        assert_eq!((read.key_share(0x18), read.extension(EARLY_DATA)), (None, None));
        for cut in 0..hello.len() {
            // What is cut is refused, or lacks its extensions.
            assert!(Greeting::parse(&hello[..cut]).is_none_or(|read| read.extensions.is_empty()));
        }
    }
}
