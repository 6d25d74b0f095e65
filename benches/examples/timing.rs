//! Whether the time of a refusal depends on a secret: two classes of inputs each, and dudect's t-test between them.
//! `scripts/timing` runs this and says how to read it.

#![allow(missing_docs)] // of what the macro makes

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use dudect_bencher::rand::{Rng, RngExt};
use dudect_bencher::{BenchRng, Class, CtRunner, ctbench_main};
use secure_tunnel::RsaPrivate;
use secure_tunnel::credentials::{ClientPassword, Id, ServerKey};
use secure_tunnel::handshake::server::{Answer, Policy, Server};
use secure_tunnel::hazmat;
use secure_tunnel::time::Tick;
use secure_tunnel::token::{
    DEFAULT_CHALLENGE_TTL_MS, DEFAULT_TOKEN_TTL_MS, Issuer, SigningKey, sign_challenge,
};
use tunnelproof_benches::inputs::{self, Exchange};

/// Checks of a password: 25 us each.
const CHECKS: usize = 600_000;
/// Operations that need an RSA private operation each, to be measured or to get there: 10 to 15 ms each.
const PRIVATE_OPERATIONS: usize = 2_000;
/// Refusals that are waited for.
const RELEASED: usize = 400;
const RELEASE_DELAY_MS: u64 = 200;
/// Refusals of a signed challenge: 60 to 120 us each.
const CHALLENGES: usize = 20_000;

fn class(rng: &mut BenchRng) -> Class {
    if rng.random() { Class::Left } else { Class::Right }
}

/// A right password beside a stored digest that differs in the first digit (left) or in the last one alone (right).
struct Check {
    id: Id,
    password: ClientPassword,
    stored: Vec<(Class, ServerKey, [u8; 18])>,
    digest: [u8; 18],
}

impl Check {
    fn new(rng: &mut BenchRng) -> Self {
        let good = inputs::credentials().1.expose().to_vec();
        let digest: [u8; 18] = good[8..].try_into().expect("26 octets");
        let stored = (0..CHECKS).map(|_| {
            let class = class(rng);
            let at = if matches!(class, Class::Left) { 0 } else { 17 };
            let mut key = good.clone();
            key[8 + at] = if key[8 + at] == b'a' { b'b' } else { b'a' };
            let changed = key[8..].try_into().expect("26 octets");
            (class, ServerKey::parse(&key).expect("base62"), changed)
        });
        let stored = stored.collect();
        Self { id: inputs::id(), password: inputs::passwords().0, stored, digest }
    }
}

/// The comparison alone.
fn digest_comparison(runner: &mut CtRunner, rng: &mut BenchRng) {
    let (Check { stored, .. }, good) = (Check::new(rng), inputs::credentials().1);
    for (class, stored, _) in &stored {
        runner.run_one(*class, || hazmat::is_same_digest(stored, &good));
    }
}

/// The whole check.
fn password_digest(runner: &mut CtRunner, rng: &mut BenchRng) {
    let Check { id, password, stored, .. } = Check::new(rng);
    for (class, stored, _) in &stored {
        runner.run_one(*class, || hazmat::is_client_password(stored, &id, &password));
    }
}

/// A comparison that stops at the first difference.
fn is_equal_leaky(a: &[u8; 18], b: &[u8; 18]) -> bool {
    a.iter().zip(b).all(|(a, b)| black_box(a) == black_box(b))
}

/// The control: such a comparison of the same octets, alone.
fn control_alone(runner: &mut CtRunner, rng: &mut BenchRng) {
    let Check { stored, digest, .. } = Check::new(rng);
    for (class, _, changed) in &stored {
        runner.run_one(*class, || is_equal_leaky(&digest, changed));
    }
}

/// The other control: the check of the password, and then such a comparison.
fn control_leaky(runner: &mut CtRunner, rng: &mut BenchRng) {
    let Check { id, password, stored, digest } = Check::new(rng);
    for (class, stored, changed) in &stored {
        runner.run_one(*class, || {
            let right = hazmat::is_client_password(stored, &id, &password);
            right | is_equal_leaky(&digest, changed)
        });
    }
}

/// Nobody of that id (left), or a wrong password (right).
fn unknown_id(runner: &mut CtRunner, rng: &mut BenchRng) {
    let exchange = Exchange::new();
    let mut wrong = inputs::credentials().1.expose().to_vec();
    wrong[8..].fill(b'x');
    for _ in 0..PRIVATE_OPERATIONS {
        let (class, stored) = (class(rng), ServerKey::parse(&wrong).expect("base62"));
        let answer = match class {
            Class::Left => Answer::Unknown,
            Class::Right => Answer::Found(stored),
        };
        let lookup = exchange.greeted().receive(&exchange.m2, Tick(0)).expect("M2");
        let parts = Cell::new(Some((lookup, answer, inputs::server_fresh())));
        runner.run_one(class, || {
            let (lookup, answer, fresh) = parts.take().expect("it is run once");
            lookup.decide(answer, fresh, inputs::NOW, Tick(0)).is_err()
        });
    }
}

/// M2s whose C1 does not open (left), or opens to a P1 that is bound to other keys (right).
struct Refused {
    key: Arc<RsaPrivate>,
    exchange: Exchange,
}

impl Refused {
    fn new() -> Self {
        Self { key: Arc::new(inputs::key(&inputs::server_der())), exchange: Exchange::new() }
    }

    fn m2(&self, class: Class, rng: &mut BenchRng) -> Vec<u8> {
        let (mut p1, mut seed) = (self.exchange.p1(), [0; 20]);
        *p1.last_mut().expect("P1 ends in the nonce") ^= 1;
        rng.fill_bytes(&mut seed);
        let mut c1 = hazmat::oaep_encrypt(self.key.public(), &p1, &seed).expect("it fits");
        if matches!(class, Class::Left) {
            c1[300] ^= 1;
        }
        let spki = self.exchange.m2.len() - c1.len();
        [&self.exchange.m2[..spki], &c1].concat()
    }
}

fn refused_c1(runner: &mut CtRunner, rng: &mut BenchRng) {
    let refused = Refused::new();
    for _ in 0..PRIVATE_OPERATIONS {
        let class = class(rng);
        let m2 = refused.m2(class, rng);
        let (server, _) = Server::greet(Arc::clone(&refused.key), Policy::default(), Tick(0));
        let server = Cell::new(Some(server));
        runner.run_one(class, || {
            server.take().expect("it is run once").receive(&m2, Tick(0)).is_err()
        });
    }
}

/// The same up to the tick at which the failure may be released.
fn release_of_c1(runner: &mut CtRunner, rng: &mut BenchRng) {
    let refused = Refused::new();
    let policy = Policy::with_release_delay(RELEASE_DELAY_MS).expect("less than ten seconds");
    for _ in 0..RELEASED {
        let class = class(rng);
        let m2 = refused.m2(class, rng);
        let (server, _) = Server::greet(Arc::clone(&refused.key), policy, Tick(0));
        let server = Cell::new(Some(server));
        runner.run_one(class, || {
            let begun = Instant::now();
            let failure = server.take().expect("it is run once").receive(&m2, Tick(0));
            let release = failure.expect_err("it is refused").release.0;
            thread::sleep(Duration::from_millis(release).saturating_sub(begun.elapsed()));
        });
    }
}

/// One signed challenge for each way of being refused.
struct Challenges {
    issuer: Issuer,
    client: [u8; 32],
    client_signature: Vec<u8>,
    server_signature: Vec<u8>,
    expired: Vec<u8>,
}

const NOW_MS: u64 = 1_700_000_000_000;

impl Challenges {
    fn new() -> Self {
        let key = SigningKey::from_seed(&[1; 32]);
        let issuer = Issuer::new(key, None, DEFAULT_CHALLENGE_TTL_MS, DEFAULT_TOKEN_TTL_MS);
        let (issuer, signer) = (issuer.expect("lifetimes"), SigningKey::from_seed(&[2; 32]));
        let client = *signer.public_key().as_octets();
        let challenge = |now| issuer.challenge(&client, now).expect("a clock in range");
        let sign = |challenge: &[u8]| sign_challenge(&signer, None, challenge).expect("for it");
        let (mut client_signature, mut forged) = (sign(&challenge(NOW_MS)), challenge(NOW_MS));
        client_signature[40] ^= 1;
        forged[40] ^= 1;
        let (server_signature, expired) = (sign(&forged), sign(&challenge(NOW_MS - 3_600_000)));
        Self { client, client_signature, server_signature, expired, issuer }
    }

    fn run(&self, runner: &mut CtRunner, rng: &mut BenchRng, left: &[u8], right: &[u8]) {
        for _ in 0..CHALLENGES {
            let class = class(rng);
            let signed = if matches!(class, Class::Left) { left } else { right }.to_vec();
            runner.run_one(class, || {
                self.issuer.issue(&self.client, &signed, NOW_MS).expect_err("it is refused")
            });
        }
    }
}

/// Refused for the client's signature (left), or for the server's (right).
fn token_client_or_server_signature(runner: &mut CtRunner, rng: &mut BenchRng) {
    let challenges = Challenges::new();
    challenges.run(runner, rng, &challenges.client_signature, &challenges.server_signature);
}

/// Refused for the server's signature (left), or as expired (right).
fn token_server_signature_or_expired(runner: &mut CtRunner, rng: &mut BenchRng) {
    let challenges = Challenges::new();
    challenges.run(runner, rng, &challenges.server_signature, &challenges.expired);
}

ctbench_main!(
    control_alone,
    control_leaky,
    digest_comparison,
    password_digest,
    unknown_id,
    refused_c1,
    release_of_c1,
    token_client_or_server_signature,
    token_server_signature_or_expired
);
