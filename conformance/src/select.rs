//! Which vectors are run: by pattern, area, requirement and shard. Selecting nothing is an error.

use std::str::FromStr;

use globset::{Glob, GlobMatcher};
use tunnelproof_vectors::{Suite, Vector};

/// What the user has asked for; empty lists select everything.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Globs over ids; a vector needs to match one.
    pub patterns: Vec<String>,
    pub areas: Vec<String>,
    /// Requirement ids; a vector needs to test one.
    pub requirements: Vec<String>,
    pub shard: Option<Shard>,
}

/// The `index`-th (from 1) of `count` parts of the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    pub index: usize,
    pub count: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text.split_once('/').map(|(index, count)| (index.parse(), count.parse()));
        match parts {
            Some((Ok(index), Ok(count))) if 1 <= index && index <= count => {
                Ok(Shard { index, count })
            }
            _ => Err("a shard is I/N with 1 <= I <= N, as in 2/4".into()),
        }
    }
}

impl Filter {
    /// How the selection is worded in reports; None if it is the whole suite.
    pub fn describe(&self) -> Option<String> {
        let mut parts = self.patterns.clone();
        parts.extend(self.areas.iter().map(|area| format!("--area {area}")));
        parts.extend(self.requirements.iter().map(|id| format!("--requirement {id}")));
        parts.extend(self.shard.map(|shard| format!("--shard {}/{}", shard.index, shard.count)));
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// The selected vectors, in the order of the suite.
    ///
    /// # Errors
    /// A sentence for the user, if a pattern is malformed or any part of the filter matches nothing.
    pub fn select<'a>(&self, suite: &'a Suite) -> Result<Vec<&'a Vector>, String> {
        let globs: Vec<GlobMatcher> =
            self.patterns.iter().map(|p| glob(p)).collect::<Result<_, _>>()?;
        for (pattern, glob) in self.patterns.iter().zip(&globs) {
            if !suite.vectors.iter().any(|vector| glob.is_match(&vector.id)) {
                return Err(format!("no vector matches {pattern:?}{}", hint(suite, pattern)));
            }
        }
        for area in &self.areas {
            if !suite.vectors.iter().any(|vector| vector.area() == area) {
                let areas = areas(suite).join(", ");
                return Err(format!("no vector is in the area {area:?}; the areas are {areas}"));
            }
        }
        for id in &self.requirements {
            if !suite.vectors.iter().any(|vector| vector.requirements.contains(id)) {
                return Err(format!(
                    "no vector tests {id:?}; `tunnelproof explain {id}` may tell why"
                ));
            }
        }
        let is_selected = |vector: &&Vector| {
            (globs.is_empty() || globs.iter().any(|glob| glob.is_match(&vector.id)))
                && (self.areas.is_empty() || self.areas.iter().any(|area| vector.area() == area))
                && (self.requirements.is_empty()
                    || vector.requirements.iter().any(|id| self.requirements.contains(id)))
        };
        let mut cases: Vec<&Vector> = suite.vectors.iter().filter(is_selected).collect();
        if let Some(Shard { index, count }) = self.shard {
            cases = cases.into_iter().skip(index - 1).step_by(count).collect();
        }
        if cases.is_empty() {
            return Err(format!("nothing is selected by {}", self.describe().unwrap_or_default()));
        }
        Ok(cases)
    }
}

/// A glob over ids: `*` within a part, `**` across parts, `?`, `[a-z]`, `{a,b}`.
///
/// # Errors
/// A sentence for the user.
pub fn glob(pattern: &str) -> Result<GlobMatcher, String> {
    // `hs/*` is meant as "all of hs" by everybody who types it, so `*` may match a slash.
    Glob::new(pattern).map(|glob| glob.compile_matcher()).map_err(|e| format!("bad pattern: {e}"))
}

/// The areas of the suite, in its order.
pub fn areas(suite: &Suite) -> Vec<&str> {
    let mut areas: Vec<&str> = suite.vectors.iter().map(Vector::area).collect();
    areas.dedup();
    let mut seen = Vec::new();
    areas.retain(|area| {
        let new = !seen.contains(area);
        seen.push(area);
        new
    });
    areas
}

/// Ids that look like what was meant.
fn hint(suite: &Suite, pattern: &str) -> String {
    if std::path::Path::new(pattern).is_file() {
        return format!("; a shim goes after `--`: tunnelproof run -- {pattern}");
    }
    let last = pattern.rsplit('/').next().unwrap_or(pattern);
    let near: Vec<&str> = suite
        .vectors
        .iter()
        .map(|vector| vector.id.as_str())
        .filter(|id| !last.is_empty() && id.contains(last))
        .take(3)
        .collect();
    if near.is_empty() {
        "; `tunnelproof list` shows all ids".into()
    } else {
        format!("; did you mean {}?", near.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(suite: &Suite, filter: Filter) -> Vec<&str> {
        let selected = filter.select(suite).expect("something is selected");
        selected.into_iter().map(|vector| vector.id.as_str()).collect()
    }

    #[test]
    fn the_parts_of_a_filter_narrow_it() {
        let suite = Suite::embedded().expect("the vectors load");
        let all = ids(&suite, Filter::default());
        assert_eq!(all.len(), suite.vectors.len());
        let patterns = vec!["hs/*".to_owned(), "tok/*".to_owned()];
        let two = ids(&suite, Filter { patterns: patterns.clone(), ..Filter::default() });
        assert!(two.iter().all(|id| id.starts_with("hs/") || id.starts_with("tok/")));
        let areas = vec!["tok".to_owned()];
        let one = ids(&suite, Filter { patterns, areas, ..Filter::default() });
        assert!(one.len() < two.len() && one.iter().all(|id| id.starts_with("tok/")));
        let requirements = vec!["CRED-022".to_owned()];
        let by_rule = Filter { requirements, ..Filter::default() };
        assert!(by_rule.select(&suite).is_ok_and(|vectors| {
            vectors.iter().all(|vector| vector.requirements.iter().any(|id| id == "CRED-022"))
        }));
    }

    #[test]
    fn shards_are_disjoint_and_together_the_whole() {
        let suite = Suite::embedded().expect("the vectors load");
        let mut all = ids(&suite, Filter::default());
        let mut parts: Vec<&str> = (1..=7)
            .flat_map(|index| {
                let shard = Some(Shard { index, count: 7 });
                ids(&suite, Filter { shard, ..Filter::default() })
            })
            .collect();
        all.sort_unstable();
        parts.sort_unstable();
        assert_eq!(all, parts);
    }

    #[test]
    fn a_selection_is_worded_as_it_was_asked_for() {
        assert_eq!(Filter::default().describe(), None);
        let filter = Filter {
            patterns: vec!["hs/*".into()],
            requirements: vec!["HS-014".into()],
            shard: "2/3".parse().ok(),
            ..Filter::default()
        };
        assert_eq!(filter.describe().as_deref(), Some("hs/* --requirement HS-014 --shard 2/3"));
    }
}
