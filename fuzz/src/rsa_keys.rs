//! The committed test keys, parsed by the reference once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use secure_tunnel::RsaPrivate;
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::rsa::{Oaep, PrivateKey, PublicKey};

/// The server's key as the generator has it: the smallest one, since private operations take most of the time.
pub(crate) fn server() -> &'static PrivateKey {
    keys::k4425()
}

/// The client's key.
pub(crate) fn client() -> &'static PrivateKey {
    keys::k4432()
}

/// The attacker's key.
pub(crate) fn attacker() -> &'static PrivateKey {
    keys::k4480_b()
}

/// The server's key as the reference has it.
pub(crate) fn server_private() -> Arc<RsaPrivate> {
    static KEY: LazyLock<Arc<RsaPrivate>> = LazyLock::new(|| Arc::new(parse(server())));
    Arc::clone(&KEY)
}

/// A key as the reference has it.
pub(crate) fn parse(key: &PrivateKey) -> RsaPrivate {
    RsaPrivate::from_pkcs8(&key.pkcs8).unwrap_or_else(|error| panic!("a test key: {error}"))
}

/// RSAES-OAEP by the generator; the plaintext fits every accepted key.
pub(crate) fn encrypt(key: &PublicKey, seed: u8, plaintext: &[u8]) -> Vec<u8> {
    key.encrypt(&Oaep::new(&[seed; 20]), plaintext)
}

/// RSAES-OAEP-DECRYPT by the generator, remembered: most ciphertexts of a list of operations occur in others.
pub(crate) fn open(key: &PrivateKey, ciphertext: &[u8]) -> Option<Vec<u8>> {
    type Opened = HashMap<(Vec<u8>, Vec<u8>), Option<Vec<u8>>>;
    const MOST: usize = 512;
    thread_local! {
        static OPENED: RefCell<Opened> = RefCell::new(Opened::new());
    }
    OPENED.with_borrow_mut(|opened| {
        if opened.len() >= MOST {
            opened.clear();
        }
        let of = (key.public.spki(), ciphertext.to_vec());
        opened.entry(of).or_insert_with(|| key.open(ciphertext)).clone()
    })
}
