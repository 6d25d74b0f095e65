//! A signature R || S + L fails (TOK-014).
//!
//! Any crate in the graph that turns on ed25519-dalek's feature `legacy_compatibility` turns this check
//! off for all of them, so this test looks at what the build at hand really does.

use secure_tunnel::error::{Step, TokenError};
use secure_tunnel::token::{Issuer, SigningKey};

/// L = 2^252 + 27742317777372353535851937790883648493, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Adds L to the S of the signature that `signed` begins with; false if it leaves 256 bits.
fn add_order(signed: &mut [u8]) -> bool {
    let mut carry = 0;
    for (octet, order) in signed[32..64].iter_mut().zip(ORDER) {
        let [low, high] = (u16::from(*octet) + u16::from(order) + carry).to_le_bytes();
        (*octet, carry) = (low, u16::from(high));
    }
    carry == 0
}

#[test]
fn a_signature_with_s_plus_l_is_refused() {
    let issuer = Issuer::new(SigningKey::from_seed(&[1; 32]), None, 1_000, 1_000).unwrap();
    let client = SigningKey::from_seed(&[2; 32]);
    let public = client.public_key();
    let challenge = issuer.challenge(public.as_octets(), 5_000).unwrap();
    let signed = secure_tunnel::token::sign_challenge(&client, None, &challenge).unwrap();
    let token = issuer.issue(public.as_octets(), &signed, 5_000).unwrap();
    assert_eq!(issuer.verify(&token, 5_000), Ok(public));

    let mut malleated = token.clone();
    let mut tried = 0;
    // With the top three bits clear, which is all that the feature looks at, and then set.
    while add_order(&mut malleated) {
        let error = issuer.verify(&malleated, 5_000);
        assert_eq!(error, Err(TokenError::ServerSignature { step: Step::Verify }));
        tried += 1;
    }
    assert!(tried >= 14, "{tried}");

    let mut malleated = signed.clone();
    assert!(add_order(&mut malleated));
    let error = issuer.issue(public.as_octets(), &malleated, 5_000);
    assert_eq!(error, Err(TokenError::ClientSignature));
}
