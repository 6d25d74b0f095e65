//! What a party reads before it knows anything of its peer: SPKI, M2, P1.

use core::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use secure_tunnel::{RsaPublic, hazmat};
use tunnelproof_benches::inputs::Exchange;

fn benches(c: &mut Criterion) {
    let exchange = Exchange::new();
    let (m1, m2, p1) = (&exchange.m1, &exchange.m2, exchange.p1());
    let k = exchange.key().public().size();
    let mut group = c.benchmark_group("parse");
    group.bench_function("spki", |b| {
        b.iter(|| RsaPublic::from_spki(black_box(m1)).expect("a test key"));
    });
    group.bench_function("m2", |b| {
        b.iter(|| hazmat::decode_m2(black_box(m2), black_box(k)).expect("a client's M2"));
    });
    group.bench_function("p1", |b| {
        b.iter(|| hazmat::decode_request(black_box(&p1)).expect("a client's P1"));
    });
}

criterion_group! { name = all; config = tunnelproof_benches::criterion(); targets = benches }
criterion_main!(all);
