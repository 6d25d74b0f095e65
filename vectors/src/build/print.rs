//! The one layout of vector files.

use serde_json::{Map, Value};

/// Columns that a line should not pass; a single value may.
const WIDTH: usize = 120;

/// The keys of a vector, a line for each group.
const LINES: [&[&str]; 5] = [
    &["id", "since", "requirements", "level", "op", "requires"],
    &["in"],
    &["expect"],
    &["base", "flaw", "group", "severity"],
    &["note", "bug"],
];

/// The keys of a document, in order.
const DOCUMENT: [&str; 6] = ["format", "suite", "family", "about", "constants", "vectors"];

/// A file's text in the layout of the committed files, with a line end at its end.
#[must_use]
pub fn document(document: &Value) -> String {
    let mut out = String::from("{\n");
    let known = DOCUMENT.iter().filter_map(|key| Some((*key, document.get(*key)?)));
    for (i, (key, value)) in known.enumerate() {
        if i > 0 {
            out.push_str(",\n");
        }
        out.push_str(&format!("  {}: ", quoted(key)));
        match (key, value) {
            ("vectors", Value::Array(vectors)) => put_vectors(&mut out, vectors),
            ("constants", Value::Object(constants)) => put_constants(&mut out, constants),
            _ => out.push_str(&compact(value)),
        }
    }
    out.push_str("\n}\n");
    out
}

fn put_constants(out: &mut String, constants: &Map<String, Value>) {
    let lines: Vec<_> = sorted(constants)
        .into_iter()
        .map(|(key, value)| format!("    {}: {}", quoted(key), compact(value)))
        .collect();
    if lines.is_empty() {
        out.push_str("{}");
    } else {
        out.push_str(&format!("{{\n{}\n  }}", lines.join(",\n")));
    }
}

fn put_vectors(out: &mut String, vectors: &[Value]) {
    out.push_str("[\n");
    for (i, vector) in vectors.iter().enumerate() {
        if i > 0 {
            out.push_str(",\n");
        }
        out.push_str("    {\n");
        let mut first = true;
        for keys in LINES {
            let fields: Vec<_> = keys
                .iter()
                .filter_map(|key| Some((*key, vector.get(*key)?)))
                .map(|(key, value)| format!("{}: {}", quoted(key), wrapped(value, 6)))
                .collect();
            if !fields.is_empty() {
                out.push_str(if first { "      " } else { ",\n      " });
                out.push_str(&fields.join(", "));
                first = false;
            }
        }
        out.push_str("\n    }");
    }
    out.push_str("\n  ]");
}

/// On one line if that is short enough, else a line for each field or item.
fn wrapped(value: &Value, indent: usize) -> String {
    let line = compact(value);
    if line.len() + indent <= WIDTH {
        return line;
    }
    let inner = indent + 2;
    let (open, close, lines): (_, _, Vec<_>) = match value {
        Value::Object(object) if !object.is_empty() => {
            let field = |(key, value): (&String, &Value)| {
                format!("{}: {}", quoted(key), wrapped(value, inner))
            };
            ("{", "}", sorted(object).into_iter().map(field).collect())
        }
        Value::Array(items) if !items.is_empty() => {
            ("[", "]", items.iter().map(|item| wrapped(item, inner)).collect())
        }
        _ => return line,
    };
    let pad = " ".repeat(inner);
    format!("{open}\n{pad}{}\n{}{close}", lines.join(&format!(",\n{pad}")), " ".repeat(indent))
}

/// On one line, a space after each colon and comma, keys in ASCII order.
fn compact(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let fields: Vec<_> = sorted(object)
                .into_iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), compact(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(compact).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// The order of a map of `serde_json` depends on a feature that any crate may turn on.
fn sorted(object: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = object.iter().collect();
    fields.sort_by(|a, b| a.0.cmp(b.0));
    fields
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
