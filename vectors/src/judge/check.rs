//! Messages with random octets, judged by opening them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::Value;

use crate::build::primitives::rsa::PrivateKey;
use crate::build::primitives::{gcm_open, hkdf_expand, hkdf_expand32, hkdf_extract, sha256};

/// What a check found instead.
pub(super) struct Fault {
    pub(super) expected: String,
    pub(super) found: String,
}

/// Applies the check to a message; `before` is the message that the party sent before it.
pub(super) fn message(check: &Value, octets: &[u8], before: Option<&[u8]>) -> Result<(), Fault> {
    match check["check"].as_str() {
        Some("request") => {
            let spki = field(check, "spki")?;
            let Some(ciphertext) = octets.strip_prefix(&*spki) else {
                return fault("the client's SPKI first", "other octets");
            };
            opens(check, ciphertext)
        }
        Some("reply") => opens(check, octets),
        Some("length") => length(check, octets),
        Some("open-record") => {
            let Some(m2) = before else { return fault("M2 before it", "nothing") };
            open_record(check, m2, octets)
        }
        _ => fault("a check that is known", "another"),
    }
}

/// Whether the ciphertext opens to `plaintext` with `private_key`.
fn opens(check: &Value, ciphertext: &[u8]) -> Result<(), Fault> {
    let key = private_key(check)?;
    if ciphertext.len() != key.public.size() {
        let found = format!("{} octets", ciphertext.len());
        return fault(&format!("a ciphertext of {} octets", key.public.size()), &found);
    }
    let Some(found) = key.open(ciphertext) else {
        return fault("RSAES-OAEP under this key", "a ciphertext that does not open");
    };
    let expected = field(check, "plaintext")?;
    if found == expected {
        Ok(())
    } else {
        fault(&format!("plaintext {}", hex::encode(expected)), &hex::encode(found))
    }
}

fn length(check: &Value, octets: &[u8]) -> Result<(), Fault> {
    let expected = check["length"].as_u64();
    if expected.is_some_and(|expected| octets.len() as u64 == expected) {
        return Ok(());
    }
    let expected = check["length"].to_string();
    fault(&format!("{expected} octets"), &format!("{} octets", octets.len()))
}

fn open_record(check: &Value, m2: &[u8], record: &[u8]) -> Result<(), Fault> {
    let (m1, m3, k) = (field(check, "m1")?, field(check, "m3")?, field(check, "k")?);
    let plaintext = open_first(&m1, m2, &m3, &k, record);
    match plaintext.as_deref() {
        Some([2]) => Ok(()),
        Some(other) => fault("an open record", &format!("the plaintext {}", hex::encode(other))),
        None => fault("c2s record 0 of this handshake", "a record that does not open"),
    }
}

/// The plaintext of c2s record 0 (CHAN-001 to CHAN-011).
fn open_first(m1: &[u8], m2: &[u8], m3: &[u8], k: &[u8], record: &[u8]) -> Option<Vec<u8>> {
    let mut transcript = Vec::new();
    for message in [m1, m2, m3] {
        transcript.extend(u32::try_from(message.len()).ok()?.to_be_bytes());
        transcript.extend(message);
    }
    let prk = hkdf_extract(&sha256(&[&transcript]), k);
    let chain = hkdf_expand32(&prk, b"secure-tunnel/v1 c2s");
    let generation = hkdf_expand(&chain, b"key", 44);
    let (key, iv) = generation.split_at(32);
    gcm_open(key.try_into().ok()?, iv.try_into().ok()?, &[], record)
}

fn field(check: &Value, name: &str) -> Result<Vec<u8>, Fault> {
    match check[name].as_str().and_then(|text| hex::decode(text).ok()) {
        Some(octets) => Ok(octets),
        None => fault(&format!("`{name}` in the check"), "none"),
    }
}

/// The key of the check, parsed once for the whole run.
fn private_key(check: &Value) -> Result<Arc<PrivateKey>, Fault> {
    static KEYS: LazyLock<Mutex<HashMap<String, Arc<PrivateKey>>>> = LazyLock::new(Mutex::default);
    let text = check["private_key"].as_str().unwrap_or_default();
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = keys.get(text) {
        return Ok(Arc::clone(key));
    }
    let key = hex::decode(text).ok().and_then(|der| PrivateKey::from_pkcs8(&der));
    let Some(key) = key else { return fault("a private key in the check", "none") };
    let key = Arc::new(key);
    keys.insert(text.to_owned(), Arc::clone(&key));
    Ok(key)
}

fn fault<T>(expected: &str, found: &str) -> Result<T, Fault> {
    Err(Fault { expected: expected.to_owned(), found: found.to_owned() })
}
