//! Two endpoints under test with each other: a server and a client that keep the specification have to understand
//! each other, and over a bad network they have to end, honestly.
//!
//! ```text
//! seed -> Plan -> Proxy between the client's socket and the server's    (plan.rs, proxy.rs)
//! dial, send, close by the live protocol -> events of both -> judgement  (talk.rs)
//! ```
//!
//! Nobody misbehaves here but the network, and it changes no octet. So whatever happens: what was received is a
//! prefix of what was sent, in order and once; each connection ends, and not cleanly unless all was delivered;
//! and where the network was only slow or fine-grained, everything is delivered and both ends are clean.

mod plan;
mod proxy;
mod talk;

use std::ffi::OsString;
use std::time::Duration;

use serde_json::{Value, json};
use tunnelproof_vectors::build::keys;

use crate::live::endpoint::Endpoint;
use crate::shim::process::Program;
use crate::stop::Stop;
use talk::{Both, Ending, Who};

/// A server's command, a client's, and how to try them.
#[derive(Debug, Clone)]
pub struct Pair {
    pub server: Vec<OsString>,
    pub client: Vec<OsString>,
    /// `tcp` or `ws`.
    pub transport: &'static str,
    /// Connections through a disturbed network, of the seeds `seed`, `seed + 1` and so on.
    pub runs: u64,
    pub seed: u64,
    /// Also those where one direction stops for good during the handshake, which take up to 30 seconds.
    pub slow: bool,
    /// How many connections are open side by side.
    pub jobs: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Name and version of the server and the client.
    pub names: [String; 2],
    /// Disturbed connections that ended cleanly at both sides.
    pub clean: u64,
    /// Those of which at least one side knows that they are not complete.
    pub broken_off: u64,
    /// One sentence for each connection that went wrong.
    pub faults: Vec<String>,
}

/// How long an endpoint may take to get ready; one that makes an RSA key needs seconds.
const START: Duration = Duration::from_secs(60);

impl Pair {
    /// Starts both, lets them talk undisturbed, then disturbed, then undisturbed again, and ends them. `progress` is
    /// told how many disturbed connections are over.
    ///
    /// # Errors
    /// If one of them can't be started: a sentence.
    pub fn run(&self, stop: &Stop, progress: &(dyn Fn(u64) + Sync)) -> Result<Outcome, String> {
        let who = Who::new();
        let server = start("server", &self.server, &self.server_line(&who), stop)?;
        let client = start("client", &self.client, &json!({ "v": 1, "role": "client" }), stop)?;
        let address = server.address.ok_or("the server's ready line has no port")?;
        let names = [&server, &client].map(|one| {
            format!("{} {}", one.implementation.name, one.implementation.version).trim().to_owned()
        });
        let transport = self.transport;
        let both = Both { server: &server, client: &client, address, transport, who: &who, stop };
        let mut outcome =
            Outcome { names, clean: 0, broken_off: 0, faults: both.undisturbed(true) };
        let seeds = self.seed..self.seed.saturating_add(self.runs);
        // Whoever fails undisturbed would only fail again.
        let seeds = if outcome.faults.is_empty() { seeds } else { 0..0 };
        for (plan, ending) in both.disturbed(seeds.clone(), self.slow, self.jobs, progress) {
            match ending {
                Ok(Ending::Clean) => outcome.clean += 1,
                Ok(Ending::BrokenOff) => outcome.broken_off += 1,
                Err(fault) => {
                    outcome.faults.push(format!("seed {}: {fault}\n    {plan}", plan.seed))
                }
            }
        }
        if !seeds.is_empty() && !stop.is_set() {
            outcome.faults.extend(
                both.undisturbed(false).into_iter().map(|fault| format!("afterwards: {fault}")),
            );
        }
        for (role, endpoint) in [("server", &server), ("client", &client)] {
            outcome.faults.extend(exits(role, endpoint).err());
        }
        Ok(outcome)
    }

    fn server_line(&self, who: &Who) -> Value {
        json!({
            "v": 1,
            "role": "server",
            "transport": self.transport,
            "host": "127.0.0.1",
            "credentials": [{ "id": hex::encode(&who.id), "server_key": hex::encode(&who.server_key) }],
            "rsa_key": hex::encode(&keys::k4552_a().pkcs8),
            "release_ms": null,
        })
    }
}

fn start(role: &str, command: &[OsString], first: &Value, stop: &Stop) -> Result<Endpoint, String> {
    let program = Program { command: command.to_vec() };
    Endpoint::start(&program, first, START, stop).map_err(|failure| {
        let stderr =
            if failure.stderr.is_empty() { String::new() } else { format!("\n{}", failure.stderr) };
        format!("the {role}: {}{stderr}", failure.problem)
    })
}

/// At the end of its input an endpoint exits with 0; one that has gone before says why.
fn exits(role: &str, endpoint: &Endpoint) -> Result<(), String> {
    match endpoint.end_input() {
        Some(over) if over.cleanly => Ok(()),
        Some(over) => Err(format!("the {role} {}\n{}", over.verdict.sentence(), over.stderr)),
        None => Err(format!("the {role} does not exit at the end of its input")),
    }
}
