//! The keys of certificates: those of elliptic curves depend on their labels alone.

use std::sync::LazyLock;

use crate::build::keys as rsa;
use crate::build::primitives::der::{Length, SEQUENCE, Spki, element, element_with};
use crate::build::primitives::rsa::PrivateKey;
use crate::build::primitives::sign::Key;

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident = $key:expr;)*) => {
        $(
            $(#[$doc])*
            pub(super) fn $name() -> &'static Key {
                static KEY: LazyLock<Key> = LazyLock::new(|| $key);
                &KEY
            }
        )*
    };
}

keys! {
    root = Key::p256("root");
    other_root = Key::p256("other root");
    leaf = Key::p256("leaf");
    /// The same; the length of its AlgorithmIdentifier has an octet more than needed.
    leaf_long_length = Key::Public(with_long_length(&leaf().spki()));
    root_p384 = Key::p384("root");
    intermediate_p384 = Key::p384("intermediate");
    leaf_p384 = Key::p384("leaf");
    root_ed25519 = Key::ed25519("root");
    intermediate_ed25519 = Key::ed25519("intermediate");
    leaf_ed25519 = Key::ed25519("leaf");
    rsa_1024 = Key::Rsa(rsa::k1024());
    rsa_2047 = Key::Rsa(rsa::k2047());
    rsa_2048_a = Key::Rsa(rsa::k2048_a());
    rsa_2048_b = Key::Rsa(rsa::k2048_b());
    rsa_4096 = Key::Rsa(rsa::k4096());
    rsa_8192 = Key::Rsa(rsa::k8192());
    rsa_8193 = Key::Rsa(rsa::k8193());
    p521 = Key::point(&[0x2b, 0x81, 0x04, 0x00, 0x23], &base_point(P521));
    secp256k1 = Key::point(&[0x2b, 0x81, 0x04, 0x00, 0x0a], &base_point(SECP256K1));
    /// RSA for RSASSA-PSS alone.
    rsa_pss = Key::octets(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a], &pkcs1(rsa::k2048_a()));
    x25519 = Key::octets(&[0x2b, 0x65, 0x6e], &[9; 32]);
}

/// The keys of intermediate CAs on P-256, as many as a vector needs; the first is the usual one.
pub(super) fn intermediate(index: usize) -> &'static Key {
    static KEYS: LazyLock<Vec<Key>> =
        LazyLock::new(|| (0..8).map(|i| Key::p256(&format!("intermediate {i}"))).collect());
    &KEYS[index]
}

/// All that sign.
pub(super) fn private() -> Vec<&'static Key> {
    let named = [
        root(),
        other_root(),
        leaf(),
        root_p384(),
        intermediate_p384(),
        leaf_p384(),
        root_ed25519(),
        intermediate_ed25519(),
        leaf_ed25519(),
        rsa_1024(),
        rsa_2047(),
        rsa_2048_a(),
        rsa_2048_b(),
        rsa_4096(),
        rsa_8192(),
        rsa_8193(),
    ];
    named.into_iter().chain((0..8).map(intermediate)).collect()
}

/// `SEQUENCE { SEQUENCE { algorithm, curve }, BIT STRING }` of P-256, where the inner SEQUENCE has 19 octets.
fn with_long_length(spki: &[u8]) -> Vec<u8> {
    let (algorithm, key) = spki[4..].split_at(19);
    element(SEQUENCE, &[&element_with(SEQUENCE, Length::Longer(1), algorithm), key].concat())
}

fn pkcs1(key: &PrivateKey) -> Vec<u8> {
    Spki::new(&key.public.n, key.public.e).pkcs1()
}

/// Keys that sign nothing are the curve's base point, the public key of the private key 1.
fn base_point(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap_or_else(|_| unreachable!("hexadecimal digits"))
}

const P521: &str = "0400c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2\
                    ffa8de3348b3c1856a429bf97e7e31c2e5bd66011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd\
                    17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650";
const SECP256K1: &str = "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e\
                         1108a8fd17b448a68554199c47d08ffb10d4b8";
