//! What went over the wire in one case, kept until its verdict is known and written to a file if it failed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io};

use serde_json::json;

use crate::decode::decode;

/// The wire trace of a case.
pub struct Trace {
    begun: Instant,
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    at: Duration,
    /// The local port of the connection; 0 for the lines beside it.
    connection: u16,
    what: String,
    /// At most [`KEPT`] octets.
    octets: Vec<u8>,
    length: usize,
}

/// Octets kept of each entry, and entries kept of each case.
const KEPT: usize = 4096;
const MOST: usize = 4000;

impl Trace {
    pub fn new() -> Trace {
        Trace { begun: Instant::now(), entries: Mutex::default() }
    }

    /// Adds octets that went over a connection; `what` says which way, and what they are.
    pub fn octets(&self, connection: u16, what: impl Into<String>, octets: &[u8]) {
        let entry = Entry {
            at: self.begun.elapsed(),
            connection,
            what: what.into(),
            octets: octets[..octets.len().min(KEPT)].to_vec(),
            length: octets.len(),
        };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() < MOST {
            entries.push(entry);
        }
    }

    /// Adds something that has no octets.
    pub fn note(&self, connection: u16, what: impl Into<String>) {
        self.octets(connection, what, &[]);
    }

    /// Writes the trace to a file of its own in the directory.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, directory: &Path, name: &str, head: &str) -> io::Result<PathBuf> {
        fs::create_dir_all(directory)?;
        let path = directory.join(format!("{}.txt", name.replace('/', "-")));
        fs::write(&path, format!("{head}\n\n{}", self.text()))?;
        Ok(path)
    }

    fn text(&self) -> String {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for entry in entries.iter() {
            let connection = match entry.connection {
                0 => "lines".to_owned(),
                port => port.to_string(),
            };
            let seconds = entry.at.as_secs_f64();
            let length = match entry.length {
                0 => String::new(),
                length => format!(", {length} octets"),
            };
            let _ = writeln!(text, "{seconds:>9.4} s  {connection:>5}  {}{length}", entry.what);
            text.push_str(&fields(&entry.what, &entry.octets, entry.length));
            text.push_str(&dump(&entry.octets));
            if entry.length > KEPT {
                let _ = writeln!(text, "      .. {} octets more", entry.length - KEPT);
            }
        }
        if entries.len() >= MOST {
            let _ = writeln!(text, "more than {MOST} entries: the rest is left out");
        }
        text
    }
}

/// The fields of a message that is named "message: M2" or "message: record", one a line.
fn fields(what: &str, octets: &[u8], length: usize) -> String {
    let Some((_, kind)) = what.split_once("message") else { return String::new() };
    if length > octets.len() {
        return String::new();
    }
    let octets = hex::encode(octets);
    let lines = if kind.contains("M1") {
        decode("hs.spki", &json!({ "m1": octets }))
    } else if kind.contains("M2") {
        decode("hs.server", &json!({ "receive": octets }))
    } else if kind.contains("record") {
        decode("chan.open", &json!({ "record": octets }))
    } else {
        return String::new();
    };
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "      {}  {}", line.path, line.content.show(0, 90));
    }
    text
}

/// 32 octets a line, after their offset.
fn dump(octets: &[u8]) -> String {
    let mut text = String::new();
    for (index, line) in octets.chunks(32).enumerate() {
        let _ = writeln!(text, "      {:04x}  {}", index * 32, hex::encode(line));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_split_into_fields_and_long_ones_cut() {
        let trace = Trace::new();
        trace.octets(5, "sent message: record", &[7; 20]);
        trace.octets(5, "received", &[1; KEPT + 3]);
        trace.note(5, "end of stream");
        let directory = tempfile::tempdir().expect("a directory");
        let path = trace.write(directory.path(), "live/a/b", "head").expect("is written");
        assert!(path.ends_with("live-a-b.txt"));
        let text = fs::read_to_string(path).expect("is there");
        for part in ["record: tag", "0000  0707", ".. 3 octets more", "end of stream", "head\n"] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }
}
