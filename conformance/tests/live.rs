//! Live checks end to end: the reference's server, servers that are none, and one that runs already.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use common::live::{has_lines, live_schema, secure_tunnel};
use common::{Finished, TUNNELPROOF, run};
use serde_json::{Value, json};
use tunnelproof_vectors::build::keys;
use tunnelproof_vectors::build::primitives::{client_digest, server_digest};

/// Checks a server that is a shell script.
fn check_script(script: &str, options: &[&str]) -> Finished {
    let options = ["server", "--format", "json", "--jobs", "1", "--no-rerun"].iter().chain(options);
    run(options.copied().chain(["--", "sh", "-c", script]))
}

const READY: &str =
    r#"read line; echo '{"ready":true,"port":1,"implementation":{"name":"none","version":"0"}}'; "#;
const ONE: &str = "live/server/handshake/echo-and-close";

#[test]
fn the_reference_passes_a_part_of_the_checks_and_its_lines_are_of_the_schema() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let (told, lines) = (file("told"), file("lines"));
    let server = secure_tunnel();
    let server = format!("tee -a '{told}' | '{}' under-test | tee -a '{lines}'", server.display());
    let patterns = [
        ONE,
        "live/server/request/{stale-15-s,unknown-id,c1-zero,key-even}",
        "live/server/order/{replay,m2-twice,nothing-before-open}",
        "live/server/open/{data,flipped-tag}",
        "live/server/record/{repeated,reflected,type-3}",
        "live/server/close/{by-server,missing,then-data,end-of-input}",
        "live/server/clients/removed",
        "live/server/tcp/{zero-for-m2,http,session-joined}",
        "live/server/ws/{text-for-data,rsv1-for-m2,m2-fragments-and-pings}",
    ];
    let options = ["server", "--format", "json", "--timeout", "60", "--timing", "1"];
    let words = options.into_iter().chain(patterns).chain(["--", "sh", "-c", &server]);
    let finished = run(words);
    assert_eq!(finished.code(), 0, "{}", finished.stdout());
    let verdicts = finished.verdicts();
    assert_eq!(verdicts.len(), 24);
    assert!(verdicts.iter().all(|(_, verdict)| verdict == "pass"), "{verdicts:?}");
    let log = finished.log();
    let note = log.iter().find(|entry| entry["type"] == "note").expect("a note on time");
    assert!(note["text"].as_str().is_some_and(|text| text.contains("request/stale-15-s")));

    let validator = live_schema();
    for (file, least) in [(told, 10), (lines, 80)] {
        has_lines(&validator, Path::new(&file), least);
    }
    for line in [
        r#"{"ready":true}"#,
        r#"{"v":1,"role":"server"}"#,
        r#"{"event":"end","peer":1}"#,
        r#"{"event":"open","dial":1,"peer":2}"#,
        r#"{"event":"end","peer":1,"clean":false,"class":"odd"}"#,
        r#"{"credentials":[{"id":"6"}]}"#,
    ] {
        let value: Value = serde_json::from_str(line).expect("is JSON");
        assert!(!validator.is_valid(&value), "{line}");
    }
}

#[test]
fn the_references_client_passes_a_part_of_the_checks() {
    let client = secure_tunnel().display().to_string();
    let patterns = [
        "live/client/m1/{tail,4097-octets}",
        "live/client/m3/wrong-password",
        "live/client/record/open-first",
        "live/client/close/sends-before-it-closes",
        "live/client/ws/m1-text",
    ];
    let options = ["client", "--format", "json", "--timeout", "60"];
    let words = options.into_iter().chain(patterns).chain(["--", &client, "under-test"]);
    let finished = run(words);
    assert_eq!(finished.code(), 0, "{}", finished.stdout());
    let verdicts = finished.verdicts();
    assert_eq!(verdicts.len(), 6);
    assert!(verdicts.iter().all(|(_, verdict)| verdict == "pass"), "{verdicts:?}");
}

/// The view of a refusal is not that of the honest visit after it.
#[test]
fn a_client_that_resets_for_some_failures_fails_its_groups() {
    for (mutant, code) in [(None, 0), (Some("reset-on-failure"), 1)] {
        let options = ["client", "--format", "json", "--transport", "tcp", "--timeout", "60"];
        let endpoint = ["live/client/group/reply", "--", TUNNELPROOF, "endpoint"];
        let mutant = mutant.iter().flat_map(|name| ["--mutant", *name]);
        let finished = run(options.into_iter().chain(endpoint).chain(mutant));
        assert_eq!(finished.code(), code, "{}", finished.stdout());
        let verdict = if code == 0 { "pass" } else { "distinguishable" };
        assert_eq!(
            finished.verdicts(),
            [("live/client/group/reply".to_owned(), verdict.to_owned())]
        );
    }
}

#[test]
fn a_group_brings_its_members_along() {
    let server = secure_tunnel().display().to_string();
    let options = ["server", "--format", "json", "--transport", "tcp", "--timeout", "60"];
    let words = options.into_iter().chain(["live/server/group/open", "--", &server, "under-test"]);
    let finished = run(words);
    assert_eq!(finished.code(), 0, "{}", finished.stdout());
    let expected = [("live/server/group/open".to_owned(), "pass".to_owned())];
    assert_eq!(finished.verdicts(), expected);
}

#[test]
fn what_never_gets_ready_is_broken() {
    for (script, patience, part) in [
        ("sleep 30", "0.5", "not ready within 0.5 s"),
        ("exit 3", "20", "exited with status 3"),
        ("echo hello; sleep 30", "20", "no line of the live protocol"),
        (
            "read line; echo '{\"event\":\"end\",\"peer\":1,\"clean\":true}'; sleep 30",
            "20",
            "before ready",
        ),
        ("yes | tr -d '\\n'", "20", "a line of more than 1048576 octets"),
    ] {
        let finished = check_script(script, &["--start-timeout", patience, ONE]);
        assert_eq!(finished.code(), 3, "{script}: {}", finished.stdout());
        assert!(finished.stdout().contains(part), "{part:?}: {}", finished.stdout());
    }
    assert_eq!(run(["server", "--", "/nowhere/server"]).code(), 3);
}

#[test]
fn what_breaks_while_cases_run_is_that_cases_fault() {
    for (script, verdict) in [
        ("exit 7", "crash"),
        ("kill -9 $$", "crash"),
        ("echo garbage; sleep 30", "shim_error"),
        // A flood is kept out of the way, and nobody listens at port 1; or it is too much before that is found out.
        ("yes '{\"event\":\"end\",\"peer\":1,\"clean\":true}'", "wrong_reject"),
        ("sleep 30", "wrong_reject"),
    ] {
        let two = ["live/server/handshake/{echo-and-close,no-data}", "--timeout", "20"];
        let options = [&two[..], &["--transport", "tcp"]].concat();
        let finished = check_script(&format!("{READY} {script}"), &options);
        assert_eq!(finished.code(), 1, "{script}: {}", finished.stdout());
        let verdicts: Vec<String> = finished.verdicts().into_iter().map(|(_, v)| v).collect();
        let is_right = |found: &String| {
            found == verdict || (script.starts_with("yes") && found == "shim_error")
        };
        let all = verdicts.len() == 2 && verdicts.iter().all(is_right);
        assert!(all, "it is started again for the next case: {script}: {verdicts:?}");
    }
}

/// A listener that treats every connection alike, and never ends.
fn listener(treat: fn(TcpStream)) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("has an address").port();
    thread::spawn(move || listener.incoming().flatten().for_each(treat));
    port
}

/// A file with one client, as the option wants it.
fn credentials(directory: &Path, client_key: &str) -> String {
    let path = directory.join("clients.toml");
    std::fs::write(&path, format!("[[client]]\nclient_key = {client_key:?}\n"))
        .expect("is written");
    path.display().to_string()
}

#[test]
fn a_case_that_leaves_nobody_served_is_named_and_what_is_told_to_strangers_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = credentials(directory.path(), "alice000000000000000000BBBBBBBB");
    let silent: fn(TcpStream) = drop;
    let chatty: fn(TcpStream) = |mut stream| {
        let _ = stream.write_all(b"error: wrong password\n");
    };
    for (treat, verdict) in [(silent, "poisoned"), (chatty, "wrong_output")] {
        let url = format!("ws://127.0.0.1:{}", listener(treat));
        let traces = directory.path().join(verdict);
        let traces = traces.to_str().expect("is UTF-8");
        let case = "live/server/ws/opening-garbage";
        let options = ["server", "--connect", &url, "--credentials", &file, "--traces", traces];
        let rest = ["--format", "json", "--no-rerun", "--timeout", "5", case];
        let finished = run(options.into_iter().chain(rest));
        assert_eq!(finished.code(), 1, "{}", finished.stdout());
        assert_eq!(finished.verdicts(), [(case.to_owned(), verdict.to_owned())]);
        let trace = std::fs::read_to_string(
            Path::new(traces).join("live-server-ws-opening-garbage.ws.txt"),
        );
        let trace = trace.expect("a trace is written");
        assert!(trace.contains("sent octets: opening handshake, 64 octets"), "{trace}");
        assert!(trace.contains("ffffffff"), "{trace}");
    }
}

/// A server that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_that_runs_already_is_checked_without_its_events() {
    let mut child = Command::new(secure_tunnel())
        .arg("under-test")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let (id, client_password, server_password) = (b"alice", &[b'7'; 18], &[b'8'; 8]);
    let server_key = [&server_password[..], &client_digest(id, client_password)].concat();
    let start = json!({
        "v": 1, "role": "server", "transport": "tcp", "host": "127.0.0.1", "release_ms": null,
        "rsa_key": hex::encode(&keys::k4552_c().pkcs8),
        "credentials": [{ "id": hex::encode(id), "server_key": hex::encode(server_key) }],
    });
    let mut stdin = child.stdin.take().expect("is piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("is piped"));
    let _running = Running(child);
    writeln!(stdin, "{start}").expect("is taken");
    let (told, lines) = channel();
    thread::spawn(move || {
        let mut line = String::new();
        let _ = stdout.read_line(&mut line).map(|_| told.send(line)); // unless nobody waits any more
    });
    let line = lines.recv_timeout(Duration::from_secs(60)).expect("a line comes");
    let ready: Value = serde_json::from_str(&line).expect("is JSON");

    let client_key = [&id[..], client_password, &server_digest(id, server_password)].concat();
    let directory = tempfile::tempdir().expect("a directory");
    let client_key = String::from_utf8(client_key).expect("is text");
    let file = credentials(directory.path(), &client_key);
    let url = format!("tcp://127.0.0.1:{}", ready["port"]);
    let check = |pattern: &str| {
        let options = ["server", "--format", "json", "--connect", &url, "--credentials", &file];
        run(options.into_iter().chain(["--timeout", "60", pattern]))
    };
    let finished = check("live/server/request/{stale-15-s,wrong-password,c1-zero}");
    assert_eq!(finished.code(), 0, "{}", finished.stdout());
    assert_eq!(finished.verdicts().len(), 3);
    let finished = check("live/server/clients/{added,removed}");
    assert_eq!(finished.code(), 4, "nothing ran: {}", finished.stdout());
    assert!(finished.verdicts().iter().all(|(_, verdict)| verdict == "skip"));
    let elsewhere = ["server", "--connect", "tcp://192.0.2.1:1", "--credentials", &file];
    assert_eq!(run(elsewhere).code(), 2, "live checks stay on this machine");
}

#[test]
fn cases_are_listed_shown_and_explained() {
    let all = run(["server", "--list"]);
    assert_eq!(all.code(), 0);
    assert!(all.stdout().lines().count() >= 160, "{}", all.stdout().lines().count());
    let tcp = run(["server", "--list", "--transport", "tcp", "--requirement", "FRAME-008"]);
    assert!(tcp.stdout().lines().all(|line| line.starts_with("live/server/tcp/")));
    assert!(run(["list", "--ids", "live/*"]).stdout().lines().count() >= 160);
    let shown = run(["show", "live/server/handshake/c1-leading-zero"]);
    for part in [
        "over: tcp, ws",
        "same fault: hs/server/c1-leading-zero",
        "HS-014: ",
        "tunnelproof server live/",
    ] {
        assert!(shown.stdout().contains(part), "{part:?} is not in\n{}", shown.stdout());
    }
    let explained = run(["explain", "HS-045"]);
    assert!(explained.stdout().contains("Live cases:\n"), "{}", explained.stdout());
    assert!(explained.stdout().contains("live/server/request/stale-15-s"));
    assert_eq!(run(["server"]).code(), 2, "no server is given");
    assert_eq!(run(["server", "live/nothing", "--", "true"]).code(), 2);
}
