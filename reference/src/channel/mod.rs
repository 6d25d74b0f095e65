//! The channel: two independent sequences of records, one in each direction (chapter 4).
//!
//! ```text
//!           own side                                   peer's side
//!  [open] --close()--> [closed: seals nothing]    [open] --open() gives Close--> [closed: any more fails]
//!
//!  any failure of either side --> [dead]: both sides and the exporter refuse all, their keys are erased
//!  both closed: end the transport; `end()` tells whether the peer's messages are complete
//! ```
//!
//! Nothing here reads or writes a transport. A record is one message of the transport
//! ([`framing`](crate::framing)); records are opened in the order in which they arrive, all of them.

mod exporter;
mod opener;
mod record;
pub(crate) mod schedule;
mod sealer;
#[cfg(test)]
mod tests;

pub use exporter::{Exporter, MAX_EXPORT};
pub(crate) use opener::Place;
pub use opener::{Ending, Opened, Opener};
pub(crate) use record::{Fate, Kind};
pub use record::{MAX_PAYLOAD, MAX_RECORD, MIN_RECORD, OVERHEAD};
pub use sealer::Sealer;

use crate::error::ChannelError;
#[cfg(any(test, feature = "hazmat"))]
use crate::secret::Secret;
use schedule::{Direction, Schedule};

/// Which of the two parties this one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// The channel of an established party.
///
/// A failure of any part kills the whole and erases all its keys. [`Self::split`] lets two threads hold
/// the halves; they still share their fate.
#[derive(Debug)]
pub struct Channel {
    sealer: Sealer,
    opener: Opener,
    exporter: Exporter,
}

impl Channel {
    /// Appends the data record of `payload` to `out`; see [`Sealer::seal`].
    ///
    /// # Errors
    /// Those of [`Sealer::seal`]; the channel lives on.
    pub fn seal(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), ChannelError> {
        self.sealer.seal(payload, out)
    }

    /// Seals a data record where it lies; see [`Sealer::seal_in_place`].
    ///
    /// # Errors
    /// Those of [`Sealer::seal_in_place`]; the channel lives on.
    pub fn seal_in_place(&mut self, record: &mut [u8]) -> Result<(), ChannelError> {
        self.sealer.seal_in_place(record)
    }

    /// Appends the close record to `out`; see [`Sealer::close`].
    ///
    /// # Errors
    /// Those of [`Sealer::close`]; the channel lives on.
    pub fn close(&mut self, out: &mut Vec<u8>) -> Result<(), ChannelError> {
        self.sealer.close(out)
    }

    /// Opens the next record where it lies; see [`Opener::open`].
    ///
    /// # Errors
    /// Those of [`Opener::open`]; the channel is dead after any of them and all its keys are erased.
    pub fn open<'a>(&mut self, record: &'a mut [u8]) -> Result<Opened<'a>, ChannelError> {
        let opened = self.opener.open(record);
        if opened.is_err() {
            self.erase();
        }
        opened
    }

    /// Fills `out` with octets bound to this channel; see [`Exporter::export`].
    ///
    /// # Errors
    /// Those of [`Exporter::export`]; the channel lives on.
    pub fn export(
        &mut self,
        label: &[u8],
        context: &[u8],
        out: &mut [u8],
    ) -> Result<(), ChannelError> {
        self.exporter.export(label, context, out)
    }

    /// To be called when the transport did not take a sealed record; see [`Sealer::transport_failed`].
    pub fn transport_failed(&mut self) {
        self.sealer.transport_failed();
        self.erase();
    }

    /// Whether both sides are closed (or dead), so that the transport is to be ended (CHAN-036).
    #[must_use]
    pub fn is_finished(&self) -> bool {
        // spec: CHAN-036
        self.sealer.is_erased() && self.opener.is_erased()
    }

    /// Ends the channel with its transport and tells how the peer's side ended. All keys are erased.
    pub fn end(self) -> Ending {
        self.opener.transport_ended()
    }

    /// The parts, for use in different threads.
    #[must_use]
    pub fn split(self) -> (Sealer, Opener, Exporter) {
        (self.sealer, self.opener, self.exporter)
    }

    /// The client's channel and its open record, 17 octets, which has been sealed already.
    pub(crate) fn client(schedule: Schedule) -> Result<(Self, Vec<u8>), ChannelError> {
        // spec: CHAN-023
        let mut channel = Self::new(Role::Client, schedule, 0, 0);
        let mut open = Vec::with_capacity(OVERHEAD);
        channel.sealer.append(Kind::Open, &[], &mut open)?;
        Ok((channel, open))
    }

    /// A channel before given record numbers; each chain key is that of its number's generation.
    pub(crate) fn new(role: Role, schedule: Schedule, seal_at: u64, open_at: u64) -> Self {
        let fate = Fate::default();
        // spec: CHAN-004 (`prk` goes with `schedule`)
        let Schedule { c2s, s2c, exporter, .. } = schedule;
        // spec: CHAN-012
        let (seal, open) = match role {
            Role::Client => (c2s, s2c),
            Role::Server => (s2c, c2s),
        };
        Self {
            sealer: Sealer::new(Direction::new(seal, seal_at), fate.clone()),
            opener: Opener::new(Direction::new(open, open_at), fate.clone()),
            exporter: Exporter::new(exporter, fate),
        }
    }

    /// A channel whose open record has been sealed and opened already.
    #[cfg(test)]
    pub(crate) fn established(role: Role, schedule: Schedule) -> Self {
        match role {
            Role::Client => Self::new(role, schedule, 1, 0),
            Role::Server => Self::new(role, schedule, 0, 1),
        }
    }

    fn erase(&mut self) {
        self.sealer.erase();
        self.opener.erase();
        self.exporter.erase();
    }
}

/// The server's channel before the client's open record: it can do nothing but take that record.
pub(crate) struct AwaitingOpen(Channel);

impl AwaitingOpen {
    pub(crate) fn new(schedule: Schedule) -> Self {
        Self(Channel::new(Role::Server, schedule, 0, 0))
    }

    /// Takes c2s record 0. A failure erases all keys.
    ///
    /// # Errors
    /// `record_length`, `open_failed`, `unknown_type`, `control_payload`, `missing_open` (CHAN-018,
    /// CHAN-021, CHAN-022, CHAN-026, CHAN-024).
    pub(crate) fn receive(self, record: &mut [u8]) -> Result<Channel, ChannelError> {
        let Self(mut channel) = self;
        channel.opener.take(record, Place::First)?;
        Ok(channel)
    }
}

/// A sealer before record `number`, whose generation has the chain key `chain_g`.
#[cfg(any(test, feature = "hazmat"))]
pub(crate) fn sealer_at(chain_g: Secret<32>, number: u64) -> Sealer {
    Sealer::new(Direction::new(chain_g, number), Fate::default())
}

/// An opener before record `number`, whose generation has the chain key `chain_g`.
#[cfg(any(test, feature = "hazmat"))]
pub(crate) fn opener_at(chain_g: Secret<32>, number: u64) -> Opener {
    Opener::new(Direction::new(chain_g, number), Fate::default())
}
