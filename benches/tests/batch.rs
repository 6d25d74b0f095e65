//! Why the reference has no verification of tokens in batches: that of ed25519-dalek accepts what TOK-017 and TOK-019
//! forbid and `verify_strict` refuses. Its equation is a random linear combination in which points of small order
//! can vanish.

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use ed25519_dalek::{Signature, VerifyingKey, verify_batch};
use sha2::{Digest, Sha512};

/// The verdicts of the strict check and of a batch of one.
fn verdicts(key: &[u8; 32], message: &[u8], r: [u8; 32], s: [u8; 32]) -> (bool, bool) {
    let signature = Signature::from_components(r, s);
    let key = VerifyingKey::from_bytes(key).expect("a point");
    let strict = key.verify_strict(message, &signature).is_ok();
    (strict, verify_batch(&[message], &[signature], &[key]).is_ok())
}

#[test]
fn a_batch_accepts_a_key_of_small_order() {
    // The neutral element as A and R, and S = 0: a signature of every message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(verdicts(&neutral, b"anything", neutral, [0; 32]), (false, true));
}

#[test]
fn a_batch_accepts_every_other_signature_whose_r_has_a_part_of_order_two() {
    // An honest key, so that no check of keys helps. R = rB + T with 2T = 0: the batch's equation is zT = 0, and z
    // is even for one message in two.
    let (secret, torsion) = (Scalar::from(0x1234_5678_9abc_def1_u64), EIGHT_TORSION[4]);
    let key = (ED25519_BASEPOINT_POINT * secret).compress().to_bytes();
    let mut accepted = 0;
    for number in 0..64u64 {
        let (message, nonce) = (number.to_be_bytes(), Scalar::from(number + 1));
        let r = (ED25519_BASEPOINT_POINT * nonce + torsion).compress().to_bytes();
        let k = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
        let s = nonce + Scalar::from_bytes_mod_order_wide(&k.into()) * secret;
        let (strict, batch) = verdicts(&key, &message, r, s.to_bytes());
        assert!(!strict, "{number}");
        accepted += u32::from(batch);
    }
    assert!((16..=48).contains(&accepted), "{accepted} of 64");
}

#[test]
fn both_agree_on_honest_signatures() {
    use ed25519_dalek::{Signer, SigningKey};

    let key = SigningKey::from_bytes(&[5; 32]);
    let signature = key.sign(b"message");
    let (r, s) = (*signature.r_bytes(), *signature.s_bytes());
    assert_eq!(verdicts(key.verifying_key().as_bytes(), b"message", r, s), (true, true));
    assert_eq!(verdicts(key.verifying_key().as_bytes(), b"massage", r, s), (false, false));
}
