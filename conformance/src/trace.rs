//! From each rule to the code that cites it and the vectors and live cases that test it, and what is missing there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tunnelproof_vectors::Suite;

use crate::spec::{Spec, is_id};

/// A `// spec: HS-014` in the code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Citation {
    /// The rule.
    pub id: String,
    /// The file, relative to the checkout, with `/`.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

/// A rule that has no code, or neither a vector nor a live case, and why.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The rule.
    pub id: String,
    /// What it does not have.
    pub kind: Lacking,
    /// Why not.
    pub reason: String,
}

/// What a rule does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lacking {
    /// No code of the reference cites it.
    Code,
    /// No vector and no live case tests it.
    Vector,
}

/// A rule with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The rule.
    pub id: String,
    /// Where in spec/ it stands.
    pub spec: String,
    /// `file:line` of each citation.
    pub code: Vec<String>,
    /// The ids of the vectors and of the live cases.
    pub vectors: Vec<String>,
}

/// Reads `spec/exceptions.toml`.
///
/// # Errors
/// What is wrong with it.
pub fn exceptions(text: &str) -> Result<Vec<Exception>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default)]
        exception: Vec<Exception>,
    }
    toml::from_str::<File>(text).map(|file| file.exception).map_err(|e| e.to_string())
}

/// The root of the checkout that the current directory lies in, if any.
#[must_use]
pub fn checkout() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let is_root = |directory: &&Path| {
        directory.join("spec/3-handshake.md").is_file() && directory.join("reference/src").is_dir()
    };
    here.ancestors().find(is_root).map(Path::to_owned)
}

/// All citations in `reference/src`, `reference/net/src` and `reference/tls/src`, and those that can't be read as such.
///
/// # Errors
/// If a file can't be read.
pub fn citations(root: &Path) -> io::Result<(Vec<Citation>, Vec<String>)> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let mut directories: Vec<PathBuf> = ["reference/src", "reference/net/src", "reference/tls/src"]
        .map(|part| root.join(part))
        .into();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name =
                    path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                cited(&name, &fs::read_to_string(&path)?, &mut found, &mut faults);
            }
        }
    }
    found.sort();
    Ok((found, faults))
}

/// The citations of one file: `// spec: HS-014, HS-015 (a remark); more remarks`.
fn cited(file: &str, text: &str, found: &mut Vec<Citation>, faults: &mut Vec<String>) {
    for (index, line) in text.lines().enumerate() {
        let Some((_, cited)) = line.split_once("// spec:") else { continue };
        let without_remarks = without_remarks(cited);
        for id in without_remarks.split(',').map(str::trim) {
            if is_id(id) {
                found.push(Citation { id: id.to_owned(), file: file.to_owned(), line: index + 1 });
            } else {
                faults.push(format!(
                    "{file}:{}: {id:?} is not an id, as in `// spec: HS-014`",
                    index + 1
                ));
            }
        }
    }
}

/// A citation up to its semicolon, without what is in brackets.
fn without_remarks(cited: &str) -> String {
    let mut depth = 0;
    let mut text = String::new();
    for c in cited.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ';' if depth == 0 => break,
            c if depth == 0 => text.push(c),
            _ => {}
        }
    }
    text
}

/// Every rule with its code and its vectors.
#[must_use]
pub fn table(spec: &Spec, citations: &[Citation], suite: &Suite) -> Vec<Row> {
    let row = |rule: &crate::spec::Rule| Row {
        id: rule.id.clone(),
        spec: format!("spec/{}:{}", rule.file, rule.line),
        code: citations
            .iter()
            .filter(|citation| citation.id == rule.id)
            .map(|citation| format!("{}:{}", citation.file, citation.line))
            .collect(),
        vectors: suite
            .vectors
            .iter()
            .filter(|vector| vector.requirements.contains(&rule.id))
            .map(|vector| vector.id.clone())
            .collect(),
    };
    spec.rules.iter().map(row).collect()
}

/// Everything that does not fit together.
#[must_use]
pub fn problems(
    spec: &Spec,
    citations: &[Citation],
    suite: &Suite,
    exceptions: &[Exception],
) -> Vec<String> {
    let mut problems: Vec<String> =
        spec.faults.iter().map(|f| format!("spec/{}:{}: {}", f.file, f.line, f.text)).collect();
    let known: BTreeSet<&str> = spec.rules.iter().map(|rule| rule.id.as_str()).collect();
    for citation in citations.iter().filter(|citation| !known.contains(&*citation.id)) {
        let Citation { id, file, line } = citation;
        problems.push(format!("{file}:{line}: cites {id}, which is no rule"));
    }
    for vector in &suite.vectors {
        for id in vector.requirements.iter().filter(|id| !known.contains(id.as_str())) {
            problems.push(format!("vector {}: names {id}, which is no rule", vector.id));
        }
    }
    let mut excused: BTreeMap<(&str, Lacking), usize> = BTreeMap::new();
    for exception in exceptions {
        let Exception { id, kind, reason } = exception;
        if !known.contains(id.as_str()) {
            problems.push(format!("spec/exceptions.toml: {id} is no rule"));
        }
        if reason.trim().is_empty() {
            problems.push(format!("spec/exceptions.toml: {id}, {kind:?}: no reason"));
        }
        *excused.entry((id, *kind)).or_default() += 1;
    }
    for ((id, kind), _) in excused.iter().filter(|(_, count)| **count > 1) {
        problems.push(format!("spec/exceptions.toml: {id}, {kind:?} is there twice"));
    }
    for row in table(spec, citations, suite) {
        for (kind, have, what) in [
            (Lacking::Code, !row.code.is_empty(), "no code cites it"),
            (Lacking::Vector, !row.vectors.is_empty(), "no vector and no live case tests it"),
        ] {
            match (have, excused.contains_key(&(row.id.as_str(), kind))) {
                (false, false) => problems.push(format!(
                    "{} ({}): {what}, and spec/exceptions.toml does not say why",
                    row.id, row.spec
                )),
                (true, true) => problems.push(format!(
                    "spec/exceptions.toml: the exception of {}, {kind:?}, is not needed any more",
                    row.id
                )),
                _ => {}
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Suite {
        Suite { version: String::new(), hash: String::new(), vectors: Vec::new() }
    }

    fn exception(id: &str, kind: Lacking, reason: &str) -> Exception {
        Exception { id: id.into(), kind, reason: reason.into() }
    }

    #[test]
    fn citations_may_have_remarks() {
        let (mut found, mut faults) = (Vec::new(), Vec::new());
        let text = "x; // spec: HS-001 (a, b; c), HS-002\n\n// spec: CRED-003; and more, of it\n// spec: HS-1\n";
        cited("a.rs", text, &mut found, &mut faults);
        let found: Vec<(&str, usize)> = found.iter().map(|c| (c.id.as_str(), c.line)).collect();
        assert_eq!(found, [("HS-001", 1), ("HS-002", 1), ("CRED-003", 3)]);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("a.rs:4: \"HS-1\""));
    }

    #[test]
    fn what_does_not_fit_is_found() {
        let text = "- A MUST. **[HS-001]**\n- B MUST. **[HS-002]**\n- C MUST. **[HS-003]**\n";
        let spec = Spec::parse(&[("a.md", text)]);
        let cite = |id: &str| Citation { id: id.into(), file: "a.rs".into(), line: 1 };
        let exceptions = [
            exception("HS-001", Lacking::Vector, "is about the caller"),
            exception("HS-002", Lacking::Vector, ""),
            exception("HS-002", Lacking::Code, "r"),
            exception("HS-003", Lacking::Code, "r"),
            exception("HS-009", Lacking::Code, "r"),
        ];
        let problems = problems(
            &spec,
            &[cite("HS-001"), cite("HS-003"), cite("HS-008")],
            &nothing(),
            &exceptions,
        );
        for part in [
            "a.rs:1: cites HS-008",
            "exceptions.toml: HS-009 is no rule",
            "HS-002, Vector: no reason",
            "exception of HS-003, Code, is not needed",
            "HS-003 (spec/a.md:3): no vector and no live case tests it",
        ] {
            assert!(
                problems.iter().any(|problem| problem.contains(part)),
                "{part} is not in {problems:?}"
            );
        }
        assert_eq!(problems.len(), 5, "{problems:?}");
    }

    #[test]
    fn exceptions_are_parsed_strictly() {
        let text = "[[exception]]\nid = \"HS-001\"\nkind = \"code\"\nreason = \"r\"\n";
        assert_eq!(exceptions(text), Ok(vec![exception("HS-001", Lacking::Code, "r")]));
        assert!(
            exceptions("[[exception]]\nid = \"HS-001\"\nkind = \"test\"\nreason = \"r\"\n")
                .is_err()
        );
        assert!(exceptions("[[exceptions]]\n").is_err());
    }
}
