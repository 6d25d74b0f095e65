//! Cases: valid inputs of every operation, and inputs with a few flaws each.
//!
//! They are made with the primitives of the vectors' generator, which can make what the specification
//! forbids, and with nothing of the reference. No vector is read.

use serde_json::{Map, Value};
use tunnelproof_vectors::build::primitives::ed25519;

use super::rng::{Flaws, Rng};

mod client;
mod cred;
mod forms;
mod frame;
mod oaep;
mod records;
mod server;
mod session;
mod signature;
mod spki;
mod text;
mod tokens;
mod values;

/// Makes the input of one operation: the valid parts from the first, what is wrong from the second.
type Generator = fn(&mut Rng, &mut Flaws) -> Value;

/// The operations, how often each comes, and how its inputs are made. RSA's private operation takes ten
/// milliseconds and everything else far less, so what needs it comes seldom and still takes most of the time.
const OPS: &[(&str, usize, Generator)] = &[
    ("cred.make", 7, cred::make),
    ("cred.client_key", 9, cred::client_key),
    ("cred.server_key", 4, cred::server_key),
    ("hs.spki", 16, spki::spki),
    ("hs.nonce", 2, forms::nonce),
    ("hs.request", 7, forms::request),
    ("hs.reply", 4, forms::reply),
    ("hs.oaep", 3, oaep::oaep),
    ("hs.client", 6, client::client),
    ("hs.server", 6, server::server),
    ("chan.schedule", 2, records::schedule),
    ("chan.generation", 1, records::generation),
    ("chan.seal", 4, records::seal),
    ("chan.open", 8, records::open),
    ("chan.export", 5, records::export),
    ("chan.session", 20, session::session),
    ("frame.stream", 12, frame::stream),
    ("frame.websocket", 5, frame::websocket),
    ("frame.encode", 4, frame::encode),
    ("tok.challenge", 7, tokens::challenge),
    ("tok.sign", 6, tokens::sign),
    ("tok.issue", 20, tokens::issue),
    ("tok.verify", 14, tokens::verify),
];

/// How a case is made; with fewer flaws it makes a simpler one.
#[derive(Debug, Clone)]
pub struct Recipe {
    op: usize,
    valid: Rng,
    flaw_seed: u64,
    flaws: Vec<usize>,
}

/// What an implementation is asked.
#[derive(Debug, Clone)]
pub struct Case {
    pub op: &'static str,
    pub input: Map<String, Value>,
    /// What is wrong with it; nothing if it is meant to be valid.
    pub flaws: Vec<&'static str>,
}

/// Every operation that is generated.
pub const OP_NAMES: [&str; OPS.len()] = {
    let mut names = [""; OPS.len()];
    let mut i = 0;
    while i < OPS.len() {
        names[i] = OPS[i].0;
        i += 1;
    }
    names
};

/// The operation of case `number`, as an index, and the rest of its random choices.
fn choose(seed: u64, number: u64) -> (usize, Rng) {
    let mut rng = Rng::of(seed, number);
    let mut at = rng.below(OPS.iter().map(|(_, weight, _)| weight).sum());
    let mut op = 0;
    while at >= OPS[op].1 {
        at -= OPS[op].1;
        op += 1;
    }
    (op, rng)
}

impl Recipe {
    /// Whether the operation of case `number` is among those that are `wanted`.
    pub fn is_wanted(seed: u64, number: u64, wanted: &dyn Fn(&str) -> bool) -> bool {
        wanted(OPS[choose(seed, number).0].0)
    }

    /// That of case `number` of `seed`, or None if its operation is not among those that are `wanted`.
    pub fn of(seed: u64, number: u64, wanted: &dyn Fn(&str) -> bool) -> Option<Recipe> {
        let (op, mut rng) = choose(seed, number);
        if !wanted(OPS[op].0) {
            return None;
        }
        let count = rng.one(&[0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 4]);
        let mut recipe = Recipe { op, valid: rng.fork(), flaw_seed: rng.next(), flaws: Vec::new() };
        let places = recipe.make().1.places().max(1);
        recipe.flaws = (0..count).map(|_| rng.below(places)).collect();
        recipe.flaws.sort_unstable();
        recipe.flaws.dedup();
        Some(recipe)
    }

    /// The operation.
    pub fn op(&self) -> &'static str {
        OPS[self.op].0
    }

    /// The case itself.
    pub fn case(&self) -> Case {
        let (input, flaws) = self.make();
        Case { op: OPS[self.op].0, input, flaws: flaws.into_names() }
    }

    /// Without any flaw: what the case was made from.
    pub fn base(&self) -> Recipe {
        Recipe { flaws: Vec::new(), ..self.clone() }
    }

    /// Without one of the flaws, for each of them.
    pub fn simpler(&self) -> impl Iterator<Item = Recipe> {
        (0..self.flaws.len()).map(|i| {
            let mut simpler = self.clone();
            simpler.flaws.remove(i);
            simpler
        })
    }

    fn make(&self) -> (Map<String, Value>, Flaws) {
        let mut flaws = Flaws::at(self.flaw_seed, self.flaws.clone());
        match OPS[self.op].2(&mut self.valid.clone(), &mut flaws) {
            Value::Object(input) => (input, flaws),
            other => unreachable!("inputs are objects: {other}"),
        }
    }
}

/// A signing key.
fn key_pair(rng: &mut Rng) -> ed25519::KeyPair {
    ed25519::KeyPair::new(rng.array())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shim_server::ALL_OPS;

    /// But for those on certificates: generators that know X.509 are the vectors'.
    #[test]
    fn every_operation_is_generated() {
        let ops = ALL_OPS.into_iter().filter(|op| !op.starts_with("tls."));
        assert_eq!(OP_NAMES.to_vec(), ops.collect::<Vec<_>>());
    }

    #[test]
    fn a_case_depends_on_seed_and_number_alone() {
        let case = |seed, number| {
            let case = Recipe::of(seed, number, &|_| true).expect("every op is wanted").case();
            (case.op, case.input, case.flaws)
        };
        for number in 0..200 {
            assert_eq!(case(7, number), case(7, number));
        }
        let differing = (0..200).filter(|&number| case(7, number) != case(8, number)).count();
        assert!(differing > 190, "only {differing} of 200 cases differ");
        let chosen = Recipe::of(7, 3, &|_| true).map(|recipe| recipe.case().op);
        assert!(Recipe::of(7, 3, &|op| Some(op) != chosen).is_none());
    }
}
