//! Plays one case on one endpoint, and then finds out whether the endpoint still serves.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::case::{Case, Fault, Script};
use super::endpoint::{Endpoint, StartFailure};
use super::groups::View;
use super::runner::Plan;
use super::stage::Stage;
use super::{Target, Transport};
use crate::shim::{StartError, Trouble};
use crate::stop::Stop;
use crate::verdict::Verdict;

/// What became of a case over one transport.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub fault: Option<Fault>,
    pub took: Duration,
    /// What the peer saw of a refusal, and after how long.
    pub view: Option<(View, Duration)>,
    pub trace: Option<PathBuf>,
    pub stderr: Option<String>,
}

/// An endpoint that can't be started so many times in a row is broken.
const STARTS: usize = 3;

/// Plays a case. The endpoint may be over after it.
pub fn play(plan: &Plan<'_>, stop: &Stop, endpoint: &Endpoint, at: (&Case, Transport)) -> Outcome {
    let (case, transport) = at;
    let begun = Instant::now();
    let stage =
        Stage::new(case, endpoint, transport, plan.clients, plan.limits.case, stop, plan.salt);
    let result = match &case.script {
        Script::Play(play) => play(&stage),
        Script::Compare(_) => Ok(()),
    };
    let took = begun.elapsed();
    // Before the honest visit, which may leave a view of its own.
    let view = stage.take_view();
    let mut fault = result.err();
    let mut stderr = None;
    let over = if fault.is_some() { endpoint.over_soon() } else { endpoint.over() };
    match over {
        Some(over) if !endpoint.was_ended() => {
            stderr = Some(over.stderr).filter(|text| !text.is_empty());
            fault = Some(Fault::of(over.verdict));
        }
        Some(_) => {}
        None if fault.is_none() && !stop.is_set() => {
            fault = case.role.visit(&stage).err().map(|how| match endpoint.over_soon() {
                Some(over) => Fault::of(over.verdict),
                None => Fault::of(Verdict::Poisoned { how }),
            });
        }
        None => {}
    }
    let trace = fault.as_ref().and_then(|fault| {
        let name = format!("{}.{}", case.id, transport.name());
        let head = format!(
            "{} over {}: {}\n{}: {}",
            case.id,
            transport.name(),
            case.about,
            fault.verdict.name(),
            fault.verdict.sentence()
        );
        // A trace that can't be written is no reason to lose the verdict; it is just not named.
        stage.trace.write(plan.traces, &name, &head).ok()
    });
    Outcome { fault, took, view, trace, stderr }
}

/// Whether an endpoint can serve another case. One that failed is not trusted any more.
pub fn is_usable(endpoint: &Endpoint, outcome: &Outcome) -> bool {
    !endpoint.is_started() || (endpoint.over().is_none() && outcome.fault.is_none())
}

/// Starts an endpoint, with some patience for what fails now and then.
///
/// # Errors
/// If it fails every time.
pub fn start(plan: &Plan<'_>, transport: Transport, stop: &Stop) -> Result<Endpoint, StartError> {
    let program = match plan.target {
        Target::Running(address) => return Ok(Endpoint::remote(*address)),
        Target::Command(program) => program,
    };
    let first = plan.role.start_line(transport, plan.clients);
    let mut attempt = 1;
    loop {
        match Endpoint::start(program, &first, plan.limits.hello, stop) {
            Ok(endpoint) => return Ok(endpoint),
            Err(StartFailure { problem, stderr, .. }) if attempt == STARTS || stop.is_set() => {
                let trouble = Trouble::Crash { how: problem.clone() };
                return Err(StartError { problem, stderr, trouble });
            }
            Err(_) => attempt += 1,
        }
    }
}
