//! Instructions that callgrind counts on the paths every connection, record and token takes. What runs them and compares
//! the counts with the committed ones is `./instructions`.
//!
//! Each function is run once. What `setup` makes and what is returned is not counted, nor is its drop.

#![allow(missing_docs, unused_qualifications)] // of what the macros make

use core::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use secure_tunnel::channel::{OVERHEAD, Opener, Sealer};
use secure_tunnel::credentials::{ClientKey, ServerKey};
use secure_tunnel::framing::{Deframer, Limit, encode_frame};
use secure_tunnel::handshake::server::{Answer, Lookup};
use secure_tunnel::hazmat;
use secure_tunnel::time::Tick;
use secure_tunnel::token::{
    DEFAULT_CHALLENGE_TTL_MS, DEFAULT_TOKEN_TTL_MS, Issuer, SigningKey, sign_challenge, verify,
};
use tunnelproof_benches::inputs::{self, CHAIN, Exchange};
use tunnelproof_benches::raw;

const NOW_MS: u64 = 1_700_000_000_000;

fn to_seal(size: usize) -> (Sealer, Vec<u8>) {
    (hazmat::sealer_at(CHAIN, 1), vec![0x77; size + OVERHEAD])
}

#[library_benchmark(setup = to_seal)]
#[bench::seal_64(64)]
#[bench::seal_16384(16_384)]
fn seal((mut sealer, mut record): (Sealer, Vec<u8>)) -> (Sealer, Vec<u8>) {
    sealer.seal_in_place(black_box(&mut record)).expect("a record's length");
    (sealer, record)
}

// The same with a few octets looked at once more: if the gate does not tell this from `seal_64`, the gate is broken.
#[library_benchmark(setup = to_seal)]
#[bench::control_slow_seal_64(64)]
fn slow_seal((mut sealer, mut record): (Sealer, Vec<u8>)) -> (Sealer, Vec<u8>, u8) {
    sealer.seal_in_place(black_box(&mut record)).expect("a record's length");
    let sum = record.iter().fold(0, |sum: u8, octet| sum.wrapping_add(*black_box(octet)));
    (sealer, record, sum)
}

fn to_encrypt(octets: usize) -> (raw::Cipher, Vec<u8>) {
    (raw::Cipher::new(&CHAIN), vec![0x77; octets])
}

// What sealing 64 octets is compared with: the cipher's call on as many, and on the 65 that a record encrypts.
#[library_benchmark(setup = to_encrypt)]
#[bench::raw_seal_64(64)]
#[bench::raw_seal_65(65)]
fn raw_seal((cipher, mut octets): (raw::Cipher, Vec<u8>)) -> (raw::Cipher, Vec<u8>, [u8; 16]) {
    let tag = cipher.seal(&[0x55; 12], black_box(&mut octets));
    (cipher, octets, tag)
}

fn to_open(size: usize) -> (Opener, Vec<u8>) {
    let (mut sealer, mut record) = to_seal(size);
    sealer.seal_in_place(&mut record).expect("a record's length");
    (hazmat::opener_at(CHAIN, 1), record)
}

#[library_benchmark(setup = to_open)]
#[bench::open_64(64)]
#[bench::open_16384(16_384)]
fn open((mut opener, mut record): (Opener, Vec<u8>)) -> (Opener, Vec<u8>) {
    opener.open(black_box(&mut record)).expect("it was sealed");
    (opener, record)
}

fn m2() -> (Vec<u8>, usize) {
    let exchange = Exchange::new();
    let k = exchange.key().public().size();
    (exchange.m2, k)
}

#[library_benchmark(setup = m2)]
#[bench::parse_m2()]
fn parse_m2((m2, k): (Vec<u8>, usize)) -> (secure_tunnel::RsaPublic, usize) {
    let (key, c1) = hazmat::decode_m2(black_box(&m2), k).expect("a client's M2");
    let len = c1.len();
    core::mem::forget(m2);
    (key, len)
}

fn client_key() -> Vec<u8> {
    inputs::credentials().0.expose().to_vec()
}

#[library_benchmark(setup = client_key)]
#[bench::parse_client_key()]
fn parse_client_key(octets: Vec<u8>) -> (ClientKey, Vec<u8>) {
    (ClientKey::parse(black_box(&octets)).expect("its own string"), octets)
}

fn server_key() -> Vec<u8> {
    inputs::credentials().1.expose().to_vec()
}

#[library_benchmark(setup = server_key)]
#[bench::parse_server_key()]
fn parse_server_key(octets: Vec<u8>) -> (ServerKey, Vec<u8>) {
    (ServerKey::parse(black_box(&octets)).expect("its own string"), octets)
}

fn lookup() -> (Lookup, Answer) {
    let exchange = Exchange::new();
    let lookup = exchange.greeted().receive(&exchange.m2, Tick(0)).expect("M2 is for this server");
    (lookup, Answer::Unknown)
}

// The check of a password of somebody unknown: nothing after it.
#[library_benchmark(setup = lookup)]
#[bench::refuse_unknown_id()]
fn decide((lookup, answer): (Lookup, Answer)) -> bool {
    lookup.decide(answer, inputs::server_fresh(), inputs::NOW, Tick(0)).is_err()
}

fn stream() -> (Deframer, Vec<u8>) {
    let (mut stream, mut deframer) = (Vec::new(), Deframer::new());
    for size in [64, 1024, 16_384] {
        let message = vec![0x77; size];
        encode_frame(&message, Limit::Established, &mut stream).expect("a message's length");
    }
    deframer.set_limit(Limit::Established);
    (deframer, stream)
}

// Three messages that arrive 1,000 octets at a time.
#[library_benchmark(setup = stream)]
#[bench::deframer()]
fn deframe((mut deframer, stream): (Deframer, Vec<u8>)) -> (Deframer, Vec<Vec<u8>>) {
    let mut messages = Vec::with_capacity(3);
    for mut read in stream.chunks(1_000) {
        while !read.is_empty() {
            let (taken, message) = deframer.push(black_box(read)).expect("frames");
            messages.extend(message);
            read = &read[taken..];
        }
    }
    core::mem::forget(stream);
    (deframer, messages)
}

fn token() -> ([u8; 32], Vec<u8>) {
    let key = SigningKey::from_seed(&[1; 32]);
    let public = *key.public_key().as_octets();
    let issuer = Issuer::new(key, None, DEFAULT_CHALLENGE_TTL_MS, DEFAULT_TOKEN_TTL_MS);
    let issuer = issuer.expect("the usual lifetimes");
    let client = SigningKey::from_seed(&[2; 32]);
    let client_public = *client.public_key().as_octets();
    let challenge = issuer.challenge(&client_public, NOW_MS).expect("a clock in range");
    let signed = sign_challenge(&client, None, &challenge).expect("a challenge for this client");
    (public, issuer.issue(&client_public, &signed, NOW_MS).expect("the client's signature"))
}

#[library_benchmark(setup = token)]
#[bench::verify_token()]
fn verify_token((public, token): ([u8; 32], Vec<u8>)) -> (bool, Vec<u8>) {
    (verify(&public, black_box(&token), DEFAULT_TOKEN_TTL_MS, NOW_MS).is_ok(), token)
}

library_benchmark_group!(
    name = paths,
    benchmarks = [
        seal,
        slow_seal,
        raw_seal,
        open,
        parse_m2,
        parse_client_key,
        parse_server_key,
        decide,
        deframe,
        verify_token
    ]
);
main!(library_benchmark_groups = paths);
