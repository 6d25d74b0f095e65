//! The search for differences: cases in batches, each batch made while the one before it runs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tunnelproof_vectors::{Suite, Vector};

use super::document;
use super::generate::Recipe;
use super::kind::Kind;
use super::oracle::Oracle;
use super::shrink::{Shown, Shrunk, shrink};
use super::subject::Subject;
use crate::runner::{self, Event, Plan};
use crate::shim::{Hello, Limits, Program, StartError};
use crate::stop::Stop;
use crate::verdict::Verdict;

/// Cases in the first batch and in the largest: each batch starts its own processes.
const FIRST_BATCH: usize = 256;
const LARGEST_BATCH: usize = 2048;
/// Case numbers tried for one of a selected operation.
const SCAN: u64 = 1 << 20;
/// A run without a bound of its own.
const FOREVER: Duration = Duration::from_secs(1_000_000);

/// What to search and for how long.
pub struct Hunt<'a> {
    pub suite: &'a Suite,
    pub program: Program,
    pub limits: Limits,
    /// Shim processes, and threads of the oracle, side by side.
    pub jobs: usize,
    pub max_inflight: usize,
    pub seed: u64,
    /// The number of the first case.
    pub first: u64,
    /// Ends the search after so many cases.
    pub cases: Option<u64>,
    /// Ends the search after so long.
    pub time: Option<Duration>,
    /// Which operations.
    pub wanted: &'a (dyn Fn(&str) -> bool + Sync),
    /// Ends the search after so many kinds of differences.
    pub max_findings: usize,
    /// How often the subject is asked to shrink a finding.
    pub attempts: usize,
}

/// What is told as the search goes on.
pub enum Note<'a> {
    /// The first shim has said hello.
    Started(&'a Hello),
    /// So many cases have been run.
    Progress(u64),
    /// A difference has been found and is now shrunk.
    Shrinking,
    Found(&'a Found),
    /// The shim can't be started: the search ends.
    Broken(StartError),
}

/// A difference, shrunk.
#[derive(Debug)]
pub struct Found {
    /// The number of the case; None of one that was replayed.
    pub number: Option<u64>,
    /// The vector and, if it is negative, its base.
    pub vectors: Vec<Vector>,
    pub verdict: Verdict,
    /// What the case did wrong, in words.
    pub flaws: Vec<&'static str>,
    /// How often the subject was asked to shrink it.
    pub attempts: usize,
}

/// What the search came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Cases that got a verdict other than unsupported or skip.
    pub cases: u64,
    /// Cases that the subject does not run, by operation.
    pub left_out: BTreeMap<String, u64>,
    /// Cases that the reference has no answer to: a fault of the reference or of the generator.
    pub faults: Vec<(u64, String)>,
    /// Kinds of differences.
    pub findings: usize,
    pub broken: bool,
    pub time: Duration,
}

impl Tally {
    /// Cases a second, shrinking included.
    pub fn rate(&self) -> f64 {
        self.cases as f64 / self.time.as_secs_f64().max(1e-3)
    }
}

/// Searches. Everything that is found is told at once, in the order of the cases.
pub fn hunt(hunt: &Hunt<'_>, stop: &Stop, tell: &mut dyn FnMut(Note<'_>)) -> Tally {
    let begun = Instant::now();
    let ends = hunt.time.map(|time| begun + time);
    let enough = AtomicBool::new(false);
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let (sender, batches) = sync_channel(1);
        let over = || {
            enough.load(Ordering::Relaxed)
                || stop.is_set()
                || ends.is_some_and(|ends| Instant::now() >= ends)
        };
        scope.spawn(move || produce(hunt, &over, &sender));
        let mut seen = HashSet::new();
        let mut greeted = false;
        for batch in batches {
            let left = ends.map_or(FOREVER, |ends| ends.saturating_duration_since(Instant::now()));
            tally.faults.extend(batch.faults);
            let verdicts = run(hunt, &batch.cases, left, stop, &mut |note| match note {
                Note::Started(_) if greeted => {}
                note => {
                    greeted |= matches!(note, Note::Started(_));
                    tally.broken |= matches!(note, Note::Broken(_));
                    tell(note);
                }
            });
            for (case, verdict) in batch.cases.iter().zip(&verdicts) {
                match verdict {
                    Some(Verdict::Unsupported { .. } | Verdict::Skip { .. }) => {
                        *tally.left_out.entry(case.vector.op.clone()).or_default() += 1;
                    }
                    Some(_) => tally.cases += 1,
                    None => {}
                }
            }
            tell(Note::Progress(tally.cases));
            let red = batch
                .cases
                .into_iter()
                .zip(verdicts)
                .filter_map(|(case, verdict)| Some((case, verdict.filter(Verdict::is_red)?)));
            for (Made { number, recipe, vector }, verdict) in red {
                if tally.findings < hunt.max_findings && seen.insert(Kind::of(&vector, &verdict)) {
                    tell(Note::Shrinking);
                    let shown = Shown { recipe, vector, verdict };
                    let found = shrunk(hunt, number, shown, stop);
                    tally.findings += 1;
                    tell(Note::Found(&found));
                }
            }
            if tally.findings >= hunt.max_findings || over() {
                enough.store(true, Ordering::Relaxed);
                break;
            }
        }
    });
    tally.time = begun.elapsed();
    tally
}

/// A case with its expectation.
struct Made {
    number: u64,
    recipe: Recipe,
    vector: Vector,
}

#[derive(Default)]
struct Batch {
    /// In the order of their numbers.
    cases: Vec<Made>,
    faults: Vec<(u64, String)>,
}

/// Makes batches until it is over or nobody takes them.
fn produce(hunt: &Hunt<'_>, over: &(dyn Fn() -> bool + Sync), sender: &SyncSender<Batch>) {
    let mut oracles: Vec<Oracle> = (0..hunt.jobs).map(|_| Oracle::default()).collect();
    let mut next = hunt.first;
    let mut left = hunt.cases.unwrap_or(u64::MAX);
    let mut size = FIRST_BATCH;
    while left > 0 && !over() {
        let mut numbers = Vec::new();
        let scanned = next.saturating_add(SCAN.saturating_mul(size as u64));
        while numbers.len() < size.min(usize::try_from(left).unwrap_or(size)) && next < scanned {
            if Recipe::is_wanted(hunt.seed, next, hunt.wanted) {
                numbers.push(next);
            }
            next += 1;
        }
        left -= numbers.len() as u64;
        let batch = make(hunt, &numbers, &mut oracles, over);
        if numbers.is_empty() || sender.send(batch).is_err() {
            return;
        }
        size = (2 * size).min(LARGEST_BATCH);
    }
}

/// The cases of these numbers with the reference's answers; fewer if it is over before.
fn make(
    hunt: &Hunt<'_>,
    numbers: &[u64],
    oracles: &mut [Oracle],
    over: &(dyn Fn() -> bool + Sync),
) -> Batch {
    let next = AtomicUsize::new(0);
    let batch = Mutex::new(Batch::default());
    thread::scope(|scope| {
        for oracle in oracles {
            scope.spawn(|| {
                while let Some(&number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if over() {
                        return;
                    }
                    let Some(recipe) = Recipe::of(hunt.seed, number, hunt.wanted) else { continue };
                    let made = oracle.vector(id(hunt.seed, number, recipe.op()), &recipe.case());
                    let mut batch = batch.lock().unwrap_or_else(PoisonError::into_inner);
                    match made {
                        Ok(vector) => batch.cases.push(Made { number, recipe, vector }),
                        Err(fault) => batch.faults.push((number, fault)),
                    }
                }
            });
        }
    });
    let mut batch = batch.into_inner().unwrap_or_else(PoisonError::into_inner);
    batch.cases.sort_by_key(|made| made.number);
    batch.faults.sort();
    batch
}

/// The id of a case, in a family that the committed vectors do not have.
fn id(seed: u64, number: u64, op: &str) -> String {
    let area = op.split('.').next().unwrap_or_default();
    format!("{area}/fuzz/seed-{seed}-case-{number}")
}

/// Runs a batch through the runner: the last verdict of each case.
fn run(
    hunt: &Hunt<'_>,
    cases: &[Made],
    time_limit: Duration,
    stop: &Stop,
    tell: &mut dyn FnMut(Note<'_>),
) -> Vec<Option<Verdict>> {
    let vectors: Vec<&Vector> = cases.iter().map(|made| &made.vector).collect();
    run_vectors(hunt, &vectors, time_limit, stop, tell)
}

/// Runs vectors through the runner: the last verdict of each.
pub fn run_vectors(
    hunt: &Hunt<'_>,
    vectors: &[&Vector],
    time_limit: Duration,
    stop: &Stop,
    tell: &mut dyn FnMut(Note<'_>),
) -> Vec<Option<Verdict>> {
    let places: HashMap<&str, usize> =
        vectors.iter().enumerate().map(|(place, vector)| (vector.id.as_str(), place)).collect();
    let mut verdicts = vec![None; vectors.len()];
    if vectors.is_empty() {
        return verdicts;
    }
    let plan = Plan {
        suite: hunt.suite,
        cases: vectors.to_vec(),
        program: hunt.program.clone(),
        limits: hunt.limits,
        jobs: hunt.jobs,
        max_inflight: hunt.max_inflight,
        oneshot: false,
        ends: &|_, _| false,
        rerun: true,
        time_limit,
    };
    runner::run(&plan, stop, &mut |event| match event {
        Event::Started(hello) => tell(Note::Started(hello)),
        Event::Result { vector, finding, .. } => {
            if let Some(place) = places.get(vector.id.as_str()) {
                verdicts[*place] = Some(finding.verdict.clone());
            }
        }
        Event::Broken(error) => tell(Note::Broken(error)),
        // What a shim does outside of any case is for `run` to say.
        Event::Probe { .. } | Event::Note(_) => {}
    });
    verdicts
}

/// Runs vectors as they are; each that fails is a finding.
pub fn replay(
    hunt: &Hunt<'_>,
    vectors: &[Vector],
    stop: &Stop,
    tell: &mut dyn FnMut(Note<'_>),
) -> Tally {
    let begun = Instant::now();
    let mut tally = Tally::default();
    let cases: Vec<&Vector> = vectors.iter().collect();
    let verdicts = run_vectors(hunt, &cases, FOREVER, stop, &mut |note| {
        tally.broken |= matches!(note, Note::Broken(_));
        tell(note);
    });
    for (vector, verdict) in vectors.iter().zip(verdicts) {
        match verdict {
            None => {}
            Some(Verdict::Unsupported { .. } | Verdict::Skip { .. }) => {
                *tally.left_out.entry(vector.op.clone()).or_default() += 1;
            }
            Some(verdict) => {
                tally.cases += 1;
                if verdict.is_red() {
                    tally.findings += 1;
                    let vectors = vec![vector.clone()];
                    let found =
                        Found { number: None, vectors, verdict, flaws: Vec::new(), attempts: 0 };
                    tell(Note::Found(&found));
                }
            }
        }
    }
    tally.time = begun.elapsed();
    tally
}

/// Shrinks what was found and makes a vector of it.
fn shrunk(hunt: &Hunt<'_>, number: u64, shown: Shown, stop: &Stop) -> Found {
    // The time may be over; a finding is shrunk all the same, unless the user interrupts.
    let stop = stop.another();
    let mut subject = Subject::new(&hunt.program, hunt.suite, hunt.limits, &stop);
    let most = match shown.verdict {
        Verdict::Flaky { .. } => 0,
        Verdict::Timeout { .. } => hunt.attempts.min(SLOW_ATTEMPTS),
        _ => hunt.attempts,
    };
    let mut oracle = Oracle::default();
    let Shrunk { shown, attempts } =
        shrink(shown, &mut oracle, &mut |vector| subject.ask(vector), most);
    Found {
        number: Some(number),
        vectors: document::vectors(&shown, hunt.suite, hunt.seed, number),
        flaws: shown.recipe.case().flaws,
        verdict: shown.verdict,
        attempts,
    }
}

/// Attempts at shrinking that each take the whole time of a case.
const SLOW_ATTEMPTS: usize = 20;
