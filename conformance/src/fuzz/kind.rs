//! What kind of difference a verdict shows, apart from the octets of the case.

use tunnelproof_vectors::{Expect, Vector};

use crate::verdict::Verdict;

/// Two differences of one kind are reported once, and a case is shrunk as long as its kind stays.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    pub op: String,
    /// The verdict, as in `wrong_accept`.
    pub verdict: &'static str,
    /// Where in the answer; without the numbers of list items.
    pub at: String,
    pub expected: String,
    pub found: String,
}

impl Kind {
    /// The kind of a red verdict.
    pub fn of(vector: &Vector, verdict: &Verdict) -> Kind {
        let (at, expected, found) = match verdict {
            Verdict::Fail { at, expected, found, .. } => {
                let reason = at.contains("error") || at == "outcome";
                let words = |text: &str| {
                    let words = text.split(" (").next().unwrap_or_default();
                    // Octets that differ make no other kind.
                    if reason || words.len() < 40 && !words.contains('"') {
                        words.to_owned()
                    } else {
                        String::new()
                    }
                };
                (without_numbers(at), words(expected), words(found))
            }
            _ => Default::default(),
        };
        let expected = match &vector.expect {
            Expect::Reject(reject) if at == "outcome" => {
                format!("reject {} {}", reject.class, reject.codes.join(" or "))
            }
            _ => expected,
        };
        Kind { op: vector.op.clone(), verdict: verdict.name(), at, expected, found }
    }
}

/// `out.results[3].error` as `out.results[].error`.
fn without_numbers(path: &str) -> String {
    let mut inside = false;
    let keep = |letter: &char| {
        inside = (inside || *letter == '[') && *letter != ']';
        !(inside && letter.is_ascii_digit())
    };
    path.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_items_go_and_names_stay() {
        assert_eq!(without_numbers("out.results[13].error.class"), "out.results[].error.class");
        assert_eq!(without_numbers("out.k2"), "out.k2");
    }
}
