//! Writes the seeds of the corpora from the committed vectors: `cargo run --example seed`.
//!
//! A seed is named `v-` and the id of its vector, and is written again octet for octet. What a fuzzer has found
//! lies beside it under other names and is left alone.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Map, Value, json};
use tunnelproof_fuzz::{CLIENT_SEED, TARGETS, Verdict, run};
use tunnelproof_vectors::{Expect, Suite, Vector};

mod lists;

/// Seeds by target and name.
type Seeds = BTreeMap<(&'static str, String), Seed>;

struct Seed {
    octets: Vec<u8>,
    verdict: Verdict,
}

/// Longer vectors are no good seeds: they say the same as shorter ones.
const LONGEST: usize = 2_200;

fn main() -> io::Result<()> {
    let suite = Suite::embedded().map_err(|e| io::Error::other(e.to_string()))?;
    let mut seeds = Seeds::new();
    let mut seen = HashSet::new();
    for vector in &suite.vectors {
        from_vector(vector, &mut seeds);
        operation(vector, &mut seen, &mut seeds);
    }
    vector_files(&suite, &mut seeds)?;
    lines(&suite, &mut seeds);
    known_failures(&mut seeds);
    operations(&mut seeds);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for ((target, name), Seed { octets, .. }) in &seeds {
        let directory = corpus.join(target);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(format!("v-{name}")), octets)?;
    }
    let octets: usize = seeds.values().map(|seed| seed.octets.len()).sum();
    println!("{} seeds, {octets} octets", seeds.len());
    Ok(())
}

fn from_vector(vector: &Vector, seeds: &mut Seeds) {
    let input = &vector.input;
    let get = |name: &str| octets(input, name).unwrap_or_default();
    let number = |name: &str, or: u64| {
        let given = input.get(name).and_then(Value::as_str).and_then(|text| text.parse().ok());
        let number: u64 = given.unwrap_or(or);
        number.to_be_bytes().to_vec()
    };
    let seed = match vector.op.as_str() {
        "cred.client_key" => ("client_key", get("client_key")),
        "cred.server_key" => ("server_key", get("server_key")),
        "cred.make" => {
            let id = get("id");
            ("server_key", [get("server_password"), get("client_password"), id].concat())
        }
        "hs.spki" => ("spki", get("spki")),
        "hs.request" => ("p1", get("plaintext")),
        "hs.reply" => ("p3", get("plaintext")),
        "chan.open" => {
            // Bit 1 clear: the record is given as it is.
            let mode = u8::from(input.get("direction").is_some_and(|name| name == "c2s"));
            ("record", [get("chain"), number("n", 0), vec![mode], get("record")].concat())
        }
        "frame.stream" => {
            let after = input.get("established_after").and_then(Value::as_u64);
            let ended = input.get("end") == Some(&Value::Bool(true));
            let flags = u8::from(ended) | if after.is_none() { 2 } else { 0 };
            let after = u8::try_from(after.unwrap_or(0)).unwrap_or(u8::MAX);
            let reads = input.get("reads").and_then(Value::as_array);
            let reads = reads.into_iter().flatten().map(value_octets);
            let stream: Option<Vec<_>> = reads.collect();
            ("frame_stream", [vec![flags, after, 6], stream.unwrap_or_default().concat()].concat())
        }
        "tok.verify" => {
            let parts = [number("now_ms", 0), number("token_ttl_ms", 86_400_000), get("token")];
            let token = get("token");
            if let Some(body) = token.get(64..) {
                let seed = [vec![0], parts[0].clone(), parts[1].clone(), body.to_vec()].concat();
                put(seeds, "token_body", &vector.id, seed);
            }
            ("token", [get("server_public"), parts.concat()].concat())
        }
        "tok.issue" => {
            let id = get("server_id");
            let Ok(len) = u8::try_from(id.len()) else { return };
            let clock = [number("now_ms", 0), number("challenge_ttl_ms", 60_000)].concat();
            let (public, signed) = (get("client_public"), get("signed_challenge"));
            let raw = [vec![0], clock.clone(), vec![len], id.clone(), public.clone(), signed];
            // The same with keys of the target: what the client signed, signed again.
            if let Some(message) = raw[5].get(64..) {
                let prefix = message.len().saturating_sub(101);
                let prefix_len = u8::try_from(prefix).unwrap_or(0);
                if let Some(body) = message.get(prefix + 64..) {
                    let head = [vec![3], clock, vec![len], id, public, vec![prefix_len]].concat();
                    let seed = [&head, &message[..usize::from(prefix_len)], body].concat();
                    put(seeds, "signed_challenge", &format!("{}-again", vector.id), seed);
                }
            }
            ("signed_challenge", raw.concat())
        }
        "hs.server" => {
            let first = input.get("events").and_then(|events| events.get(0)?.get("receive"));
            ("m2", first.and_then(value_octets).unwrap_or_default())
        }
        _ => return,
    };
    put(seeds, seed.0, &vector.id, seed.1);
}

/// One request for each operation, outcome and first requirement.
fn operation(vector: &Vector, seen: &mut HashSet<String>, seeds: &mut Seeds) {
    let code = match &vector.expect {
        Expect::Accept(_) => "ok",
        Expect::Reject(reject) => reject.codes.first().map_or("", String::as_str),
    };
    let request = json!({ "op": vector.op, "in": vector.input }).to_string();
    let fits = request.len() <= LONGEST && !vector.input.contains_key("private_key");
    if fits && seen.insert(format!("{} {code}", vector.op)) {
        put(seeds, "operation", &vector.id, request.into_bytes());
    }
}

/// One small file for each family that the target knows, with its shortest vectors.
fn vector_files(suite: &Suite, seeds: &mut Seeds) -> io::Result<()> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/data");
    for family in
        ["cred/client-key", "hs/spki", "hs/server", "chan/session", "frame/stream", "tok/issue"]
    {
        let octets = fs::read(data.join(format!("{family}.json")))?;
        let mut file: Value = serde_json::from_slice(&octets)?;
        let Some(vectors) = file.get_mut("vectors").and_then(Value::as_array_mut) else { continue };
        vectors.sort_by_key(|vector| vector.to_string().len());
        vectors.truncate(2);
        let text = file.to_string();
        let unknown = text.replacen("\"note\"", "\"remark\"", 1);
        let half = text[..text.len() / 2].to_owned();
        for (fault, text) in [("", text), ("-unknown-key", unknown), ("-half", half)] {
            put(seeds, "vector_file", &format!("{family}{fault}"), text.into_bytes());
        }
    }
    assert!(!suite.vectors.is_empty());
    Ok(())
}

/// A few answers and requests as lines.
fn lines(suite: &Suite, seeds: &mut Seeds) {
    let hello = json!({
        "type": "hello", "protocol": 1, "ops": ["cred.make"], "profiles": ["tunnel"],
        "implementation": { "name": "shim", "version": "1" },
        "error_detail": "code", "max_inflight": 1,
    });
    let greeting = json!({
        "type": "hello", "protocol": { "min": 1, "max": 1 }, "suite": "1.0.0", "suite_hash": "00",
    });
    let mut texts = vec![
        ("hello", format!("{hello}\n")),
        (
            "dialogue",
            format!(
                "{greeting}\n{}\n{}\n{}\n",
                json!({ "type": "run", "id": 1, "case": "a/b/c", "op": "cred.make", "in": {} }),
                json!({ "type": "reset", "id": 2 }),
                json!({ "type": "bye" }),
            ),
        ),
        (
            "fault",
            json!({ "type": "answer", "id": 3, "outcome": "fault", "error": {} }).to_string(),
        ),
    ];
    for (name, family) in [("ok", "cred/server-key"), ("reject", "tok/verify")] {
        let negative = name == "reject";
        let fits = |vector: &&Vector| vector.family() == family && vector.is_negative() == negative;
        let Some(vector) = suite.vectors.iter().find(fits) else { continue };
        let answer = match &vector.expect {
            Expect::Accept(out) => {
                json!({ "type": "answer", "id": 1, "outcome": "ok", "out": out })
            }
            Expect::Reject(reject) => json!({
                "type": "answer", "id": 1, "outcome": "reject",
                "error": { "class": reject.class, "code": reject.codes[0], "status": 401 },
            }),
        };
        texts.push((name, answer.to_string()));
    }
    for (name, text) in texts {
        put(seeds, "shim_line", name, text.into_bytes());
    }
}

/// Files of known failures, right and with one fault each.
fn known_failures(seeds: &mut Seeds) {
    let two = "# known\n[[known]]\npattern = \"tok/ed25519/*\"\nreason = \"cofactor; to be fixed\"\n\n\
               [[known]]\npattern = 'hs/spki/?a'\nreason = \"\"\"two\nlines\"\"\"\n";
    for (name, text) in [
        ("two", two.to_owned()),
        ("none", "known = []\n".to_owned()),
        ("inline", "known = [{ pattern = \"a\\u002fb\", reason = 'r' }]".to_owned()),
        ("classes", two.replace("?a", "{a,b[c-d]}\\\\*")),
        ("twice", two.replace("hs/spki/?a", "tok/ed25519/*")),
        ("blank-reason", two.replace("two\nlines", " \n")),
        ("no-reason", two.replace("reason = \"cofactor; to be fixed\"", "")),
        ("unknown-key", two.replace("# known", "id = 1")),
        ("bad-glob", two.replace("?a", "[a")),
        ("half", two[..two.len() / 2].to_owned()),
    ] {
        put(seeds, "known_failures", name, text.into_bytes());
    }
}

/// Lists of operations have no vectors: those that reach the far states, and some octets to start from.
fn operations(seeds: &mut Seeds) {
    for (target, name, octets) in lists::lists() {
        put(seeds, target, &name, octets);
    }
    for target in ["client", "server", "channel", "login", "service"] {
        for seed in [0_u8, CLIENT_SEED[0]] {
            let octets = (0..96_u8).map(|i| i.wrapping_mul(seed | 1)).collect();
            put(seeds, target, &format!("count-{seed}"), octets);
        }
    }
}

fn put(seeds: &mut Seeds, target: &'static str, name: &str, octets: Vec<u8>) {
    assert!(TARGETS.iter().any(|known| known.name == target), "{target}");
    if octets.is_empty() || octets.len() > LONGEST {
        return;
    }
    // Two seeds for each outcome say what there is to say.
    let verdict = run(target, &octets);
    let seen = seeds.iter().filter(|((of, _), seed)| *of == target && seed.verdict == verdict);
    if seen.count() < 2 {
        seeds.insert((target, name.replace('/', "-")), Seed { octets, verdict });
    }
}

fn octets(input: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    value_octets(input.get(name)?)
}

/// Octets that are written out; generated ones are too long for a seed.
fn value_octets(value: &Value) -> Option<Vec<u8>> {
    hex::decode(value.as_str()?).ok()
}
