//! What the protocol tests share: the published test keys, one pair of credentials, a virtual clock, and
//! a forger who encrypts whatever it likes with a stack of its own.

#![allow(dead_code)] // each test file uses a part

use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey};
use rsa::{Oaep, RsaPrivateKey, RsaPublicKey};
use secure_tunnel::RsaPrivate;
use secure_tunnel::credentials::{self, ClientKey, ClientPassword, Id, ServerKey, ServerPassword};
use secure_tunnel::handshake::client::{self, AwaitReply, Client};
use secure_tunnel::handshake::server::{self, Answer, AwaitOpen, Lookup, Policy, Server};
use secure_tunnel::time::{Tick, UnixTime};
use sha1::Sha1;
use sha2::{Digest, Sha256};

macro_rules! keys {
    ($($name:ident: $file:literal;)*) => {
        $(
            /// PKCS#8 DER of a published test key.
            pub fn $name() -> Vec<u8> {
                let pem = include_str!(concat!("../../../vectors/keys/test-rsa-", $file, ".pem"));
                pem_rfc7468::decode_vec(pem.as_bytes()).unwrap().1
            }
        )*
    };
}

keys! {
    a4552: "4552-a";
    b4552: "4552-b";
    c4552: "4552-c";
    a4480: "4480-a";
    b4480: "4480-b";
    k4425: "4425";
    k4432: "4432";
    k8192: "8192";
    too_short: "4424-too-short";
    too_long: "8193-too-long";
    e3: "4552-e3";
}

pub const PC: &[u8; 18] = b"aBcDeFghIjK1mN0P9R";
pub const PS: &[u8; 8] = b"l234567B";
pub const ID: &str = "MyId";

/// A second on the wall clock at which nothing special happens.
pub const NOW: UnixTime = UnixTime(1_700_000_000);

pub fn ours(der: Vec<u8>) -> RsaPrivate {
    RsaPrivate::from_pkcs8(&der).unwrap()
}

pub fn id(text: &str) -> Id {
    Id::new(text.as_bytes()).unwrap()
}

pub fn pair() -> (ClientKey, ServerKey) {
    let (pc, ps) = (ClientPassword::parse(PC).unwrap(), ServerPassword::parse(PS).unwrap());
    credentials::create(&id(ID), pc, ps)
}

pub fn client_fresh(der: Vec<u8>) -> client::Fresh {
    client::Fresh { keypair: ours(der), r: [0x11; 14].into(), seed: [0x22; 20].into() }
}

pub fn server_fresh() -> server::Fresh {
    server::Fresh { secret: [0x33; 48].into(), seed: [0x44; 20].into() }
}

/// A client that has answered `m1` at tick 0, and its M2.
pub fn client_sent(m1: &[u8], der: Vec<u8>) -> (AwaitReply, Vec<u8>) {
    let request = Client::connect(pair().0, None, Tick(0)).receive(m1, Tick(0)).unwrap();
    request.request(client_fresh(der), NOW, Tick(0)).unwrap()
}

/// What a server with the key `der` makes of `m2`, both at tick 0.
pub fn server_takes(der: Vec<u8>, policy: Policy, m2: &[u8]) -> Result<Lookup, server::Failure> {
    Server::greet(Arc::new(ours(der)), policy, Tick(0)).0.receive(m2, Tick(0))
}

/// The right answer of the look-up.
pub fn found() -> Answer {
    Answer::from_stored(&pair().1.expose())
}

pub fn decide(lookup: Lookup) -> (AwaitOpen, Vec<u8>) {
    lookup.decide(found(), server_fresh(), NOW, Tick(0)).unwrap()
}

/// SPKI of a private key, also of one that the reference does not accept, by another encoder.
pub fn spki(der: &[u8]) -> Vec<u8> {
    let key = RsaPrivateKey::from_pkcs8_der(der).unwrap();
    key.to_public_key().to_public_key_der().unwrap().into_vec()
}

/// RSAES-OAEP of whatever one likes.
pub fn encrypt(spki: &[u8], plaintext: &[u8]) -> Vec<u8> {
    encrypt_with(1, spki, plaintext)
}

/// The same, with the OAEP seed drawn from a generator that starts with `seed`.
pub fn encrypt_with(seed: u64, spki: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let key = RsaPublicKey::from_public_key_der(spki).unwrap();
    key.encrypt(&mut ChaCha20Rng::seed_from_u64(seed), Oaep::<Sha1>::new(), plaintext).unwrap()
}

/// What the holder of a private key reads in a ciphertext.
pub fn decrypt(der: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    let key = RsaPrivateKey::from_pkcs8_der(der).unwrap();
    key.decrypt(Oaep::<Sha1>::new(), ciphertext).ok()
}

/// The nonce of `r = 14 * 0x11` for two SPKIs, as the specification words it.
pub fn nonce(m1: &[u8], spki: &[u8]) -> Vec<u8> {
    let r = [0x11; 14];
    let mut hash = Sha256::new_with_prefix(b"secure-tunnel/v1 nonce\0");
    hash.update(Sha256::digest(m1));
    hash.update(Sha256::digest(spki));
    hash.update(r);
    [&r, &hash.finalize()[..16]].concat()
}

/// P1 of whatever one likes.
pub fn p1(id: &[u8], pc: &[u8], t: u64, nonce: &[u8]) -> Vec<u8> {
    [&[u8::try_from(id.len()).unwrap()], id, pc, &t.to_be_bytes(), nonce].concat()
}

/// P3 of whatever one likes.
pub fn p3(ps: &[u8], k: &[u8], t: u64, nonce: &[u8]) -> Vec<u8> {
    [ps, k, &t.to_be_bytes(), nonce].concat()
}
