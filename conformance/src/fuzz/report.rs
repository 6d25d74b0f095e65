//! What a search tells: for people, or a JSON object a line.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value, json};

use super::document;
use super::hunt::{Found, Tally};
use crate::report::plain;
use crate::shim::Hello;

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();

/// What is known before the search begins.
pub struct Run {
    pub seed: u64,
    pub suite: String,
    /// The shim's command as a shell takes it; empty for the built-in reference.
    pub command: String,
    /// The values that documents name.
    pub constants: Map<String, Value>,
}

impl Run {
    fn repeat(&self, options: &str) -> String {
        let shim =
            if self.command.is_empty() { String::new() } else { format!(" -- {}", self.command) };
        format!("tunnelproof fuzz {options}{shim}")
    }
}

/// Something that writes down what is found.
pub trait Report {
    /// The first shim has said hello.
    ///
    /// # Errors
    /// Those of the output; also below.
    fn started(&mut self, run: &Run, hello: &Hello) -> io::Result<()>;
    /// A difference; `saved` is the file that its document is in.
    fn found(&mut self, run: &Run, found: &Found, saved: Option<&str>) -> io::Result<()>;
    /// The search is over.
    fn finished(&mut self, run: &Run, tally: &Tally) -> io::Result<()>;
}

/// For people.
pub struct Human<W>(pub W);

impl<W: Write> Report for Human<W> {
    fn started(&mut self, run: &Run, hello: &Hello) -> io::Result<()> {
        let shim = &hello.implementation;
        let (name, version) = (plain(&shim.name), plain(&shim.version));
        let Run { suite, seed, .. } = run;
        writeln!(self.0, "{BOLD}{name} {version}{BOLD:#}, suite {suite}, seed {seed}")
    }

    fn found(&mut self, run: &Run, found: &Found, saved: Option<&str>) -> io::Result<()> {
        let Found { number, vectors, verdict, flaws, attempts } = found;
        let Some(vector) = vectors.first() else { return Ok(()) };
        let op = &vector.op;
        let security = if verdict.is_security() { " [security]" } else { "" };
        let name = verdict.name();
        let Some(number) = number else {
            writeln!(self.0, "\n{RED}{name}{RED:#}{security}  {op}, {}", vector.id)?;
            return writeln!(self.0, "  {}", plain(&verdict.sentence()));
        };
        writeln!(self.0, "\n{RED}{name}{RED:#}{security}  {op}, case {number}")?;
        writeln!(self.0, "  {}", plain(&verdict.sentence()))?;
        let flaws = if flaws.is_empty() { "nothing: it is valid".into() } else { flaws.join("; ") };
        writeln!(self.0, "  what is wrong with the case: {flaws}")?;
        writeln!(self.0, "  shrunk: the shim was asked {attempts} times")?;
        let options = format!("--seed {} --case {number}", run.seed);
        writeln!(self.0, "  find it again:        {}", run.repeat(&options))?;
        let file = saved.unwrap_or("FILE");
        writeln!(self.0, "  the shrunk case only: {}", run.repeat(&format!("--replay {file}")))?;
        match saved {
            Some(file) => writeln!(self.0, "  the vector is in {file}"),
            None => {
                writeln!(self.0, "  the vector, for FILE (--save DIR writes it):\n")?;
                self.0.write_all(document::text(vectors, &run.constants).as_bytes())
            }
        }
    }

    fn finished(&mut self, run: &Run, tally: &Tally) -> io::Result<()> {
        writeln!(self.0)?;
        for (op, count) in &tally.left_out {
            writeln!(self.0, "not run: {count} cases of {op}, which the shim does not support")?;
        }
        for (number, fault) in tally.faults.iter().take(5) {
            writeln!(
                self.0,
                "{RED}the reference has no answer{RED:#} to case {number}: {}",
                plain(fault)
            )?;
        }
        let (style, words) = match tally.findings {
            0 if tally.broken => (RED, "the shim can't be started".to_owned()),
            0 if tally.cases == 0 => (RED, "nothing ran".to_owned()),
            0 if !tally.faults.is_empty() => (RED, "the reference failed".to_owned()),
            0 => (GREEN, "no difference".to_owned()),
            1 => (RED, "1 difference".to_owned()),
            many => (RED, format!("{many} kinds of differences")),
        };
        writeln!(
            self.0,
            "{style}{words}{style:#}: {} cases in {:.1} s, {:.0} cases per second, seed {}",
            tally.cases,
            tally.time.as_secs_f64(),
            tally.rate(),
            run.seed
        )
    }
}

/// One JSON object a line.
pub struct Json<W>(pub W);

impl<W: Write> Json<W> {
    fn line(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.0, "{value}")?;
        self.0.flush()
    }
}

impl<W: Write> Report for Json<W> {
    fn started(&mut self, run: &Run, hello: &Hello) -> io::Result<()> {
        self.line(&json!({
            "type": "fuzz",
            "seed": run.seed.to_string(),
            "suite": run.suite,
            "command": run.command,
            "shim": hello,
        }))
    }

    fn found(&mut self, run: &Run, found: &Found, saved: Option<&str>) -> io::Result<()> {
        let text = document::text(&found.vectors, &run.constants);
        let document: Value = serde_json::from_str(&text)?;
        self.line(&json!({
            "type": "finding",
            "case": found.number,
            "op": found.vectors.first().map(|vector| &vector.op),
            "verdict": found.verdict,
            "security": found.verdict.is_security(),
            "sentence": found.verdict.sentence(),
            "flaws": found.flaws,
            "attempts": found.attempts,
            "repeat": found.number.map(|number| {
                run.repeat(&format!("--seed {} --case {number}", run.seed))
            }),
            "saved": saved,
            "document": document,
        }))
    }

    fn finished(&mut self, run: &Run, tally: &Tally) -> io::Result<()> {
        self.line(&json!({
            "type": "summary",
            "seed": run.seed.to_string(),
            "cases": tally.cases,
            "seconds": tally.time.as_secs_f64(),
            "cases_per_second": tally.rate(),
            "findings": tally.findings,
            "shim_broken": tally.broken,
            "left_out": tally.left_out,
            "reference_faults": tally.faults.iter().map(|(number, fault)| {
                json!({ "case": number, "fault": fault })
            }).collect::<Vec<_>>(),
        }))
    }
}
