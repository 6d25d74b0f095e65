//! Plays the live cases against every [mutant](super::mutants) until one fails, and all of them against the
//! model without a bug.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use tunnelproof_vectors::{Suite, Vector};

use super::case::Case;
use super::mutants::{self, Mutant};
use super::runner::{self, Plan};
use super::stage::Clients;
use super::tls::material::Material;
use super::{Role, Target, Transport, tls};
use crate::runner::Event;
use crate::shim::{Limits, Program};
use crate::stop::{Reason, Stop};
use crate::verdict::Verdict;

mod report;

pub use report::markdown;

/// A case that fails, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catch {
    /// Its id.
    pub case: String,
    /// The name of its verdict.
    pub verdict: &'static str,
    /// The verdict in a sentence.
    pub sentence: String,
    /// Whether it tests a rule that the mutant breaks; where a mutant breaks none, every case fits.
    pub fits: bool,
}

/// What became of a mutant in a role.
#[derive(Debug)]
pub struct Row {
    pub mutant: &'static Mutant,
    pub role: Role,
    /// The first case that failed.
    pub catch: Option<Catch>,
    /// Why the run could not go to its end, if it could not.
    pub trouble: Option<String>,
    pub took: Duration,
}

/// What became of the model without a bug in a role.
#[derive(Debug)]
pub struct Control {
    pub role: Role,
    /// Whether it played the cases of TLS.
    pub tls: bool,
    pub passed: usize,
    /// What failed, of which there may be nothing.
    pub faults: Vec<Catch>,
    pub trouble: Option<String>,
    pub took: Duration,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order of the table.
    pub rows: Vec<Row>,
    pub controls: Vec<Control>,
}

impl Report {
    /// Whether every mutant is caught and the model without a bug passes.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.catch.is_some())
            && self.controls.iter().all(Control::is_good)
    }
}

impl Control {
    /// Whether every case passes.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.passed > 0 && self.faults.is_empty() && self.trouble.is_none()
    }
}

/// One of the two results that there are, as soon as it is there.
pub enum Done {
    Row(Row),
    Control(Control),
}

/// What a run needs, once for all.
struct Bench<'b> {
    this: &'b OsString,
    cases: [(Role, Vec<Case>, Suite); 2],
    tls: [(Role, Vec<tls::case::Case>, Suite); 2],
    clients: Clients,
    material: Material,
    traces: &'b Path,
    salt: &'b str,
    stop: &'b Stop,
}

#[derive(Clone, Copy)]
enum Task {
    Control(Role, bool),
    Mutant(usize, &'static Mutant, Role),
}

/// What the endpoint of a run is.
#[derive(Clone, Copy)]
struct Subject {
    role: Role,
    /// None for the model without a bug.
    mutant: Option<&'static Mutant>,
    tls: bool,
}

/// For whatever has no deadline of its own; many endpoints share the processor.
const PATIENCE: Duration = Duration::from_secs(10);
/// No mutant may keep the others longer.
const BOUND: Duration = Duration::from_secs(150);
/// Cases of one mutant side by side.
const JOBS: usize = 2;
/// Cases of the control side by side.
const JOBS_OF_CONTROL: usize = 8;

/// How many results there will be: of the mutants with TLS, of those without, or of all.
#[must_use]
pub fn size(tls: Option<bool>) -> usize {
    tasks(tls).len()
}

/// Runs everything. `this` is the program that serves
/// them; traces go below `traces`; `salt` differs between runs.
///
/// # Errors
/// If the cases do not load.
pub fn run(
    this: &OsString,
    tls: Option<bool>,
    (traces, salt): (&Path, &str),
    stop: &Stop,
    tell: &mut dyn FnMut(&Done),
) -> Result<Report, String> {
    let of = |role| {
        let cases = super::cases(role);
        super::suite(&cases).map(|suite| (role, cases, suite))
    };
    let with_tls = |role| {
        let cases = tls::cases(role);
        tls::suite(&cases).map(|suite| (role, cases, suite))
    };
    let bench = Bench {
        this,
        cases: [of(Role::Server)?, of(Role::Client)?],
        tls: [with_tls(Role::Server)?, with_tls(Role::Client)?],
        clients: super::server::clients(),
        material: Material::new(),
        traces,
        salt,
        stop,
    };
    let tasks = tasks(tls);
    let mut report = Report::default();
    let mut rows = Vec::new();
    // First the controls, few at a time: a busy machine is no bug of theirs. Mutants wait most of the time.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (controls, mutants): (Vec<Task>, Vec<Task>) =
        tasks.into_iter().partition(|task| matches!(task, Task::Control(..)));
    for (tasks, at_once) in [(controls, cores.div_ceil(2)), (mutants, cores * 4)] {
        bench.side_by_side(&tasks, at_once, |order, done| {
            tell(&done);
            match done {
                Done::Control(control) => report.controls.push(control),
                Done::Row(row) => rows.push((order, row)),
            }
        });
    }
    rows.sort_by_key(|(order, _)| *order);
    report.rows = rows.into_iter().map(|(_, row)| row).collect();
    Ok(report)
}

/// The longest first: the mutants that wait for deadlines; the tunnel before TLS.
fn tasks(tls: Option<bool>) -> Vec<Task> {
    let rows = mutants::all().flat_map(|mutant| mutant.roles().iter().map(move |r| (mutant, *r)));
    let mut rows: Vec<_> = rows.enumerate().collect();
    rows.sort_by_key(|(_, (mutant, _))| !mutant.name.contains("deadline"));
    let of = |tls| {
        let rows = rows.iter().filter(move |(_, (mutant, _))| mutant.tls == tls);
        let rows = rows.map(|(order, (mutant, role))| Task::Mutant(*order, mutant, *role));
        let controls = [Role::Server, Role::Client].map(|role| Task::Control(role, tls));
        controls.into_iter().chain(rows)
    };
    let wanted = [false, true].into_iter().filter(|own| tls.is_none_or(|tls| tls == *own));
    wanted.flat_map(of).collect()
}

/// What came of one run.
#[derive(Default)]
struct Ran {
    passed: usize,
    faults: Vec<Catch>,
    trouble: Option<String>,
}

impl Bench<'_> {
    fn side_by_side(&self, tasks: &[Task], at_once: usize, mut tell: impl FnMut(usize, Done)) {
        let next = AtomicUsize::new(0);
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            for _ in 0..at_once.min(tasks.len()) {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let (order, done) = match *task {
                            Task::Control(role, tls) => (0, Done::Control(self.control(role, tls))),
                            Task::Mutant(order, mutant, role) => {
                                (order, Done::Row(self.mutant(mutant, role)))
                            }
                        };
                        if self.stop.is_set() || sender.send((order, done)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            for (order, done) in receiver {
                tell(order, done);
            }
        });
    }

    /// All cases against the model without a bug. Failures are played a second time: it is the machine that
    /// may be slow, and then not the cases.
    fn control(&self, role: Role, tls: bool) -> Control {
        let begun = Instant::now();
        let subject = Subject { role, mutant: None, tls };
        let Ran { passed, faults, trouble } = self.play(subject, true);
        Control { role, tls, passed, faults, trouble, took: begun.elapsed() }
    }

    /// The cases for what the mutant breaks; then, of the tunnel, all others. With TLS a mutant shows a case that is missing
    /// if none that is meant for it fails.
    fn mutant(&self, mutant: &'static Mutant, role: Role) -> Row {
        let begun = Instant::now();
        let subject = Subject { role, mutant: Some(mutant), tls: mutant.tls };
        let mut row = Row { mutant, role, catch: None, trouble: None, took: Duration::ZERO };
        let passes = if mutant.tls { &[true][..] } else { &[true, false] };
        for &meant in passes {
            let ran = self.play(subject, meant);
            row.catch = ran.faults.into_iter().next();
            row.trouble = ran.trouble;
            if row.catch.is_some() || row.trouble.is_some() || self.stop.is_set() {
                break;
            }
        }
        Row { took: begun.elapsed(), ..row }
    }

    /// The cases that are meant for a mutant, or all others; a control plays all of them as meant.
    fn play(&self, subject: Subject, meant: bool) -> Ran {
        let Subject { role, mutant, tls } = subject;
        let mut command = vec![self.this.clone(), "endpoint".into()];
        if let Some(mutant) = mutant {
            command.extend(["--mutant".into(), mutant.name.into()]);
        }
        let target = &Target::Command(Program { command });
        let name = mutant.map_or(if tls { "none-tls" } else { "none" }, |mutant| mutant.name);
        let traces = &self.traces.join(role.name()).join(name);
        let jobs = if mutant.is_some() { JOBS } else { JOBS_OF_CONTROL };
        // Nothing is to be caught of the control: the 16 MiB echoed by a debug build may take their time.
        let patience = if mutant.is_some() { PATIENCE } else { 6 * PATIENCE };
        let limits = Limits { hello: patience, case: patience };
        let ends = &|_: &Vector, verdict: &Verdict| mutant.is_some() && verdict.is_red();
        let suite = match tls {
            false => of(&self.cases, role).map(|(_, _, suite)| suite),
            true => of(&self.tls, role).map(|(_, _, suite)| suite),
        };
        let vectors = suite.map_or(&[][..], |suite| &suite.vectors).iter().enumerate();
        let mut selected: Vec<_> =
            vectors.filter(|(_, vector)| is_meant(mutant, vector) == meant).collect();
        // The first rule of a case is the one that it is about.
        selected.sort_by_key(|(_, vector)| {
            let first = vector.requirements.first().map(String::as_str);
            !mutant.is_some_and(|mutant| mutant.is_meant(first))
        });
        if selected.is_empty() {
            return Ran::default();
        }
        let run = |stop: &Stop, tell: &mut dyn FnMut(Event<'_>)| {
            if let (false, Some((_, cases, _))) = (tls, of(&self.cases, role)) {
                let plan = Plan {
                    role,
                    cases,
                    selected: selected.clone(),
                    target,
                    transports: Transport::ALL.to_vec(),
                    clients: &self.clients,
                    jobs,
                    limits,
                    time_limit: BOUND,
                    ends,
                    rerun: mutant.is_none(),
                    timing: 0,
                    traces,
                    salt: self.salt,
                };
                runner::run(&plan, stop, tell);
            } else if let Some((_, cases, _)) = of(&self.tls, role) {
                let plan = tls::runner::Plan {
                    role,
                    cases,
                    selected: selected.clone(),
                    target,
                    material: &self.material,
                    probe: None,
                    jobs,
                    limits,
                    time_limit: BOUND,
                    ends,
                    rerun: mutant.is_none(),
                    traces,
                    salt: self.salt,
                };
                tls::runner::run(&plan, stop, tell);
            }
        };
        self.watch(mutant, run)
    }

    /// Runs cases and keeps what fails.
    fn watch(
        &self,
        mutant: Option<&Mutant>,
        run: impl FnOnce(&Stop, &mut dyn FnMut(Event<'_>)),
    ) -> Ran {
        let mut ran = Ran::default();
        let stop = self.stop.another();
        run(&stop, &mut |event| match event {
            Event::Result { vector, finding, attempt } => {
                // A second result replaces the first.
                ran.faults.retain(|fault| attempt == 1 || fault.case != vector.id);
                if finding.verdict.is_red() {
                    ran.faults.push(Catch {
                        case: vector.id.clone(),
                        verdict: finding.verdict.name(),
                        sentence: finding.verdict.sentence(),
                        fits: mutant.is_some() && is_meant(mutant, vector),
                    });
                } else {
                    ran.passed += 1;
                }
            }
            Event::Broken(error) => ran.trouble = Some(error.problem),
            _ => {}
        });
        match stop.reason() {
            Some(Reason::TimeLimit) => {
                ran.trouble = Some(format!("not done after {} s", BOUND.as_secs()));
            }
            Some(Reason::GaveUp(row)) => {
                ran.trouble = Some(format!("{row} cases in a row timed out"));
            }
            _ => {}
        }
        ran
    }
}

/// Whether the case, as a vector, is meant for this mutant; all are for the model without a bug.
fn is_meant(mutant: Option<&Mutant>, case: &Vector) -> bool {
    let rules = case.requirements.iter().map(String::as_str);
    mutant.is_none_or(|mutant| mutant.is_meant(rules))
}

fn of<C>(all: &[(Role, Vec<C>, Suite)], role: Role) -> Option<&(Role, Vec<C>, Suite)> {
    all.iter().find(|(own, ..)| *own == role)
}
