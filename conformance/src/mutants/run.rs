//! Runs every mutant against every vector, in this process.

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
    /// Where the model without a bug differs from a vector: none, or nothing else here means anything.
    pub faults: Vec<(&'a Vector, String)>,
    /// One for each mutant, in the order of [`all`].
    pub rows: Vec<Row<'a>>,
    /// The vectors that no mutant fails.
    pub idle: Vec<&'a Vector>,
}

/// One mutant and the vectors that it fails.
#[derive(Debug)]
pub struct Row<'a> {
    /// The mutant.
    pub mutant: &'static Mutant,
    /// In the order of the suite.
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
}

impl Report<'_> {
    /// Whether the model passes every vector and every mutant is caught.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.faults.is_empty() && self.rows.iter().all(Row::is_caught)
    }
}

/// What the model without a bug does with a vector.
struct Plain {
    outcome: Outcome,
    reached: BugSet,
    verdict: Result<(), (Kind, String)>,
}

/// Runs the model and every mutant against every vector of `suite`, on all processors.
///
/// A mutant is run on a vector only if the model asked about its bug there: the model is deterministic,
/// so otherwise the mutant answers what the model answers.
#[must_use]
pub fn run_all(suite: &Suite) -> Report<'_> {
    let cache = Arc::new(Cache::default());
    let plain = in_parallel(suite.vectors.len(), |index| {
        let vector = &suite.vectors[index];
        let mut model = Model::new(None, Arc::clone(&cache));
        let outcome = Outcome::catching(|| model.run(&vector.op, &vector.input));
        let verdict = judge(vector, &outcome);
        Plain { outcome, reached: model.take_reached(), verdict }
    });
    let mutants: Vec<_> = all().collect();
    let rows = in_parallel(mutants.len(), |index| {
        let mutant = mutants[index];
        let mut model = Model::new(Some(mutant.bug), Arc::clone(&cache));
        let catches = suite.vectors.iter().zip(&plain).filter_map(|(vector, plain)| {
            if !plain.reached.contains(mutant.bug) {
                return None;
            }
            let outcome = Outcome::catching(|| model.run(&vector.op, &vector.input));
            if outcome == plain.outcome {
                return None;
            }
            let (kind, _) = judge(vector, &outcome).err()?;
            Some(Catch { vector, kind })
        });
        Row { mutant, catches: catches.collect() }
    });
    let is_idle = |vector: &&Vector| {
        let caught =
            |row: &Row<'_>| row.catches.iter().any(|catch| std::ptr::eq(catch.vector, *vector));
        !rows.iter().any(caught)
    };
    Report {
        faults: suite
            .vectors
            .iter()
            .zip(plain)
            .filter_map(|(vector, plain)| plain.verdict.err().map(|(_, text)| (vector, text)))
            .collect(),
        idle: suite.vectors.iter().filter(is_idle).collect(),
        rows,
    }
}

/// The verdict on an outcome, and what is wrong in words.
fn judge(vector: &Vector, outcome: &Outcome) -> Result<(), (Kind, String)> {
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

/// The results of `work` for 0, 1, ... `count` - 1, in this order.
fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let result = work(index);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
