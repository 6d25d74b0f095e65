//! A bar on standard error while the run goes on, if that is a terminal.

use std::io;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Report;
use crate::log::{Entry, Tally};
use crate::summary::SHIM;

/// The bar, with the number of failures so far.
pub struct Progress {
    bar: ProgressBar,
    failed: usize,
}

impl Progress {
    /// A bar of so many cases; draws nothing unless standard error is a terminal.
    pub fn new(cases: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(cases as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}");
        bar.set_style(style.expect("the template is well-formed"));
        bar.set_message("starting the shim");
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar, failed: 0 }
    }
}

impl Report for Progress {
    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        match entry {
            Entry::Case(result) if result.attempt == 1 => {
                self.failed += usize::from(result.verdict.is_red());
                if result.area != SHIM {
                    self.bar.inc(1);
                }
            }
            Entry::Case(_) => self.bar.set_message("running failures again"),
            _ => {}
        }
        if self.failed > 0 {
            self.bar.set_message(format!("{} failed", self.failed));
        } else if matches!(entry, Entry::Run(_)) {
            self.bar.set_message("");
        }
        Ok(())
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.bar.finish_and_clear();
        Ok(())
    }
}
