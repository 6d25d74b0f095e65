//! Commands that look at vectors and rules without running anything.

use std::cell::LazyCell;
use std::io::{self, Write};

use serde_json::{Value, json};
use tunnelproof_vectors::{Expect, Suite, Vector};

use super::args::{ExplainArgs, ListArgs, ShowArgs, TraceArgs};
use super::{Failure, suite, with_live};
use crate::decode::{Line, decode};
use crate::live::tls::case::Case as TlsCase;
use crate::live::{self, case::Case};
use crate::spec::{Spec, is_id};
use crate::trace;

/// Lists vectors, one a line.
pub fn list(args: &ListArgs) -> Result<u8, Failure> {
    let suite = with_live(suite()?)?;
    let cases = args.filter.filter().select(&suite).map_err(Failure::Usage)?;
    list_cases(&cases, args.ids)
}

/// Lists vectors or live cases, one a line.
pub fn list_cases(cases: &[&Vector], ids: bool) -> Result<u8, Failure> {
    let mut output = io::stdout().lock();
    let width = cases.iter().map(|vector| vector.id.len()).max().unwrap_or(0);
    for vector in cases {
        if ids {
            writeln!(output, "{}", vector.id)?;
        } else {
            let sign = if vector.is_negative() { "negative" } else { "positive" };
            let rules = vector.requirements.join(" ");
            writeln!(output, "{:<width$}  {:<6}  {sign}  {rules}", vector.id, vector.level.name())?;
        }
    }
    Ok(0)
}

/// Explains a rule.
pub fn explain(args: &ExplainArgs) -> Result<u8, Failure> {
    let spec = Spec::embedded();
    let id = args.id.to_ascii_uppercase();
    let Some(rule) = spec.rule(&id) else {
        let form =
            if is_id(&id) { "; `tunnelproof trace` lists all" } else { "; ids look like HS-014" };
        return Err(Failure::Usage(format!("there is no rule {:?}{form}", args.id)));
    };
    let suite = suite()?;
    let mut output = io::stdout().lock();
    writeln!(output, "{}  (spec/{}, line {}: {})\n", rule.id, rule.file, rule.line, rule.section)?;
    writeln!(output, "{}", rule.sentence)?;
    if let Some(remark) = &rule.remark {
        writeln!(output, "\n{remark}")?;
    }
    if let Some(why) = &rule.why {
        writeln!(output, "\nWhy: {why}")?;
    }
    if let Some(root) = trace::checkout() {
        let (citations, _) = trace::citations(&root)?;
        let cited: Vec<_> = citations.iter().filter(|citation| citation.id == id).collect();
        writeln!(output, "\nCode:{}", if cited.is_empty() { " none" } else { "" })?;
        for citation in cited {
            writeln!(output, "  {}:{}", citation.file, citation.line)?;
        }
    }
    let vectors: Vec<_> = suite.vectors.iter().filter(|v| v.requirements.contains(&id)).collect();
    writeln!(output, "\nVectors:{}", if vectors.is_empty() { " none" } else { "" })?;
    for vector in vectors {
        writeln!(output, "  {}  {}", vector.id, vector.flaw.as_deref().unwrap_or(&vector.note))?;
    }
    let (live, tls) = (live::all_cases(), live::tls::all_cases());
    let live = live.iter().filter(|case| case.requirements.iter().any(|rule| *rule == id));
    let tls = tls.iter().filter(|case| case.requirements.contains(&id));
    let live: Vec<_> = (live.map(|case| (&case.id, &case.about)))
        .chain(tls.map(|case| (&case.id, &case.about)))
        .collect();
    if !live.is_empty() {
        writeln!(output, "\nLive cases:")?;
    }
    for (case, about) in live {
        writeln!(output, "  {case}  {about}")?;
    }
    Ok(0)
}

/// Prints every rule with its code, its vectors and its live cases.
pub fn trace(args: &TraceArgs) -> Result<u8, Failure> {
    let suite = with_live(suite()?)?;
    let citations = match trace::checkout() {
        Some(root) => trace::citations(&root)?.0,
        None => Vec::new(),
    };
    let mut output = io::stdout().lock();
    for row in trace::table(&Spec::embedded(), &citations, &suite) {
        if args.json {
            let line = serde_json::to_string(&row).map_err(io::Error::other)?;
            writeln!(output, "{line}")?;
            continue;
        }
        writeln!(output, "{}  {}", row.id, row.spec)?;
        for place in &row.code {
            writeln!(output, "    code    {place}")?;
        }
        for vector in &row.vectors {
            let kind = if vector.starts_with("live/") { "live" } else { "vector" };
            writeln!(output, "    {kind:<6}  {vector}")?;
        }
    }
    Ok(0)
}

/// Shows vectors.
pub fn show(args: &ShowArgs) -> Result<u8, Failure> {
    let vectors = suite()?;
    let is_vector = |id: &String| vectors.vectors.iter().any(|vector| vector.id == *id);
    // Only who asks for something else waits until the live cases are there.
    let suite = if args.ids.iter().all(is_vector) { vectors } else { with_live(vectors)? };
    let cases: Cases = (LazyCell::new(live::all_cases), LazyCell::new(live::tls::all_cases));
    let mut output = io::stdout().lock();
    for (index, id) in args.ids.iter().enumerate() {
        let mut filter = crate::select::Filter::default();
        filter.patterns.push(id.clone());
        let vectors = filter.select(&suite).map_err(Failure::Usage)?;
        let [vector] = vectors.as_slice() else {
            let all = format!("{id:?} matches {} vectors; give ids", vectors.len());
            return Err(Failure::Usage(all));
        };
        if index > 0 {
            writeln!(output)?;
        }
        show_one(&mut output, &suite, vector, &cases, args.json)?;
    }
    Ok(0)
}

/// The live cases, which take a while to make.
type Cases = (LazyCell<Vec<Case>>, LazyCell<Vec<TlsCase>>);

fn show_one(
    output: &mut impl Write,
    suite: &Suite,
    vector: &Vector,
    cases: &Cases,
    as_json: bool,
) -> io::Result<()> {
    if as_json {
        let value = json!({
            "id": vector.id, "since": vector.since, "requirements": vector.requirements,
            "level": vector.level.name(), "op": vector.op, "requires": vector.requires,
            "in": vector.input, "expect": expectation(vector), "base": vector.base,
            "flaw": vector.flaw, "group": vector.group,
            "severity": vector.severity.map(|severity| severity.name()), "note": vector.note,
        });
        writeln!(output, "{value:#}")?;
        return Ok(());
    }
    describe(output, vector)?;
    if vector.id.starts_with("live/") {
        if let Some(case) = cases.0.iter().find(|case| case.id == vector.id) {
            return show_live(output, case, vector);
        }
        if let Some(case) = cases.1.iter().find(|case| case.id == vector.id) {
            return show_tls(output, case, vector);
        }
    }
    writeln!(output, "\nin")?;
    write_lines(output, &decode(&vector.op, &Value::Object(vector.input.clone())))?;
    writeln!(output, "\nexpect")?;
    write_lines(output, &decode(&vector.op, &expectation(vector)))?;
    if let Some(base) = base(vector, suite) {
        compare(output, vector, base)?;
    }
    show_rules(output, vector)?;
    writeln!(output, "\nrun it: tunnelproof run {} -- YOUR SHIM", vector.id)
}

/// What is known of a live case beside what it has in common with a vector.
fn show_live(output: &mut impl Write, case: &Case, vector: &Vector) -> io::Result<()> {
    let transports: Vec<&str> = case.over.iter().map(|transport| transport.name()).collect();
    writeln!(output, "  over: {}", transports.join(", "))?;
    if case.slow {
        writeln!(output, "  waits for a deadline")?;
    }
    if let Some(like) = case.vector {
        writeln!(output, "  the vector with the same fault: {like}")?;
    }
    writeln!(output, "\nexpect")?;
    if case.codes.is_empty() {
        writeln!(output, "  what the case says, and afterwards an honest peer is served")?;
    } else {
        writeln!(
            output,
            "  the connection ends, silently and in time; if reported, as {}",
            case.codes.join(" or ")
        )?;
    }
    show_rules(output, vector)?;
    let role = case.role.name();
    writeln!(output, "\nrun it: tunnelproof {role} {} -- YOUR {}", case.id, role.to_uppercase())
}

/// The same of a live case of TLS.
fn show_tls(output: &mut impl Write, case: &TlsCase, vector: &Vector) -> io::Result<()> {
    if case.slow {
        writeln!(output, "  waits for something")?;
    }
    if case.own {
        writeln!(output, "  changes the endpoint, which serves no other case")?;
    }
    writeln!(output, "\nexpect")?;
    if case.codes.is_empty() {
        writeln!(output, "  what the case says, and afterwards an honest peer is served")?;
    } else {
        let codes = case.codes.join(" or ");
        writeln!(
            output,
            "  no octet of the application, and the end in time; if reported, as {codes}"
        )?;
    }
    show_rules(output, vector)?;
    let role = case.role.name();
    let peer = role.to_uppercase();
    writeln!(output, "\nrun it: tunnelproof {role} --profile tls {} -- YOUR {peer}", case.id)
}

fn show_rules(output: &mut impl Write, vector: &Vector) -> io::Result<()> {
    let spec = Spec::embedded();
    writeln!(output, "\nrules")?;
    for id in &vector.requirements {
        let sentence = spec.rule(id).map_or("(no such rule)", |rule| rule.sentence.as_str());
        writeln!(output, "  {id}: {sentence}")?;
    }
    Ok(())
}

fn describe(output: &mut impl Write, vector: &Vector) -> io::Result<()> {
    let Vector { id, op, since, note, .. } = vector;
    writeln!(output, "{id}\n  {op}, {}, since {since}", vector.level.name())?;
    if !vector.requires.is_empty() {
        writeln!(output, "  needs: {}", vector.requires.join(", "))?;
    }
    writeln!(output, "  {note}")?;
    if let (Some(flaw), Some(base)) = (&vector.flaw, &vector.base) {
        writeln!(output, "  the flaw: {flaw} (else as {base})")?;
    }
    if let Some(severity) = vector.severity {
        writeln!(output, "  if accepted, this is lost: {}", severity.name())?;
    }
    if let Some(group) = &vector.group {
        writeln!(output, "  has to look like the rest of the group {group:?} to the peer")?;
    }
    if let Some(bug) = &vector.bug {
        let cve = bug.cve.as_deref().map(|cve| format!(", {cve}")).unwrap_or_default();
        writeln!(output, "  catches: {}{cve}", bug.kind)?;
    }
    Ok(())
}

fn expectation(vector: &Vector) -> Value {
    match &vector.expect {
        Expect::Accept(out) => json!({ "accept": out }),
        Expect::Reject(reject) => {
            let mut fields = json!({ "class": reject.class, "code": reject.codes.join(" or ") });
            if let Some(status) = reject.status {
                fields["status"] = json!(status);
            }
            if let Some(out) = &reject.out {
                fields["out"] = json!(out);
            }
            json!({ "reject": fields })
        }
    }
}

fn base<'a>(vector: &Vector, suite: &'a Suite) -> Option<&'a Vector> {
    let base = vector.base.as_ref()?;
    suite.vectors.iter().find(|candidate| candidate.id == *base)
}

/// The width of values, alone and side by side.
const WIDE: usize = 76;
const NARROW: usize = 44;

fn write_lines(output: &mut impl Write, lines: &[Line]) -> io::Result<()> {
    let width = lines.iter().map(|line| line.path.len()).max().unwrap_or(0);
    for Line { path, content } in lines {
        writeln!(output, "  {path:<width$}  {}", content.show(0, WIDE))?;
    }
    Ok(())
}

/// What differs between a vector's input and its base's, side by side.
fn compare(output: &mut impl Write, vector: &Vector, base: &Vector) -> io::Result<()> {
    let of = |vector: &Vector| decode(&vector.op, &Value::Object(vector.input.clone()));
    let (ours, theirs) = (of(vector), of(base));
    let at = |lines: &[Line], path: &str| {
        lines.iter().find(|line| line.path == path).map(|line| line.content.clone())
    };
    let mut paths: Vec<&str> = ours.iter().map(|line| line.path.as_str()).collect();
    paths.extend(theirs.iter().map(|line| line.path.as_str()).filter(|p| at(&ours, p).is_none()));
    let mut rows = vec![("".to_owned(), "this vector".to_owned(), format!("its base {}", base.id))];
    for path in paths {
        let (here, there) = (at(&ours, path), at(&theirs, path));
        if here == there {
            continue;
        }
        let from = match (&here, &there) {
            (Some(here), Some(there)) => here.first_difference(there),
            _ => 0,
        };
        let show = |content: Option<crate::decode::Content>| {
            content.map_or_else(|| "(absent)".to_owned(), |content| content.show(from, NARROW))
        };
        rows.push((path.to_owned(), show(here), show(there)));
    }
    let first = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
    let second = rows.iter().map(|row| row.1.chars().count()).max().unwrap_or(0);
    writeln!(output, "\nwhat differs")?;
    for (path, here, there) in rows {
        writeln!(output, "  {path:<first$}  {here:<second$}  {there}")?;
    }
    Ok(())
}
