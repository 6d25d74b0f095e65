//! Many records, handshakes and hostile first messages, one after the other: each leaves no octet on the heap behind it,
//! and none takes more than a bounded amount of it.
//!
//! The numbers are small here so that this runs with all tests; `scripts/soak` sets `TUNNELPROOF_SOAK` for the large
//! ones and shows what is printed. The allocator that counts is Rust's; what a C library takes shows in the resident set.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod common;

use std::sync::Arc;
use std::time::Instant;

use allocation_counter::{AllocationInfo, measure};
use common::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use secure_tunnel::RsaPrivate;
use secure_tunnel::channel::{Channel, MAX_RECORD, OVERHEAD, Opened};
use secure_tunnel::framing::{Deframer, Limit, encode_frame};
use secure_tunnel::handshake::client::{self, Client};
use secure_tunnel::handshake::server::{self, Policy, Server};
use secure_tunnel::time::Tick;
use sha2::{Digest, Sha256};

/// Whether the large numbers are asked for.
fn is_large() -> bool {
    std::env::var_os("TUNNELPROOF_SOAK").is_some()
}

fn many(small: u64, large: u64) -> u64 {
    if is_large() { large } else { small }
}

/// Parts of a run after which memory is looked at; the first is the warm-up.
const PARTS: u64 = 10;

/// Octets by which the resident set may grow after the warm-up. It is that of all threads, and noisy, so this is for the
/// large numbers, where the tests run one after the other.
const RESIDENT_GROWTH: u64 = 16 << 20;

/// Runs `step` `count` times and checks after each part that the heap holds what it held before and never held more
/// than `peak` octets more.
fn soak(what: &str, count: u64, peak: u64, mut step: impl FnMut(u64)) {
    let begun = Instant::now();
    let (mut highest, mut resident_first) = (0, 0);
    for part in 0..PARTS {
        let info: AllocationInfo =
            measure(|| (part * count / PARTS..(part + 1) * count / PARTS).for_each(&mut step));
        if part == 0 {
            resident_first = resident();
            continue;
        }
        assert_eq!(
            (info.bytes_current, info.count_current),
            (0, 0),
            "{what}: live after part {part}"
        );
        assert!(info.bytes_max <= peak, "{what}: {} octets at once in part {part}", info.bytes_max);
        highest = highest.max(info.bytes_max);
    }
    let grown = resident().saturating_sub(resident_first);
    assert!(
        grown <= RESIDENT_GROWTH || !is_large(),
        "{what}: the resident set grew by {grown} octets"
    );
    println!(
        "{what}: {count} in {:.1} s; at most {highest} octets of heap at once, none left; resident set \
         {} KiB after the warm-up, {} KiB at the end",
        begun.elapsed().as_secs_f64(),
        resident_first >> 10,
        resident() >> 10,
    );
}

/// Octets of the resident set, where there is a /proc; elsewhere 0.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0u64) * 4096
}

/// Shared by all connections of a server.
fn shared_key() -> Arc<RsaPrivate> {
    Arc::new(ours(a4552()))
}

fn draw<const N: usize>(rng: &mut ChaCha20Rng) -> [u8; N] {
    let mut octets = [0; N];
    rng.fill_bytes(&mut octets);
    octets
}

/// A whole handshake, everything fresh but the two RSA keys.
fn connect(key: &Arc<RsaPrivate>, rng: &mut ChaCha20Rng) -> (Channel, Channel) {
    let (server, m1) = Server::greet(Arc::clone(key), Policy::default(), Tick(0));
    let state = Client::connect(pair().0, None, Tick(0)).receive(&m1, Tick(0)).unwrap();
    let keypair = ours(b4552());
    let fresh = client::Fresh { keypair, r: draw(rng).into(), seed: draw(rng).into() };
    let (state, m2) = state.request(fresh, NOW, Tick(0)).unwrap();
    let fresh = server::Fresh { secret: draw(rng).into(), seed: draw(rng).into() };
    let lookup = server.receive(&m2, Tick(0)).unwrap();
    let (server, m3) = lookup.decide(found(), fresh, NOW, Tick(0)).unwrap();
    let (client, mut open) = state.receive(&m3, Tick(0)).unwrap();
    let (server, id) = server.receive(&mut open, Tick(0)).unwrap();
    assert_eq!(id.as_str(), ID);
    (client, server)
}

/// A byte stream in memory with a sealer at its one end and an opener at the other.
struct Pipe {
    record: Vec<u8>,
    stream: Vec<u8>,
    deframer: Deframer,
}

impl Pipe {
    fn new() -> Self {
        let mut deframer = Deframer::new();
        deframer.set_limit(Limit::Established);
        let room = || Vec::with_capacity(LONGEST + OVERHEAD + 4);
        Self { record: room(), stream: room(), deframer }
    }

    /// Sends `payload`, cut into two reads at `cut`, and checks that it arrives.
    fn carry(&mut self, from: &mut Channel, to: &mut Channel, payload: &[u8], cut: usize) {
        self.record.clear();
        self.stream.clear();
        from.seal(payload, &mut self.record).unwrap();
        encode_frame(&self.record, Limit::Established, &mut self.stream).unwrap();
        let (head, tail) = self.stream.split_at(cut % self.stream.len());
        assert_eq!(self.deframer.push(head).unwrap(), (head.len(), None));
        let (taken, message) = self.deframer.push(tail).unwrap();
        assert_eq!(taken, tail.len());
        assert_eq!(to.open(&mut message.unwrap()).unwrap(), Opened::Data(payload));
    }
}

/// Octets of the longest payload of the run.
const LONGEST: usize = 2048;

const PEAK_OF_RECORDS: u64 = 3 * (LONGEST + OVERHEAD) as u64;

#[test]
fn records_both_ways() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (mut client, mut server) = connect(&shared_key(), &mut rng);
    let (mut up, mut down) = (Pipe::new(), Pipe::new());
    let octets: [u8; LONGEST] = draw(&mut rng);
    // A record's message, while it moves to twice as much room, and nothing else.
    soak("records each way", many(2_500, 1_000_000), PEAK_OF_RECORDS, |_| {
        let [len, cut, back] = core::array::from_fn(|_| rng.next_u32() as usize);
        up.carry(&mut client, &mut server, &octets[..len % (LONGEST + 1)], cut);
        down.carry(&mut server, &mut client, &octets[..back % (LONGEST + 1)], cut);
    });
}

#[test]
fn handshakes_with_one_server_key() {
    let (key, mut rng) = (shared_key(), ChaCha20Rng::seed_from_u64(2));
    soak("handshakes", many(10, 2_000), PEAK, |_| drop(connect(&key, &mut rng)));
    assert_eq!(Arc::strong_count(&key), 1, "no connection is left");
}

/// Octets of heap that one handshake may hold at once, big-integer arithmetic included.
const PEAK: u64 = 256 << 10;

/// First messages of somebody who knows all keys' public halves, and no secret.
struct Hostile {
    rng: ChaCha20Rng,
    m1: Vec<u8>,
    m2: Vec<u8>,
}

impl Hostile {
    /// The next message for the server.
    fn server_receives(&mut self, number: u64) -> Vec<u8> {
        let random = self.rng.next_u32() as usize;
        let (m2, spki) = (&self.m2, self.m2.len() - 569);
        match number % 10 {
            0 => vec![0x30; random % 4097],
            1 => self.octets(random % 4097),
            2 => m2[..random % m2.len()].to_vec(),
            3 => [m2, &b"x"[..]].concat(),
            4 => self.m2_with(random % spki), // a changed bit of the key
            5 => self.m2_with(random % 30),   // one of its DER
            6 => [&self.m1[..], &self.m1].concat(),
            7 => [&m2[..spki], &[0xff; 569]].concat(), // not less than the modulus
            // The two that cost the server a private operation.
            8 if number.is_multiple_of(4) => self.m2_with(spki + 300),
            8 => [self.m2[..spki].to_vec(), [&[0][..], &self.octets(568)].concat()].concat(),
            _ => Vec::new(),
        }
    }

    /// The next message for a client with a pin.
    fn client_receives(&mut self, number: u64) -> Vec<u8> {
        let random = self.rng.next_u32() as usize;
        match number % 4 {
            0 => self.octets(random % 4097),
            1 => self.m1[..random % self.m1.len()].to_vec(),
            2 => [&self.m1[..], &[0; 7]].concat(),
            _ => {
                let mut m1 = self.m1.clone();
                m1[random % self.m1.len()] ^= 1 << (random % 8);
                m1
            }
        }
    }

    fn octets(&mut self, len: usize) -> Vec<u8> {
        let mut octets = vec![0; len];
        self.rng.fill_bytes(&mut octets);
        octets
    }

    fn m2_with(&self, at: usize) -> Vec<u8> {
        let mut m2 = self.m2.clone();
        m2[at] ^= 0x10;
        m2
    }
}

#[test]
fn hostile_first_messages() {
    let (key, rng) = (shared_key(), ChaCha20Rng::seed_from_u64(3));
    let m1 = key.public().spki().to_vec();
    let pin = Sha256::digest(&m1).into();
    let m2 = client_sent(&m1, b4552()).1;
    let mut hostile = Hostile { rng, m1, m2 };
    soak("hostile first messages to each side", many(200, 10_000), PEAK, |number| {
        let m2 = hostile.server_receives(number);
        let server = Server::greet(Arc::clone(&key), Policy::default(), Tick(0)).0;
        assert!(server.receive(&m2, Tick(0)).is_err(), "message {number} to the server");
        let m1 = hostile.client_receives(number);
        let client = Client::connect(pair().0, Some(pin), Tick(0));
        assert!(client.receive(&m1, Tick(0)).is_err(), "message {number} to the client");
    });
}

/// Octets of one frame that the test below lets arrive.
const ARRIVING: usize = 4096;

#[test]
fn hostile_first_frames() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let octets: [u8; ARRIVING] = draw(&mut rng);
    // Less than twice what has arrived, and while that moves to twice as much room, both.
    soak("hostile first frames", many(500, 100_000), 3 * ARRIVING as u64, |number| {
        let mut deframer = Deframer::new();
        let claimed = match number % 3 {
            0 => rng.next_u32(),
            1 => u32::try_from(MAX_RECORD).unwrap(),
            _ => 4096, // the longest that is allowed: it never ends
        };
        let mut failed = deframer.push(&claimed.to_be_bytes()).is_err();
        for read in octets[1..].chunks(100) {
            failed |= deframer.push(read).is_err();
        }
        assert!(failed || claimed == 4096 || deframer.finish().is_err(), "{claimed}");
    });
}
