//! Steps of the handshake with keys of 4552 bits, beside the RSA private operation they contain.

use core::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use secure_tunnel::hazmat;
use secure_tunnel::time::Tick;
use tunnelproof_benches::inputs::{self, Exchange};

/// One of them takes long enough to be a sample by itself.
const SAMPLES: usize = 30;

fn server(c: &mut Criterion) {
    let exchange = Exchange::new();
    let mut group = c.benchmark_group("server");
    group.sample_size(SAMPLES);
    // The private operation stands between the two it is compared with.
    group.bench_function("receive", |b| {
        b.iter_batched(
            || exchange.greeted(),
            |server| server.receive(black_box(&exchange.m2), Tick(0)).expect("M2"),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("private-operation", |b| {
        b.iter(|| hazmat::oaep_decrypt(exchange.key(), black_box(exchange.c1())).expect("C1"));
    });
    group.bench_function("step", |b| {
        b.iter_batched(
            || exchange.greeted(),
            |server| exchange.answer(black_box(server)),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("decide", |b| {
        b.iter_batched(
            || {
                let lookup = exchange.greeted().receive(&exchange.m2, Tick(0)).expect("M2");
                (lookup, exchange.found(), inputs::server_fresh())
            },
            |(lookup, answer, fresh)| {
                lookup.decide(answer, fresh, inputs::NOW, Tick(0)).expect("the password is right")
            },
            BatchSize::PerIteration,
        );
    });
    #[cfg(feature = "peers")]
    {
        use tunnelproof_benches::noise::Parties;
        use tunnelproof_benches::openssl::RsaKey;

        let key = RsaKey::from_pkcs8(&inputs::server_der());
        group.bench_function("openssl-private-operation", |b| {
            b.iter(|| key.decrypt(black_box(exchange.c1())));
        });
        let parties = Parties::new();
        group.bench_function("snow-step", |b| {
            b.iter_batched(
                || parties.asked(),
                |(server, asked)| Parties::answer(server, black_box(&asked)),
                BatchSize::SmallInput,
            );
        });
        group.bench_function("snow-both-sides", |b| b.iter(|| parties.connect()));
    }
}

fn client(c: &mut Criterion) {
    let exchange = Exchange::new();
    let mut group = c.benchmark_group("client");
    group.sample_size(SAMPLES);
    group.bench_function("request", |b| {
        b.iter_batched(
            inputs::client_fresh,
            |fresh| inputs::request(black_box(&exchange.m1), fresh),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("receive", |b| {
        b.iter_batched(
            || exchange.waiting(),
            |client| client.receive(black_box(&exchange.m3), Tick(0)).expect("M3"),
            BatchSize::PerIteration,
        );
    });
}

criterion_group! { name = all; config = tunnelproof_benches::criterion(); targets = server, client }
criterion_main!(all);
