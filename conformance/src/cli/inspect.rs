//! Commands that look at vectors and rules without running anything.

use std::io::{self, Write};

use super::args::{ExplainArgs, ListArgs};
use super::{Failure, suite};
use crate::spec::{Spec, is_id};

pub fn list(args: &ListArgs) -> Result<u8, Failure> {
    let suite = suite()?;
    let cases = args.filter.filter().select(&suite).map_err(Failure::Usage)?;
    let mut output = io::stdout().lock();
    let width = cases.iter().map(|vector| vector.id.len()).max().unwrap_or(0);
    for vector in cases {
        if args.ids {
            writeln!(output, "{}", vector.id)?;
        } else {
            let sign = if vector.is_negative() { "negative" } else { "positive" };
            let rules = vector.requirements.join(" ");
            writeln!(output, "{:<width$}  {}  {sign}  {rules}", vector.id, vector.level.name())?;
        }
    }
    Ok(0)
}

pub fn explain(args: &ExplainArgs) -> Result<u8, Failure> {
    let spec = Spec::embedded();
    let id = args.id.to_ascii_uppercase();
    let Some(rule) = spec.rule(&id) else {
        let form = if is_id(&id) { "" } else { "; ids look like HS-014" };
        return Err(Failure::Usage(format!("there is no rule {:?}{form}", args.id)));
    };
    let suite = suite()?;
    let mut output = io::stdout().lock();
    writeln!(output, "{}  (spec/{}, section {})\n", rule.id, rule.file, rule.section)?;
    writeln!(output, "{}", rule.sentence)?;
    if let Some(remark) = &rule.remark {
        writeln!(output, "\n{remark}")?;
    }
    if let Some(why) = &rule.why {
        writeln!(output, "\nWhy: {why}")?;
    }
    let vectors: Vec<_> = suite.vectors.iter().filter(|v| v.requirements.contains(&id)).collect();
    writeln!(output, "\nVectors: {}", if vectors.is_empty() { "none" } else { "" })?;
    for vector in vectors {
        writeln!(output, "  {}  {}", vector.id, vector.flaw.as_deref().unwrap_or(&vector.note))?;
    }
    Ok(0)
}
