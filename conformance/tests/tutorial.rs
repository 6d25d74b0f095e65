//! The README's tutorial, tried as it is written.

mod common;

use std::path::Path;
use std::process::Command;

use common::{TUNNELPROOF, skipped};

/// A fenced block: its language and its text.
struct Block {
    language: String,
    text: String,
}

/// The blocks of the tutorial's section, without the one that builds the harness.
fn blocks() -> Vec<Block> {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(readme).expect("can be read");
    let (_, section) = readme.split_once("## A shim from an empty file").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("the section after it");
    // Text and code alternate, split at the fences.
    let parts: Vec<&str> = section.split("\n```").collect();
    let pairs = parts.chunks_exact(2).filter(|pair| !pair[0].ends_with("<!-- build -->"));
    pairs
        .map(|pair| {
            let (language, text) = pair[1].split_once('\n').expect("a language");
            Block { language: language.into(), text: text.into() }
        })
        .collect()
}

/// With numbers made equal, so that the tutorial need not follow every new vector.
fn without_numbers(line: &str) -> String {
    let mut text = String::new();
    for c in line.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        match c {
            '0'..='9' if text.ends_with('N') => {}
            '0'..='9' => text.push('N'),
            _ => text.push(c),
        }
    }
    text
}

/// Whether a line is the one written; `..` stands for anything.
fn fits(written: &str, found: &str) -> bool {
    let (written, mut found) = (without_numbers(written), without_numbers(found));
    let mut parts = written.split("..");
    let first = parts.next().unwrap_or_default();
    if !found.starts_with(first) {
        return false;
    }
    found.drain(..first.len());
    let mut rest = found.as_str();
    let mut exact = true;
    for part in parts {
        exact = false;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    !exact || rest.is_empty()
}

#[test]
fn the_tutorial_works_as_written() {
    if Command::new("python3").arg("--version").output().is_err() {
        assert!(
            std::env::var_os("TUNNELPROOF_REQUIRE_PYTHON").is_none(),
            "python3 is required here and missing"
        );
        skipped("the tutorial needs python3, which is not there");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let program = Path::new(TUNNELPROOF).parent().expect("is in a directory").to_string_lossy();
    let path = format!("{program}:{}", std::env::var("PATH").unwrap_or_default());
    let mut output = String::new();
    let (mut commands, mut compared) = (0, 0);
    for Block { language, text } in blocks() {
        match language.as_str() {
            "sh" => {
                let run = Command::new("sh")
                    .args(["-c", &text])
                    .current_dir(directory.path())
                    .env("PATH", &path)
                    .output()
                    .expect("sh runs");
                output = String::from_utf8(run.stdout).expect("is UTF-8");
                assert_eq!(String::from_utf8_lossy(&run.stderr), "", "{text}");
                assert!(matches!(run.status.code(), Some(0 | 1)), "{text}\n{output}");
                commands += 1;
            }
            "text" => {
                let (written, found): (Vec<&str>, Vec<&str>) =
                    (text.lines().collect(), output.lines().collect());
                let differs = written.len() != found.len()
                    || written.iter().zip(&found).any(|(written, found)| !fits(written, found));
                assert!(!differs, "the README has\n{text}\nand the program says\n{output}");
                compared += 1;
            }
            other => panic!("a block of the language {other:?}"),
        }
    }
    assert_eq!((commands, compared), (6, 2), "blocks of the tutorial");
    assert!(output.contains("selection passed"), "{output}");
}

#[test]
fn lines_fit_with_other_numbers_and_gaps() {
    assert!(fits("cred  14  65", "cred        208            1"));
    assert!(fits("suite 1.0.0 (..)", "suite 1.2.30 (abc9)"));
    assert!(!fits("cred  14", "cred  14  1"));
    assert!(!fits("Expected ..", "Found it"));
}
