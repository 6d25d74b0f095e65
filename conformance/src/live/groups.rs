//! The groups of spec/observability.md: what the peer saw of each member has to be the same.

use std::collections::BTreeMap;

use super::Transport;
use super::case::Fault;
use crate::verdict::{FailKind, Verdict};

/// What a peer saw of a refusal, and the order of the endpoint's events about it. That no octets came is
/// checked by each case itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct View {
    /// As "a close frame without a status code", "end of stream".
    pub closing: Vec<String>,
    pub events: Vec<&'static str>,
}

/// One member's view.
pub struct Member<'a> {
    pub case: &'a str,
    pub transport: Transport,
    pub view: View,
}

/// The members of this group have nothing in common but that their transport ends: failures of each kind
/// and a clean end.
pub const CLOSING: &str = "closing";

/// Compares the members of a group, each transport by itself.
///
/// # Errors
/// The first member that a peer can tell from most others.
pub fn compare(members: &[Member<'_>]) -> Result<(), Fault> {
    for transport in Transport::ALL {
        let members: Vec<&Member<'_>> =
            members.iter().filter(|member| member.transport == transport).collect();
        let mut counts: BTreeMap<&View, usize> = BTreeMap::new();
        for member in &members {
            *counts.entry(&member.view).or_default() += 1;
        }
        let Some((usual, count)) = counts.iter().max_by_key(|(_, count)| **count) else { continue };
        if let Some(odd) = members.iter().find(|member| member.view != **usual) {
            let is_odd = members.len() - count;
            return Err(Fault::of(Verdict::Fail {
                kind: FailKind::Distinguishable,
                at: format!("what the peer sees over {}", transport.name()),
                expected: format!("{}, as for {count} members", describe(usual)),
                found: format!("{} for {} ({is_odd} differ)", describe(&odd.view), odd.case),
            }));
        }
    }
    Ok(())
}

fn describe(view: &View) -> String {
    let mut text = view.closing.join(", then ");
    if !view.events.is_empty() {
        text.push_str(&format!(" (events: {})", view.events.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_odd_one_out_is_named_and_transports_are_apart() {
        let view = |closing: &str| View { closing: vec![closing.into()], events: vec!["end"] };
        let (fin, rst, frame) = (view("end of stream"), view("a reset"), view("a close frame"));
        let member = |case, transport, view: &View| Member { case, transport, view: view.clone() };
        let same = [
            member("a", Transport::Tcp, &fin),
            member("b", Transport::Tcp, &fin),
            member("a", Transport::Ws, &frame),
        ];
        assert_eq!(compare(&same), Ok(()));
        let odd = [
            member("a", Transport::Tcp, &fin),
            member("b", Transport::Tcp, &rst),
            member("c", Transport::Tcp, &fin),
        ];
        let fault = compare(&odd).expect_err("differs");
        assert!(fault.verdict.is_security());
        assert!(fault.verdict.sentence().contains("a reset (events: end) for b"), "{fault:?}");
    }
}
