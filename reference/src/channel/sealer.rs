//! The sending half.
//!
//! ```text
//! [open] --close--> [closed: seals nothing]        any failure of either half: [dead]
//! ```

use core::fmt;

use super::record::{Fate, Kind, MAX_PAYLOAD, MIN_RECORD, OVERHEAD, TAG};
use super::schedule::Direction;
use crate::error::ChannelError;

/// The sending half of a [`Channel`](super::Channel).
///
/// Its errors are the caller's: nothing is written, no record number is used, and the channel lives on.
pub struct Sealer {
    /// `None` once closed or dead: the keys are gone then.
    direction: Option<Direction>,
    fate: Fate,
}

impl Sealer {
    pub(crate) fn new(direction: Direction, fate: Fate) -> Self {
        Self { direction: Some(direction), fate }
    }

    /// Appends the data record of `payload`, `payload.len() + 17` octets, to `out`.
    ///
    /// Does not allocate if `out` has room for it.
    ///
    /// # Errors
    /// `dead`, `closed`, `payload_too_long` above 2^24 - 17 octets, `exhausted` after record 2^64 - 1
    /// (CHAN-028, CHAN-032, CHAN-019, CHAN-016). `out` is as it was then.
    pub fn seal(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), ChannelError> {
        self.append(Kind::Data, payload, out)
    }

    /// Seals a data record where it lies, without a copy or an allocation.
    ///
    /// `record` is 17 to 2^24 octets: one for the type, the payload, 16 for the tag. The first and the
    /// last 16 are overwritten, whatever they held.
    ///
    /// # Errors
    /// As [`Self::seal`]; `record_length` if `record` has no room for type and tag. `record` is as it
    /// was then.
    pub fn seal_in_place(&mut self, record: &mut [u8]) -> Result<(), ChannelError> {
        self.seal_kind(Kind::Data, record)
    }

    /// Appends the close record, 17 octets, to `out`. Nothing can be sealed after it, and the keys of
    /// this direction are erased.
    ///
    /// # Errors
    /// `dead`, `closed`, `exhausted` (CHAN-028, CHAN-032, CHAN-016). `out` is as it was then.
    pub fn close(&mut self, out: &mut Vec<u8>) -> Result<(), ChannelError> {
        self.append(Kind::Close, &[], out)?;
        // spec: CHAN-032, CHAN-033 (the opener is left as it is)
        self.erase();
        Ok(())
    }

    /// To be called when the transport did not take a sealed record. The peer will wait for a record
    /// number that never comes, so the channel is dead (CHAN-030).
    pub fn transport_failed(&mut self) {
        // spec: CHAN-030
        self.fate.kill();
        self.erase();
    }

    pub(crate) fn append(
        &mut self,
        kind: Kind,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), ChannelError> {
        self.ready(payload.len())?; // before `out` grows
        let start = out.len();
        out.reserve(payload.len() + OVERHEAD);
        out.push(kind.octet());
        out.extend_from_slice(payload);
        out.extend_from_slice(&[0; TAG]);
        self.seal_kind(kind, &mut out[start..])
    }

    fn seal_kind(&mut self, kind: Kind, record: &mut [u8]) -> Result<(), ChannelError> {
        let found = record.len();
        let direction = self.ready(found.saturating_sub(OVERHEAD))?;
        if found < MIN_RECORD {
            return Err(ChannelError::RecordLength { found });
        }
        let (aead, nonce) = direction.next().ok_or(ChannelError::SealExhausted)?;
        record[0] = kind.octet();
        // spec: CHAN-010
        if aead.seal(&nonce, record).is_err() {
            self.transport_failed(); // not for any record of these lengths
            return Err(ChannelError::Dead);
        }
        direction.advance();
        Ok(())
    }

    /// The place to seal a payload of `len` octets at. The checks come in the order of those on receipt.
    pub(super) fn ready(&mut self, len: usize) -> Result<&mut Direction, ChannelError> {
        // spec: CHAN-028
        if self.fate.is_dead() {
            self.erase();
            return Err(ChannelError::Dead);
        }
        // spec: CHAN-032
        let direction = self.direction.as_mut().ok_or(ChannelError::Closed)?;
        // spec: CHAN-019
        if len > MAX_PAYLOAD {
            return Err(ChannelError::PayloadTooLong { found: len });
        }
        // spec: CHAN-016
        if direction.next().is_none() {
            return Err(ChannelError::SealExhausted);
        }
        Ok(direction)
    }

    /// Wipes the keys. While the channel lives this means closed.
    // spec: CHAN-031
    pub(super) fn erase(&mut self) {
        self.direction = None;
    }

    /// Whether nothing can be sealed any more, for close or death.
    pub(super) fn is_erased(&self) -> bool {
        self.direction.is_none()
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("erased", &self.is_erased()).finish_non_exhaustive()
    }
}
