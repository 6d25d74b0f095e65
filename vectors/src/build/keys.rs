//! The committed test keys.

use std::sync::LazyLock;

use super::primitives::rsa::PrivateKey;

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name() -> &'static PrivateKey {
                static KEY: LazyLock<PrivateKey> = LazyLock::new(|| {
                    PrivateKey::from_pem(include_str!(concat!("../../keys/test-rsa-", $file, ".pem")))
                        .unwrap_or_else(|| panic!(concat!("test-rsa-", $file, ".pem is a PKCS#8 key")))
                });
                &KEY
            }
        )*
    };
}

keys! {
    /// 4552 bits, usually the server's.
    k4552_a = "4552-a";
    /// 4552 bits, usually the client's.
    k4552_b = "4552-b";
    /// 4552 bits, of somebody else.
    k4552_c = "4552-c";
    /// 4552 bits, of an attacker.
    k4552_d = "4552-d";
    /// 4480 bits.
    k4480_a = "4480-a";
    /// 4480 bits.
    k4480_b = "4480-b";
    /// 4425 bits, the smallest accepted.
    k4425 = "4425";
    /// 4432 bits.
    k4432 = "4432";
    /// 8192 bits, the largest accepted.
    k8192 = "8192";
    /// 4424 bits, one too few.
    k4424 = "4424-too-short";
    /// 8193 bits, one too many.
    k8193 = "8193-too-long";
    /// 4552 bits, e = 3.
    k4552_e3 = "4552-e3";
    /// 1024 bits: too weak a key of a certificate.
    k1024 = "1024-too-weak";
    /// 2047 bits, one too few for a certificate; as many octets as 2048 bits.
    k2047 = "2047-too-short";
    /// 2048 bits, the smallest key of a certificate.
    k2048_a = "2048-a";
    /// 2048 bits.
    k2048_b = "2048-b";
    /// 4096 bits.
    k4096 = "4096";
}
