//! The file of known failures.

use serde::Deserialize;
use toml::{Table, Value};
use tunnelproof::known::KnownFailures;

use crate::Verdict;

/// Any octets as a file of known failures.
///
/// A file that parses has what two other readers of TOML see in it, and nothing more: no other key, no blank
/// reason, no pattern twice. Written again it parses to the same and is written the same from then on; with an
/// unknown key it no longer parses. Patterns of `*`, `?` and letters fit what a matcher of four lines says. An
/// error names a line of the file, in one line of its own.
pub(crate) fn run(data: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(data) else { return "not text".to_owned() };
    let by_hand = read_by_hand(text);
    let file = match KnownFailures::parse(text) {
        Ok(file) => file,
        Err(error) => {
            assert!(by_hand.is_none_or(|entries| has_bad_glob(&entries)), "refused, but: {error}");
            assert!((1..=text.lines().count().max(1) + 1).contains(&error.line), "{error}");
            assert!(!error.problem.is_empty() && !error.problem.contains(char::is_control));
            return error.problem;
        }
    };
    let entries = entries(&file);
    assert_eq!(by_hand.as_ref(), Some(&entries), "accepted, but not by a second reader");
    if let Ok(File { known }) = basic_toml::from_str(text) {
        let third = known.into_iter().map(|Entry { pattern, reason }| (pattern, reason));
        assert_eq!(with_lf(third), with_lf(entries.iter().cloned()));
    }
    let written = file.to_toml();
    let again =
        KnownFailures::parse(&written).unwrap_or_else(|error| panic!("written, but {error}"));
    assert_eq!(self::entries(&again), entries);
    assert_eq!(again.to_toml(), written, "one encoding only");
    for unknown in ["other = 1\n", "[other]\n", "[[known]]\npattern = 'zz'\nreason = 'r'\nid = 1\n"]
    {
        let spoilt = if unknown.starts_with("[[") {
            written.clone() + unknown
        } else {
            unknown.to_owned() + &written
        };
        assert!(KnownFailures::parse(&spoilt).is_err(), "an unknown key passes: {spoilt:?}");
    }
    patterns(&file, &entries);
    format!("ok {}", entries.len())
}

/// Patterns and reasons, in their order.
type Entries = Vec<(String, String)>;

fn entries(file: &KnownFailures) -> Entries {
    let of =
        |known: &tunnelproof::known::Known| (known.pattern().to_owned(), known.reason().to_owned());
    file.entries().iter().map(of).collect()
}

/// The entries without the CRs before each LF: TOML leaves it to a reader whether a line of a longer text ends
/// as it does in the file, as with `toml`, or with LF, as with `basic-toml`.
fn with_lf(entries: impl Iterator<Item = (String, String)>) -> Entries {
    let lf = |text: String| {
        let mut lines: Vec<_> = text.split('\n').collect();
        let last = lines.pop();
        let ends = lines.iter_mut().map(|line| line.trim_end_matches('\r'));
        ends.chain(last).collect::<Vec<_>>().join("\n")
    };
    entries.map(|(pattern, reason)| (lf(pattern), lf(reason))).collect()
}

/// What a general reader finds, held against the rules by hand; that patterns are globs is not looked at.
fn read_by_hand(text: &str) -> Option<Entries> {
    let mut table: Table = toml::from_str(text).ok()?;
    let known = match table.remove("known") {
        None => Vec::new(),
        Some(Value::Array(known)) => known,
        Some(_) => return None,
    };
    let mut entries = Entries::new();
    for entry in known {
        let Value::Table(mut entry) = entry else { return None };
        let (Value::String(pattern), Value::String(reason)) =
            (entry.remove("pattern")?, entry.remove("reason")?)
        else {
            return None;
        };
        let new = entries.iter().all(|(other, _)| *other != pattern);
        if !entry.is_empty() || !new || reason.chars().all(char::is_whitespace) {
            return None;
        }
        entries.push((pattern, reason));
    }
    table.is_empty().then_some(entries)
}

/// Whether a pattern has what only a glob can get wrong.
fn has_bad_glob(entries: &Entries) -> bool {
    entries.iter().any(|(pattern, _)| pattern.contains(['[', ']', '{', '}', '\\']))
}

/// The first entry whose pattern fits is found, by a second matcher where the patterns are simple.
fn patterns(file: &KnownFailures, entries: &Entries) {
    let simple =
        |pattern: &str| !pattern.contains(['[', ']', '{', '}', '\\']) && !pattern.contains("**");
    let cases = entries.iter().map(|(pattern, _)| pattern.replace(['*', '?'], "a")).take(8);
    for case in cases.chain(["tok/ed25519/small-order-a".to_owned()]) {
        let found = file.find(&case).map(|known| known.pattern());
        if entries.iter().all(|(pattern, _)| simple(pattern)) {
            let fits = |(pattern, _): &&(String, String)| {
                let (pattern, case): (Vec<_>, Vec<_>) =
                    (pattern.chars().collect(), case.chars().collect());
                fits(&pattern, &case)
            };
            assert_eq!(
                found,
                entries.iter().find(fits).map(|(pattern, _)| pattern.as_str()),
                "{case:?}"
            );
        }
    }
}

/// Whether `*`, any characters, and `?`, any one, make the case of the pattern.
fn fits(pattern: &[char], case: &[char]) -> bool {
    // Row after row, so that many `*` take no more time than their number.
    let mut reached = vec![false; case.len() + 1];
    reached[0] = true;
    for part in pattern {
        let mut next = vec![false; case.len() + 1];
        for at in 0..=case.len() {
            next[at] = match part {
                '*' => reached[at] || (at > 0 && next[at - 1]),
                part => at > 0 && reached[at - 1] && (*part == '?' || case[at - 1] == *part),
            };
        }
        reached = next;
    }
    reached[case.len()]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    pattern: String,
    reason: String,
}
