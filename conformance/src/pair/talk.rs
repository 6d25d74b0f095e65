//! One connection of a pair, and what is made of its events.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::{client_digest, password, server_digest};

use super::plan::{Closing, Plan};
use super::proxy::Proxy;
use crate::live::endpoint::Endpoint;
use crate::live::lines::{Event, Happened};
use crate::stop::Stop;

/// Both endpoints, and who the client is.
pub struct Both<'a> {
    pub server: &'a Endpoint,
    pub client: &'a Endpoint,
    pub address: SocketAddr,
    pub transport: &'static str,
    pub who: &'a Who,
    pub stop: &'a Stop,
}

/// A client's credentials, made up.
pub struct Who {
    pub id: Vec<u8>,
    pub client_key: Vec<u8>,
    pub server_key: Vec<u8>,
}

/// How a connection that went well ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Clean at both sides.
    Clean,
    /// At least one side knows that it is not complete.
    BrokenOff,
}

/// Until both sides have ended: longer than the longest deadline of section 3.7, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What can go wrong when octets are late or missing, but never changed. `open_failed` and the like are not here.
const CODES: [&str; 4] = ["order", "early_end", "timeout", "truncated"];

static DIALS: AtomicU64 = AtomicU64::new(1);

impl Who {
    pub fn new() -> Who {
        let (client_password, server_password) =
            (password("pair, client", 18), password("pair, server", 8));
        let id = "pair-\u{00e9}".as_bytes().to_vec();
        Who {
            client_key: [&*id, &client_password, &server_digest(&id, &server_password)].concat(),
            server_key: [server_password, client_digest(&id, &client_password)].concat(),
            id,
        }
    }
}

impl Both<'_> {
    /// Connections that have to go well, and ones that have to be refused, without a proxy's help; the faults.
    pub fn undisturbed(&self, with_flood: bool) -> Vec<String> {
        let sizes = vec![0, 1, 4_096, 4_097, 70_000, 3];
        let plans = [Closing::ClientAtOnce, Closing::ClientAtTheEnd, Closing::ServerAfter(6)]
            .map(|closing| Plan::undisturbed(sizes.clone(), closing));
        // The close record has to wait for what is still to be sent, at both sides (CHAN-035).
        let flood = Plan { flood: 32, ..Plan::undisturbed(sizes.clone(), Closing::ClientAtOnce) };
        let flood = with_flood.then_some(flood);
        let mut faults = Vec::new();
        for plan in plans.into_iter().chain(flood) {
            match self.connection(&plan) {
                Ok(Ending::Clean) => {}
                Ok(Ending::BrokenOff) => {
                    faults.push(format!("undisturbed, {:?}: broken off", plan.closing))
                }
                Err(fault) => faults.push(format!("undisturbed, {:?}: {fault}", plan.closing)),
            }
        }
        let mut wrong = self.who.client_key.clone();
        let first_digit = wrong.len() - 26;
        wrong[first_digit] = if wrong[first_digit] == b'a' { b'b' } else { b'a' };
        let pin = hex::encode([0; 32]);
        for (what, client_key, pin) in [
            ("a wrong client password", wrong, Value::Null),
            ("a pin of another key", self.who.client_key.clone(), Value::from(pin)),
        ] {
            faults.extend(
                self.refused(&client_key, &pin).err().map(|fault| format!("{what}: {fault}")),
            );
        }
        faults
    }

    /// Connections through a network as bad as the seeds make it, `jobs` side by side.
    pub fn disturbed(
        &self,
        seeds: std::ops::Range<u64>,
        slow: bool,
        jobs: usize,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Vec<(Plan, Result<Ending, String>)> {
        let next = AtomicU64::new(seeds.start);
        let done = Mutex::new(Vec::new());
        let work = || loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let over = self.server.over().is_some() || self.client.over().is_some();
            if seed >= seeds.end || self.stop.is_set() || over {
                return;
            }
            let plan = Plan::of_seed(seed, slow);
            let ending = self.connection(&plan);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((plan, ending));
            progress(done.len() as u64);
        };
        thread::scope(|scope| (0..jobs).for_each(|_| drop(scope.spawn(work))));
        done.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// One connection through a proxy, from dial to both ends.
    fn connection(&self, plan: &Plan) -> Result<Ending, String> {
        let proxy = Proxy::listen().map_err(|e| format!("the proxy can't listen: {e}"))?;
        thread::scope(|scope| {
            let carrying = scope.spawn(|| proxy.carry(self.address, plan));
            let seen = self.converse(plan, &proxy);
            proxy.end();
            match carrying.join() {
                Ok(Err(e)) => Err(format!("the proxy can't reach the server: {e}")),
                _ => seen?.judge(plan, &self.who.id),
            }
        })
    }

    fn converse(&self, plan: &Plan, proxy: &Proxy) -> Result<Seen, String> {
        let marks = (self.server.mark(), self.client.mark());
        let deadline = Instant::now() + PATIENCE;
        let dial = DIALS.fetch_add(1, Ordering::Relaxed);
        let send: Vec<String> =
            (0..plan.payloads.len()).map(|index| hex::encode(plan.payload(index))).collect();
        self.client.tell(&self.dial_line(
            dial,
            proxy.port,
            &self.who.client_key,
            &Value::Null,
            &send,
        ));
        let client =
            |holds: &dyn Fn(&[Event]) -> bool| self.client.wait_for(marks.1, dial, deadline, holds);
        let wanted = match plan.closing {
            Closing::ClientAtOnce => 0,
            Closing::ClientAtTheEnd => plan.count(),
            Closing::ServerAfter(count) => count,
        };
        let enough = |events: &[Event]| is_open(events) && messages(events).count() >= wanted;
        if plan.flood > 0 {
            // What an endpoint does with a line for a connection that is not established is its own affair.
            client(&|events| ended(events) || is_open(events));
            let payload = hex::encode(plan.payload(plan.payloads.len()));
            self.client.tell(&json!({ "send": dial, "payload": payload, "times": plan.flood }));
        }
        client(&|events| ended(events) || enough(events));
        let port = || proxy.seen_by_server.get().map(|port| u64::from(*port));
        match (plan.closing, port()) {
            (Closing::ServerAfter(_), Some(port)) => {
                // The client can be ahead of the server by the open record.
                let known = |events: &[Event]| ended(events) || is_open(events);
                self.server.wait_for(marks.0, port, deadline, known);
                self.server.tell(&json!({ "close": port }));
            }
            (Closing::ServerAfter(_), None) => {}
            _ => self.client.tell(&json!({ "close": dial })),
        }
        let client_ended = client(&ended);
        let server_ended =
            port().is_some_and(|port| self.server.wait_for(marks.0, port, deadline, ended));
        // A server that was never reached, or whose opening handshake was not complete, has nothing to report.
        let reached = proxy.reached.load(Ordering::Relaxed);
        let seen = Seen {
            client: self.client.events(marks.1, dial),
            server: port().map(|port| self.server.events(marks.0, port)).unwrap_or_default(),
        };
        match (client_ended, server_ended || !reached) {
            (true, true) => Ok(seen),
            (false, _) => Err(format!("the client has not ended within {PATIENCE:?}; {seen}")),
            (_, false) => Err(format!("the server has not ended within {PATIENCE:?}; {seen}")),
        }
    }

    /// A dial that has to fail at both sides, without being established.
    fn refused(&self, client_key: &[u8], pin: &Value) -> Result<(), String> {
        let mark = self.client.mark();
        let dial = DIALS.fetch_add(1, Ordering::Relaxed);
        self.client.tell(&self.dial_line(dial, self.address.port(), client_key, pin, &[]));
        self.client.wait_for(mark, dial, Instant::now() + PATIENCE, ended);
        match self.client.events(mark, dial).as_slice() {
            [Event { what: Happened::End { clean: false, .. }, .. }] => Ok(()),
            other => {
                Err(format!("the client has to end at once and not cleanly; {}", brief(other)))
            }
        }
    }

    fn dial_line(
        &self,
        dial: u64,
        port: u16,
        client_key: &[u8],
        pin: &Value,
        send: &[String],
    ) -> Value {
        json!({
            "dial": dial,
            "transport": self.transport,
            "host": "127.0.0.1",
            "port": port,
            "client_key": hex::encode(client_key),
            "pin": pin,
            "rsa_key": hex::encode(&keys::k4552_b().pkcs8),
            "send": send,
        })
    }
}

/// The events of one connection.
struct Seen {
    server: Vec<Event>,
    client: Vec<Event>,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server: {}; client: {}", brief(&self.server), brief(&self.client))
    }
}

/// "open, 6 messages, clean end", in their order.
fn brief(events: &[Event]) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut messages = 0;
    for event in events {
        match &event.what {
            Happened::Message { .. } => {
                if messages > 0 {
                    told.pop();
                }
                messages += 1;
                told.push(format!("{messages} messages"));
                continue;
            }
            Happened::Open { .. } => told.push("open".into()),
            Happened::Unsupported { .. } => told.push("unsupported".into()),
            Happened::End { clean: true, .. } => told.push("clean end".into()),
            Happened::End { code, .. } => {
                told.push(format!("end ({})", code.as_deref().unwrap_or("no code")))
            }
        }
        messages = 0;
    }
    if told.is_empty() { "nothing".into() } else { told.join(", ") }
}

impl Seen {
    fn judge(&self, plan: &Plan, id: &[u8]) -> Result<Ending, String> {
        let sent = plan.count();
        let received = messages(&self.client).count();
        for (index, event) in messages(&self.client).enumerate() {
            if index >= sent || !is_payload(event, &plan.payload(index)) {
                return Err(format!(
                    "message {index} is not payload {index} of the {sent} that were sent; {self}"
                ));
            }
        }
        for (name, events) in [("server", &self.server), ("client", &self.client)] {
            check_order(events).map_err(|fault| format!("the {name} {fault}; {self}"))?;
        }
        if is_open(&self.server) && !is_open(&self.client) {
            return Err("the server is established and the client never was".into());
        }
        let wrong_id = |event: &Event| matches!(&event.what, Happened::Open { id: Some(found), .. } if found != id);
        if self.server.iter().any(wrong_id) {
            return Err("the server reports another id".into());
        }
        let (server, client) = (is_clean(&self.server), is_clean(&self.client));
        let early = matches!(plan.closing, Closing::ServerAfter(_));
        if client && !early && received != sent {
            return Err(format!(
                "the client's end is clean, but {received} of {sent} payloads have come back"
            ));
        }
        if plan.is_harmless() && !(server && client) {
            return Err(format!(
                "the network has delivered everything, but not both ends are clean; {self}"
            ));
        }
        Ok(if server && client { Ending::Clean } else { Ending::BrokenOff })
    }
}

/// An `open` at most, then messages, then one `end`, with a reason that a bad network can give.
fn check_order(events: &[Event]) -> Result<(), String> {
    let is_message = |event: &Event| matches!(event.what, Happened::Message { .. });
    let Some((Event { what: Happened::End { clean, code, .. }, .. }, before)) = events.split_last()
    else {
        // Nobody was reached.
        return if events.is_empty() {
            Ok(())
        } else {
            Err("reports something after the end".into())
        };
    };
    match before {
        [] if *clean => return Err("ends cleanly without being established".into()),
        [] => {}
        [Event { what: Happened::Open { .. }, .. }, rest @ ..] if rest.iter().all(is_message) => {}
        _ => return Err("reports events in a wrong order".into()),
    }
    match code {
        Some(code) if !clean && !CODES.contains(&code.as_str()) => Err(format!("ends with {code}")),
        _ => Ok(()),
    }
}

fn is_payload(event: &Event, wanted: &[u8]) -> bool {
    match &event.what {
        Happened::Message { payload: Some(payload), .. } => payload == wanted,
        Happened::Message { length: Some(length), sha256: Some(hash), .. } => {
            *length == wanted.len() as u64 && *hash == hex::encode(Sha256::digest(wanted))
        }
        _ => false,
    }
}

fn messages(events: &[Event]) -> impl Iterator<Item = &Event> {
    events.iter().filter(|event| matches!(event.what, Happened::Message { .. }))
}

fn is_open(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event.what, Happened::Open { .. }))
}

fn ended(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event.what, Happened::End { .. }))
}

fn is_clean(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event.what, Happened::End { clean: true, .. }))
}
