//! Values of requests and expectations for people: octets split into the fields of the specification.

use serde_json::Value;

mod certificate;

pub(crate) use certificate::certificate;

/// A line of a decoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The path, as in `events[1].receive.signature`.
    pub path: String,
    pub content: Content,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Octets(Vec<u8>),
    /// The octets of `repeat`, cut at a length.
    Long {
        repeat: String,
        length: u64,
    },
    /// A number, a word, a boolean or null.
    Plain(String),
}

impl Content {
    /// In at most about `width` characters; octets are shown from `from` on.
    pub fn show(&self, from: usize, width: usize) -> String {
        match self {
            Content::Plain(text) => text.clone(),
            Content::Long { repeat, length } => format!("{length} octets: {repeat} repeated"),
            Content::Octets(octets) => show_octets(octets, from, width),
        }
    }

    /// Where two contents begin to differ, if both are octets.
    pub fn first_difference(&self, other: &Content) -> usize {
        match (self, other) {
            (Content::Octets(a), Content::Octets(b)) => {
                a.iter().zip(b).take_while(|(a, b)| a == b).count()
            }
            _ => 0,
        }
    }
}

/// The lines of a value: objects and lists by path, octets by field.
pub fn decode(op: &str, value: &Value) -> Vec<Line> {
    let mut lines = Vec::new();
    walk(op, "", "", value, &mut lines);
    lines
}

fn walk(op: &str, path: &str, name: &str, value: &Value, lines: &mut Vec<Line>) {
    let mut plain =
        |text: String| lines.push(Line { path: path.into(), content: Content::Plain(text) });
    match value {
        Value::Object(map) => match (map.get("repeat"), map.get("length")) {
            (Some(Value::String(repeat)), Some(length)) => {
                let length = length.as_u64().unwrap_or(0);
                let content = Content::Long { repeat: repeat.clone(), length };
                lines.push(Line { path: path.into(), content });
            }
            _ if map.is_empty() => plain("{}".into()),
            _ => {
                for (name, value) in map {
                    let path =
                        if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    walk(op, &path, name, value, lines);
                }
            }
        },
        Value::Array(list) if list.is_empty() => plain("[]".into()),
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                walk(op, &format!("{path}[{index}]"), name, value, lines);
            }
        }
        Value::String(text) if is_word(name, text) => plain(text.clone()),
        Value::String(text) => match octets(text) {
            Some(octets) => {
                for (part, octets) in split(op, name, &octets) {
                    let path =
                        if part.is_empty() { path.to_owned() } else { format!("{path}: {part}") };
                    lines.push(Line { path, content: Content::Octets(octets.to_vec()) });
                }
            }
            None => plain(text.clone()),
        },
        other => plain(other.to_string()),
    }
}

/// Whether a string is a u64 or a word of the protocol, and not octets.
fn is_word(name: &str, text: &str) -> bool {
    const U64: &[&str] = &["now", "now_ms", "n", "t", "challenge_ttl_ms", "token_ttl_ms"];
    const WORDS: &[&str] = &[
        "type",
        "direction",
        "role",
        "lookup",
        "check",
        "end",
        "class",
        "code",
        "peer",
        "policies",
    ];
    U64.contains(&name) || WORDS.contains(&name) || text.len() % 2 == 1
}

fn octets(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok()
}

/// Splits octets into the fields that they have in the specification; a value that is cut short loses
/// its last fields, and what is left over is called "rest".
fn split<'a>(op: &str, name: &str, octets: &'a [u8]) -> Vec<(&'static str, &'a [u8])> {
    let length = octets.len();
    match (op, name) {
        (_, "client_key") => {
            let sizes = [("id", length.saturating_sub(26)), ("Pc", 18), ("Ds", 8)];
            fields(octets, &sizes)
        }
        (_, "server_key" | "found") => fields(octets, &[("Ps", 8), ("Dc", 18)]),
        ("hs.request", "plaintext") => {
            let id = octets.first().map_or(0, |&length| usize::from(length));
            fields(octets, &[("len8", 1), ("id", id), ("Pc", 18), ("t", 8), ("nonce", 30)])
        }
        ("hs.reply", "plaintext") => {
            fields(octets, &[("Ps", 8), ("K", 48), ("t'", 8), ("nonce", 30)])
        }
        (_, "nonce") => fields(octets, &[("r", 14), ("binding", 16)]),
        ("tok.issue" | "tok.sign" | "tok.verify" | "tok.challenge", "token" | "challenge") => {
            fields(octets, &[("signature", 64), ("type", 1), ("C", 32), ("time", 4)])
        }
        (_, "signed_challenge") => {
            let server_id = length.saturating_sub(165);
            let sizes = [
                ("client's signature", 64),
                ("serverId", server_id),
                ("server's signature", 64),
                ("type", 1),
                ("C", 32),
                ("time", 4),
            ];
            fields(octets, &sizes)
        }
        (_, "server_private" | "client_private") => {
            fields(octets, &[("seed", 32), ("public key", 32)])
        }
        (_, "chain" | "anchors") => certificate(octets).unwrap_or_else(|| vec![("", octets)]),
        (_, "crls") => certificate::crl(octets).unwrap_or_else(|| vec![("", octets)]),
        (_, "record") => fields(octets, &[("ciphertext", length.saturating_sub(16)), ("tag", 16)]),
        ("hs.server", "receive") => match spki_length(octets) {
            Some(spki) if spki < length => fields(octets, &[("SPKI", spki), ("C1", length - spki)]),
            _ => vec![("", octets)],
        },
        (_, "spki" | "m1") => match spki_length(octets) {
            // 24 octets come before the length of the modulus' INTEGER, 5 are the exponent's.
            Some(spki) if spki == length && length > 38 => {
                fields(octets, &[("head", 33), ("modulus", length - 38), ("exponent", 5)])
            }
            _ => vec![("", octets)],
        },
        _ => vec![("", octets)],
    }
}

/// The length that the outermost DER header states, header included.
fn spki_length(octets: &[u8]) -> Option<usize> {
    match octets {
        [0x30, 0x82, high, low, ..] => Some(usize::from(u16::from_be_bytes([*high, *low])) + 4),
        _ => None,
    }
}

fn fields<'a>(octets: &'a [u8], sizes: &[(&'static str, usize)]) -> Vec<(&'static str, &'a [u8])> {
    let mut rest = octets;
    let mut parts = Vec::new();
    for &(name, size) in sizes {
        let Some((part, after)) = rest.split_at_checked(size) else { break };
        if !part.is_empty() {
            parts.push((name, part));
        }
        rest = after;
    }
    if parts.is_empty() {
        return vec![("", octets)];
    }
    if !rest.is_empty() {
        parts.push(("rest", rest));
    }
    parts
}

fn show_octets(octets: &[u8], from: usize, width: usize) -> String {
    let length = octets.len();
    let unit = if length == 1 { "octet" } else { "octets" };
    if octets.is_empty() {
        return "no octets".into();
    }
    let is_text = octets.iter().all(|b| (0x20..0x7f).contains(b));
    if is_text && length + 2 <= width {
        return format!("{:?}", String::from_utf8_lossy(octets));
    }
    let head = format!("{length} {unit}: ");
    let room = width.saturating_sub(head.len() + 2) / 2;
    let start = if length <= room { 0 } else { from.saturating_sub(2).min(length - 1) };
    let end = (start + room.max(4)).min(length);
    let before = if start > 0 { format!("[{start}..] ..") } else { String::new() };
    let after = if end < length { ".." } else { "" };
    format!("{head}{before}{}{after}", hex::encode(&octets[start..end]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(op: &str, value: Value) -> Vec<(String, String)> {
        decode(op, &value).into_iter().map(|line| (line.path, line.content.show(0, 40))).collect()
    }

    #[test]
    fn a_client_key_is_read_from_the_right() {
        let key = hex::encode("alice000000000000000000BBBBBBBB");
        let lines = paths("cred.client_key", json!({ "client_key": key }));
        let [id, pc, ds] = lines.as_slice() else { panic!("three fields: {lines:?}") };
        assert_eq!(id, &("client_key: id".to_owned(), "\"alice\"".to_owned()));
        assert_eq!(pc.1, "\"000000000000000000\"");
        assert_eq!(ds, &("client_key: Ds".to_owned(), "\"BBBBBBBB\"".to_owned()));
        assert_eq!(paths("cred.client_key", json!({"client_key": ""}))[0].1, "no octets");
    }

    #[test]
    fn what_is_cut_short_loses_its_last_fields() {
        let lines =
            paths("tok.verify", json!({"token": "00".repeat(70), "now_ms": "1700000000000"}));
        assert_eq!(lines[0], ("now_ms".into(), "1700000000000".into()));
        assert_eq!(lines[1].0, "token: signature");
        assert_eq!(lines[2].0, "token: type");
        assert_eq!(lines[3].0, "token: rest");
        assert_eq!(lines[3].1, "5 octets: 0000000000");
    }

    #[test]
    fn events_have_paths() {
        let value = json!({"events": [{"at": 5, "receive": "aabb"}, {"at": 6, "lookup": "unknown", "now": "1"}]});
        let lines = paths("hs.client", value);
        assert_eq!(lines[1], ("events[0].receive".into(), "2 octets: aabb".into()));
        assert_eq!(lines[3], ("events[1].lookup".into(), "unknown".into()));
    }

    #[test]
    fn certificates_and_crls_are_shown_by_field() {
        let suite = tunnelproof_vectors::Suite::embedded().expect("the vectors load");
        let of = |id: &str| {
            let vector = suite.vectors.iter().find(|vector| vector.id == id).expect("a vector");
            paths("tls.verify", Value::Object(vector.input.clone()))
        };
        let has = |lines: &[(String, String)], path: &str, value: &str| {
            let found = lines.iter().any(|line| line.0 == path && line.1 == value);
            assert!(found, "{path} {value} among {lines:#?}");
        };
        let lines = of("tls/crl/client-revoked");
        has(&lines, "chain[0]: SAN URI", "\"secure-tunnel:alice\"");
        has(&lines, "chain[0]: serial", "2 octets: 1001");
        has(&lines, "chain[0]: subject OU", "\"client\"");
        has(&lines, "chain[1]: notBefore", "\"240102000000Z\"");
        has(&lines, "anchors[0]: issuer OU", "\"root\"");
        has(&lines, "crls[1]: revoked", "2 octets: 1001");
        has(&lines, "crls[1]: nextUpdate", "\"260131000000Z\"");
        has(&of("tls/server-name/ipv4"), "chain[0]: SAN IP", "4 octets: c0000207");
        // What cannot be read is shown as it is.
        has(&of("tls/form/server-empty"), "chain[0]", "no octets");
    }

    #[test]
    fn octets_are_shown_from_where_they_differ() {
        let (a, mut b) = (vec![0xff; 100], vec![0xff; 100]);
        b[50] = 0;
        let (a, b) = (Content::Octets(a), Content::Octets(b));
        let from = a.first_difference(&b);
        assert_eq!(from, 50);
        assert_eq!(b.show(from, 40), "100 octets: [48..] ..ffff00ffffffffffffffffffff..");
    }
}
