//! The command `tunnelproof`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tunnelproof::cli::main()
}
