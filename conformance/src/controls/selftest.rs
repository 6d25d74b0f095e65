//! Runs every control and holds what it comes to against what it has to come to.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use tunnelproof_vectors::{Suite, Vector};

use super::{CONTROLS, Cases, Control};
use crate::known::KnownFailures;
use crate::recorder::{About, Recorder};
use crate::runner::{self, Plan};
use crate::shim::{Limits, Program};
use crate::stop::Stop;

/// What one control came to.
#[derive(Debug)]
pub struct Outcome {
    pub control: &'static Control,
    pub counts: BTreeMap<String, usize>,
    pub exit: u8,
    pub took: Duration,
    /// What is not as it has to be; empty if all is.
    pub faults: Vec<String>,
}

/// How many positive and how many negative vectors are few.
const FEW: usize = 5;
/// The deadline of a case: every control answers at once or not at all.
const DEADLINE: Duration = Duration::from_millis(1200);
/// No control may keep a run longer.
const BOUND: Duration = Duration::from_secs(30);

/// Runs all controls, some side by side; `this` is the program that serves them.
pub fn selftest(this: &OsString, suite: &Suite, stop: &Stop, tell: &mut dyn FnMut(Outcome)) {
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, usize::from).min(CONTROLS.len());
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some(control) = CONTROLS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if stop.is_set() || sender.send(check(this, suite, control, stop)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        receiver.iter().for_each(&mut *tell);
    });
}

/// The vectors that a control is run on.
pub fn cases<'a>(control: &Control, suite: &'a Suite) -> Vec<&'a Vector> {
    let quick =
        |vector: &&Vector| matches!(vector.op.as_str(), "cred.client_key" | "cred.server_key");
    match control.cases {
        Cases::Few => {
            let of_sign = |negative: bool| {
                suite
                    .vectors
                    .iter()
                    .filter(quick)
                    .filter(move |v| v.is_negative() == negative)
                    .take(FEW)
            };
            of_sign(false).chain(of_sign(true)).collect()
        }
        Cases::Of(ids) => {
            let tests = |v: &&Vector| v.requirements.iter().any(|id| ids.contains(&id.as_str()));
            suite.vectors.iter().filter(tests).collect()
        }
        Cases::Group(group) => {
            suite.vectors.iter().filter(|v| v.group.as_deref() == Some(group)).collect()
        }
    }
}

fn check(this: &OsString, suite: &Suite, control: &'static Control, stop: &Stop) -> Outcome {
    let cases = cases(control, suite);
    let begun = Instant::now();
    let about = About {
        subcommand: "run",
        suite,
        cases: &cases,
        selection: Some(format!("the control {}", control.name)),
        command: Vec::new(),
        options: Vec::new(),
    };
    let known = KnownFailures::default();
    let mut recorder = Recorder::new(about, &known, Vec::new());
    let command = [this.clone(), "shim".into(), "--control".into(), control.name.into()];
    let plan = Plan {
        suite,
        cases: cases.clone(),
        program: Program { command: command.to_vec() },
        limits: Limits { hello: Duration::from_secs(5), case: DEADLINE },
        jobs: 1,
        max_inflight: 256,
        oneshot: false,
        ends: &|_, _| false,
        rerun: true,
        time_limit: BOUND,
    };
    let stop = stop.another();
    runner::run(&plan, &stop, &mut |event| {
        recorder.event(event).expect("without reports nothing is written");
    });
    let (_, summary) = recorder.finish(&stop).expect("without reports nothing is written");
    let took = begun.elapsed();
    let faults = faults(control, &summary.counts, summary.exit, took);
    Outcome { control, counts: summary.counts, exit: summary.exit, took, faults }
}

fn faults(
    control: &Control,
    counts: &BTreeMap<String, usize>,
    exit: u8,
    took: Duration,
) -> Vec<String> {
    let mut faults = Vec::new();
    if exit != control.exit {
        faults.push(format!("exit code {exit} instead of {}", control.exit));
    }
    if !control.verdicts.is_empty()
        && !counts.keys().any(|name| control.verdicts.contains(&&**name))
    {
        faults.push(format!("no {}", control.verdicts.join(" or ")));
    }
    for name in
        counts.keys().filter(|name| *name != "pass" && !control.verdicts.contains(&&***name))
    {
        faults.push(format!("an unexpected {name}"));
    }
    if took >= BOUND {
        faults.push(format!("took {} s", took.as_secs()));
    }
    faults
}
