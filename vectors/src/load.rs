//! Files to vectors, failing closed.

use serde_json::{Map, Value};

use crate::error::LoadError;
use crate::ops;
use crate::vector::{Bug, Expect, Level, Reject, Severity, Vector};

/// The areas, in the order of the chapters.
pub(crate) const AREAS: [&str; 6] = ["cred", "hs", "chan", "frame", "tok", "tls"];
/// The format that this crate reads.
pub(crate) const FORMAT: u64 = 1;

/// What `constants.json` holds.
pub(crate) struct Constants {
    pub(crate) version: String,
    pub(crate) values: Map<String, Value>,
}

/// Reads `constants.json`.
pub(crate) fn constants(file: &str, octets: &[u8]) -> Result<Constants, LoadError> {
    let cursor = Cursor { file, vector: None };
    let mut object = cursor.document(octets, &["format", "suite", "about", "constants"])?;
    cursor.text(&mut object, "about")?;
    let version = cursor.text(&mut object, "suite")?;
    let values = cursor.constants(&mut object)?;
    Ok(Constants { version, values })
}

/// Reads `<area>/<family>.json`.
pub(crate) fn family(
    file: &str,
    octets: &[u8],
    shared: &Map<String, Value>,
) -> Result<Vec<Vector>, LoadError> {
    let (family, object) = opened(file, octets)?;
    if Some(family.as_str()) != file.strip_suffix(".json") {
        return Cursor { file, vector: None }.fail("family", "does not name this file");
    }
    vectors(file, &family, object, shared)
}

/// Reads a document of vectors from anywhere.
pub(crate) fn document(
    file: &str,
    octets: &[u8],
    shared: &Map<String, Value>,
) -> Result<Vec<Vector>, LoadError> {
    let (family, object) = opened(file, octets)?;
    vectors(file, &family, object, shared)
}

/// The document's family, and the rest of it.
fn opened(file: &str, octets: &[u8]) -> Result<(String, Map<String, Value>), LoadError> {
    let cursor = Cursor { file, vector: None };
    let mut object =
        cursor.document(octets, &["format", "family", "about", "constants", "vectors"])?;
    cursor.text(&mut object, "about")?;
    let family = cursor.text(&mut object, "family")?;
    Ok((family, object))
}

fn vectors(
    file: &str,
    family: &str,
    mut object: Map<String, Value>,
    shared: &Map<String, Value>,
) -> Result<Vec<Vector>, LoadError> {
    let cursor = Cursor { file, vector: None };
    let own = cursor.constants(&mut object)?;
    if let Some(name) = own.keys().find(|name| shared.contains_key(*name)) {
        return cursor.fail("constants", &format!("`{name}` is in constants.json too"));
    }
    let Some(Value::Array(vectors)) = object.remove("vectors") else {
        return cursor.fail("vectors", "not a list");
    };
    vectors.into_iter().map(|vector| read_vector(file, family, vector, &own, shared)).collect()
}

/// Where the reader is, for errors.
struct Cursor<'a> {
    file: &'a str,
    vector: Option<&'a str>,
}

fn read_vector(
    file: &str,
    family: &str,
    vector: Value,
    own: &Map<String, Value>,
    shared: &Map<String, Value>,
) -> Result<Vector, LoadError> {
    let Value::Object(mut object) = vector else {
        return Cursor { file, vector: None }.fail("vectors", "not objects");
    };
    let id = Cursor { file, vector: None }.text(&mut object, "id")?;
    let at = Cursor { file, vector: Some(&id) };
    if id.strip_prefix(family).and_then(|rest| rest.strip_prefix('/')).is_none_or(|name| {
        name.is_empty() || !name.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    }) {
        return at.fail("id", &format!("not {family}/ and a name of a-z, 0-9 and -"));
    }
    let resolve = |field: &str, value: Value| {
        resolve(value, own, shared).map_err(|problem| at.error(field, &problem))
    };
    let op_name = at.text(&mut object, "op")?;
    let Some(op) = ops::find(&op_name) else {
        return at.fail("op", &format!("unknown: {op_name}"));
    };
    if !op_name.starts_with(&format!("{}.", id.split('/').next().unwrap_or_default())) {
        return at.fail("op", "of another area");
    }
    let Some(Value::Object(input)) = object.remove("in") else {
        return at.fail("in", "not an object");
    };
    let Value::Object(input) = resolve("in", Value::Object(input))? else {
        return at.fail("in", "not an object");
    };
    op.check_input(&input).map_err(|error| at.error(&error.path, &error.problem))?;
    let Some(expect) = object.remove("expect") else {
        return at.fail("expect", "missing");
    };
    let expect = at.expect(resolve("expect", expect)?, op)?;
    let vector = Vector {
        since: at.text(&mut object, "since")?,
        requirements: at.texts(&mut object, "requirements")?,
        level: match at.text(&mut object, "level")?.as_str() {
            "MUST" => Level::Must,
            "SHOULD" => Level::Should,
            other => return at.fail("level", &format!("neither MUST nor SHOULD: {other}")),
        },
        requires: at.optional(&mut object, "requires", Cursor::texts)?.unwrap_or_default(),
        base: at.optional(&mut object, "base", Cursor::text)?,
        flaw: at.optional(&mut object, "flaw", Cursor::text)?,
        group: at.optional(&mut object, "group", Cursor::text)?,
        severity: match at.optional(&mut object, "severity", Cursor::text)?.as_deref() {
            None => None,
            Some("security") => Some(Severity::Security),
            Some("robustness") => Some(Severity::Robustness),
            Some("interop") => Some(Severity::Interop),
            Some(other) => return at.fail("severity", &format!("unknown: {other}")),
        },
        note: at.text(&mut object, "note")?,
        bug: at.optional(&mut object, "bug", Cursor::bug)?,
        op: op_name,
        input,
        expect,
        id: id.clone(),
    };
    at.nothing_left(&object)?;
    Ok(vector)
}

impl Cursor<'_> {
    fn error(&self, field: &str, problem: &str) -> LoadError {
        LoadError {
            file: self.file.to_owned(),
            vector: self.vector.map(str::to_owned),
            field: field.to_owned(),
            problem: problem.to_owned(),
        }
    }

    fn fail<T>(&self, field: &str, problem: &str) -> Result<T, LoadError> {
        Err(self.error(field, problem))
    }

    /// The outermost object, with exactly these keys and the format that is known.
    fn document(&self, octets: &[u8], keys: &[&str]) -> Result<Map<String, Value>, LoadError> {
        let value: Value = serde_json::from_slice(octets)
            .map_err(|error| self.error("", &format!("not JSON: {error}")))?;
        let Value::Object(mut object) = value else {
            return self.fail("", "not an object");
        };
        if let Some(key) = object.keys().find(|key| !keys.contains(&key.as_str())) {
            return self.fail(key, "an unknown key");
        }
        if let Some(key) = keys.iter().find(|key| !object.contains_key(**key)) {
            return self.fail(key, "missing");
        }
        if object.remove("format") != Some(Value::from(FORMAT)) {
            return self.fail("format", "not format 1");
        }
        Ok(object)
    }

    fn constants(&self, object: &mut Map<String, Value>) -> Result<Map<String, Value>, LoadError> {
        let Some(Value::Object(values)) = object.remove("constants") else {
            return self.fail("constants", "not an object");
        };
        match values.iter().find(|(_, value)| mentions_const(value)) {
            Some((name, _)) => self.fail("constants", &format!("`{name}` refers to another")),
            None => Ok(values),
        }
    }

    fn text(&self, object: &mut Map<String, Value>, key: &str) -> Result<String, LoadError> {
        match object.remove(key) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(_) => self.fail(key, "not text"),
            None => self.fail(key, "missing"),
        }
    }

    fn texts(&self, object: &mut Map<String, Value>, key: &str) -> Result<Vec<String>, LoadError> {
        let Some(Value::Array(items)) = object.remove(key) else {
            return self.fail(key, "not a list");
        };
        let texts: Option<Vec<_>> =
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        match texts {
            Some(texts) if !texts.is_empty() => Ok(texts),
            _ => self.fail(key, "not a list of texts with at least one"),
        }
    }

    fn bug(&self, object: &mut Map<String, Value>, key: &str) -> Result<Bug, LoadError> {
        let Some(Value::Object(mut bug)) = object.remove(key) else {
            return self.fail(key, "not an object");
        };
        let kind = self.text(&mut bug, "type")?;
        let cve = self.optional(&mut bug, "cve", Cursor::text)?;
        self.nothing_left(&bug)?;
        Ok(Bug { kind, cve })
    }

    fn optional<T>(
        &self,
        object: &mut Map<String, Value>,
        key: &str,
        read: impl Fn(&Self, &mut Map<String, Value>, &str) -> Result<T, LoadError>,
    ) -> Result<Option<T>, LoadError> {
        if object.contains_key(key) { read(self, object, key).map(Some) } else { Ok(None) }
    }

    fn expect(&self, value: Value, op: &ops::Op) -> Result<Expect, LoadError> {
        let Value::Object(mut object) = value else {
            return self.fail("expect", "not an object");
        };
        let shape = |error: ops::ShapeError| self.error(&error.path, &error.problem);
        let expect = match (object.remove("accept"), object.remove("reject")) {
            (Some(Value::Object(out)), None) => {
                op.check_output(&out).map_err(shape)?;
                Expect::Accept(out)
            }
            (None, Some(Value::Object(mut reject))) => {
                let out = match reject.remove("out") {
                    None => None,
                    Some(Value::Object(out)) => {
                        op.check_output(&out).map_err(shape)?;
                        Some(out)
                    }
                    Some(_) => return self.fail("expect.reject.out", "not an object"),
                };
                let status = match reject.remove("status") {
                    None => None,
                    Some(Value::Null) => Some(None),
                    Some(value) if value == 400 => Some(Some(400)),
                    Some(value) if value == 401 => Some(Some(401)),
                    Some(_) => return self.fail("expect.reject.status", "not null, 400 or 401"),
                };
                let class = self.text(&mut reject, "class")?;
                let codes = self.texts(&mut reject, "codes")?;
                self.nothing_left(&reject)?;
                Expect::Reject(Reject { class, codes, status, out })
            }
            _ => return self.fail("expect", "neither `accept` nor `reject`"),
        };
        self.nothing_left(&object)?;
        Ok(expect)
    }

    fn nothing_left(&self, object: &Map<String, Value>) -> Result<(), LoadError> {
        match object.keys().next() {
            Some(key) => self.fail(key, "an unknown key"),
            None => Ok(()),
        }
    }
}

fn mentions_const(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            object.contains_key("const") || object.values().any(mentions_const)
        }
        Value::Array(items) => items.iter().any(mentions_const),
        _ => false,
    }
}

/// Puts the values of constants in the place of their names.
fn resolve(
    value: Value,
    own: &Map<String, Value>,
    shared: &Map<String, Value>,
) -> Result<Value, String> {
    match value {
        Value::Object(object) if object.contains_key("const") => {
            let name = match (object.len(), &object["const"]) {
                (1, Value::String(name)) => name,
                _ => return Err("`const` is not alone, or not a name".to_owned()),
            };
            own.get(name)
                .or_else(|| shared.get(name))
                .cloned()
                .ok_or_else(|| format!("unknown constant `{name}`"))
        }
        Value::Object(object) => object
            .into_iter()
            .map(|(key, value)| Ok((key, resolve(value, own, shared)?)))
            .collect::<Result<_, _>>()
            .map(Value::Object),
        Value::Array(items) => items
            .into_iter()
            .map(|item| resolve(item, own, shared))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        other => Ok(other),
    }
}
