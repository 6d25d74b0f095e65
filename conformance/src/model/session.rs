//! One party's channel: the specification, sections 4.2 and 4.4 to 4.8.

use serde_json::{Map, Value, json};

use super::channel::{Kind, Schedule};
use super::refusal::{Refusal, Result, check, class, fault};
use super::{Bug, Model, out};
use crate::shim_server::{BadInput, Input, to_octets};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Role {
    Client,
    Server,
}

/// One direction: the chain key of the next record's generation and the next record's number.
#[derive(Clone)]
pub(super) struct Direction {
    chain: [u8; 32],
    /// Nothing once number 2^64 - 1 is used.
    n: Option<u64>,
    pub(super) closed: bool,
    dead: bool,
}

pub(super) struct Session<'m> {
    model: &'m Model,
    role: Role,
    pub(super) own: Direction,
    pub(super) peer: Direction,
    exporter: [u8; 32],
    established: bool,
    /// Something arrived that was not the next record.
    broken: bool,
}

impl Model {
    pub(super) fn chan_session(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let role = match input.word("role")? {
            "client" => Role::Client,
            "server" => Role::Server,
            other => return Err(BadInput(format!("no role {other}")).into()),
        };
        let start = input.object("start")?;
        let mut results = Vec::new();
        let mut session = if start.has("m1") {
            let [m1, m2, m3, k] = ["m1", "m2", "m3", "k"].map(|name| start.octets(name));
            let schedule = self.schedule([&m1?, &m2?, &m3?], None, &k?);
            let mut session = Session::from_schedule(self, role, &schedule);
            if role == Role::Client {
                results.push(json!({"record": to_octets(&session.open_record()?)}));
            }
            session
        } else {
            let direction = |name| -> Result<Direction> {
                let direction = start.object(name)?;
                Ok(Direction::new(direction.array("chain")?, direction.u64("n")?))
            };
            let exporter = self.exporter(&start.array("prk")?);
            Session::new(self, role, direction("c2s")?, direction("s2c")?, exporter, true)
        };
        for event in input.objects("events")? {
            results.push(match session.event(event) {
                Ok(result) => result,
                Err(Refusal::Check { code, .. }) => {
                    json!({"error": {"class": class(code), "code": code}})
                }
                Err(fault) => return Err(fault),
            });
        }
        Ok(out([("results", results.into())]))
    }
}

impl Direction {
    fn new(chain: [u8; 32], n: u64) -> Self {
        Self { chain, n: Some(n), closed: false, dead: false }
    }

    /// CHAN-007, CHAN-008, CHAN-014: to the next record.
    fn advance(&mut self, model: &Model) {
        let Some(n) = self.n else { return };
        self.n = n.checked_add(1);
        if self.n.is_none() && model.bug(Bug::NumbersStartAgain) {
            self.n = Some(0);
        }
        let last = if model.bug(Bug::GenerationOneRecordLong) {
            0
        } else if model.bug(Bug::GenerationOneRecordShort) {
            65_534
        } else {
            65_535
        };
        let within = n % 65_536;
        let starting = n == 0 && last == 0; // record 0 ends no generation
        if within == last && !starting && !model.bug(Bug::GenerationsIgnored) {
            self.chain = model.next_chain(&self.chain);
        }
    }
}

impl<'m> Session<'m> {
    /// The channel of a party that has just sent or accepted M3.
    pub(super) fn from_schedule(model: &'m Model, role: Role, schedule: &Schedule) -> Self {
        let [c2s, s2c] = [schedule.c2s, schedule.s2c].map(|chain| Direction::new(chain, 0));
        Self::new(model, role, c2s, s2c, schedule.exporter, role == Role::Client)
    }

    fn new(
        model: &'m Model,
        role: Role,
        c2s: Direction,
        s2c: Direction,
        exporter: [u8; 32],
        established: bool,
    ) -> Self {
        let (own, peer) = match role {
            Role::Client => (c2s, s2c),
            Role::Server => (s2c, c2s),
        };
        Self { model, role, own, peer, exporter, established, broken: false }
    }

    /// CHAN-023: the client's record 0.
    pub(super) fn open_record(&mut self) -> Result<Vec<u8>> {
        let kind = if self.model.bug(Bug::OpenRecordIsData) { Kind::Data } else { Kind::Open };
        self.seal(kind, &[])
    }

    fn event(&mut self, event: Input<'_>) -> Result<Value> {
        if event.has("send") {
            let record = self.seal(Kind::Data, &event.octets("send")?)?;
            return Ok(json!({"record": to_octets(&record)}));
        }
        if event.has("close") {
            return Ok(json!({"record": to_octets(&self.seal(Kind::Close, &[])?)}));
        }
        if event.has("receive") {
            let (kind, payload) = self.receive(&event.octets("receive")?)?;
            return Ok(match kind {
                Kind::Data => json!({"data": to_octets(&payload)}),
                Kind::Close => json!({"close": true}),
                Kind::Open => json!({"open": true}),
            });
        }
        if event.has("export") {
            let octets = self.export(event.object("export")?)?;
            return Ok(json!({"octets": to_octets(&octets)}));
        }
        if event.has("transport_failed") {
            if !self.model.bug(Bug::TransportFailureIgnored) {
                self.own.dead = true;
                self.peer.dead = true;
            }
            return Ok(json!({"dead": true}));
        }
        if event.has("end") {
            return Ok(json!({"end": if self.ends_clean() { "clean" } else { "truncated" }}));
        }
        Err(fault("an event of no known kind"))
    }

    /// Seals, or says which caller error it is. None of them kills the channel.
    pub(super) fn seal(&mut self, kind: Kind, payload: &[u8]) -> Result<Vec<u8>> {
        let sealed = self.try_seal(kind, payload);
        if let Err(Refusal::Check { code, .. }) = &sealed {
            let kills = match *code {
                "payload_too_long" => self.model.bug(Bug::PayloadTooLongKills),
                "exhausted" => self.model.bug(Bug::SealingExhaustedKills),
                "closed" => self.model.bug(Bug::SendingAfterCloseKills),
                "not_established" => self.model.bug(Bug::SendingTooEarlyKills),
                _ => false,
            };
            self.own.dead |= kills;
            self.peer.dead |= kills;
        }
        sealed
    }

    fn try_seal(&mut self, kind: Kind, payload: &[u8]) -> Result<Vec<u8>> {
        let model = self.model;
        if model.bug(Bug::PayloadLengthCheckedFirst) {
            model.check_payload(payload.len())?;
        }
        if self.own.dead {
            return Err(check("dead"));
        }
        if !self.established && !model.bug(Bug::SealedBeforeEstablished) {
            return Err(check("not_established"));
        }
        if self.own.closed && !model.bug(Bug::SealedAfterOwnClose) {
            return Err(check("closed"));
        }
        if let Err(refusal) = model.check_payload(payload.len()) {
            if model.bug(Bug::PayloadTooLongUsesNumber) {
                self.own.advance(model);
            }
            return Err(refusal);
        }
        if self.own.n == Some(u64::MAX) && model.bug(Bug::LastNumberNotUsed) {
            return Err(check("exhausted"));
        }
        let n = self.own.n.ok_or(check("exhausted"))?;
        let record = model.seal(&self.own.chain, n, kind, payload);
        self.own.advance(model);
        if model.bug(Bug::OneCounterForBothDirections) {
            self.peer.n = self.own.n;
        }
        self.own.closed |= kind == Kind::Close;
        Ok(record)
    }

    /// Opens a record; a failure kills the channel (CHAN-027).
    pub(super) fn receive(&mut self, record: &[u8]) -> Result<(Kind, Vec<u8>)> {
        let received = self.try_receive(record);
        self.broken |= received.is_err();
        if received.is_err() && !self.model.bug(Bug::FailedRecordSurvived) {
            self.peer.dead = true;
            self.own.dead |= !self.model.bug(Bug::OtherDirectionSurvives);
        }
        received
    }

    fn try_receive(&mut self, record: &[u8]) -> Result<(Kind, Vec<u8>)> {
        let model = self.model;
        if self.peer.dead {
            return Err(check("dead"));
        }
        let after_close = self.peer.closed && !model.bug(Bug::RecordsAfterCloseAccepted);
        if after_close && model.bug(Bug::LengthCheckedBeforeClose) {
            model.check_record(record.len())?;
        }
        if after_close {
            return Err(check("after_close"));
        }
        if self.own.closed && model.bug(Bug::NothingReceivedAfterOwnClose) {
            return Err(check("closed"));
        }
        model.check_record(record.len())?;
        if self.peer.n == Some(u64::MAX) && model.bug(Bug::LastNumberNotUsed) {
            return Err(check("exhausted"));
        }
        let n = self.peer.n.ok_or(check("exhausted"))?;
        let plaintext = self.open(n, record).ok_or(check("open_failed"))?;
        let (kind, payload) = model.classify(plaintext, self.role == Role::Server, n)?;
        self.peer.advance(model);
        if model.bug(Bug::OneCounterForBothDirections) {
            self.own.n = self.peer.n;
        }
        self.established = true;
        self.peer.closed |= kind == Kind::Close && !model.bug(Bug::CloseIgnored);
        Ok((kind, payload))
    }

    fn open(&mut self, n: u64, record: &[u8]) -> Option<Vec<u8>> {
        let model = self.model;
        let chain = &self.peer.chain;
        model
            .open(chain, n, record)
            .or_else(|| {
                let before = n.checked_sub(1).filter(|_| model.bug(Bug::RepeatedRecordAccepted))?;
                model.open(chain, before, record)
            })
            .or_else(|| {
                let after = n.checked_add(1).filter(|_| model.bug(Bug::LostRecordTolerated))?;
                let plaintext = model.open(chain, after, record)?;
                self.peer.n = Some(after);
                Some(plaintext)
            })
            .or_else(|| {
                let lax = model.bug(Bug::ReflectedRecordAccepted);
                lax.then(|| model.open(&self.own.chain, n, record)).flatten()
            })
    }

    /// CHAN-028, CHAN-043.
    fn export(&mut self, request: Input<'_>) -> Result<Vec<u8>> {
        let model = self.model;
        if (self.own.dead || self.peer.dead) && !model.bug(Bug::ExportAfterDeath) {
            return Err(check("dead"));
        }
        if !self.established && !model.bug(Bug::ExportBeforeEstablished) {
            return Err(check("not_established"));
        }
        let exported = model.export(&self.exporter, request);
        if exported.is_err() && model.bug(Bug::ExportErrorKills) {
            self.own.dead = true;
            self.peer.dead = true;
        }
        exported
    }

    /// CHAN-037, CHAN-038, CHAN-044. What this party failed to send does not count.
    pub(super) fn ends_clean(&mut self) -> bool {
        let model = self.model;
        let clean = if model.bug(Bug::EveryEndIsClean) {
            true
        } else if model.bug(Bug::OwnCloseMakesEndClean) {
            (self.own.closed || self.peer.closed) && !self.broken
        } else if model.bug(Bug::BothClosesNeededForCleanEnd) {
            self.own.closed && self.peer.closed && !self.broken
        } else if model.bug(Bug::FailureAfterCloseIsClean) {
            self.peer.closed
        } else if model.bug(Bug::SendFailureMakesEndTruncated) {
            self.peer.closed && !self.broken && !self.own.dead
        } else {
            self.peer.closed && !self.broken
        };
        if !clean && !model.bug(Bug::TruncatedEndSurvived) {
            self.own.dead = true;
            self.peer.dead = true;
        }
        clean
    }
}
