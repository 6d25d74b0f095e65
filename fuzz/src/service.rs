//! The token service, with a clock that moves.

use arbitrary::{Arbitrary, Unstructured};
use secure_tunnel::error::{Diagnostic, TokenError};
use secure_tunnel::token::{self, Issuer, SigningKey, TOKEN};
use tunnelproof_vectors::build::primitives::ed25519::KeyPair;

use crate::Verdict;
use crate::hostile::Change;

#[derive(Debug, Arbitrary)]
struct Input {
    challenge_ttl: u32,
    token_ttl: u32,
    starts_at: u32,
    operations: Vec<Operation>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Operation {
    Forward {
        milliseconds: u16,
    },
    Back {
        milliseconds: u16,
    },
    Challenge {
        server: bool,
        client: bool,
    },
    Sign {
        client: bool,
        server_id: Option<bool>,
        challenge: u8,
        change: Change,
    },
    Issue {
        server: bool,
        claims: bool,
        signed: u8,
        change: Change,
    },
    Verify {
        server: bool,
        token: u8,
        change: Change,
    },
    /// A challenge as a token.
    Confuse {
        server: bool,
        challenge: u8,
    },
}

/// A challenge or a token, with what was true when it was made.
#[derive(Debug, Clone)]
struct Made {
    octets: Vec<u8>,
    server: bool,
    client: bool,
    /// Whole seconds.
    time: u64,
}

/// A signed challenge: what was signed, by whom and for which server.
struct Signed {
    octets: Vec<u8>,
    by: bool,
    for_server: Option<bool>,
    challenge: Made,
}

const IDS: [&str; 2] = ["server.example", "server.example.org"];

/// At most 32 operations of two clients and two servers, one serverId being a prefix of the other.
///
/// A token is given exactly for an unaltered challenge of this server, signed by the client it is for, with
/// this serverId or none, within its lifetime; it is accepted exactly by its server, unaltered and within its
/// lifetime; whatever else is refused, with the code that its only fault has.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else {
        return "no input".to_owned();
    };
    let mut world = World {
        now: u64::from(input.starts_at) + 1_000,
        challenge_ttl: u64::from(input.challenge_ttl % 10_000) + 1,
        token_ttl: u64::from(input.token_ttl % 100_000) + 1,
        challenges: Vec::new(),
        signed: Vec::new(),
        tokens: Vec::new(),
        verdict: String::new(),
    };
    for operation in input.operations.iter().take(32) {
        world.step(operation);
    }
    world.verdict
}

struct World {
    now: u64,
    challenge_ttl: u64,
    token_ttl: u64,
    challenges: Vec<Made>,
    signed: Vec<Signed>,
    tokens: Vec<Made>,
    verdict: Verdict,
}

impl World {
    fn step(&mut self, operation: &Operation) {
        match *operation {
            Operation::Forward { milliseconds } => self.now += u64::from(milliseconds),
            Operation::Back { milliseconds } => {
                self.now = self.now.saturating_sub(milliseconds.into()).max(1_000);
            }
            Operation::Challenge { server, client } => self.challenge(server, client),
            Operation::Sign { client, server_id, challenge, change } => {
                self.sign(client, server_id, challenge, change);
            }
            Operation::Issue { server, claims, signed, change } => {
                self.issue(server, claims, signed, change);
            }
            Operation::Verify { server, token, change } => self.verify(server, token, change),
            Operation::Confuse { server, challenge } => {
                if let Some(made) = pick(&self.challenges, challenge) {
                    let refused = self.issuer(server).verify(&made.octets, self.now);
                    let code = refused.map(|_| ()).map_err(|error| error.code());
                    let expected = match made {
                        made if made.server != server => "server_signature",
                        made if expired(made.time, self.token_ttl, self.now) => "expired",
                        _ => "wrong_type",
                    };
                    assert_eq!(code, Err(expected));
                }
            }
        }
    }

    fn challenge(&mut self, server: bool, client: bool) {
        let issuer = self.issuer(server);
        let public = pair(client, false).public;
        let octets = issuer
            .challenge(&public, self.now)
            .unwrap_or_else(|error| panic!("in range at {}: {error}", self.now));
        let time = self.now / 1000;
        assert_eq!(octets, signed_body(server, 1, &public, time));
        self.challenges.push(Made { octets, server, client, time });
    }

    fn sign(&mut self, client: bool, server_id: Option<bool>, which: u8, change: Change) {
        let Some(made) = pick(&self.challenges, which).cloned() else { return };
        let (challenge, changed) = change.apply(&made.octets);
        let keys = pair(client, false);
        let id = server_id.map(|server| IDS[usize::from(server)]);
        let signed = token::sign_challenge(&SigningKey::from_seed(&keys.seed), id, &challenge);
        let fits =
            challenge.len() == TOKEN && challenge[64] == 1 && challenge[65..97] == keys.public;
        assert_eq!(signed.is_ok(), fits);
        let Ok(octets) = signed else { return };
        let message = [id.unwrap_or_default().as_bytes(), &challenge].concat();
        assert_eq!(octets, keys.signed(&message));
        if changed {
            // It can be signed, but no server takes it.
            let refused = self.issuer(made.server).issue(&keys.public, &octets, self.now);
            assert_eq!(refused.map_err(|error| error.code()), Err("server_signature"));
        } else {
            self.signed.push(Signed { octets, by: client, for_server: server_id, challenge: made });
        }
    }

    fn issue(&mut self, server: bool, claims: bool, which: u8, change: Change) {
        let Some(signed) = pick(&self.signed, which) else { return };
        let public = pair(claims, false).public;
        let (octets, changed) = change.apply(&signed.octets);
        let made = &signed.challenge;
        // A serverId is removed if the message starts with it, so the longer one leaves ".org" before the rest.
        let fits_server = signed.for_server.is_none_or(|of| of == server) && made.server == server;
        let expected = if changed || signed.by != claims {
            Err("client_signature")
        } else if !fits_server {
            Err("server_signature")
        } else if made.client != claims {
            Err("public_key_mismatch")
        } else if made.time * 1000 > self.now {
            Err("future")
        } else if expired(made.time, self.challenge_ttl, self.now) {
            Err("expired")
        } else {
            Ok(signed_body(server, 2, &public, self.now / 1000))
        };
        let issued = self.issuer(server).issue(&public, &octets, self.now);
        self.note(issued.as_ref().map(|_| ()));
        assert_eq!(issued.as_ref().map_err(Diagnostic::code), expected.as_ref().map_err(|e| *e));
        if let Ok(octets) = issued {
            self.tokens.push(Made { octets, server, client: claims, time: self.now / 1000 });
        }
    }

    fn verify(&mut self, server: bool, which: u8, change: Change) {
        let Some(made) = pick(&self.tokens, which) else { return };
        let (octets, changed) = change.apply(&made.octets);
        let expected = if changed || made.server != server {
            Err("server_signature")
        } else if expired(made.time, self.token_ttl, self.now) {
            Err("expired")
        } else if made.time * 1000 > self.now {
            Err("future")
        } else {
            Ok(pair(made.client, false).public)
        };
        let verified = self.issuer(server).verify(&octets, self.now);
        let by_key = token::verify(&pair(server, true).public, &octets, self.token_ttl, self.now);
        assert_eq!(verified, by_key);
        let found = verified.as_ref().map(|key| *key.as_octets()).map_err(Diagnostic::code);
        assert_eq!(found, expected);
        if let Err(error) = &verified {
            assert_eq!(error.status(), Some(401));
        }
        self.note(verified.as_ref().map(|_| ()));
    }

    fn issuer(&self, server: bool) -> Issuer {
        let key = SigningKey::from_seed(&pair(server, true).seed);
        let id = IDS[usize::from(server)];
        Issuer::new(key, Some(id), self.challenge_ttl, self.token_ttl)
            .unwrap_or_else(|error| panic!("lifetimes in range: {error}"))
    }

    fn note(&mut self, result: Result<(), &TokenError>) {
        self.verdict += result.map_or_else(|error| error.code(), |()| "ok");
        self.verdict.push(' ');
    }
}

/// The key pair of one of two clients or servers.
fn pair(which: bool, server: bool) -> KeyPair {
    KeyPair::new([1 + u8::from(which) + 2 * u8::from(server); 32])
}

fn signed_body(server: bool, kind: u8, public: &[u8; 32], time: u64) -> Vec<u8> {
    let time = u32::try_from(time).unwrap_or_else(|_| panic!("below 2^32: {time}"));
    pair(server, true).signed(&[&[kind][..], public, &time.to_be_bytes()].concat())
}

fn expired(time: u64, ttl: u64, now: u64) -> bool {
    time * 1000 + ttl < now
}

fn pick<T>(made: &[T], which: u8) -> Option<&T> {
    made.get(usize::from(which).checked_rem(made.len())?)
}
