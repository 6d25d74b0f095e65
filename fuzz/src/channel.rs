//! Both ends of a channel, with a hostile network between them.

use std::collections::VecDeque;

use arbitrary::{Arbitrary, Unstructured};
use secure_tunnel::hazmat::{self, ServerAwaitingOpen};
use tunnelproof_vectors::build::primitives::stream;

use crate::Verdict;
use crate::hostile::Change;
use crate::protocol;

mod party;

use party::{Direction, Party, Reference};

#[derive(Debug, Arbitrary)]
struct Input {
    start: Start,
    operations: Vec<(bool, Operation)>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Start {
    /// After M3, before the open record.
    Handshake,
    /// Established, at these numbers.
    At { c2s: Number, s2c: Number },
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Number {
    First,
    NearGeneration { before: u8 },
    NearEnd { before: u8 },
    Any(u64),
}

/// What one party does, or what happens to what is under way to it.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Operation {
    Send {
        length: u8,
    },
    Close,
    Export {
        label: u8,
        length: u16,
    },
    TransportFailed,
    End,
    Deliver {
        change: Change,
    },
    Drop,
    Repeat,
    Reorder,
    /// Its own last record comes back.
    Reflect,
    /// A record of an attacker without the keys, or with an older key of the direction.
    Forge {
        kind: u8,
        payload: bool,
    },
    /// A record that only a faulty peer seals.
    Faulty {
        kind: u8,
        payload: bool,
    },
}

/// At most 64 operations.
///
/// Each ends as that of a second implementation of chapter 4 on the generator's primitives, octet for octet.
/// What a party has opened is always a beginning of what its peer has sealed, unless the peer itself is
/// faulty. After a failure everything is dead and stays so, and a refused call leaves its buffer alone.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else {
        return "no input".to_owned();
    };
    let mut parties = start(input.start);
    let mut verdict = String::new();
    for (server, operation) in input.operations.iter().take(64) {
        verdict += step(&mut parties, usize::from(*server), operation);
        verdict.push(' ');
        for (own, peer) in [(0, 1), (1, 0)] {
            let (own, peer) = (&parties[own], &parties[peer]);
            assert!(peer.faulty || peer.sent.starts_with(&own.got), "what arrived was sent");
        }
    }
    verdict
}

const K: [u8; 48] = [0x4b; 48];

impl Number {
    fn get(self) -> u64 {
        match self {
            Self::First => 1,
            Self::NearGeneration { before } => 65_536 - u64::from(before % 8),
            Self::NearEnd { before } => u64::MAX - u64::from(before % 8),
            Self::Any(n) => n.max(1),
        }
    }
}

fn start(start: Start) -> [Party; 2] {
    let [m1, m2, m3] = [b"m1", b"m2", b"m3"];
    let schedule = protocol::schedule(m1, m2, m3, &K);
    let party = |server, reference, c2s, s2c| {
        let direction = |chain, n| Direction { chain, n: Some(n), closed: false };
        let (c2s, s2c) = (direction(schedule.c2s, c2s), direction(schedule.s2c, s2c));
        let (seals, opens) = if server { (s2c, c2s) } else { (c2s, s2c) };
        Party {
            reference,
            seals,
            opens,
            schedule: schedule.clone(),
            server,
            dead: false,
            gone: false,
            faulty: false,
            sent: Vec::new(),
            got: Vec::new(),
            arriving: VecDeque::new(),
            last_sealed: Vec::new(),
        }
    };
    match start {
        Start::Handshake => {
            let (channel, open) = hazmat::client_channel(m1, m2, m3, K.into())
                .unwrap_or_else(|error| panic!("a new channel: {error}"));
            assert_eq!(open, protocol::seal(&schedule.c2s, 0, 2, &[]));
            let awaiting = ServerAwaitingOpen::new(m1, m2, m3, K.into());
            let client = party(false, Reference::Established(channel), 1, 0);
            let mut server = party(true, Reference::Awaiting(awaiting), 0, 0);
            server.arriving.push_back(open);
            [client, server]
        }
        Start::At { c2s, s2c } => {
            let (c2s, s2c) = (c2s.get(), s2c.get());
            [false, true].map(|server| {
                let at = ((schedule.c2s, c2s), (schedule.s2c, s2c));
                let channel = hazmat::channel_at(!server, &schedule.prk, at.0, at.1);
                party(server, Reference::Established(channel), c2s, s2c)
            })
        }
    }
}

fn step(parties: &mut [Party; 2], who: usize, operation: &Operation) -> &'static str {
    let peer = 1 - who;
    let party = &mut parties[who];
    match *operation {
        Operation::Send { .. } | Operation::Close => {
            let payload = match *operation {
                Operation::Send { length } => Some(stream("payload", length.into())),
                _ => None,
            };
            match party.seal(payload) {
                Ok(record) => {
                    parties[peer].arriving.push_back(record);
                    "sealed"
                }
                Err(code) => code,
            }
        }
        Operation::Export { label, length } => party.export(label.into(), length.into()),
        Operation::TransportFailed => party.transport_failed(),
        Operation::End => party.end(),
        Operation::Deliver { change } => match party.arriving.pop_front() {
            Some(record) => party.receive(&change.apply(&record).0),
            None => "nothing",
        },
        Operation::Drop => party.arriving.pop_front().map_or("nothing", |_| "dropped"),
        Operation::Repeat => match party.arriving.front().cloned() {
            Some(record) => {
                party.arriving.push_front(record);
                "repeated"
            }
            None => "nothing",
        },
        Operation::Reorder => {
            if party.arriving.len() >= 2 {
                party.arriving.swap(0, 1);
            }
            "reordered"
        }
        Operation::Reflect => {
            let record = party.last_sealed.clone();
            party.arriving.push_front(record);
            "reflected"
        }
        Operation::Forge { kind, payload } => {
            let payload: &[u8] = if payload { b"forged" } else { b"" };
            let n = party.opens.n.unwrap_or(0);
            party.arriving.push_front(protocol::seal(&[0x66; 32], n, kind, payload));
            "forged"
        }
        Operation::Faulty { kind, payload } => {
            let payload: &[u8] = if payload { b"faulty" } else { b"" };
            let Some(n) = party.opens.n else { return "nothing" };
            let record = protocol::seal(&party.opens.chain, n, kind, payload);
            party.arriving.push_front(record);
            parties[peer].faulty = true;
            "faulty"
        }
    }
}
