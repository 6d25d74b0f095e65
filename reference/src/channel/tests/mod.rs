//! Channel pairs: rules one by one, then arbitrary schedules.

mod errors;
mod known_answers;
mod schedules;

use proptest::prelude::*;

use super::schedule::{Direction, Transcript};
use super::*;

/// The same for all tests.
fn schedule() -> Schedule {
    after(b"m3", None)
}

fn after(m3: &[u8], binding: Option<&[u8; 32]>) -> Schedule {
    Schedule::new(Transcript { messages: [b"m1", b"m2", m3], binding }, Secret::from([0x4b; 48]))
}

/// Client and server, established.
fn pair() -> (Channel, Channel) {
    let (client, mut open) = Channel::client(schedule()).unwrap();
    assert_eq!(open.len(), 17);
    let server = AwaitingOpen::new(schedule()).receive(&mut open).unwrap();
    (client, server)
}

fn chain() -> Secret<32> {
    Secret::from([5; 32])
}

/// A record of any plaintext at all.
fn raw(chain: Secret<32>, number: u64, plaintext: &[u8]) -> Vec<u8> {
    let mut record = [plaintext, &[0; 16]].concat();
    let direction = Direction::new(chain, number);
    let (aead, nonce) = direction.next().unwrap();
    aead.seal(&nonce, &mut record).unwrap();
    record
}

fn sealed(sealer: &mut Sealer, payload: &[u8]) -> Vec<u8> {
    let mut record = Vec::new();
    sealer.seal(payload, &mut record).unwrap();
    record
}

fn opened(opener: &mut Opener, record: &[u8]) -> Result<Option<Vec<u8>>, ChannelError> {
    opener.open(&mut record.to_vec()).map(|opened| match opened {
        Opened::Data(payload) => Some(payload.to_vec()),
        Opened::Close => None,
    })
}

fn assert_dead(channel: &mut Channel) {
    assert!(channel.sealer.is_erased() && channel.opener.is_erased());
    assert!(channel.exporter.is_erased());
    let mut out = Vec::new();
    assert_eq!(channel.seal(b"x", &mut out), Err(ChannelError::Dead));
    assert_eq!(channel.seal_in_place(&mut [0; 3]), Err(ChannelError::Dead));
    assert_eq!(channel.close(&mut out), Err(ChannelError::Dead));
    assert!(out.is_empty(), "nothing is sent, close least of all");
    assert_eq!(channel.open(&mut [0; 3]), Err(ChannelError::Dead));
    assert_eq!(channel.export(&[0; 256], b"", &mut []), Err(ChannelError::Dead));
}

#[test]
fn messages_pass_both_ways_and_an_empty_one_is_a_message() {
    let (mut client, mut server) = pair();
    for payload in [&b"request"[..], b"", b"more"] {
        let mut record = Vec::new();
        client.seal(payload, &mut record).unwrap();
        assert_eq!(server.open(&mut record), Ok(Opened::Data(payload)));
        record.clear();
        server.seal(payload, &mut record).unwrap();
        assert_eq!(client.open(&mut record), Ok(Opened::Data(payload)));
    }
}

#[test]
fn each_direction_closes_by_itself() {
    let (mut client, mut server) = pair();
    let mut record = Vec::new();
    client.close(&mut record).unwrap();
    assert_eq!(record.len(), 17);
    assert_eq!(client.seal(b"", &mut Vec::new()), Err(ChannelError::Closed));
    assert_eq!(client.close(&mut Vec::new()), Err(ChannelError::Closed));
    assert_eq!(server.open(&mut record), Ok(Opened::Close));
    assert!(!server.is_finished() && !client.is_finished());

    record.clear();
    server.seal(b"still here", &mut record).unwrap();
    assert_eq!(client.open(&mut record), Ok(Opened::Data(b"still here")));
    record.clear();
    server.close(&mut record).unwrap();
    assert_eq!(client.open(&mut record), Ok(Opened::Close));
    assert!(server.is_finished() && client.is_finished());
    assert_eq!((client.end(), server.end()), (Ending::Clean, Ending::Clean));
}

#[test]
fn any_end_without_close_and_any_octet_after_it_is_truncated() {
    let (client, mut server) = pair();
    assert_eq!(client.end(), Ending::Truncated);

    let mut close = raw(schedule().c2s, 1, &[1]);
    assert_eq!(server.open(&mut close), Ok(Opened::Close));
    assert_eq!(server.open(&mut []), Err(ChannelError::AfterClose), "an empty message counts");
    assert_dead(&mut server);
    assert_eq!(server.end().check(), Err(ChannelError::Truncated));
}

#[test]
fn a_clean_end_is_of_the_peers_side_alone() {
    let (_, mut server) = pair();
    assert_eq!(server.open(&mut raw(schedule().c2s, 1, &[1])), Ok(Opened::Close));
    server.transport_failed();
    assert_dead_but_clean(server);
}

fn assert_dead_but_clean(mut server: Channel) {
    assert_eq!(server.seal(b"", &mut Vec::new()), Err(ChannelError::Dead));
    assert_eq!(server.end(), Ending::Clean);
}

#[test]
fn a_truncated_end_kills_the_other_half() {
    let (client, _) = pair();
    let (mut sealer, opener, mut exporter) = client.split();
    assert_eq!(opener.transport_ended(), Ending::Truncated);
    assert_eq!(sealer.seal(b"", &mut Vec::new()), Err(ChannelError::Dead));
    assert!(sealer.is_erased());
    assert_eq!(exporter.export(b"", b"", &mut [0; 1]), Err(ChannelError::Dead));
    assert!(exporter.is_erased());
}

#[test]
fn halves_in_two_threads_share_their_fate() {
    let (client, _) = pair();
    let (mut sealer, mut opener, _) = client.split();
    assert_eq!(opener.open(&mut [0; 17]), Err(ChannelError::OpenFailed { number: 0 }));
    assert!(opener.is_erased() && !sealer.is_erased(), "each erases when it next acts");
    let sealer = std::thread::spawn(move || {
        assert_eq!(sealer.seal(b"", &mut Vec::new()), Err(ChannelError::Dead));
        sealer
    });
    assert!(sealer.join().unwrap().is_erased());

    let (client, _) = pair();
    let (mut sealer, mut opener, _) = client.split();
    sealer.transport_failed();
    assert!(sealer.is_erased());
    assert_eq!(opener.open(&mut raw(schedule().s2c, 0, &[0])), Err(ChannelError::Dead));
    assert!(opener.is_erased());
}

#[test]
fn a_transport_failure_kills_and_erases_all() {
    let (mut client, _) = pair();
    client.transport_failed();
    assert_dead(&mut client);
}

#[test]
fn reflected_records_do_not_open() {
    let (mut client, _) = pair();
    let mut record = Vec::new();
    client.seal(b"request", &mut record).unwrap();
    assert_eq!(client.open(&mut record), Err(ChannelError::OpenFailed { number: 0 }));
    assert_dead(&mut client);
}

#[test]
fn record_0_of_the_client_must_be_open() {
    let c2s = || schedule().c2s;
    for (mut record, expected) in [
        (vec![], ChannelError::RecordLength { found: 0 }),
        (vec![0; 16], ChannelError::RecordLength { found: 16 }),
        (vec![0; MAX_RECORD + 1], ChannelError::RecordLength { found: MAX_RECORD + 1 }),
        (raw(c2s(), 1, &[2]), ChannelError::OpenFailed { number: 0 }),
        (raw(schedule().s2c, 0, &[2]), ChannelError::OpenFailed { number: 0 }),
        (raw(c2s(), 0, &[3, 1]), ChannelError::UnknownType { found: 3 }),
        (raw(c2s(), 0, &[2, 1]), ChannelError::ControlPayload { found: 1 }),
        (raw(c2s(), 0, &[1, 1]), ChannelError::ControlPayload { found: 1 }),
        (raw(c2s(), 0, &[0]), ChannelError::MissingOpen),
        (raw(c2s(), 0, &[0, 1]), ChannelError::MissingOpen),
        (raw(c2s(), 0, &[1]), ChannelError::MissingOpen),
    ] {
        let error = AwaitingOpen::new(schedule()).receive(&mut record).unwrap_err();
        assert_eq!(error, expected);
    }
}

#[test]
fn another_transcript_fails_at_the_open_record() {
    let (_, open) = Channel::client(schedule()).unwrap();
    for other in [after(b"M3", None), after(b"m3", Some(&[0x45; 32]))] {
        let error = AwaitingOpen::new(other).receive(&mut open.clone()).unwrap_err();
        assert_eq!(error, ChannelError::OpenFailed { number: 0 });
    }
}

#[test]
fn established_is_the_state_after_the_open_record() {
    let mut client = Channel::established(Role::Client, schedule());
    let mut server = Channel::established(Role::Server, schedule());
    let mut record = Vec::new();
    client.seal(b"one", &mut record).unwrap();
    assert_eq!(pair().1.open(&mut record.clone()), Ok(Opened::Data(b"one")));
    assert_eq!(server.open(&mut record), Ok(Opened::Data(b"one")));
}

#[test]
fn a_payload_too_long_uses_no_number() {
    let mut sealer = sealer_at(chain(), 8);
    let mut opener = opener_at(chain(), 8);
    let mut too_long = vec![0; MAX_RECORD + 1];
    let mut record = Vec::new();
    let expected = ChannelError::PayloadTooLong { found: MAX_PAYLOAD + 1 };
    assert_eq!(sealer.seal(&too_long[..MAX_PAYLOAD + 1], &mut record), Err(expected.clone()));
    assert_eq!(record.capacity(), 0, "nothing is even reserved");
    assert_eq!(sealer.seal_in_place(&mut too_long), Err(expected));
    for found in [0, 1, 16] {
        let short = sealer.seal_in_place(&mut too_long[..found]);
        assert_eq!(short, Err(ChannelError::RecordLength { found }));
    }
    let record = sealed(&mut sealer, b"in place 8");
    assert_eq!(opened(&mut opener, &record), Ok(Some(b"in place 8".to_vec())));
}

/// That the largest lengths pass the checks of length; unoptimised AES is too slow to go all the way.
#[test]
fn the_largest_lengths_are_in_range() {
    assert!(sealer_at(chain(), 0).ready(MAX_PAYLOAD).is_ok());
    let mut largest = vec![0; MAX_RECORD];
    let error = opener_at(chain(), 0).open(&mut largest).unwrap_err();
    assert_eq!(error, ChannelError::OpenFailed { number: 0 });
}

#[test]
fn sealing_and_opening_happen_in_the_callers_buffer() {
    let mut sealer = sealer_at(chain(), 65_530);
    let mut opener = opener_at(chain(), 65_530);
    let mut buffer = Vec::with_capacity(1_017);
    let (place, capacity) = (buffer.as_ptr(), buffer.capacity());
    for n in 0..12u8 {
        buffer.clear();
        sealer.seal(&[n; 1_000], &mut buffer).unwrap();
        assert_eq!((buffer.as_ptr(), buffer.capacity()), (place, capacity));
        let Opened::Data(payload) = opener.open(&mut buffer).unwrap() else { panic!("close") };
        assert_eq!((payload, payload.as_ptr()), (&[n; 1_000][..], place.wrapping_add(1)));

        let mut record = [n; 25];
        sealer.seal_in_place(&mut record).unwrap();
        assert_eq!(opener.open(&mut record), Ok(Opened::Data(&[n; 8])));
    }
}

#[test]
fn exports_agree_and_depend_on_every_argument() {
    let (mut client, mut server) = pair();
    let mut export = |label: &[u8], context: &[u8], len: usize| {
        let (mut ours, mut theirs) = (vec![0; len], vec![0; len]);
        client.export(label, context, &mut ours).unwrap();
        server.export(label, context, &mut theirs).unwrap();
        assert_eq!(ours, theirs);
        ours
    };
    let base = export(b"label", b"context", 32);
    assert_eq!(export(b"label", b"context", 33)[..32], base);
    assert_ne!(export(b"labe", b"lcontext", 32), base);
    assert_ne!(export(b"label", b"", 32), base);
    export(&[b'l'; 255], &[0; 1_000], 8_160);

    let mut out = [7; 8_161];
    let length = client.export(&[0; 256], b"", &mut out);
    assert_eq!(length, Err(ChannelError::LabelLength { found: 256 }));
    let length = client.export(b"", b"", &mut out);
    assert_eq!(length, Err(ChannelError::OutputLength { found: 8_161 }));
    assert_eq!(client.export(b"", b"", &mut []), Err(ChannelError::OutputLength { found: 0 }));
    assert_eq!(out, [7; 8_161]);
    client.close(&mut Vec::new()).unwrap();
    assert_eq!(client.export(b"", b"", &mut out[..1]), Ok(()), "close does not end exports");
}

#[test]
fn every_changed_octet_truncation_and_extension_is_refused() {
    let record = sealed(&mut sealer_at(chain(), 9), b"attack at dawn");
    let refused = |changed: &[u8]| {
        let error = opened(&mut opener_at(chain(), 9), changed).unwrap_err();
        matches!(error, ChannelError::OpenFailed { .. } | ChannelError::RecordLength { .. })
    };
    for at in 0..record.len() {
        for change in 1..=255 {
            let mut changed = record.clone();
            changed[at] ^= change;
            assert!(refused(&changed), "octet {at} ^ {change}");
        }
        assert!(refused(&record[..at]) && refused(&record[at + 1..]));
    }
    for octet in 0..=255 {
        assert!(refused(&[&record[..], &[octet]].concat()));
        assert!(refused(&[&[octet], &record[..]].concat()));
    }
    assert!(opened(&mut opener_at(chain(), 9), &record).is_ok());
}

proptest! {
    #[test]
    fn round_trip_at_any_number_and_size(
        chain_g: [u8; 32],
        number in prop_oneof![any::<u64>(), 65_530..65_540u64, u64::MAX - 4..=u64::MAX],
        payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..600), 1..4),
    ) {
        let mut sealer = sealer_at(Secret::from(chain_g), number);
        let mut opener = opener_at(Secret::from(chain_g), number);
        let left = usize::try_from(u64::MAX - number).unwrap_or(usize::MAX).saturating_add(1);
        for payload in payloads.iter().take(left) {
            let record = sealed(&mut sealer, payload);
            prop_assert_eq!(record.len(), payload.len() + OVERHEAD);
            prop_assert_eq!(opened(&mut opener, &record), Ok(Some(payload.clone())));
        }
    }

    #[test]
    fn arbitrary_octets_are_refused(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(opened(&mut opener_at(chain(), 0), &octets).is_err());
        prop_assert!(AwaitingOpen::new(schedule()).receive(&mut octets.clone()).is_err());
    }
}
