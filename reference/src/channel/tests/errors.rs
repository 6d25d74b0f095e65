//! The order of the checks, and every error.

use std::collections::BTreeSet;

use super::*;
use crate::error::Diagnostic;

/// Each check of section 4.5 against records that also fail every later one that they can.
#[test]
fn checks_on_receipt_come_in_the_order_of_the_specification() {
    let after = |records: &[&[u8]], number: u64| {
        let mut opener = opener_at(chain(), number);
        for record in records {
            let _ = opener.open(&mut record.to_vec());
        }
        opener
    };
    let close = raw(chain(), 7, &[1]);
    let last = raw(chain(), u64::MAX, &[0]);
    let junk = [0; 17];
    for (mut opener, record, expected) in [
        (after(&[&close, b""], 7), vec![], ChannelError::Dead),
        (after(&[&close], 7), vec![], ChannelError::AfterClose),
        (after(&[&close], 7), junk.to_vec(), ChannelError::AfterClose),
        (after(&[&last], u64::MAX), vec![], ChannelError::RecordLength { found: 0 }),
        (after(&[&last], u64::MAX), junk.to_vec(), ChannelError::OpenExhausted),
        (after(&[], 7), junk.to_vec(), ChannelError::OpenFailed { number: 7 }),
        (after(&[], 7), raw(chain(), 7, &[9, 9]), ChannelError::UnknownType { found: 9 }),
        (after(&[], 7), raw(chain(), 7, &[2, 9]), ChannelError::ControlPayload { found: 1 }),
        (after(&[], 7), raw(chain(), 7, &[1, 9]), ChannelError::ControlPayload { found: 1 }),
        (after(&[], 7), raw(chain(), 7, &[2]), ChannelError::UnexpectedOpen),
        (after(&[], 0), raw(chain(), 0, &[2]), ChannelError::UnexpectedOpen),
    ] {
        assert_eq!(opened(&mut opener, &record), Err(expected));
        assert!(opener.is_erased());
        assert_eq!(opened(&mut opener, &record), Err(ChannelError::Dead));
        assert_eq!(opener.transport_ended(), Ending::Truncated);
    }
}

#[test]
fn checks_on_sealing_come_in_the_same_order() {
    let too_long = vec![0; MAX_PAYLOAD + 1];
    let expected = ChannelError::PayloadTooLong { found: MAX_PAYLOAD + 1 };
    let mut sealer = sealer_at(chain(), u64::MAX);
    sealed(&mut sealer, b"last");
    let mut out = Vec::new();
    assert_eq!(sealer.seal(&too_long, &mut out), Err(expected));
    assert_eq!(sealer.seal(b"", &mut out), Err(ChannelError::SealExhausted));
    assert_eq!(sealer.close(&mut out), Err(ChannelError::SealExhausted));
    assert_eq!(sealer.seal(b"", &mut out), Err(ChannelError::SealExhausted), "it lives on");

    let mut sealer = sealer_at(chain(), 3);
    sealer.close(&mut out).unwrap();
    assert_eq!(sealer.seal(&too_long, &mut out), Err(ChannelError::Closed));
    assert_eq!(out.len(), 17, "errors append nothing");
}

/// One row per variant; a new variant does not compile until it has one.
#[test]
fn every_error_can_be_provoked_and_knows_its_requirement() {
    let row = |error: &ChannelError| match error {
        ChannelError::RecordLength { .. } => ("record_length", "CHAN-018"),
        ChannelError::OpenFailed { .. } => ("open_failed", "CHAN-021"),
        ChannelError::UnknownType { .. } => ("unknown_type", "CHAN-022"),
        ChannelError::ControlPayload { .. } => ("control_payload", "CHAN-026"),
        ChannelError::MissingOpen => ("missing_open", "CHAN-024"),
        ChannelError::UnexpectedOpen => ("unexpected_open", "CHAN-025"),
        ChannelError::AfterClose => ("after_close", "CHAN-034"),
        ChannelError::SealExhausted => ("exhausted", "CHAN-016"),
        ChannelError::OpenExhausted => ("exhausted", "CHAN-017"),
        ChannelError::Dead => ("dead", "CHAN-028"),
        ChannelError::Closed => ("closed", "CHAN-032"),
        ChannelError::PayloadTooLong { .. } => ("payload_too_long", "CHAN-019"),
        ChannelError::LabelLength { .. } => ("label_length", "CHAN-041"),
        ChannelError::OutputLength { .. } => ("output_length", "CHAN-042"),
        ChannelError::Truncated => ("truncated", "CHAN-038"),
    };
    const VARIANTS: usize = 15;

    let open = |number, plaintext: &[u8]| {
        opened(&mut opener_at(chain(), 0), &raw(chain(), number, plaintext)).unwrap_err()
    };
    let mut closed = sealer_at(chain(), 0);
    closed.close(&mut Vec::new()).unwrap();
    let mut last = sealer_at(chain(), u64::MAX);
    sealed(&mut last, b"");
    let mut opened_last = opener_at(chain(), u64::MAX);
    opened(&mut opened_last, &raw(chain(), u64::MAX, &[0])).unwrap();
    let mut opened_close = opener_at(chain(), 0);
    opened(&mut opened_close, &raw(chain(), 0, &[1])).unwrap();
    let mut client = pair().0;
    let provoked = [
        opened(&mut opener_at(chain(), 0), &[]).unwrap_err(),
        open(1, &[0]),
        open(0, &[0xff]),
        open(0, &[1, 1]),
        open(0, &[2]),
        AwaitingOpen::new(schedule()).receive(&mut raw(schedule().c2s, 0, &[0])).unwrap_err(),
        opened(&mut opened_close, &[0]).unwrap_err(),
        opened(&mut opened_close, &[0]).unwrap_err(), // dead by now
        last.seal(b"", &mut Vec::new()).unwrap_err(),
        opened(&mut opened_last, &[0; 17]).unwrap_err(),
        closed.seal(b"", &mut Vec::new()).unwrap_err(),
        client.seal(&vec![0; MAX_PAYLOAD + 1], &mut Vec::new()).unwrap_err(),
        client.export(&[0; 256], b"", &mut [0]).unwrap_err(),
        client.export(b"", b"", &mut []).unwrap_err(),
        client.end().check().unwrap_err(),
    ];
    for error in &provoked {
        assert_eq!((error.code(), error.requirement()), row(error));
        assert!(!error.to_string().is_empty());
    }
    let requirements: BTreeSet<_> = provoked.iter().map(Diagnostic::requirement).collect();
    assert_eq!(requirements.len(), VARIANTS);
}
