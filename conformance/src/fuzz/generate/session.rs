//! A party's channel: sections 4.2 and 4.4 to 4.8 of the specification.
//!
//! A scenario is made event by event, with the numbers and keys of both directions at hand; what is wrong
//! is put between its events, and the scenario goes on as if it had not been there.

use serde_json::{Value, json};
use tunnelproof_vectors::build::protocol::{CLOSE, DATA, OPEN, generation, schedule, seal};

use super::records::{NUMBERS, RECORD_MAX, exported, payload};
use super::values::{hex, mutated, repeated, u64_};
use crate::fuzz::rng::{Flaws, Rng};

/// One direction: the next record's number and the chain key of its generation.
struct Direction {
    chain: [u8; 32],
    n: Option<u64>,
    closed: bool,
}

impl Direction {
    fn new(chain: [u8; 32], n: u64) -> Self {
        Self { chain, n: Some(n), closed: false }
    }

    /// The next record's number, if one can still be sent.
    fn next(&self) -> Option<u64> {
        self.n.filter(|_| !self.closed)
    }

    fn advance(&mut self, kind: u8) {
        if let Some(n) = self.n {
            if n % 65_536 == 65_535 {
                self.chain = generation(&self.chain).next;
            }
            self.n = n.checked_add(1);
        }
        self.closed |= kind == CLOSE;
    }

    /// Record `n` under the key of the generation of the next record, mended where that is the next one.
    fn record(&self, n: u64, kind: u8, payload: &[u8]) -> Vec<u8> {
        let ends = self.n.is_some_and(|next| next % 65_536 == 65_535 && n == next.wrapping_add(1));
        let chain = if ends { generation(&self.chain).next } else { self.chain };
        seal(&chain, n, kind, payload)
    }
}

struct Scenario {
    server: bool,
    own: Direction,
    peer: Direction,
    established: bool,
    ended: bool,
    /// The last record that the peer sent.
    last: Option<Vec<u8>>,
    events: Vec<Value>,
}

/// `chan.session`.
pub fn session(rng: &mut Rng, flaws: &mut Flaws) -> Value {
    let role = rng.one(&["client", "server"]);
    let server = role == "server";
    let (start, c2s, s2c, established) = if rng.once_in(3) {
        let [m1, m2, m3] = [607, 1176, 569].map(|length| rng.octets(length));
        let k = rng.octets(48);
        let keys = schedule(&m1, &m2, &m3, &k);
        let start = json!({ "m1": hex(&m1), "m2": hex(&m2), "m3": hex(&m3), "k": hex(&k) });
        let mut c2s = Direction::new(keys.c2s, 0);
        if !server {
            c2s.advance(OPEN);
        }
        (start, c2s, Direction::new(keys.s2c, 0), !server)
    } else {
        let (c2s, s2c) = (start_number(rng).max(1), start_number(rng));
        let chains: [[u8; 32]; 3] = [rng.array(), rng.array(), rng.array()];
        let start = json!({
            "prk": hex(&chains[0]),
            "c2s": { "chain": hex(&chains[1]), "n": u64_(c2s) },
            "s2c": { "chain": hex(&chains[2]), "n": u64_(s2c) },
        });
        (start, Direction::new(chains[1], c2s), Direction::new(chains[2], s2c), true)
    };
    let (own, peer) = if server { (s2c, c2s) } else { (c2s, s2c) };
    let mut scenario =
        Scenario { server, own, peer, established, ended: false, last: None, events: Vec::new() };
    for _ in 0..1 + rng.below(7) {
        scenario.fault(flaws);
        scenario.good(rng, flaws);
    }
    scenario.fault(flaws);
    json!({ "role": role, "start": start, "events": scenario.events })
}

fn start_number(rng: &mut Rng) -> u64 {
    match rng.below(3) {
        0 => rng.within(0, 3),
        1 => u64::MAX - rng.within(0, 3),
        _ => rng.one(&NUMBERS).saturating_sub(rng.within(0, 2)),
    }
}

impl Scenario {
    /// Something that succeeds.
    fn good(&mut self, rng: &mut Rng, flaws: &mut Flaws) {
        let choice = rng.below(12);
        let mut drawn = rng.fork();
        match choice {
            0..=3 if self.established && self.own.next().is_some() => {
                self.events.push(json!({ "send": hex(&payload(&mut drawn)) }));
                self.own.advance(DATA);
            }
            4 if self.established && self.own.next().is_some() => {
                self.events.push(json!({ "close": true }));
                self.own.advance(CLOSE);
            }
            5 if self.established => {
                self.events.push(json!({ "export": exported(&mut drawn, flaws) }));
            }
            6 if self.peer.closed => self.end(),
            7 if self.established => self.receive(CLOSE, &[]),
            _ if !self.established => self.receive(OPEN, &[]),
            _ => self.receive(DATA, &payload(&mut drawn)),
        }
    }

    fn receive(&mut self, kind: u8, payload: &[u8]) {
        if let Some(n) = self.peer.next().filter(|_| !self.ended) {
            let record = self.peer.record(n, kind, payload);
            self.arrives(&record);
            self.last = Some(record);
            self.peer.advance(kind);
            self.established = true;
        }
    }

    fn arrives(&mut self, record: &[u8]) {
        // After the end of the transport nothing arrives.
        if !self.ended {
            self.events.push(json!({ "receive": hex(record) }));
        }
    }

    fn end(&mut self) {
        // Not to a server that waits for the open record: that is a failure of the handshake (HS-073).
        if self.established && !self.ended {
            self.events.push(json!({ "end": true }));
            self.ended = true;
        }
    }

    /// Something that fails, or that has to fail later.
    fn fault(&mut self, flaws: &mut Flaws) {
        let n = self.peer.n.unwrap_or(u64::MAX);
        if let Some(mut rng) = flaws.hits(2, "a record is altered, short or random") {
            let mut record = self.peer.record(n, DATA, &payload(&mut rng));
            if rng.once_in(2) {
                record = mutated(&mut rng, &record);
            } else {
                let length = rng.one(&[0, 1, 16, 17, 40]);
                record = rng.octets(length);
            }
            self.arrives(&record);
        }
        if flaws.hit("the record before arrives again").is_some()
            && let Some(record) = self.last.clone()
        {
            self.arrives(&record);
        }
        if let Some(mut rng) = flaws.hit("a record is lost") {
            let next = n.wrapping_add(1);
            let record = self.peer.record(next, DATA, &payload(&mut rng));
            self.arrives(&record);
        }
        if let Some(mut rng) = flaws.hit("a record of the party's own arrives") {
            let kind = if self.server || self.established { DATA } else { OPEN };
            // At the number that the party awaits, so that the key alone is wrong.
            let record = seal(&self.own.chain, n, kind, &payload(&mut rng));
            self.arrives(&record);
        }
        if let Some(mut rng) = flaws.hits(3, "a record has a type or payload that it must not have")
        {
            let (kind, data) = match rng.below(4) {
                0 => (rng.one(&[3, 0x17, 0xff]), payload(&mut rng)),
                1 => (CLOSE, vec![0]),
                2 => (OPEN, vec![0]),
                _ if self.established => (OPEN, Vec::new()),
                _ => (rng.one(&[DATA, CLOSE]), Vec::new()),
            };
            let record = self.peer.record(n, kind, &data);
            self.arrives(&record);
        }
        if let Some(mut rng) = flaws.hit("a close record arrives, and more after it") {
            self.receive(CLOSE, &[]);
            let n = self.peer.n.unwrap_or(u64::MAX);
            let record =
                if rng.once_in(2) { Vec::new() } else { self.peer.record(n, DATA, b"more") };
            self.arrives(&record);
        }
        if let Some(mut rng) = flaws.hit("a record or payload is longer than 2^24 octets")
            && rng.once_in(8)
        {
            if rng.once_in(2) {
                self.events.push(json!({ "send": repeated(1, RECORD_MAX - 16) }));
            } else if !self.ended {
                self.events.push(json!({ "receive": repeated(1, RECORD_MAX + 1) }));
            }
        }
        self.misuse(flaws);
    }

    /// What the caller does wrong, and what happens to the transport.
    fn misuse(&mut self, flaws: &mut Flaws) {
        if let Some(mut rng) = flaws.hits(2, "the party closes, and then sends or closes again") {
            self.events.push(json!({ "close": true }));
            self.own.closed |= self.established;
            self.events.push(
                rng.one(&[true, false])
                    .then(|| json!({ "close": true }))
                    .unwrap_or(json!({ "send": hex(b"late") })),
            );
        }
        if let Some(mut rng) = flaws.hits(2, "the party sends or exports before it may") {
            self.events.push(match rng.below(2) {
                0 => json!({ "send": hex(b"early") }),
                _ => json!({ "export": exported(&mut rng, flaws) }),
            });
            if self.established {
                self.own.advance(DATA);
            }
        }
        if flaws.hit("the transport does not take a record").is_some() {
            self.events.push(json!({ "transport_failed": true }));
        }
        if flaws.hit("after the peer's close the transport does not take a record").is_some() {
            self.receive(CLOSE, &[]);
            self.events.push(json!({ "transport_failed": true }));
            self.end();
        }
        if flaws.hits(2, "the transport ends").is_some() {
            self.end();
        }
    }
}
