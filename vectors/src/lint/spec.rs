//! What the specification's text says about rules, codes and groups.

use std::collections::{BTreeMap, BTreeSet};

use crate::vector::Level;

const CHAPTERS: [&str; 8] = [
    include_str!("../../../spec/1-conventions.md"),
    include_str!("../../../spec/2-credentials.md"),
    include_str!("../../../spec/3-handshake.md"),
    include_str!("../../../spec/4-channel.md"),
    include_str!("../../../spec/5-tokens.md"),
    include_str!("../../../spec/6-framing.md"),
    include_str!("../../../spec/7-mutual-tls.md"),
    include_str!("../../../spec/observability.md"),
];
const REGISTRY: &str = include_str!("../../../spec/registry.md");

/// Rules with their weight, codes with their class, and groups.
pub(super) struct Spec {
    rules: BTreeMap<String, Level>,
    codes: BTreeMap<(String, String), String>,
    groups: BTreeSet<String>,
}

impl Spec {
    pub(super) fn embedded() -> Self {
        let mut spec =
            Self { rules: BTreeMap::new(), codes: BTreeMap::new(), groups: BTreeSet::new() };
        for line in CHAPTERS.iter().flat_map(|chapter| chapter.lines()) {
            if let Some((id, level)) = rule(line) {
                spec.rules.insert(id.to_owned(), level);
            }
            // Rows of the table of groups: `| `request` | ... |`.
            if let [group, _] = cells(line)[..]
                && let Some(group) = code_span(group)
            {
                spec.groups.insert(group.to_owned());
            }
        }
        for line in REGISTRY.lines() {
            if let [area, code, class, _, _] = cells(line)[..]
                && let Some(code) = code_span(code)
            {
                spec.codes.insert((area.to_owned(), code.to_owned()), class.to_owned());
            }
        }
        spec
    }

    /// Whether the rule is a MUST or a SHOULD; `None` if there is no such rule.
    pub(super) fn level(&self, id: &str) -> Option<Level> {
        self.rules.get(id).copied()
    }

    /// The class of a code.
    pub(super) fn class(&self, area: &str, code: &str) -> Option<&str> {
        self.codes.get(&(area.to_owned(), code.to_owned())).map(String::as_str)
    }

    pub(super) fn has_group(&self, group: &str) -> bool {
        self.groups.contains(group)
    }
}

/// The id at the end of a normative sentence, and its weight; MAY counts as SHOULD.
fn rule(line: &str) -> Option<(&str, Level)> {
    let (sentence, id) = line.strip_prefix("- ")?.strip_suffix("]**")?.rsplit_once("**[")?;
    let level = if sentence.contains("MUST") { Level::Must } else { Level::Should };
    Some((id, level))
}

/// The cells of a row of a table.
fn cells(line: &str) -> Vec<&str> {
    let row = line.strip_prefix('|').and_then(|row| row.strip_suffix('|'));
    row.map_or_else(Vec::new, |row| row.split('|').map(str::trim).collect())
}

/// What a cell has between backquotes, if it has nothing else.
fn code_span(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`').filter(|text| !text.contains('`'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_codes_and_groups_are_found() {
        let spec = Spec::embedded();
        assert_eq!(spec.level("HS-014"), Some(Level::Must));
        assert_eq!(spec.level("OBS-005"), Some(Level::Should));
        assert_eq!(spec.level("HS-999"), None);
        assert_eq!(spec.class("hs", "decrypt"), Some("auth"));
        assert_eq!(spec.class("cred", "decrypt"), None);
        assert!(spec.has_group("request-secret"));
        assert!(!spec.has_group("malformed"));
        assert!(spec.rules.len() > 200, "{} rules", spec.rules.len());
    }
}
