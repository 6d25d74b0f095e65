//! `secure-tunnel under-test`, driven by the lines of spec/live-protocol.md as the harness does.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod process;

use std::fs;

use process::driven::Driven;
use process::key;

#[test]
fn under_test_speaks_the_live_protocol_in_both_roles() {
    let der = |name| {
        let pem = fs::read(key(name)).unwrap();
        hex::encode(pem_rfc7468::decode_vec(&pem).unwrap().1)
    };
    let id = hex::encode("alice@example.org");
    let client_key = hex::encode("alice@example.orgbufnVvnNLGk4De8jl1mshoPIOP");
    let server_key = hex::encode("M37jldKyKT1VDcekWyuqJ3lgZ1");
    let pairs = format!(r#"[{{"id":"{id}","server_key":"{server_key}"}}]"#);
    for transport in ["tcp", "ws"] {
        let mut server = Driven::start(&format!(
            r#"{{"v":1,"role":"server","transport":"{transport}","host":"127.0.0.1","credentials":{pairs},"rsa_key":"{}","release_ms":null}}"#,
            der("4552-a")
        ));
        let port = server.read()["port"].as_u64().unwrap();
        let mut client = Driven::start(r#"{"v":1,"role":"client"}"#);
        assert_eq!(client.read()["ready"], true);
        let dial = |number| {
            format!(
                r#"{{"dial":{number},"transport":"{transport}","host":"127.0.0.1","port":{port},"client_key":"{client_key}","pin":null,"rsa_key":"{}","send":["00ff"]}}"#,
                der("4552-b")
            )
        };
        client.write(&dial(7));
        let opened = server.read();
        assert_eq!((&opened["event"], &opened["id"]), (&"open".into(), &id.clone().into()));
        assert_eq!(client.read()["event"], "open");
        assert_eq!(client.read()["payload"], "00ff");
        client.write(&format!(r#"{{"send":7,"payload":"{}","times":2}}"#, "07".repeat(5_000)));
        for _ in 0..2 {
            assert_eq!(client.read()["payload"]["length"], 5_000);
        }
        server.write(&format!(r#"{{"send":{},"payload":"ab"}}"#, opened["peer"]));
        assert_eq!(client.read()["payload"], "ab");
        client.write(r#"{"close":7}"#);
        assert_eq!(client.read()["clean"], true);
        let ended = server.read();
        assert_eq!((&ended["event"], &ended["clean"]), (&"end".into(), &true.into()));

        server.write(r#"{"credentials":[]}"#);
        assert_eq!(server.read()["credentials"], 0);
        client.write(&dial(8));
        assert_eq!(client.read()["code"], "order");
        assert_eq!(server.read()["code"], "unknown_id");

        server.write(&format!(r#"{{"credentials":{pairs}}}"#));
        assert_eq!(server.read()["credentials"], 1);
        client.write(&dial(9));
        server.read();
        assert_eq!(client.read()["event"], "open");
        assert_eq!(client.read()["event"], "message");
        // The end of input closes what is open.
        assert_eq!(client.end(), Some(0));
        assert_eq!(server.read()["clean"], true);
        assert_eq!(server.end(), Some(0));
    }
    let mut wrong = Driven::start(r#"{"v":2,"role":"client"}"#);
    assert_eq!(wrong.child.wait().unwrap().code(), Some(3));
}
