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
            return Self::Failed(FrameError::ZeroLength);
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
                    // spec: FRAME-014 (grows with what arrives; the length alone reserves nothing)
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
        return Err(FrameError::ZeroLength);
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
