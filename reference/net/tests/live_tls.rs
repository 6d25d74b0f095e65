//! `secure-tunnel under-test` with TLS, driven by the lines of section 8 of spec/live-protocol.md.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod process;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;

use process::driven::Driven;
use process::{key, run, told};
use serde_json::{Value, json};
use tempfile::TempDir;

const ID: &str = "alice@example.org";
const CLIENT_KEY: &str = "alice@example.orgbufnVvnNLGk4De8jl1mshoPIOP";
const SERVER_KEY: &str = "M37jldKyKT1VDcekWyuqJ3lgZ1";

/// An authority with a server `localhost`, which also is `a.example.com`, and clients; and another authority.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        world.ok(&["ca", "init", "--name", "ABC Inc."]);
        world.ok(&["ca", "init", "--name", "Other", "--dir", "other"]);
        world.ok(&["ca", "crl"]);
        let names = ["--name", "localhost", "--name", "a.example.com", "--name", "127.0.0.1"];
        world.ok(&[&["ca", "issue", "server"], &names[..]].concat());
        world.ok(&["ca", "issue", "client", "--id", ID, "--out", "alice"]);
        world.ok(&["ca", "issue", "client", "--id", "bob"]);
        world
    }

    fn ok(&self, arguments: &[&str]) {
        let output = run(self.0.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", told(&output).1);
    }

    /// The objects of a PEM file, in hexadecimal.
    fn der(&self, path: &str) -> Vec<String> {
        pem(&self.0.path().join(path))
    }

    fn own(&self, name: &str) -> Value {
        let key = self.der(&format!("{name}.key.pem")).remove(0);
        json!({"chain": self.der(&format!("{name}.cert.pem")), "key": key})
    }

    fn anchors(&self) -> Vec<String> {
        self.der("ca/ca.cert.pem")
    }

    /// `tls` of a server of `localhost` for clients with certificates, and what else the test wants.
    fn server(&self, more: Value) -> Driven {
        let mut tls = json!({"tunnel": true, "contexts": [], "default": self.own("localhost"), "clients": "require",
            "alpn": true, "anchors": self.anchors(), "crls": null, "allow": null, "deny": null, "policies": []});
        let tunnel = more.get("tunnel") != Some(&json!(false));
        put(&mut tls, more);
        let mut first =
            json!({"v": 1, "role": "server", "transport": "tcp", "host": "127.0.0.1", "tls": tls});
        if tunnel {
            let pair = json!({"id": hex::encode(ID), "server_key": hex::encode(SERVER_KEY)});
            put(&mut first, json!({"credentials": [pair], "rsa_key": pem(&key("4552-a"))[0]}));
        }
        Driven::start(&first.to_string())
    }

    /// A dial to `localhost` as alice.
    fn dial(&self, number: u64, port: &Value, more: Value) -> String {
        let mut tls = json!({"tunnel": true, "alpn": true, "policies": [], "check": true, "server_name": "localhost",
            "anchors": self.anchors(), "crls": null, "session": null});
        put(&mut tls, self.own("alice"));
        let tunnel = more.get("tunnel") != Some(&json!(false));
        put(&mut tls, more);
        let mut dial = json!({"dial": number, "transport": "tcp", "host": "127.0.0.1", "port": port,
            "send": ["00ff"], "tls": tls});
        if tunnel {
            let key = hex::encode(CLIENT_KEY);
            put(&mut dial, json!({"client_key": key, "pin": null, "rsa_key": pem(&key_b())[0]}));
        }
        dial.to_string()
    }
}

fn key_b() -> std::path::PathBuf {
    key("4552-b")
}

fn pem(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let end = "-----END ";
    let objects = text.split_inclusive(end).zip(text.split(end).skip(1));
    let objects = objects.map(|(object, rest)| {
        let begin = object.find("-----BEGIN ").unwrap();
        let tail = rest.lines().next().unwrap();
        let (_, der) =
            pem_rfc7468::decode_vec(format!("{}{tail}\n", &object[begin..]).as_bytes()).unwrap();
        hex::encode(der)
    });
    objects.collect()
}

fn put(object: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("an object") };
    object.as_object_mut().unwrap().extend(more);
}

fn client() -> Driven {
    let mut client = Driven::start(r#"{"v":1,"role":"client"}"#);
    assert_eq!(client.read()["ready"], true);
    client
}

/// The next line is this event.
#[track_caller]
fn event(of: &mut Driven, name: &str) -> Value {
    let line = of.read();
    assert_eq!(line["event"], name, "{line}");
    line
}

#[track_caller]
fn end(of: &mut Driven, code: impl Into<Value>) {
    let line = event(of, "end");
    let code = code.into();
    assert_eq!((&line["code"], &line["clean"]), (&code, &json!(code.is_null())), "{line}");
}

#[test]
fn a_tunnel_inside_until_its_client_is_denied() {
    let world = World::new();
    let mut server = world.server(json!({}));
    let port = server.read()["port"].clone();
    let mut client = client();
    client.write(&world.dial(7, &port, json!({})));
    let opened = event(&mut server, "open");
    assert_eq!(opened["id"], hex::encode(ID));
    let tls = &opened["tls"];
    assert_eq!((&tls["authorized"], &tls["reason"]), (&json!(true), &Value::Null));
    assert_eq!(tls["identity"], hex::encode(ID));
    assert_eq!((&tls["version"], &tls["resumed"]), (&json!("1.3"), &json!(false)));
    assert_eq!(
        (&tls["alpn"], &tls["server_name"]),
        (&json!("secure-tunnel/1"), &json!("localhost"))
    );
    assert!(tls["not_before"].as_i64() < tls["not_after"].as_i64(), "{tls}");
    for field in ["fingerprint", "subject", "issuer", "serial"] {
        assert!(tls[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {tls}");
    }
    let there = event(&mut client, "open");
    assert_eq!(there["tls"]["authorized"], true);
    assert_eq!(there["tls"]["server_name"], Value::Null);
    assert_eq!(event(&mut client, "message")["payload"], "00ff");

    // A list that is not of fingerprints changes nothing, nor does one of somebody else.
    for deny in [json!({"fingerprints": ["ab"]}), json!({"identities": [hex::encode("bob")]})] {
        server.write(&json!({"tls": {"deny": deny}}).to_string());
        assert_eq!(server.read(), json!({"tls": true}));
        client.write(r#"{"send":7,"payload":"01"}"#);
        assert_eq!(event(&mut client, "message")["payload"], "01");
    }
    let deny = json!({"fingerprints": [tls["fingerprint"]]});
    server.write(&json!({"tls": {"deny": deny}}).to_string());
    let (first, second) = (server.read(), server.read());
    // The answer and the end are written side by side.
    let (answer, ended) = if first["tls"] == true { (first, second) } else { (second, first) };
    assert_eq!(answer, json!({"tls": true}));
    assert_eq!((&ended["code"], &ended["peer"]), (&json!("denied"), &opened["peer"]));
    end(&mut client, "truncated");
    client.write(&world.dial(8, &port, json!({})));
    end(&mut server, "denied");
    end(&mut client, "handshake");
    server.write(r#"{"tls":{"deny":null,"allow":{"identities":[],"fingerprints":[]}}}"#);
    assert_eq!(server.read(), json!({"tls": true}));
    client.write(&world.dial(9, &port, json!({})));
    end(&mut server, "not_allowed");
    end(&mut client, "handshake");
    server.write(r#"{"tls":{"allow":null}}"#);
    assert_eq!(server.read(), json!({"tls": true}));
    client.write(&world.dial(10, &port, json!({})));
    event(&mut server, "open");
    event(&mut client, "open"); // at the end of its input, what is open is closed
    assert_eq!((client.end(), server.read()["clean"].clone()), (Some(0), json!(true)));
    assert_eq!(server.end(), Some(0));
}

#[test]
fn tls_alone_is_a_stream_of_octets() {
    let world = World::new();
    let context = |name: &str| {
        let mut context = world.own("localhost");
        put(&mut context, json!({"name": name}));
        context
    };
    let alone = json!({"tunnel": false, "alpn": false, "clients": "none", "default": null,
        "contexts": [context("localhost"), context("*.example.com")]});
    let mut server = world.server(alone);
    let port = server.read()["port"].clone();
    let mut client = client();
    let plain = |more: Value| {
        let mut tls = json!({"tunnel": false, "alpn": false});
        put(&mut tls, more);
        tls
    };
    client.write(&world.dial(1, &port, plain(json!({}))));
    let opened = event(&mut server, "open");
    assert_eq!(
        (&opened["tls"]["reason"], &opened["tls"]["alpn"]),
        (&json!("no_certificate"), &Value::Null)
    );
    event(&mut client, "open");
    assert_eq!(event(&mut client, "message")["payload"], "00ff");
    server.write(&json!({"send": opened["peer"], "payload": "ab", "times": 2}).to_string());
    let mut octets = String::new();
    while octets.len() < 4 {
        octets += event(&mut client, "message")["payload"].as_str().unwrap();
    }
    assert_eq!(octets, "abab");
    client.write(r#"{"close":1}"#);
    end(&mut client, Value::Null);
    end(&mut server, Value::Null);

    client.write(&world.dial(2, &port, plain(json!({"server_name": "a.example.com"}))));
    let opened = event(&mut server, "open");
    assert_eq!(opened["tls"]["server_name"], "a.example.com");
    server.write(&json!({"close": opened["peer"]}).to_string());
    end(&mut server, Value::Null);
    while client.read()["event"] != "end" {}

    client.write(&world.dial(3, &port, plain(json!({"server_name": "other.example"}))));
    end(&mut server, "sni");
    end(&mut client, "handshake");
    client.write(&world.dial(4, &port, plain(json!({"server_name": "127.0.0.1"}))));
    end(&mut server, "sni");
    end(&mut client, "handshake");

    // Every connection that was accepted has its end.
    let port = u16::try_from(port.as_u64().unwrap()).unwrap();
    for octets in [&b""[..], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(octets).unwrap();
        let peer = stream.local_addr().unwrap().port();
        drop(stream);
        let ended = event(&mut server, "end");
        assert_eq!((&ended["peer"], &ended["code"]), (&json!(peer), &json!("handshake")));
    }
    assert_eq!(server.end(), Some(0));
}

#[test]
fn certificates_of_clients_are_asked_for_or_required() {
    let world = World::new();
    let theirs = world.der("other/ca.cert.pem");
    for clients in ["ask", "require"] {
        let mut server = world.server(json!({"tunnel": false, "clients": clients}));
        let port = server.read()["port"].clone();
        let mut client = client();
        let mut admitted = |more: Value, reason: Value| {
            let mut tls = json!({"tunnel": false});
            put(&mut tls, more);
            client.write(&world.dial(1, &port, tls));
            let line = server.read();
            if clients == "require" && !reason.is_null() {
                assert_eq!((&line["event"], &line["code"]), (&json!("end"), &reason));
            } else {
                assert_eq!((&line["event"], &line["tls"]["reason"]), (&json!("open"), &reason));
                event(&mut client, "open");
                client.write(r#"{"close":1}"#);
                end(&mut server, Value::Null);
            }
            while client.read()["event"] != "end" {}
            server.write(&json!({"tls": {"anchors": theirs}}).to_string());
            assert_eq!(server.read()["tls"], true);
        };
        admitted(json!({}), Value::Null);
        admitted(json!({}), json!("untrusted")); // now that the anchor is another
        admitted(json!({"chain": null, "key": null}), json!("no_certificate"));
    }
}

#[test]
fn a_client_checks_what_its_dial_says() {
    let world = World::new();
    let mut server = world.server(json!({"tunnel": false}));
    let port = server.read()["port"].clone();
    let mut client = client();
    let other = json!(world.der("other/ca.cert.pem"));
    for (more, code) in [
        (json!({"anchors": other}), "untrusted"),
        (json!({"server_name": "b.example.com"}), "server_name"),
        (json!({"crls": []}), "crl"),
        (json!({"alpn": false}), "handshake"), // the server's alert
    ] {
        let mut tls = json!({"tunnel": false});
        put(&mut tls, more);
        client.write(&world.dial(1, &port, tls));
        end(&mut client, code);
        event(&mut server, "end");
    }
    // These are not dialled at all.
    for (more, code) in [
        (json!({"server_name": "a..b"}), "bad_name"),
        (json!({"crls": [world.anchors()[0]]}), "crl_form"),
        (json!({"anchors": ["3000"]}), "certificate_form"),
    ] {
        client.write(&world.dial(2, &port, more));
        end(&mut client, code);
    }
    client.write(&world.dial(3, &port, json!({"policies": ["tls13"]})));
    assert_eq!(event(&mut client, "unsupported")["dial"], 3);

    let unchecked =
        json!({"tunnel": false, "check": false, "anchors": [], "server_name": "b.example.com"});
    client.write(&world.dial(4, &port, unchecked));
    let tls = event(&mut client, "open")["tls"].clone();
    assert_eq!((&tls["authorized"], &tls["reason"]), (&json!(false), &json!("untrusted")));
    assert_eq!(event(&mut server, "open")["tls"]["server_name"], "b.example.com");
}

#[test]
fn sessions_are_resumed_under_what_is_in_force() {
    let world = World::new();
    let mut server = world.server(json!({"tunnel": false}));
    let port = server.read()["port"].clone();
    let mut client = client();
    let mut number = 0;
    let mut opened = |more: Value| {
        number += 1;
        let mut tls = json!({"tunnel": false, "session": "s"});
        put(&mut tls, more);
        client.write(&world.dial(number, &port, tls));
        let line = client.read();
        if line["event"] == "end" {
            return line["code"].clone();
        }
        event(&mut client, "message"); // the ticket has come as well
        client.write(&json!({"close": number}).to_string());
        end(&mut client, Value::Null);
        line["tls"]["resumed"].clone()
    };
    assert_eq!(opened(json!({})), false);
    assert_eq!(opened(json!({})), true);
    assert_eq!(opened(json!({"session": "t"})), false);
    assert_eq!(opened(json!({"session": null})), false);
    assert_eq!(opened(json!({"server_name": "a.example.com"})), false);
    assert_eq!(opened(json!({"crls": world.der("ca/ca.crl.pem")})), true);
    world.ok(&["ca", "revoke", "localhost.cert.pem"]);
    assert_eq!(opened(json!({"crls": world.der("ca/ca.crl.pem")})), "revoked");
    assert_eq!(opened(json!({"anchors": world.der("other/ca.cert.pem")})), "untrusted");
    assert_eq!(opened(json!({})), true);
    drop(server);
}

#[test]
fn policies_of_the_tunnel_inside() {
    let world = World::new();
    for (here, there, code) in [
        (json!(["tls-exporter"]), json!(["tls-exporter"]), Value::Null),
        (json!(["tls-exporter"]), json!([]), json!("open_failed")),
    ] {
        let mut server = world.server(json!({"policies": here}));
        let port = server.read()["port"].clone();
        let mut client = client();
        client.write(&world.dial(1, &port, json!({"policies": there})));
        match code.is_null() {
            true => drop(event(&mut server, "open")),
            false => end(&mut server, code),
        }
    }
    for (policies, code) in [(json!([]), json!("id_mismatch")), (json!(["any-id"]), Value::Null)] {
        let mut server = world.server(json!({"policies": policies}));
        let port = server.read()["port"].clone();
        let mut client = client();
        client.write(&world.dial(1, &port, world.own("bob")));
        match code.is_null() {
            true => assert_eq!(event(&mut server, "open")["tls"]["identity"], hex::encode("bob")),
            false => end(&mut server, code),
        }
    }
}

#[test]
fn what_a_server_lacks_is_said() {
    let world = World::new();
    let mut own = world.own("localhost");
    put(&mut own, json!({"key": world.der("bob.key.pem")[0]}));
    for more in [json!({"policies": ["early-data"]}), json!({"default": own})] {
        let mut server = world.server(more);
        let answer = server.read();
        assert_eq!((&answer["ready"], &answer["port"]), (&json!(false), &Value::Null));
        assert_eq!(answer["unsupported"].as_array().unwrap().len(), 1, "{answer}");
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
    }
}
