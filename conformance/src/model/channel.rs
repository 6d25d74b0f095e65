//! Keys and records: the specification, sections 4.1 to 4.5 and 4.8.

use serde_json::{Map, Value};
use tunnelproof_vectors::build::primitives::{gcm_open, gcm_seal};

use super::digest::{expand, expand_to, extract, len8, sha256};
use super::refusal::{Result, check, fault, trap};
use super::{Bug, Model, out};
use crate::shim_server::{BadInput, Input, to_octets};

/// The longest record.
pub(super) const LONGEST_RECORD: usize = 1 << 24;

/// The longest payload.
pub(super) const LONGEST_PAYLOAD: usize = LONGEST_RECORD - 17;

const TAG: usize = 16;

/// What the handshake leaves: section 4.1.
pub(super) struct Schedule {
    pub th: [u8; 32],
    pub prk: [u8; 32],
    pub c2s: [u8; 32],
    pub s2c: [u8; 32],
    pub exporter: [u8; 32],
}

/// The type of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Close,
    Open,
}

impl Kind {
    const ALL: [(Self, u8, &'static str); 3] =
        [(Self::Data, 0, "data"), (Self::Close, 1, "close"), (Self::Open, 2, "open")];

    fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(_, _, known)| *known == name);
        found.map(|(kind, _, _)| *kind).ok_or_else(|| fault(format!("no type {name}")))
    }

    fn octet(self) -> u8 {
        self as u8
    }

    fn name(self) -> &'static str {
        Self::ALL[self as usize].2
    }
}

impl Model {
    pub(super) fn chan_schedule(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let [m1, m2, m3, k] = ["m1", "m2", "m3", "k"].map(|name| input.octets(name));
        let binding = input.optional_octets("binding")?;
        let schedule = self.schedule([&m1?, &m2?, &m3?], binding.as_deref(), &k?);
        Ok(out([
            ("th", to_octets(&schedule.th)),
            ("prk", to_octets(&schedule.prk)),
            ("c2s", to_octets(&schedule.c2s)),
            ("s2c", to_octets(&schedule.s2c)),
            ("exporter", to_octets(&schedule.exporter)),
        ]))
    }

    pub(super) fn chan_generation(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let chain = input.array("chain")?;
        let (key, iv) = self.generation(&chain);
        Ok(out([
            ("key", to_octets(&key)),
            ("iv", to_octets(&iv)),
            ("next", to_octets(&self.next_chain(&chain))),
        ]))
    }

    pub(super) fn chan_seal(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let kind = Kind::named(input.word("type")?)?;
        let payload = input.octets("payload")?;
        self.check_payload(payload.len())?;
        if kind != Kind::Data && !payload.is_empty() {
            return Err(check("control_payload"));
        }
        let record = self.seal(&input.array("chain")?, input.u64("n")?, kind, &payload);
        Ok(out([("record", to_octets(&record))]))
    }

    pub(super) fn chan_open(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let (chain, n) = (input.array("chain")?, input.u64("n")?);
        let record = input.octets("record")?;
        let from_client = match input.word("direction")? {
            "c2s" => true,
            "s2c" => false,
            other => return Err(BadInput(format!("no direction {other}")).into()),
        };
        self.check_record(record.len())?;
        let plaintext = self.open(&chain, n, &record).ok_or(check("open_failed"))?;
        let (kind, payload) = self.classify(plaintext, from_client, n)?;
        Ok(out([("type", kind.name().into()), ("payload", to_octets(&payload))]))
    }

    pub(super) fn chan_export(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let exporter = self.exporter(&input.array("prk")?);
        let octets = self.export(&exporter, input)?;
        Ok(out([("octets", to_octets(&octets))]))
    }

    /// CHAN-001 to CHAN-003, TLS-083.
    pub(super) fn schedule(
        &self,
        [m1, m2, m3]: [&[u8]; 3],
        binding: Option<&[u8]>,
        k: &[u8],
    ) -> Schedule {
        let part = |message: &[u8], left_out: Bug| {
            if self.bug(left_out) {
                return Vec::new();
            }
            let length = message.len() as u32; // at most 4,096
            if self.bug(Bug::TranscriptWithoutLengths) {
                message.to_vec()
            } else if self.bug(Bug::TranscriptLengthsLittleEndian) {
                [&length.to_le_bytes(), message].concat()
            } else {
                [&length.to_be_bytes(), message].concat()
            }
        };
        let th = sha256(&[
            &part(m1, Bug::TranscriptWithoutM1),
            &part(m2, Bug::TranscriptWithoutM2),
            &part(m3, Bug::TranscriptWithoutM3),
            &match binding {
                Some(e) if self.bug(Bug::BindingWithoutLength) => e.to_vec(),
                Some(e) => part(e, Bug::BindingIgnored),
                None => Vec::new(),
            },
        ]);
        let prk =
            if self.bug(Bug::SaltAndSecretSwapped) { extract(k, &th) } else { extract(&th, k) };
        let mut c2s = expand_to(&prk, b"secure-tunnel/v1 c2s");
        let mut s2c = expand_to(&prk, b"secure-tunnel/v1 s2c");
        if self.bug(Bug::DirectionLabelsSwapped) {
            std::mem::swap(&mut c2s, &mut s2c);
        }
        if self.bug(Bug::OneChainForBothDirections) {
            s2c = c2s;
        }
        Schedule { th, prk, c2s, s2c, exporter: self.exporter(&prk) }
    }

    /// CHAN-039.
    pub(super) fn exporter(&self, prk: &[u8; 32]) -> [u8; 32] {
        if self.bug(Bug::ExporterKeyIsPrk) {
            *prk
        } else {
            expand_to(prk, b"secure-tunnel/v1 exporter")
        }
    }

    /// CHAN-005.
    fn generation(&self, chain: &[u8; 32]) -> ([u8; 32], [u8; 12]) {
        let octets: [u8; 44] = expand_to(chain, b"key");
        let (mut key, mut iv) = ([0; 32], [0; 12]);
        if self.bug(Bug::IvBeforeKey) {
            iv.copy_from_slice(&octets[..12]);
            key.copy_from_slice(&octets[12..]);
        } else {
            key.copy_from_slice(&octets[..32]);
            iv.copy_from_slice(&octets[32..]);
        }
        (key, iv)
    }

    /// CHAN-006.
    pub(super) fn next_chain(&self, chain: &[u8; 32]) -> [u8; 32] {
        if self.bug(Bug::NextChainByExtract) {
            extract(chain, b"next")
        } else if self.bug(Bug::NextChainIsKey) {
            expand_to(chain, b"key")
        } else {
            expand_to(chain, b"next")
        }
    }

    /// CHAN-011.
    fn record_nonce(&self, iv: &[u8; 12], n: u64) -> [u8; 12] {
        let n = if self.bug(Bug::NumberOf32Bits) {
            n & 0xffff_ffff
        } else if self.bug(Bug::NumberRestartsWithGeneration) {
            n % 65_536
        } else if self.bug(Bug::NumberLittleEndian) {
            n.swap_bytes()
        } else {
            n
        };
        let mut nonce = *iv;
        if self.bug(Bug::NumberReplacesIv) {
            nonce[4..].fill(0);
        }
        let at = if self.bug(Bug::NumberAtTheFront) { 0 } else { 4 };
        nonce[at..at + 8].iter_mut().zip(n.to_be_bytes()).for_each(|(octet, n)| *octet ^= n);
        nonce
    }

    fn additional_data(&self, n: u64) -> Vec<u8> {
        if self.bug(Bug::NumberIsAdditionalData) { n.to_be_bytes().to_vec() } else { Vec::new() }
    }

    /// CHAN-010: the record number `n`, under the chain key of its generation.
    pub(super) fn seal(&self, chain: &[u8; 32], n: u64, kind: Kind, payload: &[u8]) -> Vec<u8> {
        let (key, iv) = self.generation(chain);
        let mut octets = Vec::with_capacity(1 + payload.len());
        if self.bug(Bug::TypeAfterPayload) {
            octets.extend_from_slice(payload);
            octets.push(kind.octet());
        } else {
            octets.push(kind.octet());
            octets.extend_from_slice(payload);
        }
        gcm_seal(&key, &self.record_nonce(&iv, n), &self.additional_data(n), &octets)
    }

    /// CHAN-013, CHAN-021: the plaintext of a record, if it opens as number `n`.
    pub(super) fn open(&self, chain: &[u8; 32], n: u64, record: &[u8]) -> Option<Vec<u8>> {
        let (ciphertext, tag) = record.split_at_checked(record.len().checked_sub(TAG)?)?;
        let (key, iv) = self.generation(chain);
        let (nonce, data) = (self.record_nonce(&iv, n), self.additional_data(n));
        let compared = if self.bug(Bug::TagUnchecked) {
            0
        } else if self.bug(Bug::TagStartCompared) {
            12
        } else {
            TAG
        };
        if compared == TAG {
            return gcm_open(&key, &nonce, &data, record);
        }
        // Counter mode undoes itself; encrypting once more gives the tag that there should be.
        let mut plaintext = gcm_seal(&key, &nonce, &data, ciphertext);
        plaintext.truncate(ciphertext.len());
        let expected = gcm_seal(&key, &nonce, &data, &plaintext);
        let expected = &expected[plaintext.len()..];
        (expected[..compared] == tag[..compared]).then_some(plaintext)
    }

    /// CHAN-018.
    pub(super) fn check_record(&self, length: usize) -> Result<()> {
        let longest = if self.bug(Bug::RecordOneOctetTooLongAccepted) {
            LONGEST_RECORD + 1
        } else if self.bug(Bug::LongestRecordRefused) {
            LONGEST_RECORD - 1
        } else {
            LONGEST_RECORD
        };
        let shortest = if self.bug(Bug::RecordWithoutTypeAccepted) { TAG } else { TAG + 1 };
        if length < TAG && self.bug(Bug::ShortRecordTraps) {
            trap("attempt to subtract with overflow");
        }
        if (shortest..=longest).contains(&length) { Ok(()) } else { Err(check("record_length")) }
    }

    /// CHAN-019.
    pub(super) fn check_payload(&self, length: usize) -> Result<()> {
        let longest = if self.bug(Bug::PayloadOneOctetTooLongAccepted) {
            LONGEST_PAYLOAD + 1
        } else if self.bug(Bug::LongestPayloadRefused) {
            LONGEST_PAYLOAD - 1
        } else {
            LONGEST_PAYLOAD
        };
        if length > longest && !self.bug(Bug::PayloadLengthUnchecked) {
            return Err(check("payload_too_long"));
        }
        Ok(())
    }

    /// CHAN-022 to CHAN-026, in their order.
    pub(super) fn classify(
        &self,
        mut plaintext: Vec<u8>,
        from_client: bool,
        n: u64,
    ) -> Result<(Kind, Vec<u8>)> {
        if self.bug(Bug::TypeAfterPayload) {
            plaintext.rotate_right(1);
        }
        let Some(&octet) = plaintext.first() else {
            return Err(fault("index out of bounds: no type octet"));
        };
        let kind = match octet {
            0 => Kind::Data,
            1 => Kind::Close,
            2 => Kind::Open,
            _ if self.bug(Bug::UnknownTypeIsData) => Kind::Data,
            _ => return Err(check("unknown_type")),
        };
        plaintext.remove(0);
        let place = match (from_client && n == 0, kind) {
            (true, Kind::Open) => Ok(()),
            (true, _) if self.bug(Bug::MissingOpenAccepted) => Ok(()),
            (true, _) => Err(check("missing_open")),
            (false, Kind::Open)
                if self.bug(Bug::OpenAcceptedAnywhere)
                    || (n == 0 && self.bug(Bug::OpenAcceptedFromServer)) =>
            {
                Ok(())
            }
            (false, Kind::Open) => Err(check("unexpected_open")),
            (false, _) => Ok(()),
        };
        if self.bug(Bug::PlaceCheckedBeforePayload) {
            place.clone()?;
        }
        let tolerated = match kind {
            Kind::Data if plaintext.is_empty() => !self.bug(Bug::EmptyDataRefused),
            Kind::Data => true,
            Kind::Close => plaintext.is_empty() || self.bug(Bug::ClosePayloadAccepted),
            Kind::Open => plaintext.is_empty() || self.bug(Bug::OpenPayloadAccepted),
        };
        if !tolerated {
            return Err(check("control_payload"));
        }
        place.map(|()| (kind, plaintext))
    }

    /// CHAN-040 to CHAN-042: `label`, `context` and `length` are those of the request.
    pub(super) fn export(&self, exporter: &[u8; 32], request: Input<'_>) -> Result<Vec<u8>> {
        let (label, context) = (request.octets("label")?, request.octets("context")?);
        let length = usize::try_from(request.integer("length")?).unwrap_or(usize::MAX);
        let longest_label = if self.bug(Bug::ExporterLabelLengthUnchecked) {
            usize::MAX
        } else if self.bug(Bug::ExporterLabel256Accepted) {
            256
        } else if self.bug(Bug::ExporterLabel255Refused) {
            254
        } else {
            255
        };
        if label.len() > longest_label && !(length == 0 && self.bug(Bug::ExportLengthCheckedFirst))
        {
            return Err(check("label_length"));
        }
        let longest = if self.bug(Bug::ExporterLongestRefused) { 8159 } else { 8160 };
        if (length == 0 && !self.bug(Bug::ExporterOfNothingAccepted)) || length > longest {
            if length > 8160 && self.bug(Bug::ExporterCutsShort) {
                return Ok(expand(exporter, &[&len8(&label), &label, &sha256(&[&context])], 8160)
                    .unwrap_or_default());
            }
            return Err(check("output_length"));
        }
        let prefix = len8(&label);
        let prefix: &[u8] = if self.bug(Bug::ExporterWithoutLabelLength) { &[] } else { &prefix };
        let hash = sha256(&[&context]);
        let context: &[u8] = if self.bug(Bug::ExporterContextNotHashed) { &context } else { &hash };
        expand(exporter, &[prefix, &label, context], length).ok_or(check("output_length"))
    }
}
