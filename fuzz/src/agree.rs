//! The reference and the model on the same operation of the shim protocol.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::{Map, Value};
use tunnelproof::model::{Cache, Model};
use tunnelproof::reference_shim::Reference;
use tunnelproof::shim_server::{Implementation, Outcome};

/// What became of an operation, without the words that each implementation has of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Accepted, with the results.
    Ok(Map<String, Value>),
    /// Refused.
    Reject {
        class: &'static str,
        code: &'static str,
        status: Option<Option<u16>>,
        out: Option<Map<String, Value>>,
    },
    /// The request is not of the protocol.
    BadRequest,
}

impl Answer {
    /// The results, if it was accepted.
    pub(crate) fn accepted(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Ok(out) => Some(out),
            _ => None,
        }
    }

    /// `ok`, or the code of the refusal.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Ok(_) => "ok",
            Self::Reject { code, .. } => code,
            Self::BadRequest => "bad request",
        }
    }
}

/// A field of octets of `out`.
pub(crate) fn octets(out: &Map<String, Value>, name: &str) -> Vec<u8> {
    let text = out.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name}"));
    hex::decode(text).unwrap_or_else(|_| panic!("{name} is not hexadecimal"))
}

/// Runs `op` on both implementations and asserts that they answer the same.
pub(crate) fn agree(op: &str, input: Value) -> Answer {
    let Value::Object(input) = input else { panic!("an object") };
    let (reference, model) = both(op, &input);
    assert_eq!(reference, model, "reference (left) and model (right) differ on {op}");
    assert_ne!(reference, Answer::BadRequest, "{op}: {input:?}");
    reference
}

/// The answers of reference and model.
pub(crate) fn both(op: &str, input: &Map<String, Value>) -> (Answer, Answer) {
    (reference(op, input), model(op, input))
}

fn reference(op: &str, input: &Map<String, Value>) -> Answer {
    thread_local! {
        // It remembers RSA keys that it has parsed; `operation` lets arbitrary ones through.
        static REFERENCE: RefCell<(Reference, u32)> = RefCell::new((Reference::default(), 0));
    }
    REFERENCE.with_borrow_mut(|(reference, used)| {
        *used += 1;
        if used.is_multiple_of(10_000) {
            reference.reset();
        }
        answer(reference.run(op, input))
    })
}

/// The answer of the model. It remembers results of RSA operations, for a while.
pub(crate) fn model(op: &str, input: &Map<String, Value>) -> Answer {
    thread_local! {
        static CACHE: RefCell<(Arc<Cache>, u32)> = RefCell::default();
    }
    let cache = CACHE.with_borrow_mut(|(cache, used)| {
        *used += 1;
        if used.is_multiple_of(500) {
            *cache = Arc::default();
        }
        Arc::clone(cache)
    });
    answer(Model::new(None, cache).run(op, input))
}

fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Ok(out) => Answer::Ok(out),
        Outcome::Reject(reject) => Answer::Reject {
            class: reject.class,
            code: reject.code,
            status: reject.status,
            out: reject.out,
        },
        Outcome::Fault { .. } | Outcome::Unsupported { .. } => Answer::BadRequest,
    }
}
