//! The implementations in Python and Node, written from the specification's text alone, are conformant.
//!
//! A stack that is not set up is shown as ignored, with what is missing; with TUNNELPROOF_REQUIRE_PYTHON or
//! TUNNELPROOF_REQUIRE_NODE set, it fails.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use common::{run, works};
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let trials = vec![trial("python", &python()), trial("node", &node())];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The command of a shim, or what is missing for it.
type Stack = Result<Vec<String>, &'static str>;

fn trial(name: &'static str, stack: &Stack) -> Trial {
    match stack.clone() {
        Ok(command) => {
            Trial::test(format!("{name}_is_conformant"), move || is_conformant(&command))
        }
        Err(missing) => {
            let required = format!("TUNNELPROOF_REQUIRE_{}", name.to_uppercase());
            let required = std::env::var_os(required).is_some();
            Trial::test(format!("{name}_is_conformant ({missing})"), move || Err(missing.into()))
                .with_ignored_flag(!required)
        }
    }
}

fn is_conformant(command: &[String]) -> Result<(), libtest_mimic::Failed> {
    let options = ["run", "--timeout", "60", "--"];
    let finished = run(options.into_iter().chain(command.iter().map(String::as_str)));
    if finished.code() == 0 && finished.stdout().contains("\nconformant: tunnel, tokens, mtls (") {
        return Ok(());
    }
    Err(format!("exit code {}\n{}{}", finished.code(), finished.stdout(), finished.stderr()).into())
}

fn python() -> Stack {
    let shims = shims("python");
    let python = shims.join(".venv/bin/python");
    if !works(Command::new(&python).args(["-c", "import cryptography, nacl"])) {
        return Err("run conformance/shims/python/setup");
    }
    Ok(words([python, shims.join("shim.py")]))
}

fn node() -> Stack {
    let shims = shims("node");
    let load = "Promise.all([import('asn1js'), import('libsodium-wrappers')])";
    if !works(Command::new("node").args(["-e", load]).current_dir(&shims)) {
        return Err("run conformance/shims/node/setup");
    }
    Ok(words([PathBuf::from("node"), shims.join("shim.mjs")]))
}

fn shims(stack: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("shims").join(stack)
}

fn words(paths: [PathBuf; 2]) -> Vec<String> {
    paths.iter().map(|path| path.to_string_lossy().into_owned()).collect()
}
