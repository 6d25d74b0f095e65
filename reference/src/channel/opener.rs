//! The receiving half.
//!
//! ```text
//! [open] --close opens--> [closed: any octet more is a failure]        any failure: [dead]
//! ```

use core::fmt;

use super::record::{Fate, Kind, MAX_RECORD, MIN_RECORD};
use super::schedule::Direction;
use crate::error::ChannelError;

/// What a record held.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opened<'a> {
    /// One message of the peer, 0 to 2^24 - 17 octets.
    Data(&'a [u8]),
    /// The peer will send nothing more. Close too, once nothing is left to send (CHAN-035).
    // spec: CHAN-035 (when that is, the caller knows)
    Close,
}

/// How the peer's side ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Ending {
    /// All that the peer sent was received. It says nothing of what was sent to the peer.
    Clean,
    /// Something may be missing: the transport ended without a close record, or there was a failure.
    Truncated,
}

impl Ending {
    /// `Ok` for a clean end.
    ///
    /// # Errors
    /// `truncated` (CHAN-038).
    pub fn check(self) -> Result<(), ChannelError> {
        match self {
            Self::Clean => Ok(()),
            Self::Truncated => Err(ChannelError::Truncated),
        }
    }
}

/// The receiving half of a [`Channel`](super::Channel).
///
/// Each of its errors but `dead` is a failure that kills the channel, both ways. Nothing is to be sent
/// then but the transport's end.
pub struct Opener {
    /// `None` once the peer has closed or the channel is dead: the keys are gone then.
    direction: Option<Direction>,
    /// The peer's close was opened and nothing followed.
    clean: bool,
    fate: Fate,
}

/// Where in the sequence a record is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// c2s record 0.
    First,
    /// Anywhere else.
    Later,
}

impl Opener {
    pub(crate) fn new(direction: Direction, fate: Fate) -> Self {
        Self { direction: Some(direction), clean: false, fate }
    }

    /// Opens the next record, 17 to 2^24 octets, where it lies, without a copy or an allocation.
    ///
    /// # Errors
    /// In this order: `dead`, `after_close`, `record_length`, `exhausted`, `open_failed`,
    /// `unknown_type`, `control_payload`, `unexpected_open` (section 4.5). The octets of `record` are
    /// meaningless then.
    pub fn open<'a>(&mut self, record: &'a mut [u8]) -> Result<Opened<'a>, ChannelError> {
        match self.take(record, Place::Later)? {
            // spec: CHAN-020
            (Kind::Data, payload) => Ok(Opened::Data(payload)),
            _ => Ok(Opened::Close),
        }
    }

    /// How the peer's side ended, to be asked when the transport has ended or is about to be ended.
    ///
    /// A truncated end is a failure: the channel is dead after it.
    pub fn transport_ended(self) -> Ending {
        // spec: CHAN-037, CHAN-038, CHAN-044
        if self.clean {
            Ending::Clean
        } else {
            self.fate.kill();
            Ending::Truncated
        }
    }

    /// Opens the next record. Any failure kills the channel.
    pub(crate) fn take<'a>(
        &mut self,
        record: &'a mut [u8],
        place: Place,
    ) -> Result<(Kind, &'a [u8]), ChannelError> {
        let taken = self.try_take(record, place);
        match &taken {
            // spec: CHAN-027, CHAN-029, OBS-001 (nothing is sealed here), CHAN-031
            Err(_) => {
                self.clean = false;
                self.fate.kill();
                self.erase();
            }
            Ok((Kind::Close, _)) => {
                self.clean = true;
                self.erase();
            }
            Ok(_) => {}
        }
        taken
    }

    fn try_take<'a>(
        &mut self,
        record: &'a mut [u8],
        place: Place,
    ) -> Result<(Kind, &'a [u8]), ChannelError> {
        let found = record.len();
        // spec: CHAN-028
        if self.fate.is_dead() {
            return Err(ChannelError::Dead);
        }
        // spec: CHAN-034
        let direction = self.direction.as_mut().ok_or(ChannelError::AfterClose)?;
        // spec: CHAN-018
        if !(MIN_RECORD..=MAX_RECORD).contains(&found) {
            return Err(ChannelError::RecordLength { found });
        }
        // spec: CHAN-017
        let (aead, nonce) = direction.next().ok_or(ChannelError::OpenExhausted)?;
        // spec: CHAN-010, CHAN-013, CHAN-021
        let number = direction.number();
        let plaintext =
            aead.open(&nonce, record).map_err(|_| ChannelError::OpenFailed { number })?;
        direction.advance();

        let (octet, payload) =
            plaintext.split_first().ok_or(ChannelError::RecordLength { found })?;
        // spec: CHAN-022
        let kind = Kind::from_octet(*octet).ok_or(ChannelError::UnknownType { found: *octet })?;
        // spec: CHAN-026
        if kind != Kind::Data && !payload.is_empty() {
            return Err(ChannelError::ControlPayload { found: payload.len() });
        }
        match (place, kind) {
            // spec: CHAN-024
            (Place::First, Kind::Data | Kind::Close) => Err(ChannelError::MissingOpen),
            // spec: CHAN-025
            (Place::Later, Kind::Open) => Err(ChannelError::UnexpectedOpen),
            _ => Ok((kind, payload)),
        }
    }

    /// Wipes the keys. While the channel lives this means closed by the peer.
    // spec: CHAN-031
    pub(super) fn erase(&mut self) {
        self.direction = None;
    }

    /// Whether nothing can be opened any more, for close or death.
    pub(super) fn is_erased(&self) -> bool {
        self.direction.is_none()
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("erased", &self.is_erased())
            .field("clean", &self.clean)
            .finish_non_exhaustive()
    }
}
