//! What makes a good suite, beyond what loading demands.
//!
//! | rule | what it says |
//! |---|---|
//! | loads | every file loads |
//! | form | a file is laid out as the generator does: no key twice, keys and ids in order |
//! | schema | a file is valid under its JSON Schema |
//! | base | a base exists, is valid, and runs the same operation |
//! | negative | a negative vector has base, flaw and severity, and no other has them |
//! | requirements | each requirement is a rule of the specification, named once |
//! | level | a vector is as binding as the first of its rules |
//! | reason | class, codes and status are those of the registry |
//! | constants | every constant is used |
//! | words | groups, features and versions are known |

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::build::document_text;
use crate::error::LoadError;
use crate::suite::{self, CONSTANTS, File, Suite};
use crate::vector::{Expect, Level, Vector};

mod schema;
mod spec;

use spec::Spec;

/// One fault of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the data directory.
    pub file: String,
    /// The vector's id, if the fault is within one.
    pub vector: Option<String>,
    /// The rule that it breaks, and how.
    pub message: String,
}

impl core::fmt::Display for Finding {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(vector) = &self.vector {
            write!(f, ": {vector}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl From<LoadError> for Finding {
    fn from(error: LoadError) -> Self {
        let LoadError { file, vector, field, problem } = error;
        let place = if field.is_empty() { String::new() } else { format!("{field}: ") };
        Self { file, vector, message: format!("loads: {place}{problem}") }
    }
}

/// Checks the committed suite, compiled in.
#[must_use]
pub fn lint_embedded() -> Vec<Finding> {
    lint(&suite::embedded_files())
}

/// Checks the suite of a data directory.
#[must_use]
pub fn lint_dir(data: &Path) -> Vec<Finding> {
    match suite::read_files(data) {
        Ok(files) => lint(&files),
        Err(error) => vec![error.into()],
    }
}

fn lint(files: &[File<'_>]) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    for file in files {
        lint_file(file, &mut findings);
    }
    constants(files, &mut findings);
    match Suite::from_files(files) {
        Ok(suite) => lint_suite(&suite, &Spec::embedded(), &mut findings),
        Err(error) => findings.0.push(error.into()),
    }
    findings.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn file(&mut self, file: &str, message: String) {
        self.0.push(Finding { file: file.to_owned(), vector: None, message });
    }

    fn vector(&mut self, vector: &Vector, message: String) {
        self.0.push(Finding {
            file: format!("{}.json", vector.family()),
            vector: Some(vector.id.clone()),
            message,
        });
    }
}

fn lint_file(file: &File<'_>, findings: &mut Findings) {
    let Ok(document) = serde_json::from_slice::<Value>(&file.octets) else {
        return; // Loading says so.
    };
    for problem in schema::problems(file.path == CONSTANTS, &document) {
        findings.file(&file.path, format!("schema: {problem}"));
    }
    if document_text(&document).as_bytes() != &*file.octets {
        findings.file(&file.path, "form: not laid out as the generator does".to_owned());
    }
    let ids: Vec<_> = document["vectors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|vector| vector["id"].as_str())
        .collect();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] >= pair[1]) {
        findings.file(&file.path, format!("form: {} is not before {}", pair[0], pair[1]));
    }
}

fn constants(files: &[File<'_>], findings: &mut Findings) {
    let documents: Vec<(&str, Value)> = files
        .iter()
        .filter_map(|file| Some((&*file.path, serde_json::from_slice(&file.octets).ok()?)))
        .collect();
    let mut used_anywhere = BTreeSet::new();
    for (path, document) in documents.iter().filter(|(path, _)| *path != CONSTANTS) {
        let mut used = BTreeSet::new();
        names_used(&document["vectors"], &mut used);
        unused(path, document, &used, findings);
        used_anywhere.extend(used);
    }
    for (path, document) in documents.iter().filter(|(path, _)| *path == CONSTANTS) {
        unused(path, document, &used_anywhere, findings);
    }
}

fn unused(path: &str, document: &Value, used: &BTreeSet<String>, findings: &mut Findings) {
    for name in document["constants"].as_object().into_iter().flat_map(|object| object.keys()) {
        if !used.contains(name) {
            findings.file(path, format!("constants: `{name}` is not used"));
        }
    }
}

fn names_used(value: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(name) = object.get("const").and_then(Value::as_str) {
                used.insert(name.to_owned());
            }
            object.values().for_each(|value| names_used(value, used));
        }
        Value::Array(items) => items.iter().for_each(|item| names_used(item, used)),
        _ => {}
    }
}

fn lint_suite(suite: &Suite, spec: &Spec, findings: &mut Findings) {
    let by_id: BTreeMap<&str, &Vector> =
        suite.vectors.iter().map(|vector| (vector.id.as_str(), vector)).collect();
    for vector in &suite.vectors {
        negative(vector, findings);
        if let Some(base) = &vector.base {
            match by_id.get(base.as_str()) {
                None => findings.vector(vector, format!("base: {base} does not exist")),
                Some(base) if base.is_negative() => {
                    findings.vector(vector, format!("base: {} is negative", base.id));
                }
                Some(base) if base.op != vector.op => {
                    findings.vector(vector, format!("base: {} runs {}", base.id, base.op));
                }
                Some(base) if base.input == vector.input => {
                    findings.vector(vector, format!("base: {} has the same input", base.id));
                }
                Some(_) => {}
            }
        }
        requirements(vector, spec, findings);
        reasons(vector, spec, findings);
        words(vector, suite, spec, findings);
    }
}

fn negative(vector: &Vector, findings: &mut Findings) {
    let has = [
        ("base", vector.base.is_some()),
        ("flaw", vector.flaw.is_some()),
        ("severity", vector.severity.is_some()),
    ];
    for (name, present) in has {
        if vector.is_negative() && !present {
            findings.vector(vector, format!("negative: no `{name}`"));
        }
        if !vector.is_negative() && present {
            findings.vector(vector, format!("negative: `{name}` without a refusal"));
        }
    }
}

fn requirements(vector: &Vector, spec: &Spec, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for id in &vector.requirements {
        if !seen.insert(id) {
            findings.vector(vector, format!("requirements: {id} twice"));
        }
        if spec.level(id).is_none() {
            findings.vector(vector, format!("requirements: {id} is not in the specification"));
        }
    }
    let first = vector.requirements.first().and_then(|id| spec.level(id));
    if let Some(level) = first.filter(|level| *level != vector.level) {
        findings.vector(vector, format!("level: its first rule is {}", level.name()));
    }
}

fn reasons(vector: &Vector, spec: &Spec, findings: &mut Findings) {
    let area = vector.area();
    let mut check = |class: &str, codes: &mut dyn Iterator<Item = &str>| {
        for code in codes {
            match spec.class(area, code) {
                None => findings.vector(vector, format!("reason: no code {area} {code}")),
                Some(other) if other != class => {
                    findings.vector(vector, format!("reason: {code} is of class {other}"));
                }
                Some(_) => {}
            }
        }
    };
    match &vector.expect {
        Expect::Reject(reject) => {
            check(&reject.class, &mut reject.codes.iter().map(String::as_str));
            if (area == "tok") != reject.status.is_some() {
                let message = "reason: a status belongs to refusals of tokens, and to all of them";
                findings.vector(vector, message.to_owned());
            }
        }
        Expect::Accept(out) => {
            let results = out.get("results").and_then(Value::as_array).into_iter().flatten();
            for error in results.filter_map(|result| result.get("error")) {
                let codes = error["codes"].as_array().into_iter().flatten();
                let class = error["class"].as_str().unwrap_or_default();
                check(class, &mut codes.filter_map(Value::as_str));
            }
        }
    }
}

fn words(vector: &Vector, suite: &Suite, spec: &Spec, findings: &mut Findings) {
    for feature in &vector.requires {
        if !["large", "release-delay", "tls-exporter"].contains(&feature.as_str()) {
            findings.vector(vector, format!("words: no feature `{feature}`"));
        }
    }
    if let Some(group) = vector.group.as_ref().filter(|group| !spec.has_group(group)) {
        findings.vector(vector, format!("words: no group `{group}`"));
    }
    if vector.level == Level::Should && vector.bug.is_some() {
        findings.vector(vector, "words: a bug in a vector that is only a SHOULD".to_owned());
    }
    let version = |text: &str| -> Option<Vec<u64>> {
        let parts: Option<Vec<u64>> = text.split('.').map(|part| part.parse().ok()).collect();
        parts.filter(|parts| parts.len() == 3)
    };
    match (version(&vector.since), version(&suite.version)) {
        (Some(since), Some(current)) if since <= current => {}
        _ => findings.vector(vector, format!("words: no version `{}` until now", vector.since)),
    }
}
