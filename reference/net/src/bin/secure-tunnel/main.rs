//! The command `secure-tunnel`.

mod args;
mod ca;
mod connect;
mod fault;
mod files;
mod keygen;
mod log;
mod pump;
mod serve;
mod store;
mod tls;
mod token;
mod under_test;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use fault::Fault;

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return Fault::Local(format!("no runtime: {error}")).report(),
    };
    let outcome = runtime.block_on(run(command));
    // A read of standard input that nothing will end must not keep the process.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fault.report(),
    }
}

async fn run(command: Command) -> Result<(), Fault> {
    match command {
        Command::Keygen(args) => keygen::run(&args),
        Command::Serve(args) => serve::run(*args).await,
        Command::Connect(args) => connect::run(*args).await,
        Command::Token(args) => token::run(args),
        Command::Ca(args) => ca::run(args),
        Command::UnderTest => under_test::run().await.map_err(Fault::Input),
    }
}
