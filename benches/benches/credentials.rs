//! Credential strings: reading them, and deriving them from passwords.

use core::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use secure_tunnel::credentials::{self, ClientKey, ServerKey};
use tunnelproof_benches::inputs;

fn benches(c: &mut Criterion) {
    let (client, server) = inputs::credentials();
    let (client, server, id) = (client.expose(), server.expose(), inputs::id());
    let mut group = c.benchmark_group("credentials");
    group.bench_function("parse-client-key", |b| {
        b.iter(|| ClientKey::parse(black_box(&client)).expect("its own string"));
    });
    group.bench_function("parse-server-key", |b| {
        b.iter(|| ServerKey::parse(black_box(&server)).expect("its own string"));
    });
    group.bench_function("derive", |b| {
        b.iter_batched(
            inputs::passwords,
            |(client, server)| credentials::create(black_box(&id), client, server),
            BatchSize::SmallInput,
        );
    });
}

criterion_group! { name = all; config = tunnelproof_benches::criterion(); targets = benches }
criterion_main!(all);
