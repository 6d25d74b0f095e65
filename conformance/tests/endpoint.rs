//! The model endpoint, as a server and as a client of itself, through the real binary.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tunnelproof_vectors::build::live::{Ca, Issued, PrivateKey};
use tunnelproof_vectors::build::primitives::{client_digest, server_digest};

const PATIENCE: Duration = Duration::from_secs(60);
const ID: &[u8] = b"alice";
const CLIENT_PASSWORD: &[u8] = b"0123456789ABCDEFGH";
const SERVER_PASSWORD: &[u8] = b"01234567";

struct Endpoint {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
}

impl Endpoint {
    fn start(arguments: &[&str], first: &Value) -> Endpoint {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tunnelproof"))
            .arg("endpoint")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().expect("is piped"));
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("a line of JSON");
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut endpoint = Endpoint { input: child.stdin.take(), child, lines };
        endpoint.tell(first);
        endpoint
    }

    fn tell(&mut self, line: &Value) {
        let input = self.input.as_mut().expect("is not ended");
        writeln!(input, "{line}").expect("is written");
    }

    fn next(&self) -> Value {
        self.lines.recv_timeout(PATIENCE).expect("a line in time")
    }

    fn finish(mut self) {
        self.input = None;
        // The end of its output comes before that of the process.
        let more = self.lines.recv_timeout(PATIENCE);
        assert_eq!(more, Err(RecvTimeoutError::Disconnected));
        assert!(self.child.wait().expect("has ended").success());
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn server(transport: &str, arguments: &[&str]) -> (Endpoint, u64) {
    server_with(transport, arguments, Value::Null)
}

fn server_with(transport: &str, arguments: &[&str], tls: Value) -> (Endpoint, u64) {
    let server_key = [SERVER_PASSWORD, &*client_digest(ID, CLIENT_PASSWORD)].concat();
    let key = tunnelproof_vectors::build::keys::k4552_a();
    let first = json!({
        "v": 1, "role": "server", "transport": transport, "host": "127.0.0.1",
        "credentials": [{"id": hex::encode(ID), "server_key": hex::encode(server_key)}],
        "rsa_key": hex::encode(&key.pkcs8), "release_ms": null, "tls": tls,
    });
    let server = Endpoint::start(arguments, &first);
    let ready = server.next();
    assert_eq!(ready["ready"], true, "{ready}");
    let port = ready["port"].as_u64().expect("a port");
    (server, port)
}

fn client(arguments: &[&str]) -> Endpoint {
    let client = Endpoint::start(arguments, &json!({"v": 1, "role": "client"}));
    assert_eq!(client.next()["ready"], true);
    client
}

fn dial(number: u64, transport: &str, port: u64, password: &[u8]) -> Value {
    let client_key = [ID, password, &server_digest(ID, SERVER_PASSWORD)].concat();
    let key = tunnelproof_vectors::build::keys::k4552_b();
    json!({
        "dial": number, "transport": transport, "host": "127.0.0.1", "port": port, "pin": null,
        "client_key": hex::encode(client_key), "rsa_key": hex::encode(&key.pkcs8), "send": ["00ff", ""],
    })
}

#[test]
fn client_and_server_talk_and_part() {
    for transport in ["tcp", "ws"] {
        let (mut server, port) = server(transport, &[]);
        let mut client = client(&[]);
        client.tell(&dial(1, transport, port, CLIENT_PASSWORD));
        assert_eq!(client.next(), json!({"dial": 1, "event": "open"}));
        let open = server.next();
        assert_eq!((&open["event"], &open["id"]), (&json!("open"), &json!(hex::encode(ID))));
        for payload in ["00ff", ""] {
            assert_eq!(client.next(), json!({"dial": 1, "event": "message", "payload": payload}));
        }
        server.tell(&json!({"send": open["peer"], "payload": "0a"}));
        assert_eq!(client.next()["payload"], "0a");
        client.tell(&json!({"send": 1, "payload": "0b", "times": 5_000}));
        for _ in 0..5_000 {
            assert_eq!(client.next()["payload"], "0b");
        }
        client.tell(&json!({"close": 1}));
        for end in [client.next(), server.next()] {
            assert_eq!((&end["event"], &end["clean"]), (&json!("end"), &json!(true)), "{end}");
        }
        client.finish();
        server.finish();
    }
}

#[test]
fn a_wrong_password_ends_both_sides_and_the_server_serves_on() {
    let (mut server, port) = server("ws", &[]);
    let mut client = client(&[]);
    client.tell(&dial(1, "ws", port, b"0123456789ABCDEFGI"));
    let end = server.next();
    assert_eq!((&end["code"], &end["class"]), (&json!("wrong_password"), &json!("auth")), "{end}");
    assert_eq!(client.next()["event"], "end");
    server.tell(&json!({"credentials": []}));
    assert_eq!(server.next(), json!({"credentials": 0}));
    client.tell(&dial(2, "ws", port, CLIENT_PASSWORD));
    assert_eq!(server.next()["code"], "unknown_id");
    assert_eq!(client.next()["event"], "end");
    client.finish();
    server.finish();
}

#[test]
fn keys_are_made_where_none_are_given() {
    let (server, port) = server("tcp", &[]);
    let mut client = client(&[]);
    let mut line = dial(1, "tcp", port, CLIENT_PASSWORD);
    line["rsa_key"] = Value::Null;
    client.tell(&line);
    assert_eq!(client.next()["event"], "open");
    assert_eq!(server.next()["event"], "open");
}

#[test]
fn a_mutant_does_what_it_says() {
    let (server, port) = server("tcp", &["--mutant", "open-reported-early"]);
    let mut client = client(&["--mutant", "open-record-not-sent"]);
    client.tell(&dial(1, "tcp", port, CLIENT_PASSWORD));
    assert_eq!(server.next()["event"], "open");
    assert_eq!(server.next()["code"], "missing_open");
}

/// Both ends with certificates of one CA.
struct Secured {
    ca: Ca,
}

impl Secured {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("is after 1970").as_secs();
        Self { ca: Ca::root("endpoints", now) }
    }

    fn own(issued: &Issued) -> Value {
        let chain: Vec<String> = issued.chain.iter().map(hex::encode).collect();
        json!({"chain": chain, "key": hex::encode(issued.key.pkcs8())})
    }

    fn server(&self, tunnel: bool, policies: &[&str]) -> Value {
        let own = self.ca.server(&["a.example.com"], PrivateKey::p256("server"));
        json!({
            "tunnel": tunnel, "contexts": [], "default": Self::own(&own), "clients": "require",
            "alpn": true, "anchors": [hex::encode(self.ca.der())], "crls": null, "allow": null,
            "deny": null, "policies": policies,
        })
    }

    fn dial(
        &self,
        number: u64,
        port: u64,
        identity: &str,
        tunnel: bool,
        policies: &[&str],
    ) -> Value {
        let own = self.ca.client(identity, PrivateKey::p256(identity));
        let mut line = dial(number, "tcp", port, CLIENT_PASSWORD);
        line["tls"] = Self::own(&own);
        let more = json!({
            "tunnel": tunnel, "alpn": true, "policies": policies, "check": true,
            "server_name": "a.example.com", "anchors": [hex::encode(self.ca.der())], "crls": null,
            "session": "one",
        });
        for (name, value) in more.as_object().expect("is one") {
            line["tls"][name] = value.clone();
        }
        line
    }
}

#[test]
fn the_tunnel_inside_tls_is_bound_to_it_and_to_the_certificate() {
    let secured = Secured::new();
    let bound = &["tls-exporter"];
    let (server, port) = server_with("tcp", &[], secured.server(true, bound));
    let mut client = client(&[]);
    client.tell(&secured.dial(1, port, "alice", true, bound));
    let (ours, theirs) = (client.next(), server.next());
    assert_eq!((&ours["event"], &ours["tls"]["authorized"]), (&json!("open"), &json!(true)));
    assert_eq!(theirs["id"], theirs["tls"]["identity"], "{theirs}");
    assert_eq!(theirs["tls"]["server_name"], "a.example.com");
    assert_eq!(client.next()["payload"], "00ff");
    assert_eq!(client.next()["payload"], "");
    client.tell(&json!({"close": 1}));
    assert_eq!((&client.next()["clean"], &server.next()["clean"]), (&json!(true), &json!(true)));
    client.tell(&secured.dial(2, port, "bob", true, bound));
    assert_eq!(client.next()["event"], "open");
    assert_eq!(server.next()["code"], "id_mismatch");
    assert_eq!(client.next()["event"], "end");
    client.tell(&secured.dial(3, port, "alice", true, &[]));
    assert_eq!(client.next()["event"], "open");
    assert_eq!(server.next()["code"], "open_failed");
    assert_eq!(client.next()["event"], "end");
    client.finish();
    server.finish();
}

#[test]
fn a_client_that_is_denied_is_cut_off_and_its_session_is_not_resumed() {
    let secured = Secured::new();
    let (mut server, port) = server_with("tcp", &[], secured.server(false, &[]));
    let mut client = client(&[]);
    for (number, resumed) in [(1, false), (2, true)] {
        client.tell(&secured.dial(number, port, "alice", false, &[]));
        assert_eq!(client.next()["tls"]["resumed"], resumed);
        assert_eq!(server.next()["tls"]["resumed"], resumed);
        assert_eq!(client.next()["payload"], "00ff");
    }
    let alice = hex::encode(ID);
    server.tell(&json!({"tls": {"deny": {"identities": [alice], "fingerprints": []}}}));
    assert_eq!(server.next(), json!({"tls": true}));
    for _ in 0..2 {
        let end = server.next();
        assert_eq!((&end["code"], &end["class"]), (&json!("denied"), &json!("tls")), "{end}");
        assert_eq!(client.next()["event"], "end");
    }
    client.tell(&secured.dial(3, port, "alice", false, &[]));
    assert_eq!(server.next()["code"], "denied");
    while client.next()["event"] != "end" {}
    client.finish();
    server.finish();
}
