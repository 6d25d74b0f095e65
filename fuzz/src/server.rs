//! The server's handshake, driven by a list of events.

use arbitrary::{Arbitrary, Unstructured};
use secure_tunnel::channel::Channel;
use secure_tunnel::credentials::Id;
use secure_tunnel::error::Diagnostic;
use secure_tunnel::handshake::server::{
    Answer as LookedUp, AwaitOpen, AwaitRequest, Failure, Fresh, Lookup, Policy, Server,
};
use secure_tunnel::time::{Tick, UnixTime};
use serde_json::{Value, json};

use crate::agree::{Answer, model};
use crate::client::{Clock, Password};
use crate::hostile::Change;
use crate::protocol::{self, Credentials};
use crate::{Verdict, m2, record, rsa_keys};

#[derive(Debug, Arbitrary)]
struct Input {
    delay: Option<u16>,
    now: Clock,
    events: Vec<(u16, Event)>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Event {
    M2 { request: Request, change: Change },
    Lookup { answer: Stored, ahead: i8 },
    Open { kind: u8, payload: bool, n: u8, c2s: bool, change: Change },
    Wake,
    End,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
struct Request {
    attackers_key: bool,
    id: IdOf,
    password: Password,
    /// XORed into an octet of the nonce.
    nonce: Option<(u8, u8)>,
    /// Bound to the attacker's key and the server's, whichever key is beside it.
    bound_elsewhere: bool,
    /// Added to the length octet of P1.
    length: u8,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum IdOf {
    Client,
    Nobody,
    WithControl,
    IllFormed,
    Empty,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Stored {
    Right,
    OfAnother,
    Malformed,
    Unknown,
    Failed,
}

enum State {
    M2(AwaitRequest),
    Lookup(Box<Lookup>, Vec<u8>),
    Open(Box<AwaitOpen>, [Vec<u8>; 2]),
    Established(Box<Channel>, Id),
}

/// At most eight events, with at most one M2.
///
/// Each step ends as the tables of sections 3.5 to 3.7 say, and up to M3 as the model does, which also says
/// when a failure may be released. M3 is octet for octet the generator's. The id is reported for the
/// generator's open record under the right keys and for nothing else.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else {
        return "no input".to_owned();
    };
    let delay = input.delay.map(|delay| u64::from(delay) % 9_999 + 1);
    let run = Run {
        credentials: Credentials::new(b"fuzz", "fuzz"),
        m1: rsa_keys::server().public.spki(),
        t: input.now.seconds(),
        delay,
        received_at: 0,
        told: Vec::new(),
    };
    run.events(&input)
}

struct Run {
    credentials: Credentials,
    m1: Vec<u8>,
    /// t of P1.
    t: u64,
    delay: Option<u64>,
    /// When M2 arrived.
    received_at: u64,
    /// The events up to M3, for the model.
    told: Vec<Value>,
}

const R: [u8; 14] = [0x72; 14];
const K: [u8; 48] = [0x4b; 48];

impl Run {
    fn events(mut self, input: &Input) -> Verdict {
        let policy = self.delay.map_or_else(Policy::default, |delay| {
            Policy::with_release_delay(delay).unwrap_or_else(|| panic!("a delay of {delay} ms"))
        });
        let (state, m1) = Server::greet(rsa_keys::server_private(), policy, Tick(0));
        assert_eq!(m1, self.m1);
        let mut state = State::M2(state);
        let mut at = 0;
        for (wait, event) in input.events.iter().take(8) {
            at += u64::from(*wait) % 15_001;
            if matches!(state, State::Established(..)) {
                break;
            }
            let before_m3 = !matches!(state, State::Open(..));
            match self.step(state, at, event) {
                Ok(next) => state = next,
                Err((code, release)) => {
                    assert!(release >= at, "released before it happened");
                    if before_m3 {
                        self.compare_with_model(code, Some(release));
                    }
                    return format!("{code} {release}");
                }
            }
        }
        match state {
            State::Established(mut channel, id) => {
                assert_eq!(id.as_str().as_bytes(), self.credentials.id);
                let mut out = [0; 16];
                assert_eq!(channel.export(b"", b"", &mut out), Ok(()));
                hex::encode(out)
            }
            State::M2(_) => "awaits M2".to_owned(),
            State::Lookup(..) => {
                self.compare_with_model("ok", None);
                "looks up".to_owned()
            }
            State::Open(..) => {
                self.compare_with_model("ok", None);
                "awaits open".to_owned()
            }
        }
    }

    fn step(&mut self, state: State, at: u64, event: &Event) -> Result<State, (&'static str, u64)> {
        let failed = |failure: Failure| (failure.error.code(), failure.release.0);
        let state = self.outlast(state, at, event)?;
        let message = match event {
            Event::M2 { request, change } => change.apply(&self.m2(request)).0,
            Event::Open { kind, payload, n, c2s, change } => {
                change.apply(&self.record(&state, *kind, *payload, *n, *c2s)).0
            }
            Event::Lookup { answer, ahead } => return self.look_up(state, at, *answer, *ahead),
            Event::Wake | Event::End => return self.pass(state, at, matches!(event, Event::End)),
        };
        match state {
            State::M2(state) => {
                self.tell(json!({ "at": at, "receive": hex::encode(&message) }));
                self.received_at = at;
                let expected = match m2::expected(&self.m1, &message) {
                    _ if at >= state.deadline().0 => Some("timeout"),
                    Ok(_) => None,
                    Err(code) => Some(code),
                };
                let taken = state.receive(&message, Tick(at));
                let code = taken.as_ref().err().map(|failure| failure.error.code());
                assert_eq!(code, expected);
                taken.map(|state| State::Lookup(Box::new(state), message)).map_err(failed)
            }
            State::Lookup(state, _) => {
                self.tell(json!({ "at": at, "receive": hex::encode(&message) }));
                let release = state.interrupted().release.0.max(at);
                let late = at >= 30_000;
                Err((if late { "timeout" } else { "order" }, release))
            }
            State::Open(state, [m2, m3]) => {
                let chain = protocol::schedule(&self.m1, &m2, &m3, &K).c2s;
                let expected = match record::expected(&chain, 0, true, &message) {
                    _ if at >= state.deadline().0 => Some("timeout"),
                    Ok(_) => None,
                    Err(code) => Some(code),
                };
                let taken = state.receive(&mut message.clone(), Tick(at));
                let code = taken.as_ref().err().map(|failure| failure.error.code());
                assert_eq!(code, expected);
                let (channel, id) = taken.map_err(failed)?;
                assert_eq!(message, protocol::seal(&chain, 0, 2, &[]), "the one open record");
                Ok(State::Established(Box::new(channel), id))
            }
            State::Established(..) => Ok(state),
        }
    }

    /// A look-up has failed when the release delay ends, whatever comes then: an adapter has a timer for it.
    // spec: OBS-007
    fn outlast(
        &mut self,
        state: State,
        at: u64,
        event: &Event,
    ) -> Result<State, (&'static str, u64)> {
        let told = match event {
            Event::Lookup { .. } => return Ok(state),
            // Whatever the message is: it is not read.
            Event::M2 { .. } | Event::Open { .. } => json!({ "at": at, "receive": "00" }),
            Event::Wake => json!({ "at": at, "wake": true }),
            Event::End => json!({ "at": at, "end": true }),
        };
        match state {
            State::Lookup(lookup, _)
                if (lookup.answer_deadline()..lookup.deadline()).contains(&Tick(at)) =>
            {
                self.tell(told);
                let fresh = Fresh { secret: K.into(), seed: [0x3a; 20].into() };
                let decided = lookup.decide(LookedUp::Failed, fresh, UnixTime(self.t), Tick(at));
                let failure = decided.expect_err("a look-up that failed");
                Err((failure.error.code(), failure.release.0))
            }
            state => Ok(state),
        }
    }

    fn pass(&mut self, state: State, at: u64, end: bool) -> Result<State, (&'static str, u64)> {
        let name = if end { "end" } else { "wake" };
        self.tell(json!({ "at": at, name: true }));
        let late = at >= 30_000;
        let (deadline, failure) = match state {
            State::M2(state) if end || late => (state.deadline(), state.ended(Tick(at))),
            State::Lookup(state, _) if end || late => (state.deadline(), state.ended()),
            State::Open(state, _) if end || late => (state.deadline(), state.ended()),
            state => return Ok(state),
        };
        assert_eq!((deadline, failure.error.code()), (Tick(30_000), "order"));
        Err((if late { "timeout" } else { "order" }, failure.release.0.max(at)))
    }

    fn look_up(
        &mut self,
        state: State,
        at: u64,
        answer: Stored,
        ahead: i8,
    ) -> Result<State, (&'static str, u64)> {
        let State::Lookup(state, m2) = state else { return Ok(state) };
        let now = self.t.wrapping_add_signed(ahead.into());
        let stored = match answer {
            Stored::Right | Stored::Unknown | Stored::Failed => self.credentials.server_key.clone(),
            Stored::OfAnother => Credentials::new(b"fuzz", "another").server_key,
            Stored::Malformed => b"not a serverKey".to_vec(),
        };
        let (looked_up, told) = match answer {
            Stored::Unknown => (LookedUp::Unknown, json!("unknown")),
            Stored::Failed => (LookedUp::Failed, json!("failed")),
            _ => (LookedUp::from_stored(&stored), json!({ "found": hex::encode(&stored) })),
        };
        self.tell(json!({ "at": at, "lookup": told, "now": now.to_string() }));
        let id = state.claimed_id().as_str().as_bytes().to_vec();
        let p1 = m2::expected(&self.m1, &m2).unwrap_or_else(|code| panic!("taken, but: {code}"));
        let expected = self.expect_decision(&p1, &id, at, answer, now);
        let fresh = Fresh { secret: K.into(), seed: [0x3a; 20].into() };
        let decided = state.decide(looked_up, fresh, UnixTime(now), Tick(at));
        let code = decided.as_ref().err().map(|failure| failure.error.code());
        assert_eq!(code, expected);
        let (state, m3) = decided.map_err(|failure| (failure.error.code(), failure.release.0))?;
        let client = rsa_keys::client();
        let nonce = &p1[p1.len() - 30..];
        let p3 = protocol::p3(&self.credentials.server_password, &K, now, nonce);
        if m2.starts_with(&client.public.spki()) {
            assert_eq!(m3, rsa_keys::encrypt(&client.public, 0x3a, &p3));
        }
        Ok(State::Open(Box::new(state), [m2, m3]))
    }

    fn expect_decision(
        &self,
        p1: &[u8],
        id: &[u8],
        at: u64,
        answer: Stored,
        now: u64,
    ) -> Option<&'static str> {
        let outlasted = self.delay.is_some_and(|delay| at >= self.received_at + delay);
        let password = &p1[1 + id.len()..][..18];
        let right = password == self.credentials.client_password && id == self.credentials.id;
        let mut t = [0; 8];
        t.copy_from_slice(&p1[p1.len() - 38..][..8]);
        match answer {
            _ if at >= 30_000 => Some("timeout"),
            _ if outlasted => Some("lookup_failed"),
            Stored::Failed | Stored::Malformed => Some("lookup_failed"),
            Stored::Unknown => Some("unknown_id"),
            Stored::OfAnother => Some("wrong_password"),
            Stored::Right if !right => Some("wrong_password"),
            Stored::Right if u64::from_be_bytes(t).abs_diff(now) >= 10 => Some("stale"),
            Stored::Right => None,
        }
    }

    fn m2(&self, request: &Request) -> Vec<u8> {
        let attacker = rsa_keys::attacker().public.spki();
        let client = rsa_keys::client().public.spki();
        let spki = if request.attackers_key { &attacker } else { &client };
        let bound = if request.bound_elsewhere { &attacker } else { spki };
        let mut nonce = protocol::nonce(&self.m1, bound, &R);
        if let Some((at, with)) = request.nonce {
            nonce[usize::from(at) % 30] ^= with;
        }
        let id: &[u8] = match request.id {
            IdOf::Client => &self.credentials.id,
            IdOf::Nobody => b"nobody",
            IdOf::WithControl => b"fu\nzz",
            IdOf::IllFormed => b"fuzz\xc3",
            IdOf::Empty => b"",
        };
        let password = match request.password {
            Password::Right => self.credentials.client_password.clone(),
            Password::Wrong => vec![b'0'; 18],
            Password::NoDigits => vec![b'-'; 18],
        };
        let length = request.length.wrapping_add(id.len().to_be_bytes()[7]);
        let p1 = protocol::p1_with(length, id, &password, self.t, &nonce);
        let c1 = rsa_keys::encrypt(&rsa_keys::server().public, 0x5e, &p1);
        [&spki[..], &c1].concat()
    }

    fn record(&self, state: &State, kind: u8, payload: bool, n: u8, c2s: bool) -> Vec<u8> {
        let schedule = match state {
            State::Open(_, [m2, m3]) => protocol::schedule(&self.m1, m2, m3, &K),
            _ => protocol::of_prk([9; 32]),
        };
        let chain = if c2s { schedule.c2s } else { schedule.s2c };
        protocol::seal(&chain, u64::from(n), kind, if payload { b"payload" } else { b"" })
    }

    fn tell(&mut self, event: Value) {
        self.told.push(event);
    }

    fn compare_with_model(&self, code: &str, release: Option<u64>) {
        let mut input = json!({
            "private_key": hex::encode(&rsa_keys::server().pkcs8),
            "k": hex::encode(K),
            "events": self.told,
        });
        if let Some(delay) = self.delay {
            input["release_delay_ms"] = delay.into();
        }
        let Value::Object(input) = input else { unreachable!("an object") };
        let answer = model("hs.server", &input);
        assert_eq!(answer.code(), code, "model (left) and reference (right)");
        let (Answer::Ok(out) | Answer::Reject { out: Some(out), .. }) = answer else {
            panic!("the model tells what was done")
        };
        assert_eq!(out["established"], false);
        if let (Some(release), Some(_)) = (release, self.delay) {
            assert_eq!(out["release_at"], release);
        }
    }
}
