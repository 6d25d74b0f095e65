//! Records sealed and opened in place, beside the AEAD alone.
//!
//! A record of n octets of payload gives the cipher n + 1: the type comes first. `raw` is the cipher's call
//! on n octets, `raw-typed` on n + 1.

use core::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use secure_tunnel::hazmat;
use tunnelproof_benches::inputs::CHAIN;
use tunnelproof_benches::{SIZES, batch, raw};

const TAG: usize = 16;

fn seal(c: &mut Criterion) {
    let mut group = c.benchmark_group("seal");
    for size in SIZES {
        group.throughput(Throughput::Bytes(size as u64));
        let mut sealer = hazmat::sealer_at(CHAIN, 1);
        let mut record = vec![0x77; 1 + size + TAG];
        group.bench_function(BenchmarkId::new("secure-tunnel", size), |b| {
            b.iter(|| sealer.seal_in_place(black_box(&mut record)).expect("a record's length"));
        });
        let cipher = raw::Cipher::new(&CHAIN);
        seal_raw(&mut group, "raw", size, size, |nonce, octets| cipher.seal(nonce, octets));
        seal_raw(&mut group, "raw-typed", size, 1 + size, |nonce, octets| {
            cipher.seal(nonce, octets)
        });
        #[cfg(feature = "peers")]
        {
            let mut cipher = tunnelproof_benches::openssl::Cipher::new(&CHAIN);
            seal_raw(&mut group, "openssl", size, size, |nonce, octets| cipher.seal(nonce, octets));
            seal_snow(&mut group, size);
        }
    }
}

fn seal_raw(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    size: usize,
    octets: usize,
    mut seal: impl FnMut(&[u8; 12], &mut [u8]) -> [u8; TAG],
) {
    let (mut number, mut octets) = (0, vec![0x77; octets]);
    group.bench_function(BenchmarkId::new(name, size), |b| {
        b.iter(|| seal(&nonce(&mut number), black_box(&mut octets)));
    });
}

fn open(c: &mut Criterion) {
    let mut group = c.benchmark_group("open");
    for size in SIZES {
        group.throughput(Throughput::Bytes(size as u64));
        // Inputs are made in batches before they are opened, in the same order.
        let mut sealer = hazmat::sealer_at(CHAIN, 1);
        let mut opener = hazmat::opener_at(CHAIN, 1);
        let payload = vec![0x77; size];
        group.bench_function(BenchmarkId::new("secure-tunnel", size), |b| {
            b.iter_batched_ref(
                || {
                    let mut record = Vec::with_capacity(1 + size + TAG);
                    sealer.seal(&payload, &mut record).expect("a payload's length");
                    record
                },
                |record| assert!(opener.open(black_box(record)).is_ok()),
                batch(size),
            );
        });
        let cipher = raw::Cipher::new(&CHAIN);
        for (name, octets) in [("raw", size), ("raw-typed", 1 + size)] {
            open_raw(&mut group, name, size, octets, |nonce, octets, tag| {
                cipher.open(nonce, octets, tag)
            });
        }
        #[cfg(feature = "peers")]
        {
            let mut cipher = tunnelproof_benches::openssl::Cipher::new(&CHAIN);
            open_raw(&mut group, "openssl", size, size, |nonce, octets, tag| {
                cipher.open(nonce, octets, tag)
            });
        }
    }
}

fn open_raw(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    size: usize,
    octets: usize,
    mut open: impl FnMut(&[u8; 12], &mut [u8], &[u8; TAG]) -> bool,
) {
    let (cipher, mut sealed, mut opened) = (raw::Cipher::new(&CHAIN), 0, 0);
    group.bench_function(BenchmarkId::new(name, size), |b| {
        b.iter_batched_ref(
            || {
                let mut record = vec![0x77; octets + TAG];
                let (octets, tag) = record.split_last_chunk_mut().expect("longer than a tag");
                *tag = cipher.seal(&nonce(&mut sealed), octets);
                record
            },
            |record| {
                let (octets, tag) = record.split_last_chunk_mut().expect("longer than a tag");
                assert!(open(&nonce(&mut opened), black_box(octets), tag));
            },
            batch(size),
        );
    });
}

/// A transport message of snow, from one buffer into another; it has no call that works in place.
#[cfg(feature = "peers")]
fn seal_snow(group: &mut BenchmarkGroup<'_, WallTime>, size: usize) {
    use tunnelproof_benches::noise::{MAX_MESSAGE, Parties};

    if size + TAG > MAX_MESSAGE {
        return;
    }
    let (mut client, _) = Parties::new().connect();
    let (payload, mut message) = (vec![0x77; size], vec![0; size + TAG]);
    group.bench_function(BenchmarkId::new("snow", size), |b| {
        b.iter(|| client.write_message(black_box(&payload), &mut message).expect("it fits"));
    });
}

fn nonce(number: &mut u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    *number += 1;
    nonce
}

criterion_group! { name = all; config = tunnelproof_benches::criterion(); targets = seal, open }
criterion_main!(all);
