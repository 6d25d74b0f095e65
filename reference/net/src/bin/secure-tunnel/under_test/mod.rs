//! `secure-tunnel under-test`: an endpoint for the harness, by spec/live-protocol.md.

mod client;
mod drive;
mod lines;
mod server;
mod tls;

use std::time::Duration;

use lines::{Lines, Output, Role, Start};

/// How long channels may take to close when standard input has ended.
const GRACE: Duration = Duration::from_secs(5);

/// Speaks the live protocol on standard input and output.
///
/// # Errors
/// What was wrong with a line, or with standard input.
pub async fn run() -> Result<(), String> {
    let mut lines = Lines::stdin();
    let output = Output::stdout();
    let Some(line) = lines.next().await? else { return Ok(()) };
    let Start { v, role } = line.parse()?;
    if v != 1 {
        return Err(format!("first line: version {v} of the live protocol; this speaks 1"));
    }
    match role {
        Role::Server => server::run(line.parse()?, lines, &output).await?,
        Role::Client => client::run(lines, &output).await?,
    }
    output.end().await;
    Ok(())
}
