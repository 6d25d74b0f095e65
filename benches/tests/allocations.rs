//! Sealing and opening in place allocate nothing, whatever the size, and also where a new generation of
//! keys begins. The allocator that counts is Rust's: what a C library takes from `malloc` it can't see.

use allocation_counter::measure;
use secure_tunnel::channel::{OVERHEAD, Opened};
use secure_tunnel::hazmat;
use tunnelproof_benches::{SIZES, inputs::CHAIN};

/// 65,536 records have one key, so this one and its successor have different keys.
const LAST_OF_A_GENERATION: u64 = 65_535;

#[test]
fn the_counter_counts() {
    let info = measure(|| drop(std::hint::black_box(vec![0u8; 100])));
    assert_eq!((info.count_total, info.bytes_total), (1, 100));
}

#[test]
fn sealing_and_opening_in_place_allocate_nothing() {
    for start in [1, LAST_OF_A_GENERATION] {
        for size in SIZES.into_iter().chain([0]) {
            let mut sealer = hazmat::sealer_at(CHAIN, start);
            let mut opener = hazmat::opener_at(CHAIN, start);
            let mut record = vec![0; size + OVERHEAD];
            for n in 0..3u8 {
                record[1..][..size].fill(n);
                let info = measure(|| sealer.seal_in_place(&mut record).expect("it fits"));
                assert_eq!(info.count_total, 0, "seal, {size} octets, record {start} + {n}");
                let mut right = false;
                let info = measure(|| {
                    let opened = opener.open(&mut record).expect("it was sealed");
                    right = matches!(opened, Opened::Data(p) if p.len() == size && p.iter().all(|o| *o == n));
                });
                assert_eq!(info.count_total, 0, "open, {size} octets, record {start} + {n}");
                assert!(right, "the payload came back");
            }
        }
    }
}

#[test]
fn sealing_into_a_vector_with_room_allocates_nothing() {
    for size in SIZES {
        let (mut sealer, payload) = (hazmat::sealer_at(CHAIN, 1), vec![7; size]);
        let mut out = Vec::with_capacity(size + OVERHEAD);
        let info = measure(|| sealer.seal(&payload, &mut out).expect("it fits"));
        assert_eq!((info.count_total, out.len()), (0, size + OVERHEAD));
        let mut out = Vec::new();
        let info = measure(|| sealer.seal(&payload, &mut out).expect("it fits"));
        assert_eq!(info.count_total, 1, "and without room once");
    }
}

#[test]
fn refusing_a_record_allocates_nothing() {
    let (mut sealer, mut opener) = (hazmat::sealer_at(CHAIN, 1), hazmat::opener_at(CHAIN, 1));
    let mut record = vec![0; 1024 + OVERHEAD];
    sealer.seal_in_place(&mut record).expect("it fits");
    record[0] ^= 1;
    let mut refused = false;
    let info = measure(|| refused = opener.open(&mut record).is_err());
    assert!(refused);
    assert_eq!(info.count_total, 0);
}
