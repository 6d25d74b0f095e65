//! Credentials and handshake against answers of a second stack, `known_answers/make_handshake.py`. With all
//! that is random given, every octet of every message has to be the same.

#![allow(clippy::unwrap_used)] // in the helpers; a test that cannot go on panics

mod common;

use std::sync::Arc;

use common::*;
use secure_tunnel::credentials::{self, ClientKey, ClientPassword, Id, ServerPassword};
use secure_tunnel::handshake::client::{self, Client};
use secure_tunnel::handshake::server::{self, Answer, Policy, Server};
use secure_tunnel::time::{Tick, UnixTime};
use serde_json::Value;

fn answers(part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("known_answers/handshake.json")).unwrap();
    all[part].as_array().unwrap().clone()
}

fn octets(case: &Value, field: &str) -> Vec<u8> {
    hex::decode(case[field].as_str().unwrap()).unwrap()
}

fn array<const N: usize>(case: &Value, field: &str) -> [u8; N] {
    octets(case, field).try_into().unwrap()
}

fn time(case: &Value, field: &str) -> UnixTime {
    UnixTime(case[field].as_str().unwrap().parse().unwrap())
}

fn key(case: &Value, field: &str) -> Vec<u8> {
    match case[field].as_str().unwrap() {
        "4552-a" => a4552(),
        "4552-b" => b4552(),
        "4480-a" => a4480(),
        "4480-b" => b4480(),
        "4425" => k4425(),
        "4432" => k4432(),
        "8192" => k8192(),
        other => panic!("no key {other}"),
    }
}

#[test]
fn credentials_are_those_of_the_second_stack() {
    let cases = answers("credentials");
    assert_eq!(cases.len(), 18);
    for case in cases {
        let password = |field: &str| case[field].as_str().unwrap().as_bytes().to_vec();
        let (client, server) = credentials::create(
            &Id::new(&octets(&case, "id")).unwrap(),
            ClientPassword::parse(&password("client_password")).unwrap(),
            ServerPassword::parse(&password("server_password")).unwrap(),
        );
        assert_eq!(client.expose()[..], octets(&case, "client_key"), "{case}");
        assert_eq!(server.expose()[..], octets(&case, "server_key"), "{case}");
    }
}

#[test]
fn messages_are_those_of_the_second_stack() {
    let cases = answers("handshakes");
    assert_eq!(cases.len(), 5);
    for case in cases {
        let (server, m1) =
            Server::greet(Arc::new(ours(key(&case, "server"))), Policy::default(), Tick(0));
        assert_eq!(m1, octets(&case, "m1"));

        let client_key = ClientKey::parse(&octets(&case, "client_key")).unwrap();
        let client = Client::connect(client_key, None, Tick(0)).receive(&m1, Tick(0)).unwrap();
        let fresh = client::Fresh {
            keypair: ours(key(&case, "client")),
            r: array::<14>(&case, "r").into(),
            seed: array::<20>(&case, "seed_c").into(),
        };
        let (client, m2) = client.request(fresh, time(&case, "t"), Tick(0)).unwrap();
        assert_eq!(m2, octets(&case, "m2"), "M2 of {} to {}", case["client"], case["server"]);

        let fresh = server::Fresh {
            secret: array::<48>(&case, "k").into(),
            seed: array::<20>(&case, "seed_s").into(),
        };
        let answer = Answer::from_stored(&octets(&case, "server_key"));
        let lookup = server.receive(&m2, Tick(0)).unwrap();
        let (server, m3) = lookup.decide(answer, fresh, time(&case, "t_reply"), Tick(0)).unwrap();
        assert_eq!(m3, octets(&case, "m3"), "M3 of {} to {}", case["server"], case["client"]);

        let (_, mut open) = client.receive(&m3, Tick(0)).unwrap();
        server.receive(&mut open, Tick(0)).unwrap();
    }
}
