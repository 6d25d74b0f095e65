//! Implementations with one realistic bug each, and whether the vectors catch them.
//!
//! A mutant is the [model](crate::model) with one of its bugs. It is caught if a vector fails it with a
//! verdict that fits the bug. A mutant that no vector catches shows a vector that is missing.

use std::io;
use std::sync::Arc;

use tunnelproof_vectors::MismatchKind;

use crate::model::{Bug, Cache, Model};
use crate::shim_server::serve;

/// The rows of a chapter: `Bug: "rules that it breaks", verdicts that fit, "what it does";`
macro_rules! table {
    ($($bug:ident: $breaks:literal, $kinds:ident, $about:literal;)*) => {
        pub(super) const MUTANTS: &[Mutant] = &[$(
            Mutant { bug: Bug::$bug, breaks: $breaks, kinds: $kinds, about: $about }
        ),*];
    };
}

mod channel;
mod credentials;
mod framing;
mod handshake;
mod report;
mod rsa;
mod run;
mod tls;
mod tokens;

pub use report::markdown;
pub(crate) use run::judge as judged;
pub use run::{Catch, Extent, Report, Row, run_all};

/// An implementation with one bug.
#[derive(Debug, Clone, Copy)]
pub struct Mutant {
    /// The bug.
    pub bug: Bug,
    /// The ids of the rules that it breaks, with spaces between them.
    pub breaks: &'static str,
    /// The verdicts that show that it was caught for its bug.
    pub kinds: &'static [Kind],
    /// What it does wrong, in a sentence.
    pub about: &'static str,
}

/// How a vector fails an implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// By an answer.
    Answer(MismatchKind),
    /// By a fault or a panic.
    Crash,
}

impl Kind {
    /// As in reports: `wrong_accept` and so on, or `crash`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Answer(kind) => kind.name(),
            Self::Crash => "crash",
        }
    }
}

impl Mutant {
    /// Its name, as in `id-limit-254`.
    #[must_use]
    pub fn name(&self) -> String {
        let mut name = String::new();
        let mut before = '-';
        for letter in format!("{:?}", self.bug).chars() {
            let begins = letter.is_ascii_uppercase() && before != '-';
            let number = letter.is_ascii_digit() && before.is_ascii_lowercase();
            if begins || number {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
            before = letter;
        }
        name
    }
}

/// All mutants, in the order of the specification's chapters.
pub fn all() -> impl Iterator<Item = &'static Mutant> {
    [
        credentials::MUTANTS,
        rsa::MUTANTS,
        handshake::MUTANTS,
        channel::MUTANTS,
        framing::MUTANTS,
        tokens::MUTANTS,
        tls::MUTANTS,
    ]
    .into_iter()
    .flatten()
}

/// All but those of the operations of mutual TLS, for which no cases are generated.
pub fn outside_tls() -> impl Iterator<Item = &'static Mutant> {
    all().filter(|mutant| tls::MUTANTS.iter().all(|of_tls| of_tls.bug != mutant.bug))
}

/// Serves a mutant, or the model without a bug, on standard input and output.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] if there is no mutant of that name, and those of [`serve`].
pub fn serve_stdio(name: Option<&str>) -> io::Result<()> {
    let bug = name
        .map(|name| {
            let found = all().find(|mutant| mutant.name() == name);
            found.map(|mutant| mutant.bug).ok_or_else(|| {
                io::Error::new(io::ErrorKind::NotFound, format!("there is no mutant {name}"))
            })
        })
        .transpose()?;
    serve(&mut Model::new(bug, Arc::new(Cache::default())), io::stdin(), io::stdout())
}

const WRONG_ACCEPT: Kind = Kind::Answer(MismatchKind::WrongAccept);
const WRONG_REJECT: Kind = Kind::Answer(MismatchKind::WrongReject);
const WRONG_OUTPUT: Kind = Kind::Answer(MismatchKind::WrongOutput);
const WRONG_CLASS: Kind = Kind::Answer(MismatchKind::WrongClass);

// The tables name these. Where a bug shows in several operations, several verdicts fit.
const ACCEPT: &[Kind] = &[WRONG_ACCEPT];
const REJECT: &[Kind] = &[WRONG_REJECT];
const OUTPUT: &[Kind] = &[WRONG_OUTPUT];
const CLASS: &[Kind] = &[WRONG_CLASS];
const CRASH: &[Kind] = &[Kind::Crash];
const ACCEPT_OR_CLASS: &[Kind] = &[WRONG_ACCEPT, WRONG_CLASS];
const ACCEPT_OR_OUTPUT: &[Kind] = &[WRONG_ACCEPT, WRONG_OUTPUT];
const ACCEPT_OR_REJECT: &[Kind] = &[WRONG_ACCEPT, WRONG_REJECT];
const REJECT_OR_CLASS: &[Kind] = &[WRONG_REJECT, WRONG_CLASS];
const REJECT_OR_OUTPUT: &[Kind] = &[WRONG_REJECT, WRONG_OUTPUT];
const CRASH_OR_CLASS: &[Kind] = &[Kind::Crash, WRONG_CLASS];
const OUTPUT_REJECT_CLASS: &[Kind] = &[WRONG_OUTPUT, WRONG_REJECT, WRONG_CLASS];
const ACCEPT_REJECT_OUTPUT: &[Kind] = &[WRONG_ACCEPT, WRONG_REJECT, WRONG_OUTPUT];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::spec::Spec;

    #[test]
    fn names_are_in_kebab_case() {
        let name = |bug| all().find(|mutant| mutant.bug == bug).map(Mutant::name);
        assert_eq!(name(Bug::IdLimit254).as_deref(), Some("id-limit-254"));
        assert_eq!(name(Bug::X25519NotClamped).as_deref(), Some("x25519-not-clamped"));
        assert_eq!(name(Bug::M2SplitAt607).as_deref(), Some("m2-split-at-607"));
        assert_eq!(name(Bug::SNotChecked).as_deref(), Some("s-not-checked"));
    }

    #[test]
    fn a_mutant_that_does_not_exist_is_not_served() {
        let error = serve_stdio(Some("no-such-mutant")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn every_bug_has_one_row_and_breaks_rules_that_exist() {
        let spec = Spec::embedded();
        let rules: HashSet<&str> = spec.rules.iter().map(|rule| rule.id.as_str()).collect();
        let mut names = HashSet::new();
        for mutant in all() {
            assert!(names.insert(mutant.name()), "{} is there twice", mutant.name());
            assert!(!mutant.breaks.is_empty());
            for id in mutant.breaks.split(' ') {
                assert!(rules.contains(id), "{}: no rule {id}", mutant.name());
            }
        }
        let with_row: HashSet<Bug> = all().map(|mutant| mutant.bug).collect();
        let without: Vec<_> = Bug::ALL.iter().filter(|bug| !with_row.contains(bug)).collect();
        assert!(without.is_empty(), "bugs without a row: {without:?}");
    }
}
