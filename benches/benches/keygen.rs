//! Making an RSA key pair of 4552 bits. Its time is random by nature and its samples are few: an order of
//! magnitude, no more.

use core::time::Duration;

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use secure_tunnel::fresh;

fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("keygen");
    group.sampling_mode(SamplingMode::Flat).sample_size(20);
    group.warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(1));
    group.bench_function("secure-tunnel", |b| {
        b.iter(|| fresh::rsa_keypair().expect("the system's generator"));
    });
    #[cfg(feature = "peers")]
    group.bench_function("openssl", |b| {
        b.iter(|| tunnelproof_benches::openssl::RsaKey::generate(4552));
    });
}

criterion_group! { name = all; config = tunnelproof_benches::criterion(); targets = benches }
criterion_main!(all);
