//! Mutual TLS from end to end through the command, with certificates of its own authority, on the loopback interface.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod options;
#[path = "../process/mod.rs"]
mod process;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{ChildStdin, Command, Output, Stdio};
use std::time::Duration;

use process::*;
use tempfile::TempDir;

const SERVER: [&str; 4] = ["--tls-cert", "localhost.cert.pem", "--tls-key", "localhost.key.pem"];
const MUTUAL: [&str; 2] = ["--client-ca", "ca/ca.cert.pem"];
const CHECKED: [&str; 2] = ["--server-ca", "ca/ca.cert.pem"];
const ALICE: [&str; 4] = ["--tls-cert", "alice.cert.pem", "--tls-key", "alice.key.pem"];
const BOB: [&str; 4] = ["--tls-cert", "bob.cert.pem", "--tls-key", "bob.key.pem"];

/// An authority, a server that is localhost, alice with a tunnel's credentials, and bob without.
fn world() -> TempDir {
    let directory = with_alice();
    ok(directory.path(), &["ca", "init", "--name", "ABC Inc."]);
    ok(directory.path(), &["ca", "issue", "server", "--name", "localhost"]);
    ok(directory.path(), &["ca", "issue", "client", "--id", "alice"]);
    ok(directory.path(), &["ca", "issue", "client", "--id", "bob"]);
    directory
}

fn ok(directory: &Path, arguments: &[&str]) {
    let output = run(directory, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", told(&output).1);
}

/// A server of TLS alone; gives its URL by the name of its certificate.
fn plain(directory: &Path, more: &[&str]) -> (Running, String) {
    let fixed = ["serve", "tcp://127.0.0.1:0", "--plain-tls"];
    let arguments = [&fixed[..], &SERVER, more].concat();
    let mut running = Running::start(&mut command(directory, &arguments));
    let line = running.wait_for("listening on ");
    let port = line.trim().rsplit(':').next().unwrap().to_owned();
    (running, format!("tcp://localhost:{port}"))
}

fn plain_client(directory: &Path, url: &str, more: &[&str]) -> Command {
    command(directory, &[&["connect", url, "--plain-tls"], more].concat())
}

fn by_name(url: &str) -> String {
    url.replace("127.0.0.1", "localhost")
}

#[track_caller]
fn served(output: &Output, expected: &str) {
    let (code, said) = told(output);
    assert_eq!((code, &*String::from_utf8_lossy(&output.stdout)), (Some(0), expected), "{said}");
}

/// Refused with exit code 5, before anything came back, for a reason that the client itself has found.
#[track_caller]
fn refused(output: &Output, why: &str) {
    let (code, said) = told(output);
    assert!(code == Some(5) && said.contains(why) && output.stdout.is_empty(), "{code:?} {said}");
}

/// A client that has sent a line and got it back, and still lives.
struct Echoing {
    running: Running,
    input: ChildStdin,
}

fn echoing(command: &mut Command) -> Echoing {
    let mut running = Running::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
    let mut input = running.child.stdin.take().unwrap();
    input.write_all(b"are you there?\n").unwrap();
    let mut back = String::new();
    BufReader::new(running.child.stdout.take().unwrap()).read_line(&mut back).unwrap();
    assert_eq!(back, "are you there?\n");
    Echoing { running, input }
}

impl Echoing {
    /// Waits until it ends by itself; its input stays open.
    fn ends(mut self) -> Option<i32> {
        let code = self.running.child.wait().unwrap().code();
        drop(self.input);
        code
    }
}

#[test]
fn a_tunnel_in_mutual_tls() {
    let directory = world();
    let path = directory.path();
    let more = [&["--echo"], &SERVER[..], &MUTUAL].concat();
    let (mut server, url) = Running::serve(path, "tcp://127.0.0.1:0", &more);
    let url = by_name(&url);
    let output = exchange(&mut connect(path, &url, &[&CHECKED[..], &ALICE].concat()), "hello");
    served(&output, "hello");
    let said = told(&output).1;
    assert!(said.contains("TLS 1.3, ALPN secure-tunnel/1, sha256 "), "{said}");
    assert!(!said.contains("WARNING"), "{said}");
    let line = server.wait_for("connected as ");
    let expected = "TLS 1.3, ALPN secure-tunnel/1, for localhost, identity \"alice\", sha256 ";
    assert!(line.contains(expected), "{line}");

    // Without a certificate, and without TLS at all.
    refused(&exchange(&mut connect(path, &url, &CHECKED), "hello"), "CertificateRequired");
    server.wait_for("tls no_certificate, TLS-023");
    let mut stream = TcpStream::connect(url.trim_start_matches("tcp://")).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    server.wait_for("tls handshake, TLS-011");
}

#[test]
fn whose_certificates_are_accepted() {
    let directory = world();
    let path = directory.path();
    ok(path, &["ca", "init", "--dir", "zxc", "--name", "ZXC Inc."]);
    ok(path, &["ca", "issue", "client", "--dir", "zxc", "--id", "alice", "--out", "zxc/alice"]);
    let (mut server, url) = plain(path, &[&["--echo"], &MUTUAL[..]].concat());
    let client = |more: &[&[&str]]| exchange(&mut plain_client(path, &url, &more.concat()), "hi");
    served(&client(&[&CHECKED, &ALICE]), "hi");

    let zxc = ["--tls-cert", "zxc/alice.cert.pem", "--tls-key", "zxc/alice.key.pem"];
    refused(&client(&[&CHECKED, &zxc]), "AccessDenied");
    server.wait_for("tls untrusted, TLS-033");
    let own = ["--tls-cert", "localhost.cert.pem", "--tls-key", "localhost.key.pem"];
    refused(&client(&[&CHECKED, &own]), "AccessDenied");
    server.wait_for("tls usage, TLS-044");

    refused(&client(&[&["--server-ca", "zxc/ca.cert.pem"], &ALICE]), "tls untrusted, TLS-033");
    let name = ["--server-name", "invoice.example"];
    refused(&client(&[&CHECKED, &ALICE, &name]), "tls server_name, TLS-053");
    let address = url.replace("localhost", "127.0.0.1");
    let output = exchange(&mut plain_client(path, &address, &CHECKED), "");
    refused(&output, "tls server_name, TLS-053");
    refused(&client(&[&CHECKED, &ALICE, &["--alpn"]]), "tls alpn, TLS-014");
}

/// The lists change while two clients are connected, one with a tunnel and one without.
#[test]
fn who_is_taken_off_the_list_is_cut_off() {
    let directory = world();
    let path = directory.path();
    // As the README says: a list that is written in place may be read when it is half written.
    let list = |name: &str, text: &str| {
        fs::write(path.join("new"), text).unwrap();
        fs::rename(path.join("new"), path.join(name)).unwrap();
    };
    list("allow", "identity alice\nidentity bob\n");
    list("deny", "");
    let lists = [&SERVER[..], &MUTUAL, &["--echo", "--allow", "allow", "--deny", "deny"]].concat();
    let (mut server, url) = Running::serve(path, "tcp://127.0.0.1:0", &lists);
    let (mut bare, bare_url) = plain(path, &lists[4..]);
    let with_alice = [&CHECKED[..], &ALICE].concat();
    let tunnel = echoing(&mut connect(path, &by_name(&url), &with_alice));
    let alone = echoing(&mut plain_client(path, &bare_url, &with_alice));
    server.wait_for("connected as ");
    bare.wait_for("connected: ");

    // A slip of an editor changes nothing.
    list("allow", "identity alice\nbob\n");
    for log in [&mut server, &mut bare] {
        let line = log.wait_for("allow: line 2: ");
        assert!(line.contains("what it held before stays in force"), "{line}");
    }
    served(&exchange(&mut plain_client(path, &bare_url, &[&CHECKED[..], &BOB].concat()), "x"), "x");

    list("deny", "identity alice\n");
    for log in [&mut server, &mut bare] {
        log.wait_for("deny: entries in force: 1");
        log.wait_for(
            "\"alice\" is refused now: the client is on the deny list (tls denied, TLS-073)",
        );
        log.wait_for("ended: ended by this side");
    }
    assert_eq!(tunnel.ends(), Some(6), "cut off");
    drop(alone);
    let output = exchange(&mut plain_client(path, &bare_url, &with_alice), "hi");
    refused(&output, "AccessDenied");
    let line = bare.wait_for("tls denied, TLS-073");
    assert!(line.contains("; its certificate: CN=alice, sha256 "), "{line}");

    list("allow", "");
    bare.wait_for("allow: entries in force: 0");
    let output = exchange(&mut plain_client(path, &bare_url, &[&CHECKED[..], &BOB].concat()), "x");
    refused(&output, "AccessDenied");
    bare.wait_for("tls not_allowed, TLS-074");
}

/// One client makes several connections, so that later ones resume the session of the first.
#[test]
fn a_session_does_not_outlive_a_revocation() {
    let directory = world();
    let path = directory.path();
    ok(path, &["ca", "crl"]);
    let more = [&MUTUAL[..], &["--echo", "--crl", "ca/ca.crl.pem"]].concat();
    let (mut server, url) = plain(path, &more);
    let listen = ["--listen", "127.0.0.1:0", "--retry", "0"];
    let arguments = [&CHECKED[..], &ALICE, &listen].concat();
    let mut client = Running::start(&mut plain_client(path, &url, &arguments));
    let line = client.wait_for("listening on ");
    let address = line.split("listening on ").nth(1).unwrap().split(' ').next().unwrap();
    let call = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(b"ping").unwrap();
        let mut back = [0; 4];
        let echoed = stream.read_exact(&mut back).is_ok() && &back == b"ping";
        (stream, echoed)
    };
    let first = call();
    assert!(first.1 && !server.wait_for("connected: ").contains("resumed"));
    let second = call();
    assert!(second.1 && server.wait_for("connected: ").contains("TLS 1.3, resumed, "));

    ok(path, &["ca", "revoke", "--id", "alice"]);
    server.wait_for("CRLs in force: 1");
    server.wait_for("tls revoked, TLS-068): its connection is cut off");
    server.wait_for("tls revoked, TLS-068): its connection is cut off");
    assert!(!call().1, "a third is refused");
    let line = server.wait_for("refused: ");
    assert!(line.contains("tls revoked, TLS-068"), "{line}");
    drop((first, second));
}

/// The server's certificate is renewed, and then revoked, while server and client run.
#[test]
fn a_renewed_certificate_and_a_servers_revocation_are_in_force_without_a_restart() {
    let directory = world();
    let path = directory.path();
    ok(path, &["ca", "crl"]);
    ok(path, &["ca", "issue", "server", "--name", "localhost", "--out", "renewed"]);
    let (mut server, url) = plain(path, &["--echo"]);
    let arguments =
        [&CHECKED[..], &["--crl", "ca/ca.crl.pem", "--listen", "127.0.0.1:0", "--retry", "0"]]
            .concat();
    let mut client = Running::start(&mut plain_client(path, &url, &arguments));
    let line = client.wait_for("listening on ");
    let address = line.split("listening on ").nth(1).unwrap().split(' ').next().unwrap();
    let is_served = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(b"ping").unwrap();
        stream.read_exact(&mut [0; 4]).is_ok()
    };
    assert!(is_served());

    // One without its key changes nothing.
    let mv = |from: &str, to: &str| fs::rename(path.join(from), path.join(to)).unwrap();
    fs::copy(path.join("localhost.cert.pem"), path.join("first.cert.pem")).unwrap();
    mv("renewed.cert.pem", "localhost.cert.pem");
    let line = server.wait_for("localhost.cert.pem with localhost.key.pem: ");
    assert!(line.contains("what it held before stays in force"), "{line}");
    assert!(is_served());
    mv("renewed.key.pem", "localhost.key.pem");
    server.wait_for("localhost.cert.pem: in force for new connections");
    // The client goes by its session, if it has one: of the first certificate.
    assert!(is_served());
    let fresh = exchange(&mut plain_client(path, &url, &CHECKED), "hi");
    served(&fresh, "hi");

    ok(path, &["ca", "revoke", "first.cert.pem"]);
    ok(path, &["ca", "revoke", "localhost.cert.pem"]);
    assert!(!is_served(), "whichever it goes by, it is revoked");
    client.wait_for("CRLs in force: 1");
    client.wait_for("tls revoked, TLS-068");
}

#[test]
fn encryption_alone_is_warned_of_each_time() {
    let directory = world();
    let path = directory.path();
    let (_server, url) = plain(path, &["--echo"]);
    for _ in 0..2 {
        let output = exchange(&mut plain_client(path, &url, &["--encrypt-only"]), "hi");
        served(&output, "hi");
        let said = told(&output).1;
        assert!(
            said.contains("WARNING: --encrypt-only") && said.contains("NOT AUTHORIZED"),
            "{said}"
        );
    }
    // A tunnel is told of as it is without TLS; an address that nothing answers at: the warning comes first.
    let unauthenticated = "WARNING: tcp://0.0.0.0:1 is not on this machine";
    for (more, warned) in [(&["--encrypt-only"][..], true), (&CHECKED, false)] {
        let said = told(&exchange(&mut connect(path, "tcp://0.0.0.0:1", more), "")).1;
        assert_eq!(said.contains(unauthenticated), warned, "{said}");
    }
    let arguments = [&["serve", "tcp://0.0.0.0:0", "--plain-tls", "--echo"], &SERVER[..]].concat();
    let mut open = Running::start(&mut command(path, &arguments));
    let mut line = String::new();
    open.log.read_line(&mut line).unwrap();
    assert!(line.contains("listening on "), "no warning: {line}");
}

#[test]
fn the_id_of_the_tunnel_is_that_of_the_certificate() {
    let directory = world();
    let path = directory.path();
    let mutual = [&["--echo"], &SERVER[..], &MUTUAL].concat();
    let with_bob = [&CHECKED[..], &BOB].concat();
    let (mut server, url) = Running::serve(path, "tcp://127.0.0.1:0", &mutual);
    let output = exchange(&mut connect(path, &by_name(&url), &with_bob), "hello");
    assert_eq!((told(&output).0, output.stdout.len()), (Some(6), 0), "cut off");
    let mut line = String::new();
    server.log.read_line(&mut line).unwrap(); // so it was not said to be connected before
    assert!(line.contains("refused: ") && line.contains("tls id_mismatch, TLS-067"), "{line}");

    let any = [&mutual[..], &["--tls-policy", "any-id"]].concat();
    let (mut server, url) = Running::serve(path, "tcp://127.0.0.1:0", &any);
    served(&exchange(&mut connect(path, &by_name(&url), &with_bob), "hello"), "hello");
    let line = server.wait_for("connected as \"alice\"");
    assert!(line.contains("identity \"bob\""), "{line}");
}

#[test]
fn a_tunnel_is_bound_to_its_tls_connection_by_both_or_not_at_all() {
    let directory = world();
    let path = directory.path();
    let bound = ["--tls-policy", "tls-exporter"];
    for (here, there) in [(true, true), (true, false), (false, true)] {
        let policy = |wanted| if wanted { &bound[..] } else { &[] };
        let more = [&["--echo"], &SERVER[..], policy(here)].concat();
        let (mut server, url) = Running::serve(path, "tcp://127.0.0.1:0", &more);
        let more = [&CHECKED[..], policy(there)].concat();
        let output = exchange(&mut connect(path, &by_name(&url), &more), "hello");
        if here && there {
            served(&output, "hello");
        } else {
            assert!(matches!(told(&output).0, Some(5 | 6)) && output.stdout.is_empty());
            let line = server.wait_for("refused: ");
            assert!(line.contains("auth open_failed"), "{line}");
        }
    }
}

#[test]
fn tls_alone_in_front_of_a_local_port() {
    let directory = world();
    let path = directory.path();
    let behind = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = behind.local_addr().unwrap().to_string();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = behind.accept().unwrap();
        let mut request = String::new();
        stream.read_to_string(&mut request).unwrap(); // to the client's end, which arrives as one
        stream.write_all(request.to_uppercase().as_bytes()).unwrap();
    });
    let (mut server, url) = plain(path, &[&["--forward", &address], &MUTUAL[..]].concat());
    let long = "an invoice, please\n".repeat(20_000);
    let output = exchange(&mut plain_client(path, &url, &[&CHECKED[..], &ALICE].concat()), &long);
    served(&output, &long.to_uppercase());
    answering.join().unwrap();
    server.wait_for("(\"alice\") closed");

    let (_server, url) =
        plain(path, &[&["--exec", "echo $SECURE_TUNNEL_ID"], &MUTUAL[..]].concat());
    let output = exchange(&mut plain_client(path, &url, &[&CHECKED[..], &ALICE].concat()), "");
    served(&output, "alice\n");
}

#[test]
fn who_only_asks_for_certificates_is_told_of_each_client() {
    let directory = world();
    let path = directory.path();
    fs::write(path.join("deny"), "identity bob\n").unwrap();
    let ask = ["--client-certificates", "ask", "--deny", "deny"];
    let whoami = ["--exec", "echo ${SECURE_TUNNEL_ID-nobody}"];
    let (mut server, url) = plain(path, &[&whoami, &MUTUAL[..], &ask].concat());
    for (certificate, name, log) in [
        (&[][..], "nobody", "NOT AUTHORIZED: the peer sent no certificate (tls no_certificate"),
        (&BOB, "nobody", "NOT AUTHORIZED: the client is on the deny list (tls denied"),
        (&ALICE, "alice", "identity \"alice\""),
    ] {
        let arguments = [&CHECKED[..], certificate].concat();
        let output = exchange(&mut plain_client(path, &url, &arguments), "");
        served(&output, &format!("{name}\n"));
        let line = server.wait_for("connected: ");
        assert!(line.contains(log), "{line}");
    }
}
