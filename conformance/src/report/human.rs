//! The report for people: a table by area, then each failure with its rule and how to repeat it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use tunnelproof_vectors::{Suite, Vector};

use super::{Report, plain};
use crate::log::{CaseResult, Entry, Run, Tally};
use crate::spec::Spec;
use crate::summary::{Conclusion, SHIM, Summary, cases};
use crate::verdict::Verdict;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Writes the report when the run is over.
pub struct Human<'a, W> {
    output: W,
    suite: &'a Suite,
    spec: Spec,
    /// How many failures are shown in full.
    failures: usize,
}

impl<'a, W: Write> Human<'a, W> {
    pub fn new(output: W, suite: &'a Suite, failures: usize) -> Human<'a, W> {
        Human { output, suite, spec: Spec::embedded(), failures }
    }

    fn head(&mut self, run: &Run) -> io::Result<()> {
        let hash: String = run.suite_hash.chars().take(12).collect();
        match &run.shim {
            Some(hello) => {
                let shim = &hello.implementation;
                let language = match shim.language.as_str() {
                    "" => String::new(),
                    language => format!(" ({})", plain(language)),
                };
                let Run { suite, .. } = run;
                writeln!(
                    self.output,
                    "{BOLD}{} {}{BOLD:#}{language}, suite {suite} ({hash})",
                    plain(&shim.name),
                    plain(&shim.version)
                )?;
            }
            None => writeln!(self.output, "suite {} ({hash})", run.suite)?,
        }
        if let Some(selection) = &run.selection {
            writeln!(self.output, "selection: {} of {}: {selection}", run.selected, run.total)?;
        }
        Ok(())
    }

    fn table(&mut self, summary: &Summary) -> io::Result<()> {
        const ORDER: &[&str] = &[
            "pass",
            "wrong_accept",
            "distinguishable",
            "wrong_reject",
            "wrong_output",
            "wrong_class",
            "timeout",
            "crash",
            "shim_error",
            "poisoned",
            "flaky",
            "xpass",
            "xfail",
            "unsupported",
            "skip",
        ];
        let columns: Vec<&str> =
            ORDER.iter().copied().filter(|name| summary.counts.contains_key(*name)).collect();
        let number = |count: Option<&usize>| count.map_or_else(|| "-".to_owned(), usize::to_string);
        let longest = summary.areas.iter().map(|row| row.area.len()).max().unwrap_or(0).max(8);
        write!(self.output, "\n{:<longest$}", "area")?;
        for name in &columns {
            write!(self.output, "  {name}")?;
        }
        writeln!(self.output, "{}", if summary.not_run > 0 { "  not_run" } else { "" })?;
        let total = (String::from("total"), &summary.counts, summary.not_run);
        let rows = summary.areas.iter().map(|row| (row.area.clone(), &row.counts, row.not_run));
        for (area, counts, not_run) in rows.chain([total]) {
            write!(self.output, "{area:<longest$}")?;
            for name in &columns {
                write!(self.output, "  {:>1$}", number(counts.get(*name)), name.len())?;
            }
            if summary.not_run > 0 {
                write!(self.output, "  {not_run:>7}")?;
            }
            writeln!(self.output)?;
        }
        Ok(())
    }

    fn failure(&mut self, result: &CaseResult, run: Option<&Run>) -> io::Result<()> {
        let CaseResult { case, verdict, .. } = result;
        let mark = if result.security { format!("  {RED}SECURITY{RED:#}") } else { String::new() };
        writeln!(self.output, "\n{RED}FAIL{RED:#} {BOLD}{case}{BOLD:#}  {}{mark}", verdict.name())?;
        writeln!(self.output, "  {}", capital(&plain(&verdict.sentence())))?;
        let vector = self.suite.vectors.iter().find(|vector| vector.id == *case);
        if let Some(Vector { flaw: Some(flaw), base: Some(base), .. }) = vector {
            writeln!(self.output, "  the flaw: {flaw} (else as {base})")?;
        }
        if let Some(vector) = vector.filter(|vector| vector.id.starts_with("live/")) {
            writeln!(self.output, "  the case: {}", vector.note)?;
        }
        if let Some(trace) = &result.trace {
            writeln!(self.output, "  the wire: {trace}")?;
        }
        if let Some(rule) = result.requirements.first().and_then(|id| self.spec.rule(id)) {
            writeln!(self.output, "  {}: {}", rule.id, rule.sentence)?;
        }
        if let Some(stderr) = &result.stderr {
            let last: Vec<&str> = stderr.lines().rev().take(8).collect();
            for line in last.iter().rev() {
                writeln!(self.output, "  {DIM}stderr: {}{DIM:#}", plain(line))?;
            }
        }
        if result.area != SHIM {
            writeln!(self.output, "  again: {DIM}{}{DIM:#}", again(case, run))?;
        }
        Ok(())
    }

    /// What did not run, by reason.
    fn left_out(&mut self, tally: &Tally) -> io::Result<()> {
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for result in tally.results.values() {
            if matches!(result.verdict, Verdict::Unsupported { .. } | Verdict::Skip { .. }) {
                *reasons.entry(result.verdict.sentence()).or_default() += 1;
            }
        }
        if !reasons.is_empty() {
            writeln!(self.output)?;
        }
        let many = reasons.len();
        for (reason, count) in reasons.into_iter().take(LEFT_OUT) {
            writeln!(self.output, "{YELLOW}{}{YELLOW:#} {}", cases(count), plain(&reason))?;
        }
        if many > LEFT_OUT {
            writeln!(
                self.output,
                "and {} more reasons; --format json has them all",
                many - LEFT_OUT
            )?;
        }
        Ok(())
    }
}

/// How many reasons for not running are shown.
const LEFT_OUT: usize = 20;

impl<W: Write> Report for Human<'_, W> {
    fn entry(&mut self, _: &Entry) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        if let Some(run) = &tally.run {
            self.head(run)?;
        }
        let Some(summary) = &tally.summary else { return Ok(()) };
        if !tally.results.is_empty() {
            self.table(summary)?;
        }
        self.left_out(tally)?;
        let mut red: Vec<&CaseResult> = tally.red().collect();
        // What is a matter of security comes first.
        red.sort_by_key(|result| !result.security);
        for result in red.iter().take(self.failures) {
            self.failure(result, tally.run.as_ref())?;
        }
        if red.len() > self.failures {
            let more = red.len() - self.failures;
            writeln!(
                self.output,
                "\nand {more} more failures: --failures {} shows all",
                red.len()
            )?;
        }
        for note in &tally.notes {
            let lines: Vec<String> = note.lines().map(plain).collect();
            writeln!(self.output, "\n{YELLOW}note:{YELLOW:#} {}", lines.join("\n"))?;
        }
        let style = match summary.conclusion {
            Conclusion::Conformant | Conclusion::SelectionPassed => GREEN,
            Conclusion::AsExpected => YELLOW,
            _ => RED,
        };
        let seconds = summary.seconds;
        let text = plain(&summary.text);
        writeln!(self.output, "\n{style}{text}{style:#} {DIM}({seconds:.2} s){DIM:#}")?;
        self.output.flush()
    }
}

/// The command that runs one case alone.
fn again(case: &str, run: Option<&Run>) -> String {
    let subcommand = run.map_or("run", |run| run.subcommand.as_str());
    let mut words = vec!["tunnelproof".to_owned(), subcommand.to_owned(), quote(case)];
    if let Some(Run { options, command, .. }) = run {
        words.extend(options.iter().map(|word| quote(word)));
        if !command.is_empty() {
            words.push("--".to_owned());
            words.extend(command.iter().map(|word| quote(word)));
        }
    }
    words.join(" ")
}

/// A word as a POSIX shell reads it back.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quote("a/b-c.py"), "a/b-c.py");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("*"), "'*'");
    }
}
