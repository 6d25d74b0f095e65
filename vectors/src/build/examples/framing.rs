//! Section 6.4.

use super::Text;
use crate::build::protocol::{OPEN, seal};
use crate::build::world::good;

pub(super) fn example() -> Text {
    let open = seal(&good().schedule().c2s, 0, OPEN, b"");
    let length = [0, 0, 0, 17];
    Text::new()
        .step(
            "The open record of [chapter 4's example](4-channel.md#49-worked-example) on a byte stream: \
             its length, then the record.",
            &[("length", &length), ("message", &open), ("stream", &[&length, &*open].concat())],
        )
        .step(
            "M1 of the same handshake has 607 octets and begins on a byte stream so:",
            &[("stream", &[&[0, 0, 2, 0x5f], &good().m1[..28]].concat())],
        )
        .step(
            "Lengths that are refused before anything else is read: 0, and 4,097 before the receiver \
             is established.",
            &[("zero_length", &[0; 4]), ("too_long", &[0, 0, 0x10, 1])],
        )
        .end()
}
