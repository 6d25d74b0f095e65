//! The serverId when a token is issued (section 5.9), with both holes as they are.

use serde_json::Value;

use super::super::family::{Family, hex};
use super::super::ids::ILL_FORMED;
use super::issue::{input, out};
use super::{CHALLENGE, NOW_MS, Refusal, SECOND, body, client, good_challenge, server, set};

/// serverIds that are not UTF-8, some of them.
pub(super) fn ill_formed() -> impl Iterator<Item = (&'static str, &'static [u8], &'static str)> {
    ILL_FORMED.iter().copied().filter(|(name, _, _)| {
        ["overlong-2-slash", "surrogate-first", "above-10ffff", "truncated-3-after-2", "ff"]
            .contains(name)
    })
}

/// The server has this id, and the client signed with that before the challenge.
fn with(server_id: Option<&str>, prefix: &str) -> Value {
    let signed = client().signed(&[prefix.as_bytes(), &good_challenge()].concat());
    let mut input = input(&signed, NOW_MS);
    if let Some(id) = server_id {
        input["server_id"] = hex(id.as_bytes());
    }
    input
}

pub(super) fn family() -> Family {
    let about = "Issuing a token where the server, the client or both have a serverId.";
    let mut family = Family::new("tok/server-id", "tok.issue", about);
    let mut accept = |name: &str, input: Value, rules: &[&'static str], note: &str| {
        family.accept(name, rules, input, out(NOW_MS), note);
    };
    accept("valid", with(Some("Server A"), "Server A"), &["TOK-034"], "Both have the same.");
    let note = "The client may leave it out.";
    accept("left-out", with(Some("Server A"), ""), &["TOK-053"], note);
    let note = "An empty serverId removes nothing.";
    accept("empty", with(Some(""), ""), &["TOK-052"], note);
    for (name, id, note) in [
        ("one-octet", "S", "A serverId of one octet."),
        ("utf8", "S\u{f8}rv\u{e9}r", "A serverId with characters of two octets."),
        ("four-octets", "\u{1f511}", "A serverId of one character in four octets."),
        ("bom", "\u{feff}Server", "A byte order mark is part of a serverId."),
        ("control", "a\0b\n", "Control characters are allowed in a serverId, unlike in an id."),
        ("repeats-itself", "abab", "A serverId that begins with its own half."),
    ] {
        accept(name, with(Some(id), id), &["TOK-034", "CONV-004"], note);
    }
    let long = "0123456789".repeat(100);
    accept("long", with(Some(&long), &long), &["TOK-034"], "A serverId of 1,000 octets.");
    refusals(&mut family);
    holes(&mut family);
    for (name, id, flaw) in ill_formed() {
        Refusal("server_id_encoding", None).add(
            &mut family,
            format!("ill-formed-{name}"),
            "valid",
            &["TOK-051"],
            flaw,
            set("server_id", hex(id)),
        );
    }
    family
}

fn refusals(family: &mut Family) {
    let refuse = Refusal("server_signature", Some(401));
    let a = Some("Server A");
    for (name, server_id, prefix, rule, flaw) in [
        ("none", None, "Server A", "TOK-054", "the client prepends an id, the server has none"),
        (
            "empty-prepended",
            Some(""),
            "Server A",
            "TOK-054",
            "the client prepends an id, the server's is empty",
        ),
        ("other", a, "Server B", "TOK-054", "the client prepends another server's id"),
        ("twice", a, "Server AServer A", "TOK-034", "the client prepends the id twice"),
        ("shorter", a, "Server ", "TOK-054", "the client prepends the id without its last octet"),
        ("longer", a, "Server A ", "TOK-054", "the client prepends the id and a space"),
        ("case", a, "server a", "CONV-004", "the client prepends the id in lower case"),
        ("later", a, " Server A", "TOK-034", "a space comes before the id"),
        (
            "normalised",
            Some("S\u{e9}rver"),
            "Se\u{301}rver",
            "CONV-004",
            "the client prepends the id in another normalisation form",
        ),
        ("half", Some("abab"), "ab", "TOK-054", "the client prepends half of the id"),
        (
            "half-more",
            Some("abab"),
            "ababab",
            "TOK-034",
            "the client prepends the id and half of it again",
        ),
        (
            "same-length",
            a,
            "Server X",
            "TOK-054",
            "the client prepends an id of the same length as the server's",
        ),
        (
            "bom",
            Some("\u{feff}Server"),
            "Server",
            "CONV-004",
            "the client leaves out the id's byte order mark",
        ),
    ] {
        let input = with(server_id, prefix);
        refuse.add(family, format!("not-{name}"), "valid", &[rule], flaw, move |old| {
            if let Value::Object(new) = input {
                *old = new;
            }
        });
    }
}

/// A second whose challenge begins with `n` octets of ASCII, which could be a serverId.
fn ascii_challenge(n: usize) -> Vec<u8> {
    (SECOND - 50..=SECOND)
        .chain(SECOND - 60_000..SECOND)
        .map(|second| server().signed(&body(CHALLENGE, &client().public, second)))
        .find(|challenge| challenge[..n].is_ascii())
        .unwrap_or_else(|| unreachable!("one in 2^{n} does"))
}

/// Both holes of chapter "Security", section 7: what happens on the wire.
fn holes(family: &mut Family) {
    let challenge = ascii_challenge(1);
    let first = std::str::from_utf8(&challenge[..1]).unwrap_or_else(|_| unreachable!("ASCII"));
    let signed = client().signed(&challenge);
    let mut relayed = input(&signed, NOW_MS);
    relayed["server_id"] = hex(b"Server B");
    family
        .accept(
            "relay",
            &["TOK-053"],
            relayed.clone(),
            out(NOW_MS),
            format!(
                "Hole: server A with the id {first:?} got this challenge from B and handed the client \
                 all but its first octet; the client prepended A's id. B can't tell: only the \
                 client's checks (tok/sign/relay-1) close the hole."
            ),
        )
        .bug("relay");
    for n in [1, 8] {
        let challenge = ascii_challenge(n);
        let signed = client().signed(&challenge);
        let mut plain = input(&signed, NOW_MS);
        plain["challenge_ttl_ms"] = "60000000".into();
        let base = format!("left-out-ascii-{n}");
        let note = "The base of the vector that shows the first hole.";
        family.accept(base.clone(), &["TOK-052"], plain, out(NOW_MS), note);
        Refusal("server_signature", Some(401))
            .add(
                family,
                format!("eats-challenge-{n}"),
                &base,
                &["TOK-034"],
                format!("the serverId is the first {n} octets of the challenge"),
                set("server_id", hex(&challenge[..n])),
            )
            .note(
                "Hole: an honest client that doesn't prepend is refused, since the server takes the \
                 beginning of the challenge for its id.",
            )
            .robustness();
    }
}
