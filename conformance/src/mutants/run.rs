//! Runs every mutant against every vector, in this process.

use std::collections::HashSet;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tunnelproof_vectors::{Answer, Suite, Vector};

use super::{Kind, Mutant, all};
use crate::model::{BugSet, Cache, Model};
use crate::shim_server::{Implementation, Outcome};

/// What became of the mutants.
#[derive(Debug)]
pub struct Report<'a> {
    /// How much of the suite every mutant met.
    pub extent: Extent,
    /// Where the model without a bug differs from a vector: none, or nothing else here means anything.
    pub faults: Vec<(&'a Vector, String)>,
    /// One for each mutant, in the order of [`all`].
    pub rows: Vec<Row<'a>>,
    /// The vectors that no mutant fails, if every mutant met everything.
    pub idle: Vec<&'a Vector>,
}

/// One mutant and the vectors that it fails.
#[derive(Debug)]
pub struct Row<'a> {
    /// The mutant.
    pub mutant: &'static Mutant,
    /// In the order in which they ran.
    pub catches: Vec<Catch<'a>>,
}

/// One vector that a mutant fails.
#[derive(Debug)]
pub struct Catch<'a> {
    /// The vector.
    pub vector: &'a Vector,
    /// The verdict.
    pub kind: Kind,
}

impl Row<'_> {
    /// Whether a vector fails the mutant with a verdict that fits its bug.
    #[must_use]
    pub fn is_caught(&self) -> bool {
        self.catches.iter().any(|catch| self.mutant.kinds.contains(&catch.kind))
    }

    /// Whether such a vector is meant for one of the rules that the mutant breaks.
    #[must_use]
    pub fn is_caught_as_meant(&self) -> bool {
        self.catches.iter().filter(|catch| self.mutant.kinds.contains(&catch.kind)).any(|catch| {
            let mut rules = self.mutant.breaks.split(' ');
            rules.any(|rule| catch.vector.requirements.iter().any(|id| id == rule))
        })
    }
}

impl Report<'_> {
    /// Whether the model passes every vector and every mutant is caught.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.faults.is_empty() && self.rows.iter().all(Row::is_caught)
    }
}

/// How much of the suite a mutant meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every vector: for the table of who catches what.
    Everything,
    /// Cheap vectors first, up to one that fits and is meant for it: for a verdict.
    UntilCaught,
}

/// What the model without a bug does with a vector.
struct Plain {
    outcome: Outcome,
    reached: BugSet,
    verdict: Result<(), (Kind, String)>,
}

/// Runs the model and every mutant against the vectors of `suite`, on all processors.
///
/// A mutant is run on a vector only if the model asked about its bug there: the model is deterministic,
/// so otherwise the mutant answers what the model answers.
#[must_use]
pub fn run_all(suite: &Suite, extent: Extent) -> Report<'_> {
    let mut vectors: Vec<&Vector> = suite.vectors.iter().collect();
    if extent == Extent::UntilCaught {
        vectors.sort_by_key(|vector| cost(vector)); // stable
    }
    let cache = Arc::new(Cache::default());
    let plain = in_parallel(&vectors, |vector| {
        let mut model = Model::new(None, Arc::clone(&cache));
        let outcome = Outcome::catching(|| model.run(&vector.op, &vector.input));
        let verdict = judge(vector, &outcome);
        Plain { outcome, reached: model.take_reached(), verdict }
    });
    let mutants: Vec<_> = all().collect();
    let rows = in_parallel(&mutants, |mutant| {
        let mut row = Row { mutant, catches: Vec::new() };
        let mut model = Model::new(Some(mutant.bug), Arc::clone(&cache));
        for (vector, plain) in vectors.iter().zip(&plain) {
            if extent == Extent::UntilCaught && row.is_caught_as_meant() {
                break;
            }
            if !plain.reached.contains(mutant.bug) {
                continue;
            }
            let outcome = Outcome::catching(|| model.run(&vector.op, &vector.input));
            if outcome != plain.outcome
                && let Err((kind, _)) = judge(vector, &outcome)
            {
                row.catches.push(Catch { vector, kind });
            }
        }
        row
    });
    let faults = vectors.iter().zip(plain).filter_map(|(vector, plain)| {
        let (_, text) = plain.verdict.err()?;
        Some((*vector, text))
    });
    let caught: HashSet<&str> =
        rows.iter().flat_map(|row| &row.catches).map(|catch| catch.vector.id.as_str()).collect();
    let idle = vectors.iter().filter(|vector| !caught.contains(vector.id.as_str())).copied();
    Report {
        extent,
        faults: faults.collect(),
        idle: if extent == Extent::Everything { idle.collect() } else { Vec::new() },
        rows,
    }
}

/// Classes of cost: RSA takes milliseconds, messages of 2^24 octets tens of them.
fn cost(vector: &Vector) -> u8 {
    match vector.op.as_str() {
        _ if vector.requires.iter().any(|feature| feature == "large") => 2,
        "hs.client" | "hs.server" => 1,
        _ => 0,
    }
}

/// The verdict on an outcome, and what is wrong in words.
pub(crate) fn judge(vector: &Vector, outcome: &Outcome) -> Result<(), (Kind, String)> {
    let answer = match outcome {
        Outcome::Ok(out) => Answer::Ok(out),
        Outcome::Reject(rejection) => Answer::Reject {
            class: Some(rejection.class),
            code: Some(rejection.code),
            status: rejection.status,
            out: rejection.out.as_ref(),
        },
        Outcome::Fault { native: text } | Outcome::Unsupported { reason: text } => {
            return Err((Kind::Crash, text.clone()));
        }
    };
    vector.judge(&answer).map_err(|mismatch| (Kind::Answer(mismatch.kind), mismatch.to_string()))
}

/// The results of `work` on each of `items`, in their order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    let result = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
