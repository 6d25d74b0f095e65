//! Messages over transports (chapter 6): byte streams, and what is checked of a WebSocket message.
//!
//! ```text
//! byte stream:  | length (u32) | message (length octets) |  and so on
//! ```

use crate::error::FrameError;

/// How long a message may be, by the state of its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Not yet established: 4,096 octets (FRAME-011).
    Handshake,
    /// Established: 2^24 octets (FRAME-012).
    Established,
}

impl Limit {
    /// The most octets a message may have.
    #[must_use]
    pub fn octets(self) -> usize {
        match self {
            // spec: FRAME-011
            Self::Handshake => 4_096,
            // spec: FRAME-012
            Self::Established => 1 << 24,
        }
    }

    fn check(self, found: usize) -> Result<(), FrameError> {
        let requirement = match self {
            Self::Handshake => "FRAME-011",
            Self::Established => "FRAME-012",
        };
        self.check_for(found, requirement)
    }

    fn check_for(self, found: usize, requirement: &'static str) -> Result<(), FrameError> {
        let limit = self.octets();
        if found > limit {
            return Err(FrameError::TooLong { found, limit, requirement });
        }
        Ok(())
    }
}

/// Takes messages out of a byte stream, however it is cut into reads (FRAME-009).
///
/// It takes no octet beyond the message it hands out: what follows stays with the caller, who may change
/// the limit in between. Its memory stays below twice what has arrived of one message.
#[derive(Debug)]
pub struct Deframer {
    limit: Limit,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The first `have` octets of a length have arrived, fewer than 4.
    Length { octets: [u8; 4], have: usize },
    /// The first octets of a message of `length` have arrived, fewer than that.
    Message { length: usize, arrived: Vec<u8> },
    /// Nothing is taken any more.
    Failed(FrameError),
}

impl State {
    const START: Self = Self::Length { octets: [0; 4], have: 0 };

    /// Checks a length the moment it is complete.
    fn after_length(octets: [u8; 4], limit: Limit) -> Self {
        let length = usize::try_from(u32::from_be_bytes(octets)).unwrap_or(usize::MAX);
        // spec: FRAME-007
        if length == 0 {
            return Self::Failed(FrameError::ZeroLength { requirement: "FRAME-007" });
        }
        // spec: FRAME-008
        match limit.check(length) {
            Ok(()) => Self::Message { length, arrived: Vec::new() },
            Err(error) => Self::Failed(error),
        }
    }
}

impl Deframer {
    /// Starts before the first message, with the limit of a receiver that is not established.
    #[must_use]
    pub fn new() -> Self {
        Self { limit: Limit::Handshake, state: State::START }
    }

    /// Sets the limit for every length that completes from now on.
    // spec: FRAME-013
    pub fn set_limit(&mut self, limit: Limit) {
        self.limit = limit;
    }

    /// Takes octets of `input` up to the end of one message at most. Gives how many were taken, and the
    /// message if it is complete; call it again with the rest.
    ///
    /// # Errors
    /// `zero_length` and `too_long` as soon as the four octets of the length have arrived (FRAME-007,
    /// FRAME-008); the same error again ever after.
    // spec: HS-071
    pub fn push(&mut self, input: &[u8]) -> Result<(usize, Option<Vec<u8>>), FrameError> {
        let mut left = input;
        loop {
            match &mut self.state {
                State::Failed(error) => return Err(error.clone()),
                _ if left.is_empty() => return Ok((input.len(), None)),
                State::Length { octets, have } => {
                    octets[*have] = left[0]; // fewer than 4, as `State` says
                    *have += 1;
                    left = &left[1..];
                    if *have == 4 {
                        self.state = State::after_length(*octets, self.limit);
                    }
                }
                State::Message { length, arrived } => {
                    let (head, tail) = left.split_at(left.len().min(*length - arrived.len()));
                    // spec: FRAME-009, FRAME-014 (grows with what arrives; the length alone reserves nothing)
                    arrived.extend_from_slice(head);
                    left = tail;
                    if arrived.len() == *length {
                        let message = core::mem::take(arrived);
                        self.state = State::START;
                        return Ok((input.len() - left.len(), Some(message)));
                    }
                }
            }
        }
    }

    /// To be called when the stream has ended.
    ///
    /// # Errors
    /// `early_end` inside a length or a message (FRAME-010), or the failure there was before.
    pub fn finish(self) -> Result<(), FrameError> {
        match self.state {
            State::Length { have: 0, .. } => Ok(()),
            // spec: FRAME-010
            State::Length { .. } | State::Message { .. } => Err(FrameError::EarlyEnd),
            State::Failed(error) => Err(error),
        }
    }
}

impl Default for Deframer {
    fn default() -> Self {
        Self::new()
    }
}

/// Appends `message` with its length before it, `message.len() + 4` octets, to `out`.
///
/// # Errors
/// `zero_length`; `too_long` above `limit`, the peer's by its state (FRAME-017). Both are the caller's,
/// and `out` is as it was then.
// spec: FRAME-006
pub fn encode_frame(message: &[u8], limit: Limit, out: &mut Vec<u8>) -> Result<(), FrameError> {
    if message.is_empty() {
        // spec: FRAME-018
        return Err(FrameError::ZeroLength { requirement: "FRAME-018" });
    }
    // spec: FRAME-017
    limit.check_for(message.len(), "FRAME-017")?;
    let [.., a, b, c, d] = (message.len() as u64).to_be_bytes(); // at most 2^24
    out.reserve(4 + message.len());
    out.extend_from_slice(&[a, b, c, d]);
    out.extend_from_slice(message);
    Ok(())
}

/// Checks a WebSocket message as it was received, by its opcode and its length in octets.
///
/// An empty binary message passes here and is refused as a message by whoever it is handed to
/// (FRAME-005). To be called also where the library has a limit of its own (FRAME-016).
///
/// # Errors
/// `text_message`, `too_long` (FRAME-002, FRAME-011, FRAME-012).
pub fn check_websocket(binary: bool, len: usize, limit: Limit) -> Result<(), FrameError> {
    // spec: FRAME-001, FRAME-002
    if !binary {
        return Err(FrameError::TextMessage);
    }
    // spec: FRAME-005, FRAME-016
    limit.check(len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Diagnostic;

    fn stream(messages: &[Vec<u8>]) -> Vec<u8> {
        let mut stream = Vec::new();
        for message in messages {
            encode_frame(message, Limit::Established, &mut stream).unwrap();
        }
        stream
    }

    /// Pushes `chunk` until it is used up.
    fn push_all(deframer: &mut Deframer, mut chunk: &[u8]) -> Result<Vec<Vec<u8>>, FrameError> {
        let mut messages = Vec::new();
        while !chunk.is_empty() {
            let (taken, message) = deframer.push(chunk)?;
            assert!(taken == chunk.len() || message.is_some(), "it stops for a message only");
            chunk = &chunk[taken..];
            messages.extend(message);
        }
        Ok(messages)
    }

    #[test]
    fn what_follows_a_message_stays_with_the_caller_who_may_change_the_limit() {
        let messages = [b"open".to_vec(), vec![7; 5_000]];
        let stream = stream(&messages);
        let mut deframer = Deframer::new();
        assert_eq!(deframer.push(&stream), Ok((8, Some(b"open".to_vec()))));
        deframer.set_limit(Limit::Established);
        assert_eq!(deframer.push(&stream[8..]), Ok((5_004, Some(vec![7; 5_000]))));
        assert_eq!(deframer.finish(), Ok(()));

        let mut deframer = Deframer::new();
        let too_long = FrameError::TooLong { found: 5_000, limit: 4_096, requirement: "FRAME-011" };
        assert_eq!(push_all(&mut deframer, &stream), Err(too_long));
    }

    #[test]
    fn the_limit_is_the_one_at_the_moment_the_length_is_complete() {
        let stream = stream(&[vec![7; 4_097]]);
        let mut deframer = Deframer::new();
        assert_eq!(deframer.push(&stream[..3]), Ok((3, None)));
        deframer.set_limit(Limit::Established);
        assert_eq!(deframer.push(&stream[3..4]), Ok((1, None)));
        deframer.set_limit(Limit::Handshake);
        assert_eq!(deframer.push(&stream[4..]), Ok((4_097, Some(vec![7; 4_097]))));
    }

    #[test]
    fn both_limits_are_inclusive_and_lengths_are_refused_without_a_message() {
        for (limit, requirement) in
            [(Limit::Handshake, "FRAME-011"), (Limit::Established, "FRAME-012")]
        {
            let last = u32::try_from(limit.octets()).unwrap();
            for (length, fits) in [(1, true), (last, true), (last + 1, false), (u32::MAX, false)] {
                let mut deframer = Deframer::new();
                deframer.set_limit(limit);
                let found = usize::try_from(length).unwrap();
                let too_long = FrameError::TooLong { found, limit: limit.octets(), requirement };
                let expected = if fits { Ok((4, None)) } else { Err(too_long) };
                assert_eq!(deframer.push(&length.to_be_bytes()), expected);
                assert_eq!(check_websocket(true, found, limit).is_ok(), fits);
            }
        }
    }

    #[test]
    fn memory_grows_with_what_arrived_not_with_what_was_announced() {
        let mut deframer = Deframer::new();
        deframer.set_limit(Limit::Established);
        assert_eq!(deframer.push(&(1u32 << 24).to_be_bytes()), Ok((4, None)));
        let mut pushed = 0;
        for len in [0, 1, 10, 1_000, 1, 50_000] {
            assert_eq!(deframer.push(&vec![0; len]), Ok((len, None)));
            pushed += len;
            let State::Message { arrived, .. } = &deframer.state else { panic!("in a message") };
            assert!(arrived.capacity() <= 8 + 2 * pushed, "{}, {pushed}", arrived.capacity());
        }
    }

    #[test]
    fn a_failure_is_for_good() {
        let mut deframer = Deframer::new();
        let zero = || FrameError::ZeroLength { requirement: "FRAME-007" };
        assert_eq!(deframer.push(&[0; 9]), Err(zero()));
        assert_eq!(deframer.push(&stream(&[vec![1]])), Err(zero()));
        assert_eq!(deframer.push(&[]), Err(zero()));
        assert_eq!(deframer.finish(), Err(zero()));
    }

    #[test]
    fn an_end_inside_a_message_is_early() {
        let stream = stream(&[b"abc".to_vec()]);
        for cut in 0..=stream.len() {
            let mut deframer = Deframer::default();
            push_all(&mut deframer, &stream[..cut]).unwrap();
            let between = cut == 0 || cut == stream.len();
            let expected = if between { Ok(()) } else { Err(FrameError::EarlyEnd) };
            assert_eq!(deframer.finish(), expected, "after {cut}");
        }
    }

    #[test]
    fn encoding_refuses_what_the_peer_would() {
        let mut out = b"before".to_vec();
        for limit in [Limit::Handshake, Limit::Established] {
            let (found, octets) = (limit.octets() + 1, limit.octets());
            let error = FrameError::TooLong { found, limit: octets, requirement: "FRAME-017" };
            assert_eq!(encode_frame(&vec![0; found], limit, &mut out), Err(error));
        }
        let empty = FrameError::ZeroLength { requirement: "FRAME-018" };
        assert_eq!(encode_frame(b"", Limit::Handshake, &mut out), Err(empty));
        assert_eq!(out, b"before");
        encode_frame(&[9; 4_096], Limit::Handshake, &mut out).unwrap();
        assert_eq!(out[..11], *b"before\x00\x00\x10\x00\x09");
    }

    #[test]
    fn websocket_messages_are_binary_and_may_be_empty_here() {
        let text = check_websocket(false, usize::MAX, Limit::Handshake);
        assert_eq!(text, Err(FrameError::TextMessage));
        assert_eq!(check_websocket(true, 0, Limit::Handshake), Ok(()));
    }

    /// One row per variant; a new variant does not compile until it has one.
    #[test]
    fn every_error_can_be_provoked_and_knows_its_requirement() {
        let row = |error: &FrameError| match error {
            FrameError::ZeroLength { requirement } => ("zero_length", *requirement),
            FrameError::TooLong { .. } => ("too_long", "FRAME-011"),
            FrameError::EarlyEnd => ("early_end", "FRAME-010"),
            FrameError::TextMessage => ("text_message", "FRAME-002"),
        };
        let mut early = Deframer::new();
        early.push(&[0]).unwrap();
        let provoked = [
            Deframer::new().push(&[0; 4]).unwrap_err(),
            Deframer::new().push(&[1; 4]).unwrap_err(),
            early.finish().unwrap_err(),
            check_websocket(false, 1, Limit::Established).unwrap_err(),
        ];
        for error in &provoked {
            assert_eq!((error.code(), error.requirement()), row(error));
        }
        let codes: Vec<_> = provoked.iter().map(Diagnostic::code).collect();
        assert_eq!(codes, ["zero_length", "too_long", "early_end", "text_message"]);
    }

    proptest! {
        #[test]
        fn any_segmentation_gives_the_same_messages(
            messages in proptest::collection::vec(
                proptest::collection::vec(any::<u8>(), 1..300), 0..6),
            sizes in proptest::collection::vec(1..50usize, 1..20),
        ) {
            let stream = stream(&messages);
            let mut deframer = Deframer::new();
            let (mut left, mut found) = (&stream[..], Vec::new());
            for size in sizes.iter().cycle() {
                let (chunk, rest) = left.split_at(left.len().min(*size));
                found.extend(push_all(&mut deframer, chunk).unwrap());
                left = rest;
                if left.is_empty() { break; }
            }
            prop_assert_eq!(found, messages);
            prop_assert_eq!(deframer.finish(), Ok(()));
        }

        #[test]
        fn arbitrary_octets_end_in_messages_or_an_error(
            chunks in proptest::collection::vec(
                proptest::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..40), 0..20),
        ) {
            let mut deframer = Deframer::new();
            let mut failure = None;
            for chunk in &chunks {
                match (push_all(&mut deframer, chunk), &failure) {
                    (Ok(messages), None) => {
                        prop_assert!(messages.iter().all(|m| (1..=4_096).contains(&m.len())));
                    }
                    (Err(error), None) => failure = Some(error),
                    (Err(error), Some(first)) => prop_assert_eq!(&error, first),
                    (Ok(_), Some(_)) => prop_assert!(chunk.is_empty()),
                }
            }
        }
    }
}
