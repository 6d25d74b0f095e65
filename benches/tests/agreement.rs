//! Everything that is measured side by side computes the same thing.

use secure_tunnel::hazmat;
use tunnelproof_benches::inputs::CHAIN;
use tunnelproof_benches::{SIZES, raw};

/// The octets given to the cipher, the record that the reference makes of them, and key and nonce.
fn record(size: usize) -> (Vec<u8>, Vec<u8>, [u8; 32], [u8; 12]) {
    let payload = vec![0x77; size];
    let record = hazmat::seal(CHAIN, 0, 0x00, &payload).expect("a payload's length");
    let (key, iv, _) = hazmat::generation(CHAIN);
    ([&[0], &payload[..]].concat(), record, key, iv) // record 0: the nonce is the IV
}

#[test]
fn the_raw_call_makes_the_reference_s_records() {
    for size in SIZES {
        let (plaintext, record, key, nonce) = record(size);
        let (cipher, mut octets) = (raw::Cipher::new(&key), plaintext.clone());
        let tag = cipher.seal(&nonce, &mut octets);
        assert_eq!([&octets[..], &tag].concat(), record, "{size}");
        assert!(cipher.open(&nonce, &mut octets, &tag));
        assert_eq!(octets, plaintext);
        assert!(!cipher.open(&nonce, &mut octets, &[0; 16]));
    }
}

#[cfg(feature = "peers")]
mod peers {
    use secure_tunnel::token::{Issuer, SigningKey, sign_challenge};
    use tunnelproof_benches::inputs::{self, Exchange};
    use tunnelproof_benches::{noise, openssl, sodium};

    use super::*;

    #[test]
    fn openssl_makes_the_same_records() {
        for size in SIZES {
            let (plaintext, record, key, nonce) = record(size);
            let (mut cipher, mut octets) = (openssl::Cipher::new(&key), plaintext.clone());
            for _ in 0..2 {
                let tag = cipher.seal(&nonce, &mut octets);
                assert_eq!([&octets[..], &tag].concat(), record, "{size}");
                assert!(cipher.open(&nonce, &mut octets, &tag));
                assert_eq!(octets, plaintext);
            }
            assert!(!cipher.open(&nonce, &mut octets, &[0; 16]));
        }
    }

    #[test]
    fn openssl_opens_c1_to_the_same_p1() {
        let exchange = Exchange::new();
        let key = openssl::RsaKey::from_pkcs8(&inputs::server_der());
        assert_eq!(key.decrypt(exchange.c1()), exchange.p1());
    }

    #[test]
    fn openssl_and_libsodium_verify_tokens_and_refuse_changed_ones() {
        let (now, client) = (1_700_000_000_000, SigningKey::from_seed(&[2; 32]));
        let issuer = Issuer::new(SigningKey::from_seed(&[1; 32]), None, 1000, 1000);
        let (issuer, public) = (issuer.expect("lifetimes"), *client.public_key().as_octets());
        let challenge = issuer.challenge(&public, now).expect("a clock in range");
        let signed = sign_challenge(&client, None, &challenge).expect("for this client");
        let token = issuer.issue(&public, &signed, now).expect("signed");
        let server = *SigningKey::from_seed(&[1; 32]).public_key().as_octets();
        let (openssl, sodium) = (openssl::Ed25519::new(&server), sodium::Ed25519::new(&server));
        for at in [None, Some(0), Some(40), Some(70), Some(100)] {
            let mut token = token.clone();
            if let Some(at) = at {
                token[at] ^= 1;
            }
            let (signature, message) = token.split_first_chunk().expect("101 octets");
            assert_eq!(openssl.verify(signature, message), at.is_none(), "{at:?}");
            assert_eq!(sodium.verify(signature, message), at.is_none(), "{at:?}");
        }
    }

    #[test]
    fn both_sides_of_the_noise_handshake_share_their_keys() {
        let parties = noise::Parties::new();
        let (mut client, mut server) = parties.connect();
        let (mut message, mut payload) = ([0; 21], [0; 21]);
        let len = client.write_message(b"hello", &mut message).expect("it fits");
        assert_eq!(len, 21);
        let len = server.read_message(&message, &mut payload).expect("the client's");
        assert_eq!(&payload[..len], b"hello");
        let (state, asked) = parties.asked();
        let (state, _) = noise::Parties::answer(state, &asked);
        assert!(!state.is_initiator());
    }
}
