//! A case that was found, as a vector that is ready to be committed: a document of its own, with the valid
//! vector that it differs from.

use serde_json::{Map, Value, json};
use tunnelproof_vectors::build::document_text;
use tunnelproof_vectors::{Expect, Level, Reject, Severity, Suite, Vector};

use super::generate::Recipe;
use super::kind::Kind;
use super::oracle::Oracle;
use super::shrink::Shown;
use crate::spec::{FILES, Spec, is_id};

/// How many other cases of the operation are looked at for one that is accepted.
const BASES: u64 = 400;

/// The vector, and its base if it is negative and one is known.
pub fn vectors(shown: &Shown, suite: &Suite, seed: u64, number: u64) -> Vec<Vector> {
    let mut oracle = Oracle::default();
    let mut vector = shown.vector.clone();
    let native = oracle.ask(&vector.op, &vector.input).ok().and_then(|answered| answered.native);
    vector.since.clone_from(&suite.version);
    vector.requirements = rules(&vector, native.as_deref());
    vector.level = level(&vector.requirements[0]);
    let flaws = shown.recipe.case().flaws;
    let kind = Kind::of(&vector, &shown.verdict);
    vector.note = format!(
        "Found by the fuzzer (seed {seed}, case {number}): an implementation answered with {}.",
        kind.verdict
    );
    if !vector.is_negative() {
        return vec![vector];
    }
    let Some(mut base) = base(&shown.recipe, &vector, &mut oracle, seed) else {
        return vec![vector];
    };
    base.id = format!("{}-base", vector.id);
    base.since.clone_from(&suite.version);
    base.requirements = rules(&base, None);
    base.level = level(&base.requirements[0]);
    base.note = "The valid case that the one beside it differs from.".to_owned();
    vector.base = Some(base.id.clone());
    vector.flaw = Some(if flaws.is_empty() { "other values".to_owned() } else { flaws.join("; ") });
    vector.severity = Some(severity(&vector));
    vec![vector, base]
}

/// The vectors as a document in the format and layout of the committed files, constants named.
pub fn text(vectors: &[Vector], constants: &Map<String, Value>) -> String {
    let mut vectors: Vec<&Vector> = vectors.iter().collect();
    vectors.sort_by(|a, b| a.id.cmp(&b.id));
    let family = vectors.first().map_or("", |vector| vector.family());
    let document = json!({
        "format": 1,
        "family": family,
        "about": "Found by `tunnelproof fuzz`.",
        "constants": {},
        "vectors": vectors.into_iter().map(|vector| written(vector, constants)).collect::<Vec<_>>(),
    });
    document_text(&document)
}

fn written(vector: &Vector, constants: &Map<String, Value>) -> Value {
    let expect = match &vector.expect {
        Expect::Accept(out) => json!({ "accept": out }),
        Expect::Reject(Reject { class, codes, status, out }) => {
            let mut reject = json!({ "class": class, "codes": codes });
            if let Some(status) = status {
                reject["status"] = json!(status);
            }
            if let Some(out) = out {
                reject["out"] = json!(out);
            }
            json!({ "reject": reject })
        }
    };
    let mut value = json!({
        "id": vector.id,
        "since": vector.since,
        "requirements": vector.requirements,
        "level": vector.level.name(),
        "op": vector.op,
        "in": named(&Value::Object(vector.input.clone()), constants),
        "expect": named(&expect, constants),
        "note": vector.note,
    });
    let optional = [
        ("base", vector.base.as_deref()),
        ("flaw", vector.flaw.as_deref()),
        ("severity", vector.severity.map(Severity::name)),
    ];
    for (key, field) in optional {
        if let Some(field) = field {
            value[key] = field.into();
        }
    }
    if !vector.requires.is_empty() {
        value["requires"] = json!(vector.requires);
    }
    value
}

/// With the names of long values that are constants.
fn named(value: &Value, constants: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) if text.len() > 64 => {
            let name = constants.iter().find(|(_, constant)| *constant == value);
            name.map_or_else(|| value.clone(), |(name, _)| json!({ "const": name }))
        }
        Value::Object(object) => {
            let fields = object.iter().map(|(key, value)| (key.clone(), named(value, constants)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.iter().map(|item| named(item, constants)).collect(),
        other => other.clone(),
    }
}

/// An accepted case of the same operation: what the case was made from, or else another.
fn base(recipe: &Recipe, vector: &Vector, oracle: &mut Oracle, seed: u64) -> Option<Vector> {
    let of_op = |op: &str| op == vector.op;
    let others = (0..BASES).filter_map(|number| Recipe::of(seed, number, &of_op));
    std::iter::once(recipe.clone()).chain(others).find_map(|recipe| {
        let base = oracle.vector(String::new(), &recipe.base().case()).ok()?;
        let accepted = matches!(base.expect, Expect::Accept(_)) && !base.is_negative();
        (accepted && base.input != vector.input).then_some(base)
    })
}

/// What is lost when it is accepted, by the class of the reason.
fn severity(vector: &Vector) -> Severity {
    match reason(vector).map(|(class, _)| class) {
        Some("auth" | "binding" | "freshness" | "key") => Severity::Security,
        Some("limit" | "state") => Severity::Robustness,
        _ => Severity::Interop,
    }
}

/// Class and code of the refusal, or of the first error among the results.
fn reason(vector: &Vector) -> Option<(&str, &str)> {
    match &vector.expect {
        Expect::Reject(reject) => Some((&reject.class, reject.codes.first()?)),
        Expect::Accept(out) => out.get("results")?.as_array()?.iter().find_map(|result| {
            let error = result.get("error")?;
            Some((error["class"].as_str()?, error["codes"][0].as_str()?))
        }),
    }
}

/// The rules: the one that the reference names, else those of the registry for the code, else what the
/// operation is there for.
fn rules(vector: &Vector, native: Option<&str>) -> Vec<String> {
    let named = native.and_then(|text| text.strip_suffix(']')?.rsplit_once('[')).map(|(_, id)| id);
    if let Some(id) = named.filter(|id| is_id(id)) {
        return vec![id.to_owned()];
    }
    let area = vector.op.split('.').next().unwrap_or_default();
    let listed = match reason(vector) {
        Some((_, code)) => registered(area, code),
        None => Vec::new(),
    };
    if !listed.is_empty() {
        return listed;
    }
    let main: &[&str] = match vector.op.as_str() {
        "cred.make" => &["CRED-015", "CRED-016"],
        "cred.client_key" => &["CRED-017"],
        "cred.server_key" => &["CRED-021", "CRED-022"],
        "hs.spki" => &["HS-004"],
        "hs.nonce" => &["HS-025"],
        "hs.request" => &["HS-024"],
        "hs.oaep" => &["HS-012"],
        "hs.client" => &["HS-023", "HS-059"],
        "hs.reply" | "hs.server" => &["HS-048"],
        "chan.schedule" => &["CHAN-001", "CHAN-002", "CHAN-003"],
        "chan.generation" => &["CHAN-005", "CHAN-006"],
        "chan.export" => &["CHAN-040"],
        "chan.session" => &["CHAN-014", "CHAN-038"],
        "frame.stream" => &["FRAME-006", "FRAME-009"],
        "frame.websocket" => &["FRAME-001"],
        "frame.encode" => &["FRAME-006"],
        "tok.challenge" => &["TOK-003"],
        "tok.sign" => &["TOK-005"],
        "tok.issue" => &["TOK-042"],
        "tok.verify" => &["TOK-050"],
        _ => &["CHAN-010"],
    };
    main.iter().map(|id| (*id).to_owned()).collect()
}

/// The rules that the registry has for a code; `CRED-001 to CRED-003` are three.
fn registered(area: &str, code: &str) -> Vec<String> {
    let registry =
        FILES.iter().find(|(name, _)| *name == "registry.md").map_or("", |(_, text)| text);
    let spec = Spec::embedded();
    let row = registry.lines().find(|line| line.starts_with(&format!("| {area} | `{code}` |")));
    let words: Vec<&str> = row
        .unwrap_or_default()
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| !word.is_empty())
        .collect();
    let mut ids: Vec<String> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if !is_id(word) {
            continue;
        }
        if index > 1 && words[index - 1] == "to" {
            let first = words[index - 2];
            let between = spec.rules.iter().map(|rule| rule.id.as_str());
            ids.extend(
                between
                    .filter(|id| id[..] > *first && id < word && id.len() == word.len())
                    .map(str::to_owned),
            );
        }
        ids.push((*word).to_owned());
    }
    ids.retain(|id| spec.rule(id).is_some());
    ids.sort();
    ids.dedup();
    ids
}

fn level(rule: &str) -> Level {
    let spec = Spec::embedded();
    match spec.rule(rule) {
        Some(rule) if !rule.sentence.contains("MUST") => Level::Should,
        _ => Level::Must,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_come_from_the_registry_with_ranges() {
        assert_eq!(registered("hs", "stale"), ["HS-045", "HS-056"]);
        assert_eq!(registered("tok", "expired"), ["TOK-041", "TOK-047"]);
        let malformed = registered("cred", "malformed");
        assert!(malformed.contains(&"CRED-002".to_owned()), "{malformed:?}");
        assert!(malformed.contains(&"CRED-020".to_owned()), "{malformed:?}");
        assert!(!malformed.contains(&"CRED-004".to_owned()), "{malformed:?}");
        assert!(registered("hs", "none").is_empty());
    }
}
