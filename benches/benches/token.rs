//! Tokens: issuing and verifying, beside Ed25519 verification of the same signature by others.

use core::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use secure_tunnel::token::{
    DEFAULT_CHALLENGE_TTL_MS, DEFAULT_TOKEN_TTL_MS, Issuer, SigningKey, sign_challenge, verify,
};

const NOW: u64 = 1_700_000_000_000;

fn benches(c: &mut Criterion) {
    let key = SigningKey::from_seed(&[1; 32]);
    let server_public = *key.public_key().as_octets();
    let issuer = Issuer::new(key, None, DEFAULT_CHALLENGE_TTL_MS, DEFAULT_TOKEN_TTL_MS);
    let issuer = issuer.expect("the usual lifetimes");
    let client = SigningKey::from_seed(&[2; 32]);
    let client_public = *client.public_key().as_octets();
    let challenge = issuer.challenge(&client_public, NOW).expect("a clock in range");
    let signed = sign_challenge(&client, None, &challenge).expect("a challenge for this client");
    let token = issuer.issue(&client_public, &signed, NOW).expect("the client's signature");

    let mut group = c.benchmark_group("token");
    group.bench_function("challenge", |b| {
        b.iter(|| issuer.challenge(black_box(&client_public), NOW).expect("a clock in range"));
    });
    group.bench_function("sign-challenge", |b| {
        b.iter(|| sign_challenge(&client, None, black_box(&challenge)).expect("for this client"));
    });
    group.bench_function("issue", |b| {
        b.iter(|| issuer.issue(&client_public, black_box(&signed), NOW).expect("signed"));
    });
    group.bench_function("verify", |b| {
        b.iter(|| {
            verify(&server_public, black_box(&token), DEFAULT_TOKEN_TTL_MS, NOW).expect("issued")
        });
    });
    #[cfg(feature = "peers")]
    {
        use tunnelproof_benches::{openssl, sodium};

        let (signature, message) = token.split_first_chunk().expect("101 octets");
        let sodium = sodium::Ed25519::new(&server_public);
        group.bench_function("libsodium-verify", |b| {
            b.iter(|| assert!(sodium.verify(black_box(signature), message)));
        });
        let openssl = openssl::Ed25519::new(&server_public);
        group.bench_function("openssl-verify", |b| {
            b.iter(|| assert!(openssl.verify(black_box(signature), message)));
        });
    }
}

criterion_group! { name = all; config = tunnelproof_benches::criterion(); targets = benches }
criterion_main!(all);
