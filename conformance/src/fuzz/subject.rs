//! The implementation under test, one question at a time: for shrinking.

use tunnelproof_vectors::{Suite, Vector};

use crate::shim::session::{Request, SuiteName};
use crate::shim::{Limits, Program, Session, Trouble};
use crate::stop::Stop;
use crate::verdict::{self, Verdict};

/// A shim process that is started again when it breaks.
pub struct Subject<'a> {
    program: &'a Program,
    suite: &'a Suite,
    limits: Limits,
    stop: &'a Stop,
    session: Option<Session<'a>>,
}

impl<'a> Subject<'a> {
    /// None is started yet.
    pub fn new(program: &'a Program, suite: &'a Suite, limits: Limits, stop: &'a Stop) -> Self {
        Self { program, suite, limits, stop, session: None }
    }

    /// What becomes of `vector`; None if the shim can't be asked.
    pub fn ask(&mut self, vector: &Vector) -> Option<Verdict> {
        if self.session.is_none() {
            let suite = SuiteName { version: &self.suite.version, hash: &self.suite.hash };
            self.session = Session::start(self.program, suite, self.limits, self.stop, None).ok();
        }
        let session = self.session.as_mut()?;
        let request = Request { case: &vector.id, op: &vector.op, input: &vector.input };
        session.send(0, request).ok()?;
        match session.receive() {
            Ok(answered) => {
                Some(verdict::judge(vector, &answered.line, session.hello().error_detail))
            }
            Err(trouble) => {
                self.session = None;
                if matches!(trouble, Trouble::Stopped) {
                    None
                } else {
                    verdict::of_trouble(&trouble)
                }
            }
        }
    }
}
