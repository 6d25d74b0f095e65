//! Servers and clients of all stacks understand each other over both transports, and a bad network between them makes
//! nobody believe that something is complete which is not. More of it: `scripts/live-peers` and `scripts/faults`.
//!
//! A stack that is not set up is shown as ignored, with what is missing; with TUNNELPROOF_REQUIRE_PEER_NODE and the
//! like set, it fails.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use common::{TUNNELPROOF, run, works};
use libtest_mimic::{Arguments, Trial};

/// Connections through the bad network, for the reference with itself and for other pairs.
const RUNS: [&str; 2] = ["40", "4"];

fn main() -> ExitCode {
    let stacks = [reference(), node(), bun(), python()];
    // Each stack once as the server and once as the client of every other would be 16 pairs for each transport; all of
    // them are in scripts/live-peers.
    let pairs = [(0, 0), (0, 1), (1, 0), (0, 2), (2, 0), (0, 3), (3, 0), (1, 3), (3, 2), (2, 1)];
    let trials = pairs.iter().flat_map(|(server, client)| {
        ["tcp", "ws"].map(|transport| trial(&stacks[*server], &stacks[*client], transport))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// A stack's endpoint.
struct Stack {
    name: &'static str,
    /// Its command, or what is missing for it.
    command: Result<String, &'static str>,
}

fn trial(server: &Stack, client: &Stack, transport: &'static str) -> Trial {
    let name = format!("{}_and_{}_over_{transport}", server.name, client.name);
    let own = server.name == "reference" && client.name == "reference";
    let runs = RUNS[usize::from(!own)];
    match (server.command.clone(), client.command.clone()) {
        (Ok(server), Ok(client)) => {
            Trial::test(name, move || understand_each_other(&server, &client, transport, runs))
        }
        (Err(missing), _) | (_, Err(missing)) => {
            let required = [server, client].iter().any(|stack| {
                let variable = format!("TUNNELPROOF_REQUIRE_PEER_{}", stack.name.to_uppercase());
                stack.command.is_err() && std::env::var_os(variable).is_some()
            });
            Trial::test(format!("{name} ({missing})"), move || Err(missing.into()))
                .with_ignored_flag(!required)
        }
    }
}

fn understand_each_other(
    server: &str,
    client: &str,
    transport: &str,
    runs: &str,
) -> Result<(), libtest_mimic::Failed> {
    let command =
        ["pair", "--server", server, "--client", client, "--transport", transport, "--runs", runs];
    let finished = run(command);
    if finished.code() == 0 && finished.stdout().starts_with("ok: ") {
        return Ok(());
    }
    Err(format!("exit code {}\n{}{}", finished.code(), finished.stdout(), finished.stderr()).into())
}

/// The command of the crate `secure-tunnel-net`, which is built beside the program under test.
fn reference() -> Stack {
    let path = Path::new(TUNNELPROOF).with_file_name("secure-tunnel");
    let command = if path.is_file() {
        Ok(format!("{} under-test", path.display()))
    } else {
        Err("run cargo build -p secure-tunnel-net")
    };
    Stack { name: "reference", command }
}

fn node() -> Stack {
    let peer = peers("node");
    let loads = works(Command::new("node").args(["-e", "import('ws')"]).current_dir(&peer));
    let command = format!("node {}", peer.join("endpoint.mjs").display());
    Stack {
        name: "node",
        command: if loads { Ok(command) } else { Err("run conformance/peers/node/setup") },
    }
}

fn bun() -> Stack {
    let peer = peers("bun");
    let program = peer.join("bun");
    let loads = works(Command::new(&program).arg("--version"));
    let command = format!("{} {}", program.display(), peer.join("endpoint.mjs").display());
    Stack {
        name: "bun",
        command: if loads { Ok(command) } else { Err("run conformance/peers/bun/setup") },
    }
}

fn python() -> Stack {
    let peer = peers("python");
    let program = peer.join(".venv/bin/python");
    let loads = works(Command::new(&program).args(["-c", "import cryptography, websockets"]));
    let command = format!("{} {}", program.display(), peer.join("endpoint.py").display());
    Stack {
        name: "python",
        command: if loads { Ok(command) } else { Err("run conformance/peers/python/setup") },
    }
}

fn peers(stack: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(stack)
}
