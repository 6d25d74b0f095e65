//! Live checks of TLS end to end: the reference in both roles, and endpoints that lack something.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use common::live::{has_lines, live_schema, secure_tunnel};
use common::{Finished, run};
use serde_json::{Value, json};

const ONE: &str = "live/server/tls/handshake/tls13";

/// Checks an endpoint through `tee`, so that its lines can be looked at.
fn check_lines(role: &str, patterns: &[&str], cases: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let (told, lines) = (directory.path().join("told"), directory.path().join("lines"));
    let endpoint = format!(
        "tee -a '{}' | '{}' under-test | tee -a '{}'",
        told.display(),
        secure_tunnel().display(),
        lines.display()
    );
    let options = [role, "--profile", "tls", "--format", "json", "--timeout", "60", "--jobs", "2"];
    let words = options.iter().chain(patterns).copied();
    let finished = run(words.chain(["--", "sh", "-c", &endpoint]));
    assert_eq!(finished.code(), 0, "{}", finished.stdout());
    let verdicts = finished.verdicts();
    assert_eq!(verdicts.len(), cases, "{verdicts:?}");
    assert!(verdicts.iter().all(|(_, verdict)| verdict == "pass"), "{verdicts:?}");
    let schema = live_schema();
    has_lines(&schema, &told, 1);
    has_lines(&schema, &lines, cases);
}

#[test]
fn the_reference_passes_a_part_of_the_checks_of_servers_and_its_lines_are_of_the_schema() {
    let patterns = [
        ONE,
        "live/server/tls/versions/{tls12,tls12-cbc,renegotiation}",
        "live/server/tls/hostile/{http,bad-tag}",
        "live/server/tls/alpn/{missing,left-out}",
        "live/server/tls/sni/{wildcard,unknown-without-default}",
        "live/server/tls/ladder/{ask-stranger,require-none}",
        "live/server/tls/lists/{denied-identity,open-denied}",
        "live/server/tls/resumption/{served,revoked}",
        "live/server/tls/alert/denied",
        "live/server/tls/end/{truncated,close-by-server}",
        "live/server/tls/tunnel/{honest,id-mismatch,exporter}",
        "live/server/tls/chain/{chain-client,ca-client-issuer-ca-false,algorithms-client-rsa-1024}",
    ];
    check_lines("server", &patterns, 25);
}

#[test]
fn the_references_client_passes_a_part_of_the_checks_and_its_lines_are_of_the_schema() {
    let patterns = [
        "live/client/tls/handshake/{tls13,by-hand,finished,other-key,http,no-certificate-verify}",
        "live/client/tls/versions/{tls12,tls12-policy,retry,offer}",
        "live/client/tls/tls12/{downgrade,no-extended-master-secret,renegotiation}",
        "live/client/tls/records/{bad-tag,key-update}",
        "live/client/tls/alpn/{offer,none}",
        "live/client/tls/sni/address",
        "live/client/tls/ladder/{checked-other-ca,unchecked-other-ca,told,certificate-asked}",
        "live/client/tls/name/{other,bad-port}",
        "live/client/tls/end/{own,cut}",
        "live/client/tls/early/resumed",
        "live/client/tls/resumption/{resumed,revoked,revoked-tls12}",
        "live/client/tls/tunnel/{honest,exporter,proxy}",
        "live/client/tls/chain/{chain-server,crl-server-revoked}",
    ];
    check_lines("client", &patterns, 35);
}

#[test]
fn lines_of_tls_that_are_wrong_are_not_of_the_schema() {
    let schema = live_schema();
    for line in [
        r#"{"v":1,"role":"server","transport":"tcp","host":"127.0.0.1","tls":{"tunnel":false}}"#,
        r#"{"ready":false,"implementation":{"name":"x","version":"1"}}"#,
        r#"{"ready":true,"probe":{"send":"00"},"implementation":{"name":"x","version":"1"}}"#,
        r#"{"tls":false}"#,
        r#"{"tls":{"deny":["alice"]}}"#,
        r#"{"event":"open","peer":1,"tls":{"authorized":"yes"}}"#,
        r#"{"event":"unsupported","dial":1}"#,
        r#"{"dial":1,"transport":"tcp","host":"127.0.0.1","port":1,"tls":{"tunnel":false}}"#,
    ] {
        let value: Value = serde_json::from_str(line).expect("is JSON");
        assert!(!schema.is_valid(&value), "{line}");
    }
}

/// Checks an endpoint that is a shell script.
fn check_script(role: &str, script: &str, case: &str) -> Finished {
    let options =
        [role, "--profile", "tls", "--format", "json", "--no-rerun", "--timeout", "5", case];
    run(options.into_iter().chain(["--", "sh", "-c", script]))
}

#[test]
fn what_an_endpoint_can_not_do_is_skipped_with_its_reason() {
    let implementation = r#""implementation":{"name":"none","version":"0"}"#;
    let lacking = format!(
        r#"read line; echo '{{"ready":false,"unsupported":["two contexts","ALPN"],{implementation}}}'"#
    );
    let finished = check_script("server", &lacking, ONE);
    assert_eq!(finished.code(), 4, "nothing ran: {}", finished.stdout());
    assert!(
        finished.stdout().contains("does not support two contexts, ALPN"),
        "{}",
        finished.stdout()
    );
    assert_eq!(finished.verdicts(), [(ONE.to_owned(), "skip".to_owned())]);

    let silent = format!(
        r#"read line; echo '{{"ready":true,"port":1,"events":false,"reload":false,{implementation}}}'; sleep 30"#
    );
    for (case, part) in [
        ("live/server/tls/end/truncated", "an endpoint that reports events"),
        ("live/server/tls/lists/new-denied", "lists and CRLs can be changed"),
    ] {
        let finished = check_script("server", &silent, case);
        assert_eq!(finished.verdicts(), [(case.to_owned(), "skip".to_owned())]);
        assert!(finished.stdout().contains(part), "{}", finished.stdout());
    }

    let picky = format!(
        r#"read line; echo '{{"ready":true,{implementation}}}'; read dial; n=${{dial#*\"dial\":}}; n=${{n%%,*}};
           echo "{{\"event\":\"unsupported\",\"dial\":$n,\"what\":[\"CRLs\"]}}"; sleep 30"#
    );
    let case = "live/client/tls/handshake/tls13";
    let finished = check_script("client", &picky, case);
    assert_eq!(
        finished.verdicts(),
        [(case.to_owned(), "skip".to_owned())],
        "{}",
        finished.stdout()
    );
}

#[test]
fn a_server_that_nobody_reaches_or_that_says_nothing_of_tls_fails() {
    let ready = r#"read line; echo '{"ready":true,"port":1,"implementation":{"name":"none","version":"0"}}'; "#;
    for (script, verdict) in [
        ("exit 7", "crash"),
        ("echo garbage; sleep 30", "shim_error"),
        ("sleep 30", "wrong_reject"),
    ] {
        let finished = check_script("server", &format!("{ready} {script}"), ONE);
        assert_eq!(finished.code(), 1, "{script}: {}", finished.stdout());
        assert_eq!(finished.verdicts(), [(ONE.to_owned(), verdict.to_owned())], "{script}");
    }
}

/// The DER of each item of a PEM file.
fn der(path: &Path) -> Vec<String> {
    const BEGIN: &str = "-----BEGIN ";
    let text = std::fs::read_to_string(path).expect("is written");
    let items = text.split(BEGIN).filter(|item| !item.is_empty());
    let pem = items.map(|item| format!("{BEGIN}{item}"));
    pem.map(|pem| {
        let (_, der) = pem_rfc7468::decode_vec(pem.as_bytes()).expect("is PEM");
        hex::encode(der)
    })
    .collect()
}

#[test]
fn a_server_that_runs_already_is_checked_with_certificates_that_were_written_for_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().join("certificates");
    let material = place.display().to_string();
    let check = |port: &Value, patterns: &[&str]| {
        let url = format!("tls://127.0.0.1:{port}");
        let options = ["server", "--profile", "tls", "--format", "json", "--timeout", "60"];
        let target = ["--connect", &url, "--material", &material];
        run(options.iter().chain(&target).chain(patterns).copied())
    };
    let written = check(&1.into(), &[]);
    assert_eq!(written.code(), 0, "{}", written.stdout());
    assert!(written.stdout().contains("clients-ca.pem"), "{}", written.stdout());

    let mut child = Command::new(secure_tunnel())
        .arg("under-test")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("is piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("is piped"));
    let start = json!({
        "v": 1, "role": "server", "transport": "tcp", "host": "127.0.0.1",
        "tls": {
            "tunnel": false, "contexts": [], "clients": "require", "alpn": true,
            "default": {"chain": der(&place.join("server.pem")), "key": der(&place.join("server.key"))[0]},
            "anchors": der(&place.join("clients-ca.pem")),
            "crls": null, "allow": null, "deny": null, "policies": [],
        },
    });
    writeln!(stdin, "{start}").expect("is taken");
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line comes");
    let ready: Value = serde_json::from_str(&line).expect("is JSON");
    let patterns = [
        ONE,
        "live/server/tls/ladder/require-{none,stranger,good}",
        "live/server/tls/chain/{chain-client,ca-client-issuer-ca-false}",
    ];
    let finished = check(&ready["port"], &patterns);
    assert_eq!(finished.code(), 0, "{}", finished.stdout());
    assert_eq!(finished.verdicts().len(), 6);
    let pass = finished.verdicts().iter().filter(|(_, verdict)| verdict == "pass").count();
    assert_eq!(pass, 6, "{}", finished.stdout());
    let finished =
        check(&ready["port"], &["live/server/tls/{sni/apex,lists/new-denied,end/truncated}"]);
    assert_eq!(finished.code(), 4, "nothing ran: {}", finished.stdout());
    assert!(finished.verdicts().iter().all(|(_, verdict)| verdict == "skip"));
    drop(stdin);
    assert!(child.wait().is_ok_and(|status| status.success()));
    for words in [
        &["server", "--profile", "tls", "--connect", "tcp://127.0.0.1:1", "--material", &material]
            [..],
        &["server", "--profile", "tls", "--connect", "tls://192.0.2.1:1", "--material", &material],
        &["server", "--profile", "tls", "--connect", "tls://127.0.0.1:1"],
        &["server", "--connect", "tcp://127.0.0.1:1"],
    ] {
        assert_eq!(run(words.iter().copied()).code(), 2, "{words:?}");
    }
}

#[test]
fn cases_are_listed_shown_and_explained() {
    let all = run(["server", "--profile", "tls", "--list"]);
    assert_eq!(all.code(), 0);
    let listed = all.stdout();
    let (cases, unplayed): (Vec<&str>, Vec<&str>) =
        listed.lines().partition(|line| line.starts_with("live/server/tls/"));
    assert!(cases.len() > 380, "{}", cases.len());
    assert!(unplayed.iter().all(|line| line.starts_with("# tls/")), "{unplayed:?}");
    assert!(unplayed.len() > 10, "{unplayed:?}");
    let shown = run(["show", "live/server/tls/sni/apex"]);
    for part in ["TLS-019: ", "tunnelproof server --profile tls live/server/tls/sni/apex"] {
        assert!(shown.stdout().contains(part), "{part:?} is not in\n{}", shown.stdout());
    }
    let explained = run(["explain", "TLS-026"]);
    assert!(explained.stdout().contains("live/server/tls/alert/denied"), "{}", explained.stdout());
    let with_transport = run(["server", "--profile", "tls", "--transport", "ws", "--", "true"]);
    assert_eq!(with_transport.code(), 2);
}
