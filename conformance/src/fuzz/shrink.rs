//! A smaller case with the same kind of difference.
//!
//! First whole flaws are left out, then fields take the values of the valid base, then what still differs is
//! cut down: fields, events and messages go away, octets become fewer or zero, numbers smaller. A case that
//! has no flaw is cut down everywhere. What the reference has no answer to, or what the shim protocol never
//! sends, is passed over.

use serde_json::{Map, Value, json};
use tunnelproof_vectors::{Expect, Vector};

use super::generate::{Case, Recipe};
use super::kind::Kind;
use super::oracle::Oracle;
use crate::verdict::Verdict;

/// Octets longer than this are keys and messages of the handshake: not worth cutting up.
const LONG: usize = 1100;
/// Fields that hold a word or a number, not octets.
const NUMBERS: [&str; 5] = ["n", "now", "now_ms", "challenge_ttl_ms", "token_ttl_ms"];
const WORDS: [&str; 4] = ["type", "direction", "role", "lookup"];

type Input = Map<String, Value>;

/// A case that shows a difference.
#[derive(Debug, Clone)]
pub struct Shown {
    pub recipe: Recipe,
    pub vector: Vector,
    pub verdict: Verdict,
}

/// What shrinking came to.
pub struct Shrunk {
    pub shown: Shown,
    /// How often the subject was asked.
    pub attempts: usize,
}

/// Asks reference and subject until the case is as small as it gets, or the subject was asked `most` times.
pub fn shrink(
    shown: Shown,
    oracle: &mut Oracle,
    ask: &mut dyn FnMut(&Vector) -> Option<Verdict>,
    most: usize,
) -> Shrunk {
    let kind = Kind::of(&shown.vector, &shown.verdict);
    let mut shrinking = Shrinking { kind, oracle, ask, most, attempts: 0, shown };
    shrinking.leave_out_flaws();
    let base = shrinking.shown.recipe.base().case().input;
    shrinking.exhaust(&|input| towards(input, &base));
    let kept = if shrinking.shown.vector.is_negative() { base } else { Map::new() };
    shrinking.exhaust(&|input| cuts(input, &kept));
    Shrunk { shown: shrinking.shown, attempts: shrinking.attempts }
}

struct Shrinking<'a> {
    kind: Kind,
    oracle: &'a mut Oracle,
    ask: &'a mut dyn FnMut(&Vector) -> Option<Verdict>,
    most: usize,
    attempts: usize,
    shown: Shown,
}

impl Shrinking<'_> {
    fn leave_out_flaws(&mut self) {
        while let Some(simpler) = {
            let recipes: Vec<Recipe> = self.shown.recipe.simpler().collect();
            recipes
                .into_iter()
                .find_map(|recipe| self.shows(&recipe.case()).map(|shown| (recipe, shown)))
        } {
            let (recipe, (vector, verdict)) = simpler;
            self.shown = Shown { recipe, vector, verdict };
        }
    }

    /// Takes a candidate that shows the difference, as long as there is one.
    fn exhaust(&mut self, candidates: &dyn Fn(&Input) -> Vec<Input>) {
        let mut from = 0;
        while self.attempts < self.most {
            let all = candidates(&self.shown.vector.input);
            let found = (from..all.len()).find_map(|at| {
                let case = self.case(all[at].clone());
                if self.attempts >= self.most || !is_sendable(&case) {
                    return None;
                }
                Some((at, self.shows(&case)?))
            });
            match found {
                // The candidates before it were tried a moment ago.
                Some((at, (vector, verdict))) => {
                    from = at;
                    self.shown.vector = vector;
                    self.shown.verdict = verdict;
                }
                None if from > 0 => from = 0,
                None => return,
            }
        }
    }

    fn case(&self, input: Map<String, Value>) -> Case {
        Case { input, ..self.shown.recipe.case() }
    }

    /// The vector and verdict of a case, if it shows the same kind of difference.
    fn shows(&mut self, case: &Case) -> Option<(Vector, Verdict)> {
        let vector = self.oracle.vector(self.shown.vector.id.clone(), case).ok()?;
        if vector.input == self.shown.vector.input {
            return None;
        }
        if ends_late(&vector) || ends_early(&vector) {
            return None;
        }
        self.attempts += 1;
        let verdict = (self.ask)(&vector)?;
        (verdict.is_red() && Kind::of(&vector, &verdict) == self.kind).then_some((vector, verdict))
    }
}

/// Whether the end of the transport may have come after a deadline, which is never sent.
fn ends_late(vector: &Vector) -> bool {
    let events = vector.input.get("events").and_then(Value::as_array).into_iter().flatten();
    let timeout = matches!(&vector.expect, Expect::Reject(reject) if reject.codes == ["timeout"]);
    timeout && events.into_iter().any(|event| event.get("end").is_some())
}

/// Whether the transport of a channel's server ends while it waits for the open record.
fn ends_early(vector: &Vector) -> bool {
    let Expect::Accept(out) = &vector.expect else { return false };
    let list = |map: &Input, name: &str| map.get(name).and_then(Value::as_array).cloned();
    let (Some(events), Some(results)) = (list(&vector.input, "events"), list(out, "results"))
    else {
        return false;
    };
    let waits = vector.input["role"] == "server" && vector.input["start"].get("m1").is_some();
    let before = events.iter().position(|event| event.get("end").is_some());
    let waiting = |result: &Value| result["error"]["codes"][0] == "not_established";
    waits && before.is_some_and(|end| results.iter().take(end).all(waiting))
}

/// Times do not go back.
fn is_sendable(case: &Case) -> bool {
    let events = case.input.get("events").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let times: Vec<u64> = events.iter().filter_map(|event| event["at"].as_u64()).collect();
    times.is_sorted()
}

/// Inputs that have one more value in common with the base.
fn towards(input: &Map<String, Value>, base: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let mut edits = Edits { towards: true, found: Vec::new() };
    edits.within(
        &Value::Object(input.clone()),
        Some(&Value::Object(base.clone())),
        "",
        &mut Vec::new(),
    );
    let extra = input.keys().filter(|key| !base.contains_key(*key));
    extra.map(|key| without(input, key)).chain(edits.applied(input)).collect()
}

/// Smaller inputs, the most daring first; what is as in `kept` stays.
fn cuts(input: &Map<String, Value>, kept: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let mut edits = Edits { towards: false, found: Vec::new() };
    edits.within(
        &Value::Object(input.clone()),
        Some(&Value::Object(kept.clone())),
        "",
        &mut Vec::new(),
    );
    let extra = input.keys().filter(|key| !kept.contains_key(*key));
    extra.map(|key| without(input, key)).chain(edits.applied(input)).collect()
}

fn without(input: &Map<String, Value>, key: &str) -> Map<String, Value> {
    let mut input = input.clone();
    input.remove(key);
    input
}

#[derive(Clone)]
enum Step {
    Key(String),
    Item(usize),
}

fn follow<'v>(value: &'v mut Value, path: &[Step]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Item(index) => value.get_mut(*index),
    })
}

/// What may stand in the place of parts of an input.
struct Edits {
    /// The base's values, or smaller ones.
    towards: bool,
    found: Vec<(Vec<Step>, Value)>,
}

impl Edits {
    fn within(&mut self, value: &Value, base: Option<&Value>, key: &str, path: &mut Vec<Step>) {
        if base == Some(value) {
            return;
        }
        match value {
            Value::Object(object) if !object.contains_key("repeat") => {
                for (key, inner) in object {
                    path.push(Step::Key(key.clone()));
                    self.within(inner, base.and_then(|base| base.get(key)), key, path);
                    path.pop();
                }
            }
            Value::Array(items) => {
                if !self.towards {
                    self.fewer_items(items, path);
                }
                let same = base.and_then(Value::as_array).filter(|base| base.len() == items.len());
                for (index, inner) in items.iter().enumerate() {
                    path.push(Step::Item(index));
                    self.within(inner, same.and_then(|base| base.get(index)), key, path);
                    path.pop();
                }
            }
            _ if self.towards => {}
            _ => self.smaller(value, key, path),
        }
        if let (true, Some(base)) = (self.towards && !path.is_empty(), base) {
            self.found.push((path.clone(), base.clone()));
        }
    }

    fn fewer_items(&mut self, items: &[Value], path: &[Step]) {
        let half = items.len() / 2;
        if half > 0 {
            self.found.push((path.to_vec(), items[..half].into()));
            self.found.push((path.to_vec(), items[half..].into()));
        }
        for index in (0..items.len()).rev() {
            let mut fewer = items.to_vec();
            fewer.remove(index);
            self.found.push((path.to_vec(), fewer.into()));
        }
    }

    fn smaller(&mut self, value: &Value, key: &str, path: &[Step]) {
        let smaller: Vec<Value> = match value {
            Value::Object(repeated) => {
                let length = repeated["length"].as_u64().unwrap_or(0);
                let shorter = smaller_numbers(length).into_iter();
                shorter
                    .map(|length| json!({ "repeat": repeated["repeat"], "length": length }))
                    .collect()
            }
            Value::Number(number) => {
                smaller_numbers(number.as_u64().unwrap_or(0)).into_iter().map(Value::from).collect()
            }
            Value::String(text) if NUMBERS.contains(&key) => {
                let numbers = smaller_numbers(text.parse().unwrap_or(0)).into_iter();
                numbers.map(|number| number.to_string().into()).collect()
            }
            Value::String(text) if !WORDS.contains(&key) => {
                fewer_octets(text).into_iter().map(Value::from).collect()
            }
            _ => Vec::new(),
        };
        self.found.extend(smaller.into_iter().map(|value| (path.to_vec(), value)));
    }

    fn applied(self, input: &Map<String, Value>) -> impl Iterator<Item = Map<String, Value>> {
        let whole = Value::Object(input.clone());
        self.found.into_iter().filter_map(move |(path, value)| {
            let mut changed = whole.clone();
            *follow(&mut changed, &path)? = value;
            match changed {
                Value::Object(object) => Some(object),
                _ => None,
            }
        })
    }
}

fn smaller_numbers(number: u64) -> Vec<u64> {
    let mut smaller = vec![0, 1, number / 2, number - number / 8, number.saturating_sub(1)];
    smaller.retain(|other| *other < number);
    smaller.dedup();
    smaller
}

/// Octets in hexadecimal: none, half, one less, or zeros.
fn fewer_octets(text: &str) -> Vec<String> {
    let octets = text.len() / 2;
    if octets == 0 || octets > LONG || !text.is_ascii() {
        return Vec::new();
    }
    let half = 2 * (octets / 2);
    let mut fewer = vec![String::new(), text[..half].to_owned(), text[half..].to_owned()];
    fewer.push(text[..text.len() - 2].to_owned());
    fewer.push(text[2..].to_owned());
    fewer.push("00".repeat(octets));
    fewer.retain(|other| other != text);
    fewer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::generate::OP_NAMES;
    use crate::verdict::FailKind;

    /// A subject that accepts every id; what it finds is shrunk.
    #[test]
    fn a_finding_becomes_the_base_with_one_flaw() {
        assert!(OP_NAMES.contains(&"cred.make"));
        let mut oracle = Oracle::default();
        let mut ask = |vector: &Vector| {
            let refused = matches!(vector.expect, Expect::Reject(_));
            let id = vector.input["id"].as_str().unwrap_or_default();
            let (at, expected, found) = ("outcome".into(), "reject".into(), "ok".into());
            let kind = FailKind::WrongAccept;
            Some(if refused && id.len() > 2 * 255 {
                Verdict::Fail { kind, at, expected, found }
            } else {
                Verdict::Pass
            })
        };
        let mut shrunk = 0;
        for number in 0..2000 {
            let Some(recipe) = Recipe::of(2, number, &|op| op == "cred.make") else { continue };
            let id = format!("cred/fuzz/{number}");
            let vector = oracle.vector(id, &recipe.case()).expect("an answer");
            let Some(verdict @ Verdict::Fail { .. }) = ask(&vector) else { continue };
            let shown = Shown { recipe, vector, verdict };
            let Shrunk { shown, attempts } = shrink(shown, &mut oracle, &mut ask, 400);
            assert!(attempts < 400, "case {number}: {attempts} attempts");
            assert_eq!(shown.recipe.case().flaws, ["the id is none"], "case {number}");
            let base = shown.recipe.base().case().input;
            let input = &shown.vector.input;
            assert_eq!(input["client_password"], base["client_password"]);
            assert_eq!(input["server_password"], base["server_password"]);
            let length = input["id"].as_str().map_or(0, str::len);
            assert_eq!(length, 2 * 256, "case {number}: the id could be shorter");
            shrunk += 1;
        }
        assert!(shrunk > 5, "only {shrunk} cases");
    }
}
