//! Options, what is wrong with their files, and another implementation.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::process::*;
use crate::{ALICE, CHECKED, MUTUAL, SERVER, ok, plain, plain_client, refused, served, world};

#[test]
fn one_server_with_several_names() {
    let directory = world();
    let path = directory.path();
    for name in ["a.example", "*.b.example"] {
        let out = if name == "a.example" { "a" } else { "b" };
        ok(path, &["ca", "issue", "server", "--name", name, "--out", out]);
    }
    let contexts = [
        ["--tls-context", "a.example=a.cert.pem,a.key.pem"],
        ["--tls-context", "*.b.example=b.cert.pem,b.key.pem"],
    ]
    .concat();
    let (_server, url) = plain(path, &[&["--echo"], &contexts[..]].concat());
    for name in ["localhost", "a.example", "x.b.example"] {
        let arguments = [&CHECKED[..], &["--server-name", name]].concat();
        served(&exchange(&mut plain_client(path, &url, &arguments), name), name);
    }
    let arguments = [&CHECKED[..], &["--server-name", "b.example"]].concat();
    refused(&exchange(&mut plain_client(path, &url, &arguments), ""), "tls server_name");
}

#[test]
fn what_is_not_acceptable_is_named() {
    let directory = world();
    let path = directory.path();
    fs::write(path.join("text"), "identity\n").unwrap();
    let serve = |more: &[&str]| {
        let fixed = ["serve", "tcp://127.0.0.1:0", "--plain-tls", "--echo"];
        told(&run(path, &[&fixed[..], more].concat()))
    };
    let server = [&SERVER[..], &MUTUAL].concat();
    for (arguments, code, text) in [
        (vec!["--tls-cert", "text", "--tls-key", "localhost.key.pem"], 3, "text: no certificate"),
        (vec!["--tls-cert", "localhost.cert.pem", "--tls-key", "text"], 3, "text: no private key"),
        (vec!["--tls-cert", "localhost.cert.pem", "--tls-key", "bob.key.pem"], 3, "bob.key.pem: "),
        ([&server[..], &["--allow", "text"]].concat(), 3, "text: line 1: expected"),
        ([&server[..], &["--allow", "none"]].concat(), 3, "none: "),
        ([&server[..], &["--crl", "ca/ca.cert.pem"]].concat(), 3, "ca.cert.pem: no X509 CRL"),
        (
            [&server[..], &["--tls-policy", "tls13"]].concat(),
            3,
            "--tls-policy: no policy \"tls13\"",
        ),
        ([&SERVER[..], &["--allow", "text"]].concat(), 2, "--client-ca"),
        (vec![], 2, "--tls-cert"),
    ] {
        let (found, said) = serve(&arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(text), "{arguments:?}: {said}");
    }
    let web = ["serve", "ws://127.0.0.1:0", "--credentials", ".", "--echo"];
    let (code, said) = told(&run(path, &[&web[..], &SERVER].concat()));
    assert!(code == Some(3) && said.contains("TLS runs around tcp://"), "{said}");
    let output = exchange(&mut plain_client(path, "tcp://local_host..:1", &CHECKED), "");
    let (code, said) = told(&output);
    assert!(
        code == Some(3) && said.contains("the URL's host: ") && said.contains("is not a name"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn a_key_that_everybody_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let directory = world();
    let path = directory.path();
    for (mode, warned) in [(0o600, false), (0o644, true)] {
        let key = path.join("alice.key.pem");
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let arguments = [&CHECKED[..], &ALICE].concat();
        let output = exchange(&mut plain_client(path, "tcp://localhost:1", &arguments), "");
        let (code, said) = told(&output);
        assert_eq!((code, said.contains("WARNING: alice.key.pem: ")), (Some(4), warned), "{said}");
    }
}

/// A client and a server of another implementation.
#[test]
fn openssl_is_served_and_serves() {
    let directory = world();
    let path = directory.path();
    let (mut server, url) = plain(path, &[&["--echo"], &MUTUAL[..]].concat());
    let to = url.trim_start_matches("tcp://");
    let fixed = ["s_client", "-connect", to, "-CAfile", "ca/ca.cert.pem", "-verify_return_error"];
    let check =
        ["-servername", "localhost", "-verify_hostname", "localhost", "-quiet", "-no_ign_eof"];
    let mine = ["-cert", "alice.cert.pem", "-key", "alice.key.pem"];
    let mut command = Command::new("openssl");
    command.current_dir(path).args(fixed).args(check).args(mine);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "NOT CHECKED against openssl: {error}");
            return;
        }
    };
    let _watchdog = Watchdog::of(&child);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"hello from elsewhere\n").unwrap();
    let mut back = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut back).unwrap();
    assert_eq!(back, "hello from elsewhere\n");
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let line = server.wait_for("connected: ");
    assert!(line.contains("TLS 1.3, no ALPN, for localhost, identity \"alice\""), "{line}");
    server.wait_for("(\"alice\") closed");

    let anonymous = Command::new("openssl").current_dir(path).args(fixed).args(check).output();
    assert!(anonymous.unwrap().stdout.is_empty());
    server.wait_for("tls no_certificate, TLS-023");
}
