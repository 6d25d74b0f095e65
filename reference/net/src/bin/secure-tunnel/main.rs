//! The command `secure-tunnel`.

mod under_test;

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some("under-test") {
        eprintln!("usage: secure-tunnel under-test");
        return ExitCode::from(2);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("secure-tunnel: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(under_test::run());
    // Standard input may be in the middle of a read that nothing ends.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("secure-tunnel under-test: {error}");
            ExitCode::from(2)
        }
    }
}
