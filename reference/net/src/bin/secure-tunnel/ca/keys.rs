//! Private keys, as PKCS#8 in PEM.

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use rsa::pkcs8::EncodePrivateKey;
use rsa::rand_core::UnwrapErr;
use secure_tunnel::secret::Zeroizing;

use super::args::KeyKind;
use crate::fault::Fault;

const LABEL: &str = "PRIVATE KEY";

/// A key pair that is wiped when dropped.
pub type Key = Zeroizing<KeyPair>;

/// A new key pair from the operating system's generator. RSA takes about a second.
pub fn generate(kind: KeyKind) -> Result<Key, Fault> {
    let failed = |error: &dyn core::fmt::Display| Fault::Local(format!("no key was made: {error}"));
    match kind {
        KeyKind::P256 => KeyPair::generate().map(Zeroizing::new).map_err(|e| failed(&e)),
        KeyKind::Rsa2048 => {
            // The generator is asked for a first octet, since one that fails later ends the program.
            getrandom::fill(&mut [0]).map_err(|e| failed(&e))?;
            let made = rsa::RsaPrivateKey::new(&mut UnwrapErr(getrandom::SysRng), 2048);
            let der = made.map_err(|e| failed(&e))?.to_pkcs8_der().map_err(|e| failed(&e))?;
            let pair =
                KeyPair::from_pkcs8_der_and_sign_algo(&der.as_bytes().into(), &PKCS_RSA_SHA256);
            pair.map(Zeroizing::new).map_err(|e| failed(&e))
        }
    }
}

/// The text of a file.
pub fn pem(key: &KeyPair) -> Result<Zeroizing<String>, Fault> {
    super::pem(LABEL, key.serialized_der()).map(Zeroizing::new)
}

/// Reads such a text.
pub fn parse(text: &str) -> Result<Key, String> {
    let advice = "expected PKCS#8 in PEM, -----BEGIN PRIVATE KEY-----, of ECDSA P-256 or RSA";
    let (label, der) =
        pem_rfc7468::decode_vec(text.as_bytes()).map_err(|error| format!("{error}; {advice}"))?;
    let der = Zeroizing::new(der);
    if label != LABEL {
        return Err(format!("a {label}; {advice}"));
    }
    KeyPair::try_from(der.as_slice()).map(Zeroizing::new).map_err(|e| format!("{e}; {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_come_back_from_their_files() {
        for (kind, octets) in [(KeyKind::P256, 65), (KeyKind::Rsa2048, 270)] {
            let key = generate(kind).unwrap();
            let text = pem(&key).unwrap();
            let again = parse(&text).unwrap();
            assert_eq!(again.public_key_raw(), key.public_key_raw());
            assert_eq!(again.public_key_raw().len(), octets);
        }
    }

    #[test]
    fn errors_do_not_show_the_key() {
        let key = pem(&generate(KeyKind::P256).unwrap()).unwrap();
        let body = key.lines().nth(1).unwrap();
        for text in [key.replace("PRIVATE", "EC PRIVATE"), key.replace("MI", "Mi"), String::new()] {
            let error = parse(&text).err().unwrap();
            assert!(error.contains("PKCS#8") && !error.contains(&body[..8]), "{error}");
        }
    }
}
