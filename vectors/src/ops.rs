//! The operations of the shim protocol and the shapes of their values.

use serde_json::{Map, Value};

mod table;

use Shape::{Bool, Error, Integer, List, NullOr, Object, Octets, OneOf, Sent, True, U64, Word};
use table::OPS;

/// An operation with the fields of its `in` and `out`.
pub(crate) struct Op {
    pub(crate) name: &'static str,
    pub(crate) input: &'static [Field],
    pub(crate) output: &'static [Field],
}

pub(crate) struct Field {
    name: &'static str,
    shape: Shape,
    required: bool,
}

/// What a value may be. Octets are hexadecimal; in `in` also `repeat`, in `out` also `sha256`.
enum Shape {
    Octets,
    U64,
    Integer,
    Bool,
    True,
    Word(&'static [&'static str]),
    NullOr(&'static Shape),
    List(&'static Shape),
    Object(&'static [Field]),
    OneOf(&'static [Shape]),
    /// A message that a party sent: octets, or how to check them.
    Sent,
    /// An expected error among results.
    Error,
}

/// Which side of a vector a value is on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    In,
    Out,
}

/// A value that is not of the shape demanded, and where.
pub(crate) struct ShapeError {
    pub(crate) path: String,
    pub(crate) problem: String,
}

/// The operation of that name.
pub(crate) fn find(name: &str) -> Option<&'static Op> {
    OPS.iter().find(|op| op.name == name)
}

impl Op {
    /// Holds `in` against the operation's fields.
    pub(crate) fn check_input(&self, input: &Map<String, Value>) -> Result<(), ShapeError> {
        check_object(self.input, input, Side::In, true, "in")
    }

    /// Holds expected fields of `out` against the operation's; none of them has to be there.
    pub(crate) fn check_output(&self, out: &Map<String, Value>) -> Result<(), ShapeError> {
        check_object(self.output, out, Side::Out, false, "out")
    }
}

const fn must(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

const fn may(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}

const CHECKS: &[(&str, &[&str])] = &[
    ("request", &["private_key", "spki", "plaintext"]),
    ("reply", &["private_key", "plaintext"]),
    ("length", &["length"]),
    ("open-record", &["m1", "m3", "k"]),
];

fn check_object(
    fields: &[Field],
    object: &Map<String, Value>,
    side: Side,
    complete: bool,
    path: &str,
) -> Result<(), ShapeError> {
    for (key, value) in object {
        let path = format!("{path}.{key}");
        match fields.iter().find(|field| field.name == key) {
            Some(field) => field.shape.check(value, side, &path)?,
            None => return fail(&path, "an unknown field"),
        }
    }
    let missing = |field: &&Field| field.required && !object.contains_key(field.name);
    match fields.iter().find(missing) {
        Some(field) if complete => fail(path, &format!("without `{}`", field.name)),
        _ => Ok(()),
    }
}

impl Shape {
    fn check(&self, value: &Value, side: Side, path: &str) -> Result<(), ShapeError> {
        let ok = match (self, value) {
            (Octets, _) => return check_octets(value, side, path),
            (U64, Value::String(text)) => is_u64(text),
            (Integer, Value::Number(number)) => number.is_u64(),
            (Bool, Value::Bool(_)) | (True, Value::Bool(true)) | (NullOr(_), Value::Null) => true,
            (Word(words), Value::String(word)) => words.contains(&word.as_str()),
            (NullOr(shape), _) => return shape.check(value, side, path),
            (List(shape), Value::Array(items)) => {
                for (i, item) in items.iter().enumerate() {
                    shape.check(item, side, &format!("{path}[{i}]"))?;
                }
                true
            }
            (Object(fields), Value::Object(object)) => {
                return check_object(fields, object, side, true, path);
            }
            (OneOf(shapes), _) => {
                let mut errors = Vec::new();
                for shape in *shapes {
                    match shape.check(value, side, path) {
                        Ok(()) => return Ok(()),
                        Err(error) => errors.push(error),
                    }
                }
                // The error that lies deepest is that of the alternative that was meant.
                let deepest = errors.into_iter().max_by_key(|error| error.path.len());
                return Err(deepest.unwrap_or_else(|| ShapeError {
                    path: path.to_owned(),
                    problem: "no alternative".to_owned(),
                }));
            }
            (Sent, Value::Object(object)) if object.contains_key("check") => {
                return check_check(object, path);
            }
            (Sent, _) => return check_octets(value, side, path),
            (Error, Value::Object(object)) => is_error(object),
            _ => false,
        };
        if ok { Ok(()) } else { fail(path, &format!("not {}: {value}", self.words())) }
    }

    fn words(&self) -> String {
        match self {
            U64 => "a decimal string".to_owned(),
            Integer => "a non-negative integer".to_owned(),
            Bool => "a boolean".to_owned(),
            True => "`true`".to_owned(),
            Word(words) => format!("one of {words:?}"),
            List(_) => "a list".to_owned(),
            Object(fields) => {
                let names: Vec<_> = fields.iter().map(|field| field.name).collect();
                format!("an object of {names:?}")
            }
            Error => "an error with class and codes".to_owned(),
            Octets | Sent | NullOr(_) | OneOf(_) => "octets".to_owned(),
        }
    }
}

fn check_octets(value: &Value, side: Side, path: &str) -> Result<(), ShapeError> {
    let ok = match (value, side) {
        (Value::String(text), _) => is_hex(text),
        (Value::Object(object), Side::In) => {
            keys_are(object, &["length", "repeat"])
                && object["length"].is_u64()
                && object["repeat"].as_str().is_some_and(|text| is_hex(text) && !text.is_empty())
        }
        (Value::Object(object), Side::Out) => {
            keys_are(object, &["length", "sha256"])
                && object["length"].is_u64()
                && object["sha256"].as_str().is_some_and(|text| is_hex(text) && text.len() == 64)
        }
        _ => false,
    };
    if ok { Ok(()) } else { fail(path, &format!("not octets in lower-case hexadecimal: {value}")) }
}

fn check_check(object: &Map<String, Value>, path: &str) -> Result<(), ShapeError> {
    let name = object["check"].as_str().unwrap_or_default();
    let Some((_, fields)) = CHECKS.iter().find(|(check, _)| *check == name) else {
        return fail(path, &format!("an unknown check: {name}"));
    };
    let mut keys = fields.to_vec();
    keys.push("check");
    if !keys_are(object, &keys) {
        return fail(path, &format!("not the check {name:?} of {fields:?}"));
    }
    if name == "length" {
        return match object["length"].is_u64() {
            true => Ok(()),
            false => fail(path, "`length` is not an integer"),
        };
    }
    for field in *fields {
        check_octets(&object[*field], Side::Out, &format!("{path}.{field}"))?;
    }
    Ok(())
}

fn is_error(object: &Map<String, Value>) -> bool {
    keys_are(object, &["class", "codes"])
        && object["class"].is_string()
        && object["codes"]
            .as_array()
            .is_some_and(|codes| !codes.is_empty() && codes.iter().all(Value::is_string))
}

fn keys_are(object: &Map<String, Value>, keys: &[&str]) -> bool {
    object.len() == keys.len() && keys.iter().all(|key| object.contains_key(*key))
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_u64(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|value| value.to_string() == text)
}

fn fail<T>(path: &str, problem: &str) -> Result<T, ShapeError> {
    let mut problem = problem.to_owned();
    if problem.len() > 200 {
        let end = (0..=200).rev().find(|end| problem.is_char_boundary(*end)).unwrap_or(0);
        problem.truncate(end);
        problem.push_str("...");
    }
    Err(ShapeError { path: path.to_owned(), problem })
}
