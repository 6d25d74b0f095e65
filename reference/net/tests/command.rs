//! The command from end to end, as a user runs it, on the loopback interface. Its RSA keys are the published test keys,
//! but for one test that makes its own.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod process;

use std::fs;
use std::io::{BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use process::*;

/// The loopback interface is counted because the number is given.
#[test]
fn one_address_has_so_many_connections_and_no_more() {
    let directory = with_alice();
    let path = directory.path();
    let (mut server, url) =
        Running::serve(path, "tcp://127.0.0.1:0", &["--echo", "--max-per-address", "2"]);
    let address = url.trim_start_matches("tcp://");
    let call = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        let greeted = stream.read(&mut [0; 4]).unwrap() > 0; // M1, or the end
        (stream, greeted)
    };
    let held = [call(), call()];
    assert!(held.iter().all(|(_, greeted)| *greeted));
    assert!(!call().1, "the third is ended at once");
    server.wait_for("too many connections from this address");
    drop(held);
    server.wait_for("HS-073");
    server.wait_for("HS-073");
    let output = exchange(&mut connect(path, &url, &[]), "there is room again");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "there is room again");
}

#[cfg(unix)]
#[test]
fn keygen_writes_two_secret_files_and_never_over_others() {
    use std::os::unix::fs::PermissionsExt;
    let directory = with_alice();
    let path = directory.path();
    let files = ["alice.client.toml", "alice.server.toml"].map(|name| path.join(name));
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let before = files.each_ref().map(|file| fs::read(file).unwrap());
    let (code, text) = told(&run(path, &["keygen", "--id", "alice"]));
    assert_eq!(code, Some(3));
    assert!(text.contains("alice.client.toml: exists already"), "{text}");
    // Nor if only one of the two is there: the other is not left behind either.
    fs::remove_file(&files[0]).unwrap();
    let (code, text) = told(&run(path, &["keygen", "--id", "alice"]));
    assert_eq!(code, Some(3));
    assert!(text.contains("alice.server.toml: exists already"), "{text}");
    assert!(!files[0].exists());
    assert_eq!(fs::read(&files[1]).unwrap(), before[1]);

    let (code, text) = told(&run(path, &["keygen", "--id", "a\nb"]));
    assert_eq!(code, Some(3));
    assert!(text.contains("--id: ") && text.contains("control character"), "{text}");
}

/// Nothing here is made ahead: hourly RSA key, client key pair, credentials with a strange id.
#[test]
fn three_commands_make_a_tunnel() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let made = run(path, &["keygen", "--id", "../\u{fc} \"x\"", "--out", "."]);
    let made = String::from_utf8(made.stdout).unwrap();
    let [client, server] = made.lines().collect::<Vec<_>>()[..] else { panic!("{made}") };
    let arguments = ["serve", "tcp://127.0.0.1:0", "--credentials", server, "--echo"];
    let mut serving = Running::start(&mut command(path, &arguments));
    let line = serving.wait_for("listening on ");
    let url = line.split("listening on ").nth(1).unwrap().trim();
    let arguments = ["connect", url, "--key", client, "--keys-ahead", "1"];
    let output = exchange(&mut command(path, &arguments), "hello\n");
    assert_eq!(output.stdout, b"hello\n", "{}", told(&output).1);
    assert!(output.status.success());
    serving.wait_for("connected as \"../\u{fc} \\\"x\\\"\"");
    serving.wait_for("closed");
    assert_eq!(serving.terminate(), Some(0));
}

#[test]
fn echo_exec_and_forward_on_both_transports() {
    let directory = with_alice();
    let path = directory.path();
    let long = "0123456789abcdef".repeat(8_000);
    for scheme in ["tcp", "ws"] {
        let url = format!("{scheme}://127.0.0.1:0");
        let (serving, at) = Running::serve(path, &url, &["--echo"]);
        let output = exchange(&mut connect(path, &at, &[]), &long);
        assert!(output.stdout == long.as_bytes(), "{}", told(&output).1);
        assert_eq!(serving.terminate(), Some(0));

        let exec = "read line; echo \"$SECURE_TUNNEL_ID says $line\"; cat";
        let (serving, at) = Running::serve(path, &url, &["--exec", exec]);
        let output = exchange(&mut connect(path, &at, &[]), "hello\nand more");
        assert_eq!(output.stdout, b"alice says hello\nand more", "{}", told(&output).1);
        drop(serving);

        let local = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = local.local_addr().unwrap().to_string();
        let (mut serving, at) = Running::serve(path, &url, &["--forward", &address]);
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = local.accept().unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            stream.write_all(text.to_uppercase().as_bytes()).unwrap();
        });
        let output = exchange(&mut connect(path, &at, &[]), "half closed");
        assert_eq!(output.stdout, b"HALF CLOSED", "{}", told(&output).1);
        answering.join().unwrap();
        // Nobody listens there any more.
        let output = exchange(&mut connect(path, &at, &[]), "x");
        assert_eq!(told(&output).0, Some(6), "{}", told(&output).1);
        serving.wait_for(&format!("--forward {address}: "));
    }
}

#[test]
fn a_client_that_is_revoked_is_cut_off_and_one_that_is_added_gets_in() {
    let directory = with_alice();
    let path = directory.path();
    let (mut serving, url) = Running::serve(path, "ws://127.0.0.1:0", &["--echo"]);
    // Two of the same id, whose standard input stays open.
    let mut clients =
        [(); 2].map(|()| Running::start(connect(path, &url, &[]).stdin(Stdio::piped())));
    for client in &mut clients {
        client.wait_for("connected to ");
        serving.wait_for("connected as \"alice\"");
    }
    fs::rename(path.join("alice.server.toml"), path.join("away")).unwrap();
    serving.wait_for("credentials of 0 clients are in force");
    serving.wait_for("\"alice\" is revoked");
    for client in &mut clients {
        client.wait_for("cut off: end of the transport without a close record");
        assert_eq!(client.child.wait().unwrap().code(), Some(6));
    }
    let (code, text) = told(&exchange(&mut connect(path, &url, &[]), "x"));
    assert_eq!(code, Some(5));
    assert!(text.contains("Only its own log says why"), "{text}");
    serving.wait_for("refused: id has no serverKey (auth unknown_id, HS-043)");

    fs::rename(path.join("away"), path.join("alice.server.toml")).unwrap();
    serving.wait_for("credentials of 1 clients are in force");
    let output = exchange(&mut connect(path, &url, &[]), "back");
    assert_eq!(output.stdout, b"back", "{}", told(&output).1);

    // A file that breaks is told of, and leaves the client in.
    fs::write(path.join("alice.server.toml"), "id = \"alice\"\nserver_key = 'short'\n").unwrap();
    serving.wait_for("alice.server.toml: id \"alice\": field server_key: ");
    let output = exchange(&mut connect(path, &url, &[]), "still in");
    assert_eq!(output.stdout, b"still in", "{}", told(&output).1);
}

#[test]
fn local_connections_get_a_tunnel_each_and_a_pin_is_checked() {
    let directory = with_alice();
    let path = directory.path();
    let key = key("4552-a");
    let fixed = ["serve", "tcp://127.0.0.1:0", "--credentials", ".", "--echo", "--rsa-key"];
    let arguments = [&fixed[..], &[key.to_str().unwrap()]].concat();
    let mut serving = Running::start(&mut command(path, &arguments));
    let line = serving.wait_for("pin for the clients: ");
    let pin = line.split(": ").nth(2).unwrap().trim();
    let line = serving.wait_for("listening on ");
    let url = line.split("listening on ").nth(1).unwrap().trim();

    let mut connecting =
        Running::start(&mut connect(path, url, &["--pin", pin, "--listen", "127.0.0.1:0"]));
    let line = connecting.wait_for("listening on ");
    let local = line.split("listening on ").nth(1).unwrap().split(' ').next().unwrap();
    let mut streams = [(); 3].map(|()| TcpStream::connect(local).unwrap());
    for (at, stream) in streams.iter_mut().enumerate() {
        stream.write_all(format!("stream {at}").as_bytes()).unwrap();
    }
    for (at, stream) in streams.iter_mut().enumerate() {
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut back = String::new();
        stream.read_to_string(&mut back).unwrap();
        assert_eq!(back, format!("stream {at}"));
    }

    let other = "00".repeat(32);
    let (code, text) = told(&exchange(&mut connect(path, url, &["--pin", &other]), "x"));
    assert_eq!(code, Some(5));
    assert!(text.contains("(auth pin, HS-020)"), "{text}");
}

#[test]
fn a_client_comes_back_to_a_server_that_comes_back() {
    let directory = with_alice();
    let path = directory.path();
    let (serving, url) = Running::serve(path, "tcp://127.0.0.1:0", &["--echo"]);
    let more = ["--reconnect", "--retry", "60"];
    let mut client =
        Running::start(connect(path, &url, &more).stdin(Stdio::piped()).stdout(Stdio::piped()));
    client.wait_for("connected to ");
    let mut serving = serving;
    serving.wait_for("connected as ");
    serving.child.kill().unwrap();
    client.wait_for("connecting again");
    drop(serving);
    let (_serving, _) = Running::serve(path, &url, &["--echo"]);
    client.wait_for("connected to ");
    let mut stdin = client.child.stdin.take().unwrap();
    stdin.write_all(b"again").unwrap();
    drop(stdin);
    let mut back = String::new();
    client.child.stdout.take().unwrap().read_to_string(&mut back).unwrap();
    assert_eq!(back, "again");
    assert_eq!(client.child.wait().unwrap().code(), Some(0));
}

#[test]
fn tokens_go_from_keygen_to_verify() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let token = |arguments: &[&str]| {
        let output = run(path, &[&["token"], arguments].concat());
        assert!(output.status.success(), "{}", told(&output).1);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let server = token(&["keygen", "--out", "server.toml"]);
    let client = token(&["keygen", "--out", "client.toml"]);
    let challenge = token(&["challenge", "--key", "server.toml", "--client", &client]);
    let id = ["--server-id", "tokens.example"];
    let signed = token(&[&["sign", "--key", "client.toml"], &id[..], &[&challenge]].concat());
    let issue = ["issue", "--key", "server.toml", "--client", &client];
    let issued = token(&[&issue, &id[..], &[&signed]].concat());
    assert_eq!(token(&["verify", "--server", &server, &issued]), client);
    let piped =
        exchange(&mut command(path, &["token", "verify", "--key", "server.toml", "-"]), &issued);
    assert_eq!(piped.stdout, format!("{client}\n").as_bytes());

    let refused = run(path, &["token", "verify", "--server", &client, &issued]);
    let (code, text) = told(&refused);
    assert_eq!(code, Some(5));
    assert!(text.contains("(auth server_signature, TOK-044; 401)"), "{text}");
    let other = run(path, &[&["token"][..], &issue, &["--server-id", "other", &signed]].concat());
    assert_eq!(told(&other).0, Some(5), "signed for another server");
    assert_eq!(told(&run(path, &["token", "keygen", "--out", "server.toml"])).0, Some(3));
    assert_eq!(told(&run(path, &["token", "verify", &issued])).0, Some(2), "no key");
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    let directory = with_alice();
    let path = directory.path();
    let serve = ["serve", "tcp://127.0.0.1:0", "--echo", "--credentials"];
    for (arguments, code, text) in [
        (vec!["connect", "http://h:1", "--key", "x"], 2, "expected tcp://HOST:PORT or ws://"),
        (vec!["connect", "tcp://h", "--key", "x"], 2, "no port"),
        (vec!["connect", "tcp://127.0.0.1:1", "--key", "x"], 3, "x: No such file"),
        (vec!["connect", "tcp://127.0.0.1:1", "--key", "alice.server.toml"], 3, "field `id`"),
        ([&serve[..], &["none"]].concat(), 3, "none: No such file"),
        ([&serve[..], &["alice.client.toml"]].concat(), 3, "alice.client.toml: line 2"),
        ([&serve[..], &[".", "--rsa-key", "alice.client.toml"]].concat(), 3, "openssl genpkey"),
        ([&serve[..], &[".", "--release-delay", "10000"]].concat(), 3, "1 to 9999"),
        (vec!["serve", "ws://127.0.0.1:0/p", "--credentials", ".", "--echo"], 2, "takes any"),
        (vec![], 2, "Usage"),
    ] {
        let (found, said) = told(&run(path, &arguments));
        assert_eq!(found, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(text), "{arguments:?}: {said}");
    }
    let refused = told(&exchange(&mut connect(path, "tcp://127.0.0.1:1", &[]), ""));
    assert_eq!(refused.0, Some(4), "{}", refused.1);
}

#[test]
fn whoever_leaves_the_machine_unprotected_is_warned() {
    let directory = with_alice();
    let path = directory.path();
    let serve = |url: &str, pinned: bool| {
        let key = key("4552-a");
        let mut arguments = vec!["serve", url, "--credentials", ".", "--echo"];
        if pinned {
            arguments.extend(["--rsa-key", key.to_str().unwrap()]);
        }
        let mut running = Running::start(&mut command(path, &arguments));
        let mut log = String::new();
        while !log.contains("listening on ") {
            assert_ne!(running.log.read_line(&mut log).unwrap(), 0, "{log}");
        }
        log.contains("WARNING")
    };
    assert!(!serve("tcp://0.0.0.0:0", true), "a pinned key needs no other channel");
    assert!(!serve("tcp://127.0.0.1:0", true));
    // An address that nothing answers at: the warning comes first.
    let output = exchange(&mut connect(path, "tcp://0.0.0.0:1", &[]), "");
    assert!(told(&output).1.contains("WARNING: tcp://0.0.0.0:1 is not on this machine"));
    let output = exchange(&mut connect(path, "tcp://127.0.0.1:1", &[]), "");
    assert!(!told(&output).1.contains("WARNING"));
}
