//! The server's part of the handshake: the specification, sections 3.5 to 3.8, and OBS-005 to OBS-007.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::credentials::ServerKey;
use super::handshake::{Reply, Request};
use super::refusal::{Result, check, fault};
use super::rsa::{PrivateKey, PublicKey};
use super::session::{Role, Session};
use super::spki::write_spki;
use super::{Bug, Model, out};
use crate::shim_server::{Input, to_octets};

/// Milliseconds from M1 until the server has to be established.
const PATIENCE: u64 = 30_000;

/// The length of the shortest SPKI.
const SHORTEST_SPKI: usize = 591;

pub(super) struct Server<'m> {
    model: &'m Model,
    pair: Arc<PrivateKey>,
    k: Vec<u8>,
    delay: Option<u64>,
    /// E of TLS-082, if the channel is bound to TLS.
    pub(super) binding: Option<[u8; 32]>,
    /// When an M2 arrived whose SPKI was accepted and which left exactly k octets.
    accepted_at: Option<u64>,
    started_at: u64,
    state: State,
    m1: Vec<u8>,
    pub(super) sent: Vec<Vec<u8>>,
    pub(super) looked_up: Option<Vec<u8>>,
    pub(super) established: bool,
    /// The channel, once the open record has opened.
    pub(super) session: Option<Session<'m>>,
}

enum State {
    AwaitM2,
    LookUp { m2: Vec<u8>, client: PublicKey, request: Request },
    AwaitOpen { m2: Vec<u8>, m3: Vec<u8> },
    Established,
}

impl Model {
    pub(super) fn hs_server(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let mut server = self.start_server(input)?;
        for event in input.objects("events")? {
            let at = event.integer("at")?;
            if let Err(refusal) = server.event(at, event) {
                if self.bug(Bug::ErrorMessageSent) {
                    server.sent.push(b"error".to_vec());
                }
                let mut done = server.done();
                if server.delay.is_some() {
                    done.insert("release_at".to_owned(), server.release(at).into());
                }
                return Err(refusal.with_out(done));
            }
        }
        Ok(server.done())
    }

    /// A server that has just sent M1.
    pub(super) fn start_server(&self, input: Input<'_>) -> Result<Server<'_>> {
        let pair = self.private_key(&input.octets("private_key")?)?;
        let m1 = write_spki(&pair.public);
        Ok(Server {
            model: self,
            pair,
            k: input.array::<48>("k")?.to_vec(),
            delay: input.optional_integer("release_delay_ms")?,
            binding: None,
            accepted_at: None,
            started_at: 0,
            state: State::AwaitM2,
            sent: if self.bug(Bug::M1NotSentAtOnce) { Vec::new() } else { vec![m1.clone()] },
            m1,
            looked_up: None,
            established: false,
            session: None,
        })
    }

    /// HS-045; a fault where arithmetic traps.
    fn request_is_stale(&self, theirs: u64, now: u64) -> Result<bool> {
        Ok(if self.bug(Bug::ServerFreshnessMissing) {
            false
        } else if self.bug(Bug::ServerFreshnessPastOnly) {
            now.saturating_sub(theirs) >= 10
        } else if self.bug(Bug::ServerFreshnessFutureOnly) {
            theirs.saturating_sub(now) >= 10
        } else if self.bug(Bug::ServerFreshnessWraps) {
            now.wrapping_sub(theirs).cast_signed().unsigned_abs() >= 10
        } else if self.bug(Bug::ServerFreshnessUnsigned) {
            now.wrapping_sub(theirs) >= 10
        } else if self.bug(Bug::ServerFreshnessTraps) {
            now.checked_sub(theirs).ok_or_else(|| fault("subtraction with overflow"))? >= 10
        } else if self.bug(Bug::ServerFreshnessInDoubles) {
            (now as f64 - theirs as f64).abs() >= 10.0
        } else if self.bug(Bug::ServerTenSecondsAccepted) {
            now.abs_diff(theirs) > 10
        } else if self.bug(Bug::ServerNineSecondsRefused) {
            now.abs_diff(theirs) >= 9
        } else {
            now.abs_diff(theirs) >= 10
        })
    }

    fn is_client_password(&self, key: &ServerKey, request: &Request) -> bool {
        let digest = self.client_digest(&request.id, &request.password);
        if self.bug(Bug::ClientPasswordNotCompared) {
            true
        } else if self.bug(Bug::ClientPasswordStartCompared) {
            digest.iter().zip(&key.client_digest).take(8).all(|(a, b)| a == b)
        } else {
            digest == key.client_digest
        }
    }
}

impl Server<'_> {
    pub(super) fn event(&mut self, at: u64, event: Input<'_>) -> Result<()> {
        self.check_deadline(at, event)?;
        let notices = event.has("lookup") || !self.model.bug(Bug::DelayEndOnlyOnAnswers);
        if notices && self.is_asking() && self.look_up_outlasted(at) {
            return Err(check("lookup_failed"));
        }
        if event.has("receive") {
            return self.receive(at, event.octets("receive")?);
        }
        if event.has("lookup") {
            return self.decide(event);
        }
        if event.has("end") && !self.established && !self.model.bug(Bug::EndIgnored) {
            return Err(check("order")); // HS-073
        }
        Ok(())
    }

    /// HS-062 to HS-064.
    fn check_deadline(&self, at: u64, event: Input<'_>) -> Result<()> {
        let bug = |bug| self.model.bug(bug);
        if self.established || bug(Bug::ServerDeadlineMissing) {
            return Ok(());
        }
        let from = if bug(Bug::ServerDeadlineFromM2) { self.started_at } else { 0 };
        let deadline = from.saturating_add(PATIENCE);
        let late = if bug(Bug::ServerDeadlineInclusive) {
            at > deadline
        } else if bug(Bug::ServerDeadlineOneEarly) {
            at + 1 >= deadline
        } else {
            at >= deadline
        };
        let noticed = (event.has("receive") || !bug(Bug::ServerDeadlineOnlyOnMessages))
            && !(event.has("lookup") && bug(Bug::ServerDeadlineNotForLookUps));
        if late && noticed { Err(check("timeout")) } else { Ok(()) }
    }

    fn receive(&mut self, at: u64, message: Vec<u8>) -> Result<()> {
        match std::mem::replace(&mut self.state, State::Established) {
            State::AwaitM2 => {
                if self.sent.is_empty() {
                    self.sent.push(self.m1.clone());
                }
                self.started_at = at;
                self.accept_m2(at, message)
            }
            state @ State::LookUp { .. } => {
                self.state = state;
                // HS-070
                if self.model.bug(Bug::ServerQueuesMessages) { Ok(()) } else { Err(check("order")) }
            }
            State::AwaitOpen { m2, m3 } => {
                let schedule = self.model.schedule(
                    [&self.m1, &m2, &m3],
                    self.binding.as_ref().map(<[u8; 32]>::as_slice),
                    &self.k,
                );
                let mut session = Session::from_schedule(self.model, Role::Server, &schedule);
                session.receive(&message)?;
                self.established = true;
                self.session = Some(session);
                Ok(())
            }
            State::Established => Err(fault("hs.server ends with the open record")),
        }
    }

    /// HS-028 to HS-038.
    fn accept_m2(&mut self, at: u64, m2: Vec<u8>) -> Result<()> {
        let model = self.model;
        let k = self.pair.public.octets();
        let short = m2.len() < SHORTEST_SPKI + k && !model.bug(Bug::M2LengthUnchecked);
        let Some(at_c1) = m2.len().checked_sub(k).filter(|_| !short) else {
            return Err(check("malformed"));
        };
        let at_c1 = if model.bug(Bug::M2SplitFromTheFront) {
            4 + (usize::from(m2[2]) << 8 | usize::from(m2[3])) // as the SPKI's own header says
        } else if model.bug(Bug::M2SplitAt607) {
            607
        } else {
            at_c1
        };
        let Some((spki, c1)) = m2.split_at_checked(at_c1) else {
            return Err(check("malformed"));
        };
        let c1_first = model.bug(Bug::C1DecryptedBeforeKeyCheck);
        if c1_first {
            model.decrypt(&self.pair, c1)?;
        }
        let client = model.spki(spki)?;
        if !model.bug(Bug::ReleaseDelayOnlyAfterLookUp) {
            self.accepted_at = Some(at);
        }
        let plaintext = model.decrypt(&self.pair, c1)?;
        if model.bug(Bug::LookUpBeforeForm) {
            let length = usize::from(plaintext.first().copied().unwrap_or(0));
            self.looked_up = plaintext.get(1..1 + length).map(<[u8]>::to_vec);
        }
        let request = model.request(&plaintext)?;
        if model.bug(Bug::LookUpBeforeBinding) {
            self.looked_up = Some(request.id.clone());
        }
        self.check_binding(spki, &request.nonce)?;
        self.looked_up = Some(request.id.clone());
        self.accepted_at = Some(at);
        self.state = State::LookUp { client, request, m2 };
        Ok(())
    }

    /// HS-036.
    fn check_binding(&self, spki: &[u8], nonce: &[u8]) -> Result<()> {
        let expected = self.model.nonce(&self.m1, spki, &nonce[..14]);
        let compared = if self.model.bug(Bug::NonceBindingUnchecked) {
            14
        } else if self.model.bug(Bug::NonceBindingStartCompared) {
            14 + 8
        } else {
            30
        };
        if expected[..compared] == nonce[..compared] { Ok(()) } else { Err(check("binding")) }
    }

    /// HS-039 to HS-051.
    fn decide(&mut self, event: Input<'_>) -> Result<()> {
        let model = self.model;
        let State::LookUp { m2, client, request } =
            std::mem::replace(&mut self.state, State::Established)
        else {
            return Err(fault("a look-up that was not asked for"));
        };
        let now = event.u64("now")?;
        let answer = event.value("lookup")?;
        let found = match answer.as_str() {
            Some("failed") if model.bug(Bug::LookUpFailureIsUnknown) => None,
            Some("failed") => return Err(check("lookup_failed")),
            Some("unknown") => None,
            _ => {
                let stored = event.object("lookup")?.octets("found")?;
                match model.server_key(&stored) {
                    Err(_) if model.bug(Bug::MalformedServerKeyIsUnknown) => None,
                    Err(_) => return Err(check("lookup_failed")),
                    Ok(key) => Some(key),
                }
            }
        };
        let stale = model.request_is_stale(request.t, now)?;
        if stale && model.bug(Bug::TimeBeforePassword) {
            return Err(check("stale"));
        }
        let key = match found {
            Some(key) if model.is_client_password(&key, &request) => key,
            Some(_) if model.bug(Bug::WrongPasswordIsUnknown) => return Err(check("unknown_id")),
            Some(_) => return Err(check("wrong_password")),
            None if model.bug(Bug::UnknownIdAnswered) => {
                let dummy = vec![b'0'; 18];
                ServerKey { password: vec![b'0'; 8], client_digest: dummy }
            }
            None if model.bug(Bug::UnknownIdIsWrongPassword) => {
                return Err(check("wrong_password"));
            }
            None => return Err(check("unknown_id")),
        };
        if stale {
            return Err(check("stale"));
        }
        let mut nonce = request.nonce;
        if model.bug(Bug::ReplyWithNonceOfItsOwn) {
            nonce.reverse();
        }
        let t = if model.bug(Bug::ReplyTimeIsTheClients) { request.t } else { now };
        let reply = Reply { password: key.password, k: self.k.clone(), t, nonce };
        let m3 = model.encrypt(&client, &model.write_reply(&reply));
        self.sent.push(m3.clone());
        self.accepted_at = None; // OBS-005 ends here
        self.established = model.bug(Bug::EstablishedWithoutOpenRecord);
        self.state = State::AwaitOpen { m2, m3 };
        Ok(())
    }

    /// Whether the look-up is to be asked.
    pub(super) fn is_asking(&self) -> bool {
        matches!(self.state, State::LookUp { .. })
    }

    /// OBS-007.
    fn look_up_outlasted(&self, at: u64) -> bool {
        let (Some(delay), Some(received)) = (self.delay, self.accepted_at) else { return false };
        let ends = received.saturating_add(delay);
        let just = at == ends && self.model.bug(Bug::LookUpAsTheDelayEndsAccepted);
        at >= ends && !just && !self.model.bug(Bug::SlowLookUpAccepted)
    }

    /// OBS-005.
    pub(super) fn release(&self, at: u64) -> u64 {
        match (self.delay, self.accepted_at) {
            (Some(delay), Some(received)) if !self.model.bug(Bug::ReleaseDelayMissing) => {
                at.max(received.saturating_add(delay))
            }
            _ => at,
        }
    }

    fn done(&self) -> Map<String, Value> {
        out([
            ("sent", self.sent.iter().map(|message| to_octets(message)).collect()),
            ("looked_up", self.looked_up.as_deref().map_or(Value::Null, to_octets)),
            ("established", self.established.into()),
        ])
    }
}
