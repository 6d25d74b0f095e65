//! `tunnelproof-vectors build` makes the vectors again; `check` compares them with what is committed.

use std::path::PathBuf;
use std::process::ExitCode;

use tunnelproof_vectors::build;

const USAGE: &str = "usage: tunnelproof-vectors build|check [--dir REPOSITORY]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (command, root) = match arguments[..] {
        [command @ ("build" | "check")] => {
            (command, PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")))
        }
        [command @ ("build" | "check"), "--dir", directory] => (command, PathBuf::from(directory)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let result = match command {
        "build" => build::build(&root).map(|count| format!("{count} files made")),
        _ => build::check(&root).map(|count| format!("{count} files are as made")),
    };
    match result {
        Ok(done) => {
            println!("{done}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
