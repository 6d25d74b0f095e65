//! A server of TLS 1.3 made by hand (RFC 8446, sections 4 and 7.1), which can leave out, add and garble what rustls
//! would not: with TLS_AES_256_GCM_SHA384 and x25519.

use rustls::crypto::cipher::{AeadKey, Iv};
use rustls::crypto::ring::cipher_suite::TLS13_AES_256_GCM_SHA384;
use rustls::crypto::ring::kx_group::X25519;
use rustls::crypto::tls13::{HkdfExpander, OkmBlock};
use rustls::{
    ConnectionTrafficSecrets, ExtractedSecrets, ProtocolVersion, SupportedCipherSuite,
    Tls13CipherSuite,
};
use tunnelproof_vectors::build::live::PrivateKey;
use tunnelproof_vectors::build::primitives::stream;

use super::super::hello::ALPN;
use super::super::link::{Late, Link, Seen};
use super::super::records::{ALERT, APPLICATION_DATA, HANDSHAKE, Sealer};
use super::super::stage::{Ending, Stage};
use super::greeting::{
    Greeting, KEY_SHARE, PROTOCOLS, SUPPORTED_VERSIONS, TLS12, TLS13, extension_list, message,
    protocol_list, send_clear, server_hello, with_length8, with_length16, with_length24,
};
use crate::live::case::Fault;

const SUITE: u16 = 0x1302;
const GROUP: u16 = 0x001d;
/// What the signature of a server is about (section 4.4.3).
pub const SIGNED: &str = "TLS 1.3, server CertificateVerify";

/// A server that has sent its ServerHello.
pub struct ByHand {
    suite: &'static Tls13CipherSuite,
    transcript: Vec<u8>,
    master: Box<dyn HkdfExpander>,
    /// Handshake traffic secrets of the client and the server.
    secrets: [OkmBlock; 2],
    sealer: Sealer,
    /// With the keys of the application, once the Finished is sent.
    application: Option<Sealer>,
}

impl ByHand {
    /// Answers with a ServerHello.
    ///
    /// # Errors
    /// If the client can't do what every client of TLS 1.3 here can; the case is skipped then.
    pub fn greet(stage: &Stage<'_>, link: &mut Link<'_>) -> Result<ByHand, Fault> {
        let hello = stage.greeting(link)?;
        ByHand::answer(stage, link, &hello)
    }

    fn answer(stage: &Stage<'_>, link: &mut Link<'_>, hello: &Greeting) -> Result<ByHand, Fault> {
        let lacks = |what: &str| stage.skips(&format!("the client does not offer {what} at once"));
        let SupportedCipherSuite::Tls13(suite) = TLS13_AES_256_GCM_SHA384 else {
            return Err(stage.impossible("the suite is none of TLS 1.3"));
        };
        if !hello.suites.contains(&SUITE) {
            return Err(lacks("TLS_AES_256_GCM_SHA384"));
        }
        let share = hello.key_share(GROUP).ok_or_else(|| lacks("x25519"))?;
        let kx = X25519.start_and_complete(&share);
        let kx = kx.map_err(|e| stage.impossible(&format!("the key exchange: {e}")))?;
        let share = [&GROUP.to_be_bytes()[..], &with_length16(&kx.pub_key)].concat();
        let extensions = [(SUPPORTED_VERSIONS, TLS13.to_vec()), (KEY_SHARE, share)];
        let random = stream(&format!("live random: {}", stage.fresh()), 32);
        let answer = server_hello(TLS12, &random, &hello.session, SUITE, &extensions);
        send_clear(link, "handshake in clear: ServerHello", &answer);

        let transcript = [&*hello.message, &answer].concat();
        let hkdf = suite.hkdf_provider;
        let derived = |from: &dyn HkdfExpander| {
            expand(from, b"derived", suite.common.hash_provider.hash(b"").as_ref())
        };
        let early = hkdf.extract_from_zero_ikm(None);
        let salt = derived(&*early);
        let handshake = hkdf.extract_from_secret(Some(salt.as_ref()), kx.secret.secret_bytes());
        let hash = suite.common.hash_provider.hash(&transcript);
        let secrets = [b"c hs traffic", b"s hs traffic"]
            .map(|label| expand(&*handshake, label, hash.as_ref()));
        let master = hkdf.extract_from_zero_ikm(Some(derived(&*handshake).as_ref()));
        let sealer = sealer(suite, &secrets)
            .ok_or_else(|| stage.impossible("no records can be sealed by hand"))?;
        Ok(ByHand { suite, transcript, master, secrets, sealer, application: None })
    }

    /// Sends a message of the handshake, sealed.
    pub fn send(&mut self, link: &mut Link<'_>, what: &str, message: &[u8]) {
        self.transcript.extend_from_slice(message);
        if let Some(record) = self.sealer.seal(HANDSHAKE, message) {
            link.send_raw(what, &record);
        }
    }

    /// EncryptedExtensions with ALPN, honest up to the extensions that are added.
    pub fn extensions(&mut self, link: &mut Link<'_>, more: &[(u16, Vec<u8>)]) {
        let alpn = (PROTOCOLS, protocol_list(&[ALPN]));
        self.extensions_only(link, &[&[alpn], more].concat());
    }

    /// EncryptedExtensions with these alone.
    pub fn extensions_only(&mut self, link: &mut Link<'_>, extensions: &[(u16, Vec<u8>)]) {
        self.send(link, "EncryptedExtensions", &message(8, &extension_list(extensions)));
    }

    /// Certificate.
    pub fn certificate(&mut self, link: &mut Link<'_>, chain: &[Vec<u8>]) {
        let entries: Vec<u8> =
            chain.iter().flat_map(|der| [&*with_length24(der), &[0, 0]].concat()).collect();
        let body = [&with_length8(b"")[..], &with_length24(&entries)].concat();
        self.send(link, "Certificate", &message(11, &body));
    }

    /// CertificateVerify in this scheme; `text` is [`SIGNED`] of an honest server.
    pub fn verify(&mut self, link: &mut Link<'_>, key: &PrivateKey, scheme: u16, text: &str) {
        let hash = self.suite.common.hash_provider.hash(&self.transcript);
        let signed = [&[0x20; 64][..], text.as_bytes(), &[0], hash.as_ref()].concat();
        // A key of another kind signs in its own way, under the number of this one.
        let signature = key
            .sign(scheme, &signed)
            .or_else(|| key.schemes().first().and_then(|own| key.sign(*own, &signed)));
        let signature = with_length16(&signature.unwrap_or_default());
        let body = [&scheme.to_be_bytes()[..], &signature].concat();
        self.send(link, "CertificateVerify", &message(15, &body));
    }

    /// Certificate and CertificateVerify of an honest server.
    pub fn proves(&mut self, link: &mut Link<'_>, own: &super::super::hello::Own) {
        self.certificate(link, &own.chain);
        let scheme = own.key.schemes().first().copied().unwrap_or_default();
        self.verify(link, &own.key, scheme, SIGNED);
    }

    /// Finished; `garble` may change the MAC.
    pub fn finish(&mut self, link: &mut Link<'_>, garble: impl FnOnce(&mut Vec<u8>)) {
        let Tls13CipherSuite { common, hkdf_provider, .. } = self.suite;
        let base = hkdf_provider.expander_for_okm(&self.secrets[1]);
        let key = expand(&*base, b"finished", b"");
        let hash = common.hash_provider.hash(&self.transcript);
        let mut mac = hkdf_provider.hmac_sign(&key, hash.as_ref()).as_ref().to_vec();
        garble(&mut mac);
        self.send(link, "Finished", &message(20, &mac));
        let hash = common.hash_provider.hash(&self.transcript);
        let secrets = [b"c ap traffic", b"s ap traffic"]
            .map(|label| expand(&*self.master, label, hash.as_ref()));
        self.application = sealer(self.suite, &secrets);
    }

    /// The client's Finished has to come. From then on this seals and opens records of the application.
    ///
    /// # Errors
    /// What came instead.
    pub fn complete(&mut self, link: &mut Link<'_>) -> Result<(), Fault> {
        let stage = link.stage;
        let mut octets = Vec::new();
        // A certificate may come before it; the last message is the Finished.
        while !ends_with_finished(&octets) {
            let (kind, contents) = self.next(link)?;
            if kind != HANDSHAKE {
                let found = format!("a record of type {kind}");
                return Err(Fault::wrong_reject("the handshake", "Finished", found));
            }
            octets.extend(contents);
        }
        let application = self.application.take();
        self.sealer =
            application.ok_or_else(|| stage.impossible("no records can be sealed by hand"))?;
        Ok(())
    }

    /// Type and contents of the next sealed record.
    ///
    /// # Errors
    /// What came instead.
    pub fn next(&mut self, link: &mut Link<'_>) -> Result<(u8, Vec<u8>), Fault> {
        let stage = link.stage;
        let deadline = stage.deadline();
        loop {
            match link.next(deadline) {
                Ok(Seen::Record(record)) if record.first() == Some(&20) => {}
                Ok(Seen::Record(record)) if record.first() == Some(&APPLICATION_DATA) => {
                    return self.sealer.open(&record).ok_or_else(|| {
                        let found = "what does not open";
                        Fault::wrong_output("a record", "one under the keys of TLS", found)
                    });
                }
                Ok(seen) => {
                    return Err(stage.broke_off(link, "what comes then", "a sealed record", &seen));
                }
                Err(Late) => return Err(stage.late("no record came")),
            }
        }
    }

    /// The client has to refuse: no octet of the application comes, it is never open, and it ends with one of the codes
    /// of the case.
    ///
    /// # Errors
    /// What it did instead.
    pub fn refused(mut self, mut link: Link<'_>) -> Result<(), Fault> {
        let stage = link.stage;
        let deadline = stage.deadline();
        loop {
            match link.next(deadline) {
                Ok(Seen::End(_)) => break,
                Ok(Seen::Record(record)) if record.first() == Some(&APPLICATION_DATA) => {
                    // It may be done with the handshake, and refuse then.
                    let found = match self.sealer.open(&record) {
                        None => self.application.as_mut().and_then(|keys| keys.open(&record)),
                        found => found,
                    };
                    match found {
                        Some((APPLICATION_DATA, octets)) => {
                            let found = format!("{} octets of the application", octets.len());
                            let expected = "the end alone";
                            return Err(Fault::wrong_accept("what comes then", expected, found));
                        }
                        // As any peer does then.
                        Some((ALERT, _)) => link.finish(),
                        _ => {}
                    }
                }
                Ok(Seen::Alert(_)) => link.finish(),
                Ok(_) => {}
                Err(Late) => {
                    stage.never_open(&link)?;
                    return Err(stage.late("the connection did not end"));
                }
            }
        }
        stage.never_open(&link)?;
        let codes: Vec<&str> = stage.case.codes.iter().map(String::as_str).collect();
        stage.ended(&link, Ending::Codes(&codes))?;
        stage.never_open(&link)
    }
}

fn ends_with_finished(mut octets: &[u8]) -> bool {
    while let Some(header) = octets.first_chunk::<4>() {
        let length = u32::from_be_bytes([0, header[1], header[2], header[3]]) as usize;
        match octets.get(4 + length..) {
            Some([]) => return header[0] == 20,
            Some(rest) => octets = rest,
            None => return false,
        }
    }
    false
}

/// HKDF-Expand-Label, as long as the hash (section 7.1).
fn expand(from: &dyn HkdfExpander, label: &[u8], context: &[u8]) -> OkmBlock {
    let length = u16::try_from(from.hash_len()).unwrap_or(u16::MAX).to_be_bytes();
    let label = with_length8(&[b"tls13 ", label].concat());
    from.expand_block(&[&length, &label, &with_length8(context)])
}

fn expand_to<const N: usize>(from: &dyn HkdfExpander, label: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    let length = u16::try_from(N).ok()?.to_be_bytes();
    let label = with_length8(&[b"tls13 ", label].concat());
    from.expand_slice(&[&length, &label, &[0]], &mut out).ok()?;
    Some(out)
}

/// Opens what the client seals with the first secret, and seals with the second.
fn sealer(suite: &Tls13CipherSuite, secrets: &[OkmBlock; 2]) -> Option<Sealer> {
    let direction = |secret: &OkmBlock| {
        let from = suite.hkdf_provider.expander_for_okm(secret);
        let key = AeadKey::from(expand_to::<32>(&*from, b"key")?);
        let iv = Iv::from(expand_to::<12>(&*from, b"iv")?);
        Some((0, ConnectionTrafficSecrets::Aes256Gcm { key, iv }))
    };
    let secrets = ExtractedSecrets { rx: direction(&secrets[0])?, tx: direction(&secrets[1])? };
    Sealer::new(ProtocolVersion::TLSv1_3, secrets)
}
