//! The client signs a challenge, or refuses to (section 5.6).

use serde_json::{Value, json};

use super::super::family::{Family, hex};
use super::super::primitives::stream;
use super::{
    CHALLENGE, Refusal, SECOND, TOKEN, bit_changed, body, client, good_challenge, mismatched,
    other_client, other_server, server, server_id, set,
};

fn input(server_id: Option<&[u8]>, challenge: &[u8]) -> Value {
    let mut input =
        json!({ "client_private": hex(&client().octets()), "challenge": hex(challenge) });
    if let Some(id) = server_id {
        input["server_id"] = hex(id);
    }
    input
}

fn out(server_id: &[u8], challenge: &[u8]) -> Value {
    json!({ "signed_challenge": hex(&client().signed(&[server_id, challenge].concat())) })
}

pub(super) fn family() -> Family {
    let mut family = Family::new("tok/sign", "tok.sign", "Signing a challenge as a client.");
    let challenge = good_challenge();
    let mut accept =
        |name: &str, id: Option<&[u8]>, challenge: &[u8], rules: &[&'static str], note: &str| {
            let signed = out(id.unwrap_or_default(), challenge);
            family.accept(name, rules, input(id, challenge), signed, note);
        };
    accept("valid", None, &challenge, &["TOK-005"], "Without a serverId.");
    for (name, id) in [
        ("server-id", "Server A"),
        ("server-id-one-octet", "S"),
        ("server-id-utf8", "S\u{f8}rv\u{e9}r"),
        ("server-id-bom", "\u{feff}Server"),
        ("server-id-spaces", " Server A "),
    ] {
        let note = "With a serverId, octet for octet before the challenge.";
        let rules = &["TOK-005", "TOK-029", "CONV-004"];
        accept(name, Some(id.as_bytes()), &challenge, rules, note);
    }
    let long = stream("a long server id", 500).iter().map(|c| b'a' + c % 26).collect::<Vec<_>>();
    accept(
        "server-id-long",
        Some(&long),
        &challenge,
        &["TOK-005", "TOK-029"],
        "A serverId of 500 octets.",
    );
    accept("server-id-empty", Some(b""), &challenge, &["TOK-005"], "An empty serverId is none.");
    for (name, second) in [("time-0", 0), ("time-1", 1), ("time-max", u32::MAX)] {
        let challenge = server().signed(&body(CHALLENGE, &client().public, second));
        let note = format!("The client doesn't judge the time, here {second}.");
        accept(name, None, &challenge, &["TOK-026", "TOK-027", "TOK-028"], &note);
    }
    let foreign = other_server().signed(&body(CHALLENGE, &client().public, SECOND));
    let note = "The client doesn't know the server's key: any server's challenge is signed.";
    accept("other-server", None, &foreign, &["TOK-028"], note);
    let unsigned = [&[0; 64][..], &body(CHALLENGE, &client().public, SECOND)].concat();
    let note = "The server's signature is for the server to check.";
    accept("no-signature", None, &unsigned, &["TOK-028"], note);
    refusals(&mut family, &challenge);
    relays(&mut family, &challenge);
    keys(&mut family);
    family
}

fn refusals(family: &mut Family, challenge: &[u8]) {
    let length = Refusal("challenge_length", None);
    for n in [0, 1, 37, 64, 65, 97, 100, 102, 165, 202] {
        let octets: Vec<u8> = challenge.iter().copied().cycle().take(n).collect();
        let flaw = format!("the challenge has {n} octets");
        let name = format!("length-{n}");
        length
            .add(family, name, "valid", &["TOK-026"], flaw, set("challenge", hex(&octets)))
            .security();
    }
    let kind = Refusal("challenge_type", None);
    for octet in [0x00, TOKEN, 0x03, 0x11, 0x81, 0xff] {
        let challenge = server().signed(&body(octet, &client().public, SECOND));
        let flaw = format!("octet 64 is {octet:02x}");
        let name = format!("type-{octet:02x}");
        kind.add(family, name, "valid", &["TOK-027"], flaw, set("challenge", hex(&challenge)))
            .security();
    }
    let key = Refusal("challenge_key", None);
    let mut add = |name: String, public: &[u8], flaw: String| {
        let challenge = server().signed(&body(CHALLENGE, public, SECOND));
        key.add(family, name, "valid", &["TOK-028"], flaw, set("challenge", hex(&challenge)))
            .security();
    };
    add(
        "key-other".to_owned(),
        &other_client().public,
        "the challenge is for another client".to_owned(),
    );
    add("key-zero".to_owned(), &[0; 32], "the key in the challenge is zero".to_owned());
    add(
        "key-of-server".to_owned(),
        &server().public,
        "the key in the challenge is the server's".to_owned(),
    );
    for at in 0..32 {
        let mut public = client().public;
        public[at] ^= if at == 31 { 0x80 } else { 1 };
        let flaw = format!("one bit of octet {at} of the key in the challenge is changed");
        add(format!("key-octet-{at:02}"), &public, flaw);
    }
}

/// What a server would hand a client to have a challenge of another server signed.
fn relays(family: &mut Family, challenge: &[u8]) {
    let refuse = Refusal("challenge_length", None);
    for n in [1, 2, 8, 64] {
        let note = format!(
            "Relay: the client's serverId stands for the first {n} octets that the challenge lacks; \
             what it would sign is another server's whole challenge."
        );
        refuse
            .add(
                family,
                format!("relay-{n}"),
                "server-id",
                &["TOK-026"],
                format!("the first {n} octets of the challenge are missing"),
                set("challenge", hex(&challenge[n..])),
            )
            .note(note)
            .security();
    }
    refuse
        .add(
            family,
            "relay-prefix-of-another",
            "server-id",
            &["TOK-026"],
            "the challenge begins with the rest of another serverId",
            set("challenge", hex(&[b" of B", challenge].concat())),
        )
        .note("Relay: \"Server A\" and \"Server A of B\" are prefixes of one another.")
        .security();
}

fn keys(family: &mut Family) {
    let mismatch = Refusal("key_mismatch", None);
    for (name, key, flaw) in [
        (
            "client-key-mismatched",
            mismatched(&client(), &other_client()),
            "the public half of the client's key is that of another seed",
        ),
        (
            "client-key-bit-changed",
            bit_changed(&client()),
            "one bit of the public half of the client's key is changed",
        ),
    ] {
        mismatch
            .add(family, name, "valid", &["TOK-021"], flaw, set("client_private", hex(&key)))
            .security();
    }
    for (name, id, flaw) in server_id::ill_formed() {
        Refusal("server_id_encoding", None).add(
            family,
            format!("server-id-{name}"),
            "server-id",
            &["TOK-051", "CONV-005"],
            flaw,
            set("server_id", hex(id)),
        );
    }
}
