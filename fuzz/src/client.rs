//! The client's handshake, driven by a list of events.

use arbitrary::{Arbitrary, Unstructured};
use secure_tunnel::RsaPublic;
use secure_tunnel::channel::Channel;
use secure_tunnel::credentials::ClientKey;
use secure_tunnel::error::Diagnostic;
use secure_tunnel::handshake::client::{AwaitReply, AwaitServerKey, Client, Fresh, MakeRequest};
use secure_tunnel::time::{Tick, UnixTime};
use serde_json::{Value, json};
use tunnelproof_vectors::build::primitives::{sha256, stream};

use crate::agree::{Answer, model};
use crate::hostile::Change;
use crate::protocol::{self, Credentials, NOW};
use crate::{Verdict, rsa_keys};

#[derive(Debug, Arbitrary)]
struct Input {
    pin: Pin,
    now: Clock,
    events: Vec<(u16, Event)>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Pin {
    None,
    Right,
    Wrong,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) enum Clock {
    Usual,
    First,
    Last,
    Any(u64),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Event {
    M1 { attackers: bool, change: Change },
    Request,
    M3 { reply: Reply, change: Change },
    Wake,
    End,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
struct Reply {
    password: Password,
    /// Of t' to t.
    ahead: i8,
    /// XORed into an octet of the nonce.
    nonce: Option<(u8, u8)>,
    /// An octet more at the end of P3, or one less.
    length: Length,
    to_attacker: bool,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) enum Password {
    Right,
    Wrong,
    NoDigits,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Length {
    Right,
    More,
    Less,
}

enum State {
    M1(AwaitServerKey),
    Make(MakeRequest, Vec<u8>),
    M3(Box<AwaitReply>, Vec<u8>, Vec<u8>),
    /// With the transcript and the open record.
    Established(Box<Channel>, [Vec<u8>; 3], Vec<u8>),
}

impl Clock {
    pub(crate) fn seconds(self) -> u64 {
        match self {
            Self::Usual => NOW,
            Self::First => 0,
            Self::Last => u64::MAX,
            Self::Any(seconds) => seconds,
        }
    }
}

/// At most eight events, with at most one M3.
///
/// Each step ends as the tables of sections 3.4 to 3.7 say and as the model does. M2 is what the generator's
/// decryption and encoder say it must be; nothing is sent but M2 and, at the end, the open record, which is
/// the generator's; the exporter of the channel is the generator's too.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else {
        return "no input".to_owned();
    };
    let run = Run::new(&input);
    run.events(&input)
}

struct Run {
    credentials: Credentials,
    spki: Vec<u8>,
    t: u64,
    pin: Option<[u8; 32]>,
    /// The events so far, for the model.
    told: Vec<Value>,
}

const R: [u8; 14] = [0x72; 14];
const K: [u8; 48] = [0x4b; 48];

impl Run {
    fn new(input: &Input) -> Self {
        let right = sha256(&[&rsa_keys::server().public.spki()]);
        Self {
            credentials: Credentials::new(b"fuzz", "fuzz"),
            spki: rsa_keys::client().public.spki(),
            t: input.now.seconds(),
            pin: match input.pin {
                Pin::None => None,
                Pin::Right => Some(right),
                Pin::Wrong => Some([7; 32]),
            },
            told: Vec::new(),
        }
    }

    fn events(mut self, input: &Input) -> Verdict {
        let key = ClientKey::parse(&self.credentials.client_key)
            .unwrap_or_else(|error| panic!("a clientKey: {error}"));
        let mut state = State::M1(Client::connect(key, self.pin, Tick(0)));
        let mut at = 0;
        for (wait, event) in input.events.iter().take(8) {
            at += u64::from(*wait) % 10_002;
            if matches!(state, State::Established(..)) {
                break;
            }
            match self.step(state, at, event) {
                Ok(next) => state = next,
                Err(code) => {
                    self.compare_with_model(code, false);
                    return code.to_owned();
                }
            }
        }
        match state {
            State::Established(channel, transcript, open) => {
                self.compare_with_model("ok", true);
                established(*channel, &transcript, &open)
            }
            State::M1(_) => "awaits M1".to_owned(),
            State::Make(..) => "makes M2".to_owned(),
            State::M3(..) => "awaits M3".to_owned(),
        }
    }

    fn step(&mut self, state: State, at: u64, event: &Event) -> Result<State, &'static str> {
        let message = match event {
            Event::Request => return Ok(self.request(state, at)),
            Event::Wake | Event::End => return self.pass(state, at, matches!(event, Event::End)),
            Event::M1 { attackers, change } => {
                let key = if *attackers { rsa_keys::attacker() } else { rsa_keys::server() };
                change.apply(&key.public.spki()).0
            }
            Event::M3 { reply, change } => change.apply(&self.m3(&state, reply)).0,
        };
        self.told.push(json!({ "at": at, "receive": hex::encode(&message) }));
        match state {
            State::M1(state) => {
                let expected = self.expect_m1(&message, at >= state.deadline().0);
                let taken = state.receive(&message, Tick(at));
                assert_eq!(taken.as_ref().err().map(Diagnostic::code), expected);
                taken.map(|state| State::Make(state, message)).map_err(|error| error.code())
            }
            State::Make(state, _) => {
                assert_eq!(state.interrupted().code(), "order");
                Err("order")
            }
            State::M3(state, m1, m2) => {
                let late = at >= state.deadline().0;
                let expected = if late { Some("timeout") } else { self.expect_m3(&m1, &message) };
                let taken = state.receive(&message, Tick(at));
                assert_eq!(taken.as_ref().err().map(Diagnostic::code), expected);
                let (channel, open) = taken.map_err(|error| error.code())?;
                Ok(State::Established(Box::new(channel), [m1, m2, message], open))
            }
            State::Established(..) => Ok(state),
        }
    }

    /// Time passes, or the transport ends.
    fn pass(&mut self, state: State, at: u64, end: bool) -> Result<State, &'static str> {
        let deadline = match &state {
            State::M1(state) => Some(state.deadline()),
            State::M3(state, ..) => Some(state.deadline()),
            State::Make(..) | State::Established(..) => None,
        };
        let name = if end { "end" } else { "wake" };
        self.told.push(json!({ "at": at, name: true }));
        if deadline.is_some_and(|deadline| at >= deadline.0) {
            return Err("timeout");
        }
        match state {
            State::M1(state) if end => Err(state.ended().code()),
            State::Make(state, _) if end => Err(state.ended().code()),
            State::M3(state, ..) if end => Err(state.ended().code()),
            state => Ok(state),
        }
    }

    fn request(&mut self, state: State, at: u64) -> State {
        let State::Make(state, m1) = state else { return state };
        self.told.push(json!({ "at": at, "request": { "now": self.t.to_string() } }));
        let keypair = rsa_keys::parse(rsa_keys::client());
        let fresh = Fresh { keypair, r: R.into(), seed: [0x5e; 20].into() };
        let (state, m2) = state
            .request(fresh, UnixTime(self.t), Tick(at))
            .unwrap_or_else(|error| panic!("no peer can provoke {error}"));
        let (spki, c1) = m2.split_at(self.spki.len());
        assert_eq!(spki, self.spki);
        assert!((1145..=2086).contains(&m2.len()));
        if m1 == rsa_keys::server().public.spki() {
            assert_eq!(c1, rsa_keys::encrypt(&rsa_keys::server().public, 0x5e, &self.p1(&m1)));
        }
        State::M3(Box::new(state), m1, m2)
    }

    fn p1(&self, m1: &[u8]) -> Vec<u8> {
        let Credentials { id, client_password, .. } = &self.credentials;
        protocol::p1(id, client_password, self.t, &protocol::nonce(m1, &self.spki, &R))
    }

    fn m3(&self, state: &State, reply: &Reply) -> Vec<u8> {
        let server = rsa_keys::server().public.spki();
        let m1 = if let State::M3(_, m1, _) = state { m1 } else { &server };
        let mut nonce = protocol::nonce(m1, &self.spki, &R);
        if let Some((at, with)) = reply.nonce {
            nonce[usize::from(at) % 30] ^= with;
        }
        let password = match reply.password {
            Password::Right => self.credentials.server_password.clone(),
            Password::Wrong => b"00000000".to_vec(),
            Password::NoDigits => b"0000000_".to_vec(),
        };
        let t = self.t.wrapping_add_signed(reply.ahead.into());
        let mut p3 = protocol::p3(&password, &K, t, &nonce);
        match reply.length {
            Length::Right => {}
            Length::More => p3.push(0),
            Length::Less => drop(p3.pop()),
        }
        let key = if reply.to_attacker { rsa_keys::attacker() } else { rsa_keys::client() };
        rsa_keys::encrypt(&key.public, 0x3a, &p3)
    }

    fn expect_m1(&self, m1: &[u8], late: bool) -> Option<&'static str> {
        if late {
            return Some("timeout");
        }
        if self.pin.is_some_and(|pin| pin != sha256(&[m1])) {
            return Some("pin");
        }
        RsaPublic::from_spki(m1).is_err().then_some("bad_key") // target `spki` tests this
    }

    fn expect_m3(&self, m1: &[u8], m3: &[u8]) -> Option<&'static str> {
        let key = rsa_keys::client();
        if m3.len() != key.public.size() {
            return Some("malformed");
        }
        let Some(p3) = rsa_keys::open(key, m3) else { return Some("decrypt") };
        if p3.len() != 94 || !p3[..8].iter().all(u8::is_ascii_alphanumeric) {
            return Some("malformed");
        }
        let mut t = [0; 8];
        t.copy_from_slice(&p3[56..64]);
        if u64::from_be_bytes(t).abs_diff(self.t) > 10 {
            return Some("stale");
        }
        if p3[64..] != protocol::nonce(m1, &self.spki, &R) {
            return Some("nonce");
        }
        (p3[..8] != *self.credentials.server_password).then_some("wrong_password")
    }

    /// The model runs the same events and ends in the same way.
    fn compare_with_model(&self, code: &str, established: bool) {
        let mut input = json!({
            "client_key": hex::encode(&self.credentials.client_key),
            "private_key": hex::encode(&rsa_keys::client().pkcs8),
            "r": hex::encode(R),
            "events": self.told,
        });
        if let Some(pin) = self.pin {
            input["pin"] = hex::encode(pin).into();
        }
        let Value::Object(input) = input else { unreachable!("an object") };
        let answer = model("hs.client", &input);
        assert_eq!(answer.code(), code, "model (left) and reference (right)");
        let (Answer::Ok(out) | Answer::Reject { out: Some(out), .. }) = answer else {
            panic!("the model tells what was sent")
        };
        assert_eq!(out["established"], established);
    }
}

fn established(mut channel: Channel, transcript: &[Vec<u8>; 3], open: &[u8]) -> Verdict {
    let [m1, m2, m3] = transcript;
    let schedule = protocol::schedule(m1, m2, m3, &K);
    assert_eq!(open, protocol::seal(&schedule.c2s, 0, 2, &[]));
    let mut exported = [0; 48];
    assert_eq!(channel.export(b"label", b"context", &mut exported), Ok(()));
    assert_eq!(exported[..], protocol::export(&schedule.prk, b"label", b"context", 48));
    let (mut sealed, payload) = (Vec::new(), stream("payload", 20));
    assert_eq!(channel.seal(&payload, &mut sealed), Ok(()));
    assert_eq!(sealed, protocol::seal(&schedule.c2s, 1, 0, &payload));
    hex::encode(exported)
}
