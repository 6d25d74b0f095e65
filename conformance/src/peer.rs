//! What the peer of a party sees when the party refuses something, and whether two refusals of one
//! indistinguishability group (spec/observability.md) can be told apart by it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tunnelproof_vectors::{Expect, Vector};

use crate::shim::{AnswerLine, Outcome};
use crate::verdict::{FailKind, Verdict};

/// What a peer sees of one refusal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerView {
    /// Messages sent beyond those that were sent before anything was refused.
    pub extra: i64,
    /// Whether the party became established.
    pub established: bool,
    /// The status of chapter 5, which a peer of a token server sees.
    pub status: Option<u16>,
}

/// The view of a vector's answer; None if the vector is in no group or the answer is no refusal.
///
/// Where the vector does not say what is sent before the refusal, it is one message: M1 or M2.
pub fn view(vector: &Vector, line: &AnswerLine) -> Option<PeerView> {
    vector.group.as_ref()?;
    let nothing = Map::new();
    let found = line.out.as_ref().unwrap_or(&nothing);
    let expected = match &vector.expect {
        Expect::Accept(out) => out,
        Expect::Reject(reject) => reject.out.as_ref().unwrap_or(&nothing),
    };
    match (vector.op.as_str(), line.outcome) {
        ("hs.client" | "hs.server", Outcome::Reject) => Some(PeerView {
            extra: count(found.get("sent")?) - expected.get("sent").map_or(1, count),
            established: found.get("established") == Some(&Value::Bool(true)),
            status: None,
        }),
        ("chan.session", Outcome::Ok) => Some(PeerView {
            extra: records(found) - records(expected),
            established: false,
            status: None,
        }),
        (op, Outcome::Reject) if op.starts_with("tok.") => {
            Some(PeerView { extra: 0, established: false, status: line.error.status.flatten() })
        }
        _ => None,
    }
}

/// The members that a peer can tell from the rest of their group, with their verdict.
///
/// The rest is what most members show; where there is no most, what shows least.
pub fn distinguishable<'a>(
    views: impl Iterator<Item = (usize, &'a Vector, &'a PeerView)>,
) -> Vec<(usize, Verdict)> {
    let mut groups: BTreeMap<(&str, &str), Vec<(usize, &PeerView)>> = BTreeMap::new();
    for (key, vector, view) in views {
        if let Some(group) = &vector.group {
            // The secret members of `request` are members of `request` too.
            let group = if group == "request-secret" { "request" } else { group };
            groups.entry((group, &vector.op)).or_default().push((key, view));
        }
    }
    let mut told_apart = Vec::new();
    for ((group, _), members) in groups {
        let usual = usual(&members);
        for (key, view) in members {
            if view != &usual {
                let verdict = Verdict::Fail {
                    kind: FailKind::Distinguishable,
                    at: "what the peer sees".into(),
                    expected: format!(
                        "{}, as in the rest of the group {group:?}",
                        describe(&usual)
                    ),
                    found: describe(view),
                };
                told_apart.push((key, verdict));
            }
        }
    }
    told_apart
}

fn usual(members: &[(usize, &PeerView)]) -> PeerView {
    let mut counts: BTreeMap<&PeerView, usize> = BTreeMap::new();
    for (_, view) in members {
        *counts.entry(view).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    let first = counts.into_iter().find(|&(_, count)| count == most);
    first.map_or(PeerView { extra: 0, established: false, status: None }, |(view, _)| view.clone())
}

fn describe(view: &PeerView) -> String {
    let mut text = match view.extra {
        0 => "no further message".to_owned(),
        1 => "1 further message".to_owned(),
        -1 => "1 message fewer".to_owned(),
        n if n < 0 => format!("{} messages fewer", -n),
        n => format!("{n} further messages"),
    };
    if view.established {
        text.push_str(", established");
    }
    if let Some(status) = view.status {
        text.push_str(&format!(", status {status}"));
    }
    text
}

fn count(list: &Value) -> i64 {
    list.as_array().map_or(0, |list| i64::try_from(list.len()).unwrap_or(i64::MAX))
}

/// How many records the results of a `chan.session` hold.
fn records(out: &Map<String, Value>) -> i64 {
    let results = out.get("results").and_then(Value::as_array);
    let records =
        results.map_or(0, |results| results.iter().filter(|r| r.get("record").is_some()).count());
    i64::try_from(records).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shim::protocol::ReplyLine;
    use serde_json::json;
    use tunnelproof_vectors::Suite;

    fn plain(extra: i64) -> PeerView {
        PeerView { extra, established: false, status: None }
    }

    fn seen(group: &str, answer: Value) -> Option<PeerView> {
        let suite = Suite::embedded().expect("the vectors load");
        let vector = suite.vectors.iter().find(|v| v.group.as_deref() == Some(group));
        let line = ReplyLine::parse(answer.to_string().as_bytes());
        let Ok(ReplyLine::Answer(line)) = line else { panic!("is an answer: {line:?}") };
        view(vector.expect("a member"), &line)
    }

    #[test]
    fn the_usual_view_is_that_of_most_members_or_else_the_least_telling() {
        let (a, b) = (plain(0), plain(1));
        assert_eq!(usual(&[(0, &b), (1, &b), (2, &a)]), b);
        assert_eq!(usual(&[(0, &b), (1, &a)]), a);
    }

    #[test]
    fn views_are_described() {
        assert_eq!(describe(&plain(0)), "no further message");
        let view = PeerView { extra: 2, established: true, status: Some(400) };
        assert_eq!(describe(&view), "2 further messages, established, status 400");
    }

    #[test]
    fn a_peer_sees_messages_establishment_and_status() {
        let reject = |out: Value| json!({"type": "answer", "id": 1, "outcome": "reject", "error": {"status": 401}, "out": out});
        let m1_alone = reject(json!({"sent": ["30"], "established": false}));
        assert_eq!(seen("request-secret", m1_alone), Some(plain(0)));
        let more = reject(json!({"sent": ["30", "00"], "established": true}));
        let expected = PeerView { extra: 1, established: true, status: None };
        assert_eq!(seen("request-secret", more), Some(expected));
        assert_eq!(seen("request-secret", reject(json!({}))), None, "says nothing of messages");
        let status = PeerView { extra: 0, established: false, status: Some(401) };
        assert_eq!(seen("token-verify", reject(json!({}))), Some(status));
        let ok = json!({"type": "answer", "id": 1, "outcome": "ok", "out": {}});
        assert_eq!(seen("token-verify", ok), None, "is no refusal");
    }
}
