//! Shims that are wrong on purpose, built in, and what each of them has to come to. A harness that lets
//! one of them pass is broken itself.

mod behave;
mod selftest;

pub use behave::{Behaviour, serve};
pub use selftest::selftest;

/// A shim that misbehaves in one way, or in a way that must do no harm.
#[derive(Debug, Clone, Copy)]
pub struct Control {
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    pub behaviour: Behaviour,
    /// What it is run on.
    pub cases: Cases,
    /// The verdicts of which at least one has to be there; of reds no other may be.
    pub verdicts: &'static [&'static str],
    /// The exit code.
    pub exit: u8,
}

/// On which vectors a control is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cases {
    /// Some that take no time, positive and negative ones.
    Few,
    /// All that test one of these requirements.
    Of(&'static [&'static str]),
    /// All of an indistinguishability group.
    Group(&'static str),
}

const fn control(
    name: &'static str,
    about: &'static str,
    behaviour: Behaviour,
    verdicts: &'static [&'static str],
    exit: u8,
) -> Control {
    Control { name, about, behaviour, cases: Cases::Few, verdicts, exit }
}

/// All controls.
pub const CONTROLS: &[Control] = &[
    control("good", "answers right", Behaviour::Good, &["pass"], 0),
    control("late-hello", "takes its time to start", Behaviour::LateHello, &["pass"], 0),
    control(
        "stderr-flood",
        "answers right and writes 4 MiB to standard error each time",
        Behaviour::StderrFlood,
        &["pass"],
        0,
    ),
    control(
        "backwards",
        "answers four requests in reverse order",
        Behaviour::Backwards,
        &["pass"],
        0,
    ),
    control("bool", "says only that it rejects", Behaviour::Bool, &["pass"], 0),
    control(
        "accept-all",
        "accepts everything",
        Behaviour::AcceptAll,
        &["wrong_accept", "wrong_output"],
        1,
    ),
    control(
        "reject-all",
        "rejects everything",
        Behaviour::RejectAll,
        &["wrong_reject", "wrong_class"],
        1,
    ),
    control("skip-all", "skips everything", Behaviour::SkipAll, &["skip"], 4),
    control("unsupported-all", "supports nothing", Behaviour::UnsupportedAll, &["unsupported"], 4),
    control("fault-all", "reports a fault for everything", Behaviour::FaultAll, &["crash"], 1),
    control(
        "long-texts",
        "reports faults with escape sequences in texts of 400 KB",
        Behaviour::LongTexts,
        &["crash"],
        1,
    ),
    control("crash", "aborts at every request", Behaviour::Crash, &["crash"], 1),
    control("hang", "never answers", Behaviour::Hang, &["timeout"], 1),
    control("slow", "answers right after the deadline", Behaviour::Slow, &["timeout"], 1),
    control("garbage", "writes text instead of answers", Behaviour::Garbage, &["shim_error"], 1),
    control("non-utf8", "writes octets that are not UTF-8", Behaviour::NonUtf8, &["shim_error"], 1),
    control("flood", "writes answers without end", Behaviour::Flood, &["shim_error"], 1),
    control("huge-line", "answers with a line of 10 MB", Behaviour::HugeLine, &["shim_error"], 1),
    control("echo", "gives back the request", Behaviour::Echo, &["shim_error"], 1),
    control("wrong-id", "answers under another id", Behaviour::WrongId, &["shim_error"], 1),
    control(
        "answers-twice",
        "gives every answer twice",
        Behaviour::AnswersTwice,
        &["shim_error"],
        1,
    ),
    control(
        "out-of-order",
        "gives the answers of requests in flight to each other",
        Behaviour::OutOfOrder,
        &["flaky", "wrong_accept", "wrong_reject", "wrong_output", "wrong_class"],
        1,
    ),
    control("dies-halfway", "exits after three answers", Behaviour::DiesHalfway, &["flaky"], 1),
    control(
        "cannot-pipeline",
        "offers to take several requests and dies of them",
        Behaviour::CannotPipeline,
        &["flaky"],
        1,
    ),
    control(
        "hangs-halfway",
        "never answers after three answers",
        Behaviour::HangsHalfway,
        &["flaky"],
        1,
    ),
    control("state-leak", "goes wrong after three answers", Behaviour::StateLeak, &["flaky"], 1),
    control(
        "fork-and-linger",
        "leaves a child behind that holds its pipes",
        Behaviour::ForkAndLinger,
        &["crash"],
        1,
    ),
    control("closes-pipe", "closes its output and lives on", Behaviour::ClosesPipe, &["crash"], 1),
    control(
        "ok-to-unknown-op",
        "accepts operations that do not exist",
        Behaviour::OkToUnknownOp,
        &["shim_error"],
        1,
    ),
    control("bad-bye", "exits with status 3 after bye", Behaviour::BadBye, &["crash"], 1),
    control("ignores-bye", "lives on after bye", Behaviour::IgnoresBye, &["shim_error"], 1),
    control("no-hello", "never says hello", Behaviour::NoHello, &[], 3),
    control("bad-hello", "says hello in another protocol", Behaviour::BadHello, &[], 3),
    Control {
        cases: Cases::Of(&["HS-045", "HS-056", "TOK-012", "TOK-013", "TOK-041", "TOK-047"]),
        ..control(
            "off-by-one-time",
            "has clocks that are one unit ahead",
            Behaviour::OffByOneTime,
            &["wrong_accept", "wrong_reject", "wrong_output", "wrong_class"],
            1,
        )
    },
    Control {
        cases: Cases::Group("request-secret"),
        ..control(
            "tells-the-peer",
            "answers a wrong password with a message of its own",
            Behaviour::TellsThePeer,
            &["distinguishable"],
            1,
        )
    },
    control(
        "replay",
        "answers what the vectors expect: for measuring the harness",
        Behaviour::Replay,
        &["pass"],
        0,
    ),
];

/// The control of a name.
pub fn find(name: &str) -> Option<&'static Control> {
    CONTROLS.iter().find(|control| control.name == name)
}
