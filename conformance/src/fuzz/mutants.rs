//! How many mutants the fuzzer finds without the vectors.
//!
//! All mutants share one sequence of cases, that of a seed, so that "found at case 700" is what
//! `tunnelproof fuzz --seed S -- tunnelproof shim --mutant NAME` comes to as well. The model, which has no bug,
//! runs each case too: it has to agree with the reference, and it tells which bugs a case can reach.

use std::fmt::Write;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tunnelproof_vectors::Vector;

use super::generate::Recipe;
use super::oracle::Oracle;
use crate::model::{Cache, Model};
use crate::mutants::{Kind, Mutant, judged, outside_tls};
use crate::shim_server::{Implementation, Outcome};

/// Cases that a thread takes at once; its cache of RSA results lives as long.
const CHUNK: u64 = 64;

/// What became of the mutants.
#[derive(Debug)]
pub struct Report {
    /// The seed of the cases.
    pub seed: u64,
    /// How many cases were made.
    pub cases: u64,
    /// How long it took, on all processors.
    pub time: Duration,
    /// Where model and reference differ: none, or nothing else here means anything.
    pub faults: Vec<(u64, String)>,
    /// One for each mutant, in the order of [`every`].
    pub rows: Vec<Row>,
}

/// One mutant and the first case that finds it.
#[derive(Debug)]
pub struct Row {
    /// The mutant.
    pub mutant: &'static Mutant,
    /// None if no case does.
    pub found: Option<Catch>,
}

/// The first case that finds a mutant.
#[derive(Debug, Clone)]
pub struct Catch {
    /// Its number.
    pub number: u64,
    /// The operation.
    pub op: &'static str,
    /// How the answer is wrong.
    pub kind: Kind,
    /// What one process would have taken until then, for making, reference, model and judge.
    pub time: Duration,
}

impl Report {
    /// How many mutants are found.
    #[must_use]
    pub fn found(&self) -> usize {
        self.rows.iter().filter(|row| row.found.is_some()).count()
    }
}

/// Runs the cases of `seed` whose operation is `wanted`, until every mutant of `mutants` is found, the
/// numbers below `cases` are used up or `time` is over.
#[must_use]
pub fn run(
    mutants: &[&'static Mutant],
    wanted: &(dyn Fn(&str) -> bool + Sync),
    seed: u64,
    cases: u64,
    time: Duration,
) -> Report {
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let missing = AtomicUsize::new(mutants.len());
    let found: Vec<Mutex<Option<Catch>>> = mutants.iter().map(|_| Mutex::new(None)).collect();
    let faults = Mutex::new(Vec::new());
    let spent = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut oracle = Oracle::default();
                while begun.elapsed() < time && missing.load(Ordering::Relaxed) > 0 {
                    let first = next.fetch_add(CHUNK, Ordering::Relaxed);
                    let cache = Arc::new(Cache::default());
                    for number in first..(first + CHUNK).min(cases) {
                        let made = Instant::now();
                        let Some(recipe) = Recipe::of(seed, number, wanted) else { continue };
                        let plain = match Plain::of(&recipe, number, &mut oracle, &cache) {
                            Ok(plain) => plain,
                            Err(fault) => {
                                lock(&faults).push((number, fault));
                                continue;
                            }
                        };
                        lock(&spent).push((number, made.elapsed()));
                        for (mutant, found) in mutants.iter().zip(&found) {
                            let known = lock(found).as_ref().is_some_and(|c| c.number < number);
                            if known || !plain.reached.contains(mutant.bug) {
                                continue;
                            }
                            let Some(kind) = plain.catches(mutant, &cache) else { continue };
                            let (op, time) = (plain.op, Duration::ZERO);
                            let mut found = lock(found);
                            if found.is_none() {
                                missing.fetch_sub(1, Ordering::Relaxed);
                            }
                            if found.as_ref().is_none_or(|before| before.number > number) {
                                *found = Some(Catch { number, op, kind, time });
                            }
                        }
                    }
                    if first + CHUNK >= cases {
                        return;
                    }
                }
            });
        }
    });
    let spent = spent.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rows = mutants.iter().zip(found).map(|(mutant, found)| {
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = &mut found {
            let until = spent.iter().filter(|(number, _)| *number <= found.number);
            found.time = until.map(|(_, time)| *time).sum();
        }
        Row { mutant, found }
    });
    let rows = rows.collect();
    let mut faults = faults.into_inner().unwrap_or_else(PoisonError::into_inner);
    faults.sort();
    Report { seed, cases: spent.len() as u64, time: begun.elapsed(), faults, rows }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A case, and what the model without a bug makes of it.
struct Plain {
    op: &'static str,
    vector: Vector,
    outcome: Outcome,
    reached: crate::model::BugSet,
}

impl Plain {
    fn of(
        recipe: &Recipe,
        number: u64,
        oracle: &mut Oracle,
        cache: &Arc<Cache>,
    ) -> Result<Self, String> {
        let case = recipe.case();
        let vector = oracle.vector(format!("case/{number}/{}", case.op), &case)?;
        let mut model = Model::new(None, Arc::clone(cache));
        let outcome = Outcome::catching(|| model.run(&vector.op, &vector.input));
        match judged(&vector, &outcome) {
            Ok(()) => Ok(Self { op: case.op, vector, outcome, reached: model.take_reached() }),
            Err((_, text)) => Err(format!("{}: the model differs: {text}", vector.op)),
        }
    }

    /// How the mutant's answer is wrong, if it is.
    fn catches(&self, mutant: &Mutant, cache: &Arc<Cache>) -> Option<Kind> {
        let mut model = Model::new(Some(mutant.bug), Arc::clone(cache));
        let outcome = Outcome::catching(|| model.run(&self.vector.op, &self.vector.input));
        if outcome == self.outcome {
            return None;
        }
        judged(&self.vector, &outcome).err().map(|(kind, _)| kind)
    }
}

/// The table in Markdown.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write(report, &mut text);
    text
}

fn write(report: &Report, text: &mut String) -> std::fmt::Result {
    let Report { seed, cases, time, faults, rows } = report;
    writeln!(text, "# Mutants found by the fuzzer alone\n")?;
    writeln!(
        text,
        "{} of {} mutants are found by the {cases} cases of seed {seed}, without any vector, in {:.0} s.\n",
        report.found(),
        rows.len(),
        time.as_secs_f64(),
    )?;
    for (number, fault) in faults {
        writeln!(text, "- case {number}: {fault}")?;
    }
    writeln!(text, "| mutant | found | case | seconds |\n|---|---|---|---|")?;
    for Row { mutant, found } in rows {
        match found {
            Some(Catch { number, op, kind, time }) => writeln!(
                text,
                "| `{}` | {} by `{op}` | {number} | {:.2} |",
                mutant.name(),
                kind.name(),
                time.as_secs_f64()
            )?,
            None => writeln!(text, "| `{}` | **no** | | |", mutant.name())?,
        }
    }
    Ok(())
}

/// Every mutant that a generated case can meet: no certificates are generated.
#[must_use]
pub fn every() -> Vec<&'static Mutant> {
    outside_tls().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Bug;

    #[test]
    fn a_dozen_mutants_are_found_and_the_model_never_differs() {
        let dozen = [
            Bug::IdLimit256,
            Bug::Base62LastDigitsRefused,
            Bug::Utf8OverlongAccepted,
            Bug::SpkiParametersIgnored,
            Bug::ModulusEvenAccepted,
            Bug::RequestTrailingOctetsAccepted,
            Bug::TagUnchecked,
            Bug::GenerationsIgnored,
            Bug::RepeatedRecordAccepted,
            Bug::ZeroLengthAccepted,
            Bug::CofactoredEquation,
            Bug::LifetimeExclusive,
        ];
        let mutants: Vec<_> = outside_tls().filter(|mutant| dozen.contains(&mutant.bug)).collect();
        assert_eq!(mutants.len(), dozen.len());
        // Bounded by cases, not by time: what is found does not depend on the machine. Operations that
        // need RSA's private operation, and records of 2^24 octets, are too slow for this test.
        let quick = |op: &str| {
            !matches!(op, "hs.client" | "hs.server" | "hs.oaep" | "chan.seal" | "frame.encode")
        };
        let report = run(&mutants, &quick, 1, 1500, Duration::from_secs(3600));
        assert_eq!(report.faults, [], "the model and the reference differ");
        let missing = report.rows.iter().filter(|row| row.found.is_none());
        let missing: Vec<String> = missing.map(|row| row.mutant.name()).collect();
        assert!(missing.is_empty(), "not found: {missing:?}");
        let table = markdown(&report);
        assert!(table.contains("12 of 12 mutants are found"), "{table}");
        assert!(table.contains("| `id-limit-256` | wrong_accept by `cred."), "{table}");
    }
}
