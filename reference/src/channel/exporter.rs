//! Further octets that both parties know and nobody else does.

use core::fmt;

use super::record::Fate;
use crate::crypto::{HKDF_MAX, hkdf_expand_into, sha256};
use crate::error::ChannelError;
use crate::secret::Secret;

/// Octets of the longest export, 255 blocks of HKDF.
pub const MAX_EXPORT: usize = HKDF_MAX;

/// Derives octets that are bound to one channel. It exists only once its party is established.
// spec: CHAN-043
pub struct Exporter {
    /// X; `None` once the channel is dead.
    key: Option<Secret<32>>,
    fate: Fate,
}

impl Exporter {
    pub(crate) fn new(key: Secret<32>, fate: Fate) -> Self {
        Self { key: Some(key), fate }
    }

    /// Fills `out`, 1 to 8160 octets, for `label` (0 to 255 octets) and `context` (any length).
    ///
    /// A shorter `out` gets a prefix of what a longer one gets: put the length into the label where that
    /// matters.
    ///
    /// # Errors
    /// `dead`, `label_length`, `output_length` (CHAN-028, CHAN-041, CHAN-042), all of them the
    /// caller's. `out` is as it was then.
    pub fn export(
        &mut self,
        label: &[u8],
        context: &[u8],
        out: &mut [u8],
    ) -> Result<(), ChannelError> {
        // spec: CHAN-028
        if self.fate.is_dead() {
            self.erase();
        }
        let key = self.key.as_ref().ok_or(ChannelError::Dead)?;
        // spec: CHAN-041
        let len8 = u8::try_from(label.len())
            .map_err(|_| ChannelError::LabelLength { found: label.len() })?;
        // spec: CHAN-040, CHAN-042
        let found = out.len();
        let info: [&[u8]; 3] = [&[len8], label, &sha256(&[context])];
        if found == 0 || !hkdf_expand_into(key.expose(), &info, out) {
            return Err(ChannelError::OutputLength { found });
        }
        Ok(())
    }

    // spec: CHAN-031
    pub(super) fn erase(&mut self) {
        self.key = None;
    }

    #[cfg(test)]
    pub(super) fn is_erased(&self) -> bool {
        self.key.is_none()
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").field("erased", &self.key.is_none()).finish_non_exhaustive()
    }
}
