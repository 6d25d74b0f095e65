//! OpenSSL: AES-256-GCM in place, the RSA-OAEP private operation, Ed25519 verification. Contexts are made
//! once where OpenSSL allows it.

use openssl::cipher::Cipher as Algorithm;
use openssl::cipher_ctx::CipherCtx;
use openssl::pkey::{Id, PKey, Private, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::Verifier;

/// AES-256-GCM with one key: a context for each direction, whose key schedule is made once.
pub struct Cipher {
    seal: CipherCtx,
    open: CipherCtx,
}

impl Cipher {
    /// Expands `key`.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let algorithm = Algorithm::fetch(None, "AES-256-GCM", None).expect("a usual build");
        let mut seal = CipherCtx::new().expect("memory");
        seal.encrypt_init(Some(&algorithm), Some(key), None).expect("32 octets");
        let mut open = CipherCtx::new().expect("memory");
        open.decrypt_init(Some(&algorithm), Some(key), None).expect("32 octets");
        Self { seal, open }
    }

    /// Encrypts `octets` in place and gives the tag.
    #[must_use]
    pub fn seal(&mut self, nonce: &[u8; 12], octets: &mut [u8]) -> [u8; 16] {
        let mut tag = [0; 16];
        self.seal.encrypt_init(None, None, Some(nonce)).expect("12 octets");
        self.seal.cipher_update_inplace(octets, octets.len()).expect("below GCM's limit");
        self.seal.cipher_final(&mut []).expect("GCM keeps no block back");
        self.seal.tag(&mut tag).expect("after the end");
        tag
    }

    /// Decrypts `octets` in place; false if `tag` is not theirs.
    #[must_use]
    pub fn open(&mut self, nonce: &[u8; 12], octets: &mut [u8], tag: &[u8; 16]) -> bool {
        self.open.decrypt_init(None, None, Some(nonce)).expect("12 octets");
        self.open.cipher_update_inplace(octets, octets.len()).expect("below GCM's limit");
        self.open.set_tag(tag).expect("16 octets");
        self.open.cipher_final(&mut []).is_ok()
    }
}

/// An RSA private key, to be used as RSAES-OAEP with SHA-1.
pub struct RsaKey(PKey<Private>);

impl RsaKey {
    /// Reads PKCS#8 DER.
    #[must_use]
    pub fn from_pkcs8(der: &[u8]) -> Self {
        Self(PKey::private_key_from_pkcs8(der).expect("a test key"))
    }

    /// The private operation.
    #[must_use]
    pub fn decrypt(&self, ciphertext: &[u8]) -> Vec<u8> {
        let mut plaintext = Vec::new();
        let mut context = PkeyCtx::new(&self.0).expect("memory");
        context.decrypt_init().expect("an RSA key");
        context.set_rsa_padding(Padding::PKCS1_OAEP).expect("RSA has OAEP");
        context.decrypt_to_vec(ciphertext, &mut plaintext).expect("for this key");
        plaintext
    }

    /// Makes a key pair of `bits` with exponent 65537.
    #[must_use]
    pub fn generate(bits: u32) -> Rsa<Private> {
        Rsa::generate(bits).expect("the system's generator")
    }
}

/// An Ed25519 public key.
pub struct Ed25519(PKey<Public>);

impl Ed25519 {
    /// Takes the 32 octets.
    #[must_use]
    pub fn new(public: &[u8; 32]) -> Self {
        Self(PKey::public_key_from_raw_bytes(public, Id::ED25519).expect("32 octets"))
    }

    /// Verifies.
    #[must_use]
    pub fn verify(&self, signature: &[u8], message: &[u8]) -> bool {
        let mut verifier = Verifier::new_without_digest(&self.0).expect("an Ed25519 key");
        verifier.verify_oneshot(signature, message).expect("64 octets")
    }
}

/// Its version, as the loaded library tells.
#[must_use]
pub fn version() -> &'static str {
    openssl::version::version()
}
