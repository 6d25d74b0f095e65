//! The client's part of the handshake: the specification, sections 3.4 to 3.8.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::credentials::ClientKey;
use super::digest::sha256;
use super::handshake::Request;
use super::refusal::{Result, check, fault};
use super::rsa::{PrivateKey, PublicKey};
use super::session::{Role, Session};
use super::spki::write_spki;
use super::{Bug, Model, out};
use crate::shim_server::{Input, to_octets};

/// Milliseconds that the client waits for M1, and again for M3.
const PATIENCE: u64 = 10_000;

pub(super) struct Client<'m> {
    model: &'m Model,
    key: ClientKey,
    pin: Option<Vec<u8>>,
    pair: Arc<PrivateKey>,
    r: Vec<u8>,
    /// E of TLS-082, if the channel is bound to TLS.
    pub(super) binding: Option<[u8; 32]>,
    state: State,
    pub(super) sent: Vec<Vec<u8>>,
    pub(super) established: bool,
    /// The channel, once established.
    pub(super) session: Option<Session<'m>>,
}

enum State {
    AwaitM1,
    /// M1 is accepted; the RSA key pair is being made.
    MakeM2 {
        m1: Vec<u8>,
        server: PublicKey,
    },
    AwaitM3 {
        m1: Vec<u8>,
        m2: Vec<u8>,
        request: Request,
        sent_at: u64,
    },
    Established,
}

impl Model {
    pub(super) fn hs_client(&self, input: Input<'_>) -> Result<Map<String, Value>> {
        let mut client = self.start_client(input)?;
        let events = input.objects("events")?;
        match events.into_iter().try_for_each(|event| client.event(event)) {
            Ok(()) => Ok(client.done()),
            Err(refusal) => {
                if self.bug(Bug::ErrorMessageSent) {
                    client.sent.push(b"error".to_vec());
                }
                Err(refusal.with_out(client.done()))
            }
        }
    }

    /// A client that waits for M1.
    pub(super) fn start_client(&self, input: Input<'_>) -> Result<Client<'_>> {
        Ok(Client {
            model: self,
            key: self.client_key(&input.octets("client_key")?)?,
            pin: input.optional_octets("pin")?,
            pair: self.private_key(&input.octets("private_key")?)?,
            r: input.array::<14>("r")?.to_vec(),
            binding: None,
            state: State::AwaitM1,
            sent: Vec::new(),
            established: false,
            session: None,
        })
    }

    /// HS-056.
    fn reply_is_stale(&self, theirs: u64, ours: u64) -> bool {
        if self.bug(Bug::ClientFreshnessMissing) {
            false
        } else if self.bug(Bug::ClientFreshnessPastOnly) {
            ours.saturating_sub(theirs) > 10
        } else if self.bug(Bug::ClientFreshnessFutureOnly) {
            theirs.saturating_sub(ours) > 10
        } else if self.bug(Bug::ClientFreshnessWraps) {
            theirs.wrapping_sub(ours).cast_signed().unsigned_abs() > 10
        } else if self.bug(Bug::ClientFreshnessUnsigned) {
            theirs.wrapping_sub(ours) > 10
        } else if self.bug(Bug::ClientFreshnessInDoubles) {
            (theirs as f64 - ours as f64).abs() > 10.0
        } else if self.bug(Bug::ClientTenSecondsRefused) {
            theirs.abs_diff(ours) >= 10
        } else if self.bug(Bug::ClientElevenSecondsAccepted) {
            theirs.abs_diff(ours) > 11
        } else {
            theirs.abs_diff(ours) > 10
        }
    }

    fn is_sent_nonce(&self, found: &[u8], sent: &[u8]) -> bool {
        if self.bug(Bug::NonceNotCompared) {
            true
        } else if self.bug(Bug::NonceStartCompared) {
            found[..14] == sent[..14]
        } else if self.bug(Bug::NonceEndCompared) {
            found[14..] == sent[14..]
        } else {
            found == sent
        }
    }

    fn is_server_password(&self, key: &ClientKey, password: &[u8]) -> bool {
        let digest = self.server_digest(&key.id, password);
        if self.bug(Bug::ServerPasswordNotCompared) {
            true
        } else if self.bug(Bug::ServerPasswordStartCompared) {
            digest.iter().zip(&key.server_digest).take(4).all(|(a, b)| a == b)
        } else {
            digest == key.server_digest
        }
    }
}

impl Client<'_> {
    pub(super) fn event(&mut self, event: Input<'_>) -> Result<()> {
        let at = event.integer("at")?;
        self.check_deadline(at, event.has("receive"))?;
        if event.has("receive") {
            return self.receive(event.octets("receive")?);
        }
        if event.has("request") {
            return self.request(at, event.object("request")?.u64("now")?);
        }
        if event.has("end") && !self.established && !self.model.bug(Bug::EndIgnored) {
            return Err(check("order")); // HS-073
        }
        Ok(())
    }

    /// HS-060 to HS-064.
    fn check_deadline(&self, at: u64, received: bool) -> Result<()> {
        let bug = |bug| self.model.bug(bug);
        let deadline = match self.state {
            State::AwaitM1 if bug(Bug::M1DeadlineMissing) => return Ok(()),
            State::AwaitM1 => PATIENCE,
            State::AwaitM3 { .. } if bug(Bug::M3DeadlineMissing) => return Ok(()),
            State::AwaitM3 { .. } if bug(Bug::M3DeadlineFromConnecting) => PATIENCE,
            State::AwaitM3 { sent_at, .. } => sent_at.saturating_add(PATIENCE),
            State::MakeM2 { .. } if bug(Bug::ClientDeadlineWhileMakingKey) => PATIENCE,
            State::MakeM2 { .. } | State::Established => return Ok(()),
        };
        let late = if bug(Bug::ClientDeadlineInclusive) {
            at > deadline
        } else if bug(Bug::ClientDeadlineOneEarly) {
            at + 1 >= deadline
        } else {
            at >= deadline
        };
        let noticed = received || !bug(Bug::ClientDeadlineOnlyOnMessages);
        if late && noticed { Err(check("timeout")) } else { Ok(()) }
    }

    /// Whether M1 is accepted and the request is to be made.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self.state, State::MakeM2 { .. })
    }

    fn receive(&mut self, message: Vec<u8>) -> Result<()> {
        match std::mem::replace(&mut self.state, State::Established) {
            State::AwaitM1 => {
                let server = self.accept_m1(&message)?;
                self.state = State::MakeM2 { m1: message, server };
                Ok(())
            }
            state @ State::MakeM2 { .. } => {
                self.state = state;
                // HS-070
                if self.model.bug(Bug::ClientQueuesMessages) { Ok(()) } else { Err(check("order")) }
            }
            State::AwaitM3 { m1, m2, request, .. } => self.accept_m3(&m1, &m2, &request, &message),
            State::Established => Err(fault("hs.client ends with M3")),
        }
    }

    fn accept_m1(&self, m1: &[u8]) -> Result<PublicKey> {
        let parsed = self.model.spki(m1);
        if self.model.bug(Bug::PinCheckedAfterParsing) {
            parsed.clone()?;
        }
        if let Some(pin) = &self.pin
            && !self.model.bug(Bug::PinIgnored)
        {
            let hash = sha256(&[m1]);
            let compared = if self.model.bug(Bug::PinStartCompared) { 8 } else { 32 };
            if pin.get(..compared) != Some(&hash[..compared]) {
                return Err(check("pin"));
            }
        }
        parsed
    }

    /// HS-023 to HS-027.
    fn request(&mut self, at: u64, now: u64) -> Result<()> {
        let State::MakeM2 { m1, server } = std::mem::replace(&mut self.state, State::Established)
        else {
            return Err(fault("the request comes after M1"));
        };
        let spki = write_spki(&self.pair.public);
        let t = if self.model.bug(Bug::RequestTimeInMilliseconds) {
            now.wrapping_mul(1000)
        } else {
            now
        };
        let request = Request {
            id: self.key.id.clone(),
            password: self.key.password.clone(),
            t,
            nonce: self.model.nonce(&m1, &spki, &self.r),
        };
        let c1 = self.model.encrypt(&server, &self.model.write_request(&request));
        let m2 =
            if self.model.bug(Bug::M2CiphertextFirst) { [c1, spki] } else { [spki, c1] }.concat();
        self.sent.push(m2.clone());
        self.state = State::AwaitM3 { m1, m2, request, sent_at: at };
        Ok(())
    }

    /// HS-052 to HS-059.
    fn accept_m3(&mut self, m1: &[u8], m2: &[u8], request: &Request, m3: &[u8]) -> Result<()> {
        let model = self.model;
        let expected = self.pair.public.octets();
        let tolerated = match m3.len() {
            found if found < expected => model.bug(Bug::StrippedCiphertextAccepted),
            found if found > expected => model.bug(Bug::PaddedCiphertextAccepted),
            _ => true,
        };
        if !tolerated && !model.bug(Bug::ReplyLengthUnchecked) {
            return Err(check("malformed"));
        }
        let reply = model.reply(&model.decrypt(&self.pair, m3)?)?;
        let refuse = |when: bool, code| if when { Err(check(code)) } else { Ok(()) };
        let time = refuse(model.reply_is_stale(reply.t, request.t), "stale");
        let nonce = refuse(!model.is_sent_nonce(&reply.nonce, &request.nonce), "nonce");
        let password =
            refuse(!model.is_server_password(&self.key, &reply.password), "wrong_password");
        if model.bug(Bug::ClientChecksNonceBeforeTime) {
            nonce.clone()?;
        }
        if model.bug(Bug::ClientChecksPasswordFirst) {
            password.clone()?;
        }
        time?;
        if model.bug(Bug::ClientChecksPasswordBeforeNonce) {
            password.clone()?;
        }
        nonce?;
        password?;
        let schedule =
            model.schedule([m1, m2, m3], self.binding.as_ref().map(<[u8; 32]>::as_slice), &reply.k);
        let mut session = Session::from_schedule(model, Role::Client, &schedule);
        if !model.bug(Bug::OpenRecordNotSent) {
            let open = session.open_record().map_err(|_| fault("record 0 does not seal"))?;
            self.sent.push(open);
        }
        self.established = true;
        self.session = Some(session);
        Ok(())
    }

    fn done(&self) -> Map<String, Value> {
        out([
            ("sent", self.sent.iter().map(|message| to_octets(message)).collect()),
            ("established", self.established.into()),
        ])
    }
}
