//! Section 4.9.

use super::Text;
use crate::build::primitives::hkdf_expand32;
use crate::build::protocol::{DATA, OPEN, export, generation, record_nonce, seal};
use crate::build::world::good;

pub(super) fn example() -> Text {
    let good = good();
    let schedule = good.schedule();
    let (c2s, s2c) = (generation(&schedule.c2s), generation(&schedule.s2c));
    let next = generation(&c2s.next);
    let x = hkdf_expand32(&schedule.prk, b"secure-tunnel/v1 exporter");
    Text::new()
        .step(
            "The transcript hash, the pseudorandom key (CHAN-001, CHAN-002), and what comes from it \
             (CHAN-003, CHAN-039).",
            &[
                ("K", &good.k),
                ("th", &schedule.th),
                ("PRK", &schedule.prk),
                ("chain_0 of c2s", &schedule.c2s),
                ("chain_0 of s2c", &schedule.s2c),
                ("X", &x),
            ],
        )
        .step(
            "Generation 0 of c2s (CHAN-005, CHAN-006).",
            &[("key_0", &c2s.key), ("iv_0", &c2s.iv), ("chain_1", &c2s.next)],
        )
        .step(
            "Record 0 of c2s is open: the type alone.",
            &[
                ("nonce", &record_nonce(&c2s.iv, 0)),
                ("plaintext", &[OPEN]),
                ("record", &seal(&schedule.c2s, 0, OPEN, b"")),
            ],
        )
        .step(
            "Record 1 of c2s carries the data `hello`.",
            &[
                ("nonce", &record_nonce(&c2s.iv, 1)),
                ("plaintext", b"\0hello"),
                ("record", &seal(&schedule.c2s, 1, DATA, b"hello")),
            ],
        )
        .step(
            "Generation 0 of s2c, and its record 0, with the data `welcome`.",
            &[
                ("key_0", &s2c.key),
                ("iv_0", &s2c.iv),
                ("nonce", &record_nonce(&s2c.iv, 0)),
                ("plaintext", b"\0welcome"),
                ("record", &seal(&schedule.s2c, 0, DATA, b"welcome")),
            ],
        )
        .step(
            "Record 65,536 of c2s is the first of generation 1; its number goes on, and here its data \
             are `hello` again.",
            &[
                ("key_1", &next.key),
                ("iv_1", &next.iv),
                ("chain_2", &next.next),
                ("nonce", &record_nonce(&next.iv, 65_536)),
                ("record", &seal(&c2s.next, 65_536, DATA, b"hello")),
            ],
        )
        .step(
            "export(\"label\", \"context\", 32) (CHAN-040).",
            &[("octets", &export(&schedule.prk, b"label", b"context", 32))],
        )
        .end()
}
