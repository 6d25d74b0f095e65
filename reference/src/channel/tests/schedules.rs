//! Whatever an attacker does between two parties, each gets what the other sent, in that order, from the
//! beginning, or nothing; and the first interference that a party sees is the last thing it does.

use std::collections::VecDeque;

use super::*;

const SIDES: usize = 2;

/// What happens next; `to` and `from` are 0 for the client and 1 for the server.
#[derive(Debug, Clone)]
enum Op {
    Seal { from: usize, payload: Vec<u8> },
    Close { from: usize },
    TransportFails { at: usize },
    Deliver { to: usize },
    Lose { to: usize },
    Repeat { to: usize },
    Swap { to: usize },
    Reflect { to: usize },
    FlipBit { to: usize, bit: usize },
    Cut { to: usize, len: usize },
    Insert { to: usize, octets: Vec<u8> },
}

fn op() -> impl Strategy<Value = Op> {
    let side = || 0..SIDES;
    let octets = || proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        20 => (side(), octets()).prop_map(|(from, payload)| Op::Seal { from, payload }),
        2 => side().prop_map(|from| Op::Close { from }),
        1 => side().prop_map(|at| Op::TransportFails { at }),
        30 => side().prop_map(|to| Op::Deliver { to }),
        1 => side().prop_map(|to| Op::Lose { to }),
        1 => side().prop_map(|to| Op::Repeat { to }),
        1 => side().prop_map(|to| Op::Swap { to }),
        1 => side().prop_map(|to| Op::Reflect { to }),
        1 => (side(), any::<usize>()).prop_map(|(to, bit)| Op::FlipBit { to, bit }),
        1 => (side(), any::<usize>()).prop_map(|(to, len)| Op::Cut { to, len }),
        1 => (side(), octets()).prop_map(|(to, octets)| Op::Insert { to, octets }),
    ]
}

/// A party with what the model knows of it.
struct Party {
    channel: Channel,
    /// Records it sealed with what they hold, `None` for close; in order.
    sent: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// How many of the peer's records it has opened.
    received: usize,
    /// Records on their way to it.
    incoming: VecDeque<Vec<u8>>,
    alive: bool,
    closed: bool,
    /// It has opened the peer's close, and nothing followed.
    clean: bool,
}

impl Party {
    fn new(channel: Channel) -> Self {
        Self {
            channel,
            sent: vec![],
            received: 0,
            incoming: VecDeque::new(),
            alive: true,
            closed: false,
            clean: false,
        }
    }

    fn seal(&mut self, payload: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let mut record = Vec::new();
        let result = match &payload {
            Some(payload) => self.channel.seal(payload, &mut record),
            None => self.channel.close(&mut record),
        };
        let expected = match (self.alive, self.closed) {
            (false, _) => Err(ChannelError::Dead),
            (true, true) => Err(ChannelError::Closed),
            (true, false) => Ok(()),
        };
        assert_eq!(result, expected);
        result.ok()?;
        self.closed = payload.is_none();
        self.sent.push((record.clone(), payload));
        Some(record)
    }

    /// Opens a record and compares with what the peer has `sent`.
    fn open(&mut self, mut record: Vec<u8>, sent: &[(Vec<u8>, Option<Vec<u8>>)]) {
        let honest = sent.get(self.received).filter(|(octets, _)| *octets == record);
        let takes = self.alive && !self.clean;
        match (self.channel.open(&mut record), honest) {
            (Ok(opened), Some((_, payload))) if takes => {
                self.received += 1;
                self.clean = payload.is_none();
                assert_eq!(opened, payload.as_deref().map_or(Opened::Close, Opened::Data));
            }
            (Err(error), _) if !self.alive => assert_eq!(error, ChannelError::Dead),
            (Err(error), None) if takes => assert!(matches!(
                error,
                ChannelError::OpenFailed { .. } | ChannelError::RecordLength { .. }
            )),
            (Err(error), _) if self.clean => assert_eq!(error, ChannelError::AfterClose),
            (result, honest) => panic!("{result:?}, honest: {honest:?}"),
        }
        if record_was_refused(takes, honest) {
            self.alive = false;
            self.clean = false;
            assert_dead(&mut self.channel);
        }
    }
}

fn record_was_refused<T>(takes: bool, honest: Option<T>) -> bool {
    !takes || honest.is_none()
}

fn run(ops: Vec<Op>) {
    let (client, server) = pair();
    let mut parties = [Party::new(client), Party::new(server)];
    for op in ops {
        match op {
            Op::Seal { from, payload } => {
                let record = parties[from].seal(Some(payload));
                parties[1 - from].incoming.extend(record);
            }
            Op::Close { from } => {
                let record = parties[from].seal(None);
                parties[1 - from].incoming.extend(record);
            }
            Op::TransportFails { at } => {
                parties[at].channel.transport_failed();
                parties[at].alive = false;
                assert_dead_unless_clean(&mut parties[at]);
            }
            Op::Deliver { to } => {
                let [client, server] = &mut parties;
                let (party, peer) = if to == 0 { (client, server) } else { (server, client) };
                if let Some(record) = party.incoming.pop_front() {
                    party.open(record, &peer.sent);
                }
            }
            Op::Lose { to } => drop(parties[to].incoming.pop_front()),
            Op::Repeat { to } => {
                if let Some(record) = parties[to].incoming.front().cloned() {
                    parties[to].incoming.push_front(record);
                }
            }
            Op::Swap { to } => {
                if parties[to].incoming.len() >= 2 {
                    parties[to].incoming.swap(0, 1);
                }
            }
            Op::Reflect { to } => {
                if let Some((record, _)) = parties[to].sent.last().cloned() {
                    parties[to].incoming.push_front(record);
                }
            }
            Op::FlipBit { to, bit } => {
                if let Some(record) = parties[to].incoming.front_mut()
                    && !record.is_empty()
                {
                    let bit = bit % (record.len() * 8);
                    record[bit / 8] ^= 1 << (bit % 8);
                }
            }
            Op::Cut { to, len } => {
                if let Some(record) = parties[to].incoming.front_mut()
                    && !record.is_empty()
                {
                    record.truncate(len % record.len());
                }
            }
            Op::Insert { to, octets } => parties[to].incoming.push_front(octets),
        }
    }
    for Party { channel, clean, .. } in parties {
        assert_eq!(channel.end(), if clean { Ending::Clean } else { Ending::Truncated });
    }
}

/// A dead channel refuses all; but to try to open marks a clean end as followed by more.
fn assert_dead_unless_clean(party: &mut Party) {
    assert_eq!(party.channel.seal(b"", &mut Vec::new()), Err(ChannelError::Dead));
    if !party.clean {
        assert_dead(&mut party.channel);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_party_gets_what_was_sent_in_order_or_nothing(
        ops in proptest::collection::vec(op(), 1..60),
    ) {
        run(ops);
    }
}

#[test]
fn an_undisturbed_exchange_ends_clean() {
    let seal = |from| Op::Seal { from, payload: vec![1, 2, 3] };
    let (deliver, close) = (|to| Op::Deliver { to }, |from| Op::Close { from });
    run(vec![seal(0), seal(1), deliver(1), deliver(0), close(0), deliver(1), seal(1), deliver(0)]);
    run(vec![close(1), deliver(0), seal(0), close(0), deliver(1), deliver(1)]);
}
