//! A byte stream, cut into reads in two ways.
//!
//! ```text
//! input: flags (1) | established after (1) | size of a read (1) | stream
//! flags: bit 0: the stream ends · bit 1: the receiver is never established
//! ```

use secure_tunnel::error::Diagnostic;
use secure_tunnel::framing::{Deframer, Limit, encode_frame};
use serde_json::json;

use crate::Verdict;
use crate::agree::agree;
use crate::hostile::Fields;

/// Any stream in any cut: the messages are those that a reader of the whole stream finds, writing them again
/// gives the octets that were taken, a failure stays, and memory stays below a multiple of what has arrived.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let mut fields = Fields(data);
    let (flags, after, size) = (fields.u8(), fields.u8(), fields.u8());
    let after = (flags & 2 == 0).then_some(usize::from(after));
    let ended = flags & 1 == 1;
    let stream = fields.0;

    let reads: Vec<_> = stream.chunks(usize::from(size) + 1).map(hex::encode).collect();
    let answer =
        agree("frame.stream", json!({ "reads": reads, "end": ended, "established_after": after }));
    let expected = whole(stream, after, ended);
    assert_eq!(answer.code(), expected.1);
    for size in [usize::from(size) + 1, 1, stream.len().max(1)] {
        assert_eq!(cut(stream, after, ended, size), expected, "reads of {size}");
    }
    let mut again = Vec::new();
    for message in &expected.0 {
        let written = encode_frame(message, Limit::Established, &mut again);
        assert_eq!(written, Ok(()), "what is taken can be sent");
    }
    assert!(stream.starts_with(&again), "one encoding only");
    let lengths: Vec<_> = expected.0.iter().map(Vec::len).collect();
    format!("{} {lengths:?}", expected.1)
}

fn limit(taken: usize, after: Option<usize>) -> Limit {
    match after {
        Some(after) if taken >= after => Limit::Established,
        _ => Limit::Handshake,
    }
}

/// The messages and the code, read from the stream as a whole.
fn whole(mut stream: &[u8], after: Option<usize>, ended: bool) -> (Vec<Vec<u8>>, &'static str) {
    let mut messages = Vec::new();
    loop {
        let Some((length, rest)) = stream.split_first_chunk::<4>() else {
            let inside = ended && !stream.is_empty();
            return (messages, if inside { "early_end" } else { "ok" });
        };
        let length = u32::from_be_bytes(*length) as usize;
        let limit = if limit(messages.len(), after) == Limit::Established { 1 << 24 } else { 4096 };
        if length == 0 || length > limit {
            return (messages, if length == 0 { "zero_length" } else { "too_long" });
        }
        let Some((message, rest)) = rest.split_at_checked(length) else {
            return (messages, if ended { "early_end" } else { "ok" });
        };
        messages.push(message.to_vec());
        stream = rest;
    }
}

/// The messages and the code of the reference, with reads of `size`.
fn cut(
    stream: &[u8],
    after: Option<usize>,
    ended: bool,
    size: usize,
) -> (Vec<Vec<u8>>, &'static str) {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let mut deframer = Deframer::new();
    for mut read in stream.chunks(size) {
        while !read.is_empty() {
            deframer.set_limit(limit(messages.len(), after));
            match deframer.push(read) {
                Ok((taken, message)) => {
                    assert!(
                        taken == read.len() || message.is_some(),
                        "it stops for a message only"
                    );
                    let allocated = message.as_ref().map_or(0, Vec::capacity);
                    assert!(allocated <= 2 * stream.len() + 8, "{allocated} octets allocated");
                    read = &read[taken..];
                    messages.extend(message);
                }
                Err(error) => {
                    for more in [&[][..], &[0, 0, 0, 1, 9]] {
                        assert_eq!(deframer.push(more), Err(error.clone()), "a failure stays");
                    }
                    assert_eq!(deframer.finish(), Err(error.clone()));
                    return (messages, error.code());
                }
            }
        }
    }
    match if ended { deframer.finish() } else { Ok(()) } {
        Ok(()) => (messages, "ok"),
        Err(error) => (messages, error.code()),
    }
}
