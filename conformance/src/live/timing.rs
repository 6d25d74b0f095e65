//! The opt-in report on time: how long the members of the request groups take from the last octet sent to the
//! end of the connection. Statistics for people, never a verdict: the specification claims time only where the
//! delay of OBS-005 is used.

use std::fmt::Write as _;
use std::time::Duration;

use super::runner::Plan;
use super::worker::{play, start};
use crate::stop::Stop;

/// One text for each transport: a table of the members' times.
pub fn report(plan: &Plan<'_>, stop: &Stop) -> Vec<String> {
    let mut texts = Vec::new();
    for &transport in &plan.transports {
        let Ok(endpoint) = start(plan, transport, stop) else { continue };
        let mut text = format!(
            "time from the request to the end over {}, ms, {} runs each, one after the other",
            transport.name(),
            plan.timing
        );
        let _ = write!(text, "\n  {:>8} {:>8} {:>8}  member", "5 %", "median", "95 %");
        for (index, _) in &plan.selected {
            let case = &plan.cases[*index];
            let can_run = endpoint.is_started() || case.needs.is_empty();
            if !case.is_member("request") || !case.over.contains(&transport) || !can_run {
                continue;
            }
            let mut times: Vec<Duration> = (0..plan.timing)
                .map_while(|_| {
                    (!stop.is_set()).then(|| play(plan, stop, &endpoint, (case, transport)))
                })
                .filter_map(|outcome| outcome.view.map(|(_, took)| took))
                .collect();
            times.sort_unstable();
            if times.is_empty() {
                continue;
            }
            let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
            let _ = write!(text, "\n  {:>8.2} {:>8.2} {:>8.2}  {}", at(5), at(50), at(95), case.id);
        }
        texts.push(text);
    }
    texts
}
